"""Asks an ASGI app without a socket, as a stream. Knows nothing of what is asked or why.

httpx2's own ASGI transport gathers the whole body before it hands over the first byte, and takes
one that was cut short for whole; a stand-in for a network must do neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp, Scope

_Message = MutableMapping[str, Any]


class Truncated(Exception):  # noqa: N818 - it says what happened to the body
    """The answer ended before its time, or never began."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back to a GET: the status, headers by lower-case name, the body as it comes."""

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]


@asynccontextmanager
async def ask(app: ASGIApp, url: str, path: str) -> AsyncIterator[Answer]:
    """GET a path (with its query) of the app; `url` is what the app is told it was asked as.

    At most two parts of the body exist at a time, and the app waits for its reader. Leaving the
    context cancels the app. Raises `Truncated`, here and from the body, for half an answer.
    """
    messages: asyncio.Queue[_Message] = asyncio.Queue(maxsize=1)
    task = asyncio.create_task(_run(app, _scope(url, path), messages))
    try:
        start = await messages.get()
        if start["type"] != "http.response.start":
            raise Truncated("the app never answered") from start.get("error")
        headers = header_map(start.get("headers", ()))
        body = _body(messages, headers.get("content-length"))
        try:
            yield Answer(start["status"], headers, body)
        finally:
            await body.aclose()
    finally:
        task.cancel()
        await asyncio.wait([task])


def header_map(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers as text, UTF-8 where they are, else Latin-1; of several of a name the last."""
    return {_text(name).lower(): _text(value).strip() for name, value in raw}


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _scope(url: str, path: str) -> Scope:
    route, _, query = path.partition("?")
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    return {
        "type": "http",
        # 2.4: the app may trust that `send` fails, here that it is cancelled, when nobody listens
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": parts.scheme,
        "path": unquote(route),
        "raw_path": route.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", parts.netloc.encode()), (b"accept-encoding", b"identity")],
        "client": None,
        "server": (parts.hostname, port),
    }


async def _run(app: ASGIApp, scope: Scope, messages: asyncio.Queue[_Message]) -> None:
    asked = False

    async def receive() -> _Message:
        nonlocal asked
        if asked:
            await asyncio.Event().wait()  # nobody hangs up: who leaves cancels the app
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    end: _Message = {"type": "end"}
    try:
        await app(scope, receive, messages.put)
    except Exception as error:  # noqa: BLE001 - a server would cut the connection, whatever it is
        end["error"] = error
    await messages.put(end)


async def _body(
    messages: asyncio.Queue[_Message], promised: str | None
) -> AsyncGenerator[bytes, None]:
    sent, more = 0, True
    while more:
        message = await messages.get()
        if message["type"] != "http.response.body":
            break
        chunk = bytes(message.get("body", b""))
        sent += len(chunk)
        if chunk:
            yield chunk
        more = message.get("more_body", False)
    if more or (promised is not None and sent != int(promised)):
        raise Truncated(f"{sent} of {promised or 'unknown'} bytes came")
