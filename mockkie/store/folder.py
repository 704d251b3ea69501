"""The folder of a disk store: its index, with the statements. Knows no uploads.

    lock               held by the mock that uses the folder; names its process
    index.sqlite       the truth: what is kept, and what is still to be freed
    incoming/<blob>    bytes of uploads in flight
    files/<xx>/<blob>  bytes of kept versions; `xx` are the last two digits of `<blob>`

A blob is the number of one version's bytes, as 16 hex digits; nothing a client says names a file.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from mockkie.clock import Clock, stopwatch
from mockkie.problems import UsageError
from mockkie.store import FilesSnapshot, StoredFile
from mockkie.store.diskbytes import sync_folder
from mockkie.store.owning import NO_LINK
from mockkie.worlds import World

Result = TypeVar("Result")

VERSION: Final = 3  # of the schema below, which says so itself; another one is not read

PATIENCE: Final = 10.0  # seconds to wait for another process that has the index
_TURN: Final = 0.0001  # seconds between two looks whether it has it still

_UNTIL_SETTINGS: Final = 2  # which lacks the settings of worlds, and is brought up to date

_UNCOUNTED: Final = 1 << 22  # with 40 bits for uploads, twice that is all SQLite's numbers have

FACTS: Final = ", ".join(StoredFile._fields)
# `content` is the last column: whoever does not ask for it does not read its pages.
# `ends` serves the sweep in its order and the count without a look at the rows. Blobs only grow,
# so the table is appended to, and a transaction touches few pages however many files there are.
_SCHEMA: Final = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS file (
    blob INTEGER PRIMARY KEY, world TEXT NOT NULL, id TEXT NOT NULL, path TEXT NOT NULL,
    name TEXT NOT NULL, size INTEGER NOT NULL, mime TEXT NOT NULL, digest TEXT NOT NULL,
    uploaded_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, content BLOB);
CREATE UNIQUE INDEX IF NOT EXISTS paths ON file (world, path);
CREATE INDEX IF NOT EXISTS ends ON file (world, expires_at, path, size);
CREATE TABLE IF NOT EXISTS trash (blob INTEGER PRIMARY KEY);
CREATE TRIGGER IF NOT EXISTS replaced AFTER UPDATE OF blob ON file WHEN old.content IS NULL
    BEGIN INSERT INTO trash VALUES (old.blob); END;
CREATE TRIGGER IF NOT EXISTS deleted AFTER DELETE ON file WHEN old.content IS NULL
    BEGIN INSERT INTO trash VALUES (old.blob); END;
CREATE TABLE IF NOT EXISTS world (
    created INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL,
    keys TEXT NOT NULL, clock_offset INTEGER NOT NULL, frozen_at INTEGER,
    changes TEXT NOT NULL DEFAULT '{}', made_with TEXT NOT NULL DEFAULT '{}');
CREATE TABLE IF NOT EXISTS session (number INTEGER NOT NULL);
INSERT INTO session SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM session);
PRAGMA user_version = 3;
COMMIT;
"""
KEEP: Final = f"""
INSERT INTO file (blob, world, {FACTS}, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (world, path) DO UPDATE SET
    blob = excluded.blob, id = excluded.id, name = excluded.name, size = excluded.size,
    mime = excluded.mime, digest = excluded.digest,
    uploaded_at = excluded.uploaded_at, expires_at = excluded.expires_at,
    content = excluded.content
"""  # noqa: S608 - names of columns
SWEEP: Final = f"""
DELETE FROM file WHERE blob IN (
    SELECT blob FROM file WHERE world = ? AND expires_at <= ?
    ORDER BY expires_at, path LIMIT ?)
RETURNING {FACTS}
"""  # noqa: S608 - names of columns
FIND: Final = f"SELECT {FACTS} FROM file WHERE world = ? AND path = ?"  # noqa: S608 - see above
LIST: Final = f"SELECT {FACTS} FROM file WHERE world = ? AND path > ? ORDER BY path LIMIT ?"  # noqa: S608 - see above
DELETE: Final = f"DELETE FROM file WHERE world = ? AND path = ? RETURNING {FACTS}"  # noqa: S608 - see above
REMEMBER: Final = """
INSERT INTO world (id, account, keys, clock_offset, frozen_at, changes, made_with)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    account = excluded.account, keys = excluded.keys,
    clock_offset = excluded.clock_offset, frozen_at = excluded.frozen_at,
    changes = excluded.changes, made_with = excluded.made_with
"""
_FROM_2: Final = """
BEGIN IMMEDIATE;
ALTER TABLE world ADD COLUMN changes TEXT NOT NULL DEFAULT '{}';
ALTER TABLE world ADD COLUMN made_with TEXT NOT NULL DEFAULT '{}';
PRAGMA user_version = 3;
COMMIT;
"""
WORLDS: Final = (
    "SELECT id, account, keys, clock_offset, frozen_at, changes, made_with "
    "FROM world ORDER BY created"
)

ROWS: Final = f"SELECT blob, {FACTS}, content FROM file WHERE world = ?"  # noqa: S608 - see above
TRASHED: Final = (
    "SELECT blob FROM trash WHERE blob NOT IN (SELECT value FROM json_each(?)) "
    "ORDER BY blob LIMIT ?"
)
OUT_OF_TRASH: Final = "DELETE FROM trash WHERE blob IN (SELECT value FROM json_each(?))"

# Of a world that one worker dropped while another one, which did not know yet, kept a file in it.
# It goes from world to world, not from file to file.
STRAYS: Final = """
WITH RECURSIVE had (world) AS (
    SELECT min(world) FROM file UNION ALL
    SELECT (SELECT min(world) FROM file WHERE world > had.world) FROM had
    WHERE had.world IS NOT NULL)
DELETE FROM file WHERE world IN (
    SELECT world FROM had WHERE world IS NOT NULL AND world NOT IN (SELECT id FROM world))
"""

Row = tuple[Any, ...]  # what KEEP takes: the blob, the world, the facts of a file, the content


class DiskSnapshot(FilesSnapshot):
    """Rows of the index, each `(blob, facts of a StoredFile, content)`."""

    def __init__(self, world: str, rows: Sequence[tuple[Any, ...]]) -> None:
        super().__init__(world)
        self.rows = rows
        self.blobs = [blob for blob, *_, content in rows if content is None]

    def put_back(self, run: Callable[[str, Sequence[Any]], object]) -> None:
        """Have these rows, and no others of the world, within a transaction of `run`."""
        run("DELETE FROM file WHERE world = ?", (self.world,))
        run(OUT_OF_TRASH, (json.dumps([*self.blobs]),))
        for blob, *facts, content in self.rows:
            run(KEEP, (blob, self.world, *facts, content))


@contextmanager
def told_in_words(folder: Path) -> Iterator[None]:
    """Have what goes wrong while a folder is opened say what to do, as a `UsageError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise UsageError(
            f"the index of the data folder {folder} cannot be read ({error}): "
            "move the folder away, or choose another one"
        ) from error
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be the data folder ({error.strerror or error}): "
            "choose a folder that can be made and written to"
        ) from error


def connect(folder: Path) -> sqlite3.Connection:
    """The index of a folder; `sqlite3.Error` when it cannot be opened."""
    at = folder / "index.sqlite"
    flags = os.O_RDWR | os.O_CREAT | NO_LINK
    os.close(os.open(at, flags, 0o600))  # SQLite would make it for all to read
    return sqlite3.connect(at, timeout=PATIENCE, isolation_level=None, check_same_thread=False)


def execute(
    index: sqlite3.Connection, where: str, sql: str, values: Sequence[Any]
) -> Sequence[tuple[Any, ...]]:
    """The rows of a statement; `OSError` when the index in `where` fails.

    A single statement is a transaction of its own, with the write lock from its start.
    """
    return in_turn(where, lambda: index.execute(sql, values).fetchall())


def run_script(index: sqlite3.Connection, where: str, script: str) -> None:
    """A transaction that a script begins and ends, or nothing of it; `OSError` as `execute`."""

    def run() -> None:
        try:
            index.executescript(script)
        except sqlite3.Error:
            if index.in_transaction:
                index.execute("ROLLBACK")
            raise

    in_turn(where, run)


def in_turn(where: str, work: Callable[[], Result]) -> Result:
    """What `work` on the index gives once no other process has it; `OSError` as `execute`."""
    since = stopwatch()  # SQLite may be as patient by itself: then this is not so once more
    while True:
        try:
            return work()
        except sqlite3.Error as error:
            is_busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or stopwatch() - since >= PATIENCE:
                raise failure(where, error) from error
            time.sleep(_TURN)


def wait_by_turns(index: sqlite3.Connection) -> None:
    """Have `in_turn` wait for other processes, which commit in a fraction of a millisecond.

    SQLite itself would look again after 1, 2, 5, 10 and more. Nothing may go by it from now on.
    """
    index.execute("PRAGMA busy_timeout = 0")


def failure(where: str, error: sqlite3.Error) -> OSError:
    """What a store raises when the index in `where` fails."""
    full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return OSError(errno.ENOSPC if full else errno.EIO, f"the index in {where}: {error}")


@contextmanager
def transaction(index: sqlite3.Connection, run: Callable[[str], object]) -> Iterator[None]:
    """Several statements as one, with the write lock from its start; `run` is `execute`."""
    with index:  # takes all statements back when one fails
        run("BEGIN IMMEDIATE")
        yield
        run("COMMIT")


def begin_session(index: sqlite3.Connection, where: str) -> int:
    """The number of this opening of the index: no other one had it or will have it.

    A mock starts on a full disk too, which takes no number: then it is one of those that nobody
    counts up to, by chance.
    """
    next_one = "UPDATE session SET number = number + 1 RETURNING number"
    try:
        [(session,)] = execute(index, where, next_one, ())
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return _UNCOUNTED + secrets.randbelow(_UNCOUNTED)
    return int(session)


def world_of(row: Sequence[Any]) -> World:
    """The world of a row of `WORLDS`."""
    name, account, keys, offset, frozen_at, changes, made_with = row
    return World(
        id=name,
        account=account,
        keys=tuple(json.loads(keys)),
        clock=Clock(offset, frozen_at),
        changes=json.loads(changes),
        made_with=json.loads(made_with),
    )


def row_of(world: World) -> Sequence[Any]:
    """What `REMEMBER` takes."""
    told = map(json.dumps, (world.changes, world.made_with))
    return (world.id, world.account, json.dumps(world.keys), *world.clock.state(), *told)


def prepare(index: sqlite3.Connection, folder: Path, *, durable: bool) -> None:
    """Check the version, set up what is missing. `UsageError`, `sqlite3.Error`."""
    [(version,)] = index.execute("PRAGMA user_version").fetchall()
    [(tables,)] = index.execute("SELECT count(*) FROM sqlite_master").fetchall()
    if version == _UNTIL_SETTINGS:
        index.executescript(_FROM_2)
        version = VERSION
    if version != VERSION and (version or tables):
        raise UsageError(
            f"the index of the data folder {folder} is of another version of mockkie "
            f"(schema {version}, this one reads {VERSION}): use that version, or another folder"
        )
    if not version and any((folder / name).exists() for name in ("incoming", "files")):
        raise UsageError(  # what is in them may be dear to somebody
            f"the data folder {folder} holds files but no index of them: choose another folder, "
            f"or move its 'incoming' and 'files' away"
        )
    [(mode,)] = index.execute("PRAGMA journal_mode = WAL").fetchall()
    if mode != "wal":
        raise UsageError(
            f"the file system of the data folder {folder} cannot hold an SQLite index in WAL mode: "
            "choose a folder on a local disk"
        )
    index.execute("PRAGMA journal_size_limit = 67108864")  # bytes, after a large clear
    # KiB; not more: SQLite may walk over all cached pages at a commit (seen with 3.40).
    index.execute("PRAGMA cache_size = -8192")
    if not version:  # FULL as yet: a loss of power must not leave files without an index
        index.executescript(_SCHEMA)
    index.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")


def make_folders(folder: Path, *, durable: bool) -> None:
    """Make the folders of the bytes, if they are missing."""
    # After the index, see `prepare`. The 256 folders in `files` are made when they are needed.
    for name in ("incoming", "files"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    if durable:
        sync_folder(str(folder))
