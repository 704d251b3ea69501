"""Where bytes live. May not know Starlette, requests or the control API.

A store is asked in three steps: `draft` opens an upload, `Draft.write` adds its bytes as they
arrive, `keep` makes it the file at its path, all at once. Nobody ever sees half a file.
Every store behaves like every other: `tests/test_stores.py` holds them against one model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import ClassVar, Final, Self

from blake3 import blake3

from mockkie.problems import Problem
from mockkie.stored import StoredFile as StoredFile
from mockkie.worlds import World

HEAD: Final = 8_192  # as many leading bytes as the type identification looks at
PIECE: Final = 256 * 1_024  # a download is read in pieces of this many bytes


class Draft(ABC):
    """An upload in flight: a context manager that leaves nothing behind unless it was kept."""

    def __init__(self) -> None:
        self.size = 0
        self.head = b""
        self.limit: tuple[int, str] | None = None
        self.quota: int | None = None
        self._hash = blake3()
        self._digest: str | None = None

    async def write(self, chunk: bytes) -> None:
        """Add bytes to the end; raises `file-too-large` for the byte over `limit`.

        A limit is `(bytes, who says so)`.
        """
        if not chunk:
            return
        if self.limit is not None and self.size + len(chunk) > self.limit[0]:
            raise Problem(
                "file-too-large", f"the file is over {self.limit[0]:,} bytes ({self.limit[1]})"
            )
        if len(self.head) < HEAD:
            self.head += chunk[: HEAD - len(self.head)]
        self.size += len(chunk)
        self._hash.update(chunk)
        self._digest = None
        await self._append(chunk)

    def judge_quota(self, others: int, size: int) -> None:
        """Raise `storage-full` when `size` bytes beside `others` in the world are over `quota`."""
        if self.quota is not None and others + size > self.quota:
            raise Problem(
                "storage-full",
                f"with this file of {size:,} bytes the world would have {others + size:,}, over "
                f"{self.quota:,} (x-mockkie.limits.totalSize)",
            )

    @property
    def digest(self) -> str:
        """BLAKE3 of the bytes so far, in hex."""
        if self._digest is None:
            self._digest = self._hash.hexdigest()
        return self._digest

    @abstractmethod
    async def _append(self, chunk: bytes) -> None: ...

    @abstractmethod
    async def discard(self) -> None:
        """Forget the bytes, unless the draft was kept. May be called more than once."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.discard()


class Reading(ABC):
    """One version of a file, held open: it stays readable when it is overwritten or swept."""

    @abstractmethod
    def pieces(self, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `stop`, in pieces; raises `OSError` when they are lost."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of the version. May be called more than once."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


class Outdated(Exception):  # noqa: N818 - it says of what is known that it is
    """Another process has changed a world, or made one of this id, since this one read it.

    `kept`: what should be kept is there all the same, as of before that change.
    """

    def __init__(self, world: str, *, kept: bool = False) -> None:
        super().__init__(world)
        self.kept = kept


class FilesSnapshot:
    """The files of one world at one moment, for the store that took it.

    Their bytes are shared with the store, and stay for as long as somebody has the snapshot.
    """

    def __init__(self, world: str) -> None:
        self.world = world


class Store(ABC):
    """Files and worlds. All methods take the world's id; none looks at a clock."""

    where: str
    """What a person reads about the place: `memory`, a folder, or a bucket."""
    waits: ClassVar[bool] = False
    """Whether its methods wait for something elsewhere; else no coroutine of it ever suspends."""
    lock: int | None = None
    """The file descriptor that holds the place for this mock, where one does."""

    @abstractmethod
    def draft(self) -> Draft:
        """Open an upload, without I/O."""

    @abstractmethod
    async def keep(self, world: str, draft: Draft, file: StoredFile) -> None:
        """Make the draft the file at `file.path`, in place of the one that is there, atomically.

        When this returns, a kill of the process no longer loses the file. Raises `storage-full`,
        and changes nothing, where the world would have more bytes than `draft.quota`: judged in
        the moment of the commit, whoever else writes. Without a quota nothing is counted.
        `Outdated` as `remember` has it: then the draft can be kept once more.
        """

    async def keep_together(self, world: str, draft: Draft, file: StoredFile) -> None:
        """`keep`, in one step with others that come at the same moment where that costs less.

        It may wait for the end of the event loop's turn, which `keep` never does.
        """
        await self.keep(world, draft, file)

    @abstractmethod
    async def keep_all(self, world: str, uploads: Sequence[tuple[Draft, StoredFile]]) -> None:
        """`keep` several drafts: all of them or, when this raises, none."""

    @abstractmethod
    async def find(self, world: str, path: str) -> StoredFile | None:
        """The file at a path, expired or not; None once it was swept or never was."""

    @abstractmethod
    async def open(
        self, world: str, file: StoredFile, start: int = 0, stop: int | None = None
    ) -> Reading | None:
        """Hold a version open; None when it is no longer there.

        Its bytes from `start` up to `stop` will be read, all of them if nothing is said: a store
        that is elsewhere has them sent at once. They are sure to be there for one reading.
        """

    @abstractmethod
    async def list(
        self, world: str, *, after: str = "", limit: int = 1_000
    ) -> Sequence[StoredFile]:
        """Up to `limit` files whose path sorts behind `after` (by code point), in that order."""

    @abstractmethod
    async def count(self, world: str) -> tuple[int, int]:
        """`(files, bytes)` of a world, expired files that were not swept yet included."""

    async def count_often(self) -> None:  # noqa: B027 - most stores count along anyway
        """From now on, let the cost of `count` not depend on how many there are.

        Has to come before a draft with a quota is kept.
        """

    @abstractmethod
    async def delete(self, world: str, path: str) -> StoredFile | None:
        """Take a file away; returns it, or None when there was none."""

    @abstractmethod
    async def clear(self, world: str) -> int:
        """Take all files of a world away; returns how many there were."""

    @abstractmethod
    async def sweep(self, world: str, now: int, limit: int = 1_000) -> Sequence[StoredFile]:
        """Free up to `limit` files that are expired at `now`, the earliest first; returns them.

        The cost depends on how many expired, not on how many live. `Outdated` as for `remember`.
        """

    async def bury(self, world: str, now: int) -> None:
        """Have all files that are expired at `now` be gone for good, whatever a clock says later.

        Those that are kept from here on are not meant, even if they end before `now`.
        """
        while await self.sweep(world, now):
            pass

    @abstractmethod
    async def worlds(self) -> Sequence[World]:
        """Every remembered world, in the order of creation, its clock where it stood."""

    @abstractmethod
    async def remember(self, world: World) -> None:
        """Keep a world (keys, account, clock, settings) over a restart, in place of what was.

        Raises `Outdated` where processes that are elsewhere may have changed it meanwhile.
        """

    async def renew(self, world: World) -> None:
        """`remember` a world and take all of its files away, in one step where that can be done."""
        await self.clear(world.id)
        await self.remember(world)

    @abstractmethod
    async def forget(self, world: str) -> None:
        """Drop a world with its files."""

    async def drop_strays(self) -> None:  # noqa: B027 - most have none that a crash could leave
        """Drop the files of worlds that are not remembered, where nobody else uses the place."""

    @abstractmethod
    async def snapshot(self, world: str) -> FilesSnapshot:
        """The files of a world as they are, expired ones that were not swept included."""

    @abstractmethod
    async def restore(self, snapshot: FilesSnapshot) -> None:
        """Have the files of the snapshot, and no others, in its world, all at once.

        As often as is wanted, until the store is closed. `TypeError` for one of another store.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of the place. Drafts and readings that are still open are lost."""
