"""What a loss of power may leave is told by the rules of POSIX, and planted bugs are found."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from reliability import power, shaky
from reliability.platter import Platter
from reliability.run import Outcome, Run
from reliability.shaky import Disk, Event, Op
from reliability.victim import ROOT

CHANCES = random.Random(1)  # noqa: S311 - no secret


def platter(*events: tuple[Op, str, str, int, int, bytes]) -> Platter:
    made = Platter()
    for event in events:
        made.happen(Event(*event, end=0))
    return made


def created(path: str, inode: int = 1) -> tuple[Op, str, str, int, int, bytes]:
    return (Op.CREATE, path, "", inode, 0, b"")


def written(data: bytes, at: int = 0, inode: int = 1) -> tuple[Op, str, str, int, int, bytes]:
    return (Op.WRITE, "", "", inode, at, data)


def synced(path: str = "", inode: int = 0) -> tuple[Op, str, str, int, int, bytes]:
    return (Op.SYNC, path, "", inode, 0, b"")


def test_bytes_need_a_sync_and_names_one_of_their_folder() -> None:
    assert platter(created("a"), written(b"x"), synced(inode=1)).left("none", CHANCES) == {}
    assert platter(created("a"), written(b"x"), synced()).left("none", CHANCES) == {"a": b""}
    both = platter(created("a"), written(b"x"), synced(inode=1), synced(), written(b"yz", 1))
    assert both.left("none", CHANCES) == {"a": b"x"}
    assert both.left("all", CHANCES) == {"a": b"xyz"}
    assert {both.left("some", CHANCES)["a"] for _ in range(50)} == {b"x", b"xyz"}


def test_a_rename_is_in_both_folders_or_in_neither() -> None:
    rename = (Op.RENAME, "in/a", "files/00/a", 0, 0, b"")
    folders = [(Op.MKDIR, name, "", 0, 0, b"") for name in ("in", "files")]
    begun = [*folders, synced(), created("in/a"), synced("in")]
    shelf = (Op.MKDIR, "files/00", "", 0, 0, b"")
    assert platter(*begun, shelf, rename).left("none", CHANCES).keys() == {"in", "files", "in/a"}
    done = platter(*begun, shelf, rename, synced("in"))
    assert done.left("none", CHANCES).keys() == {"in", "files", "files/00", "files/00/a"}


def test_a_part_may_be_any_sectors() -> None:
    large = bytes(range(1, 256)) * 20
    torn = platter(created("a"), synced(), written(large))
    seen = {torn.left("some", CHANCES)["a"] for _ in range(60)}
    assert {b"", large} < seen
    assert len(seen) > 10


def test_a_name_that_went_comes_back_until_its_folder_is_synced() -> None:
    gone = (Op.UNLINK, "a", "", 0, 0, b"")
    assert platter(created("a"), synced(), gone).left("none", CHANCES) == {"a": b""}
    assert platter(created("a"), synced(), gone, synced()).left("none", CHANCES) == {}


@pytest.mark.skipif(shaky.compiler() is None, reason="it needs a C compiler")
def test_the_log_says_what_was_done(tmp_path: Path) -> None:
    """And a disk fails when it is told to."""
    data = tmp_path / "data"
    data.mkdir()
    disk = Disk(shaky.build(tmp_path), data, record=tmp_path / "log")
    program = (
        "import os, pathlib\n"
        f"data = pathlib.Path({str(data)!r})\n"
        "(data / 'files').mkdir()\n"
        "fd = os.open(data / 'one', os.O_RDWR | os.O_CREAT)\n"
        "os.write(fd, b'abc'); os.pwrite(fd, b'Z', 1); os.ftruncate(fd, 2); os.fsync(fd)\n"
        "os.replace(data / 'one', data / 'files' / 'two')\n"
        "(data / 'three').write_bytes(b'3'); (data / 'three').unlink()\n"
    )
    env = {**os.environ, **disk.env, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], env=env, check=True)
    events = list(Event.read_all(tmp_path / "log"))
    assert [event.op.name for event in events] == (
        "MKDIR CREATE WRITE WRITE TRUNCATE SYNC RENAME CREATE WRITE UNLINK".split()
    )
    whole = Platter()
    for event in events:
        whole.happen(event)
    assert whole.left("all", CHANCES) == {"files": None, "files/two": b"aZ"}
    (data / "files" / "two").unlink()
    (data / "files").rmdir()
    disk.fail(28, Op.WRITE, on=shaky.Target.ALL)
    failed = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, check=False
    )
    assert b"No space left" in failed.stderr
    assert disk.failed == 1
    disk.close()


@pytest.mark.skipif(shaky.compiler() is None, reason="it needs a C compiler")
def test_a_store_that_does_not_wait_is_found(tmp_path: Path) -> None:
    """`--durable` without the syncs of SQLite's commits."""
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted" / "sitecustomize.py").write_text(
        "from mockkie.store import disk, folder\n"
        "prepare = folder.prepare\n"
        "disk.prepare = lambda *given, **named: prepare(*given, **{**named, 'durable': False})\n"
    )
    run = Run(Outcome("power", "", "", 1, short=True), tmp_path, random.Random(1))  # noqa: S311 - no secret
    path = os.pathsep.join([str(tmp_path / "planted"), str(ROOT)])
    library = shaky.build(tmp_path)
    tape = power.record(run, library, tmp_path / "life", durable=True, env={"PYTHONPATH": path})
    power.Blackouts(run, library, tape).cut(40)
    assert any("was acknowledged, and is not there" in each for each in run.outcome.failures)
