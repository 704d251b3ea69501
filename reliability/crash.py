"""kill -9 of a mock over a folder, again and again, while clients note what they are told."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx

from reliability import shaky
from reliability.audit import audit
from reliability.crowd import Crowd
from reliability.inquest import Inquest
from reliability.ledger import WorldLedger
from reliability.run import Run
from reliability.shaky import Disk, Op, Target
from reliability.steps import walk
from reliability.victim import Victim

TITLE: Final = "Crashes"
ABOUT: Final = """
`mockkie serve --data FOLDER` is killed with `kill -9` over and over, on the same folder: at random
moments, at chosen ones (the n-th write, rename, unlink or sync of a kind, before it or behind it,
by a layer in front of the C library), while it starts, while it puts right what the last kill left,
and while it ends; some of the time with `--workers 2` (all at once, the parent alone, a worker
alone) or with `--durable`. Meanwhile httpx, requests and raw connections upload by all three ways,
also over the same names at the same time, download, move clocks past the end of files, change
settings, delete, reset and drop worlds, and note every answer.

Then one request after the other is walked: an upload of each kind, an overwrite, a deletion, a move
of the clock with its sweep, a reset, a world made and dropped, and a start that puts right what a
kill left. What it does to the disk is recorded, and on a copy of the same folder it is killed
behind the first of these steps, on another one behind the second, and so on, each of them once.
Afterwards the folder is as it was, or as it was to be.

After each restart, all that was acknowledged, and neither replaced nor deleted nor expired since,
is there byte for byte; an upload without an answer is there whole or not at all; list, headers and
bytes agree; clocks, settings, quotas and worlds are what was acknowledged last, or what was asked
for last without an answer; journals can be read. On the disk, the index passes SQLite's
`integrity_check` and names exactly the files that are there: no orphans, nothing in flight, no
temporary folders.
"""
FOUND: Final = (
    (
        "A parent of `--workers` that was killed left its workers serving, and writing to a folder "
        "that the next mock took for free: they end with it now, and hold the lock until they do."
    ),
    (
        "A worker kept an upload in a world that another worker had dropped meanwhile: the file "
        "stayed for good, and a new world of the same name would have had it."
    ),
    (
        "A killed mock with `--workers` left a folder for its counts among the system's temporary "
        "files: it is in the data folder now, and the next start clears it."
    ),
)

_PATHS: Final = [f"c{client}/n{number}" for client in "0123x" for number in range(4)]
_START_SECONDS: Final = 1.2  # about what a start takes, on a busy machine
_MOMENTS: Final = (
    (Op.CREATE, Target.INCOMING),
    (Op.WRITE, Target.INCOMING),
    (Op.WRITE, Target.LOG),
    (Op.WRITE, Target.INDEX),
    (Op.RENAME, Target.INCOMING),
    (Op.UNLINK, Target.INCOMING | Target.SHELF),
    (Op.SYNC, Target.STORE),
    (Op.WRITE, Target.SHARED),
)
_AT_START: Final = (
    (Op.OPEN, Target.STORE),
    (Op.WRITE, Target.INDEX | Target.LOG),
    (Op.RENAME, Target.INCOMING),
    (Op.UNLINK, Target.INCOMING | Target.SHELF | Target.SHARED),
    (Op.CREATE, Target.ALL),
    (Op.MKDIR, Target.ALL),
)


def attack(run: Run) -> None:
    """At least 500 kills; in the short form 8."""
    siege = Siege(run)
    wanted = run.size(500, 8)
    while siege.kills < wanted:
        siege.round()
        run.tell(lambda: f"{siege.kills} of {wanted} kills")
    siege.look_at_the_end()
    if siege.layer is not None:
        walk(run, siege.layer)
    run.figure("acknowledged or refused by then", siege.answered)


class Siege:
    """One data folder, and who besieges it; `env` is for the mock, beside what it needs."""

    def __init__(self, run: Run, env: Mapping[str, str] | None = None) -> None:
        self._run = run
        self._env = env or {}
        self._chances = run.random
        self._data = run.folder / "data"
        self._said = run.folder / "said"
        self._temporary = run.folder / "tmp"
        self._temporary.mkdir()
        self._disk: Disk | None = None
        self.layer: Path | None = None
        if shaky.compiler():
            self.layer = shaky.build(run.folder)
            self._disk = Disk(self.layer, self._data)
        else:
            run.note("No C compiler here: no kills at chosen moments, at random ones only.")
        self._numbers = count(1)
        self._worlds = [WorldLedger("default", "kie-mock-key", _PATHS)]
        self.kills = self.answered = 0

    def round(self) -> None:
        """One life: start, look at what the last kill left, attack, kill."""
        if self._chances.random() < 0.25:  # noqa: PLR2004 - a share
            self._kill_a_start()
        workers = self._chances.random() < 0.25  # noqa: PLR2004 - a share
        victim = self._start(workers=workers)
        if not victim.is_ready():
            raise RuntimeError(f"the mock does not start again:\n{self._said.read_text()[-2_000:]}")
        self._inquire(victim, workers=workers)
        self._have_worlds(victim)
        crowd = Crowd(victim.url, self._worlds, self._chances)
        self._kill(victim, workers=workers)
        crowd.stop()
        try:
            victim.wait()
        except TimeoutError as error:
            self._run.fail(str(error))
            victim.kill()
            victim.wait()
        self.answered += crowd.answered
        for wrong in crowd.wrong:
            self._run.fail(wrong)

    def look_at_the_end(self) -> None:
        """What the last kill left."""
        victim = self._start()
        if not victim.is_ready():
            self._run.fail(f"the mock does not start again:\n{self._said.read_text()[-2_000:]}")
            return
        self._inquire(victim, workers=False)
        victim.terminate()
        victim.wait()

    def _start(self, *, workers: bool = False, data: Path | None = None) -> Victim:
        words = ["--workers", "2"] if workers else []
        if self._chances.random() < 0.25:  # noqa: PLR2004 - a share
            words.append("--durable")
        env = {"TMPDIR": str(self._temporary), **self._env}
        if self._disk is not None and data is None:
            env |= self._disk.env
        return Victim(data or self._data, *words, said=self._said, env=env)

    def _kill_a_start(self) -> None:
        """Of the folder, or of one that is new, which has to start then as well."""
        fresh = None
        if self._chances.random() < 0.3:  # noqa: PLR2004 - a share
            fresh = self._run.folder / f"fresh-{next(self._numbers)}"
        elif self._disk is not None and self._chances.random() < 0.7:  # noqa: PLR2004 - as above
            op, target = self._chances.choice(_AT_START)
            time_of_it, behind = self._chances.randint(1, 3), self._chances.random() < 0.5  # noqa: PLR2004 - as above
            self._disk.kill_at(op, target, time=time_of_it, behind=behind)
        victim = self._start(data=fresh, workers=self._chances.random() < 0.2)  # noqa: PLR2004 - as above
        time.sleep(self._chances.random() * _START_SECONDS)
        self._count(victim, "in a start")
        victim.wait()
        if fresh is not None:
            victim = self._start(data=fresh)
            if not victim.is_ready():
                self._run.fail(f"a killed first start: {self._said.read_text()[-2_000:]}")
            victim.kill()
            victim.wait()

    def _count(self, victim: Victim, when: str, pid: int | None = None) -> None:
        victim.kill(pid)
        self.kills += 1
        self._run.count("kills survived")
        self._run.count(f"of them {when}")
        if self._disk is not None:
            self._disk.behave()

    def _kill(self, victim: Victim, *, workers: bool) -> None:
        kinds: list[Callable[[Victim], None]] = [self._at_random, self._while_it_ends]
        if self._disk is not None:
            kinds += [self._at_a_moment] * 3
        if workers:
            kinds += [self._parent_alone, self._worker_alone]
        self._chances.choice(kinds)(victim)

    def _at_random(self, victim: Victim) -> None:
        time.sleep(self._chances.random())
        self._count(victim, "at random moments")

    def _while_it_ends(self, victim: Victim) -> None:
        time.sleep(self._chances.random() * 0.7)
        victim.terminate()
        time.sleep(self._chances.random() * 0.3)
        self._count(victim, "while it ended")

    def _at_a_moment(self, victim: Victim) -> None:
        assert self._disk is not None  # noqa: S101 - it is a kind only then
        time.sleep(self._chances.random() * 0.3)
        op, target = self._chances.choice(_MOMENTS)
        time_of_it, behind = self._chances.randint(1, 9), self._chances.random() < 0.5  # noqa: PLR2004 - a share
        self._disk.kill_at(op, target, time=time_of_it, behind=behind)
        end = time.monotonic() + 1.0
        while not self._disk.killed and time.monotonic() < end:
            time.sleep(0.01)
        hit = self._disk.killed
        self._count(victim, "at chosen steps" if hit else "at random moments")

    def _parent_alone(self, victim: Victim) -> None:
        time.sleep(self._chances.random() * 0.5)
        self._count(victim, "of a parent alone", victim.pid)

    def _worker_alone(self, victim: Victim) -> None:
        time.sleep(self._chances.random() * 0.5)
        self._count(victim, "of a worker alone", self._chances.choice(victim.workers()))
        time.sleep(self._chances.random())
        try:
            httpx.get(f"{victim.url}/livez", timeout=30)
        except httpx.HTTPError as error:
            self._run.fail(f"a worker was killed, and the mock does not answer: {error!r}")
        self._count(victim, "at random moments")

    def _inquire(self, victim: Victim, *, workers: bool) -> None:
        inquest = Inquest(victim.url)
        self._worlds = inquest.settle(self._worlds)
        _, found = audit(self._data)
        if not workers:
            left = [
                f"{at.name} is left in the temporary folder" for at in self._temporary.iterdir()
            ]
            found = [*found, *left]
        for wrong in [*inquest.wrong, *found]:
            self._run.fail(wrong)
        self._run.count("files that were read back, byte for byte", inquest.files)
        self._run.count("clocks, settings, quotas, journals and worlds looked at", inquest.states)
        self._run.count("looks at the whole folder")

    def _have_worlds(self, victim: Victim) -> None:
        """A world with a quota, and now and then one that may go."""
        if len(self._worlds) == 1:
            self._make(victim, quota=4_000_000)
        if len(self._worlds) < 3:  # noqa: PLR2004 - few are enough
            self._make(victim, passing=True)

    def _make(self, victim: Victim, **more: Any) -> None:
        name = f"world-{next(self._numbers)}"
        wanted: dict[str, Any] = {"id": name, "keys": [f"key-of-{name}"]}
        if "quota" in more:
            wanted["settings"] = {"limits": {"totalSize": more["quota"]}}
        made = httpx.post(f"{victim.url}/__mockkie/worlds", json=wanted, timeout=60)
        made.raise_for_status()
        self._worlds.append(WorldLedger(name, f"key-of-{name}", _PATHS, **more))
