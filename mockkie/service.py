"""What one mock has: a contract, a store, worlds; and what is done with worlds as a whole.

Knows nothing of requests. Made without I/O beyond the store's own; `start` makes it ready.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from mockkie.arming import Armed
from mockkie.contract import Contract
from mockkie.faults import Fault
from mockkie.fetching import Fetcher
from mockkie.journal import Entry
from mockkie.operation import Operation
from mockkie.origin import origin_app
from mockkie.problems import FALLBACKS, UsageError
from mockkie.settings import Settings
from mockkie.shared import Shared
from mockkie.store import FilesSnapshot, Store, StoredFile
from mockkie.values import Pointer, unknown
from mockkie.worlds import DEFAULT_KEY, DEFAULT_WORLD, OneWorld, World, Worlds, WorldState

SWEEP_SECONDS: Final = 30.0
SLICE: Final = 256

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
    the control API may be asked.
    """

    contract: Contract
    settings: Settings
    store: Store
    keys: tuple[str, ...] = (DEFAULT_KEY,)
    any_key: bool = False
    faults: Sequence[Fault] = ()
    watchers: list[Watcher] = field(default_factory=list)
    shared: Shared | None = None
    control_hosts: Sequence[str] = ()

    def __post_init__(self) -> None:
        url = self.settings.url_upload
        self.worlds: Worlds = Worlds((), any_key=self.any_key)
        self.origin = origin_app()
        self.fetcher = Fetcher(
            url.mode,
            timeout=url.timeout,
            limit=url.size,
            redirects=url.redirects,
            origin=self.origin,
            allow_private=url.allow_private,
        )
        self.started = False
        self.addresses: set[str] = set()
        self.download_port: int | None = None
        self._changes = -1
        self._sweeper: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    def settings_of(self, operation: Operation | None) -> Settings:
        """The settings of the document that describes an operation; options hold for the first."""
        owner = self.contract.owner(operation)
        return self.settings if owner is self.contract else owner.settings

    async def start(self) -> None:
        """Bring the remembered worlds back, and the default one in any case."""
        if self.started:
            return
        remembered = await self.store.worlds()
        try:
            for world in remembered:
                if world.id == DEFAULT_WORLD and world.keys != self.keys:
                    world.keys = self.keys
                    await self.store.remember(world)
                self._admit(world)
                self.worlds.add(world)
                if self.shared is None:
                    await self.store.clear(world.former)
            if self.worlds.get(DEFAULT_WORLD) is None:
                await self.create_world(DEFAULT_WORLD, self.keys)
        except ValueError as error:
            raise UsageError(f"the worlds of {self.store.where} cannot be used: {error}") from error
        if self.shared is None:
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
        changes = self._changes if self.shared is None else self.shared.changes()
        if changes != self._changes:
            self._changes = changes
            for world in self.worlds.take_over(await self.store.worlds()):
                self._admit(world)
            for world in self.worlds:
                world.faults.reload()

    def _admit(self, world: World) -> None:
        if self.shared is not None:
            world.journal = self.shared.journal(world.id)
            world.tasks = self.shared.tasks(world.id)
            world.faults = self.shared.faults(world.id)

    async def _remember(self, world: World) -> None:
        await self.store.remember(world)
        self._tell_others()

    def _tell_others(self) -> None:
        """Worlds were changed here; what others changed meanwhile is still to be read."""
        if self.shared is not None:
            changes = self.shared.changed()
            if changes == self._changes + 1:
                self._changes = changes

    async def close(self) -> None:
        """Stop what runs by itself and let go of the store."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        await self.fetcher.close()
        if self.shared is not None:
            self.shared.close()
        await self.store.close()

    def keep_swept(self) -> None:
        """From now on, free expired files every now and then (needs the running loop)."""
        self._sweeper = asyncio.create_task(self._sweep_forever())

    async def _sweep_forever(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            for world in self.worlds:
                while await self._sweep(world):  # noqa: ASYNC110 - a slice, then the requests
                    await asyncio.sleep(0)

    async def _sweep(self, world: World) -> bool:
        """Free a slice of what has expired; whether there was any."""
        swept = await self.store.sweep(world.id, world.clock.now(), SLICE)
        if world.faults:
            await self.store.sweep(world.former, world.clock.now(), SLICE)
        for file in swept:
            world.bury(file.path, file.uploaded_at, file.expires_at)
        return bool(swept)

    async def create_world(self, world_id: str | None = None, keys: Iterable[str] = ()) -> World:
        """A new isolated world; `ValueError` when the id or a key is taken."""
        world = self.worlds.create(world_id=world_id, keys=keys)
        self._admit(world)
        await self._remember(world)
        return world

    async def drop_world(self, world: World) -> None:
        """Forget a world and its files; `ValueError` for the default one."""
        if world.id == DEFAULT_WORLD:
            raise ValueError("the default world stays; reset it instead")
        self.worlds.remove(world)
        await self.store.forget(world.id)
        await self.store.forget(world.former)
        if self.shared is not None:
            self.shared.forget(world.id)
        self._tell_others()

    async def move_clock(self, world: World, move: Callable[[], None]) -> None:
        """Carry out a change of the world's clock; `ValueError` is the change's own.

        What is expired before the move is gone for good: a clock that is set back later does
        not bring a file back, no matter whether the sweep had come by.
        """
        while await self._sweep(world):
            pass
        move()
        await self._remember(world)
        self._wake.set()

    async def reset(self, world: World) -> None:
        """As new: no files, no tasks, no journal, no faults, real time."""
        await self.store.clear(world.id)
        await self.disarm(world)
        world.graves.clear()
        world.journal.clear()
        world.tasks.clear()
        world.clock.reset()
        await self._remember(world)

    async def arm(self, world: World, faults: Iterable[Fault]) -> list[Armed]:
        """Add faults to a world, all or none; `FaultError`: the contract knows no such thing."""
        wanted = list(faults)
        for fault in wanted:
            judge_fault(self.contract, fault)
        armed = [world.faults.arm(fault, world.clock.now()) for fault in wanted]
        self._tell_others()
        return armed

    async def disarm(self, world: World, fault_id: str | None = None) -> int:
        """Take the fault of an id away, or all; returns how many there were."""
        faults = world.faults
        gone = faults.clear() if fault_id is None else int(faults.disarm(fault_id))
        if gone:
            if not faults.stale_for:
                await self.store.clear(world.former)
            self._tell_others()
        return gone

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
        await self.store.clear(world.former)
        await self._remember(world)
        self._wake.set()

    async def live_files(
        self, world: World, *, after: str = "", limit: int = 1_000
    ) -> list[StoredFile]:
        """Up to `limit` files that can be read now, by path, behind `after`."""
        now = world.clock.now()
        found: list[StoredFile] = []
        while len(found) < limit:
            page = await self.store.list(world.id, after=after, limit=limit)
            found += [file for file in page if not file.expired(now)]
            if len(page) < limit:
                break
            after = page[-1].path
        return found[:limit]

    def only(self, world: World) -> Service:
        """The same mock as if it had no other world; for what comes in by another door."""
        narrowed = copy.copy(self)
        narrowed.worlds = OneWorld(world, self.worlds)
        narrowed.download_port = None
        return narrowed

    def tell(self, world: World, entry: Entry) -> None:
        """Tell the watchers of an entry whose request is done with."""
        for watcher in tuple(self.watchers):  # other threads add and remove theirs meanwhile
            watcher(world, entry)


def judge_fault(contract: Contract, fault: Fault, pointer: Pointer = ()) -> None:
    """Hold a fault against the contract: `FaultError` when it is about nothing there."""
    operations = contract.operations
    if not any(fnmatchcase(name, fault.operation) for name in operations):
        unknown((*pointer, "operation"), fault.operation, operations, "operation of the contract")
    values = fault.then.values
    name = values.get("name") if fault.then.name == "example" else values.get("error")
    if isinstance(name, str):
        known = {name for operation in operations.values() for name in operation.refusals}
        if name not in known | set(FALLBACKS):
            there = (*pointer, "then", fault.then.name)
            unknown(there, name, sorted(known), "documented error")
