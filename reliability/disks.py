"""Full and failing disks under a mock: it answers, stays, recovers and loses nothing."""

from __future__ import annotations

import errno
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from reliability import shaky
from reliability.guests import Guests
from reliability.run import Run
from reliability.shaky import Disk, Op, Target
from reliability.victim import Victim

TITLE: Final = "Full and failing disks"
ABOUT: Final = """
While a mock serves, its disk goes wrong: it is full (a small tmpfs, filled to the last byte, with
one process and with two), each operation of each kind of its files fails with EIO, ENOSPC, EDQUOT,
EROFS or EACCES (a layer in front of the C library), no file can be opened any more (a limit of
descriptors), another process locks the index, the folder is deleted, the folder for temporary
files is full. Meanwhile all three uploads, overwrites, downloads and the control API are asked.

Every request is answered within 30 seconds: uploads with success or with 500 in the envelope, the
control API with its own errors; `/livez` says that the mock is there. What is acknowledged is kept
all the same. Once the cause is gone, the next upload is answered well, without a restart; what was
kept before is there, byte for byte; and after a restart the folder has no orphan.
"""
FOUND: Final = (
    (
        "With `--workers`, an error of the file that they share (other than a full disk) cut the "
        "connection, or was a 500 without the envelope: it is a failure of the store like others "
        "now, and the journal lacks the request."
    ),
    (
        "Where no file could be opened any more, failures were a plain-text 500: the text of the "
        "reason needed a codec that Python reads when it is first used."
    ),
    (
        "In a folder that was deleted or moved away, small uploads were acknowledged, and gone "
        "after a restart: SQLite goes on with an index that has no name. They are refused now, and "
        "so are new worlds, moves of clocks, deletions and resets."
    ),
)

_ERRORS: Final = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
_WRITING: Final = (Op.CREATE, Op.WRITE, Op.RENAME, Op.UNLINK, Op.MKDIR, Op.TRUNCATE, Op.SYNC)
_TARGETS: Final = (Target.INCOMING, Target.SHELF, Target.INDEX, Target.LOG, Target.STORE)
_SMALL_DISK: Final = 40 << 20  # bytes
_LOCKED: Final = 15.0  # seconds

End = Callable[[], None]
"""Makes all well again."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One way in which a disk goes wrong: `begin` it once the mock serves.

    `words` are options of the mock, `env` is for it. `place` is where its folder is, if not where
    all are. `gone`: what was kept does not come back, nor does the mock recover by itself.
    """

    name: str
    begin: Callable[[Victim], End]
    words: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    place: Path | None = None
    gone: bool = False


def attack(run: Run) -> None:
    """Each operation, error and kind of file; in the short form a few of them."""
    if shaky.compiler() is None:
        run.note("No C compiler here: no errors of single operations.")
    else:
        _fail_operations(run)
    folder = run.folder / "data"
    troubles = [
        Trouble("no file can be opened", without_descriptors),
        Trouble("the folder is away for a while", partial(_move_away, folder)),
        Trouble("the folder is deleted", partial(_delete, folder), gone=True),
        Trouble("another process locks the index", partial(_lock, folder)),
        Trouble("no file can be opened", without_descriptors, ("--workers", "2")),
    ]
    for trouble in troubles[: 1 if run.short else None]:
        suffer(run, trouble)
    if os.geteuid() == 0:
        _fill_disks(run)
    else:
        run.note("Not root: no small disk was mounted and filled.")


def _fail_operations(run: Run) -> None:
    library = shaky.build(run.folder)
    cases: list[tuple[int, Sequence[Op], Target, Sequence[str]]] = [
        (error, ops, target, ())
        for error in _ERRORS
        for ops in (*((op,) for op in _WRITING), _WRITING)
        for target in _TARGETS
    ]
    cases += [(errno.EIO, (Op.READ, Op.OPEN), target, ()) for target in _TARGETS]
    cases += [
        (error, ops, Target.SHARED | Target.LOG, ("--workers", "2"))
        for error in (errno.EIO, errno.ENOSPC)
        for ops in (_WRITING, (Op.READ, Op.WRITE))
    ]
    wanted = min(run.size(60, 3), len(cases))
    for error, ops, target, words in run.random.sample(cases, wanted):
        disk = Disk(library, run.folder / "data")
        durable = ("--durable",) if run.random.random() < 0.3 else ()  # noqa: PLR2004 - a share
        told = f"{errno.errorcode[error]} of {[op.name for op in ops]} on {target!r}"
        begin = partial(fail, disk, error, ops, target)
        suffer(run, Trouble(told, begin, (*words, *durable), disk.env))
        run.count("operations that were made to fail", disk.failures)
        disk.close()


def _fill_disks(run: Run) -> None:
    for words in ((),) if run.short else ((), ("--workers", "2")):
        with _small_disk(run.folder / "small") as place:
            full = ("--min-free-disk", "0", *words)
            suffer(run, Trouble("the disk is full", partial(_fill, place), full, place=place))
    if not run.short:
        with _small_disk(run.folder / "small") as place:
            env = {"TMPDIR": str(place)}
            name = "the folder for temporary files is full"
            suffer(run, Trouble(name, partial(_fill, place), env=env))


def suffer(run: Run, trouble: Trouble) -> None:
    """Serve, have trouble, recover, end, and look at what is there."""
    data = (trouble.place or run.folder) / "data"
    said = run.folder / "said"
    victim = Victim(data, *trouble.words, said=said, env=trouble.env)
    if not victim.is_ready():
        raise RuntimeError(said.read_text())
    guests = Guests(victim.url, victim.key, random.Random(run.random.randrange(1 << 32)))
    try:
        guests.settle_in()
        end = trouble.begin(victim)
        try:
            guests.visit()
        finally:
            end()
        if not trouble.gone:
            guests.recover()
        victim.terminate()
        if victim.wait(60) != 0:
            guests.wrong.append(f"the mock ended badly: {said.read_text()[-1_000:]}")
        if not trouble.gone:
            guests.inspect(data)
    finally:
        victim.kill()
        victim.wait()
    for wrong in guests.wrong:
        run.fail(f"{trouble.name} {' '.join(trouble.words)}: {wrong}")
    if "Traceback" in said.read_text():
        run.fail(f"{trouble.name}: {said.read_text()[-2_000:]}")
    run.count("kinds of trouble lived through")
    run.count("requests that were answered meanwhile and afterwards", guests.answers)
    run.count("of them refused, with the reason", guests.failed)
    run.tell(lambda: trouble.name)
    shutil.rmtree(data, ignore_errors=True)
    said.unlink()


def fail(disk: Disk, error: int, ops: Sequence[Op], target: Target, victim: Victim) -> End:
    """Have operations of a disk end with an errno."""
    del victim
    disk.fail(error, *ops, on=target)
    return disk.behave


def without_descriptors(victim: Victim) -> End:
    """As if there were no number left for one more open file, but for a few connections."""
    limits = {}
    for pid in (victim.pid, *victim.workers()):
        limits[pid] = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        highest = max(int(at.name) for at in Path(f"/proc/{pid}/fd").iterdir())
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 2, limits[pid][1]))

    def end() -> None:
        for pid, limit in limits.items():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)

    return end


def _move_away(data: Path, victim: Victim) -> End:
    del victim
    away = data.rename(data.with_name("away"))

    def end() -> None:
        shutil.rmtree(data, ignore_errors=True)
        away.rename(data)

    return end


def _delete(data: Path, victim: Victim) -> End:
    del victim
    shutil.rmtree(data)
    return lambda: None


def _lock(data: Path, victim: Victim) -> End:
    """For longer than the mock waits for it."""
    del victim
    index = sqlite3.connect(data / "index.sqlite", isolation_level=None, check_same_thread=False)
    index.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(_LOCKED, index.close)
    timer.start()
    return timer.join


@contextmanager
def _small_disk(at: Path) -> Iterator[Path]:
    at.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_SMALL_DISK}", "tmpfs", at], check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", at], check=True)
        at.rmdir()


def _fill(place: Path, victim: Victim) -> End:
    """To the last byte."""
    del victim
    filler = place / "filler"
    with filler.open("wb", buffering=0) as opened, suppress(OSError):
        while True:
            opened.write(bytes(4_096))
    return filler.unlink
