"""Very many connections, very slow ones, very large ones, and all at full rate for long."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from reliability.many_clients import Talk, get, open_many, upload, upload_whole
from reliability.run import Run
from reliability.visits import visiting
from reliability.watching import Sample, left_over, sample, settled, slope
from tests.serving_processes import served

TITLE: Final = "Load"
ABOUT: Final = """
One mock in a folder, one process: idle connections, uploads of a byte each second, large uploads at
the same time (their bytes are generated, none is in the memory of the client), clients that never
finish their request, and then small and middle-sized uploads, reads and overwrites at full rate.
Meanwhile another client asks for little, again and again, and has to be answered each time; how
long that took is told as median / 99 % / worst of all. In the long form `mockkie check --quick`
judges the mock while it is loaded (beside five large uploads, not all of them). When a load is
over, no descriptor, thread or temporary file more than before may be there, and over the soak
memory may not go on growing; that no task is left is a test (`tests/test_load.py`). No time is
judged: the machine has other things to do.
"""
FOUND: Final = (
    (
        "The head of a request could be of any length, and all of it was kept in memory. It has "
        "at most 65,536 bytes now, else the answer is 431."
    ),
    (
        "A client could begin a request and never end it, and hold its connection for ever. It has "
        "a minute (`--client-timeout`) and is answered 408 then; who connects and asks nothing is "
        "let go."
    ),
    (
        "There was no bound on connections but the number of files that a process may open, and "
        "behind that nobody was answered at all. `--max-connections` answers 503, and the bound of "
        "the system is raised as far as it goes."
    ),
)

_TIMEOUT: Final = 5.0  # --client-timeout of the mock
_MB: Final = 1_000_000
_TRICKLE: Final = 1.0  # seconds between two bytes of a slow upload
_WARM: Final = 1 / 3  # of the soak, before memory is looked at
_SLOPE: Final = 50.0  # MB an hour by which memory may seem to grow
_SHORTEST: Final = 300.0  # seconds of a soak whose slope says something


@dataclass(frozen=True, slots=True)
class Attacked:
    """The mock, its process, and its folders of bytes that nobody keeps."""

    url: str
    key: str
    pid: int
    folders: tuple[Path, ...]

    def look(self) -> Sample:
        """What the process has now."""
        return sample(self.pid, *self.folders)


Load = Callable[[Run, Attacked], Coroutine[Any, Any, None]]


def attack(run: Run) -> None:
    """Each load after the other at the same mock, and what it has left behind."""
    with _mock(run.folder) as mock:
        asyncio.run(_warm(mock))
        for name, load in LOADS.items():
            before = mock.look()
            with visiting(mock.url, mock.key) as visits:
                try:
                    asyncio.run(load(run, mock))
                except OSError as error:
                    run.fail(f"{name}: {error!r}")
            run.figure(f"answers to others, {name}", str(visits))
            for text in visits.failed[:3]:
                run.fail(f"{name}: {text}")
            if not visits.took:
                run.fail(f"{name}: nobody else was answered")
            for text in left_over(settled(mock.look, before), before):
                run.fail(f"{name}: {text}")
            run.tell(lambda name=name: f"{name} is over")  # type: ignore[misc]  # of the loop


@contextmanager
def _mock(folder: Path) -> Iterator[Attacked]:
    temporary = folder / "tmp"
    temporary.mkdir()
    words = ("--client-timeout", str(_TIMEOUT), "--max-connections", "5000")
    with served(folder / "mock", *words, env={"TMPDIR": str(temporary)}) as facts:
        incoming = folder / "mock" / "data" / "incoming"
        yield Attacked(facts["url"], facts["key"], facts["pid"], (temporary, incoming))


async def _warm(mock: Attacked) -> None:
    """What is opened or imported once is there before anything is counted."""
    talk = await Talk.open(mock.url)
    for name in ("small", "large"):
        await upload_whole(talk, mock.key, name, 10 if name == "small" else _MB)
    await talk.close()


async def _judge(run: Run, mock: Attacked, load: str) -> None:
    """The contract suite against a world of its own, in the middle of a load; in the long form."""
    if run.short:
        return
    words = ("-m", "mockkie", "check", mock.url, "--quick", "--key", await _key(mock))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    run.count("runs of the contract suite meanwhile")
    if process.returncode:
        run.fail(f"{load}: mockkie check ended with {process.returncode}: {said[-800:].decode()}")


async def _key(mock: Attacked) -> str:
    talk = await Talk.open(mock.url)
    await talk.send(
        b"POST /__mockkie/worlds HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    )
    key: str = json.loads((await talk.answer()).body)["key"]
    await talk.close()
    return key


async def _idle(run: Run, mock: Attacked) -> None:
    """Half of them have asked once, the others nothing yet."""
    count, before = run.size(2_000, 300), mock.look()
    async with open_many(mock.url, count) as talks:
        for at in range(0, count, 200):
            some = talks[at : at + 200 : 2]
            await asyncio.gather(*[talk.send(get("/livez")) for talk in some])
            await asyncio.gather(*[talk.answer() for talk in some])
        now = mock.look()
        run.figure("idle connections at the same time", now.descriptors - before.descriptors)
        each = round((now.memory - before.memory) / count / 1_000, 1)
        run.figure("idle connections: memory of each, KB", each)
        await _judge(run, mock, "idle connections")
        await asyncio.sleep(2 * _TRICKLE)


async def _trickle(run: Run, mock: Attacked) -> None:
    count, least = run.size(500, 50), run.size(60, 3)
    seconds = 20 * least
    judging = asyncio.create_task(_judge(run, mock, "slow uploads"))
    async with open_many(mock.url, count) as talks:
        heads = [upload(mock.key, f"slow-{number}", seconds) for number in range(count)]
        await asyncio.gather(
            *[talk.send(before) for talk, (before, _) in zip(talks, heads, strict=True)]
        )
        sent = 0
        while sent < least or (sent < seconds and not judging.done()):
            await asyncio.sleep(_TRICKLE)
            await asyncio.gather(*[talk.send(b"x") for talk in talks])
            sent += 1
        await judging
        await asyncio.gather(
            *[
                talk.send(b"x" * (seconds - sent) + behind)
                for talk, (_, behind) in zip(talks, heads, strict=True)
            ]
        )
        answers = await asyncio.gather(*[talk.answer() for talk in talks])
    run.count("uploads of a byte a second", count)
    run.figure("slow uploads: seconds of each", sent)
    for answer in answers:
        if answer.status != 200 or json.loads(answer.body)["data"]["fileSize"] != seconds:  # noqa: PLR2004 - HTTP's
            run.fail(f"slow uploads: answered {answer.status}: {answer.body[:200]!r}")
            return


async def _large(run: Run, mock: Attacked) -> None:
    count, size = run.size(200, 10), (50 if not run.short else 5) * _MB
    peak, over = mock.look(), asyncio.Event()

    async def watch() -> None:
        nonlocal peak
        while not over.is_set():
            peak = max(peak, mock.look(), key=lambda one: one.memory)
            await asyncio.sleep(0.25)

    watching = asyncio.create_task(watch())
    began = time.monotonic()
    async with open_many(mock.url, count) as talks:
        await asyncio.gather(*[_send(mock, talk, at % 20, size) for at, talk in enumerate(talks)])
    took = time.monotonic() - began
    judging = asyncio.create_task(_judge(run, mock, "large uploads"))
    async with open_many(mock.url, 5) as talks:  # with all of them it would take hours
        while not judging.done():
            await asyncio.gather(
                *[_send(mock, talk, at, size // 10) for at, talk in enumerate(talks)]
            )
    await judging
    over.set()
    await watching
    run.count(f"uploads of {size // _MB} MB, {count} at the same time", count)
    run.figure("large uploads: MB a second", round(count * size / _MB / took, 1))
    run.figure("large uploads: most memory of the mock, MB", round(peak.memory / _MB, 1))


async def _send(mock: Attacked, talk: Talk, number: int, size: int) -> None:
    await upload_whole(talk, mock.key, f"large-{number}", size)


async def _never_end(run: Run, mock: Attacked) -> None:
    """Heads and bodies that break off, and connections on which nothing is asked at all."""
    count = run.size(500, 60)
    begun = [b"POST /api/file-st", get("/livez")[:-2], upload(mock.key, "never", 1_000)[0], b""]
    async with open_many(mock.url, count) as talks:
        await asyncio.gather(*[talk.send(begun[at % 4]) for at, talk in enumerate(talks)])

        async def end(at: int, talk: Talk) -> int:
            status = (await talk.answer()).status if begun[at % 4] else 0
            return status if await talk.ended() else -1

        ends = await asyncio.gather(*[end(at, talk) for at, talk in enumerate(talks)])
    run.count("requests that never end, refused", count)
    if set(ends) - {0, 408}:
        run.fail(f"requests that never end: they ended with {sorted(set(ends))}, not all with 408")


async def _soak(run: Run, mock: Attacked) -> None:
    seconds = run.size(3_600, 6)
    until, samples, done = time.monotonic() + seconds, list[Sample](), [0]

    async def use(number: int) -> None:
        talk = await Talk.open(mock.url)
        while time.monotonic() < until:
            size = (10, 5_000, 60_000, _MB)[done[0] % 4 if done[0] % 40 == 3 else done[0] % 3]  # noqa: PLR2004
            data = await upload_whole(talk, mock.key, f"soak-{number}-{done[0] % 5}", size)
            await talk.send(get(data["downloadUrl"].removeprefix(mock.url)))
            answer = await talk.answer()
            if len(answer.body) != size:
                run.fail(f"soak: {size:,} bytes came back as {len(answer.body):,}")
            done[0] += 2
            if done[0] % 100 == 0:
                await talk.close()
                talk = await Talk.open(mock.url)
        await talk.close()

    async def watch() -> None:
        while time.monotonic() < until:
            samples.append(mock.look())
            run.tell(lambda: f"soak, {done[0]:,} requests, {samples[-1].memory / _MB:.0f} MB")
            await asyncio.sleep(min(5.0, seconds / 20))

    await asyncio.gather(watch(), _judge(run, mock, "soak"), *[use(number) for number in range(8)])
    grown = slope(samples[round(len(samples) * _WARM) :]) / _MB
    run.count("requests of the soak", done[0])
    run.figure("soak, seconds at full rate", seconds)
    run.figure("soak: memory at its end, MB", round(samples[-1].memory / _MB, 1))
    if seconds >= _SHORTEST:
        run.figure("soak: memory grows by MB an hour", round(grown, 1))
        if grown > _SLOPE:
            run.fail(f"soak: memory grows by {grown:.0f} MB an hour")


LOADS: Final[dict[str, Load]] = {
    "idle connections": _idle,
    "slow uploads": _trickle,
    "large uploads": _large,
    "requests that never end": _never_end,
    "soak": _soak,
}
