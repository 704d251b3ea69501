"""A built-in place to fetch from, good and bad. Knows nothing of worlds, keys or the document.

Whoever tests an upload by URL needs a URL that answers, and others that answer late, wrongly or
not to the end. All of them are here, beside the mock, without a network. A file name chooses a
sample by its extension (`mockkie.samples`). Locations are relative: the mount point is free.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mockkie.samples import Sample, sample_named

LONGEST: Final = 120  # seconds that an answer may be made to take
LARGEST: Final = 10 * 1024**3  # bytes of the largest body
MOST: Final = 1_000  # redirects in one chain
BLOCK: Final = 64 * 1024  # bytes
_FILLER: Final = hashlib.shake_128(b"mockkie").digest(BLOCK - 8)


class Broken(Response):
    """Promises its content and stops in the middle of it; the server then cuts the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            await super().__call__(scope, receive, send)
            return
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        half = bytes(self.body)[: len(self.body) // 2]
        # To return before the last part is how ASGI says that an answer came to grief.
        await send({"type": "http.response.body", "body": half, "more_body": True})


def origin_app() -> ASGIApp:
    """The origin as an ASGI app, to be mounted anywhere or called in process.

    Errors are `application/problem+json` whose `detail` says what would have been right.
    """
    routes = [Route("/", _index), *(Route(way.path, way.answer) for way in WAYS)]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _problem})
    app.router.redirect_slashes = False
    return app


async def large_body(size: int) -> AsyncIterator[bytes]:
    """The body of `/large/{size}`: blocks of 64 KiB, the last one cut.

    A block is its number (8 bytes, big-endian) and a filler that is always the same: a lost,
    doubled or swapped block shows, and nothing has to be kept to compare with.
    """
    for number in range(-(-size // BLOCK)):
        block = number.to_bytes(8, "big") + _FILLER
        yield block[: size - number * BLOCK]


async def _index(request: Request) -> Response:
    here = str(request.url.replace(query="", fragment="")).rstrip("/")
    ways = [{"path": way.path, "example": f"{here}{way.example}", "does": way.does} for way in WAYS]
    return JSONResponse({"about": "A built-in origin to upload from by URL.", "ways": ways})


async def _file(request: Request) -> Response:
    return _whole(request, _sample(request))


async def _slow(request: Request) -> Response:
    seconds, sample = _seconds(request), _sample(request)
    with anyio.move_on_after(seconds):
        # Nobody cancels an app whose client hung up: it has to listen for that itself.
        while (await request.receive())["type"] != "http.disconnect":
            pass
    return _whole(request, sample)


async def _dribble(request: Request) -> Response:
    seconds, sample = _seconds(request), _sample(request)
    headers = {"content-length": str(len(sample.content))}
    chunks = _drops(b"" if request.method == "HEAD" else sample.content, seconds)
    return StreamingResponse(chunks, headers=headers, media_type=sample.mime)


async def _drops(content: bytes, seconds: float) -> AsyncIterator[bytes]:
    """About ten drops a second, the first at once, the last at the end."""
    drops = min(len(content), 2 + int(seconds * 10))
    for drop in range(drops):
        if drop:
            await anyio.sleep(seconds / (drops - 1))
        yield content[drop * len(content) // drops : (drop + 1) * len(content) // drops]


async def _status(request: Request) -> Response:
    code = _number(request, "code", 200, 599, "a status between 200 and 599")
    try:
        phrase = HTTPStatus(code).phrase
    except ValueError:
        phrase = "Unassigned"
    if code >= HTTPStatus.BAD_REQUEST:
        raise HTTPException(code, f"{phrase}: this status was asked for")
    if code in {HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT, HTTPStatus.NOT_MODIFIED}:
        return Response(status_code=code)
    return Response(f"{phrase}\n", code, media_type="text/plain")


async def _missing(request: Request) -> Response:
    raise HTTPException(404, f"{request.path_params['name']} is missing, as was asked for")


async def _redirect(request: Request) -> Response:
    left = _number(request, "n", 0, MOST, f"up to {MOST} redirects")
    name = quote(request.path_params["name"], safe="")
    _sample(request)  # a chain that leads nowhere is refused at its beginning
    if left == 0:
        return _whole(request, _sample(request))
    return _found(f"../{left - 1}/{name}" if left > 1 else f"../../files/{name}")


async def _redirect_loop(request: Request) -> Response:
    return _found(request.url.path.rpartition("/")[2])


async def _redirect_to(request: Request) -> Response:
    target = request.query_params.get("url")
    if not target:
        raise HTTPException(400, "say where to: /redirect-to?url=https%3A%2F%2Fexample.com%2F")
    return _found(quote(target, safe=":/%#?=@[]!$&'()*+,;~"))


async def _broken(request: Request) -> Response:
    sample = _sample(request)
    return Broken(sample.content, media_type=sample.mime)


async def _empty(_: Request) -> Response:
    return Response(b"", media_type="application/octet-stream")


async def _mistyped(request: Request) -> Response:
    return _whole(request, _sample(request), mime="text/plain")


async def _untyped(request: Request) -> Response:
    return _whole(request, _sample(request), mime=None)


async def _large(request: Request) -> Response:
    size = _number(request, "bytes", 0, LARGEST, "a size up to 10737418240 bytes (10 GiB)")
    body = large_body(0 if request.method == "HEAD" else size)
    headers = {"content-length": str(size)}
    return StreamingResponse(body, headers=headers, media_type="application/octet-stream")


async def _attachment(request: Request) -> Response:
    name = request.query_params.get("filename") or request.path_params["name"]
    plain = re.sub(r"[^ !#-\[\]-~]", "_", name)  # RFC 6266: filename for the old, filename* for all
    said = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return _whole(request, _sample(request), headers={"content-disposition": said})


def _whole(
    request: Request,
    sample: Sample,
    *,
    mime: str | None = "",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The sample in one piece, under its own type, another one, or (None) no type at all."""
    return Response(
        b"" if request.method == "HEAD" else sample.content,
        headers={"content-length": str(len(sample.content)), **(headers or {})},
        media_type=sample.mime if mime == "" else mime,
    )


def _found(location: str) -> Response:
    return Response(status_code=HTTPStatus.FOUND, headers={"location": location})


def _sample(request: Request) -> Sample:
    name = request.path_params["name"]
    sample = sample_named(name)
    if sample is None:
        raise HTTPException(
            404, f"{name!r} has no extension with a sample; try cat.png, cat.mp4 or cat.pdf"
        )
    return sample


def _seconds(request: Request) -> float:
    text = request.path_params["seconds"]
    if re.fullmatch(r"\d{1,3}(\.\d{1,9})?", text, re.ASCII) and float(text) <= LONGEST:
        return float(text)
    raise HTTPException(400, f"{text!r} is not a number of seconds from 0 to {LONGEST}")


def _number(request: Request, name: str, least: int, most: int, right: str) -> int:
    text = request.path_params[name]
    if re.fullmatch(r"\d{1,18}", text, re.ASCII) and least <= int(text) <= most:
        return int(text)
    raise HTTPException(400, f"{text!r} is not {right}")


async def _problem(_: Request, error: Exception) -> Response:
    """The one place where an error of the origin is written (RFC 9457)."""
    if not isinstance(error, HTTPException):  # the signature is Starlette's
        raise error
    status = error.status_code
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = "Unassigned"
    detail = error.detail if error.detail != title else "GET / of the origin lists what there is"
    return JSONResponse(
        {"type": "about:blank", "title": title, "status": status, "detail": detail},
        status_code=status,
        headers=error.headers,
        media_type="application/problem+json",
    )


@dataclass(frozen=True, slots=True)
class Way:
    """One way to be answered: its path, an example of it, a sentence for people, the endpoint."""

    path: str
    example: str
    does: str
    answer: Callable[[Request], Awaitable[Response]]


WAYS: Final = (
    Way("/files/{name}", "/files/cat.png", "The sample of the name's type.", _file),
    Way("/slow/{seconds}/{name}", "/slow/2.5/cat.png", "Waits, then answers.", _slow),
    Way(
        "/dribble/{seconds}/{name}",
        "/dribble/2.5/cat.jpg",
        "Answers at once and spreads the bytes over that time.",
        _dribble,
    ),
    Way("/status/{code}", "/status/503", "Answers with that status.", _status),
    Way("/missing/{name}", "/missing/cat.png", "Answers 404 for any name.", _missing),
    Way(
        "/redirect/{n}/{name}",
        "/redirect/3/cat.png",
        "Redirects n times, then the file.",
        _redirect,
    ),
    Way("/redirect-loop", "/redirect-loop", "Redirects to itself for ever.", _redirect_loop),
    Way(
        "/redirect-to",
        "/redirect-to?url=https%3A%2F%2Fexample.com%2Fcat.png",
        "Redirects to the given URL.",
        _redirect_to,
    ),
    Way(
        "/broken/{name}",
        "/broken/cat.png",
        "Promises the whole file, sends half of it and cuts the connection.",
        _broken,
    ),
    Way("/empty", "/empty", "Answers 200 with zero bytes.", _empty),
    Way("/mistyped/{name}", "/mistyped/cat.png", "The file as text/plain.", _mistyped),
    Way("/untyped/{name}", "/untyped/cat.png", "The file without a Content-Type.", _untyped),
    Way("/large/{bytes}", "/large/104857601", "That many bytes, always the same ones.", _large),
    Way(
        "/attachment/{name}",
        "/attachment/cat.png?filename=report.png",
        "The file with a name in Content-Disposition: ?filename=, else the one in the path.",
        _attachment,
    ),
)
