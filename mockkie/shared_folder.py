"""What the processes of one mock share in its data folder: see `mockkie.shared`.

A small SQLite file of its own in the data folder, made anew at every start: journals and tasks do
not outlive a mock, whatever the number of its processes. Knows no requests.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson

from mockkie.arming import Armed, Faults
from mockkie.conditions import Facts
from mockkie.faults import Fault, Moment, Shot
from mockkie.journal import LIMIT, Entry, Journal
from mockkie.shared import Shared
from mockkie.tasks import Task, Tasks
from mockkie.worlds import World

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
            folder / _FILE, timeout=30, isolation_level=None, check_same_thread=False
        )
        self._index.execute("PRAGMA synchronous = OFF")

    @classmethod
    def create(cls, folder: Path) -> FolderShared:
        """The file of a mock that starts: whatever an earlier one left is gone."""
        for suffix in ("", "-wal", "-shm"):
            (folder / f"{_FILE}{suffix}").unlink(missing_ok=True)
        (folder / _FILE).touch(mode=0o600)
        shared = cls(folder)
        shared.execute("PRAGMA journal_mode = WAL")
        shared._index.executescript(_SCHEMA)
        return shared

    async def changes(self) -> int:
        [(number,)] = self.execute("SELECT number FROM change")
        return int(number)

    async def changed(self, world: str) -> int:
        del world
        [(number,)] = self.execute("UPDATE change SET number = number + 1 RETURNING number")
        return int(number)

    def journal(self, world: str) -> FolderJournal:
        return FolderJournal(self, world)

    def tasks(self, world: str) -> FolderTasks:
        return FolderTasks(self, world)

    def faults(self, world: str) -> FolderFaults:
        return FolderFaults(self, world)

    async def reload_faults(self, worlds: Iterable[World]) -> None:
        for world in worlds:
            await world.faults.reload()

    async def forget(self, world: str) -> None:
        with self.transaction():
            self.execute("DELETE FROM fault WHERE world = ?", (world,))
            self.execute("DELETE FROM entry WHERE world = ?", (world,))
            self.execute("DELETE FROM journal WHERE world = ?", (world,))
            self.execute("DELETE FROM task WHERE world = ?", (world,))

    async def close(self) -> None:
        self._index.close()

    def execute(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        return self._index.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing, one process at a time."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")


class FolderJournal(Journal):
    """A `Journal` whose entries every process of the mock writes and reads."""

    __slots__ = ("_shared", "_world")

    def __init__(self, shared: FolderShared, world: str, limit: int = LIMIT) -> None:
        self.limit = limit
        self._shared = shared
        self._world = world
        shared.execute("INSERT OR IGNORE INTO journal (world) VALUES (?)", (world,))

    def add(self, entry: Entry) -> None:
        weight = entry.weight
        with self._shared.transaction():
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
            if held > self.limit:
                self._evict(held, seq)

    def amend(self, entry: Entry) -> None:
        self._shared.execute(
            "UPDATE entry SET value = ? WHERE world = ? AND seq = ?",
            (orjson.dumps(entry.to_json()), self._world, entry.seq),
        )

    def entries(self, *, after: int = 0, limit: int | None = None) -> list[Entry]:
        rows = self._shared.execute(
            "SELECT value FROM entry WHERE world = ? AND seq > ? ORDER BY seq LIMIT ?",
            (self._world, after, -1 if limit is None else limit),
        )
        return [Entry.from_json(orjson.loads(value)) for (value,) in rows]

    async def clear(self) -> None:
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


class FolderFaults(Faults):
    """`Faults` that every process of the mock has, with one count for all of them.

    Which there are is remembered until `reload`; the counts are read and written in the one
    transaction in which a request is decided on.
    """

    def __init__(self, shared: FolderShared, world: str) -> None:
        super().__init__()
        self._shared = shared
        self._world = world
        self._load()

    def __iter__(self) -> Iterator[Armed]:
        self._load()
        return super().__iter__()

    async def arm(self, fault: Fault, now: int) -> Armed:
        with self._shared.transaction():
            self._load()
            armed = await super().arm(fault, now)
            value, state = orjson.dumps(fault.to_json()), orjson.dumps(armed.state())
            self._shared.execute(
                "INSERT INTO fault VALUES (?, ?, ?, ?, ?)",
                (self._world, int(armed.id), value, now, state),
            )
        return armed

    async def disarm(self, fault_id: str) -> bool:
        with self._shared.transaction():
            self._load()
            found = await super().disarm(fault_id)
            if found:
                self._shared.execute(
                    "DELETE FROM fault WHERE world = ? AND number = ?", (self._world, int(fault_id))
                )
        return found

    async def clear(self) -> int:
        with self._shared.transaction():
            self._load()
            self._shared.execute("DELETE FROM fault WHERE world = ?", (self._world,))
        return await super().clear()

    async def reload(self) -> None:
        self._load()

    def _load(self) -> None:
        rows = self._shared.execute(
            "SELECT number, value, added, state FROM fault WHERE world = ? ORDER BY number",
            (self._world,),
        )
        self._armed = []
        for number, value, added, state in rows:
            armed = Armed(str(number), Fault.of(orjson.loads(value)), added)
            armed.set_state(orjson.loads(state))
            self._armed.append(armed)
            self._last = number

    async def shoot(self, facts: Facts, moment: Moment, *, taken: bool = False) -> list[Shot]:
        if not self._armed:
            return []
        with self._shared.transaction():
            self._load()
            shots = await super().shoot(facts, moment, taken=taken)
            for armed in self._armed:
                self._shared.execute(
                    "UPDATE fault SET state = ? WHERE world = ? AND number = ?",
                    (orjson.dumps(armed.state()), self._world, int(armed.id)),
                )
        return shots
