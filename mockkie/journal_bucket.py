"""The journal of a world that many processes write, in batches in a bucket. Knows no requests.

Each process gathers its entries for `BATCH_SECONDS`, then takes numbers for them from the head of
the journal, a small document that is changed by conditional writes, and writes them as one object.
Who reads waits for as long as others gather, then fetches what is new: what was answered before
somebody began to read is there, unless the store takes its time. A process that is killed loses
what it had gathered; while the store is away, entries wait.

What is written down before its answer is out (a long download) is written again when it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

import orjson

from mockkie.clock import stopwatch
from mockkie.journal import LIMIT, Entry, Journal
from mockkie.store.bucket import Bucket, Listed

BATCH_SECONDS: Final = 0.1
_UNFINISHED_SECONDS: Final = 1.0  # an entry whose answer takes longer is written down before
_PATIENCE: Final = 0.25  # of a reader: others gather, then they write
_AWAY_SECONDS: Final = 1.0  # between two tries while the store is away
_TRIES: Final = 100
_DIGITS: Final = 16
_AT_A_TIME: Final = 16
_log: Final = logging.getLogger("mockkie")


@dataclass(frozen=True, slots=True)
class Head:
    """The last number that was taken, the bytes that are held, how many entries went.

    Entries up to the number `cleared` are forgotten.
    """

    last: int = 0
    held: int = 0
    evicted: int = 0
    cleared: int = 0

    def write(self) -> bytes:
        """The document; no two are the same, so that no two ETags are."""
        return orjson.dumps({**asdict(self), "nonce": secrets.token_hex(8)})

    @classmethod
    def read(cls, data: bytes) -> Head:
        """The head that `write` wrote."""
        value = orjson.loads(data)
        return cls(value["last"], value["held"], value["evicted"], value["cleared"])


@dataclass(eq=False, slots=True)
class _Gathered:
    """An entry that is not written down yet, since when, and whether it is what it will be."""

    entry: Entry
    since: float
    done: bool = False


class BucketJournal(Journal):
    """A `Journal` whose entries every process over a bucket writes and reads.

    What is asked without waiting (`entries`, `last`, ...) is as of the last `catch_up`.
    """

    def __init__(self, bucket: Bucket, below: str, limit: int = LIMIT) -> None:
        super().__init__(limit)
        self._bucket = bucket
        self._key = f"{below}/head"
        self._batches = f"{below}/batch"
        self._head = Head()
        self._etag: str | None = None
        self._read: set[str] = set()  # the batches that are among `_known`
        self._known: dict[int, Entry] = {}
        self._order: list[int] = []
        self._gathered: list[_Gathered] = []
        self._amended: list[Entry] = []
        self._gone = False
        self._soon: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    def add(self, entry: Entry) -> None:
        if not self._gone:
            self._gathered.append(_Gathered(entry, stopwatch()))
            self._wake()

    def amend(self, entry: Entry) -> None:
        found = next((one for one in reversed(self._gathered) if one.entry is entry), None)
        if found is not None:
            found.done = True
        elif entry.seq and not self._gone:
            self._amended.append(entry)
            self._wake()

    def entries(self, *, after: int = 0, limit: int | None = None) -> list[Entry]:
        start = bisect_right(self._order, after)
        stop = None if limit is None else start + limit
        return [self._known[seq] for seq in self._order[start:stop]]

    @property
    def last(self) -> int:
        return self._head.last

    @property
    def bytes(self) -> int:
        return self._head.held

    @property
    def evicted(self) -> int:
        return self._head.evicted

    async def catch_up(self) -> None:
        """Have what any process had answered when this was called."""
        await self._flush(every=True)
        await asyncio.sleep(_PATIENCE)
        async with self._writing:
            await self._read_head()
            listed = [known async for known in self._bucket.list(self._batches)]
            there = {known.key for known in listed}
            new = sorted(there - self._read)
            for at in range(0, len(new), _AT_A_TIME):
                keys = new[at : at + _AT_A_TIME]
                for batch in await asyncio.gather(*map(self._fetch, keys)):
                    self._take(batch)
            first = min(map(_first_of, there), default=self._head.last + 1)
            self._forget(max(first - 1, self._head.cleared))
            self._read = there

    async def clear(self) -> None:
        await self.catch_up()  # what others gathered came before
        async with self._writing:
            head = await self._change(
                lambda head: replace(head, held=0, evicted=0, cleared=head.last)
            )
            self._forget(head.cleared)
            await self._delete(await self._list())
            self._read = set()

    async def forget(self) -> None:
        """Leave nothing behind."""
        self.abandon()
        async with self._writing:
            await self._delete(await self._list())
            await self._bucket.delete(self._key)
        self._forget(self._head.last)

    def abandon(self) -> None:
        """Write no more: the world is gone."""
        self._gone = True
        self._gathered, self._amended = [], []

    async def close(self) -> None:
        """Write down what is gathered; an `OSError` of the store is passed over."""
        if self._soon is not None:
            self._soon.cancel()
        with contextlib.suppress(OSError):
            await self._flush(every=True)

    def _wake(self) -> None:
        if self._soon is None or self._soon.done():
            self._soon = asyncio.create_task(self._write_soon())

    async def _write_soon(self) -> None:
        pause = BATCH_SECONDS
        while self._gathered or self._amended:
            await asyncio.sleep(pause)
            try:
                await asyncio.shield(asyncio.ensure_future(self._flush()))
            except OSError as error:
                if pause == BATCH_SECONDS:
                    _log.warning("the journal waits: %s", error)
                pause = _AWAY_SECONDS
            else:
                pause = BATCH_SECONDS

    async def _flush(self, *, every: bool = False) -> None:
        """Write down what is done, what waits for too long, and with `every` what there is."""
        async with self._writing:
            until = stopwatch() - _UNFINISHED_SECONDS
            ready = [one for one in self._gathered if every or one.done or one.since < until]
            amended, self._amended = self._amended, []
            if not ready and not amended:
                return
            chosen = set(map(id, ready))
            self._gathered = [one for one in self._gathered if id(one) not in chosen]
            try:
                await self._write([one.entry for one in ready], amended)
            except BaseException:
                if not self._gone:
                    self._gathered = [*ready, *self._gathered]
                    self._amended = [*amended, *self._amended]
                    self._drop_what_waits()
                raise

    async def _write(self, new: Sequence[Entry], amended: Sequence[Entry]) -> None:
        count = len(new) or 1  # a batch of amendments takes a number, too: its key is its own
        size = sum(entry.weight for entry in (*new, *amended))
        head = await self._change(
            lambda head: replace(head, last=head.last + count, held=head.held + size)
        )
        first = head.last - count + 1
        for seq, entry in enumerate(new, first):
            entry.seq = seq
        batch = [*new, *amended]
        key = f"{self._batches}/{first:0{_DIGITS}d}-{len(new)}-{size}"
        await self._bucket.put(key, orjson.dumps([entry.to_json() for entry in batch]))
        if head.held > self.limit:
            await self._evict()

    async def _evict(self) -> None:
        """Take the oldest batches away until the rest is within the limit; the latest stays."""
        listed = await self._list()
        held, gone = sum(_size_of(known) for known in listed), list[str]()
        for known in listed[:-1]:
            if held <= self.limit:
                break
            held -= _size_of(known)
            gone.append(known.key)
        went = sum(_count_of(key) for key in gone)
        await self._change(lambda head: replace(head, held=held, evicted=head.evicted + went))
        await self._bucket.delete(*gone)

    def _drop_what_waits(self) -> None:
        """Entries that wait for the store are bounded as those in it are."""
        held = sum(one.entry.weight for one in self._gathered)
        while held > self.limit and len(self._gathered) > 1:
            held -= self._gathered.pop(0).entry.weight

    async def _change(self, change: Callable[[Head], Head]) -> Head:
        for attempt in range(_TRIES):
            if attempt or self._etag is None:
                await self._read_head()
            head = change(self._head)
            if self._etag is None:
                etag = await self._bucket.create(self._key, head.write())
            else:
                etag = await self._bucket.replace(self._key, head.write(), self._etag)
            if etag is not None:
                self._head, self._etag = head, etag
                return head
        raise OSError(f"a journal of {self._bucket.where} is written by too many at a time")

    async def _read_head(self) -> None:
        got = await self._bucket.get(self._key)
        self._etag = None if got is None else got.etag
        self._head = Head() if got is None else Head.read(await got.read())

    async def _list(self) -> list[Listed]:
        return [known async for known in self._bucket.list(self._batches)]

    async def _delete(self, listed: Sequence[Listed]) -> None:
        if listed:
            await self._bucket.delete(*[known.key for known in listed])

    async def _fetch(self, key: str) -> Sequence[Entry]:
        got = await self._bucket.get(key)  # None: evicted meanwhile
        values = [] if got is None else orjson.loads(await got.read())
        return [Entry.from_json(value) for value in values]

    def _take(self, batch: Sequence[Entry]) -> None:
        self._known.update((entry.seq, entry) for entry in batch)
        self._order = sorted(self._known)

    def _forget(self, upto: int) -> None:
        gone = bisect_right(self._order, upto)
        for seq in self._order[:gone]:
            del self._known[seq]
        del self._order[:gone]


def _first_of(key: str) -> int:
    return int(key.rpartition("/")[2].split("-")[0])


def _count_of(key: str) -> int:
    return int(key.rpartition("/")[2].split("-")[1])


def _size_of(known: Listed) -> int:
    return int(known.key.rpartition("/")[2].split("-")[2])
