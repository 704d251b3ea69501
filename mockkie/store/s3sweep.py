"""The sweep of an S3 store, which is announced: see `mockkie.store.board` for why.

1. Go through the minutes in which something ended. What was replaced or taken away meanwhile is
   done with, but for the bytes of large contents, which nobody else frees.
2. Announce the paths of the rest, up to the limit.
3. Look at each again: is it still that version? Then delete it, and what says when it ends.
4. Say that this is done, and withdraw the announcement later, in the background.

Killed at any step, the next sweep finds the same files. Several mocks may sweep at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence

from mockkie.store import StoredFile
from mockkie.store.board import Announcement, Board
from mockkie.store.bucket import Bucket, in_parallel
from mockkie.store.s3bytes import bytes_key
from mockkie.store.s3ends import Ends, Minute
from mockkie.store.s3facts import Burials, Kept
from mockkie.store.s3keys import file_key


class Sweep:
    """Frees what has ended, a slice at a time."""

    def __init__(self, bucket: Bucket, board: Board, ends: Ends) -> None:
        self._bucket = bucket
        self._board = board
        self._ends = ends
        self._one = asyncio.Lock()
        self._withdrawing: set[asyncio.Task[None]] = set()

    async def sweep(
        self, world: str, burials: Burials, now: int, limit: int
    ) -> Sequence[StoredFile]:
        """See `Store.sweep`. What is buried is freed as well, and nobody is told of it."""
        swept: list[StoredFile] = []
        async with self._one:
            while len(swept) < limit:
                freed = await self._slice(world, burials, now, limit - len(swept))
                swept += [kept.file for kept in freed if not burials.cover(kept)]
                if not any(map(burials.cover, freed)):
                    break
        return swept

    async def close(self) -> None:
        """Let announcements stand that could be withdrawn: uploads wait for none of them."""
        for task in self._withdrawing:
            task.cancel()
        if self._withdrawing:
            await asyncio.wait(self._withdrawing)

    async def _slice(self, world: str, burials: Burials, now: int, limit: int) -> list[Kept]:
        def is_due(kept: Kept) -> bool:
            return kept.file.expired(now) or burials.cover(kept)

        found: list[Kept] = []
        minutes: list[Minute] = []
        last = now if burials.until is None else max(now, burials.until)
        async for minute in self._ends.until(world, last):
            minutes.append(minute)
            due = [kept for kept in minute.ends() if is_due(kept)]
            for at in range(0, len(due), limit):
                some = due[at : at + limit]
                current = await self._current(world, some)
                await self._free_replaced(minute, set(some) - set(current))
                found += current
                if len(found) >= limit:
                    break
            if len(found) >= limit:
                break
            await self._ends.drop(minute.forget([]))  # read by nobody again
        freed = await self.take(world, found[:limit]) if found else []
        for minute in minutes:
            await self._ends.drop(minute.forget(freed))
        return freed

    async def _current(self, world: str, files: Sequence[Kept]) -> list[Kept]:
        """Those that are the files at their paths."""
        keys = [file_key(world, kept.file.path) for kept in files]
        heads = await in_parallel(self._bucket.head, keys)
        found = []
        for kept, key, head in zip(files, keys, heads, strict=True):
            if head is not None and Kept.of(key, head.attributes).file.id == kept.file.id:
                found.append(kept)
        return found

    async def _free_replaced(self, minute: Minute, files: Iterable[Kept]) -> None:
        """A version that was replaced is so for ever: its bytes need no announcement."""
        gone = list(files)
        tokens = [bytes_key(kept.token) for kept in gone if kept.token]
        if tokens:
            await self._bucket.delete(*tokens)
        minute.forget(gone)

    async def take(self, world: str, files: Sequence[Kept]) -> list[Kept]:
        """Delete these files, but for those that were replaced; returns which."""
        announcement = await self._board.announce((world, kept.file.path) for kept in files)
        current = await self._current(world, files)
        if not announcement.still():  # it took too long: uploads need not mind it any more
            return []
        # An error may hide a deletion that is still on its way: then nothing is withdrawn.
        await self._bucket.delete(*[key for kept in current for key in kept.keys(world)])
        with contextlib.suppress(OSError):  # uploads wait until it is void, then
            await self._board.finish(announcement)
        task = asyncio.create_task(self._withdraw(announcement))
        self._withdrawing.add(task)
        task.add_done_callback(self._withdrawing.discard)
        return current

    async def _withdraw(self, announcement: Announcement) -> None:
        with contextlib.suppress(OSError):  # it is void soon
            await self._board.withdraw(announcement)
