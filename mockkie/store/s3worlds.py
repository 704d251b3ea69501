"""The worlds of an S3 store: one document each. Knows no files.

    worlds/<world>   what a World is made of, when it was made, and its burials

A document is replaced if it is still the one that was read last, so no change of another mock is
lost. Those that have not changed since then are not read again: a listing tells their versions.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from typing import Any, Final

import orjson

from mockkie.clock import Clock, real_now
from mockkie.store import Outdated
from mockkie.store.bucket import Bucket, in_parallel
from mockkie.store.s3facts import Burials
from mockkie.store.s3keys import world_key
from mockkie.worlds import World

_MOST: Final = 1_000  # pairs of burials: as often was a clock moved, each time to before
_TRIES: Final = 100


class Documents:
    """The documents in a bucket, and the burials as they were when a document was seen last."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._seen: dict[str, tuple[int, Burials]] = {}  # with when the world was created
        self._known: dict[str, tuple[str, dict[str, Any]]] = {}  # by key, with its ETag
        self._told: dict[str, str] = {}  # the ETag of what `worlds` or `remember` knows
        self._created = 0

    def burials(self, world: str) -> Burials:
        """What the clock of a world has left behind, as of the last look at its document."""
        return self._seen[world][1] if world in self._seen else Burials()

    async def worlds(self) -> list[World]:
        """Every world that is remembered, in the order of creation."""
        there = {known.key: known.etag async for known in self._bucket.list("worlds")}
        for gone in self._known.keys() - there.keys():
            del self._known[gone]
        new = [key for key, etag in there.items() if self._etag(key) != etag]
        await in_parallel(self._read, new)
        self._told = {key: etag for key, (etag, _) in self._known.items()}
        documents = [self._known[key][1] for key in there if key in self._known]
        documents.sort(key=lambda value: (value["created"], value["id"]))
        for gone in self._seen.keys() - {value["id"] for value in documents}:
            del self._seen[gone]
        return [self._world(value) for value in documents]

    async def remember(self, world: World) -> None:
        """Write a world down, but for its burials, which stay; `Outdated` as `Store` has it."""
        offset, frozen_at = world.clock.state()
        _, old = self._known.get(_key(world.id), ("", None))
        old = old or {"created": self._now(), "moves": 0, "buried": []}
        value = {
            "id": world.id,
            "account": world.account,
            "keys": world.keys,
            "offset": offset,
            "frozenAt": frozen_at,
            "changes": world.changes,
            "madeWith": world.made_with,
            **{name: old[name] for name in ("created", "moves", "buried")},
        }
        key = _key(world.id)
        if self._etag(key) != self._told.get(key, "") or not await self._write(world.id, value):
            raise Outdated(world.id)
        self._told[key] = self._etag(key)

    async def bury(self, world: str, now: int) -> bool:
        """Have all that is expired at `now` be gone; False when the world is not remembered."""
        for attempt in range(_TRIES):
            value = await self._read(_key(world))
            if value is None:
                return False
            after = _burials(value).with_one(now, _MOST)
            is_told = self._told.get(_key(world)) == self._etag(_key(world))
            if await self._write(world, {**value, "moves": after.moves, "buried": after.pairs}):
                if is_told:  # else `remember` is still to find out what another mock changed
                    self._told[_key(world)] = self._etag(_key(world))
                return True
            await asyncio.sleep(random.uniform(0, 0.01 * (attempt + 1)))  # noqa: S311 - no secret
        raise OSError(f"{self._bucket.where}: a world is changed by too many at a time: try again")

    async def forget(self, world: str) -> None:
        """Remember a world no more."""
        await self._bucket.delete(_key(world))
        self._seen.pop(world, None)
        self._known.pop(_key(world), None)
        self._told.pop(_key(world), None)

    def _now(self) -> int:
        """The present instant, but never one of before: worlds are told apart by it."""
        self._created = max(self._created + 1, real_now())
        return self._created

    def _etag(self, key: str) -> str:
        return self._known[key][0] if key in self._known else ""

    async def _read(self, key: str) -> dict[str, Any] | None:
        got = await self._bucket.get(key)
        if got is None:
            self._known.pop(key, None)
            return None
        value: dict[str, Any] = orjson.loads(await got.read())
        self._known[key] = got.etag, value
        return value

    async def _write(self, world: str, value: dict[str, Any]) -> bool:
        """Replace the version that is known, or make the first; False when there is another one."""
        key, data = _key(world), orjson.dumps({**value, "nonce": secrets.token_hex(8)})
        if key in self._known:
            etag = await self._bucket.replace(key, data, self._etag(key))
        else:
            etag = await self._bucket.create(key, data)
        if etag is None:
            return False
        self._known[key] = etag, value
        self._see(value)
        return True

    def _see(self, value: dict[str, Any]) -> None:
        """Take the burials of a document, unless it was read before one that is known."""
        created, burials = value["created"], _burials(value)
        known = self._seen.get(value["id"])
        if known is None or known[0] != created or known[1].moves < burials.moves:
            self._seen[value["id"]] = created, burials

    def _world(self, value: dict[str, Any]) -> World:
        self._see(value)
        return World(
            id=value["id"],
            account=value["account"],
            keys=tuple(value["keys"]),
            clock=Clock(value["offset"], value["frozenAt"]),
            changes=value["changes"],
            made_with=value["madeWith"],
        )


def _key(world: str) -> str:
    return f"worlds/{world_key(world)}"


def _burials(value: dict[str, Any]) -> Burials:
    return Burials(value["moves"], tuple((move, now) for move, now in value["buried"]))
