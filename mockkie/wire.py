"""ASGI messages in, ASGI messages out. Knows nothing of worlds, stores or the contract.

The only module that calls `receive` and `send` for the API's own requests.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol, Self

import orjson
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from mockkie.bounds import within
from mockkie.clock import stopwatch
from mockkie.connection import WIRE, Connection
from mockkie.cookies import read_cookies
from mockkie.problems import Problem

DRAIN_BYTES: Final = 4 * 1024**3
DRAIN_SECONDS: Final = 120.0
SILENCE_SECONDS: Final = 5.0
_LONGEST_VALUE: Final = 1_000
_WATCHED: Final = 1024 * 1024
"""Bytes of an answer from which on it pays to stop when nobody listens any more."""


class Disconnected(Exception):  # noqa: N818 - the word of ASGI
    """The client went away before its request was complete."""


class Head(Headers):
    """The headers of a request, decoded once: they are looked at a dozen times.

    `first` has the first value of each name, in lower case.
    """

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope=scope)
        self._decoded = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
        ]
        self.first: dict[str, str] = dict(reversed(self._decoded))

    def items(self) -> list[tuple[str, str]]:  # type: ignore[override]  # as starlette's own
        """Names in lower case, and values, in the order of the request."""
        return self._decoded

    def getlist(self, key: str) -> list[str]:
        name = key.lower()
        if len(self.first) == len(self._decoded):
            return [self.first[name]] if name in self.first else []
        return [value for known, value in self._decoded if known == name]

    def get(self, key: str, default: Any = None) -> Any:
        return self.first.get(key.lower(), default)

    def __getitem__(self, key: str) -> str:
        return self.first[key.lower()]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self.first


class Request:
    """One request: its head, and its body as it comes.

    `method` is in capitals, `raw_path` percent-encoded as it came. `tap` is called for each chunk
    of the body before anybody sees it. `silence`: see `chunk`; 0 is for ever.
    """

    __slots__ = (
        *("_receive", "complete", "disconnected", "headers", "method", "raw_path", "received"),
        *("scope", "silence", "tap"),
    )

    def __init__(self, scope: Scope, receive: Receive, silence: float = 0) -> None:
        self.scope = scope
        self.silence = silence or None
        self.method: str = scope["method"]
        raw = scope.get("raw_path")
        self.raw_path = raw if isinstance(raw, bytes) else str(scope["path"]).encode()
        self.headers = Head(scope)
        self.received = 0
        self.complete = False
        self.disconnected = False
        self.tap: Callable[[bytes], Awaitable[None]] | None = None
        self._receive = receive

    @property
    def cookies(self) -> dict[str, list[str]]:
        """The cookies of the request by name."""
        return read_cookies(self.headers.getlist("cookie"))

    @property
    def target(self) -> str:
        """Path and query as they came."""
        query, raw = self.scope.get("query_string"), self.raw_path
        return (raw + b"?" + query if query else raw).decode("ascii", "backslashreplace")

    @property
    def connection(self) -> Connection | None:
        """The connection of the request; None in process, and where a server keeps it."""
        found: Connection | None = (self.scope.get("extensions") or {}).get(WIRE)
        return found

    @property
    def has_body(self) -> bool:
        """Whether the head announces a body."""
        known = self.headers.first
        return known.get("content-length", "0") != "0" or "transfer-encoding" in known

    async def chunk(self) -> bytes:
        """The next bytes of the body, none behind the last; `Disconnected`, `request-timeout`."""
        wire = self.connection
        while not self.complete:
            at_once = wire is not None and wire.arrived()  # then a bound only costs time
            try:
                silence = None if at_once else self.silence
                message = await within(silence, self._receive, wire.speaks if wire else None)
            except TimeoutError:
                why = f"nothing came for {self.silence:g} s (--client-timeout)"
                raise Problem("request-timeout", why, headers={"connection": "close"}) from None
            data = self._take(message)
            if self.tap is not None:
                await self.tap(data)
            if data:
                return data
        return b""

    async def drain(self) -> None:
        """Read on and forget, so that a client that is still sending gets to reading.

        Bounded: gives up on a client that sends no end of bytes, or nothing for a while.
        """
        until = stopwatch() + DRAIN_SECONDS
        with contextlib.suppress(TimeoutError, Problem, Disconnected):
            while not self.complete and self.received < DRAIN_BYTES and stopwatch() < until:
                async with asyncio.timeout(SILENCE_SECONDS):
                    await self.chunk()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Meanwhile, `disconnected` becomes true when the client goes away."""
        watch = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watch.cancel()

    async def _watch(self) -> None:
        with contextlib.suppress(Disconnected):
            while True:
                self._take(await self._receive())

    def _take(self, message: Message) -> bytes:
        if message["type"] == "http.disconnect":
            self.disconnected = True
            raise Disconnected
        chunk: bytes = message.get("body", b"")
        self.received += len(chunk)
        self.complete = not message.get("more_body", False)
        return chunk


class Pieces(Protocol):
    """The bytes of an answer, piece by piece; `aclose` lets go of where they come from."""

    def __aiter__(self) -> Self:
        """The pieces themselves."""

    async def __anext__(self) -> bytes:
        """The next piece; `StopAsyncIteration` behind the last."""

    async def aclose(self) -> None:
        """Give up, begun or not. May be called more than once."""


class Whole:
    """A body that is there already, as its only piece."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if not self._body:
            raise StopAsyncIteration
        body, self._body = self._body, b""
        return body

    async def aclose(self) -> None:
        """Forget the body."""
        self._body = b""


@dataclass(slots=True)
class Answer:
    """What goes back: a JSON value, or pieces of a file, or nothing.

    `length` is that of the body in bytes; an answer to HEAD has one without a body. One that is
    not written in the end has to be closed.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    json: Any = None
    pieces: Pieces | None = None
    length: int | None = None
    checked: bool = False
    """Whether it was held against the contract already."""

    async def close(self) -> None:
        """Let go of the pieces."""
        if self.pieces is not None:
            await self.pieces.aclose()

    async def write(self, request: Request, send: Send) -> int:
        """Send the answer; returns how many bytes of body went out, fewer when nobody listens.

        While the client is still sending, the answer goes out at once and the connection is
        read on, so that also clients see it that send everything before they read.
        """
        body = b"" if self.json is None else orjson.dumps(self.json)
        if self.json is not None:
            self.headers.setdefault("content-type", "application/json")
        length = len(body) if self.length is None else self.length
        early = not request.complete and request.has_body
        if self.status not in (204, 304):
            self.headers["content-length"] = str(length)
        if early and request.headers.get("expect", "").lower() == "100-continue":
            self.headers["connection"] = "close"
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status,
                    "headers": _raw(self.headers),
                }
            )
            if self.pieces is not None:
                sent = await self._stream(self.pieces, length, request, send)
                body = b""
            else:
                body = b"" if request.method == "HEAD" else body
                sent = len(body)
        finally:
            if self.pieces is not None:
                await self.pieces.aclose()
        if self.pieces is not None and sent < length:
            return sent
        if early:
            await send({"type": "http.response.body", "body": body, "more_body": True})
            await request.drain()
            body = b""
        await send({"type": "http.response.body", "body": body})
        return sent

    @staticmethod
    async def _stream(pieces: Pieces, length: int, request: Request, send: Send) -> int:
        sent = 0
        wire = request.connection
        listens = wire.listens if wire else None
        with request.watched() if length > _WATCHED else contextlib.nullcontext():
            async for piece in pieces:
                if request.disconnected:
                    break
                message = {"type": "http.response.body", "body": piece, "more_body": True}
                try:
                    await within(request.silence, partial(send, message), listens)
                except TimeoutError:  # nobody reads: what is sent already would wait for ever
                    if wire is not None:
                        wire.reset()
                    break
                sent += len(piece)
                await asyncio.sleep(0)  # a fast reader must not keep everybody else waiting
        return sent


# Python reads a codec when it is first used: too late to say that no file can be opened.
codecs.lookup("unicode_escape")


def printable(text: str) -> str:
    """`text` as a header value: printable ASCII, everything else escaped, of bounded length."""
    escaped = text.encode("unicode_escape").decode("ascii")
    return escaped if len(escaped) <= _LONGEST_VALUE else escaped[: _LONGEST_VALUE - 1] + "~"


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
