"""Files in this process's memory. May not know Starlette, requests or the control API."""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator, Sequence
from itertools import islice
from typing import Final

from mockkie.store import PIECE, Draft, Reading, Store, StoredFile
from mockkie.worlds import World

SPARE: Final = 1_024  # as many outdated entries a heap may hold before it is rebuilt


class MemoryDraft(Draft):
    """Bytes as they came, in a list: nothing is copied until somebody reads."""

    def __init__(self) -> None:
        super().__init__()
        self.chunks: list[bytes] = []

    async def _append(self, chunk: bytes) -> None:
        self.chunks.append(chunk)

    async def discard(self) -> None:
        self.chunks = []


class MemoryReading(Reading):
    """The chunks of one version; the reference keeps them alive."""

    def __init__(self, chunks: Sequence[bytes]) -> None:
        self._chunks = chunks

    async def pieces(self, start: int, stop: int) -> AsyncIterator[bytes]:
        """See `Reading.pieces`."""
        offset = 0
        for chunk in self._chunks:
            first, last = max(start - offset, 0), min(stop - offset, len(chunk))
            for at in range(first, last, PIECE):
                yield chunk[at : min(at + PIECE, last)]
            offset += len(chunk)
            if offset >= stop:
                return

    async def close(self) -> None:
        self._chunks = ()


class _Shelf:
    """The files of one world, and a heap of when they expire."""

    def __init__(self) -> None:
        self.files: dict[str, StoredFile] = {}
        self.chunks: dict[str, Sequence[bytes]] = {}
        self.bytes = 0
        self.ends: list[tuple[int, str, str]] = []

    def put(self, file: StoredFile, chunks: Sequence[bytes]) -> None:
        self.take(file.path)
        self.files[file.path] = file
        self.chunks[file.id] = chunks
        self.bytes += file.size
        heapq.heappush(self.ends, (file.expires_at, file.path, file.id))
        if len(self.ends) > 2 * len(self.files) + SPARE:
            self.ends = [(kept.expires_at, path, kept.id) for path, kept in self.files.items()]
            heapq.heapify(self.ends)

    def take(self, path: str) -> StoredFile | None:
        file = self.files.pop(path, None)
        if file is not None:
            del self.chunks[file.id]
            self.bytes -= file.size
        return file

    def sweep(self, now: int, limit: int) -> list[StoredFile]:
        swept: list[StoredFile] = []
        while self.ends and self.ends[0][0] <= now and len(swept) < limit:
            _, path, version = heapq.heappop(self.ends)
            file = self.files.get(path)
            if file is not None and file.id == version:
                self.take(path)
                swept.append(file)
        return swept


class MemoryStore(Store):
    """Everything in dictionaries; gone with the process. The default of the pytest fixtures."""

    where = "memory"

    def __init__(self) -> None:
        self._shelves: dict[str, _Shelf] = {}
        self._worlds: dict[str, World] = {}

    def _shelf(self, world: str) -> _Shelf:
        return self._shelves.get(world) or self._shelves.setdefault(world, _Shelf())

    async def draft(self) -> MemoryDraft:
        return MemoryDraft()

    async def keep(self, world: str, draft: Draft, file: StoredFile) -> None:
        if not isinstance(draft, MemoryDraft):
            raise TypeError("this draft is of another store")
        self._shelf(world).put(file, tuple(draft.chunks))
        draft.chunks = []

    async def find(self, world: str, path: str) -> StoredFile | None:
        return self._shelf(world).files.get(path)

    async def open(self, world: str, file: StoredFile) -> MemoryReading | None:
        chunks = self._shelf(world).chunks.get(file.id)
        return None if chunks is None else MemoryReading(chunks)

    async def list(
        self, world: str, *, after: str = "", limit: int = 1_000
    ) -> Sequence[StoredFile]:
        files = self._shelf(world).files
        paths = sorted(path for path in files if path > after)
        return [files[path] for path in islice(paths, limit)]

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

    async def close(self) -> None:
        self._shelves, self._worlds = {}, {}
