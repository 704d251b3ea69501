"""The bytes of a disk store: on their way in, on shelves, held open. Knows no index."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from shutil import disk_usage
from typing import Final

from mockkie.store import PIECE, Draft, Reading
from mockkie.store.owning import NO_LINK, Place

BATCH: Final = 64 * 1_024  # smaller chunks are gathered to this many bytes
LOOK: Final = 4 * 1_024 * 1_024  # bytes between two looks at the free space
ROW: Final = 16 * 1_024  # about what a commit of a row writes
SMALL: Final = 16 * 1_024  # bytes up to which a content has no file of its own
_BITS: Final = 64  # of a blob, with its sign
BINARY: Final[int] = getattr(os, "O_BINARY", 0)  # Windows would translate line ends


class Room:
    """What may still be written to the disk of a folder until `least` bytes are free on it.

    It is looked at anew whenever `LOOK` bytes were written, or fewer where it gets tight: several
    processes can take as much as that each before they know of one another. What small contents
    put into the log of the index takes as much again, up to 16 MiB, when it goes into the index.
    """

    def __init__(self, place: Place, least: int = 0) -> None:
        self.least = least
        self.place = place
        self._granted = 0

    def take(self, size: int, reserve: Callable[[], int] = int) -> None:
        """Before so many bytes are written: `OSError` (`ENOSPC`) when they would be too many.

        They may be where a file has space already: `reserve` tells how many bytes of it.
        """
        if not self.least:
            return
        if size > self._granted:
            free = disk_usage(self.place.folder).free
            spare = free - self.least - size
            if spare < 0 and reserve() < size:
                raise OSError(
                    errno.ENOSPC,
                    f"{free:,} bytes are free on the disk of {self.place.folder}, and "
                    f"{self.least:,} stay free (--min-free-disk)",
                )
            self._granted = size + max(0, min(LOOK, spare // 8))
        self._granted -= size


class DiskDraft(Draft):
    """Bytes on their way into `incoming/<blob>`; up to `BATCH` of them wait in memory.

    It is in `drafts` while it is nobody else's: not kept, not discarded. `OSError` discards it.
    """

    def __init__(self, blob: int, at: str, drafts: set[DiskDraft], room: Room) -> None:
        super().__init__()
        self._room = room
        self.blob = blob
        self._at = at
        self._drafts = drafts
        self._fd = -1
        self._batch = bytearray()
        self._sealed = False
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
            self._room.take(len(data))
            if self._fd < 0:
                self._room.place.judge()
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY
                self._fd = os.open(self._at, flags, 0o600)
            done = os.write(self._fd, data)
            while done < len(data):  # a disk that is nearly full takes a part
                done += os.write(self._fd, memoryview(data)[done:])
        except OSError:
            self._drop()
            raise

    def seal(self, small: int, *, durable: bool) -> bytes | None:
        """The content if it has up to `small` bytes and no file yet; else all of it is there."""
        if self._sealed:
            return None
        if self._fd < 0 and len(self._batch) <= small:
            return bytes(self._batch)
        self._write_batch()
        try:
            if durable:
                os.fsync(self._fd)
                sync_folder(os.path.dirname(self._at))  # noqa: PTH120 - a str, no Path per upload
            self._close()
        except OSError:
            self._drop()
            raise
        self._sealed = True
        return None

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
            unlink(self._at)

    async def discard(self) -> None:
        if self in self._drafts:
            self._drop()


def own(draft: Draft) -> DiskDraft:
    """The draft of a folder; `TypeError` for one of another store."""
    if not isinstance(draft, DiskDraft):
        raise TypeError("this draft is of another store")
    return draft


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
            piece = read_at(self._fd, min(PIECE, stop - at), at)
            if not piece:
                raise OSError(errno.EIO, f"a kept file lost its bytes from {at} on")
            yield piece
            at += len(piece)

    async def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            self._readings.discard(self)
            os.close(fd)


class Shelves:
    """Where the bytes of blobs are: `incoming`, then 256 shelves below `files`; two folders."""

    def __init__(self, incoming: str, files: str) -> None:
        self.incoming = incoming
        self._files = files

    def in_incoming(self, blob: int) -> str:
        """Where an upload writes."""
        return f"{self.incoming}/{blob:016x}"

    def _on_shelf(self, blob: int) -> str:
        return f"{self._files}/{blob & 0xFF:02x}/{blob:016x}"

    def put(self, blob: int) -> None:
        """Move a kept blob to its shelf, if that can be done now."""
        source, target = self.in_incoming(blob), self._on_shelf(blob)
        # Kept it is, shelved or not: readers look into `incoming`, the next open tries again.
        with contextlib.suppress(OSError):
            try:
                os.replace(source, target)  # noqa: PTH105 - a str, no Path per upload
            except FileNotFoundError:  # the first on this shelf
                Path(target).parent.mkdir(mode=0o700, exist_ok=True)
                os.replace(source, target)  # noqa: PTH105 - as above

    def open(self, blob: int) -> int | None:
        """A file descriptor to read a kept blob by; None when it is gone."""
        shelf = self._on_shelf(blob)
        # Another process may be about to shelve it: then it is there at the second look.
        for at in (shelf, self.in_incoming(blob), shelf):
            with contextlib.suppress(FileNotFoundError):
                return os.open(at, os.O_RDONLY | BINARY | NO_LINK)
        return None

    def free(self, blob: int) -> bool:
        """Delete a blob; False when that has to wait."""
        # In this order, or another process could shelve the bytes between the two looks.
        for at in (self.in_incoming(blob), self._on_shelf(blob)):
            try:
                unlink(at)
            except FileNotFoundError:
                continue
            except OSError:
                return False
        return True

    def recover(self, is_kept: Callable[[int], bool]) -> None:
        """`settle` all that is in `incoming`."""
        for name in os.listdir(self.incoming):  # noqa: PTH208 - names are all that is needed
            with contextlib.suppress(ValueError, OverflowError):  # not a name of ours
                self.settle(int(name, 16), is_kept)

    def shelved(self) -> Iterator[Sequence[int]]:
        """All blobs that are on shelves, a shelf at a time."""
        for shelf in Path(self._files).iterdir():
            blobs = []
            for name in os.listdir(shelf):  # noqa: PTH208 - names are all that is needed
                with contextlib.suppress(ValueError):  # not a name of ours
                    blobs.append(int(name, 16))
            yield [blob for blob in blobs if blob.bit_length() < _BITS]

    def settle(self, blob: int, is_kept: Callable[[int], bool]) -> None:
        """Let the index decide about bytes in `incoming`: shelve them, or delete them.

        What cannot be done now is done at the next open.
        """
        with contextlib.suppress(OSError):
            if is_kept(blob):
                self.put(blob)
            else:
                unlink(self.in_incoming(blob))


def unlink(at: str) -> None:
    """Delete a file."""
    os.unlink(at)  # noqa: PTH108 - a str, no Path per upload


def read_at(fd: int, size: int, at: int) -> bytes:
    """Up to `size` bytes from `at` on."""
    if sys.platform != "win32":
        return os.pread(fd, size, at)
    os.lseek(fd, at, os.SEEK_SET)  # nothing can come between the two: see the module
    return os.read(fd, size)


def sync_folder(folder: str) -> None:
    """Wait until the names in a folder are on the platter."""
    if sys.platform != "win32":  # which has no such thing
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
