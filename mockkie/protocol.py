"""HTTP on one connection, where uvicorn's own way is not ours. Knows nothing of the API.

What ASGI cannot say is said here: bytes that are no HTTP, offers to upgrade, and how many writes
an answer takes.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import Any, Final, Literal

import orjson
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mockkie.clock import http_date, real_now
from mockkie.wire import printable

BACKLOG: Final = 2_048
GRACE_SECONDS: Final = 30
KEEP_ALIVE_SECONDS: Final = 75
_UPGRADE: Final = re.compile(rb"\r\nupgrade[ \t]*:", re.IGNORECASE)
_SMALL: Final = 16_384
_AHEAD: Final = 1 << 20  # bytes of a body that may wait for the app


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


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol; what is no HTTP is refused in the envelope of the API.

    An offer to upgrade (Java's client offers HTTP/2 with every first request) is passed over, as
    RFC 9110 allows: the parser would take the body for the other protocol's.
    """

    _in_body = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transport = Gathering(transport, self.loop)

    def data_received(self, data: bytes) -> None:
        if not self._in_body and _UPGRADE.search(data):
            head, end, rest = data.partition(b"\r\n\r\n")
            data = _UPGRADE.sub(b"\r\nx-passed-over:", head) + end + rest
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._in_body = True
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

    def on_message_complete(self) -> None:
        self._in_body = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        why = "this is not a well-formed HTTP/1.1 request"
        body = orjson.dumps({"success": False, "code": 400, "msg": msg})
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            f"date: {http_date(real_now())}\r\n"
            "content-type: application/json\r\n"
            f"content-length: {len(body)}\r\n"
            f"x-mockkie-why: {printable(why)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


def http_config(
    app: ASGIApp,
    protocol: type[Protocol],
    *,
    lifespan: Literal["on", "off"] = "off",
    context: ssl.SSLContext | None = None,
) -> uvicorn.Config:
    """How HTTP is spoken here, whatever socket it comes from."""
    return uvicorn.Config(
        app,
        http=protocol,
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
