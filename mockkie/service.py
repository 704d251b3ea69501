"""What one mock has: a contract, a store, worlds; and what is done with worlds as a whole.

Knows nothing of requests. Made without I/O beyond the store's own; `start` makes it ready.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from mockkie.arming import Armed
from mockkie.bounds import Bounds
from mockkie.changes import Changes
from mockkie.contract import Contract
from mockkie.faults import Fault
from mockkie.fetching import Fetcher
from mockkie.journal import Entry
from mockkie.known_faults import judge_fault
from mockkie.operation import Operation
from mockkie.origin import origin_app
from mockkie.problems import UsageError
from mockkie.remembering import Remembering
from mockkie.settings import Settings, UrlUpload
from mockkie.shared import Shared
from mockkie.store import FilesSnapshot, Store, StoredFile
from mockkie.sweeping import Sweeper
from mockkie.worlds import DEFAULT_KEY, DEFAULT_WORLD, OneWorld, World, Worlds, WorldState

SLICE: Final = 500  # files that are looked at before others have their turn: about 2 ms
_MOST_FETCHERS: Final = 64

Watcher = Callable[[World, Entry], None]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A world at one moment. Of use for as long as its mock runs."""

    world: World
    files: FilesSnapshot = field(repr=False)
    state: WorldState = field(repr=False)


@dataclass(eq=False)
class Service:
    """The state of a mock. `keys` open the default world; `watchers` see every journal entry.

    `faults` are those that the default world begins with, `control_hosts` further names under which
    the control API may be asked, `control_key` what it asks for; `scrape` gives `/metrics` its
    body and type, by an `Accept`.
    """

    contract: Contract
    store: Store
    keys: tuple[str, ...] = (DEFAULT_KEY,)
    any_key: bool = False
    url_upload_private: bool = False
    faults: Sequence[Fault] = ()
    watchers: list[Watcher] = field(default_factory=list)
    shared: Shared | None = None
    control_hosts: Sequence[str] = ()
    control_key: str | None = None
    scrape: Callable[[str], Awaitable[tuple[bytes, str]]] | None = None
    closing: list[Callable[[], None]] = field(default_factory=list)
    bounds: Bounds = field(default_factory=Bounds)

    def __post_init__(self) -> None:
        self.settings: Settings = self.contract.settings
        self.worlds: Worlds = Worlds((), any_key=self.any_key)
        self.sweeper = Sweeper(self.store, self.worlds, self.ready)
        self.origin = origin_app()
        self.fetcher = lru_cache(_MOST_FETCHERS)(self._fetcher)
        self.started = False
        self.addresses: set[str] = set()
        self.download_port: int | None = None
        self.remembering = Remembering(self.contract, self.store, self.worlds, self.shared)

    def _fetcher(self, url: UrlUpload) -> Fetcher:
        return Fetcher(
            url.mode,
            timeout=url.timeout,
            limit=url.size,
            redirects=url.redirects,
            origin=self.origin,
            allow_private=self.url_upload_private,
        )

    def settings_of(self, world: World, operation: Operation | None = None) -> Settings:
        """The settings of a world; those of the document beside that describes an operation.

        Options, and what worlds have otherwise, hold for the first document.
        """
        owner = self.contract.owner(operation)
        return (world.settings or self.settings) if owner is self.contract else owner.settings

    async def start(self) -> None:
        """Bring the remembered worlds back, and the default one in any case."""
        if self.started:
            return
        try:
            first = await self.remembering.start(self.keys)
        except ValueError as error:
            raise UsageError(f"the worlds of {self.store.where} cannot be used: {error}") from error
        if first or self.shared is None:
            await self.arm(self.worlds.default, self.faults)
        self.started = True

    @property
    def is_ready(self) -> bool:
        """Whether a request may begin: started, and nobody else changes the worlds."""
        return self.started and self.shared is None

    async def ready(self) -> None:
        """What a request begins with unless `is_ready`: start, catch up with other processes."""
        if not self.started:
            await self.start()
        await self.remembering.catch_up()

    async def change_settings(
        self, world: World, changes: Changes, *, made_with: bool = False, more: bool = False
    ) -> None:
        """Have the world differ from the mock in exactly these settings, in nothing without any.

        With `more`, those that are not named stay; with `made_with` it keeps them over a reset.
        Files that are there keep their end.
        `UsageError`: there is no such profile.
        """

        def change() -> None:
            wanted = {**world.changes, **changes} if more else dict(changes)
            world.changes, world.settings = wanted, self.contract.settings_with(wanted)
            if made_with:
                world.made_with = world.changes

        await self.remembering.change(world, change)

    async def close(self) -> None:
        """Stop what runs by itself and let go of the store."""
        await self.sweeper.close()
        while self.closing:
            self.closing.pop()()
        if self.shared is not None:
            await self.shared.close()
        await self.store.close()

    async def create_world(
        self,
        world_id: str | None = None,
        keys: Iterable[str] = (),
        changes: Changes | None = None,
    ) -> World:
        """A new isolated world, with changes of the settings that a reset leaves it.

        `ValueError` when the id or a key is taken, `UsageError`: there is no such profile.
        """
        self.contract.settings_with(changes or {})  # before anything is done
        return await self.remembering.create(world_id, keys, changes)

    async def drop_world(self, world: World) -> None:
        """Forget a world and its files; `ValueError` for the default one."""
        if world.id == DEFAULT_WORLD:
            raise ValueError("the default world stays; reset it instead")
        await self.remembering.drop(world)

    async def move_clock(
        self, world: World, move: Callable[[], None], *, patient: bool = False
    ) -> None:
        """Carry out a change of the world's clock; `ValueError` is the change's own.

        While it sweeps, other requests go on if it is `patient`, which takes an event loop.

        What is expired before the move is gone for good: a clock that is set back later does
        not bring a file back, no matter whether the sweep had come by.
        """

        async def bury() -> None:
            if self.store.waits:
                await self.store.bury(world.id, world.clock.now())
            elif patient:
                await self.sweeper.sweep_patiently(world)
            else:
                while await self.sweeper.sweep(world):
                    pass

        await self.remembering.change(world, move, first=bury)
        self.sweeper.wake()

    async def reset(self, world: World) -> None:
        """As new: no files, tasks, journal and faults, real time, settings as it was made with."""
        await self.disarm(world)
        world.graves.clear()
        await world.journal.clear()
        await world.tasks.clear()

        def renew() -> None:
            world.clock.reset()
            world.changes = world.made_with

        await self.remembering.change(world, renew, renew=True)
        self.remembering.settle(world)

    async def arm(self, world: World, faults: Iterable[Fault]) -> list[Armed]:
        """Add faults to a world, all or none; `FaultError`: the contract knows no such thing."""
        wanted = list(faults)
        for fault in wanted:
            judge_fault(self.contract, fault)
        armed = [await world.faults.arm(fault, world.clock.now()) for fault in wanted]
        await self.remembering.tell_others()
        return armed

    async def disarm(self, world: World, fault_id: str | None = None) -> int:
        """Take the fault of an id away, or all; returns how many there were."""
        faults = world.faults
        gone = await (faults.clear() if fault_id is None else faults.disarm(fault_id))
        if gone:
            if not faults.stale_for:
                await self.store.clear(world.former)
            await self.remembering.tell_others()
        return int(gone)

    async def snapshot(self, world: World) -> Snapshot:
        """The world as it is now: files, clock, journal, tasks and faults; bytes are shared.

        `RuntimeError` where several processes serve the mock.
        """
        if self.shared is not None:
            raise RuntimeError("several processes serve this mock: none can take snapshots")
        return Snapshot(world, await self.store.snapshot(world.id), world.state())

    async def restore(self, snapshot: Snapshot) -> None:
        """Put a world back to where a snapshot of it was taken; `ValueError` if it was dropped."""
        world = snapshot.world
        if self.worlds.get(world.id) is not world:
            raise ValueError(f"the world {world.id!r} of this snapshot is not there any more")
        await self.store.restore(snapshot.files)
        world.put_back(snapshot.state)
        self.remembering.settle(world)
        await self.store.clear(world.former)
        await self.store.remember(world)
        self.sweeper.wake()

    async def live_files(
        self, world: World, *, after: str = "", limit: int = 1_000, patient: bool = False
    ) -> list[StoredFile]:
        """Up to `limit` files that can be read now, by path, behind `after`.

        Expired ones that were not swept yet are looked at as well. Other requests go on meanwhile
        if it is `patient`, which takes an event loop.
        """
        now = world.clock.now()
        found: list[StoredFile] = []
        while len(found) < limit:
            wanted = min(SLICE, limit - len(found))
            page = await self.store.list(world.id, after=after, limit=wanted)
            found += [file for file in page if not file.expired(now)]
            if len(page) < wanted:
                break
            after = page[-1].path
            if patient:
                await asyncio.sleep(0)
        return found

    def only(self, world: World) -> Service:
        """The same mock as if it had no other world; for what comes in by another door."""
        narrowed = copy.copy(self)
        narrowed.worlds = OneWorld(world, self.worlds)
        narrowed.download_port = narrowed.scrape = None
        return narrowed

    def tell(self, world: World, entry: Entry) -> None:
        """Tell the watchers of an entry whose request is done with."""
        if self.watchers:
            world.journal.settle()
        for watcher in tuple(self.watchers):  # other threads add and remove theirs meanwhile
            watcher(world, entry)
