"""A world as a test or a script holds it: where to send, with which key, and what came of it.

Knows nothing of pytest. Works the same over a socket and in process.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from mockkie import links
from mockkie.clock import from_datetime, parse_duration, parse_instant, to_datetime
from mockkie.journal import Entry
from mockkie.service import Service
from mockkie.store import StoredFile
from mockkie.worlds import World

if TYPE_CHECKING:
    import httpx2

Result = TypeVar("Result")

_BASE_SETTINGS: Final = (
    "KIE_UPLOAD_BASE_URL",
    "KIE_AI_FILE_UPLOAD_BASE_URL",
    "KIE_UPLOAD_BASE",
    "KIE_BASE_URL",
    "KIE_API_BASE",
    "KIE_API_BASE_URL",
)
_KEY_SETTINGS: Final = ("KIE_API_KEY", "KIE_AI_API_KEY")


@dataclass(frozen=True, slots=True)
class File:
    """A live file of a world. `size` in bytes, `digest` BLAKE3 in hex, times in UTC."""

    path: str
    name: str
    size: int
    mime: str
    digest: str
    uploaded_at: datetime
    expires_at: datetime
    download_url: str


class Runner:
    """How the handle reaches the mock: runs a coroutine where the mock lives.

    In process, the coroutines of the memory and the disk store never wait for anything, so they
    are driven by hand, also from within a running event loop.
    """

    def __call__(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """The result of the coroutine; its exception is raised here."""
        try:
            coroutine.send(None)
        except StopIteration as stop:
            result: Result = stop.value
            return result
        coroutine.close()
        raise RuntimeError("this store waits: serve the mock on a socket instead")


class Kie:
    """One world of a running mock.

    `base_url` takes the uploads, `key` opens the world. `clock`, `files` and `journal` act on
    this world only; `nested` are the worlds that were made from it. A context manager: leaving
    it closes the clients that were asked for.
    """

    def __init__(  # noqa: PLR0913 - made by `serve` and the fixtures only
        self,
        service: Service,
        world: World,
        *,
        base_url: str,
        download_origin: str | None = None,
        run: Callable[[Coroutine[Any, Any, Any]], Any] | None = None,
        transport: Callable[[], Any] | None = None,
        parent: Kie | None = None,
    ) -> None:
        self.base_url = base_url
        self.download_origin = service.settings.origin or download_origin or base_url
        self.key = world.keys[0]
        self.world = world
        self.nested: list[Kie] = []
        self._parent = parent
        self._service = service
        self._run = run or Runner()
        self._transport = transport
        self._open = ExitStack()
        self.clock = KieClock(self)
        self.files = KieFiles(self)
        self.journal = KieJournal(world)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the synchronous client, if there is one, and those of nested worlds."""
        for nested in self.nested:
            nested.close()
        self._open.close()

    @cached_property
    def client(self) -> httpx2.Client:
        """An HTTP client that carries the key and knows the base URL."""
        import httpx2  # noqa: PLC0415 - an HTTP client is for those who ask for it

        if self._transport is not None:
            raise RuntimeError("in process there is only async_client; the `kie` fixture has both")
        client = httpx2.Client(base_url=self.base_url, headers=self.headers, trust_env=False)
        return self._open.enter_context(client)

    @cached_property
    def async_client(self) -> httpx2.AsyncClient:
        """The same for `async` code; close it with `aclose()` or `async with`."""
        import httpx2  # noqa: PLC0415 - as above

        transport = None if self._transport is None else self._transport()
        return httpx2.AsyncClient(
            base_url=self.base_url, headers=self.headers, transport=transport, trust_env=False
        )

    @property
    def headers(self) -> dict[str, str]:
        """The header that opens this world."""
        return {"Authorization": f"Bearer {self.key}"}

    @property
    def env(self) -> dict[str, str]:
        """Environment variables that public clients read, pointing at this world."""
        return {
            **dict.fromkeys(_BASE_SETTINGS, self.base_url),
            "KIE_UPLOAD_URL": f"{self.base_url}/api/file-stream-upload",
            **dict.fromkeys(_KEY_SETTINGS, self.key),
        }

    def reset(self) -> None:
        """As new: no files, no journal, real time."""
        self._run(self._service.reset(self.world))

    def drop(self) -> None:
        """Close, and forget the world with its files; so for nested worlds.

        May be called more than once. `ValueError` for the default world, which stays.
        """
        self.close()
        for nested in list(self.nested):
            nested.drop()
        if self._service.worlds.get(self.world.id) is self.world:
            self._run(self._service.drop_world(self.world))
        if self._parent is not None and self in self._parent.nested:
            self._parent.nested.remove(self)

    def new_world(self) -> Kie:
        """Another isolated world of the same mock; it goes when this one is dropped."""
        world = self._run(self._service.create_world())
        nested = Kie(
            self._service,
            world,
            base_url=self.base_url,
            download_origin=self.download_origin,
            run=self._run,
            transport=self._transport,
            parent=self,
        )
        self.nested.append(nested)
        return nested

    def __repr__(self) -> str:
        return f"<Kie world {self.world.id!r} at {self.base_url}>"


class KieClock:
    """The world's time."""

    def __init__(self, kie: Kie) -> None:
        self._kie = kie

    @property
    def now(self) -> datetime:
        """The world's time, in UTC."""
        return to_datetime(self._kie.world.clock.now())

    @property
    def frozen(self) -> bool:
        """Whether it stands still."""
        return self._kie.world.clock.frozen

    @property
    def offset(self) -> timedelta:
        """How far it is ahead of real time."""
        return timedelta(milliseconds=self._kie.world.clock.offset)

    def advance(  # noqa: PLR0913 - the units of a timedelta
        self,
        duration: timedelta | str | None = None,
        *,
        weeks: float = 0,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
        milliseconds: float = 0,
    ) -> datetime:
        """Move forward by a timedelta, an ISO 8601 duration or the given units; returns `now`.

        `ValueError` when that is backwards or past the year 9999.
        """
        try:
            span = timedelta(
                weeks=weeks,
                days=days,
                hours=hours,
                minutes=minutes,
                seconds=seconds,
                milliseconds=milliseconds,
            )
            if isinstance(duration, str):
                span += timedelta(milliseconds=parse_duration(duration))
            elif duration is not None:
                span += duration
        except OverflowError:
            raise ValueError("that is too long a time") from None
        clock = self._kie.world.clock
        return self._move(lambda: clock.advance(span // timedelta(milliseconds=1)))

    def set(self, now: datetime | str) -> datetime:
        """Jump to an aware datetime or an ISO 8601 text with a zone."""
        instant = parse_instant(now) if isinstance(now, str) else from_datetime(now)
        return self._move(lambda: self._kie.world.clock.set(now=instant))

    def freeze(self, now: datetime | str | None = None) -> datetime:
        """Stand still, at `now` if given."""
        if now is not None:
            self.set(now)
        return self._move(lambda: self._kie.world.clock.set(frozen=True))

    def resume(self) -> datetime:
        """Flow again from where it stands."""
        return self._move(lambda: self._kie.world.clock.set(frozen=False))

    def reset(self) -> datetime:
        """Back to real time."""
        return self._move(self._kie.world.clock.reset)

    def _move(self, move: Callable[[], None]) -> datetime:
        kie = self._kie
        kie._run(kie._service.move_clock(kie.world, move))  # noqa: SLF001 - a part of the handle
        return self.now


class KieFiles(Mapping[str, File]):
    """The live files of the world by path, `<uploadPath>/<fileName>`."""

    def __init__(self, kie: Kie) -> None:
        self._kie = kie
        self._service = kie._service  # noqa: SLF001 - a part of the handle
        self._run = kie._run  # noqa: SLF001 - the same

    def __getitem__(self, path: str) -> File:
        return self._show(self._find(path))

    def __iter__(self) -> Iterator[str]:
        return iter([file.path for file in self._all()])

    def __len__(self) -> int:
        return len(self._all())

    def read(self, path: str) -> bytes:
        """The bytes of a file; `KeyError` when there is none."""
        file = self._find(path)
        content: bytes = self._run(self._read(file))
        return content

    def delete(self, path: str) -> None:
        """Take a file away; `KeyError` when there is none."""
        self._find(path)
        self._run(self._service.store.delete(self._kie.world.id, path))

    def clear(self) -> None:
        """Take all files away."""
        self._run(self._service.store.clear(self._kie.world.id))

    def _find(self, path: str) -> StoredFile:
        world = self._kie.world
        file: StoredFile | None = self._run(self._service.store.find(world.id, path))
        if file is None or file.expired(world.clock.now()):
            known = ", ".join(self) or "none"
            raise KeyError(f"{path!r} is not among the live files: {known}")
        return file

    def _all(self) -> list[StoredFile]:
        files: list[StoredFile] = []
        while True:
            after = files[-1].path if files else ""
            page = self._run(self._service.live_files(self._kie.world, after=after))
            files += page
            if not page:
                return files

    async def _read(self, file: StoredFile) -> bytes:
        reading = await self._service.store.open(self._kie.world.id, file)
        if reading is None:
            raise KeyError(file.path)
        async with reading:
            return b"".join([piece async for piece in reading.pieces(0, file.size)])

    def _show(self, file: StoredFile) -> File:
        kie = self._kie
        return File(
            path=file.path,
            name=file.name,
            size=file.size,
            mime=file.mime,
            digest=file.digest,
            uploaded_at=to_datetime(file.uploaded_at),
            expires_at=to_datetime(file.expires_at),
            download_url=kie.download_origin
            + links.link_path(self._service.settings, kie.world, file.path),
        )


class KieJournal:
    """What was asked of the world and what it answered, oldest first."""

    def __init__(self, world: World) -> None:
        self._journal = world.journal

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._journal.entries())

    def __len__(self) -> int:
        return len(self._journal.entries())

    def __getitem__(self, index: int) -> Entry:
        return self._journal.entries()[index]

    @property
    def refused(self) -> list[Entry]:
        """The entries that the mock said no to, or that it could not carry out."""
        return [entry for entry in self if entry.decision != "accepted"]

    @property
    def evicted(self) -> int:
        """How many entries are gone because the journal is bounded in bytes."""
        return self._journal.evicted

    def clear(self) -> None:
        """Forget the entries."""
        self._journal.clear()

    def __str__(self) -> str:
        """A line an entry, with the reasons."""
        lines = [str(entry) for entry in self]
        if self.evicted:
            lines.insert(0, f"({self.evicted} older entries were evicted)")
        return "\n".join(lines)
