"""Isolated accounts, and which key opens which. Knows nothing of stores or requests."""

from __future__ import annotations

import hmac
import random
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from blake3 import blake3

from mockkie.arming import Faults, FaultsState
from mockkie.clock import Clock
from mockkie.journal import Journal, JournalState
from mockkie.tasks import Tasks, TasksState

if TYPE_CHECKING:
    from mockkie.settings import Settings

DEFAULT_WORLD: Final = "default"
DEFAULT_KEY: Final = "kie-mock-key"
_MOST_GRAVES: Final = 1_000


@dataclass(frozen=True, slots=True)
class WorldState:
    """What a world was at some moment, apart from its files, which are in the store.

    Its keys are no part of it, nor is what it draws generated names from: a link that was made
    since then stays dead.
    """

    clock: tuple[int, int | None]
    journal: JournalState
    graves: Mapping[str, tuple[int, int]]
    tasks: TasksState
    faults: FaultsState
    changes: Mapping[str, Any]


@dataclass(eq=False, slots=True)
class World:
    """One isolated account: keys, clock, journal, tasks, faults. Its files are in the store.

    `account` is the opaque part of its links that tells worlds apart: downloads carry no key
    (documented). `keys` are API keys that open it, the first being the one to hand out. `changes`
    are the settings that it has otherwise than its mock, `made_with` those that a reset leaves it;
    `settings` are what comes of them, None: those of the mock.
    """

    id: str
    account: str
    keys: tuple[str, ...]
    clock: Clock = field(default_factory=Clock)
    journal: Journal = field(default_factory=Journal)
    tasks: Tasks = field(default_factory=Tasks)
    faults: Faults = field(default_factory=Faults)
    changes: Mapping[str, Any] = field(default_factory=dict)
    made_with: Mapping[str, Any] = field(default_factory=dict)
    settings: Settings | None = None
    random: random.Random = field(default_factory=random.Random)
    graves: dict[str, tuple[int, int]] = field(default_factory=dict)
    """When the files that were swept last were uploaded and expired, by path: to tell why a
    link is dead."""

    @property
    def former(self) -> str:
        """The world of the store where overwritten content is, for as long as faults serve it."""
        return f"{self.id}/former"

    def state(self) -> WorldState:
        """What `put_back` needs to make the world what it is now."""
        return WorldState(
            self.clock.state(),
            self.journal.state(),
            dict(self.graves),
            self.tasks.state(),
            self.faults.state(),
            self.changes,
        )

    def put_back(self, state: WorldState) -> None:
        """Be as at that moment: the journal is cut; a clock that flowed flows, as far off."""
        self.clock = Clock(*state.clock)
        self.journal.put_back(state.journal)
        self.graves = dict(state.graves)
        self.tasks.put_back(state.tasks)
        self.faults.put_back(state.faults)
        self.changes = state.changes

    def bury(self, path: str, uploaded_at: int, expires_at: int) -> None:
        """Remember the end of a file; the oldest of too many graves is forgotten."""
        self.graves.pop(path, None)
        self.graves[path] = (uploaded_at, expires_at)
        if len(self.graves) > _MOST_GRAVES:
            del self.graves[next(iter(self.graves))]


class Worlds:
    """The worlds of one mock, found by id, by account or by key.

    `any_key` lets every key that no world owns open the default world.
    """

    def __init__(self, worlds: Iterable[World], *, any_key: bool = False) -> None:
        self.any_key = any_key
        self._secret = secrets.token_bytes(32)
        self._by_id: dict[str, World] = {}
        self._by_account: dict[str, World] = {}
        self._by_digest: dict[bytes, tuple[str, World]] = {}
        self._contested: set[str] = set()
        for world in worlds:
            self.add(world)

    def __iter__(self) -> Iterator[World]:
        return iter(list(self._by_id.values()))

    @property
    def default(self) -> World:
        """The world of whoever names no other."""
        return self._by_id[DEFAULT_WORLD]

    def add(self, world: World) -> None:
        """Take a world in; `ValueError` when its id, account or a key is another one's."""
        if world.id in self._by_id:
            raise ValueError(f"there is a world with the id {world.id!r} already")
        if world.account in self._by_account:
            raise ValueError(f"there is a world with the account {world.account!r} already")
        for key in world.keys:
            if self.owner(key) is not None:
                raise ValueError("one of these keys opens another world already")
        self.take(world)

    def take_over(self, known: Iterable[World]) -> list[World]:
        """Be as another process remembers it; returns the worlds that are new here.

        A world that stays is the same object, with keys, clock and changes of the other one; one
        that was dropped and made anew is another one. Two that have a key in common, which two
        processes may make at the same moment, are `contested`: the earlier one is opened by it.
        """
        before, new = self._by_id, list[World]()
        taken = Worlds((), any_key=self.any_key)
        for theirs in known:
            ours = before.get(theirs.id)
            if ours is None or ours.account != theirs.account:
                new.append(theirs)
                ours = theirs
            else:
                ours.keys, ours.clock = theirs.keys, theirs.clock
                ours.changes, ours.made_with = theirs.changes, theirs.made_with
            taken.take(ours)
        self._secret = taken._secret
        self._by_id, self._by_account = taken._by_id, taken._by_account
        self._by_digest, self._contested = taken._by_digest, taken._contested
        return new

    def take(self, world: World) -> None:
        """Take a world in, also one whose keys are contested."""
        self._by_id[world.id] = world
        self._by_account.setdefault(world.account, world)
        for key in world.keys:
            owner = self.owner(key)
            if owner is None:
                self._by_digest[self._digest(key)] = (key, world)
            else:
                self._contested |= {owner.id, world.id}

    def is_contested(self, world: World) -> bool:
        """Whether another world has a key of this one."""
        return world.id in self._contested

    def remove(self, world: World) -> None:
        """Let a world go."""
        del self._by_id[world.id]
        if self._by_account.get(world.account) is world:
            del self._by_account[world.account]
        for key in world.keys:
            if self._by_digest.get(self._digest(key), ("", None))[1] is world:
                del self._by_digest[self._digest(key)]

    def get(self, world_id: str) -> World | None:
        """The world of an id."""
        return self._by_id.get(world_id)

    def of_account(self, account: str) -> World | None:
        """The world whose links carry this account."""
        return self._by_account.get(account)

    def of_key(self, key: str) -> World | None:
        """The world that a key opens, or None.

        Time does not tell how much of a wrong key was right: keys are looked up by a digest
        under a secret of this process, and the found key is compared in constant time.
        """
        owner = self.owner(key)
        if owner is None and self.any_key and key:
            return self.default
        return owner

    def owner(self, key: str) -> World | None:
        """The world that has a key, or None."""
        known = self._by_digest.get(self._digest(key))
        if known is None or not hmac.compare_digest(known[0].encode(), key.encode()):
            return None
        return known[1]

    def _digest(self, key: str) -> bytes:
        return blake3(key.encode(), key=self._secret).digest()

    def create(
        self,
        *,
        world_id: str | None = None,
        keys: Iterable[str] = (),
        changes: Mapping[str, Any] | None = None,
    ) -> World:
        """A new world with what is missing made up; `ValueError` as for `add`."""
        name = world_id or f"world-{secrets.token_hex(6)}"
        world = World(
            id=name,
            account=self._free_account(),
            keys=tuple(keys) or (f"kie-mock-{secrets.token_hex(12)}",),
            changes=changes or {},
            made_with=changes or {},
        )
        self.add(world)
        return world

    def _free_account(self) -> str:
        while (account := str(secrets.randbelow(9 * 10**7) + 10**7)) in self._by_account:
            pass
        return account


class OneWorld(Worlds):
    """One world of some, as if there were no other."""

    def __init__(self, world: World, whole: Worlds) -> None:
        super().__init__((), any_key=whole.any_key)
        self._world = world
        self._whole = whole

    def __iter__(self) -> Iterator[World]:
        return iter([self._world])

    @property
    def default(self) -> World:
        return self._world

    def add(self, world: World) -> None:
        self._whole.add(world)

    def remove(self, world: World) -> None:
        self._whole.remove(world)

    def get(self, world_id: str) -> World | None:
        return self._only(self._whole.get(world_id))

    def of_account(self, account: str) -> World | None:
        return self._only(self._whole.of_account(account))

    def owner(self, key: str) -> World | None:
        return self._only(self._whole.owner(key))

    def _free_account(self) -> str:
        return self._whole._free_account()  # noqa: SLF001 - it is one of us

    def _only(self, world: World | None) -> World | None:
        return world if world is self._world else None
