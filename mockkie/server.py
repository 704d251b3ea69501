"""A Mock on real sockets: in this thread, in one of its own, from a `with` block.

Knows nothing of the API; below it is an ASGI app, above it the command line and the fixtures.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from types import FrameType
from typing import Any, Final, TypeVar

import uvicorn

from mockkie import links
from mockkie.addresses import why_not_public
from mockkie.app import Mock
from mockkie.certificates import Tls
from mockkie.problems import UsageError
from mockkie.protocol import BACKLOG, GRACE_SECONDS, Protocol, http_config

Result = TypeVar("Result")

_TRIM_THRESHOLD: Final = -1  # the numbers of mallopt(3)
_MMAP_THRESHOLD: Final = -3
_START_SECONDS: Final = 60.0


class _Uvicorn(uvicorn.Server):
    """Tells when it is ready, and ends with its `run` instead of re-raising the signal."""

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], signals: Sequence[signal.Signals]
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._signals = signals

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._stop_on) for number in self._signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop_on(self, number: int, frame: FrameType | None) -> None:
        """Stop when the uploads in flight are done; at once when asked a second time."""
        del number, frame
        self.force_exit = self.should_exit
        self.should_exit = True


class Server:
    """One mock on one address; `download_port` gives downloads a port of their own.

    Port 0 takes a free one, `tls` makes it https. The sockets are bound when the server is made,
    unless they are given (that for downloads second): `UsageError` tells what is in the way.
    """

    def __init__(  # noqa: PLR0913 - where, how and what to serve
        self,
        mock: Mock,
        host: str = "127.0.0.1",
        port: int = 0,
        download_port: int | None = None,
        *,
        sockets: Sequence[socket.socket] = (),
        tls: Tls | None = None,
    ) -> None:
        self.mock = mock
        self._context = None if tls is None else tls.context()
        scheme = "http" if tls is None else "https"
        ports = [port] if download_port is None else [port, download_port]
        self.sockets = list(sockets) or _bind_all(host, ports)
        if mock.service.control_key is None:
            _judge_reach(host, self.sockets)
        self.origin = _origin(scheme, host, self.sockets[0])
        self.download_origin = _origin(scheme, host, self.sockets[-1])
        if len(self.sockets) > 1:
            mock.service.download_port = self.sockets[1].getsockname()[1]
        mock.service.addresses.update(
            links.with_port(f"{scheme}://{name}", known.getsockname()[1])
            for known in self.sockets
            for name in (host, "localhost", "127.0.0.1", "[::1]")
            if ":" not in name.strip("[]") or name.startswith("[")
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._uvicorn: _Uvicorn | None = None
        self._failure: BaseException | None = None

    def run(
        self,
        ready: Callable[[], None] = lambda: None,
        signals: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM),
    ) -> None:
        """Serve until one of `signals`; uploads in flight are finished first."""
        config = http_config(
            self.mock,
            Protocol,
            lifespan="on",
            context=self._context,
            bounds=self.mock.service.bounds,
        )
        self._uvicorn = _Uvicorn(config, ready, signals)
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            self._loop = runner.get_loop()
            try:
                runner.run(self._uvicorn.serve(sockets=self.sockets))
            except SystemExit:
                raise UsageError("the mock could not start; is its store in use?") from None
            finally:
                self._loop = None

    def start(self) -> None:
        """Serve from a thread of its own; returns when requests are answered."""
        settled = threading.Event()

        def serve() -> None:
            try:
                self.run(settled.set)
            except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
                self._failure = error
            finally:
                settled.set()

        self._thread = threading.Thread(target=serve, name="mockkie", daemon=True)
        self._thread.start()
        if not settled.wait(_START_SECONDS):
            raise UsageError(f"the mock was not ready within {_START_SECONDS:.0f} s")
        if self._failure is not None:
            raise self._failure

    def stop(self, grace: int = GRACE_SECONDS) -> None:
        """End the thread; uploads in flight are finished first, or cut after so many seconds.

        May be called more than once.
        """
        if self._thread is not None and self._uvicorn is not None:
            self._uvicorn.config.timeout_graceful_shutdown = grace
            self._uvicorn.should_exit = True
            self._thread.join()
            self._thread = None
        for listening in self.sockets:
            listening.close()

    def call(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine on the server's loop, from another thread."""
        if self._loop is None:
            coroutine.close()
            raise RuntimeError("the mock is not running")
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


def allow_files() -> None:
    """Let this process, and those that it starts, open as many files as the system has them.

    Each connection is one, and each upload; shells often allow 1,024.
    """
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - not everywhere

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.suppress(ValueError, OSError):  # some systems have a bound that they hide
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def tune_process() -> None:
    """Fit memory management to a process that does nothing but serve.

    Garbage: what is there by now stays to the end, and hardly anything that a request leaves is a
    circle (8 % of a small upload). glibc: the pieces of a large upload are allocated and freed by
    the thousand; it gives their pages back each time, and has them zeroed anew (a third of a
    large upload).
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - nobody else needs it

        with contextlib.suppress(AttributeError):  # another C library than glibc
            malloc = ctypes.CDLL(None).mallopt
            malloc(_MMAP_THRESHOLD, 4 << 20)
            malloc(_TRIM_THRESHOLD, 16 << 20)


def _bind_all(host: str, ports: Sequence[int]) -> list[socket.socket]:
    bound: list[socket.socket] = []
    try:
        for port in ports:
            bound.append(bind(host, port))  # noqa: PERF401 - what is bound must be closed again
    except UsageError:
        for listening in bound:
            listening.close()
        raise
    return bound


def _judge_reach(host: str, sockets: Sequence[socket.socket]) -> None:
    """`UsageError` for an address, whatever it was called, that other machines may reach."""
    for listening in sockets:
        address = listening.getsockname()[0]
        if why_not_public(address) != "loopback":
            for bound in sockets:
                bound.close()
            raise UsageError(
                f"--host {host} listens on {address}, which other machines may reach: whoever does "
                "can move the clock, read all keys and delete all files. Say a key that is asked "
                "for there with --control-key or MOCKKIE_CONTROL_KEY, or listen on 127.0.0.1"
            )


def bind(host: str, port: int) -> socket.socket:
    """A listening address. The protocol is named: without it asyncio leaves Nagle's delay on."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError, OverflowError) as error:
        raise UsageError(f"{host!r} is no address of this machine: {error}") from error
    listening = socket.socket(family, kind, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError(
                f"port {port} is taken; choose another with --port, or --port 0 for a free one"
            ) from error
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    listening.setblocking(False)  # noqa: FBT003 - the library's own signature
    return listening


def _origin(scheme: str, host: str, listening: socket.socket) -> str:
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - read, not bound
    return f"{scheme}://{f'[{name}]' if ':' in name else name}:{listening.getsockname()[1]}"
