"""A proxy that is some hosts itself: programs with hard-coded hosts reach an app through it.

Knows nothing of the API. Behind a CONNECT to one of our hosts the connection itself is handed on:
TLS is taken off, and the mock's own HTTP protocol reads it; no byte goes through a second socket.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final, cast

from starlette.types import ASGIApp
from uvicorn.server import ServerState

from mockkie.hosts import Hosts, Sightings, join_authority, split_authority
from mockkie.passing import Relay, Upstream, dial
from mockkie.protocol import Protocol, http_config
from mockkie.proxying import Proxied, ProxyApp, Told
from mockkie.server import bind
from mockkie.wire import printable

GRACE_SECONDS: Final = 5.0
_HANDSHAKE_SECONDS: Final = 30.0
_LONGEST_HEAD: Final = 65_536
_CONNECT: Final = b"CONNECT "
_ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Interceptor:
    """A proxy on a free port of the loopback, for one app. `open` and `close` want its loop.

    `told` is what the app is told of a request to one of our hosts, in its `state`.
    """

    def __init__(self, app: ASGIApp, hosts: Hosts, context: ssl.SSLContext, told: Told) -> None:
        self.hosts = hosts
        self.context = context
        self.seen = Sightings()
        self.upstream = Upstream.of_environment()
        self.waiting: set[Waiting] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._state = ServerState()
        self._told = told
        self._app = ProxyApp(app, hosts, self.seen, self.upstream, told)
        self._ours = http_config(app, Protocol)
        self._others = http_config(self._app, Proxied)
        self._socket = bind("127.0.0.1", 0)
        self.port: int = self._socket.getsockname()[1]
        self._listening: asyncio.Server | None = None
        self.closing = False

    @property
    def url(self) -> str:
        """What programs are told as their proxy."""
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        """Take connections from now on."""
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(lambda: Waiting(self), sock=self._socket)

    async def close(self) -> None:
        """Take no more; requests in flight have a few seconds to end."""
        self.closing = True
        if self._listening is not None:
            self._listening.close()
        for waiting in list(self.waiting):
            waiting.abort()
        for connection in list(self._state.connections):
            connection.shutdown()
        running = [*self._state.tasks, *self._tasks]
        if running:
            _, late = await asyncio.wait(running, timeout=GRACE_SECONDS)
            for task in late:
                task.cancel()
        for connection in list(self._state.connections):
            cast("Protocol", connection).transport.abort()
        await self._app.close()
        self._socket.close()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Carry out work that ends with the proxy at the latest."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def ours(self, host: str) -> asyncio.Protocol:
        """HTTP for a connection to one of our hosts: the mock's own."""
        return Protocol(self._ours, self._state, dict(self._told(host)))

    def ours_behind_tls(self, host: str, where: str) -> asyncio.Protocol:
        """The same; clients that hang up at once are taken note of."""
        protocol = _BehindTls(self._ours, self._state, dict(self._told(host)))
        protocol.on_silence = lambda: self.distrusted(where)
        return protocol

    def distrusted(self, where: str) -> None:
        """Take note of a client that hung up on our certificate."""
        if not self.closing:
            self.seen.distrusted[where] += 1

    def others(self) -> asyncio.Protocol:
        """HTTP for a connection whose requests name their hosts one by one."""
        return Proxied(self._others, self._state, {})


class Waiting(asyncio.Protocol):
    """A new connection to the proxy, until its first request tells to whom it goes."""

    def __init__(self, proxy: Interceptor) -> None:
        self._proxy = proxy
        self._head = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self._proxy.closing:  # it was accepted already
            self.abort()
        else:
            self._proxy.waiting.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._proxy.waiting.discard(self)

    def abort(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._head += data
        if not _CONNECT.startswith(self._head[: len(_CONNECT)]):
            self._hand_over(transport, self._proxy.others(), self._head)
            return
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if end:
            self._connect(transport, head, rest)
        elif len(self._head) > _LONGEST_HEAD:
            _refuse(transport, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the head has no end")

    def _connect(self, transport: asyncio.Transport, head: bytes, rest: bytes) -> None:
        """Carry out a CONNECT. Nothing may have come behind it yet."""
        proxy, (_, _, line) = self._proxy, head.partition(b" ")
        target = split_authority(line.partition(b" ")[0].decode("latin-1"))
        if target is None or rest:
            why = "CONNECT names a host and a port, and its client waits for the answer to it"
            _refuse(transport, HTTPStatus.BAD_REQUEST, why)
            return
        verdict, where = proxy.hosts.judge(*target), join_authority(*target)
        if verdict == "refused":
            proxy.seen.refused[where] += 1
            _refuse(transport, HTTPStatus.FORBIDDEN, proxy.hosts.refusal(*target))
        elif verdict == "allowed":
            transport.pause_reading()
            proxy.start(self._pass(transport, *target))
        elif proxy.hosts.is_secure(*target):
            transport.write(_ESTABLISHED)
            proxy.start(self._secure(transport, *target))
        else:
            transport.write(_ESTABLISHED)
            self._hand_over(transport, proxy.ours(target[0]), b"")

    async def _secure(self, transport: asyncio.Transport, host: str, port: int) -> None:
        """Take TLS off a connection to one of our hosts."""
        early, where = _Early(), join_authority(host, port)
        try:
            plain = await asyncio.get_running_loop().start_tls(
                transport,
                early,
                self._proxy.context,
                server_side=True,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS,
            )
        except OSError:
            plain = None
        if plain is None or early.lost:
            self._proxy.waiting.discard(self)
            self._proxy.distrusted(where)
            return
        self._hand_over(plain, self._proxy.ours_behind_tls(host, where), early.held)

    async def _pass(self, transport: asyncio.Transport, host: str, port: int) -> None:
        """Let a connection through to a host that was allowed."""
        seen, where = self._proxy.seen, join_authority(host, port)
        try:
            far = await dial(self._proxy.upstream, host, port)
        except OSError as error:
            seen.failed[where] += 1
            why = f"{where} was allowed, but could not be reached: {error or 'it timed out'}"
            _refuse(transport, HTTPStatus.BAD_GATEWAY, why)
            return
        seen.passed[where] += 1
        near = Relay(lambda: self._proxy.waiting.discard(self))
        near.connection_made(transport)
        transport.set_protocol(near)
        transport.write(_ESTABLISHED)
        near.join(far)
        transport.resume_reading()

    def _hand_over(
        self, transport: asyncio.Transport, protocol: asyncio.Protocol, data: bytes
    ) -> None:
        self._proxy.waiting.discard(self)
        protocol.connection_made(transport)
        transport.set_protocol(protocol)
        if data:
            protocol.data_received(data)


class _BehindTls(Protocol):
    """Some clients look at a certificate after the handshake, and hang up without a word."""

    on_silence: Callable[[], None]

    def connection_lost(self, exc: Exception | None) -> None:
        if self.cycle is None:
            self.on_silence()
        super().connection_lost(exc)


class _Early(asyncio.Protocol):
    """Holds what comes in before `start_tls` has returned.

    A client may send its first request along with the end of the handshake.
    """

    def __init__(self) -> None:
        self.held = b""
        self.lost = False

    def data_received(self, data: bytes) -> None:
        self.held += data

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.lost = True


def _refuse(transport: asyncio.Transport, status: HTTPStatus, why: str) -> None:
    """Answer in the name of the proxy.

    Of the answer to a CONNECT most clients show the status line only, so that says why.
    """
    body = f"{why}\n".encode()
    told = printable(why)
    head = (
        f"HTTP/1.1 {status} {status.phrase}: {told}\r\n"
        "content-type: text/plain; charset=utf-8\r\n"
        f"content-length: {len(body)}\r\n"
        f"x-mockkie-why: {told}\r\n"
        "connection: close\r\n\r\n"
    )
    transport.write(head.encode("ascii") + body)
    transport.close()
