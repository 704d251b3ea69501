"""When files on S3 end: an index of batches, for the sweep. Decides nothing about files.

    ends/<world>/<minute>/<unique>   files that end in that minute, a JSON array each line

A batch is what one mock kept within a second. It is written behind that, or when the store is
closed; a kill loses it, and then the lifecycle rule of the bucket frees the files.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from itertools import groupby
from typing import Final

import orjson

from mockkie.clock import FIRST, SECOND
from mockkie.store.bucket import Bucket, in_parallel
from mockkie.store.s3facts import Kept
from mockkie.store.s3keys import world_key

PAUSE: Final = 1.0  # seconds until what was kept is written
_MINUTE: Final = 60 * SECOND
_DIGITS: Final = 12
_LINES: Final = 50_000  # that are remembered of batches which were read

Batch = dict[str, Kept]
"""Files by their ids."""


class Minute:
    """What ends in one minute, by id, and the batches that say so."""

    def __init__(self, pending: Batch) -> None:
        self._batches: dict[str, Batch] = {}
        self._pending = pending
        self._waited = dict(pending)  # it may be written before it is asked for

    def add(self, batches: dict[str, Batch]) -> None:
        """Batches that were read, by their keys."""
        self._batches |= batches

    def ends(self) -> list[Kept]:
        """Every file once, the earliest first."""
        found = {**self._waited}
        for batch in self._batches.values():
            found |= batch
        return sorted(found.values(), key=lambda kept: (kept.file.expires_at, kept.file.path))

    def forget(self, done: Iterable[Kept]) -> list[str]:
        """Files are done with; returns the keys of the batches that nothing is left of."""
        for kept in done:
            for batch in (self._waited, self._pending, *self._batches.values()):
                batch.pop(kept.file.id, None)
        return [key for key, batch in self._batches.items() if not batch]


class Ends:
    """The index of all worlds, as one mock knows it. `pause` in seconds."""

    def __init__(self, bucket: Bucket, pause: float = PAUSE) -> None:
        self._bucket = bucket
        self._pause = pause
        self._pending: defaultdict[tuple[str, int], Batch] = defaultdict(dict)
        self._read: dict[str, Batch] = {}
        self._writing: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    def add(self, world: str, kept: Kept) -> None:
        """A file was kept, or perhaps it was."""
        self._pending[world, _minute(kept.file.expires_at)][kept.file.id] = kept
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_soon())

    async def _write_soon(self) -> None:
        while self._pending:
            await asyncio.sleep(self._pause)
            with contextlib.suppress(OSError):  # later, then
                await self.write()

    async def write(self) -> None:
        """Write what waits; `OSError` when some of it still does."""
        async with self._lock:
            for (world, minute), batch in list(self._pending.items()):
                written = list(batch.items())
                if written:
                    key = f"{_of(world)}/{minute:0{_DIGITS}d}/{secrets.token_hex(8)}"
                    rows = [orjson.dumps(kept.row()) for _, kept in written]
                    await self._bucket.put(key, b"\n".join(rows))
                for known, _ in written:
                    batch.pop(known, None)
                if not batch:
                    self._pending.pop((world, minute), None)

    async def until(self, world: str, instant: int) -> AsyncIterator[Minute]:
        """The minutes up to that of an instant in which something ends, the earliest first."""
        last = _minute(instant)
        listed: list[tuple[int, str]] = []
        async with self._lock:  # nothing may be written behind the look at either
            async for known in self._bucket.list(_of(world)):
                minute = int(known.key.split("/")[-2])
                if minute > last:
                    break
                listed.append((minute, known.key))
            keys = {minute: [key for _, key in group] for minute, group in groupby(listed, _first)}
            minutes = {
                minute: Minute(batch)
                for (of, minute), batch in self._pending.items()
                if of == world and minute <= last
            }
        for minute in sorted(minutes.keys() | keys.keys()):
            known_here = minutes.get(minute) or Minute({})
            found = keys.get(minute, [])
            read = await in_parallel(self._batch, found)
            known_here.add(dict(zip(found, read, strict=True)))
            yield known_here

    async def drop(self, keys: Iterable[str]) -> None:
        """Batches are done with."""
        gone = list(keys)
        if gone:
            await self._bucket.delete(*gone)
        for key in gone:
            self._read.pop(key, None)

    async def forget(self, world: str) -> None:
        """Nothing of a world ends any more."""
        for known in [key for key in self._pending if key[0] == world]:
            del self._pending[known]
        await self.drop([known.key async for known in self._bucket.list(_of(world))])

    async def close(self) -> None:
        """Write what waits, now."""
        if self._writing is not None and not self._writing.done():
            self._writing.cancel()
            await asyncio.wait({self._writing})
        with contextlib.suppress(OSError):  # as after a kill
            await self.write()

    async def _batch(self, key: str) -> Batch:
        """A batch without what is done with."""
        known = self._read.get(key)
        if known is None:
            got = await self._bucket.get(key)
            lines = b"" if got is None else await got.read()
            rows = [Kept.of_row(orjson.loads(line)) for line in lines.splitlines()]
            known = {kept.file.id: kept for kept in rows}
            self._read[key] = known
            while sum(map(len, self._read.values())) > _LINES and len(self._read) > 1:
                del self._read[next(iter(self._read))]
        return known


def _of(world: str) -> str:
    return f"ends/{world_key(world)}"


def _first(pair: tuple[int, str]) -> int:
    return pair[0]


def _minute(instant: int) -> int:
    return max(0, (instant - FIRST) // _MINUTE)
