"""What faults make of an answer: its JSON, its type, its pieces, its bytes on the wire.

Knows no worlds, and not why.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, Self

import anyio
import orjson

from mockkie.actions import Action
from mockkie.clock import isoformat, parse_instant
from mockkie.connection import Connection
from mockkie.wire import Answer, Pieces, Request, Whole

_DROPS: Final = 20  # a second, of a body that is sent slowly
_NO_CHUNK: Final = b"zz\r\nthis is no chunk\r\n"
_UPLOADED_AT: Final = "/data/uploadedAt"


class CannotSpoil(Exception):  # noqa: N818 - it says what is the matter with the answer
    """The answer has nothing that this could be done to; the text says what it lacks."""


Write = Callable[[], Awaitable[int]]
"""Sends an answer as usual; returns how many bytes of body went out."""


def spoil(answer: Answer, action: Action) -> None:
    """Change an answer that is not written yet; `CannotSpoil` leaves it as it is."""
    if action.name == "contentType":
        as_pieces(answer)
        answer.headers["content-type"] = action.values["type"]
        return
    if answer.json is None:
        raise CannotSpoil("the answer is no JSON")
    match action.name:
        case "malformed":
            as_pieces(answer, cut=1)
        case "without":
            _take(answer, action.values["pointer"])
        case "rename":
            for pointer, name in action.values["names"].items():
                _rename(answer, pointer, name)
        case "put":
            for pointer, value in action.values["values"].items():
                _put(answer, pointer, value)
        case "skew":
            _skew(answer, action.values["by"])


def _rename(answer: Answer, pointer: str, name: str) -> None:
    parent, last = _parent(answer.json, pointer)
    other = name.replace("~", "~0").replace("/", "~1")
    _put(answer, f"{pointer.rpartition('/')[0]}/{other}", _of(parent, last))
    _take(answer, pointer)


def _skew(answer: Answer, by: int) -> None:
    parent, last = _parent(answer.json, _UPLOADED_AT)
    try:
        moved = parse_instant(str(_of(parent, last))) + by
    except ValueError as error:
        raise CannotSpoil(str(error)) from error
    _put(answer, _UPLOADED_AT, isoformat(moved))


def as_pieces(answer: Answer, cut: int = 0) -> None:
    """Have the answer be bytes, without the last `cut` of them."""
    if answer.json is None:
        return
    body = orjson.dumps(answer.json)
    body = body[: len(body) - cut]
    answer.headers.setdefault("content-type", "application/json")
    answer.pieces, answer.length = Whole(body), len(body)


def _parent(value: Any, pointer: str) -> tuple[Any, str]:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]
    for step in steps[:-1]:
        value = _of(value, step)
    return value, steps[-1]


def _of(value: Any, step: str) -> Any:
    if isinstance(value, Mapping) and step in value:
        return value[step]
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    raise CannotSpoil(f"the answer has no {step!r} there")


def _take(answer: Answer, pointer: str) -> None:
    parent, last = _parent(answer.json, pointer)
    _of(parent, last)
    answer.json = _changed(answer.json, pointer, None, gone=True)


def _put(answer: Answer, pointer: str, value: Any) -> None:
    _parent(answer.json, pointer)
    answer.json = _changed(answer.json, pointer, value)


def _changed(root: Any, pointer: str, value: Any, *, gone: bool = False) -> Any:
    """A copy with another value at a pointer: the examples of the contract are shared."""
    changed = orjson.loads(orjson.dumps(root))
    parent, last = _parent(changed, pointer)
    if isinstance(parent, list):
        if not last.isdecimal() or int(last) > len(parent):
            raise CannotSpoil(f"the answer has no {last!r} there")
        parent[int(last) : int(last) + 1] = [] if gone else [value]
    elif not isinstance(parent, dict):
        raise CannotSpoil(f"the answer has no {last!r} there")
    elif gone:
        del parent[last]
    else:
        parent[last] = value
    return changed


class Cut:
    """The first so many bytes of pieces."""

    def __init__(self, pieces: Pieces, size: int) -> None:
        self._pieces = pieces
        self._left = size

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._left <= 0:
            raise StopAsyncIteration
        piece = (await anext(self._pieces))[: self._left]
        self._left -= len(piece)
        return piece

    async def aclose(self) -> None:
        """Let go of the rest."""
        await self._pieces.aclose()


class Dribble:
    """Pieces at a pace, in small drops."""

    def __init__(self, pieces: Pieces, rate: int) -> None:
        self._pieces = pieces
        self._rate = rate
        self._waiting = b""
        self._seconds = 0.0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if not self._waiting:
            self._waiting = await anext(self._pieces)
        await anyio.sleep(self._seconds)
        size = max(1, self._rate // _DROPS)
        drop, self._waiting = self._waiting[:size], self._waiting[size:]
        self._seconds = len(drop) / self._rate
        return drop

    async def aclose(self) -> None:
        """Let go of the rest."""
        await self._pieces.aclose()


async def write_raw(
    answer: Answer, request: Request, connection: Connection, action: Action
) -> int:
    """Send an answer that no HTTP server would: returns how many bytes of body went out."""
    as_pieces(answer)
    chunked = action.name == "garbageChunk"
    headers = dict(answer.headers)
    if chunked:
        headers["transfer-encoding"] = "chunked"
    else:
        length = max(0, (answer.length or 0) + action.values["by"])
        headers["content-length"] = str(length)
    connection.write(_head(answer.status, headers))
    sent = 0
    try:
        if request.method != "HEAD" and answer.pieces is not None:
            async for piece in answer.pieces:
                if sent:
                    await connection.flush()
                sent += len(piece)
                connection.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                if chunked:
                    connection.write(_NO_CHUNK)
                    break
    finally:
        await answer.close()
    return sent


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {text}" for name, text in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
