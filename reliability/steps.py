"""kill -9 behind each step that one request takes on the disk, one after the other."""

from __future__ import annotations

import asyncio
import base64
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx

from mockkie.store.disk import DiskStore
from reliability.audit import audit
from reliability.run import Run
from reliability.shaky import Disk, Event, Op, Target
from reliability.victim import Victim

LARGE: Final = 200_000  # bytes, of a file of its own
SMALL: Final = 300  # bytes, in the index
_OTHER: Final = "other"  # a world
_PATIENCE: Final = 30.0  # seconds for an answer
_LINGER: Final = 0.05  # seconds for what comes behind an answer
_SWEEP: Final = 1.0  # seconds within which expired files are swept

Files = frozenset[tuple[str, str]]
"""Paths with the digests of what is there; the audit looks whether they are right."""
State = Mapping[str, tuple[Files, int, int | None]]
"""By world: its live files, and its clock."""
Ask = Callable[[str], httpx.Response]
"""Sends the request to a mock, and has its answer."""


@dataclass(frozen=True, slots=True)
class Deed:
    """A request whose steps are walked. `linger`: seconds for which some come behind its answer."""

    name: str
    ask: Ask
    linger: float = _LINGER
    words: Sequence[str] = ("--durable",)


class Walk:
    """The deeds, each on a copy of the same folder. `env` is for the mock, beside what it needs."""

    def __init__(self, run: Run, library: Path, env: Mapping[str, str] | None = None) -> None:
        self._run, self._library, self._env = run, library, env or {}
        at = run.folder / "steps"
        at.mkdir()
        self._data, self._begin, self._torn = at / "data", at / "begin", at / "torn"
        self._tape, self._said = at / "tape", at / "said"
        victim = self._ready(self._begin)
        for name, size in (("large", LARGE), ("small", SMALL), ("gone", LARGE)):
            _upload("stream", name, size, victim.url).raise_for_status()
        _control("POST", "worlds", {"id": _OTHER, "keys": [_OTHER]}, victim.url).raise_for_status()
        _upload("stream", "a", LARGE, victim.url, key=_OTHER).raise_for_status()
        victim.terminate()
        victim.wait()

    def walk(self, deed: Deed, *, most: int | None = None) -> None:
        """Kill behind each of its steps, or behind `most` that chance picks."""
        before = look(_copied(self._begin, self._data))
        steps = self._steps(self._begin, deed)
        after = look(self._data)
        if before == after:
            self._run.fail(f"{deed.name} changes nothing")
        for op, number in self._picked(steps, most):
            disk = Disk(self._library, _copied(self._begin, self._data))
            victim = self._ready(self._data, deed, disk)
            disk.kill_at(op, Target.ALL, time=number, behind=True)
            answered = _answered(deed, victim, disk)
            may_be = (after,) if answered else (before, after)
            self._end(victim, disk, f"{deed.name}, killed behind {op.name} {number}", may_be)

    def walk_start(self, *, most: int | None = None) -> None:
        """Kill behind each step of a start that puts right what a killed overwrite has left."""
        self._tear()
        state = look(_copied(self._torn, self._data))
        for op, number in self._picked(self._steps(self._torn), most):
            disk = Disk(self._library, _copied(self._torn, self._data))
            disk.kill_at(op, Target.ALL, time=number, behind=True)
            victim = Victim(self._data, said=self._said, env={**self._env, **disk.env})
            victim.is_ready()
            self._end(victim, disk, f"a start, killed behind {op.name} {number}", (state,))

    def _tear(self) -> None:
        """A folder whose index has an overwrite already, and whose shelf has it not yet."""
        disk = Disk(self._library, _copied(self._begin, self._torn))
        victim = self._ready(self._torn, disk=disk)
        disk.kill_at(Op.RENAME, Target.INCOMING)
        with suppress(httpx.HTTPError):
            _upload("base64", "large", LARGE, victim.url)
        victim.wait()
        disk.close()

    def _steps(self, begin: Path, deed: Deed | None = None) -> Sequence[tuple[Op, int]]:
        """What is done to the disk for a deed, or for the start, and is left to be looked at."""
        self._tape.unlink(missing_ok=True)
        disk = Disk(self._library, _copied(begin, self._data), record=self._tape)
        victim = self._ready(self._data, deed, disk)
        known = 0
        if deed is not None:
            known = self._tape.stat().st_size
            deed.ask(victim.url).raise_for_status()
            time.sleep(deed.linger)
        told = [event.op for event in Event.read_all(self._tape) if event.end > known]
        victim.kill()
        victim.wait()
        disk.close()
        return numbered(told)

    def _picked(
        self, steps: Sequence[tuple[Op, int]], most: int | None
    ) -> Sequence[tuple[Op, int]]:
        if most is None or most >= len(steps):
            return steps
        return self._run.random.sample(steps, most)

    def _end(self, victim: Victim, disk: Disk, told: str, may_be: Sequence[State]) -> None:
        """The folder is as it was, or as it was to be; and has nothing else in it."""
        victim.kill()
        victim.wait()
        self._run.count("kills survived")
        hit = "behind each step of a request or start" if disk.killed else "behind all of them"
        self._run.count(f"of them {hit}")
        disk.close()
        found = look(self._data)
        if found not in may_be:
            self._run.fail(f"{told}: there is {found}, and there may be {may_be}")
        for wrong in audit(self._data)[1]:
            self._run.fail(f"{told}: {wrong}")

    def _ready(self, data: Path, deed: Deed | None = None, disk: Disk | None = None) -> Victim:
        env = {**self._env, **(disk.env if disk else {})}
        victim = Victim(data, *(deed.words if deed else ()), said=self._said, env=env)
        if not victim.is_ready():
            raise RuntimeError(f"the mock does not start: {self._said.read_text()}")
        return victim


def walk(run: Run, library: Path) -> None:
    """All deeds in full; in the short form a few steps of one of them."""
    steps = Walk(run, library)
    if run.short:
        steps.walk(run.random.choice(DEEDS), most=4)
        return
    steps.walk_start()
    for deed in DEEDS:
        steps.walk(deed)
        run.tell(lambda deed=deed: f"each step of {deed.name}")  # type: ignore[misc]  # of the loop


def numbered(ops: Sequence[Op]) -> Sequence[tuple[Op, int]]:
    """Each operation, and the how manieth of its kind it is."""
    seen: Counter[Op] = Counter()
    found = []
    for op in ops:
        seen[op] += 1
        found.append((op, seen[op]))
    return found


def look(data: Path) -> State:
    """What is in a folder once it was opened, which puts right what a kill left."""
    return asyncio.run(_look(data))


async def _look(data: Path) -> State:
    store = DiskStore.open_folder(data)
    try:
        found = {}
        for world in await store.worlds():
            now = world.clock.now()
            files = [file for file in await store.list(world.id) if file.expires_at > now]
            seen = frozenset((file.path, file.digest) for file in files)
            found[world.id] = (seen, *world.clock.state())
        return found
    finally:
        await store.close()


def _answered(deed: Deed, victim: Victim, disk: Disk) -> bool:
    """Whether the answer came; then what comes behind it is waited for."""
    try:
        answer = deed.ask(victim.url)
    except httpx.HTTPError:
        return False
    end = time.monotonic() + deed.linger
    while not disk.killed and time.monotonic() < end:
        time.sleep(0.005)
    return answer.is_success


def _copied(begin: Path, at: Path) -> Path:
    shutil.rmtree(at, ignore_errors=True)
    return Path(shutil.copytree(begin, at))


def _upload(
    way: str, path: str, size: int, url: str, *, key: str = "kie-mock-key"
) -> httpx.Response:
    content = bytes(number % 251 for number in range(size))
    fields: dict[str, Any] = {"uploadPath": "a", "fileName": path}
    more: dict[str, Any] = {"json": fields}
    if way == "stream":
        more = {"data": fields, "files": {"file": (path, content)}}
    elif way == "base64":
        fields["base64Data"] = base64.b64encode(content[::-1]).decode()
    else:
        fields["fileUrl"] = f"{url}/__mockkie/origin/large/{size}"
    with httpx.Client(trust_env=False, timeout=_PATIENCE) as client:
        bearer = {"Authorization": f"Bearer {key}"}
        return client.post(f"{url}/api/file-{way}-upload", headers=bearer, **more)


def _control(method: str, path: str, body: Any, url: str) -> httpx.Response:
    with httpx.Client(trust_env=False, timeout=_PATIENCE) as client:
        return client.request(method, f"{url}/__mockkie/{path}", json=body)


DEEDS: Final = (
    Deed("an upload as a stream", partial(_upload, "stream", "new", LARGE)),
    Deed("a small upload", partial(_upload, "stream", "new", SMALL)),
    Deed("an overwrite as base64", partial(_upload, "base64", "large", LARGE)),
    Deed(
        "an overwrite as base64, not durable", partial(_upload, "base64", "large", LARGE), words=()
    ),
    Deed("an overwrite by URL", partial(_upload, "url", "large", LARGE)),
    Deed("a small file over a large one", partial(_upload, "base64", "large", SMALL)),
    Deed("a large file over a small one", partial(_upload, "base64", "small", LARGE)),
    Deed("a deletion", partial(_control, "DELETE", "files?path=a/gone", None)),
    Deed("a deletion of all", partial(_control, "DELETE", "files", None)),
    Deed(
        "a move of the clock",
        partial(_control, "POST", "clock/advance", {"duration": "P4D"}),
        _SWEEP,
    ),
    Deed("a reset", partial(_control, "POST", "reset", None)),
    Deed("a new world", partial(_control, "POST", "worlds", {"id": "new", "keys": ["new"]})),
    Deed("a world dropped", partial(_control, "DELETE", f"worlds/{_OTHER}", None)),
)
