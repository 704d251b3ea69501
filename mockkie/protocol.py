"""HTTP on one connection, where uvicorn's own way is not ours. Knows nothing of the API.

What ASGI cannot say is said here: bytes that are no HTTP, offers to upgrade, and how many writes
an answer takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import select
import socket
import ssl
import struct
from typing import Any, Final, Literal

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mockkie.bounds import HEAD_BYTES, LINGER_SECONDS, Bounds, HeadWatch, refusal
from mockkie.connection import WIRE

BACKLOG: Final = 2_048
GRACE_SECONDS: Final = 30
KEEP_ALIVE_SECONDS: Final = 75
_UPGRADE: Final = re.compile(rb"\r\nupgrade[ \t]*:", re.IGNORECASE)
_SMALL: Final = 16_384
_AHEAD: Final = 1 << 20  # bytes of a body that may wait for the app
_AT_ONCE: Final = struct.pack("ii", 1, 0)  # SO_LINGER: whatever is still to be sent is dropped
_HUNG_UP: Final = getattr(select, "POLLRDHUP", 0)
_POLLS: Final = hasattr(select, "poll")
_FLUSH_SECONDS: Final = 0.005


class Gathering(asyncio.Transport):
    """A transport that sends the head of an answer and a small body at once, not one by one.

    uvicorn writes them apart, and a write wakes the other side: on a loopback it costs more than
    all the rest of a small answer. What is held goes out when the loop comes round.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._held = b""

    def write(self, data: Any) -> None:
        if self._held:
            self._held += data
            if len(self._held) > _SMALL:
                self._flush()
        elif len(data) > _SMALL:
            self._transport.write(data)
        else:
            self._held = bytes(data)
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        self._held = b""
        self._transport.abort()

    def get_write_buffer_size(self) -> int:
        return len(self._held) + self._transport.get_write_buffer_size()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def _flush(self) -> None:
        held, self._held = self._held, b""
        if held and not self._transport.is_closing():
            self._transport.write(held)


class Wire:
    """The `Connection` of a protocol: what HTTP has no words for."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    def reset(self) -> None:
        """End the connection by a RST."""
        transport = self._protocol.transport
        found = transport.get_extra_info("socket")
        with contextlib.suppress(OSError, AttributeError):  # closed already, or no TCP
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self._leave()
        transport.abort()

    def close(self) -> None:
        """End the connection by a FIN, behind what is still to be sent."""
        self._leave()
        self._protocol.transport.close()

    def pause(self) -> None:
        """Read no more, whatever else may want to."""
        self._protocol.deaf = True
        self._protocol.flow.pause_reading()

    def gone(self) -> bool:
        """Whether the other side is, as far as can be known, or this side is about to be.

        Who has sent all and hangs up is noticed on Linux only, who waits to send more nowhere.
        """
        transport = self._protocol.transport
        found = transport.get_extra_info("socket")
        if self._protocol.stopping or transport.is_closing() or found is None or found.fileno() < 0:
            return True
        if not _HUNG_UP:
            return False
        poll = select.poll()
        poll.register(found.fileno(), _HUNG_UP)
        return bool(poll.poll(0))

    def speaks(self) -> bool:
        """Whether bytes have come that were not read."""
        return self._is_ready(select.POLLIN) if _POLLS else False

    def listens(self) -> bool:
        """Whether bytes can be sent."""
        return self._is_ready(select.POLLOUT) if _POLLS else False

    def _is_ready(self, event: int) -> bool:
        found = self._protocol.transport.get_extra_info("socket")
        if found is None or found.fileno() < 0:
            return False
        poll = select.poll()
        poll.register(found.fileno(), event)
        return any(known & event for _, known in poll.poll(0))

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._protocol.cycle.response_started = True
        self._protocol.transport.write(data)

    async def flush(self) -> None:
        """Wait until the operating system has everything."""
        transport = self._protocol.transport
        while not transport.is_closing() and transport.get_write_buffer_size():  # noqa: ASYNC110
            await asyncio.sleep(_FLUSH_SECONDS)

    def _leave(self) -> None:
        """Have nothing more be sent: not even that the app ended without an answer."""
        self._protocol.cycle.disconnected = True


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol; what is no HTTP is refused in the envelope of the API.

    An offer to upgrade (Java's client offers HTTP/2 with every first request) is passed over, as
    RFC 9110 allows: the parser would take the body for the other protocol's.
    """

    bounds = Bounds()
    _in_body = False
    deaf = False
    stopping = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transport = Gathering(transport, self.loop)
        wire = Wire(self)
        self._extensions = {WIRE: wire}
        self._head = HeadWatch(self.loop, self.bounds.silence, self._is_late, wire.speaks)
        most = self.bounds.connections
        if len(self.connections) > most:
            why = f"there are {most:,} connections already (--max-connections)"
            self._refuse(503, "Service Unavailable", why)

    def connection_lost(self, exc: Exception | None) -> None:
        self._head.stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.deaf:
            return
        if not self._in_body and _UPGRADE.search(data):
            head, end, rest = data.partition(b"\r\n\r\n")
            data = _UPGRADE.sub(b"\r\nx-passed-over:", head) + end + rest
        super().data_received(data)
        if self._head.begun and not self.deaf:
            self._head.size += len(data)
            if self._head.size > HEAD_BYTES:
                self._refuse_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head.begin()
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]  # not JSON

    def on_headers_complete(self) -> None:
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES:
            self._head.size = HEAD_BYTES + 1
            raise ValueError  # which the parser takes for a malformed request
        self._in_body = True
        self._head.end()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """As uvicorn's, which copies the bytes twice and stops reading after every piece."""
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body = cycle.body + body if cycle.body else body  # type: ignore[assignment]
        if len(cycle.body) > _AHEAD:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_response_complete(self) -> None:
        if self.deaf:  # requests that came along with the last one are not for us either
            self.pipeline.clear()
        super().on_response_complete()

    def shutdown(self) -> None:
        self.stopping = True
        super().shutdown()

    def on_message_complete(self) -> None:
        self._in_body = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        if self._head.begun and self._head.size > HEAD_BYTES:
            self._refuse_head()
            return
        why = "this is not a well-formed HTTP/1.1 request"
        self.transport.write(refusal(400, "Bad Request", why, msg))
        self.transport.close()

    def _is_late(self) -> None:
        if not self._head.begun:  # nobody asked anything
            self.transport.close()
            return
        why = f"the head of the request was not complete within {self.bounds.silence:g} s"
        self._refuse(408, "Request Timeout", f"{why} (--client-timeout)")

    def _refuse_head(self) -> None:
        why = f"the first line and the headers of a request have at most {HEAD_BYTES:,} bytes"
        self._refuse(431, "Request Header Fields Too Large", why)

    def _refuse(self, status: int, phrase: str, why: str) -> None:
        """Answer, hear no more, and end when the client has had time to read."""
        self.deaf = True
        self._head.stop()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False  # the answer to the request before is on its way
            return
        self.transport.write(refusal(status, phrase, why))
        self.loop.call_later(LINGER_SECONDS, self.transport.close)


def http_config(
    app: ASGIApp,
    protocol: type[Protocol],
    *,
    lifespan: Literal["on", "off"] = "off",
    context: ssl.SSLContext | None = None,
    bounds: Bounds | None = None,
) -> uvicorn.Config:
    """How HTTP is spoken here, whatever socket it comes from."""
    bounded = type(protocol.__name__, (protocol,), {"bounds": bounds or Bounds()})
    return uvicorn.Config(
        app,
        http=bounded,
        ws="none",
        lifespan=lifespan,
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_context_factory=None if context is None else lambda *_: context,
    )
