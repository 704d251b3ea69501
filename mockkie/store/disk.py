"""Files in a folder. May not know Starlette, requests or the control API.

    lock               held by the mock that uses the folder; names its process
    index.sqlite       the truth: what is kept, and what is still to be freed
    incoming/<blob>    bytes of uploads in flight
    files/<xx>/<blob>  bytes of kept versions; `xx` are the last two digits of `<blob>`

A blob is the number of one version's bytes, as 16 hex digits; nothing a client says names a file.
A kill at any moment loses no kept file and shows no half one, because each step leaves a state
that `open_folder` (or a reader) understands, at a cost of what was in flight, not of what is kept:

A small content is in its row and has no blob: its upload is step 2 alone, which is all or nothing.

1. Bytes go to `incoming`. Killed here: no row names them, they are deleted.
2. One transaction adds the row and moves the blob it replaces to the table `trash` (by trigger:
   whatever blob leaves `file`, however it does, is in `trash`). Killed here: the row names a
   blob in `incoming`, where readers look too, and step 3 is made good.
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
from collections.abc import Sequence
from itertools import count
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, Self

from mockkie.clock import Clock
from mockkie.problems import UsageError
from mockkie.store import Draft, Reading, Store, StoredFile
from mockkie.store.diskbytes import BINARY, SMALL, DiskDraft, DiskReading, unlink
from mockkie.store.folder import (
    DELETE,
    FIND,
    KEEP,
    LIST,
    REMEMBER,
    SWEEP,
    connect,
    make_folders,
    prepare,
    take_lock,
)
from mockkie.store.memory import MemoryReading
from mockkie.worlds import World

TRASH: Final = 1_000  # as many blobs a sweep, a clear or an opening frees at a time
FEW: Final = 8  # as many an upload does


class DiskStore(Store):
    """Everything in one folder; the default of `serve`. Opened by `open_folder`."""

    def __init__(
        self, folder: Path, index: sqlite3.Connection, *, lock: int, durable: bool, small: int
    ) -> None:
        self.where = str(folder)
        self._index = index
        self._lock = lock
        self._durable = durable
        self._small = small
        self._incoming, self._files = str(folder / "incoming"), str(folder / "files")
        # Every opening has a number of its own: blobs of two openings or processes never meet.
        [(session,)] = self._execute("UPDATE session SET number = number + 1 RETURNING number")
        self._blobs = count(session << 40)
        self._drafts: set[DiskDraft] = set()
        self._readings: set[DiskReading] = set()
        self._closed = False

    @classmethod
    def open_folder(
        cls, folder: Path, *, lock: bool = True, durable: bool = False, small: int = SMALL
    ) -> Self:
        """Open a folder, made if it is missing, and put right what a kill left in flight.

        `lock=False` is for further processes of the mock that holds the lock: nothing is put
        right, the uploads in flight may be theirs. Contents of up to `small` bytes are kept in
        the index, larger ones in files. `UsageError` says why the folder cannot be
        used, and what to do: in use, no folder, not writable, index damaged or of another version.
        """
        with contextlib.ExitStack() as undo:
            try:
                folder = folder.absolute()
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                held = take_lock(folder) if lock else -1
                if lock:
                    undo.callback(os.close, held)
                index = connect(folder)
                undo.callback(index.close)
                prepare(index, folder, durable=durable)
                make_folders(folder, durable=durable)
                store = cls(folder, index, lock=held, durable=durable, small=small)
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

    def draft(self) -> DiskDraft:
        blob = next(self._blobs)
        return DiskDraft(blob, self._in_incoming(blob), self._drafts)

    async def keep(self, world: str, draft: Draft, file: StoredFile) -> None:
        if not isinstance(draft, DiskDraft):
            raise TypeError("this draft is of another store")
        if draft not in self._drafts:
            raise ValueError("this draft is over")
        content = draft.seal(self._small, durable=self._durable)
        self._drafts.discard(draft)  # from here on the index says what becomes of the bytes
        changes = self._index.total_changes
        try:
            self._execute(KEEP, (draft.blob, world, *file, content))
        except BaseException:  # an interrupt too, which can come before or behind the commit
            if content is None:
                self._settle(draft.blob)
            raise
        if content is None:
            self._shelve(draft.blob)
        if self._index.total_changes > changes + 1:  # the trigger changed something, too
            self._empty_trash(FEW)

    async def find(self, world: str, path: str) -> StoredFile | None:
        rows = self._execute(FIND, (world, path))
        return StoredFile._make(rows[0]) if rows else None

    async def open(self, world: str, file: StoredFile) -> Reading | None:
        rows = self._execute(
            "SELECT blob, content FROM file WHERE world = ? AND path = ? AND id = ?",
            (world, file.path, file.id),
        )
        for blob, content in rows:
            if content is not None:
                return MemoryReading((content,))
            shelf = self._on_shelf(blob)
            # Another process may be about to shelve it: then it is there at the second look.
            for at in (shelf, self._in_incoming(blob), shelf):
                with contextlib.suppress(FileNotFoundError):
                    fd = os.open(at, os.O_RDONLY | BINARY)
                    return DiskReading(fd, file.size, self._readings)
        return None

    async def list(
        self, world: str, *, after: str = "", limit: int = 1_000
    ) -> Sequence[StoredFile]:
        return [StoredFile._make(row) for row in self._execute(LIST, (world, after, limit))]

    async def count(self, world: str) -> tuple[int, int]:
        [(files, size)] = self._execute(
            "SELECT count(*), coalesce(sum(size), 0) FROM file WHERE world = ?", (world,)
        )
        return files, size

    async def delete(self, world: str, path: str) -> StoredFile | None:
        rows = self._execute(DELETE, (world, path))
        self._empty_trash(FEW)
        return StoredFile._make(rows[0]) if rows else None

    async def clear(self, world: str) -> int:
        self._execute("DELETE FROM file WHERE world = ?", (world,))
        [(files,)] = self._execute("SELECT changes()")
        self._empty_trash()
        return int(files)

    async def sweep(self, world: str, now: int, limit: int = 1_000) -> Sequence[StoredFile]:
        rows = self._execute(SWEEP, (world, now, limit))
        self._empty_trash(max(limit, TRASH))  # also when nothing expired: see there
        # SQLite returns them in any order.
        return sorted(map(StoredFile._make, rows), key=attrgetter("expires_at", "path"))

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
        self._execute(REMEMBER, (world.id, world.account, json.dumps(world.keys), *state))

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
                unlink(self._in_incoming(blob))

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
                unlink(at)
            except FileNotFoundError:
                continue
            except OSError:
                return False
        return True
