"""Frees what has expired, every now and then. Decides nothing: expired is gone at that instant."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from mockkie.clock import stopwatch
from mockkie.store import Outdated, Store, StoredFile
from mockkie.worlds import World, Worlds

_log: Final = logging.getLogger("mockkie")
SWEEP_SECONDS: Final = 30.0
ELSEWHERE_SECONDS: Final = 600.0  # where a look costs a request, and others sweep too
SLICE: Final = 128  # files: about a millisecond in memory, a few on disk


class Sweeper:
    """Goes over the files of all worlds."""

    def __init__(self, store: Store, worlds: Worlds, ready: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self._worlds = worlds
        self._ready = ready  # others may have set a clock back since this process looked
        self.watchers: list[Callable[[Sequence[StoredFile]], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    def start(self) -> None:
        """From now on, sweep every now and then (needs the running loop)."""
        self._task = asyncio.create_task(self._sweep_forever())

    def wake(self) -> None:
        """Do not wait until it is time."""
        self._wake.set()

    async def close(self) -> None:
        """Sweep no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _sweep_forever(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._wake.wait()
            self._wake.clear()
            for world in self._worlds:
                try:
                    await self._ready()
                    await self.sweep_patiently(world)
                except OSError as error:  # what expired is gone all the same; the next one frees it
                    _log.warning("the sweep of %s failed: %s", world.id, error)

    def _pause(self) -> float:
        if not self._store.waits:
            return SWEEP_SECONDS
        return random.uniform(0.5, 1.5) * ELSEWHERE_SECONDS  # noqa: S311 - not all at once

    async def sweep_patiently(self, world: World) -> None:
        """Free what has expired in a world, in slices between which others have their turn.

        A request takes several turns of the loop: with one after each slice it would wait for as
        many slices. So others have as long as the slice took. Elsewhere, waiting is most of it.
        """
        started = stopwatch()
        while await self.sweep(world):
            await asyncio.sleep(0 if self._store.waits else stopwatch() - started)
            started = stopwatch()

    async def make_room(self, world: World, quota: int, size: int) -> None:
        """Free what has expired where `size` bytes more would lead over `quota` otherwise."""
        await self._store.count_often()
        _, held = await self._store.count(world.id)
        if held + size > quota:
            await self.sweep_patiently(world)

    async def sweep(self, world: World) -> bool:
        """Free a slice of what has expired in a world; whether there was any.

        There is none for who does not know of the latest change of the world.
        """
        try:
            swept = await self._store.sweep(world.id, world.clock.now(), SLICE)
        except Outdated:
            return False
        if world.faults:
            await self._store.sweep(world.former, world.clock.now(), SLICE)
        for file in swept:
            world.bury(file.path, file.uploaded_at, file.expires_at)
        if swept:
            for watcher in self.watchers:
                watcher(swept)
        return bool(swept)
