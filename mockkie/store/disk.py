"""Files in a folder. May not know Starlette, requests or the control API.

    lock               held by the mock that uses the folder; names its process
    index.sqlite       the truth: what is kept, and what is still to be freed
    incoming/<blob>    bytes of uploads in flight
    files/<xx>/<blob>  bytes of kept versions; `xx` are the last two digits of `<blob>`

A blob is the number of one version's bytes, as 16 hex digits; nothing a client says names a file.
A kill at any moment loses no kept file and shows no half one, because each step leaves a state
that `open_folder` (or a reader) understands, at a cost of what was in flight, not of what is kept:

1. Bytes go to `incoming`. Killed here: no row names them, they are deleted.
2. One transaction adds the row and moves the blob it replaces to the table `trash` (by trigger:
   whatever leaves `file`, however it does, is in `trash`). Killed here: the row names a blob in
   `incoming`, where readers look too, and step 3 is made good.
3. The bytes are renamed to `files`. Not before 2: bytes there without a row would never be found.
4. Blobs in `trash` are unlinked, then their rows are deleted. Not before 2: the old version is the
   kept one until then. Not the other way round: bytes without a row would never be found.

A kill of the process is survived without waiting for the platter (`synchronous=NORMAL`): what was
written is in the kernel's hands. A power cut may take the last commits, or the bytes of the last
files, and leave bytes that no row names; the index stays whole. `durable=True` waits for the
platter before `keep` returns; then a power cut costs at most some space.

Every method does its work at once, in the caller's thread: no coroutine here ever suspends. Any
thread may call, one at a time. Nothing of the index is remembered between calls, so processes may
share a folder. A failure of the disk is an `OSError`; the store stays usable.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Sequence
from itertools import count
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, Self

from mockkie.clock import Clock
from mockkie.problems import UsageError
from mockkie.store import PIECE, Draft, Reading, Store, StoredFile
from mockkie.worlds import World

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

BATCH: Final = 64 * 1_024  # smaller chunks are gathered to this many bytes
VERSION: Final = 1  # of the schema below, which says so itself; another one is not read
TRASH: Final = 1_000  # as many blobs a sweep, a clear or an opening frees at a time
FEW: Final = 8  # as many an upload does
_BINARY: Final[int] = getattr(os, "O_BINARY", 0)  # Windows would translate line ends

# `ends` serves the sweep in its order and the count without a look at the rows. Blobs only grow,
# so the table is appended to, and a transaction touches few pages however many files there are.
_SCHEMA: Final = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS file (
    blob INTEGER PRIMARY KEY, world TEXT NOT NULL, id TEXT NOT NULL, path TEXT NOT NULL,
    name TEXT NOT NULL, size INTEGER NOT NULL, mime TEXT NOT NULL, digest TEXT NOT NULL,
    uploaded_at INTEGER NOT NULL, expires_at INTEGER NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS paths ON file (world, path);
CREATE INDEX IF NOT EXISTS ends ON file (world, expires_at, path, size);
CREATE TABLE IF NOT EXISTS trash (blob INTEGER PRIMARY KEY);
CREATE TRIGGER IF NOT EXISTS replaced AFTER UPDATE OF blob ON file
    BEGIN INSERT INTO trash VALUES (old.blob); END;
CREATE TRIGGER IF NOT EXISTS deleted AFTER DELETE ON file
    BEGIN INSERT INTO trash VALUES (old.blob); END;
CREATE TABLE IF NOT EXISTS world (
    created INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL,
    keys TEXT NOT NULL, clock_offset INTEGER NOT NULL, frozen_at INTEGER);
CREATE TABLE IF NOT EXISTS session (number INTEGER NOT NULL);
INSERT INTO session SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM session);
PRAGMA user_version = 1;
COMMIT;
"""
_KEEP: Final = """
INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (world, path) DO UPDATE SET
    blob = excluded.blob, id = excluded.id, name = excluded.name, size = excluded.size,
    mime = excluded.mime, digest = excluded.digest,
    uploaded_at = excluded.uploaded_at, expires_at = excluded.expires_at
"""
_SWEEP: Final = """
DELETE FROM file WHERE blob IN (
    SELECT blob FROM file WHERE world = ? AND expires_at <= ?
    ORDER BY expires_at, path LIMIT ?)
RETURNING *
"""
_REMEMBER: Final = """
INSERT INTO world (id, account, keys, clock_offset, frozen_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    account = excluded.account, keys = excluded.keys,
    clock_offset = excluded.clock_offset, frozen_at = excluded.frozen_at
"""
_facts = attrgetter(*StoredFile.__slots__)  # in the order of the columns behind blob and world


def _stored(row: Sequence[Any]) -> StoredFile:
    return StoredFile(*row[2:])


class DiskDraft(Draft):
    """Bytes on their way into `incoming/<blob>`; a small upload has no file until it is kept.

    It is in `drafts` while it is nobody else's: not kept, not discarded. `OSError` discards it.
    """

    def __init__(self, blob: int, at: str, drafts: set[DiskDraft]) -> None:
        super().__init__()
        self.blob = blob
        self._at = at
        self._drafts = drafts
        self._fd = -1
        self._batch = bytearray()
        drafts.add(self)

    async def _append(self, chunk: bytes) -> None:
        if self not in self._drafts:
            raise ValueError("this draft is over")
        if len(chunk) < BATCH:
            self._batch += chunk
            if len(self._batch) >= BATCH:
                self._write_batch()
        else:
            self._write_batch()
            self._write(chunk)

    def _write_batch(self) -> None:
        batch, self._batch = self._batch, bytearray()
        self._write(batch)

    def _write(self, data: bytes | bytearray) -> None:
        try:
            if self._fd < 0:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
                self._fd = os.open(self._at, flags, 0o600)
            done = os.write(self._fd, data)
            while done < len(data):  # a disk that is nearly full takes a part
                done += os.write(self._fd, memoryview(data)[done:])
        except OSError:
            self._drop()
            raise

    def seal(self, *, durable: bool) -> None:
        """Bring everything into the file, even nothing, and close it."""
        self._write_batch()
        try:
            if durable:
                os.fsync(self._fd)
                _sync_folder(os.path.dirname(self._at))  # noqa: PTH120 - a str, no Path per upload
            self._close()
        except OSError:
            self._drop()
            raise

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _drop(self) -> None:
        self._drafts.discard(self)
        self._batch = bytearray()
        with contextlib.suppress(OSError):  # what stays is deleted at the next open
            self._close()
        with contextlib.suppress(OSError):
            _unlink(self._at)

    async def discard(self) -> None:
        if self in self._drafts:
            self._drop()


class DiskReading(Reading):
    """An open file: its bytes stay when its name goes. `size` in bytes, as the index has it."""

    def __init__(self, fd: int, size: int, readings: set[DiskReading]) -> None:
        self._fd = fd
        self._size = size
        self._readings = readings
        readings.add(self)

    async def pieces(self, start: int, stop: int) -> AsyncIterator[bytes]:
        """See `Reading.pieces`."""
        at, stop = max(start, 0), min(stop, self._size)
        while at < stop:
            piece = _read_at(self._fd, min(PIECE, stop - at), at)
            if not piece:
                raise OSError(errno.EIO, f"a kept file lost its bytes from {at} on")
            yield piece
            at += len(piece)

    async def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            self._readings.discard(self)
            os.close(fd)


class DiskStore(Store):
    """Everything in one folder; the default of `serve`. Opened by `open_folder`."""

    def __init__(
        self, folder: Path, index: sqlite3.Connection, *, lock: int, durable: bool
    ) -> None:
        self.where = str(folder)
        self._index = index
        self._lock = lock
        self._durable = durable
        self._incoming, self._files = str(folder / "incoming"), str(folder / "files")
        # Every opening has a number of its own: blobs of two openings or processes never meet.
        [(session,)] = self._execute("UPDATE session SET number = number + 1 RETURNING number")
        self._blobs = count(session << 40)
        self._drafts: set[DiskDraft] = set()
        self._readings: set[DiskReading] = set()
        self._closed = False

    @classmethod
    def open_folder(cls, folder: Path, *, lock: bool = True, durable: bool = False) -> Self:
        """Open a folder, made if it is missing, and put right what a kill left in flight.

        `lock=False` is for further processes of the mock that holds the lock: nothing is put
        right, the uploads in flight may be theirs. `UsageError` says why the folder cannot be
        used, and what to do: in use, no folder, not writable, index damaged or of another version.
        """
        with contextlib.ExitStack() as undo:
            try:
                folder = folder.absolute()
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                held = _take_lock(folder) if lock else -1
                if lock:
                    undo.callback(os.close, held)
                index = _connect(folder)
                undo.callback(index.close)
                _prepare(index, folder, durable=durable)
                _make_folders(folder, durable=durable)
                store = cls(folder, index, lock=held, durable=durable)
                if lock:
                    store._recover()
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
            undo.pop_all()
        return store

    async def draft(self) -> DiskDraft:
        blob = next(self._blobs)
        return DiskDraft(blob, self._in_incoming(blob), self._drafts)

    async def keep(self, world: str, draft: Draft, file: StoredFile) -> None:
        if not isinstance(draft, DiskDraft):
            raise TypeError("this draft is of another store")
        if draft not in self._drafts:
            raise ValueError("this draft is over")
        draft.seal(durable=self._durable)
        self._drafts.discard(draft)  # from here on the index says what becomes of the bytes
        changes = self._index.total_changes
        try:
            self._execute(_KEEP, (draft.blob, world, *_facts(file)))
        except BaseException:  # an interrupt too, which can come before or behind the commit
            self._settle(draft.blob)
            raise
        self._shelve(draft.blob)
        if self._index.total_changes > changes + 1:  # the trigger changed something, too
            self._empty_trash(FEW)

    async def find(self, world: str, path: str) -> StoredFile | None:
        rows = self._execute("SELECT * FROM file WHERE world = ? AND path = ?", (world, path))
        return _stored(rows[0]) if rows else None

    async def open(self, world: str, file: StoredFile) -> DiskReading | None:
        rows = self._execute(
            "SELECT blob FROM file WHERE world = ? AND path = ? AND id = ?",
            (world, file.path, file.id),
        )
        for (blob,) in rows:
            shelf = self._on_shelf(blob)
            # Another process may be about to shelve it: then it is there at the second look.
            for at in (shelf, self._in_incoming(blob), shelf):
                with contextlib.suppress(FileNotFoundError):
                    fd = os.open(at, os.O_RDONLY | _BINARY)
                    return DiskReading(fd, file.size, self._readings)
        return None

    async def list(
        self, world: str, *, after: str = "", limit: int = 1_000
    ) -> Sequence[StoredFile]:
        rows = self._execute(
            "SELECT * FROM file WHERE world = ? AND path > ? ORDER BY path LIMIT ?",
            (world, after, limit),
        )
        return [_stored(row) for row in rows]

    async def count(self, world: str) -> tuple[int, int]:
        [(files, size)] = self._execute(
            "SELECT count(*), coalesce(sum(size), 0) FROM file WHERE world = ?", (world,)
        )
        return files, size

    async def delete(self, world: str, path: str) -> StoredFile | None:
        rows = self._execute(
            "DELETE FROM file WHERE world = ? AND path = ? RETURNING *", (world, path)
        )
        self._empty_trash(FEW)
        return _stored(rows[0]) if rows else None

    async def clear(self, world: str) -> int:
        self._execute("DELETE FROM file WHERE world = ?", (world,))
        [(files,)] = self._execute("SELECT changes()")
        self._empty_trash()
        return int(files)

    async def sweep(self, world: str, now: int, limit: int = 1_000) -> Sequence[StoredFile]:
        rows = self._execute(_SWEEP, (world, now, limit))
        self._empty_trash(max(limit, TRASH))  # also when nothing expired: see there
        # SQLite returns them in any order.
        return sorted(map(_stored, rows), key=attrgetter("expires_at", "path"))

    async def worlds(self) -> Sequence[World]:
        rows = self._execute(
            "SELECT id, account, keys, clock_offset, frozen_at FROM world ORDER BY created"
        )
        return [
            World(id=name, account=account, keys=tuple(json.loads(keys)), clock=Clock(*state))
            for name, account, keys, *state in rows
        ]

    async def remember(self, world: World) -> None:
        state = world.clock.state()
        self._execute(_REMEMBER, (world.id, world.account, json.dumps(world.keys), *state))

    async def forget(self, world: str) -> None:
        with self._index:  # takes both back when one fails
            self._execute("BEGIN IMMEDIATE")
            self._execute("DELETE FROM file WHERE world = ?", (world,))
            self._execute("DELETE FROM world WHERE id = ?", (world,))
            self._execute("COMMIT")
        self._empty_trash()

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for draft in list(self._drafts):
            await draft.discard()
        for reading in list(self._readings):
            await reading.close()
        self._empty_trash()
        with contextlib.suppress(sqlite3.Error):  # the next open reads the log as well
            self._index.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._index.close()
        if self._lock >= 0:
            os.ftruncate(self._lock, 0)
            os.close(self._lock)

    def _in_incoming(self, blob: int) -> str:
        return f"{self._incoming}/{blob:016x}"

    def _on_shelf(self, blob: int) -> str:
        return f"{self._files}/{blob & 0xFF:02x}/{blob:016x}"

    def _execute(self, sql: str, values: Sequence[Any] = ()) -> Sequence[tuple[Any, ...]]:
        # A single statement is a transaction of its own, with the write lock from its start.
        try:
            return self._index.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
            number = errno.ENOSPC if full else errno.EIO
            raise OSError(number, f"the index in {self.where}: {error}") from error

    def _recover(self) -> None:
        """Step 3 or its undoing for all bytes in `incoming`, step 4 for the trash."""
        for name in os.listdir(self._incoming):  # noqa: PTH208 - names are all that is needed
            with contextlib.suppress(ValueError, OverflowError):  # not a name of ours
                self._settle(int(name, 16))
        self._empty_trash()

    def _settle(self, blob: int) -> None:
        """Let the index decide about bytes in `incoming`: shelve them, or delete them.

        What cannot be done now is done at the next open.
        """
        with contextlib.suppress(OSError):
            if self._execute("SELECT 1 FROM file WHERE blob = ?", (blob,)):
                self._shelve(blob)
            else:
                _unlink(self._in_incoming(blob))

    def _shelve(self, blob: int) -> None:
        source, target = self._in_incoming(blob), self._on_shelf(blob)
        # Kept it is, shelved or not: readers look into `incoming`, the next open tries again.
        with contextlib.suppress(OSError):
            try:
                os.replace(source, target)  # noqa: PTH105 - a str, no Path per upload
            except FileNotFoundError:  # the first on this shelf
                Path(target).parent.mkdir(mode=0o700, exist_ok=True)
                os.replace(source, target)  # noqa: PTH105 - as above

    def _empty_trash(self, most: int = TRASH) -> None:
        """Free up to `most` blobs that left the index. What stays is for the next time.

        The rest after a large clear: a slow disk takes 0.1 ms to unlink. On Windows also what a
        reading holds open.
        """
        with contextlib.suppress(OSError):
            rows = self._execute("SELECT blob FROM trash ORDER BY blob LIMIT ?", (most,))
            freed = [blob for (blob,) in rows if self._free(blob)]
            if freed:
                self._execute(
                    "DELETE FROM trash WHERE blob IN (SELECT value FROM json_each(?))",
                    (json.dumps(freed),),
                )

    def _free(self, blob: int) -> bool:
        # In this order, or another process could shelve the bytes between the two looks.
        for at in (self._in_incoming(blob), self._on_shelf(blob)):
            try:
                _unlink(at)
            except FileNotFoundError:
                continue
            except OSError:
                return False
        return True


def _unlink(at: str) -> None:
    os.unlink(at)  # noqa: PTH108 - a str, no Path per upload


def _read_at(fd: int, size: int, at: int) -> bytes:
    if sys.platform != "win32":
        return os.pread(fd, size, at)
    os.lseek(fd, at, os.SEEK_SET)  # nothing can come between the two: see the module
    return os.read(fd, size)


def _sync_folder(folder: str) -> None:
    if sys.platform != "win32":  # which has no such thing
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _take_lock(folder: Path) -> int:
    """The open lock file; the system lets go of it when the process ends, however it ends."""
    fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform == "win32":
            os.lseek(fd, 1 << 30, os.SEEK_SET)  # far behind the text: locked bytes are unreadable
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        holder = _read_at(fd, 32, 0).decode("ascii", "replace").strip()
        os.close(fd)
        raise UsageError(
            f"another mock{f' (process {holder})' if holder else ''} uses the data folder "
            f"{folder}: stop it, or choose another folder"
        ) from error
    except OSError:
        os.close(fd)
        raise
    os.lseek(fd, 0, os.SEEK_SET)
    os.ftruncate(fd, 0)
    os.write(fd, f"{os.getpid()}\n".encode())
    return fd


def _connect(folder: Path) -> sqlite3.Connection:
    at = folder / "index.sqlite"
    os.close(os.open(at, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite would make it for all to read
    return sqlite3.connect(at, timeout=10, isolation_level=None, check_same_thread=False)


def _prepare(index: sqlite3.Connection, folder: Path, *, durable: bool) -> None:
    """Check the version, set up what is missing. `UsageError`, `sqlite3.Error`."""
    [(version,)] = index.execute("PRAGMA user_version").fetchall()
    [(tables,)] = index.execute("SELECT count(*) FROM sqlite_master").fetchall()
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
    index.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
    index.execute("PRAGMA wal_autocheckpoint = 4000")  # pages: fewer stops of a few ms to sync
    index.execute("PRAGMA journal_size_limit = 67108864")  # bytes, after a large clear
    index.execute("PRAGMA cache_size = -65536")  # KiB at most: the index of 200,000 files
    if not version:
        index.executescript(_SCHEMA)


def _make_folders(folder: Path, *, durable: bool) -> None:
    # After the index, see `_prepare`. The 256 folders in `files` are made when they are needed.
    for name in ("incoming", "files"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    if durable:
        _sync_folder(str(folder))
