"""The worlds in the index of a folder, and which another process has changed. Knows no files.

Where several processes share a folder, what one of them does to files hangs on the world as it was
when that process looked: a file gets its end by the world's clock. So the world is looked at again
in the transaction that keeps files or takes them away, and `Outdated` is raised if it is another.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final

from mockkie.store import Outdated
from mockkie.store.folder import REMEMBER, WORLDS, row_of, run_script, world_of
from mockkie.worlds import World

Execute = Callable[..., Sequence[tuple[Any, ...]]]

_ROW: Final = (
    "SELECT id, account, keys, clock_offset, frozen_at, changes, made_with FROM world WHERE id = ?"
)
# A count of changes in the index itself is there for others at the moment of the change.
_COUNTED: Final = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS turn (number INTEGER NOT NULL);
INSERT INTO turn SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM turn);
CREATE TRIGGER IF NOT EXISTS world_came AFTER INSERT ON world BEGIN
    UPDATE turn SET number = number + 1; END;
CREATE TRIGGER IF NOT EXISTS world_changed AFTER UPDATE ON world BEGIN
    UPDATE turn SET number = number + 1; END;
CREATE TRIGGER IF NOT EXISTS world_went AFTER DELETE ON world BEGIN
    UPDATE turn SET number = number + 1; END;
COMMIT;
"""
_ALONE: Final = """
BEGIN IMMEDIATE;
DROP TRIGGER IF EXISTS world_came; DROP TRIGGER IF EXISTS world_changed;
DROP TRIGGER IF EXISTS world_went; DROP TABLE IF EXISTS turn;
COMMIT;
"""


class WorldRows:
    """The worlds as this process has read or written them last. `shared`: others write, too."""

    def __init__(self, index: sqlite3.Connection, where: str, *, shared: bool) -> None:
        self.shared = shared
        self._told: dict[str, Sequence[Any]] = {}
        run_script(index, where, _COUNTED if shared else _ALONE)

    def read(self, execute: Execute) -> list[World]:
        """Every world, in the order of creation."""
        rows = execute(WORLDS)
        self._told = {row[0]: row for row in rows}
        return [world_of(row) for row in rows]

    def write(self, execute: Execute, world: World) -> None:
        """Remember a world; within a transaction that `judge` was asked in."""
        row = tuple(row_of(world))
        execute(REMEMBER, row)
        self._told[world.id] = row

    def forget(self, world: str) -> None:
        """It is not there any more."""
        self._told.pop(world, None)

    def judge(self, execute: Execute, world: str, *, new: bool = False) -> None:
        """Raise `Outdated` if a world is not as it was; one that is `new` must not be there.

        Places of files that are no world's are nobody's to change.
        """
        known = self._told.get(world)
        if self.shared and (new or known is not None):
            rows = execute(_ROW, (world,))
            if (rows[0] if rows else None) != known:
                raise Outdated(world)

    def changes(self, execute: Execute) -> int:
        """How often worlds were changed, by whomever; for those that share a folder."""
        [(number,)] = execute("SELECT number FROM turn", ())
        return int(number)
