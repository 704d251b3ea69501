"""The journal of a world that several processes write, in a file. Knows no requests.

The file has a head, which says what counts, and behind it one record an entry: its number, its
weight, its length, its JSON. What became of an entry later is another record with its number.
Whoever reads or writes holds the file's lock, and writes the head last: what a process leaves that
is killed in between is behind the end, and is written over. An index would do all of it too, and
did: a transaction costs more than a small upload.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import io
import itertools
import logging
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

import orjson

from mockkie.filelock import lock
from mockkie.journal import LIMIT, Entry, Journal

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_LATE_SECONDS: Final = 0.02
_SPARE: Final = 1 << 20  # bytes of evicted entries that a file may have before it is packed
_HEAD: Final = struct.Struct("<7Q")
_RECORD: Final = struct.Struct("<3Q")  # number, weight, length of the JSON
_log: Final = logging.getLogger("mockkie")


@dataclass(slots=True)
class _Head:
    """What counts of a file: the entries `first` to `last`, from the offset `start` to `end`.

    `packed`: how often offsets changed their meaning. `held`: the weight of the entries. `evicted`:
    how many went.
    """

    packed: int = 0
    start: int = _HEAD.size
    end: int = _HEAD.size
    first: int = 1
    last: int = 0
    held: int = 0
    evicted: int = 0


class _Opened:
    """The file while its lock is held."""

    def __init__(self, file: io.FileIO, head: _Head) -> None:
        self._file = file
        self.head = head

    def read(self, offset: int, length: int) -> bytes:
        """What is at an offset."""
        self._file.seek(offset)
        return self._file.read(length)

    def append(self, data: bytes) -> None:
        """Write behind the end; a full disk is an `OSError`, and the end stays where it was."""
        self._put(self.head.end, data)
        self.head.end += len(data)

    def commit(self) -> None:
        """Have the head count, for everybody."""
        self._put(0, _HEAD.pack(*astuple(self.head)))

    def evict(self, limit: int) -> None:
        """Let the oldest entries go until the rest weighs no more than `limit`; the last stays."""
        head = self.head
        while head.held > limit and head.first < head.last:
            number, weight, length = _RECORD.unpack(self.read(head.start, _RECORD.size))
            head.start += _RECORD.size + length
            if number == head.first:  # else what became of one that is gone
                head.held -= weight
                head.first += 1
                head.evicted += 1
        live = head.end - head.start
        if head.start - _HEAD.size > max(_SPARE, live):  # so that no byte is written onto another
            data = self.read(head.start, live)
            head.packed += 1
            head.start = head.end = _HEAD.size
            self.append(data)
            self.commit()
            self._file.truncate(head.end)

    def clear(self) -> None:
        """Have no entries; numbering goes on."""
        last = self.head.last
        self.head = _Head(packed=self.head.packed + 1, first=last + 1, last=last)
        self.commit()
        self._file.truncate(_HEAD.size)

    def empty(self) -> None:
        """Be the file of a world that was dropped."""
        self._file.truncate(0)

    def _put(self, offset: int, data: bytes) -> None:
        self._file.seek(offset)
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]


class JournalFile:
    """The file of one world's journal in a folder."""

    def __init__(self, folder: Path, world: str) -> None:
        # Anybody may name a world, and as anything.
        self._path = folder / hashlib.sha256(world.encode("utf-8", "surrogatepass")).hexdigest()

    def create(self) -> None:
        """Have the file be there."""
        with self.opened(os.O_CREAT) as file:
            if file is not None:
                file.commit()

    @contextlib.contextmanager
    def opened(self, flags: int = 0) -> Iterator[_Opened | None]:
        """The file, to itself; None when its world was dropped."""
        try:
            fd = os.open(self._path, os.O_RDWR | getattr(os, "O_BINARY", 0) | flags, 0o600)
        except FileNotFoundError:
            yield None
            return
        with io.FileIO(fd, "r+") as file:  # closing it lets go of the lock
            lock(fd, wait=True)
            told = file.read(_HEAD.size)
            if told:
                yield _Opened(file, _Head(*_HEAD.unpack(told)))
            else:  # nobody wrote a head yet, or the last one to do so dropped the world
                yield _Opened(file, _Head()) if flags else None

    def drop(self) -> None:
        """Be no more; who has it open finds it empty."""
        with self.opened() as file:
            if file is not None:
                file.empty()
        with contextlib.suppress(OSError):  # Windows: somebody has it open, it stays, and is empty
            self._path.unlink()


class FolderJournal(Journal):
    """A `Journal` whose entries every process of the mock writes and reads.

    What comes in one turn of the event loop is written at once. That is before the answers are out,
    which wait for the end of the turn as well. What an answer shows of itself behind that, such as
    how long it took, is written a moment later.
    """

    __slots__ = ("_at", "_file", "_packed", "_read", "_waiting")

    def __init__(self, folder: Path, world: str, limit: int = LIMIT) -> None:
        self.limit = limit
        self._file = JournalFile(folder, world)
        self._file.create()
        self._waiting: list[Entry] = []  # those without a number are new
        self._at: dict[int, tuple[int, int]] = {}  # where the JSON of an entry is, and its length
        self._read = 0  # up to which offset `_at` knows the file
        self._packed = -1

    def add(self, entry: Entry) -> None:
        self._waiting.append(entry)
        if entry.shots:  # a fault may end the connection before the turn is over
            self.settle()
        else:
            self._write_within(0)

    def amend(self, entry: Entry) -> None:
        if entry.seq:
            self._waiting.append(entry)
            self._write_within(_LATE_SECONDS)

    def _write_within(self, seconds: float) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.settle()
        else:
            loop.call_later(seconds, self.settle) if seconds else loop.call_soon(self.settle)

    def settle(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        new = [entry for entry in waiting if not entry.seq]
        try:
            with self._file.opened() as file:
                if file is not None:
                    self._write(file, waiting)
        except OSError as error:
            for entry in new:
                entry.seq = 0
            why = "the disk is full" if error.errno in _FULL else error.strerror
            _log.warning("%s: the journal lacks a request", why)  # which is answered all the same

    def _write(self, file: _Opened, waiting: Sequence[Entry]) -> None:
        head = file.head
        pieces: list[bytes] = []
        for entry in waiting:
            weight = 0
            if not entry.seq:
                head.last += 1
                entry.seq, weight = head.last, entry.weight
                head.held += weight
            if entry.seq >= head.first:  # else it is gone already
                value = orjson.dumps(entry.to_json())
                pieces += _RECORD.pack(entry.seq, weight, len(value)), value
        file.append(b"".join(pieces))
        file.evict(self.limit)
        file.commit()

    def entries(self, *, after: int = 0, limit: int | None = None) -> list[Entry]:
        self.settle()
        with self._file.opened() as file:
            if file is None:
                return []
            self._catch_up(file)
            numbers = range(max(after + 1, file.head.first), file.head.last + 1)[:limit]
            found = [file.read(*self._at[number]) for number in numbers]
        return [Entry.from_json(orjson.loads(value)) for value in found]

    def _catch_up(self, file: _Opened) -> None:
        """Know where everything is that was written since the last time."""
        head = file.head
        if head.packed != self._packed:
            self._at, self._packed, self._read = {}, head.packed, head.start
        self._read = max(self._read, head.start)
        news, at = file.read(self._read, head.end - self._read), 0
        while at < len(news):
            number, _, length = _RECORD.unpack_from(news, at)
            at += _RECORD.size
            self._at[number] = self._read + at, length
            at += length
        self._read = head.end
        for number in itertools.takewhile(lambda known: known < head.first, list(self._at)):
            del self._at[number]

    async def clear(self) -> None:
        self.settle()
        with self._file.opened() as file:
            if file is not None:
                file.clear()

    @property
    def bytes(self) -> int:
        return self._head().held

    @property
    def last(self) -> int:
        return self._head().last

    @property
    def evicted(self) -> int:
        return self._head().evicted

    def _head(self) -> _Head:
        self.settle()
        with self._file.opened() as file:
            return _Head() if file is None else file.head
