"""The attack by kills finds what it is there for: each bug here is planted, and found."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import sys
from pathlib import Path

import pytest

from mockkie.store.disk import DiskStore
from mockkie.worlds import World
from reliability import shaky
from reliability.audit import audit
from reliability.crash import Siege
from reliability.ledger import Register
from reliability.run import Outcome, Run
from reliability.shaky import Op
from reliability.steps import DEEDS, Walk, numbered
from reliability.victim import ROOT
from tests.test_disk_store import LARGE, SMALL, drive, upload

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")

PLANTED = {
    "shelves before it commits": """
from mockkie.store.disk import DiskStore
shelve = DiskStore._shelve
def first(then):
    def keep(self, rows, *more):
        shelve(self, rows if isinstance(rows, list) else [rows], self._index.total_changes)
        return then(self, rows, *more)
    return keep
DiskStore._commit, DiskStore._keep = first(DiskStore._commit), first(DiskStore._keep)
DiskStore._shelve = lambda self, rows, changes: self._empty_trash(8)
""",
    "drops a world in two steps": """
from mockkie.store.disk import DiskStore
forget = DiskStore.forget
async def two(self, world):
    await self.clear(world)
    await forget(self, world)
DiskStore.forget = two
""",
    "answers before it commits": """
import asyncio
from mockkie.store.disk import DiskStore
async def keep_together(self, world, draft, file):
    row = self._seal(world, draft, file)
    asyncio.get_running_loop().call_later(0.5, self._keep, row)
DiskStore.keep_together = keep_together
""",
    "never looks at what was in flight": """
from mockkie.store.diskbytes import Shelves
Shelves.recover = lambda self, is_kept: None
""",
    "takes what was in flight for nobody's": """
from mockkie.store.diskbytes import Shelves
recover = Shelves.recover
Shelves.recover = lambda self, is_kept: recover(self, lambda blob: False)
""",
    "says that it freed what it has not": """
from mockkie.store.diskbytes import Shelves
Shelves.free = lambda self, blob: True
""",
    "forgets the clock": """
from mockkie.store import worldrows
row_of = worldrows.row_of
worldrows.row_of = lambda world: (*row_of(world)[:3], 0, None, *row_of(world)[5:])
""",
}


@pytest.mark.skipif(shaky.compiler() is None, reason="it kills at chosen steps")
@pytest.mark.parametrize(
    ("bug", "said"),
    [
        ("answers before it commits", "is lost"),
        ("never looks at what was in flight", "nobody sends any more"),
        ("says that it freed what it has not", "an orphan: files/"),
        ("forgets the clock", "the clock of"),
    ],
)
def test_a_planted_bug_is_found(bug: str, said: str, tmp_path: Path) -> None:
    env = planted(tmp_path, bug)
    outcome = Outcome("crash", "", "", 7, short=True)
    (tmp_path / "siege").mkdir()
    run = Run(outcome, tmp_path / "siege", random.Random(7))  # noqa: S311 - no secret
    siege = Siege(run, env)
    while siege.kills < 30 and not any(said in failure for failure in outcome.failures):
        siege.round()
    siege.look_at_the_end()
    assert any(said in failure for failure in outcome.failures), outcome


@pytest.mark.skipif(shaky.compiler() is None, reason="it kills at chosen steps")
@pytest.mark.parametrize(
    ("bug", "deed", "said"),
    [
        ("shelves before it commits", "an overwrite by URL", "an orphan: files/"),
        ("drops a world in two steps", "a world dropped", "there may be"),
        ("says that it freed what it has not", "an overwrite by URL", "an orphan: files/"),
    ],
)
def test_a_planted_bug_is_found_step_by_step(
    bug: str, deed: str, said: str, tmp_path: Path
) -> None:
    outcome, steps = walked(tmp_path, bug)
    steps.walk(next(each for each in DEEDS if each.name == deed))
    assert any(said in failure for failure in outcome.failures), outcome


@pytest.mark.skipif(shaky.compiler() is None, reason="it kills at chosen steps")
def test_a_start_that_throws_away_is_found_step_by_step(tmp_path: Path) -> None:
    outcome, steps = walked(tmp_path, "takes what was in flight for nobody's")
    steps.walk_start()
    assert any("are not on their shelf" in failure for failure in outcome.failures), outcome


def walked(folder: Path, bug: str) -> tuple[Outcome, Walk]:
    env = planted(folder, bug)
    outcome = Outcome("crash", "", "", 7, short=False)
    run = Run(outcome, folder, random.Random(7))  # noqa: S311 - no secret
    return outcome, Walk(run, shaky.build(folder), env)


def planted(folder: Path, bug: str) -> dict[str, str]:
    """The environment of a mock that has the bug."""
    (folder / "planted").mkdir()
    (folder / "planted" / "sitecustomize.py").write_text(PLANTED[bug])
    return {"PYTHONPATH": os.pathsep.join([str(folder / "planted"), str(ROOT)])}


def test_the_steps_of_a_kind_are_numbered() -> None:
    write, sync = Op.WRITE, Op.SYNC
    told = numbered([write, sync, write])
    assert told == [(write, 1), (sync, 1), (write, 2)]


def test_what_may_be_there() -> None:
    """Answered writes replace what ended before they began; others may come at any time."""
    register = Register("a")
    first, second = register.begin("b"), register.begin("c")
    assert register.may_be() == {"a", "b", "c"}
    register.end(first)
    assert register.may_be() == {"b", "c"}
    third = register.begin("d")
    register.end(second)
    assert register.may_be() == {"b", "c", "d"}
    register.refuse(third)
    register.end(register.begin("e"))
    assert register.may_be() == {"e"}
    assert register.ever() == {"a", "b", "c", "e"}
    register.begin("f")
    assert register.may_be() == {"e", "f"}
    register.settle("f")
    assert register.may_be() == {"f"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    store = DiskStore.open_folder(folder)
    upload(store, "large", LARGE)
    upload(store, "small", SMALL)
    drive(store.remember(World("default", "1", ())))
    drive(store.close())
    return folder


def do_sql(data: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(data / "index.sqlite")) as index, index:
        for statement in statements:
            index.execute(statement)


def test_a_folder_in_order(data: Path) -> None:
    assert audit(data) == (2, [])


def test_a_folder_out_of_order(data: Path) -> None:
    [at] = data.glob("files/*/*")
    content = at.read_bytes()
    at.write_bytes(content[:-1])
    assert "has 262,143 bytes in place of 262,144" in "".join(audit(data)[1])
    at.write_bytes(b"?" + content[1:])
    assert "has other bytes than its digest says" in "".join(audit(data)[1])
    at.rename(data / "incoming" / at.name)
    assert len(audit(data)[1]) == 2
    at.with_name(f"{77:016x}").write_bytes(b"")
    (data / "strange").write_bytes(b"")
    do_sql(
        data,
        "UPDATE file SET content = zeroblob(50) WHERE content IS NOT NULL",
        "INSERT INTO trash VALUES (5)",
        "UPDATE world SET id = 'another'",
        "CREATE TABLE held (world TEXT, files INTEGER, bytes INTEGER)",
    )
    told = "\n".join(audit(data)[1])
    for said in (
        "an orphan: files/",
        "strange is in the folder",
        "small of default has another content",
        "1 blobs wait in the trash",
        "2 files are of the world 'default', which there is not",
        "the counts are",
    ):
        assert said in told
