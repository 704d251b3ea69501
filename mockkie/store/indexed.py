"""What the index of a folder knows by itself: worlds, and the facts about files. Knows no bytes."""

from __future__ import annotations

import contextlib
import sqlite3
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from mockkie.store import Store, StoredFile
from mockkie.store.counting import Counts
from mockkie.store.folder import FIND, LIST, execute, transaction, wait_by_turns
from mockkie.store.owning import Place
from mockkie.store.worldrows import WorldRows
from mockkie.worlds import World


class IndexedStore(Store):
    """A store over an index in SQLite; `shared`: other processes have it open too."""

    def __init__(self, index: sqlite3.Connection, place: Place, *, shared: bool) -> None:
        self.where = place.folder
        self._index = index
        self._place = place
        self._counts = Counts(index, self.where)
        self._rows = WorldRows(index, self.where, shared=shared)
        if shared:
            wait_by_turns(index)

    async def find(self, world: str, path: str) -> StoredFile | None:
        rows = self._execute(FIND, (world, path))
        return StoredFile._make(rows[0]) if rows else None

    async def list(
        self, world: str, *, after: str = "", limit: int = 1_000
    ) -> Sequence[StoredFile]:
        return [StoredFile._make(row) for row in self._execute(LIST, (world, after, limit))]

    async def count(self, world: str) -> tuple[int, int]:
        return self._counts.of(self._execute, world)

    async def count_often(self) -> None:
        self._counts.begin()

    async def worlds(self) -> Sequence[World]:
        return self._rows.read(self._execute)

    def changes(self) -> int:
        """How often worlds were changed, by any of the processes that share the folder.

        What waits for its commit goes on waiting: it changes files only.
        """
        return self._rows.changes(partial(execute, self._index, self.where))

    async def remember(self, world: World) -> None:
        with self._altering():
            self._rows.judge(self._execute, world.id, new=True)
            self._rows.write(self._execute, world)

    def _alter(self, sql: str, values: Sequence[Any]) -> Sequence[tuple[Any, ...]]:
        """One statement in the folder that was opened; `OSError` as of `Place.judge`, too."""
        self._place.judge()
        return self._execute(sql, values)

    def _judged(self, world: str, sql: str, values: Sequence[Any]) -> Sequence[tuple[Any, ...]]:
        """One statement about a world; `Outdated` if another process has changed it.

        Alone it is spared the journal that SQLite keeps for a statement of many in a transaction.
        """
        if not self._rows.shared:
            return self._execute(sql, values)
        with transaction(self._index, self._execute):
            self._rows.judge(self._execute, world)
            return self._execute(sql, values)

    @contextlib.contextmanager
    def _altering(self) -> Iterator[None]:
        """A transaction in the folder that was opened; `OSError` as of `Place.judge`, too."""
        self._place.judge()
        with transaction(self._index, self._execute):
            yield

    def _execute(self, sql: str, values: Sequence[Any] = ()) -> Sequence[tuple[Any, ...]]:
        self._settle()
        return execute(self._index, self.where, sql, values)

    @abstractmethod
    def _settle(self) -> None:
        """Do what was asked before: it comes before."""
