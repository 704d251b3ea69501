"""Files in a folder. May not know Starlette, requests or the control API.

`mockkie.store.folder` says what is in it. A kill at any moment loses no kept file and shows
no half one, because each step leaves a state that `open_folder` (or a reader) understands, at a
cost of what was in flight, not of what is kept. Of a small content, which is in its row and has no
blob, step 2 is all there is.

1. Bytes go to `incoming`. Killed here: no row names them, they are deleted.
2. One transaction adds the row and moves the blob it replaces to the table `trash` (by trigger:
   whatever blob leaves `file`, however it does, is in `trash`). Killed here: the row names a
   blob in `incoming`, where readers look too, and step 3 is made good.
3. The bytes are renamed to `files`. Not before 2: bytes there without a row would never be found.
4. Blobs in `trash` are unlinked, then their rows are deleted. Not before 2: the old version is the
   kept one until then. Not the other way round: bytes without a row would never be found.

What a snapshot holds stays in `trash`, and is not freed, for as long as somebody in this process
has the snapshot; `restore` takes it out in the transaction that brings its rows back. Killed at
any time, the next opening frees it. Neighbours know nothing of it: no snapshots among several.

A kill of the process is survived without waiting for the platter (`synchronous=NORMAL`): what was
written is in the kernel's hands. A loss of power may take the last commits, or the bytes of files,
and leave bytes that no row names; the index stays whole. `mockkie.store.blackout` puts that right.
`durable=True` waits for the platter before `keep` returns: then nothing kept is lost.

Every method does its work at once, in the caller's thread: no coroutine here suspends, but for
`keep_together` (see `mockkie.store.together`). Any thread may call, one at a time. A failure of the
disk is an `OSError`; the store stays usable.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Sequence
from itertools import count
from operator import attrgetter
from pathlib import Path
from typing import Final, Self
from weakref import WeakSet

from mockkie.store import Draft, FilesSnapshot, Outdated, Reading, StoredFile
from mockkie.store.blackout import look_after_blackout
from mockkie.store.counting import keep_within
from mockkie.store.diskbytes import ROW, SMALL, DiskDraft, DiskReading, Room, Shelves, own
from mockkie.store.folder import (
    DELETE,
    KEEP,
    OUT_OF_TRASH,
    ROWS,
    STRAYS,
    SWEEP,
    TRASHED,
    DiskSnapshot,
    Row,
    begin_session,
    connect,
    make_folders,
    prepare,
    told_in_words,
)
from mockkie.store.indexed import IndexedStore
from mockkie.store.locking import let_go, take_lock
from mockkie.store.memory import MemoryReading
from mockkie.store.owning import Place
from mockkie.store.together import Together
from mockkie.worlds import World

TRASH: Final = 1_000  # as many blobs a sweep, a clear or an opening frees at a time
FEW: Final = 8  # as many an upload does


class DiskStore(IndexedStore):
    """Everything in one folder; the default of `serve`. Opened by `open_folder`."""

    def __init__(
        self, folder: Path, index: sqlite3.Connection, *, shared: bool, durable: bool, small: int
    ) -> None:
        super().__init__(index, Place(str(folder)), shared=shared)
        self._durable, self._small = durable, small
        self.room = Room(self._place)
        self._shelves = Shelves(str(folder / "incoming"), str(folder / "files"))
        # Every opening has a number of its own: blobs of two openings or processes never meet.
        session = begin_session(index, self.where)
        self._blobs = count(session << 40)
        self._drafts, self._readings = set[DiskDraft](), set[DiskReading]()
        self._snapshots: WeakSet[DiskSnapshot] = WeakSet()
        self._together, self._closed = Together[Row](self._keep, self._commit), False

    @classmethod
    def open_folder(
        cls, folder: Path, *, lock: bool = True, durable: bool = False, small: int = SMALL
    ) -> Self:
        """Open a folder, made if it is missing, and put right what a kill left in flight.

        `lock=False` is for further processes of the mock that holds the lock: nothing is put
        right, the uploads in flight may be theirs. Contents of up to `small` bytes are kept in
        the index, larger ones in files. `UsageError` says why the folder cannot be used.
        """
        folder = folder.absolute()
        with told_in_words(folder), contextlib.ExitStack() as undo:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            held = take_lock(folder) if lock else None
            undo.callback(let_go, held)
            index = connect(folder)
            undo.callback(index.close)
            prepare(index, folder, durable=durable)
            make_folders(folder, durable=durable)
            store = cls(folder, index, shared=not lock, durable=durable, small=small)
            store.lock = held
            if lock:
                store._counts.end()
                store._shelves.recover(store._is_kept)
                look_after_blackout(store._execute, store._shelves)
                store._empty_trash()
            undo.pop_all()
        return store

    def draft(self) -> DiskDraft:
        at = self._shelves.in_incoming(blob := next(self._blobs))
        return DiskDraft(blob, at, self._drafts, self.room)

    async def keep(self, world: str, draft: Draft, file: StoredFile) -> None:
        if draft.quota is not None:
            return await self.keep_all(world, [(draft, file)])
        try:
            return self._keep(self._seal(world, draft, file))
        except Outdated:
            self._open_again(draft)
            raise

    async def keep_together(self, world: str, draft: Draft, file: StoredFile) -> None:
        if draft.quota is not None:
            return await self.keep_all(world, [(draft, file)])
        try:
            return await self._together.add(self._seal(world, draft, file))
        except Outdated:
            self._open_again(draft)
            raise

    async def keep_all(self, world: str, uploads: Sequence[tuple[Draft, StoredFile]]) -> None:
        rows: list[Row] = []
        try:
            for draft, file in uploads:
                rows.append(self._seal(world, draft, file))
            self._commit(rows, [draft for draft, _ in uploads])
        except Outdated:
            self._open_again(*[draft for draft, _ in uploads])
            raise
        except BaseException:  # an interrupt too, which can come before or behind the commit
            for blob, *_, content in rows:
                if content is None:
                    self._shelves.settle(blob, self._is_kept)
            raise

    def _open_again(self, *drafts: Draft) -> None:  # to be kept once more
        self._drafts.update(own(draft) for draft in drafts)

    def _keep(self, row: Row) -> None:
        changes = self._index.total_changes
        try:
            if self._rows.shared:
                return self._commit([row])
            self._alter(KEEP, row)
        except Outdated:
            raise
        except BaseException:  # as above
            if row[-1] is None:
                self._shelves.settle(row[0], self._is_kept)
            raise
        return self._shelve([row], changes)

    def _commit(self, rows: Sequence[Row], drafts: Sequence[Draft] = ()) -> None:
        """Keep all or none, within the quotas of their drafts; then bytes stay in `incoming`."""
        changes = self._index.total_changes
        with self._altering():
            for world in {row[1] for row in rows}:
                self._rows.judge(self._execute, world)
            keep_within(self._execute, rows, drafts)
        self._shelve(rows, changes)

    def _shelve(self, rows: Sequence[Row], changes: int) -> None:
        """Steps 3 and 4 for rows that are kept; `changes` were made to the index before them."""
        for blob, *_, content in rows:
            if content is None:
                self._shelves.put(blob)
        # More than a row and its count each are changes of the trash.
        if self._index.total_changes > changes + len(rows) * (1 + self._counts.along):
            self._empty_trash(FEW * len(rows))

    def _seal(self, world: str, draft: Draft, file: StoredFile) -> Row:
        """What `KEEP` takes of a draft that is over now; content only if it goes into the index."""
        draft = own(draft)
        if draft not in self._drafts:
            raise ValueError("this draft is over")
        content = draft.seal(self._small, durable=self._durable)
        if content is not None:
            self.room.take(len(content) + ROW, self._counts.unused)
        self._drafts.discard(draft)  # from here on the index says what becomes of the bytes
        return (draft.blob, world, *file, content)

    async def open(
        self, world: str, file: StoredFile, start: int = 0, stop: int | None = None
    ) -> Reading | None:
        del start, stop  # all of it is at hand
        rows = self._execute(
            "SELECT blob, content FROM file WHERE world = ? AND path = ? AND id = ?",
            (world, file.path, file.id),
        )
        for blob, content in rows:
            if content is not None:
                return MemoryReading((content,))
            fd = self._shelves.open(blob)
            if fd is not None:
                return DiskReading(fd, file.size, self._readings)
        return None

    async def delete(self, world: str, path: str) -> StoredFile | None:
        rows = self._alter(DELETE, (world, path))
        self._empty_trash(FEW)
        return StoredFile._make(rows[0]) if rows else None

    async def clear(self, world: str) -> int:
        self._alter("DELETE FROM file WHERE world = ?", (world,))
        [(files,)] = self._execute("SELECT changes()")
        self._empty_trash()
        return int(files)

    async def sweep(self, world: str, now: int, limit: int = 1_000) -> Sequence[StoredFile]:
        rows = self._judged(world, SWEEP, (world, now, limit))
        self._empty_trash(max(limit, TRASH))  # also when nothing expired: see there
        # SQLite returns them in any order.
        return sorted(map(StoredFile._make, rows), key=attrgetter("expires_at", "path"))

    async def renew(self, world: World) -> None:
        with self._altering():
            self._rows.judge(self._execute, world.id)
            self._execute("DELETE FROM file WHERE world = ?", (world.id,))
            self._rows.write(self._execute, world)
        self._empty_trash()

    async def forget(self, world: str) -> None:
        with self._altering():
            self._execute("DELETE FROM file WHERE world = ?", (world,))
            self._execute("DELETE FROM world WHERE id = ?", (world,))
        self._rows.forget(world)
        self._empty_trash()

    async def drop_strays(self) -> None:
        self._execute(STRAYS)
        self._empty_trash()

    async def snapshot(self, world: str) -> DiskSnapshot:
        snapshot = DiskSnapshot(world, self._execute(ROWS, (world,)))
        self._snapshots.add(snapshot)
        return snapshot

    async def restore(self, snapshot: FilesSnapshot) -> None:
        if not isinstance(snapshot, DiskSnapshot) or snapshot not in self._snapshots:
            raise TypeError("this snapshot is of another store")
        with self._altering():
            snapshot.put_back(self._execute)
        self._empty_trash()

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._together.flush()
        self._snapshots.clear()
        for draft in list(self._drafts):
            await draft.discard()
        for reading in list(self._readings):
            await reading.close()
        self._empty_trash()
        with contextlib.suppress(sqlite3.Error):  # the next open reads the log as well
            self._index.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._index.close()
        let_go(self.lock)

    def _settle(self) -> None:
        self._together.flush()

    def _is_kept(self, blob: int) -> bool:
        return bool(self._execute("SELECT 1 FROM file WHERE blob = ?", (blob,)))

    def _empty_trash(self, most: int = TRASH) -> None:
        """Free up to `most` blobs that left the index. What stays is for the next time.

        A slow disk takes 0.1 ms to unlink, Windows waits for readings, a snapshot holds its own.
        """
        held = [blob for snapshot in self._snapshots for blob in snapshot.blobs]
        with contextlib.suppress(OSError):
            rows = self._execute(TRASHED, (json.dumps(held), most))
            freed = [blob for (blob,) in rows if self._shelves.free(blob)]
            if freed:
                self._execute(OUT_OF_TRASH, (json.dumps(freed),))
