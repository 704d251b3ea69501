"""What the processes of one mock share in its data folder: see `mockkie.shared`.

A small SQLite file of its own in the data folder, and a folder of journals, both made anew at every
start: they do not outlive a mock, whatever the number of its processes. Knows no requests.
"""

from __future__ import annotations

import asyncio
import errno
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import orjson

from mockkie.journal_folder import FolderJournal, JournalFile
from mockkie.problems import UsageError
from mockkie.shared import Shared
from mockkie.shared_faults import FolderFaults
from mockkie.tasks import Task, Tasks
from mockkie.worlds import World

COUNTS: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that tells a library where the counts of several processes add up."""
_FILE: Final = "shared.sqlite"
_JOURNALS: Final = "journals"
_SCHEMA: Final = """
CREATE TABLE change (number INTEGER NOT NULL);
INSERT INTO change VALUES (0);
CREATE TABLE task (world TEXT, id TEXT, value BLOB NOT NULL, PRIMARY KEY (world, id)) WITHOUT ROWID;
CREATE TABLE fault (
    world TEXT, number INTEGER, value BLOB NOT NULL, added INTEGER NOT NULL, state BLOB NOT NULL,
    PRIMARY KEY (world, number)
) WITHOUT ROWID;
"""


class FolderShared(Shared):
    """One process's view of the shared file of a data folder.

    `turns` tells how often the worlds in the index were changed, as of this very moment.
    """

    def __init__(self, folder: Path, turns: Callable[[], int] = lambda: 0) -> None:
        self._turns = turns
        # Nothing here needs to survive anything: a lost journal is an empty one.
        self._index = sqlite3.connect(
            folder / _FILE, timeout=10, isolation_level=None, check_same_thread=False
        )
        self._index.execute("PRAGMA synchronous = OFF")
        self._journals = folder / _JOURNALS
        self._seen: int | None = None  # in this turn of the loop

    @classmethod
    def create(cls, folder: Path) -> FolderShared:
        """The file of a mock that starts: what an earlier one left is gone. `UsageError`."""
        try:
            for suffix in ("", "-wal", "-shm", "-journal"):  # SQLite would take it for a new one's
                (folder / f"{_FILE}{suffix}").unlink(missing_ok=True)
            shutil.rmtree(folder / _JOURNALS, ignore_errors=True)
            (folder / _JOURNALS).mkdir(mode=0o700)
            (folder / _FILE).touch(mode=0o600)
            shared = cls(folder)
            shared.execute("PRAGMA journal_mode = WAL")
            shared._index.executescript(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise UsageError(
                f"the processes of a mock cannot share {folder} ({error}): is its disk full?"
            ) from error
        return shared

    async def changes(self) -> int:
        """One look is for all requests of a turn of the loop, which were received before it."""
        if self._seen is None:
            [(number,)] = self.execute("SELECT number FROM change")
            self._seen = int(number) + self._turns()
            asyncio.get_running_loop().call_soon(self._look_again)
        return self._seen

    def _look_again(self) -> None:
        self._seen = None

    async def changed(self) -> int:
        self._look_again()
        [(number,)] = self.execute("UPDATE change SET number = number + 1 RETURNING number")
        return int(number) + self._turns()

    def journal(self, world: World) -> FolderJournal:
        return FolderJournal(self._journals, world.id)

    def tasks(self, world: World) -> FolderTasks:
        return FolderTasks(self, world.id)

    def faults(self, world: World) -> FolderFaults:
        return FolderFaults(self, world.id)

    async def reload_faults(self, worlds: Iterable[World]) -> None:
        for world in worlds:
            await world.faults.reload()

    async def forget(self, world: World) -> None:
        JournalFile(self._journals, world.id).drop()
        with self.transaction():
            for table in ("fault", "task"):
                self.execute(f"DELETE FROM {table} WHERE world = ?", (world.id,))  # noqa: S608 - ours

    async def close(self) -> None:
        self._index.close()

    def execute(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement; `OSError` when the file fails."""
        try:
            return self._index.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
            why = f"what the processes of this mock share: {error}"
            raise OSError(errno.ENOSPC if full else errno.EIO, why) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing, one process at a time."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")  # which may fail as well, and must not keep the others waiting
        except BaseException:
            with suppress(OSError):  # the first failure says more
                if self._index.in_transaction:  # a full disk may have ended it already
                    self.execute("ROLLBACK")
            raise


class FolderTasks(Tasks):
    """`Tasks` that every process of the mock reads and writes."""

    def __init__(self, shared: FolderShared, world: str) -> None:
        super().__init__()
        self._shared = shared
        self._world = world

    async def add(self, task: Task, most: int | None) -> bool:
        with self._shared.transaction():
            if most is not None and await self.count() >= most:
                return False
            await self.put(task)
        return True

    async def put(self, task: Task) -> None:
        self._shared.execute(
            "INSERT OR REPLACE INTO task VALUES (?, ?, ?)",
            (self._world, task.id, orjson.dumps(task)),
        )

    async def get(self, task_id: str) -> Task | None:
        rows = self._shared.execute(
            "SELECT value FROM task WHERE world = ? AND id = ?", (self._world, task_id)
        )
        return Task(**orjson.loads(rows[0][0])) if rows else None

    async def clear(self) -> None:
        self._shared.execute("DELETE FROM task WHERE world = ?", (self._world,))

    async def count(self) -> int:
        [(count,)] = self._shared.execute(
            "SELECT count(*) FROM task WHERE world = ?", (self._world,)
        )
        return int(count)
