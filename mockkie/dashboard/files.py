"""The files of a world: the list, one file with its versions, its content. Knows no uploads."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from mockkie import links
from mockkie.clock import duration_text, seconds_between
from mockkie.dashboard.page import Site, address, back, number, read_form
from mockkie.dashboard.reproducing import upload_curl
from mockkie.dashboard.versions import first_of
from mockkie.downloads import FilePieces, Span, requested_span
from mockkie.jsonapi import Refused
from mockkie.problems import Problem
from mockkie.store import StoredFile
from mockkie.worlds import World

MOST: Final = 50_000
"""As many files are sorted and searched; of more only the first by path are shown."""
PAGE: Final = 50
_GONE: Final = "there is no such file, or no more"
_TEXT: Final = 16_384
_UPLOAD: Final = "upload-file-stream"
_ORDERS: Final[dict[str, tuple[str, Callable[[StoredFile], Any], bool]]] = {
    "new": ("newest first", attrgetter("uploaded_at"), True),
    "ends": ("next to expire", attrgetter("expires_at"), False),
    "path": ("by path", attrgetter("path"), False),
    "size": ("largest first", attrgetter("size"), True),
}
_READABLE: Final = re.compile(
    r"text/.*|application/(?:.*\+)?(?:json|xml|yaml|javascript)|image/svg\+xml"
)
_SHOWN_AS_THEY_ARE: Final = re.compile(r"(?:image|video|audio)/[\w.+-]+|application/pdf|text/html")
_POLICY: Final = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'"
)
_PDF_POLICY: Final = "default-src 'none'; object-src 'self'; frame-ancestors 'self'"


@dataclass(frozen=True, slots=True)
class Shown:
    """A file as the list shows it."""

    file: StoredFile
    kind: str
    link: str
    page: str
    content: str
    left: int
    life: int
    versions: int

    @property
    def curl(self) -> str:
        """The line that reads it."""
        return f"curl -sS {shlex.quote(self.link)} -o {shlex.quote(self.file.name)}"


def kind_of(mime: str) -> str:
    """How a content can be looked at: image, video, audio, pdf, html, text, or other."""
    kind = mime.partition("/")[0]
    if kind in ("image", "video", "audio"):
        return kind
    if mime in ("application/pdf", "text/html"):
        return mime.rpartition("/")[2]
    return "text" if _READABLE.fullmatch(mime) else "other"


async def list_files(site: Site, request: Request) -> Response:
    """The page of the files, a window of them."""
    world = site.world(request)
    query = request.query_params
    wanted, order = query.get("q", "").lower(), query.get("sort", "new")
    _, by, falling = _ORDERS.get(order, _ORDERS["new"])
    files = await site.service.live_files(world, limit=MOST, patient=True)
    total, size = len(files), sum(file.size for file in files)
    if wanted:
        files = [file for file in files if wanted in f"{file.path} {file.mime}".lower()]
    files.sort(key=by, reverse=falling)
    begin = page_of(request, len(files)) * PAGE
    now = world.clock.now()
    await world.journal.catch_up()
    first = first_of(world.journal)
    versions = site.versions(world)
    shown = [
        _shown(site, request, world, file, now, versions.count(file.path, first))
        for file in files[begin : begin + PAGE]
    ]
    return site.page(
        request,
        "files.html",
        world,
        section="files",
        files=shown,
        total=total,
        size=size,
        found=len(files),
        begin=begin,
        page=begin // PAGE,
        more=begin + PAGE < len(files),
        orders={name: label for name, (label, _, _) in _ORDERS.items()},
        order=order if order in _ORDERS else "new",
        life=duration_text(site.service.settings_of(world).retention / 1_000),
        cut=total == MOST,
        **uploading(site, request, world),
    )


def uploading(site: Site, request: Request, world: World) -> dict[str, Any]:
    """What an upload from the page is sent with, and the curl line of one."""
    service = site.service
    operation = service.contract.operations.get(_UPLOAD)
    if operation is None:
        return {"upload_path": None, "first_curl": ""}
    schemes = [scheme for alternative in operation.security[:1] for scheme in alternative]
    header = next((scheme.name for scheme in schemes if scheme.where == "header"), "authorization")
    bearer = not schemes or schemes[0].kind == "bearer"
    key = world.keys[0] if world.keys else ""
    origin = links.request_origin(request.scope, request.headers)
    return {
        "upload_path": operation.path,
        "upload_header": header,
        "upload_value": f"Bearer {key}" if bearer else key,
        "first_curl": upload_curl(origin + operation.path, header, key, bearer=bearer),
    }


def page_of(request: Request, count: int) -> int:
    """The number of the window that is asked for, from 0 on; the last one for what is behind it."""
    return min(number(request, "page", 0), max(count - 1, 0) // PAGE)


async def show_file(site: Site, request: Request) -> Response:
    """The page of one file: what it looks like, its facts, its versions."""
    world = site.world(request)
    path = request.query_params.get("path", "")
    file = await _live(site, world, path)
    await world.journal.catch_up()
    versions = site.versions(world).of(world.journal, path)
    if file is None and not versions:
        raise Refused(404, f"no file is at {path!r}, and the journal knows of none")
    now = world.clock.now()
    shown = None if file is None else _shown(site, request, world, file, now, len(versions))
    text = None
    if file is not None and (shown is None or shown.kind in ("text", "html", "image")):
        text = await _text(site, world, file) if _READABLE.fullmatch(file.mime) else None
    return site.page(
        request,
        "file.html",
        world,
        section="files",
        path=path,
        shown=shown,
        text=text,
        cut=file is not None and file.size > _TEXT,
        versions=versions,
        evicted=world.journal.evicted,
        grave=world.graves.get(path),
    )


async def read_content(site: Site, request: Request) -> Response:
    """The bytes of a file, for the page to show: nothing in them runs, or reads anything."""
    world = site.world(request)
    file = await _live(site, world, request.query_params.get("path", ""))
    if file is None:
        raise Refused(404, _GONE)
    try:
        ranged = requested_span(file, request.headers)
    except Problem as problem:
        raise Refused(416, problem.why, problem.headers) from problem
    span = ranged or Span(0, file.size, file.size)
    reading = await site.service.store.open(world.id, file, span.start, span.stop)
    if reading is None:
        raise Refused(404, _GONE)
    headers = {
        "content-length": str(span.stop - span.start),
        "content-type": _shown_type(file.mime),
        "accept-ranges": "bytes",
        "x-content-type-options": "nosniff",
        "content-security-policy": _PDF_POLICY if file.mime == "application/pdf" else _POLICY,
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "cache-control": "private, max-age=3600",
        "content-disposition": f"inline; filename*=UTF-8''{quote(file.name, safe='')}",
    }
    if ranged is not None:
        headers["content-range"] = f"bytes {span.start}-{span.stop - 1}/{span.size}"
    return StreamingResponse(FilePieces(reading, span), 206 if ranged else 200, headers)


async def delete_file(site: Site, request: Request) -> Response:
    """Take a file away, then the list."""
    world = site.world(request)
    form = await read_form(request)
    await site.service.store.delete(world.id, form.get("path", ""))
    return back(form, address(world))


async def _live(site: Site, world: World, path: str) -> StoredFile | None:
    file = await site.service.store.find(world.id, path)
    return None if file is None or file.expired(world.clock.now()) else file


async def _text(site: Site, world: World, file: StoredFile) -> str:
    most = min(file.size, _TEXT)
    reading = await site.service.store.open(world.id, file, 0, most)
    if reading is None:
        return ""
    async with reading:
        content = b"".join([piece async for piece in reading.pieces(0, most)])
    return content.decode(errors="replace")


def _shown_type(mime: str) -> str:
    if _SHOWN_AS_THEY_ARE.fullmatch(mime):
        return mime
    return "text/plain; charset=utf-8" if _READABLE.fullmatch(mime) else "application/octet-stream"


def _shown(  # noqa: PLR0913, PLR0917 - what is known of a file
    site: Site, request: Request, world: World, file: StoredFile, now: int, versions: int
) -> Shown:
    service = site.service
    settings = service.settings_of(world)
    origin = links.link_origin(settings, service.download_port, request.scope, request.headers)
    return Shown(
        file,
        kind_of(file.mime),
        origin + links.link_path(settings, world, file.path),
        address(world, "files/view", path=file.path),
        address(world, "files/content", path=file.path, version=file.id),
        round(seconds_between(now, file.expires_at) * 1_000),
        max(file.expires_at - file.uploaded_at, 1),
        versions,
    )


def expiring(files: Sequence[StoredFile], now: int, then: int) -> list[StoredFile]:
    """The files that live `now` and will not at another instant, the first to go first."""
    ends = [file for file in files if now < file.expires_at <= then]
    return sorted(ends, key=attrgetter("expires_at"))
