"""Files in this process's memory. May not know Starlette, requests or the control API."""

from __future__ import annotations

import errno
import heapq
from collections.abc import AsyncIterator, Sequence
from itertools import islice
from typing import Final

from mockkie.clock import SECOND
from mockkie.store import PIECE, Draft, FilesSnapshot, Reading, Store, StoredFile
from mockkie.store.paths import Paths
from mockkie.worlds import World

JOINED: Final = 4_096  # smaller chunks are joined to this many bytes: each has its own cost
SPARE: Final = 1_024  # as many outdated ends may be remembered before they are thrown out
_NOTHING: Final = (None, ())


class MemoryDraft(Draft):
    """Bytes as they came, in a list: what is not tiny is never copied."""

    def __init__(self) -> None:
        super().__init__()
        self._chunks: list[bytes | bytearray] | None = []

    async def _append(self, chunk: bytes) -> None:
        chunks = self._open()
        if not chunks or len(chunk) >= JOINED or len(chunks[-1]) >= JOINED:
            chunks.append(chunk)
        elif isinstance(chunks[-1], bytearray):
            chunks[-1] += chunk
        else:
            chunks[-1] = bytearray(chunks[-1] + chunk)

    def take(self) -> Sequence[bytes]:
        """The content; the draft is over."""
        chunks, self._chunks = self._open(), None
        return tuple([bytes(chunk) for chunk in chunks])

    def _open(self) -> list[bytes | bytearray]:
        if self._chunks is None:
            raise ValueError("this draft is over")
        return self._chunks

    async def discard(self) -> None:
        self._chunks = None


class MemoryReading(Reading):
    """The chunks of one version; the reference keeps them alive."""

    def __init__(self, chunks: Sequence[bytes]) -> None:
        self._chunks: Sequence[bytes] | None = chunks

    async def pieces(self, start: int, stop: int) -> AsyncIterator[bytes]:
        """See `Reading.pieces`."""
        if self._chunks is None:
            raise OSError(errno.EBADF, "this reading is closed")
        offset = 0
        for chunk in self._chunks:
            first, last = max(start - offset, 0), min(stop - offset, len(chunk))
            for at in range(first, last, PIECE):
                yield chunk[at : min(at + PIECE, last)]
            offset += len(chunk)
            if offset >= stop:
                return

    async def close(self) -> None:
        self._chunks = None


class _Shelf:
    """The files of one world, and when they end: a heap for each second, and one of seconds.

    One heap of all would make the end of a file dearer the more of them live.
    """

    def __init__(self) -> None:
        self.files: dict[str, tuple[StoredFile, Sequence[bytes]]] = {}
        self.paths = Paths()
        self.bytes = 0
        self._forget_ends()

    def _forget_ends(self) -> None:
        self._ends: dict[int, list[tuple[int, str, str]]] = {}
        self._seconds: list[int] = []
        self._marks = 0

    def judge(self, uploads: Sequence[tuple[Draft, StoredFile]]) -> None:
        """Hold the files of drafts against their quota, as if all of them were here."""
        sizes = {file.path: file.size for _, file in uploads}
        gone = sum([self.files[path][0].size for path in sizes if path in self.files])
        total = self.bytes - gone + sum(sizes.values())
        for draft, file in uploads:
            draft.judge_quota(total - file.size, file.size)

    def put(self, file: StoredFile, chunks: Sequence[bytes]) -> None:
        old, _ = self.files.get(file.path, _NOTHING)
        if old is None:
            self.paths.add(file.path)
        else:
            self.bytes -= old.size
        self.files[file.path] = file, chunks
        self.bytes += file.size
        self._mark(file)
        if self._marks > 2 * len(self.files) + SPARE:
            self._forget_ends()
            for kept, _ in self.files.values():
                self._mark(kept)

    def _mark(self, file: StoredFile) -> None:
        second = file.expires_at // SECOND
        ends = self._ends.get(second)
        if ends is None:
            ends = self._ends[second] = []
            heapq.heappush(self._seconds, second)
        heapq.heappush(ends, (file.expires_at, file.path, file.id))
        self._marks += 1

    def take(self, path: str) -> StoredFile | None:
        file, _ = self.files.pop(path, _NOTHING)
        if file is not None:
            self.paths.remove(path)
            self.bytes -= file.size
        return file

    def sweep(self, now: int, limit: int) -> list[StoredFile]:
        swept: list[StoredFile] = []
        while self._seconds and len(swept) < limit:
            ends = self._ends[self._seconds[0]]
            if ends[0][0] > now:
                break
            _, path, version = heapq.heappop(ends)
            self._marks -= 1
            if not ends:
                del self._ends[heapq.heappop(self._seconds)]
            file, _ = self.files.get(path, _NOTHING)
            if file is not None and file.id == version:
                self.take(path)
                swept.append(file)
        return swept


class MemorySnapshot(FilesSnapshot):
    """The chunks of every file; the references keep them alive."""

    def __init__(self, world: str, files: dict[str, tuple[StoredFile, Sequence[bytes]]]) -> None:
        super().__init__(world)
        self.files = files


class MemoryStore(Store):
    """Everything in dictionaries; gone with the process. The default of the pytest fixtures."""

    where = "memory"

    def __init__(self) -> None:
        self._shelves: dict[str, _Shelf] = {}
        self._worlds: dict[str, World] = {}

    def _shelf(self, world: str) -> _Shelf:
        return self._shelves.get(world) or self._shelves.setdefault(world, _Shelf())

    def draft(self) -> MemoryDraft:
        return MemoryDraft()

    async def keep(self, world: str, draft: Draft, file: StoredFile) -> None:
        shelf = self._shelf(world)
        if draft.quota is not None:
            shelf.judge([(draft, file)])
        shelf.put(file, _content(draft))

    async def keep_all(self, world: str, uploads: Sequence[tuple[Draft, StoredFile]]) -> None:
        shelf = self._shelf(world)
        shelf.judge(uploads)
        taken = [(file, _content(draft)) for draft, file in uploads]
        for file, chunks in taken:
            shelf.put(file, chunks)

    async def find(self, world: str, path: str) -> StoredFile | None:
        return self._shelf(world).files.get(path, _NOTHING)[0]

    async def open(
        self, world: str, file: StoredFile, start: int = 0, stop: int | None = None
    ) -> MemoryReading | None:
        del start, stop  # all of it is at hand
        kept, chunks = self._shelf(world).files.get(file.path, _NOTHING)
        return MemoryReading(chunks) if kept is not None and kept.id == file.id else None

    async def list(
        self, world: str, *, after: str = "", limit: int = 1_000
    ) -> Sequence[StoredFile]:
        shelf = self._shelf(world)
        return [shelf.files[path][0] for path in islice(shelf.paths.behind(after), limit)]

    async def count(self, world: str) -> tuple[int, int]:
        shelf = self._shelf(world)
        return len(shelf.files), shelf.bytes

    async def delete(self, world: str, path: str) -> StoredFile | None:
        return self._shelf(world).take(path)

    async def clear(self, world: str) -> int:
        shelf = self._shelves.pop(world, None)
        return len(shelf.files) if shelf else 0

    async def sweep(self, world: str, now: int, limit: int = 1_000) -> Sequence[StoredFile]:
        return self._shelf(world).sweep(now, limit)

    async def worlds(self) -> Sequence[World]:
        return list(self._worlds.values())

    async def remember(self, world: World) -> None:
        self._worlds[world.id] = world

    async def forget(self, world: str) -> None:
        self._worlds.pop(world, None)
        self._shelves.pop(world, None)

    async def snapshot(self, world: str) -> MemorySnapshot:
        return MemorySnapshot(world, dict(self._shelf(world).files))

    async def restore(self, snapshot: FilesSnapshot) -> None:
        if not isinstance(snapshot, MemorySnapshot):
            raise TypeError("this snapshot is of another store")
        shelf = self._shelves[snapshot.world] = _Shelf()
        for file, chunks in snapshot.files.values():
            shelf.put(file, chunks)

    async def close(self) -> None:
        self._shelves, self._worlds = {}, {}


def _content(draft: Draft) -> Sequence[bytes]:
    """The content of a draft, which is over then."""
    if not isinstance(draft, MemoryDraft):
        raise TypeError("this draft is of another store")
    return draft.take()
