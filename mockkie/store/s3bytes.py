"""The bytes of an S3 store: on their way in, held open. Knows no worlds, no paths, no index.

A content of up to `part` bytes waits in memory until it is kept. A larger one goes up in parts
while it is received, to an object of its own whose name is never used again.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import secrets
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import Final, Self

import obstore

from mockkie.store import Draft, Outdated, Reading
from mockkie.store.bucket import Bucket, Got

PART: Final = 8 * 1_024 * 1_024  # bytes; S3 takes 10,000 parts: 78 GiB of one file
UNCOUNTED: Final = 1_024 * 1_024  # bytes that a draft may have in memory without a slot
SLOTS: Final = 16  # drafts that have more in memory, up to three parts each
PATIENCE: Final = 60.0  # seconds to wait for a slot


def bytes_key(token: str) -> str:
    """The key of a large content."""
    return f"bytes/{token}"


class Slots:
    """Who may have much in memory. Who waits does not read on, so the sender waits as well.

    A task that has a slot gets more: it would wait for itself. So do those that load many files.
    """

    def __init__(self, slots: int = SLOTS, patience: float = PATIENCE) -> None:
        self._slots = slots
        self._free = asyncio.Semaphore(slots)
        self._patience = patience
        self._holders: Counter[asyncio.Task[object] | None] = Counter()

    async def take(self) -> asyncio.Task[object] | None:
        """Get a slot; returns what `give_back` takes. `OSError` when none is free for long."""
        task = asyncio.current_task()
        if not self._holders[task]:
            try:
                async with asyncio.timeout(self._patience):
                    await self._free.acquire()
            except TimeoutError:
                raise OSError(
                    errno.EBUSY, f"{self._slots} large uploads are under way: try again later"
                ) from None
        self._holders[task] += 1
        return task

    def give_back(self, task: asyncio.Task[object] | None) -> None:
        """Let go of a slot."""
        self._holders[task] -= 1
        if not self._holders[task]:
            del self._holders[task]
            self._free.release()


class _Discarded(Exception):  # noqa: N818 - it is wanted
    """Ends an upload in parts, and has it aborted."""


class Parts:
    """An upload in parts. One is sent, one is next, and one may be filled meanwhile.

    It runs in a task of its own, to its end: what obstore is cancelled at, it does not abort.
    """

    def __init__(self, incoming: Incoming) -> None:
        self.token = secrets.token_hex(16)
        self._bucket = incoming.bucket
        self._wanted = asyncio.Semaphore(0)
        self._handed: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._discarded = False
        self._task = asyncio.create_task(self._run(incoming.part))
        incoming.tasks.add(self._task)
        self._task.add_done_callback(incoming.tasks.discard)

    async def _run(self, part: int) -> None:
        with self._bucket.told("PUT"):
            await obstore.put_async(
                self._bucket.store,
                bytes_key(self.token),
                self,
                use_multipart=True,
                chunk_size=part,
                max_concurrency=1,
            )

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        self._wanted.release()
        part = await self._handed.get()
        if self._discarded:
            raise _Discarded
        if part is None:
            raise StopAsyncIteration
        return part

    async def hand_on(self, part: bytes) -> None:
        """Hand on a part when it is wanted; `OSError` when one before it has failed."""
        wanted = asyncio.ensure_future(self._wanted.acquire())
        try:
            await asyncio.wait({wanted, self._task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            wanted.cancel()
        if self._task.done():
            await self._task  # it cannot be done well before the last part
        self._handed.put_nowait(part)

    async def finish(self) -> None:
        """Have the object be there, once all parts are; `OSError` when it cannot be."""
        self._handed.put_nowait(None)
        await asyncio.shield(self._task)

    async def discard(self) -> None:
        """Leave nothing behind. What fails at it is for the lifecycle rule of the bucket."""
        self._discarded = True
        self._handed.put_nowait(None)
        with contextlib.suppress(_Discarded, OSError):
            await asyncio.shield(self._task)
            await self._bucket.delete(bytes_key(self.token))  # it was completed at this moment


@dataclass(eq=False)
class Incoming:
    """The drafts of a store: `part` in bytes, `drafts` those that are nobody else's."""

    bucket: Bucket
    part: int = PART
    slots: Slots = field(default_factory=Slots)
    drafts: set[S3Draft] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def close(self) -> None:
        """Discard every draft, and wait for what is being aborted."""
        for draft in list(self.drafts):
            await draft.discard()
        if self.tasks:
            await asyncio.wait(self.tasks)


class S3Draft(Draft):
    """Bytes that wait in memory, or go up in parts."""

    def __init__(self, incoming: Incoming) -> None:
        super().__init__()
        self._incoming = incoming
        self._slot: list[asyncio.Task[object] | None] = []
        self._waiting = bytearray()
        self._parts: Parts | None = None
        self._lost = False
        self._whole: tuple[bytes, str] | None = None
        incoming.drafts.add(self)

    async def _append(self, chunk: bytes) -> None:
        self.check()
        if not self._slot and len(self._waiting) + len(chunk) > UNCOUNTED:
            self._slot.append(await self._incoming.slots.take())
        view = memoryview(chunk)
        while view:
            if len(self._waiting) == self._incoming.part:
                await self._send()
            taken = view[: self._incoming.part - len(self._waiting)]
            self._waiting += taken
            view = view[len(taken) :]

    def check(self) -> None:
        """Raise `ValueError` for a draft that was discarded; one that was kept can be once more."""
        if self not in self._incoming.drafts and self._whole is None:
            raise ValueError("this draft is over")

    async def _send(self) -> None:
        if self._lost:
            raise OSError(errno.EIO, "a part of this upload was lost: begin again")
        if self._parts is None:
            self._parts = Parts(self._incoming)
        part, self._waiting, self._lost = bytes(self._waiting), bytearray(), True
        await self._parts.hand_on(part)
        self._lost = False

    async def seal(self) -> tuple[bytes, str]:
        """The content, or the token of the object that has it; the draft is over but for a slot.

        `OSError` when the parts did not get there; then nothing is left of them.
        """
        self.check()
        if self._whole is None and self._parts is None:
            self._whole = bytes(self._waiting), ""
        elif self._whole is None and self._parts is not None:
            await self._send()
            await self._parts.finish()
            self._whole = b"", self._parts.token
        self._incoming.drafts.discard(self)
        self._waiting = bytearray()
        assert self._whole is not None  # noqa: S101 - it was made above
        return self._whole

    def judge(self, world: str, *, same: bool) -> None:
        """Raise `Outdated` for what was kept, unless the world is the `same`, if it can be again.

        Bytes that are in an object of their own are freed with the first version that has them.
        """
        if not same and self._whole is not None and not self._whole[1]:
            raise Outdated(world, kept=True)

    def give_back(self) -> None:
        """Let go of the slot: nothing is in memory any more."""
        if self._slot:
            self._incoming.slots.give_back(self._slot.pop())

    async def discard(self) -> None:
        self.give_back()
        self._whole = None
        if self in self._incoming.drafts:
            self._incoming.drafts.discard(self)
            self._waiting = bytearray()
            if self._parts is not None:
                await self._parts.discard()


class S3Reading(Reading):
    """An object, or a span of it, that the store is ready to send. It is sent when it is read.

    What was read once is fetched again, for as long as the object is the same.
    """

    def __init__(  # noqa: PLR0913 - which bytes of which version, and who has it
        self,
        bucket: Bucket,
        key: str,
        etag: str,
        got: Got | None,
        *,
        span: tuple[int, int],
        readings: set[S3Reading],
    ) -> None:
        self._bucket = bucket
        self._key = key
        self._etag = etag
        self._got = got
        self._span = span
        self._readings = readings
        self._stream: AsyncGenerator[bytes, None] | None = None
        readings.add(self)

    async def pieces(self, start: int, stop: int) -> AsyncIterator[bytes]:
        """See `Reading.pieces`."""
        if self not in self._readings:
            raise OSError(errno.EBADF, "this reading is closed")
        start, stop = max(start, self._span[0]), min(stop, self._span[1])
        if start >= stop:
            return
        at, got, self._got = self._span[0], self._got, None
        if got is None:
            at, got = start, await self._again(start, stop)
        self._stream = got.stream()
        async with contextlib.aclosing(self._stream) as stream:
            async for piece in stream:
                first, last = max(start - at, 0), min(stop - at, len(piece))
                if first < last:
                    yield piece[first:last]
                at += len(piece)
                if at >= stop:
                    return

    async def _again(self, start: int, stop: int) -> Got:
        got = await self._bucket.get(self._key, start=start, stop=stop)
        if got is None or (self._etag and got.etag != self._etag):
            raise OSError(errno.ESTALE, "the file was replaced or taken away while it was read")
        return got

    async def close(self) -> None:
        self._readings.discard(self)
        stream, self._got, self._stream = self._stream, None, None
        if stream is not None:
            await stream.aclose()
