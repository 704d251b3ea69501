"""What the processes of one mock share in its data folder: see `mockkie.shared`.

A small SQLite file of its own in the data folder, made anew at every start: journals and tasks do
not outlive a mock, whatever the number of its processes. Knows no requests.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import orjson

from mockkie.journal import LIMIT, Entry, Journal
from mockkie.problems import UsageError
from mockkie.shared import Shared
from mockkie.shared_faults import FolderFaults
from mockkie.tasks import Task, Tasks
from mockkie.worlds import World

COUNTS: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that tells a library where the counts of several processes add up."""
_log: Final = logging.getLogger("mockkie")
_LATE_SECONDS: Final = 0.02
_FILE: Final = "shared.sqlite"
_SCHEMA: Final = """
CREATE TABLE change (number INTEGER NOT NULL);
INSERT INTO change VALUES (0);
CREATE TABLE journal (
    world TEXT PRIMARY KEY, last INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0, evicted INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE entry (
    world TEXT, seq INTEGER, weight INTEGER NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (world, seq)
) WITHOUT ROWID;
CREATE TABLE task (world TEXT, id TEXT, value BLOB NOT NULL, PRIMARY KEY (world, id)) WITHOUT ROWID;
CREATE TABLE fault (
    world TEXT, number INTEGER, value BLOB NOT NULL, added INTEGER NOT NULL, state BLOB NOT NULL,
    PRIMARY KEY (world, number)
) WITHOUT ROWID;
"""


class FolderShared(Shared):
    """One process's view of the shared file of a data folder."""

    def __init__(self, folder: Path) -> None:
        # Nothing here needs to survive anything: a lost journal is an empty one.
        self._index = sqlite3.connect(
            folder / _FILE, timeout=10, isolation_level=None, check_same_thread=False
        )
        self._index.execute("PRAGMA synchronous = OFF")
        self.closed = False

    @classmethod
    def create(cls, folder: Path) -> FolderShared:
        """The file of a mock that starts: what an earlier one left is gone. `UsageError`."""
        for suffix in ("", "-wal", "-shm", "-journal"):  # which SQLite would take for a new one's
            (folder / f"{_FILE}{suffix}").unlink(missing_ok=True)
        (folder / _FILE).touch(mode=0o600)
        shared = cls(folder)
        try:
            shared.execute("PRAGMA journal_mode = WAL")
            shared._index.executescript(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise UsageError(
                f"the processes of a mock cannot share {folder} ({error}): is its disk full?"
            ) from error
        return shared

    async def changes(self) -> int:
        [(number,)] = self.execute("SELECT number FROM change")
        return int(number)

    async def changed(self) -> int:
        [(number,)] = self.execute("UPDATE change SET number = number + 1 RETURNING number")
        return int(number)

    def journal(self, world: World) -> FolderJournal:
        return FolderJournal(self, world.id)

    def tasks(self, world: World) -> FolderTasks:
        return FolderTasks(self, world.id)

    def faults(self, world: World) -> FolderFaults:
        return FolderFaults(self, world.id)

    async def reload_faults(self, worlds: Iterable[World]) -> None:
        for world in worlds:
            await world.faults.reload()

    async def forget(self, world: World) -> None:
        with self.transaction():
            for table in ("fault", "entry", "journal", "task"):
                self.execute(f"DELETE FROM {table} WHERE world = ?", (world.id,))  # noqa: S608 - ours

    async def close(self) -> None:
        self.closed = True
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


@contextmanager
def unless_failing() -> Iterator[None]:
    """Lose what the journal says where the disk fails, and not the request that it is about."""
    try:
        yield
    except OSError as error:
        why = "the disk is full" if error.errno == errno.ENOSPC else error.strerror
        _log.warning("%s: the journal lacks a request", why)


class FolderJournal(Journal):
    """A `Journal` whose entries every process of the mock writes and reads.

    An entry is written before its answer is out. How long that took, and how much of it went out,
    is written along with the next one, or a moment later: a transaction costs as much as a request.
    """

    __slots__ = ("_late", "_shared", "_world")

    def __init__(self, shared: FolderShared, world: str, limit: int = LIMIT) -> None:
        self.limit = limit
        self._shared = shared
        self._world = world
        self._late: list[Entry] = []
        shared.execute("INSERT OR IGNORE INTO journal (world) VALUES (?)", (world,))

    def add(self, entry: Entry) -> None:
        weight = entry.weight
        with unless_failing(), self._shared.transaction():
            [(seq, held)] = self._shared.execute(
                "UPDATE journal SET last = last + 1, bytes = bytes + ? WHERE world = ? "
                "RETURNING last, bytes",
                (weight, self._world),
            )
            entry.seq = seq
            self._shared.execute(
                "INSERT INTO entry VALUES (?, ?, ?, ?)",
                (self._world, seq, weight, orjson.dumps(entry.to_json())),
            )
            self._amend_late()
            if held > self.limit:
                self._evict(held, seq)

    def amend(self, entry: Entry) -> None:
        self._late.append(entry)
        if len(self._late) == 1:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                self._write_late()
            else:
                loop.call_later(_LATE_SECONDS, self._write_late)

    def _write_late(self) -> None:
        if self._late and not self._shared.closed:
            with unless_failing(), self._shared.transaction():
                self._amend_late()

    def _amend_late(self) -> None:
        late, self._late = self._late, []
        for entry in late:
            self._shared.execute(
                "UPDATE entry SET value = ? WHERE world = ? AND seq = ?",
                (orjson.dumps(entry.to_json()), self._world, entry.seq),
            )

    def entries(self, *, after: int = 0, limit: int | None = None) -> list[Entry]:
        self._write_late()
        rows = self._shared.execute(
            "SELECT value FROM entry WHERE world = ? AND seq > ? ORDER BY seq LIMIT ?",
            (self._world, after, -1 if limit is None else limit),
        )
        return [Entry.from_json(orjson.loads(value)) for (value,) in rows]

    async def clear(self) -> None:
        self._late = []
        with self._shared.transaction():
            self._shared.execute("DELETE FROM entry WHERE world = ?", (self._world,))
            self._shared.execute(
                "UPDATE journal SET bytes = 0, evicted = 0 WHERE world = ?", (self._world,)
            )

    @property
    def bytes(self) -> int:
        return self._count("bytes")

    @property
    def last(self) -> int:
        return self._count("last")

    @property
    def evicted(self) -> int:
        return self._count("evicted")

    def _count(self, column: str) -> int:
        rows = self._shared.execute(
            f"SELECT {column} FROM journal WHERE world = ?",  # noqa: S608 - our own column names
            (self._world,),
        )
        return int(rows[0][0]) if rows else 0

    def _evict(self, held: int, latest: int) -> None:
        """Drop the oldest entries until the rest is within the limit; the latest one stays."""
        evicted = 0
        while held > self.limit:
            rows = self._shared.execute(
                "DELETE FROM entry WHERE world = ?1 AND seq IN ("
                "SELECT seq FROM entry WHERE world = ?1 AND seq < ?2 ORDER BY seq LIMIT 1"
                ") RETURNING weight",
                (self._world, latest),
            )
            if not rows:
                break
            held -= rows[0][0]
            evicted += 1
        self._shared.execute(
            "UPDATE journal SET bytes = ?, evicted = evicted + ? WHERE world = ?",
            (held, evicted, self._world),
        )


class FolderTasks(Tasks):
    """`Tasks` that every process of the mock reads and writes."""

    def __init__(self, shared: FolderShared, world: str) -> None:
        super().__init__()
        self._shared = shared
        self._world = world

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
