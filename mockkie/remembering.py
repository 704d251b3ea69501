"""The worlds of a mock as its store remembers them, and as other processes change them.

Knows nothing of requests. What is changed here is remembered first and told to the others then.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from mockkie.changes import Changes
from mockkie.clock import Clock
from mockkie.contract import Contract
from mockkie.problems import UsageError
from mockkie.shared import Shared
from mockkie.store import Outdated, Store
from mockkie.worlds import DEFAULT_WORLD, World, Worlds

_TRIES: Final = 20


class Remembering:
    """Keeps `worlds` as the store has them; `shared` is None where there is one process only."""

    def __init__(
        self, contract: Contract, store: Store, worlds: Worlds, shared: Shared | None
    ) -> None:
        self._contract = contract
        self._store = store
        self._worlds = worlds
        self._shared = shared
        self._known = -1  # how many changes of other processes
        self._changing = asyncio.Lock()  # of what is in memory and in the store, both or neither
        self._catching = asyncio.Lock()

    async def start(self, keys: tuple[str, ...]) -> bool:
        """Bring the worlds back, and the default one in any case; whether that one is new.

        `ValueError`: two of them contradict each other.
        """
        if self._shared is not None:
            self._known = await self._shared.changes()  # of later ones is heard later
        for world in await self._store.worlds():
            self._admit(world)
            self._worlds.add(world)
            if self._shared is None:
                await self._store.clear(world.former)
        if self._shared is None:
            await self._store.drop_strays()
        first = await self._have_default(keys)
        if self._shared is not None:
            await self._shared.reload_faults(self._worlds)
        return first

    async def _have_default(self, keys: tuple[str, ...]) -> bool:
        if self._worlds.get(DEFAULT_WORLD) is None:
            try:
                await self.create(DEFAULT_WORLD, keys)
            except ValueError:
                await self._catch_up()  # another process was faster
                if self._worlds.get(DEFAULT_WORLD) is None:
                    raise
            else:
                return True
        default = self._worlds.default
        if default.keys != keys:
            if any(self._worlds.owner(key) not in (None, default) for key in keys):
                raise ValueError("one of these keys opens another world already")

            def change() -> None:
                default.keys = keys
                self._worlds.take_over(list(self._worlds))

            await self.change(default, change)
        return False

    async def catch_up(self) -> None:
        """Be as other processes have changed the worlds by now."""
        if self._shared is None or await self._shared.changes() == self._known:
            return
        async with self._catching:  # one for all requests that are under way
            changes = await self._shared.changes()
            if changes != self._known:
                await self._catch_up()
                await self._shared.reload_faults(self._worlds)
                self._known = changes

    async def _catch_up(self) -> None:
        async with self._changing:
            for world in self._worlds.take_over(await self._store.worlds()):
                self._admit(world)
            for world in self._worlds:
                self.settle(world)
            if self._shared is not None:
                self._shared.retain(self._worlds)

    async def create(
        self, world_id: str | None, keys: Iterable[str] = (), changes: Changes | None = None
    ) -> World:
        """A new world; `ValueError` when the id or a key is taken, here or elsewhere."""
        async with self._changing:
            world = self._worlds.create(world_id=world_id, keys=keys, changes=changes)
            self._admit(world)
            try:
                await self._store.remember(world)
            except Outdated:
                self._worlds.remove(world)
                raise ValueError(f"there is a world with the id {world.id!r} already") from None
            except BaseException:
                self._worlds.remove(world)
                raise
        await self.tell_others()
        if self._shared is not None:
            await self._catch_up()  # another process may have made one with the same key
            if self._worlds.is_contested(world):
                await self.drop(self._worlds.get(world.id) or world)
                raise ValueError("one of these keys opens another world already")
            return self._worlds.get(world.id) or world
        return world

    async def change(
        self,
        world: World,
        change: Callable[[], None],
        *,
        first: Callable[[], Awaitable[None]] | None = None,
        renew: bool = False,
    ) -> None:
        """Change a world and remember it; again, when another process came in between.

        `first` is what has to be done with the world as it is before; with `renew`, its files go
        at the same moment. What fails has changed nothing, as far as this process knows.
        """
        for _ in range(_TRIES):
            if first is not None:
                await first()
            try:
                async with self._changing:
                    await self._change(world, change, renew=renew)
            except Outdated:
                await self._catch_up()
                if self._worlds.get(world.id) is not world:
                    why = f"the world {world.id!r} was dropped meanwhile"
                    raise OSError(errno.ESTALE, why) from None
            else:
                await self.tell_others()
                return
        raise OSError(f"the world {world.id!r} is changed by too many at a time: try again")

    async def _change(self, world: World, change: Callable[[], None], *, renew: bool) -> None:
        before = world.clock.state(), world.keys, world.changes, world.made_with, world.settings
        try:
            change()
            await (self._store.renew if renew else self._store.remember)(world)
        except BaseException:
            clock, world.keys, world.changes, world.made_with, world.settings = before
            world.clock = Clock(*clock)
            self._known = -1  # it may have been written all the same: look before the next request
            raise

    async def drop(self, world: World) -> None:
        """Forget a world and all that it has."""
        async with self._changing:
            await self._store.forget(world.id)
            self._worlds.remove(world)
        await self._store.forget(world.former)
        if self._shared is not None:
            await self.tell_others()
            await self._store.clear(world.id)  # what others kept before they knew
            await self._shared.forget(world)

    async def tell_others(self) -> None:
        """A world was changed here; what others changed meanwhile is still to be read."""
        if self._shared is not None:
            try:
                changes = await self._shared.changed()
            except BaseException:
                self._known = -1
                raise
            if changes == self._known + 1:
                self._known = changes

    def settle(self, world: World) -> None:
        """Have a world's settings be what its changes make of the mock's."""
        try:
            world.settings = self._contract.settings_with(world.changes)
        except UsageError as error:
            raise UsageError(f"the settings of the world {world.id!r}: {error}") from error

    def _admit(self, world: World) -> None:
        self.settle(world)
        if self._shared is not None:
            world.journal = self._shared.journal(world)
            world.tasks = self._shared.tasks(world)
            world.faults = self._shared.faults(world)
