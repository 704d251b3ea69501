"""What the processes of one mock share in its bucket: see `mockkie.shared`.

Faults are one document a world, changed by conditional writes: no two processes count the same
request as the same one. A task is an object. Changes are posted on the board, which is why a
control call that changes something takes as long as a view of it may be old. The journal is in
`mockkie.journal_bucket`. Knows no requests.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

import orjson

from mockkie.arming import Armed, Faults
from mockkie.conditions import Facts
from mockkie.faults import Fault, Moment, Shot
from mockkie.journal_bucket import BucketJournal
from mockkie.shared import Shared
from mockkie.store.board import Board
from mockkie.store.bucket import Bucket
from mockkie.store.s3keys import world_key
from mockkie.tasks import Task, Tasks
from mockkie.worlds import World

Result = TypeVar("Result")

_TRIES: Final = 100


class BucketShared(Shared):
    """One process's view of the documents of a bucket."""

    def __init__(self, bucket: Bucket, board: Board) -> None:
        self._bucket = bucket
        self._board = board
        self._journals: dict[str, BucketJournal] = {}
        self._faults: dict[str, BucketFaults] = {}

    async def changes(self) -> int:
        await self._board.look()
        return self._board.number

    async def changed(self, world: str) -> int:
        return await self._board.post(world)

    def journal(self, world: str) -> BucketJournal:
        if world not in self._journals:
            self._journals[world] = BucketJournal(self._bucket, f"journal/{world_key(world)}")
        return self._journals[world]

    def tasks(self, world: str) -> BucketTasks:
        return BucketTasks(self._bucket, f"tasks/{world_key(world)}")

    def faults(self, world: str) -> BucketFaults:
        if world not in self._faults:
            self._faults[world] = BucketFaults(self._bucket, f"faults/{world_key(world)}")
        return self._faults[world]

    async def reload_faults(self, worlds: Iterable[World]) -> None:
        """One listing, then what is another version than the one that is known."""
        there = {known.key: known.etag async for known in self._bucket.list("faults")}
        for world in worlds:
            faults = self.faults(world.id)
            if there.get(faults.key) != faults.etag:
                await faults.reload()

    async def forget(self, world: str) -> None:
        await self.journal(world).forget()
        await self.tasks(world).clear()
        await self._bucket.delete(self.faults(world).key)
        self._journals.pop(world, None)
        self._faults.pop(world, None)

    async def close(self) -> None:
        for journal in self._journals.values():
            await journal.close()


class BucketFaults(Faults):
    """`Faults` that every process over a bucket has, with one count for all of them.

    Whoever changes them, if only a count, writes the document that it has read; if another process
    came in between, the change is carried out again on what that one wrote.
    """

    def __init__(self, bucket: Bucket, key: str) -> None:
        super().__init__()
        self.key = key
        self.etag: str | None = None
        self._bucket = bucket
        self._changing = asyncio.Lock()  # what is written is what one request has made of it

    async def arm(self, fault: Fault, now: int) -> Armed:
        return await self._change(lambda: super(BucketFaults, self).arm(fault, now))

    async def disarm(self, fault_id: str) -> bool:
        return await self._change(lambda: super(BucketFaults, self).disarm(fault_id))

    async def clear(self) -> int:
        return await self._change(super().clear) if self._armed else 0

    async def shoot(self, facts: Facts, moment: Moment, *, taken: bool = False) -> list[Shot]:
        if not any(armed.fault.moment == moment for armed in self._armed):
            return []
        return await self._change(
            lambda: super(BucketFaults, self).shoot(facts, moment, taken=taken)
        )

    async def reload(self) -> None:
        async with self._changing:
            await self._reload()

    async def _reload(self) -> None:
        got = await self._bucket.get(self.key)
        if got is None:
            self.etag = None
            self.put_back((0, ()))
            return
        value = orjson.loads(await got.read())
        known = [(name, Fault.of(of), added, state) for name, of, added, state in value["armed"]]
        self.put_back((value["last"], known))
        self.etag = got.etag

    async def _change(self, change: Callable[[], Awaitable[Result]]) -> Result:
        async with self._changing:
            for _ in range(_TRIES):
                before = self._written()
                result = await change()
                after = self._written()
                if after == before or await self._write(after):
                    return result
                await self._reload()
        raise OSError(f"the faults of {self._bucket.where} are changed by too many at a time")

    async def _write(self, written: Mapping[str, Any]) -> bool:
        """Replace the version that is known, or make the first; False when there is another one."""
        data = orjson.dumps({**written, "nonce": secrets.token_hex(8)})
        known, self.etag = self.etag, None  # whatever goes wrong: then nothing is known
        if known is None:
            self.etag = await self._bucket.create(self.key, data)
        else:
            self.etag = await self._bucket.replace(self.key, data, known)
        return self.etag is not None

    def _written(self) -> dict[str, Any]:
        last, known = self.state()
        armed = [[name, fault.to_json(), added, state] for name, fault, added, state in known]
        return {"last": last, "armed": armed}


class BucketTasks(Tasks):
    """`Tasks` that every process over a bucket reads and writes, an object each."""

    def __init__(self, bucket: Bucket, below: str) -> None:
        super().__init__()
        self._bucket = bucket
        self._below = below

    async def put(self, task: Task) -> None:
        await self._bucket.put(self._key(task.id), orjson.dumps(task))

    async def get(self, task_id: str) -> Task | None:
        got = await self._bucket.get(self._key(task_id)) if task_id else None
        return None if got is None else Task(**orjson.loads(await got.read()))

    async def clear(self) -> None:
        keys = [known.key async for known in self._bucket.list(self._below)]
        if keys:
            await self._bucket.delete(*keys)

    async def count(self) -> int:
        return sum([1 async for _ in self._bucket.list(self._below)])

    def _key(self, task_id: str) -> str:
        return f"{self._below}/{world_key(task_id)}"
