"""Many clients on the same names at the same moment, and a clock that is moved meanwhile."""

from __future__ import annotations

import json
import random
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from reliability.clients import Client, Place, TornError
from reliability.counts import few_credits, miscounted
from reliability.drawn_history import drawn, smallest, written
from reliability.history import Call, judge, loosened
from reliability.run import Run
from tests.s3_servers import S3, missing, moto, radosgw
from tests.serving_processes import served

TITLE: Final = "Many clients at the same moment"
ABOUT: Final = """
Clients with connections of their own upload, overwrite, read (all of it, a part, the head), list
and delete the files of a world that has few names, while one of them moves the clock on and back,
over the end of files, and resets the world. What each of them saw is a history, and every history
has to be explained by some order of its calls, one after the other, that contradicts neither an
answer nor what came before what (linearizability). The judge of histories is held against one that
tries every order, and seen to find what is planted. The world is judged as a whole, its clock and
all of its names. What cannot be explained is written down, made small and drawn.

Over a bucket names are judged one by one, each with the clock, since a listing there is of no one
moment; while a clock is being moved, mocks may go by either ([cluster.md](cluster.md)); nothing is
deleted and no world reset.
"""
FOUND: Final = (
    (
        "With `--workers`, an upload that was under way while another worker moved the clock "
        "was kept by the clock of before: it replaced newer files, and was gone before its "
        "time. The world is looked at again in the transaction that keeps a file."
    ),
    (
        "A worker that was asked nothing for a while swept by the clock that it had seen "
        "last: once the clock was set back, that deleted living files. Who is outdated sweeps "
        "nothing."
    ),
    (
        "Moves of one clock through two workers at the same moment were lost, and two worlds "
        "of one id could be made. A world is changed only by who knows it as it is."
    ),
    (
        "Between the write of a clock and the word of it to the others, one worker answered "
        "by the new clock and then another one by the old. Changes are counted where they are "
        "written."
    ),
    (
        "A reset took files away first and set the clock back then: what came in between "
        "stayed, with a life of before. It is one transaction now, in folders."
    ),
    (
        "Over a bucket, an upload whose body took long was kept by the clock of its "
        "beginning, behind newer ones. The clock is looked at before the bytes are stored, "
        "and again behind that."
    ),
    (
        "Over a bucket, two deletions of one file at the same moment could be answered 503. "
        "They are tried again a little later."
    ),
    (
        "Several processes could spend the last credit twice. It is counted in a transaction "
        "in folders, by objects that are there only once in buckets."
    ),
)

_DAY: Final = 86_400_000
_BEGINNING: Final = 1_893_456_000_000  # 2030: no history gets there by real time
_CLIENTS: Final = 5
_VALUES: Final = 100  # of one client
_AT_MOST: Final = 3  # failures of one place: more say the same
_HISTORIES: Final = Path("build/histories")


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to serve. `words` are those of `mockkie serve`, `weight` its share of histories."""

    name: str
    words: tuple[str, ...]
    weight: float
    at_once: int = 2
    mocks: int = 1
    sizes: tuple[int, ...] = (64, 40_000, 1_200_000)
    by_name: bool = False


KINDS: Final = (
    Kind("memory", ("--data", "memory:"), 1.0),
    Kind("folder", (), 1.0),
    Kind("folder, --durable", ("--durable",), 0.5),
    Kind("folder, 2 workers", ("--workers", "2"), 1.5),
    Kind("folder, 3 workers", ("--workers", "3"), 1.0),
    Kind("bucket, 3 mocks", (), 0.3, at_once=8, mocks=3, by_name=True),
)


def attack(run: Run) -> None:
    """Take histories at every kind of mock, and judge them."""
    for kind in KINDS:
        seeds = [run.random.randrange(2**32) for _ in range(run.size(1_000, 10))]
        seeds = seeds[: max(1, round(len(seeds) * kind.weight))]
        with mocks(kind, run.folder / kind.name.translate({ord(" "): "-", ord(","): None})) as urls:
            _take(run, kind, urls, seeds)
            for text in miscounted(urls, quota_exact=not kind.by_name):
                run.fail(f"{kind.name}: {text}")
            run.count("counts that had to be exact, of faults, quotas, credits and moves", 4)


def _take(run: Run, kind: Kind, urls: Sequence[str], seeds: Sequence[int]) -> None:
    wrong = 0
    done: Counter[str] = Counter()
    with ThreadPoolExecutor(kind.at_once) as pool:
        for seed, (calls, torn) in zip(
            seeds, pool.map(lambda seed: history(urls, kind, seed), seeds), strict=True
        ):
            run.count("histories")
            run.count(f"histories: {kind.name}")
            run.count("calls", len(calls))
            done.update("unanswered" if not call.answered else call.kind for call in calls)
            for text in torn:
                run.fail(f"{kind.name}, history {seed}: {text}")
            if not all(call.answered for call in calls) and not kind.by_name:
                run.fail(f"{kind.name}, history {seed}: an upload was answered 500, or not at all")
            for part in parts(calls, kind):
                if wrong < _AT_MOST and judge(part) is not None:
                    wrong += 1
                    run.fail(f"{kind.name}, history {seed}: {tell(part, kind, seed)}")
            run.tell(lambda: f"{kind.name}, {run.outcome.figures['histories']} histories")
    for what, times in done.items():
        run.count(f"calls: {what}", times)


def parts(calls: Sequence[Call], kind: Kind) -> list[list[Call]]:
    """What is judged: all of it, or name by name."""
    if not kind.by_name:
        return [list(calls)]
    return [loosened(calls, name) for name in sorted({call.name for call in calls} - {""})]


def tell(calls: Sequence[Call], kind: Kind, seed: int) -> str:
    """Write a history that cannot be down, and draw what is wrong with it."""
    _HISTORIES.mkdir(parents=True, exist_ok=True)
    path = _HISTORIES / f"{kind.name.replace(' ', '-').replace(',', '')}-{seed}.json"
    path.write_text(written(calls))
    return f"{drawn(smallest(calls))}(all of it is in {path})"


def history(urls: Sequence[str], kind: Kind, seed: int) -> tuple[list[Call], list[str]]:
    """What some clients see of a new world, and what came that is no value at all."""
    chance = random.Random(seed)
    world = _post(f"{urls[0]}/__mockkie/worlds", {})
    names = ("a", "b")[: chance.choice((1, 1, 2))]
    place = Place(tuple(urls), world["key"], world["account"], names, kind.sizes)
    mover, *others = [
        Client(number, place, random.Random(chance.random())) for number in range(_CLIENTS)
    ]
    mover.set(_BEGINNING)
    rounds = chance.choice((6, 12, 20))
    over, strict = threading.Event(), not kind.by_name
    torn: list[str] = []

    def go(work: Callable[[], None]) -> None:
        try:
            work()
        except (TornError, OSError) as error:
            torn.append(str(error))

    threads = [
        threading.Thread(
            target=go, args=(lambda client=client: _use(client, rounds, deletes=strict),)
        )
        for client in others
    ]
    moving = threading.Thread(target=go, args=(lambda: _move(mover, over, resets=strict),))
    for thread in (*threads, moving):
        thread.start()
    for thread in threads:
        thread.join()
    over.set()
    moving.join()
    for client in (mover, *others):
        client.leave()
    _delete(f"{urls[0]}/__mockkie/worlds/{world['id']}")
    return [call for client in (mover, *others) for call in client.calls], torn


def _use(client: Client, rounds: int, *, deletes: bool) -> None:
    values = iter(range(client.number * _VALUES + 1, (client.number + 1) * _VALUES))
    chance = client.random
    for _ in range(rounds):
        name = chance.choice(client.place.names)
        weights = (35, 45, 9, 5 if deletes else 0, 6)
        match chance.choices(("upload", "read", "list", "delete", "clock"), weights)[0]:
            case "upload":
                client.upload(name, next(values))
            case "read":
                client.read(name)
            case "list":
                client.list()
            case "delete":
                client.delete(name)
            case _:
                client.clock()
        if not chance.randrange(10):
            client.leave()


def _move(client: Client, over: threading.Event, *, resets: bool) -> None:
    """Move the clock until the others are done; it stands still between two moves."""
    chance = client.random
    now = _BEGINNING
    pauses = (0, 0.005, 0.02) if resets else (0, 0.2, 0.5)
    while not over.wait(chance.choice(pauses)):
        what = chance.choices(("on", "back", "reset"), (7, 2, 1 if resets else 0))[0]
        if what == "on":
            by = chance.choice((_DAY, _DAY, 2 * _DAY, 3 * _DAY))
            client.advance(by)
            now += by
        elif what == "back":
            now -= chance.choice((_DAY, 2 * _DAY))
            client.set(now)
        else:
            client.reset()
            client.read(client.place.names[0])
            now = _BEGINNING
            client.set(now)


@contextmanager
def mocks(kind: Kind, folder: Path) -> Iterator[list[str]]:
    """The addresses of running mocks of a kind."""
    folder.mkdir()
    with ExitStack() as stack:
        words, env = (*kind.words, *few_credits(folder)), {}
        if kind.mocks > 1:
            s3 = stack.enter_context(bucket())
            words, env = (*words, "--data", f"s3://{s3.bucket}/linear"), dict(s3.environment)
        yield [
            stack.enter_context(served(folder / str(number), *words, env=env))["url"]
            for number in range(kind.mocks)
        ]


@contextmanager
def bucket() -> Iterator[S3]:
    """A bucket of Ceph's gateway, where it is installed, else of moto."""
    with radosgw() if not missing() else moto() as s3:
        yield s3


def _post(url: str, body: Any) -> Any:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - ours
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
        return json.loads(answer.read())


def _delete(url: str) -> None:
    request = urllib.request.Request(url, method="DELETE")  # noqa: S310 - ours
    urllib.request.urlopen(request).close()  # noqa: S310 - as above
