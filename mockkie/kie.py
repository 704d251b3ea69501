"""A world as a test or a script holds it: where to send, with which key, and what came of it.

Knows nothing of pytest. Works the same over a socket and in process.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from mockkie.kie_clock import KieClock, Run
from mockkie.kie_faults import KieFaults
from mockkie.kie_files import KieFiles
from mockkie.kie_journal import KieJournal
from mockkie.kie_settings import KieSettings, asked_for
from mockkie.service import Service, Snapshot
from mockkie.worlds import World

if TYPE_CHECKING:
    import httpx2

    from mockkie.interception import Interception

Result = TypeVar("Result")

_BASE_SETTINGS: Final = (
    "KIE_UPLOAD_BASE_URL",
    "KIE_AI_FILE_UPLOAD_BASE_URL",
    "KIE_UPLOAD_BASE",
    "KIE_BASE_URL",
    "KIE_API_BASE",
    "KIE_API_BASE_URL",
)
_NOTED: Final = 30
_KEY_SETTINGS: Final = ("KIE_API_KEY", "KIE_AI_API_KEY")


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

    `base_url` takes the uploads, `key` opens the world. `clock`, `files`, `faults`, `settings` and
    `journal` act on this world only; `nested` are the worlds that were made from it,
    `interceptions` what `intercept` was asked for. A context manager: leaving it closes the clients
    that were asked for.
    """

    def __init__(  # noqa: PLR0913 - made by `serve` and the fixtures only
        self,
        service: Service,
        world: World,
        *,
        base_url: str,
        download_origin: str | None = None,
        run: Run | None = None,
        transport: Callable[[], Any] | None = None,
        parent: Kie | None = None,
    ) -> None:
        self.base_url = base_url
        self._downloads = download_origin or base_url
        self.key = world.keys[0]
        self.world = world
        self.nested: list[Kie] = []
        self.interceptions: list[Interception] = []
        self._parent = parent
        self._service = service
        self._run = run or Runner()
        self._transport = transport
        self._open = ExitStack()
        self.clock = KieClock(service, world, self._run)
        self.settings = KieSettings(service, world, self._run)
        self.files = KieFiles(service, world, self._run, lambda: self.download_origin)
        self.faults = KieFaults(service, world, self._run)
        self.journal = KieJournal(service, world, self.files, self._run)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the synchronous client, if there is one, and those of nested worlds."""
        for nested in self.nested:
            nested.close()
        self._open.close()

    @property
    def download_origin(self) -> str:
        """Scheme and host of the links of this world."""
        return self._service.settings_of(self.world).origin or self._downloads

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

    @contextmanager
    def intercept(self, allow_hosts: Sequence[str] = ()) -> Iterator[Interception]:
        """Have this world answer the hosts of the real service, for programs that name them.

        For the length of a `with` block, clients that read their proxy and their certificates
        from the environment come here, those of started programs too; so do the settings of
        `env`. All other hosts are refused, but for `allow_hosts`. Needs a socket: `RuntimeError`
        in process.
        """
        from mockkie.interception import intercepting_here  # noqa: PLC0415 - few intercept

        if self._transport is not None:
            raise RuntimeError("in process nothing is intercepted: use the `kie` fixture")
        env = {**self.env, "MOCKKIE_URL": self.base_url}
        with intercepting_here(self._service, self.world, self._run, env, allow_hosts) as found:
            self.interceptions.append(found)
            yield found

    def reset(self) -> None:
        """As new: no files, tasks, journal and faults, real time, settings as it was made with."""
        self._run(self._service.reset(self.world))

    def snapshot(self) -> Snapshot:
        """The world as it is now, for `restore`: files, clock and journal; not its nested worlds.

        Costs no copy of what the store can share; keeps the bytes until nobody has it any more.
        """
        taken: Snapshot = self._run(self._service.snapshot(self.world))
        return taken

    def restore(self, snapshot: Snapshot) -> None:
        """Put the world back to where `snapshot` was taken of it, as often as is wanted.

        Files are the very same again, links, `ETag` and age included. A frozen clock stands
        where it stood; one that flowed is as far from real time as it was. The journal is cut:
        it has the entries of that moment. `ValueError` for a snapshot of another world, or when
        the world was dropped.
        """
        if snapshot.world is not self.world:
            raise ValueError(f"this snapshot is of the world {snapshot.world.id!r}")
        self._run(self._service.restore(snapshot))
        self.journal.forget_strangers()

    @contextmanager
    def restored(self) -> Iterator[Snapshot]:
        """Put the world back behind the block, however it ends; yields the snapshot of before.

        What is raised in the block takes the block's part of the journal along, as a note.
        """
        before, last = self.snapshot(), self.world.journal.last
        try:
            yield before
        except BaseException as error:
            entries = self.world.journal.entries(after=last)
            lines = [f"{entry.seq:>4}  {entry}" for entry in entries[-_NOTED:]]
            title = f"mockkie: journal of the block, before {self.world.id} was put back:"
            error.add_note("\n".join([title, *(lines or ["      nothing was asked"])]))
            raise
        finally:
            self.restore(before)

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

    def new_world(self, settings: Mapping[str, Any] | None = None, /, **more: Any) -> Kie:
        """Another isolated world of the same mock; it goes when this one is dropped.

        Its settings are those that this one was made with, and these, given as to
        `settings.update`; its `reset` keeps them.
        """
        changes = {**self.world.made_with, **asked_for(settings, more)}
        world = self._run(self._service.create_world(changes=changes))
        nested = Kie(
            self._service,
            world,
            base_url=self.base_url,
            download_origin=self._downloads,
            run=self._run,
            transport=self._transport,
            parent=self,
        )
        self.nested.append(nested)
        return nested

    def __repr__(self) -> str:
        return f"<Kie world {self.world.id!r} at {self.base_url}>"
