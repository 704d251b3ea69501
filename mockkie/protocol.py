"""HTTP on one connection, where uvicorn's own way is not ours. Knows nothing of the API.

What ASGI cannot say is said here: bytes that are no HTTP, and offers to upgrade.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from typing import Final, Literal

import httptools
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mockkie.bounds import LINGER_SECONDS, NO_HTTP, Bounds, HeadWatch, Refusal, read_ahead
from mockkie.connection import WIRE
from mockkie.framing import MOST_HEAD, MOST_HEADERS, head_size, why_refused
from mockkie.gathering import Gathering
from mockkie.wired import Wire

BACKLOG: Final = 2_048
GRACE_SECONDS: Final = 30
KEEP_ALIVE_SECONDS: Final = 75
_TOO_LARGE: Final = Refusal(
    f"the head of the request is over {MOST_HEAD:,} bytes or {MOST_HEADERS} headers",
    431,
    "Request Header Fields Too Large",
)


class _RefusedError(Exception):
    """The head of a request is refused."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol; what is no HTTP is refused in the envelope of the API.

    Bytes that are refused end the connection, behind the answers to the requests before them:
    there is one answer to each request, in order, and none in the middle of another.

    An offer to upgrade (Java's client offers HTTP/2 with every first request) is passed over, as
    RFC 9110 allows: the parser would take the body for the other protocol's.
    """

    bounds = Bounds()
    _in_body = False
    _offers = False  # whether the head that was read last offers to upgrade
    _refused: Refusal | None = None
    _bare = 0  # bytes since something came of any
    _fruitless = True
    connects = False  # whether it takes a CONNECT
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
            self._refuse(Refusal(why, 503, "Service Unavailable"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._head.stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.deaf or self._refused is not None:
            return
        self._unset_keepalive_if_required()
        self._fruitless = True
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.refusal if isinstance(cause, _RefusedError) else NO_HTTP)
            return
        self._bare = self._bare + len(data) if self._fruitless else 0
        if self._bare > MOST_HEAD:  # of a head, or of what may stand around chunks
            self._refuse(_TOO_LARGE)

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                if not self._offers:  # a CONNECT: what follows is for nobody here
                    return
                data = self._head_without_offer() + data[upgrade.args[0] :]
            else:
                return

    def _head_without_offer(self) -> bytes:
        """The head that was read last, for another parser: the one there was has ended with it."""
        self._offers = False
        version, method = self.parser.get_http_version(), self.parser.get_method()
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        lines = [
            (b"x-passed-over" if name == b"upgrade" else name) + b": " + value
            for name, value in self.headers
        ]
        line = b"%b %b HTTP/%b" % (method, self.url, version.encode())
        return b"\r\n".join([line, *lines, b"", b""])

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head.begin()
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]  # not JSON

    def on_header(self, name: bytes, value: bytes) -> None:
        """As uvicorn's, which takes what stands behind a chunked body for headers, too."""
        if not self._in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._fruitless = False
        self._judge_head()
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self._offers = True
            return
        self._head.end()
        super().on_headers_complete()
        self._in_body = True

    def _judge_head(self) -> None:
        if self.parser.get_method() == b"CONNECT" and not self.connects:
            raise _RefusedError(replace(NO_HTTP, why="this is no proxy, and takes no CONNECT"))
        if head_size(self.url, self.headers) > MOST_HEAD or len(self.headers) > MOST_HEADERS:
            raise _RefusedError(_TOO_LARGE)
        why = why_refused(self.url, self.parser.get_http_version(), self.headers)
        if why is not None:
            raise _RefusedError(replace(NO_HTTP, why=why))

    def on_body(self, body: bytes) -> None:
        """As uvicorn's, which copies the bytes twice and stops reading after every piece."""
        self._fruitless = False
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body = cycle.body + body if cycle.body else body  # type: ignore[assignment]
        if len(cycle.body) > read_ahead(len(self.connections)):
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_response_complete(self) -> None:
        if self.deaf:  # requests that came along with the last one are not for us either
            self.pipeline.clear()
        if self._refused is not None and not self.pipeline:
            self._say(self._refused)
        super().on_response_complete()

    def shutdown(self) -> None:
        self.stopping = True
        super().shutdown()

    def on_message_complete(self) -> None:
        if self._offers:
            return
        self._fruitless = self._in_body = False
        super().on_message_complete()

    def _is_late(self) -> None:
        if not self._head.begun:  # nobody asked anything
            self.transport.close()
            return
        why = f"the head of the request was not complete within {self.bounds.silence:g} s"
        self._refuse(Refusal(f"{why} (--client-timeout)", 408, "Request Timeout"))

    def _refuse(self, refusal: Refusal) -> None:
        """Say that what came is no request, when it is its turn; hear no more."""
        self._refused = refusal
        self._head.stop()
        cycle = self.cycle
        if not self._in_body:
            if cycle is None or cycle.response_complete:
                self._say(refusal)
        elif self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()  # others have to be answered before it
        else:
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:  # a second answer would be taken for that of another
                self.transport.close()
            else:
                self._say(refusal)

    def _say(self, refusal: Refusal) -> None:
        """Answer, and end when the client has had time to read.

        Closed at once, with bytes that nobody has read, the answer might never be seen.
        """
        self.transport.write(refusal.answer())
        if self.transport.can_write_eof():
            self.transport.write_eof()
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
