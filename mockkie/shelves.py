"""A store as faults make it look to one request. Knows no requests, no answers.

What an overwrite replaces is copied to a world of its own in the store for as long as faults may
serve it: so every process of the mock can, and no handle has to stay open.
"""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator
from typing import Final

from mockkie.actions import Action
from mockkie.problems import Problem
from mockkie.store import Draft, Reading, Store, StoredFile
from mockkie.worlds import World

_LOST: Final = "a fault made the file unreadable from here on"


async def live_former(store: Store, world: World, path: str) -> StoredFile | None:
    """The content that an overwrite replaced, while it may still be served."""
    file = await store.find(world.former, path)
    return None if file is None or file.expired(world.clock.now()) else file


class SpoiltShelf:
    """What an operation sees of the store: `action` is carried out on the way.

    `stale_for` is how long overwritten content is kept, in milliseconds; 0 for not at all.
    """

    def __init__(self, store: Store, world: World, action: Action | None, stale_for: int) -> None:
        self._store = store
        self._world = world
        self._action = action
        self._stale_for = stale_for

    async def keep_together(self, world: str, draft: Draft, file: StoredFile) -> None:
        """See `Store.keep_together`: alone, since what is replaced was looked at."""
        if self._does("storageFull"):
            raise Problem("internal-error", "a fault: the storage is full, nothing was kept")
        if self._does("notStored"):
            return
        if self._action is not None and self._does("lifetime"):
            ends = file.uploaded_at + self._action.values["span"]
            file = file._replace(expires_at=ends)
        if self._stale_for:
            await self._keep_former(file)
        await self._store.keep(world, draft, file)

    async def find(self, world: str, path: str) -> StoredFile | None:
        """See `Store.find`."""
        former = await self._former(path)
        return former or await self._store.find(world, path)

    async def open(
        self, world: str, file: StoredFile, start: int = 0, stop: int | None = None
    ) -> Reading | None:
        """See `Store.open`."""
        if await self._former(file.path) == file:
            world = self._world.former
        reading = await self._store.open(world, file, start, stop)
        if reading is not None and self._action is not None and self._does("readError"):
            return LossyReading(reading, self._action.values["afterBytes"])
        return reading

    def _does(self, name: str) -> bool:
        return self._action is not None and self._action.name == name

    async def _former(self, path: str) -> StoredFile | None:
        if not self._does("stale"):
            return None
        return await live_former(self._store, self._world, path)

    async def _keep_former(self, new: StoredFile) -> None:
        """Copy what is about to be overwritten, unless an earlier content is served still."""
        store, world = self._store, self._world
        old = await store.find(world.id, new.path)
        if old is None or old.expired(new.uploaded_at):
            return
        if await live_former(store, world, new.path) is not None:
            return
        reading = await store.open(world.id, old)
        if reading is None:
            return
        async with reading, store.draft() as copy:
            async for piece in reading.pieces(0, old.size):
                await copy.write(piece)
            ends = new.uploaded_at + self._stale_for
            await store.keep(world.former, copy, old._replace(expires_at=ends))


class LossyReading(Reading):
    """A version of a file that can be read up to a byte."""

    def __init__(self, reading: Reading, after: int) -> None:
        self._reading = reading
        self._after = after

    async def pieces(self, start: int, stop: int) -> AsyncIterator[bytes]:
        """See `Reading.pieces`."""
        async for piece in self._reading.pieces(start, min(stop, max(start, self._after))):
            yield piece
        if stop > self._after:
            raise OSError(errno.EIO, _LOST)

    async def close(self) -> None:
        await self._reading.close()
