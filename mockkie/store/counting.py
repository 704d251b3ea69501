"""How many files and bytes the index of a folder has. Knows no folder.

They can be counted when that is asked for, which looks at each file, or be counted along by
triggers at each change, whichever process makes it: that costs an upload a page more, so only who
counts often has them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final

from mockkie.store import Draft
from mockkie.store.folder import KEEP, Row, execute, run_script

_COUNT: Final = "SELECT count(*), coalesce(sum(size), 0) FROM file WHERE world = ?"
_ALONG: Final = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS held (
    world TEXT PRIMARY KEY, files INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
DELETE FROM held;
INSERT INTO held SELECT world, count(*), sum(size) FROM file GROUP BY world;
CREATE TRIGGER IF NOT EXISTS came AFTER INSERT ON file BEGIN
    INSERT INTO held VALUES (new.world, 1, new.size) ON CONFLICT (world) DO UPDATE
    SET files = files + 1, bytes = bytes + excluded.bytes; END;
CREATE TRIGGER IF NOT EXISTS changed AFTER UPDATE OF size ON file BEGIN
    UPDATE held SET bytes = bytes + new.size - old.size WHERE world = new.world; END;
CREATE TRIGGER IF NOT EXISTS went AFTER DELETE ON file BEGIN
    UPDATE held SET files = files - 1, bytes = bytes - old.size WHERE world = old.world; END;
COMMIT;
"""
_NO_MORE: Final = """
BEGIN IMMEDIATE;
DROP TRIGGER IF EXISTS came; DROP TRIGGER IF EXISTS changed; DROP TRIGGER IF EXISTS went;
DROP TABLE IF EXISTS held;
COMMIT;
"""
_HELD: Final = "SELECT files, bytes FROM held WHERE world = ?"
Execute = Callable[[str, Sequence[Any]], Sequence[tuple[Any, ...]]]
"""A statement and its values; gives the rows."""


class Counts:
    """The counts of an index; `along` tells whether this process has seen to it that they are kept.

    Another one may have: then they are kept all the same.
    """

    def __init__(self, index: sqlite3.Connection, where: str) -> None:
        self.along = False
        self._index = index
        self._where = where

    def begin(self) -> None:
        """Count along from now on; `OSError`."""
        if not self.along:
            run_script(self._index, self._where, _ALONG)
            self.along = True

    def end(self) -> None:
        """Count along no more, in no process; `OSError`."""
        run_script(self._index, self._where, _NO_MORE)
        self.along = False

    def of(self, execute: Execute, world: str) -> tuple[int, int]:
        """`(files, bytes)` of a world."""
        rows = execute(_HELD if self.along else _COUNT, (world,))
        return (int(rows[0][0]), int(rows[0][1])) if rows else (0, 0)

    def unused(self) -> int:
        """Bytes that deleted rows left in the index: new ones go there, it never shrinks."""
        [(pages,)] = execute(self._index, self._where, "PRAGMA freelist_count", ())
        [(size,)] = execute(self._index, self._where, "PRAGMA page_size", ())
        return int(pages * size)


def keep_within(execute: Execute, rows: Sequence[Row], drafts: Sequence[Draft]) -> None:
    """Add rows of `KEEP`; `Problem` if that leads over the quota of one of their drafts.

    Within a transaction, which takes all of them back then. With a quota it is counted along.
    """
    for row in rows:
        execute(KEEP, row)
    for (_, world, *_), draft in zip(rows, drafts, strict=False):
        if draft.quota is not None:
            [(_, held)] = execute(_HELD, (world,))
            draft.judge_quota(held - draft.size, draft.size)
