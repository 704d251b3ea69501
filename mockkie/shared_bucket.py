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
        # By account, too: a world that is made anew under an id is another one.
        self._journals: dict[tuple[str, str], BucketJournal] = {}
        self._faults: dict[tuple[str, str], BucketFaults] = {}

    async def changes(self) -> int:
        await self._board.look()
        return self._board.number

    async def changed(self) -> int:
        return await self._board.post()

    def journal(self, world: World) -> BucketJournal:
        known = _known(world)
        if known not in self._journals:
            self._journals[known] = BucketJournal(self._bucket, f"journal/{_key(world)}")
        return self._journals[known]

    def tasks(self, world: World) -> BucketTasks:
        return BucketTasks(self._bucket, _key(world))

    def faults(self, world: World) -> BucketFaults:
        known = _known(world)
        if known not in self._faults:
            self._faults[known] = BucketFaults(self._bucket, f"faults/{_key(world)}")
        return self._faults[known]

    async def reload_faults(self, worlds: Iterable[World]) -> None:
        """One listing, then what is another version than the one that is known."""
        there = {known.key: known.etag async for known in self._bucket.list("faults")}
        for world in worlds:
            faults = self.faults(world)
            if there.get(faults.key) != faults.etag:
                await faults.reload()

    async def forget(self, world: World) -> None:
        await self.journal(world).forget()
        await self.tasks(world).clear()
        await self._bucket.delete(self.faults(world).key)
        self._journals.pop(_known(world), None)
        self._faults.pop(_known(world), None)

    def retain(self, worlds: Iterable[World]) -> None:
        there = set(map(_known, worlds))
        for known in self._journals.keys() - there:
            self._journals.pop(known).abandon()
        for known in self._faults.keys() - there:
            del self._faults[known]

    async def close(self) -> None:
        for journal in self._journals.values():
            await journal.close()


def _known(world: World) -> tuple[str, str]:
    return world.id, world.account


def _key(world: World) -> str:
    return f"{world_key(world.id)}.{world.account}"


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
        self._unsure = False  # whether a write failed that may have been carried out

    async def arm(self, fault: Fault, now: int) -> Armed:
        return await self._change(lambda: super(BucketFaults, self).arm(fault, now))

    async def disarm(self, fault_id: str) -> bool:
        return await self._change(lambda: super(BucketFaults, self).disarm(fault_id))

    async def clear(self) -> int:
        return await self._change(super().clear) if self._armed or self._unsure else 0

    async def shoot(self, facts: Facts, moment: Moment, *, taken: bool = False) -> list[Shot]:
        if self._unsure:
            await self.reload()
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
        value: Any = {"last": 0, "armed": []} if got is None else orjson.loads(await got.read())
        known = [(name, Fault.of(of), added, state) for name, of, added, state in value["armed"]]
        self.put_back((value["last"], known))
        self.etag, self._unsure = None if got is None else got.etag, False

    async def _change(self, change: Callable[[], Awaitable[Result]]) -> Result:
        async with self._changing:
            if self._unsure:
                await self._reload()
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
        known, self.etag, self._unsure = self.etag, None, True
        if known is None:
            self.etag = await self._bucket.create(self.key, data)
        else:
            self.etag = await self._bucket.replace(self.key, data, known)
        self._unsure = False
        return self.etag is not None

    def _written(self) -> dict[str, Any]:
        last, known = self.state()
        armed = [[name, fault.to_json(), added, state] for name, fault, added, state in known]
        return {"last": last, "armed": armed}


class BucketTasks(Tasks):
    """`Tasks` that every process over a bucket reads and writes, an object each.

    So that two do not spend the same credits, each of the tasks that there may be has a number, and
    a number is taken by an object that is there only once.
    """

    def __init__(self, bucket: Bucket, world: str) -> None:
        super().__init__()
        self._bucket = bucket
        self._below, self._numbers = f"tasks/{world}", f"spent/{world}"

    async def add(self, task: Task, most: int | None) -> bool:
        number = 0 if most is None else await self.count()
        while most is not None:
            if number >= most:
                return False
            if await self._bucket.create(f"{self._numbers}/{number}", task.id.encode()):
                break
            number += 1
        await self.put(task)
        return True

    async def put(self, task: Task) -> None:
        await self._bucket.put(self._key(task.id), orjson.dumps(task))

    async def get(self, task_id: str) -> Task | None:
        got = await self._bucket.get(self._key(task_id)) if task_id else None
        return None if got is None else Task(**orjson.loads(await got.read()))

    async def clear(self) -> None:
        for below in (self._below, self._numbers):
            keys = [known.key async for known in self._bucket.list(below)]
            if keys:
                await self._bucket.delete(*keys)

    async def count(self) -> int:
        return sum([1 async for _ in self._bucket.list(self._below)])

    def _key(self, task_id: str) -> str:
        return f"{self._below}/{world_key(task_id)}"
