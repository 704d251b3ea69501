"""The attack by failing disks finds what it is there for, and some of its troubles one by one."""

from __future__ import annotations

import errno
import os
import random
import sys
from functools import partial
from pathlib import Path

import pytest

from reliability import disks, shaky
from reliability.run import Outcome, Run
from reliability.shaky import Disk, Op, Target
from reliability.victim import ROOT

pytestmark = pytest.mark.skipif(shaky.compiler() is None, reason="it needs Linux and a C compiler")


def suffer(folder: Path, trouble: disks.Trouble) -> list[str]:
    """What did not hold."""
    run = Run(Outcome("disks", "", "", 1, short=True), folder, random.Random(1))  # noqa: S311 - no secret
    disks.suffer(run, trouble)
    return run.outcome.failures


def failing(
    folder: Path, error: int, *ops: Op, on: Target, planted: str = "", workers: int = 1
) -> list[str]:
    disk = Disk(shaky.build(folder), folder / "data")
    (folder / "planted").mkdir()
    (folder / "planted" / "sitecustomize.py").write_text(planted)
    path = os.pathsep.join([str(folder / "planted"), str(ROOT)])
    begin = partial(disks.fail, disk, error, ops, on)
    words = ("--workers", str(workers)) if workers > 1 else ()
    found = suffer(folder, disks.Trouble("trouble", begin, words, {**disk.env, "PYTHONPATH": path}))
    assert disk.failures
    disk.close()
    return found


def test_a_file_that_workers_share_may_fail(tmp_path: Path) -> None:
    """Every request is answered in the envelope all the same."""
    ops = (Op.READ, Op.WRITE, Op.TRUNCATE)
    assert failing(tmp_path, errno.EIO, *ops, on=Target.SHARED, workers=2) == []


def test_a_mock_that_says_it_has_what_it_could_not_write(tmp_path: Path) -> None:
    planted = """
from mockkie.store.diskbytes import DiskDraft
write = DiskDraft._write
def careless(self, data):
    try:
        write(self, data)
    except OSError:
        pass
DiskDraft._write = careless
"""
    found = failing(tmp_path, errno.EIO, Op.WRITE, on=Target.INCOMING, planted=planted)
    told = ("with other bytes", "after a restart", "not on their shelf")
    assert any(text in each for each in found for text in told), found


def test_a_mock_that_leaves_bytes_behind(tmp_path: Path) -> None:
    planted = """
from mockkie.store import diskbytes
diskbytes.Shelves.free = lambda self, blob: True
"""
    found = failing(tmp_path, errno.ENOSPC, Op.WRITE, on=Target.INCOMING, planted=planted)
    assert any("an orphan: files/" in each for each in found)


def test_a_mock_that_cannot_say_why(tmp_path: Path) -> None:
    planted = """
import mockkie.app
def fail(exchange, why):
    raise ValueError(why)
mockkie.app.fail = fail
"""
    found = failing(tmp_path, errno.EIO, Op.CREATE, on=Target.INCOMING, planted=planted)
    assert any("was answered 500: Internal Server Error" in each for each in found)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of another process is moved")
def test_no_file_can_be_opened(tmp_path: Path) -> None:
    assert suffer(tmp_path, disks.Trouble("trouble", disks.without_descriptors)) == []
