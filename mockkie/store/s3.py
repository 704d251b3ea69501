"""Files in a bucket of an S3-compatible store, for any number of mocks at a time.

    files/<world>/<path>            a file: its bytes, and its facts as metadata
    bytes/<token>                   the bytes of a large file, whose own object is empty
    ends/<world>/<minute>/<unique>  which files end in that minute, for the sweep
    worlds/<world>                  a world
    board                           what every mock looks at before it acts

A file is kept, and another one replaced, by one PUT: there is no moment without a file, and none
with half of one. A kill loses nothing that was kept; what it leaves behind (an upload in parts, the
bytes of a large file before its PUT, what was to be written to `ends`) the lifecycle rules of the
bucket free. Whatever fails at the store is an `OSError`; the next call may succeed.

The files of a listing, and their facts, are not of one moment, as nothing is that is read from a
bucket with more than one request.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Final, NoReturn, Self

from mockkie.clock import stopwatch
from mockkie.store import Draft, FilesSnapshot, Reading, Store, StoredFile
from mockkie.store.board import FRESH, GRACE, Board
from mockkie.store.bucket import Bucket, Got, Listed, in_parallel
from mockkie.store.bucketcheck import check
from mockkie.store.s3bytes import PART, Incoming, S3Draft, S3Reading, bytes_key
from mockkie.store.s3ends import Ends
from mockkie.store.s3facts import Kept
from mockkie.store.s3keys import file_key, files_of
from mockkie.store.s3sweep import Sweep
from mockkie.store.s3worlds import Documents
from mockkie.worlds import World

_PAGE: Final = 1_000  # files that are looked at or deleted at a time
_QUIET: Final = 0.1  # seconds: obstore 0.12 aborts a process that ends right behind a request


class S3Store(Store):
    """Everything below one prefix of a bucket. Opened by `open_bucket`."""

    waits = True

    def __init__(self, bucket: Bucket, board: Board, incoming: Incoming, ends: Ends) -> None:
        self.where = bucket.where
        self.bucket = bucket
        self.board = board
        self._incoming = incoming
        self._ends = ends
        self._documents = Documents(bucket)
        self._sweep = Sweep(bucket, board, ends)
        self._readings: set[S3Reading] = set()
        self._within = asyncio.Lock()

    @classmethod
    def open_bucket(
        cls, url: str, *, fresh: float = FRESH, grace: float = GRACE, part: int = PART
    ) -> Self:
        """The store at `s3://bucket/prefix`; see `Bucket.connect`, `Board` and `Incoming`.

        `UsageError` says why the bucket cannot be used, and what to do: it is not there, refuses
        the keys, cannot be reached, or does not know conditional writes.
        """
        bucket = Bucket.connect(url)
        check(bucket)
        board = Board(bucket, fresh=fresh, grace=grace)
        return cls(bucket, board, Incoming(bucket, part), Ends(bucket))

    def draft(self) -> S3Draft:
        return S3Draft(self._incoming)

    async def keep(self, world: str, draft: Draft, file: StoredFile) -> None:
        known = self.board.number
        await self.keep_all(world, [(draft, file)])
        self._own(draft).judge(world, same=known in (0, self.board.number))  # as of behind the PUT

    async def keep_all(self, world: str, uploads: Sequence[tuple[Draft, StoredFile]]) -> None:
        """See `Store.keep_all`.

        When the bucket fails half way, those that were kept are taken back; what they replaced is
        lost.
        """
        if all(draft.quota is None for draft, _ in uploads):
            await self._keep_all(world, uploads)
        else:
            async with self._within:  # else two of this process could both find room for one
                await self._judge_quotas(world, uploads)
                await self._keep_all(world, uploads)
        if len(uploads) > 1:  # the loop may end with them: nobody would write it then
            await self._ends.write()

    async def _keep_all(self, world: str, uploads: Sequence[tuple[Draft, StoredFile]]) -> None:
        drafts = [(self._own(draft), file) for draft, file in uploads]
        moves = self._documents.burials(world).moves
        for draft, file in drafts:
            draft.check()
            Kept(file, moves, "-" * 32).attributes(world)  # before anything is done
        begun: list[Kept] = []
        try:
            for draft, file in drafts:
                content, token = await draft.seal()
                begun.append(Kept(file, moves, token))
                await self._put(world, begun[-1], content)
                draft.give_back()
        except BaseException:
            if len(drafts) > 1:
                with contextlib.suppress(OSError):
                    await self._sweep.take(world, begun)
            raise

    async def _judge_quotas(self, world: str, uploads: Sequence[tuple[Draft, StoredFile]]) -> None:
        """Hold drafts against their quota, by what is there; other mocks may add to it."""
        _, held = await self.count(world)
        olds = [await self.find(world, file.path) for _, file in uploads]
        rest = held - sum(old.size for old in olds if old is not None)
        total = rest + sum(file.size for _, file in uploads)
        for draft, file in uploads:
            draft.judge_quota(total - file.size, file.size)

    def _own(self, draft: Draft) -> S3Draft:
        if not isinstance(draft, S3Draft):
            raise TypeError("this draft is of another store")
        return draft

    async def _put(self, world: str, kept: Kept, content: bytes) -> None:
        began = stopwatch()
        key = file_key(world, kept.file.path)
        try:
            await self.bucket.put(key, content, kept.attributes(world))
            await self._survive_sweeps(world, kept, began)
        finally:  # also after an error: who knows what it hides
            self._ends.add(world, kept)

    async def _survive_sweeps(self, world: str, kept: Kept, began: float) -> None:
        """Return when no sweep can take the file that was put; `OSError` if one did."""
        path = kept.file.path
        await self.board.look()
        announced = self.board.is_announced(world, path)
        if announced:
            await self.board.until_finished(world, path)
        elif stopwatch() - began < self.board.grace - self.board.fresh:
            return
        if await self.bucket.head(file_key(world, path)) is None:
            raise OSError(
                errno.ESTALE,
                f"{path} was swept or taken away at this very moment: upload it again",
            )

    async def find(self, world: str, path: str) -> StoredFile | None:
        kept = await self._find(world, file_key(world, path))
        return None if kept is None else kept.file

    async def _find(self, world: str, key: str) -> Kept | None:
        head = await self.bucket.head(key)
        kept = None if head is None else Kept.of(key, head.attributes)
        return None if kept is None or self._documents.burials(world).cover(kept) else kept

    async def open(
        self, world: str, file: StoredFile, start: int = 0, stop: int | None = None
    ) -> Reading | None:
        start, stop = max(start, 0), file.size if stop is None else min(stop, file.size)
        span = start, stop
        key = file_key(world, file.path)
        # Most are read with one request. A large one has its bytes elsewhere.
        at_once = start < stop and file.size <= self._incoming.part
        try:
            got = await self._get(key, file, span) if at_once else await self.bucket.head(key)
        except OSError:
            if at_once and await self.find(world, file.path) != file:
                return None  # it was replaced by one that is too short for the span
            raise
        kept = None if got is None else Kept.of(key, got.attributes)
        if got is None or kept is None or kept.file.id != file.id or self._is_gone(world, kept):
            return None
        etag = got.etag
        if kept.token:
            key, etag = bytes_key(kept.token), ""  # which is never written again
        if not at_once:
            got = await self._get(key, file, span) if start < stop else None
            if start < stop and (got is None or (etag and got.etag != etag)):
                return None
        return S3Reading(self.bucket, key, etag, got, span=span, readings=self._readings)

    async def _get(self, key: str, file: StoredFile, span: tuple[int, int]) -> Got | None:
        start, stop = span
        return await self.bucket.get(key, start=start, stop=None if stop == file.size else stop)

    def _is_gone(self, world: str, kept: Kept) -> bool:
        return self._documents.burials(world).cover(kept)

    async def list(
        self, world: str, *, after: str = "", limit: int = 1_000
    ) -> Sequence[StoredFile]:
        """See `Store.list`; paths of more than some hundred bytes may be in another order."""
        found: list[StoredFile] = []
        keys: list[str] = []
        async for known in self._listed(world, after):
            keys.append(known.key)
            if len(keys) + len(found) >= limit:
                found += [kept.file for kept in await self._facts(world, keys)]
                keys = []
                if len(found) >= limit:
                    return found[:limit]
        return found + [kept.file for kept in await self._facts(world, keys)]

    def _listed(self, world: str, after: str = "") -> AsyncIterator[Listed]:
        return self.bucket.list(files_of(world), file_key(world, after) if after else None)

    async def _facts(self, world: str, keys: Sequence[str]) -> Sequence[Kept]:
        found = await in_parallel(partial(self._find, world), keys)
        return [kept for kept in found if kept is not None]

    async def count(self, world: str) -> tuple[int, int]:
        """See `Store.count`. Where the clock was moved, and for large files, each is looked at."""
        buried = bool(self._documents.burials(world).pairs)
        files = size = 0
        unknown: list[str] = []
        async for known in self._listed(world):
            if buried or not known.size:
                unknown.append(known.key)
            else:
                files, size = files + 1, size + known.size
        facts = await self._facts(world, unknown)
        return files + len(facts), size + sum(kept.file.size for kept in facts)

    async def delete(self, world: str, path: str) -> StoredFile | None:
        kept = await self._find(world, file_key(world, path))
        if kept is None:
            return None
        await self.bucket.delete(*kept.keys(world))
        return kept.file

    async def clear(self, world: str) -> int:
        cleared = 0
        buried = bool(self._documents.burials(world).pairs)
        listed = [known async for known in self._listed(world)]
        for at in range(0, len(listed), _PAGE):
            page = listed[at : at + _PAGE]
            unknown = [known.key for known in page if buried or not known.size]
            heads = await in_parallel(self.bucket.head, unknown)
            facts = [
                Kept.of(key, head.attributes)
                for key, head in zip(unknown, heads, strict=True)
                if head is not None
            ]
            tokens = [bytes_key(kept.token) for kept in facts if kept.token]
            await self.bucket.delete(*[known.key for known in page], *tokens)
            gone = sum(self._is_gone(world, kept) for kept in facts)
            cleared += len(page) - len(unknown) + len(facts) - gone
        return cleared

    async def sweep(self, world: str, now: int, limit: int = 1_000) -> Sequence[StoredFile]:
        return await self._sweep.sweep(world, self._documents.burials(world), now, limit)

    async def bury(self, world: str, now: int) -> None:
        """See `Store.bury`. One change of the world's document, which the board is not told of."""
        if not await self._documents.bury(world, now):
            await super().bury(world, now)

    async def worlds(self) -> Sequence[World]:
        """See `Store.worlds`. From now on their files are those that they have left."""
        return await self._documents.worlds()

    async def remember(self, world: World) -> None:
        await self._documents.remember(world)

    async def forget(self, world: str) -> None:
        await self.clear(world)
        await self._ends.forget(world)
        await self._documents.forget(world)  # last: what fails before that can be tried again

    async def snapshot(self, world: str) -> FilesSnapshot:
        """Not here: `RuntimeError`."""
        del world
        _no_snapshots()

    async def restore(self, snapshot: FilesSnapshot) -> None:
        """Not here: `RuntimeError`."""
        del snapshot
        _no_snapshots()

    async def close(self) -> None:
        await self._incoming.close()
        for reading in list(self._readings):
            await reading.close()
        await self._ends.close()
        await self._sweep.close()
        await asyncio.sleep(_QUIET)


def _no_snapshots() -> NoReturn:
    raise RuntimeError(
        "a bucket has no snapshots, several mocks may use it: take them of a mock with files in "
        "memory or in a folder"
    )
