"""How a page of the dashboard is made: templates, assets, headers, the world of an address.

Knows no calls. Templates are compiled when the first page is asked for.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from itertools import pairwise
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from blake3 import blake3
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mockkie.clock import SECOND, isoformat
from mockkie.control import PREFIX
from mockkie.control_worlds import clock_state
from mockkie.dashboard.versions import Versions
from mockkie.jsonapi import Refused
from mockkie.service import Service
from mockkie.worlds import World

ASSETS: Final[Mapping[str, str]] = {
    "dashboard.css": "text/css; charset=utf-8",
    "dashboard.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "htmx.LICENSE.txt": "text/plain; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
SECTIONS: Final = ("files", "journal", "clock", "faults", "contract", "claims")
_BODY: Final = 1_048_576
_PLACE: Final = re.compile(r"(?<![^\s(])(?:[^\s(]*/)?([\w.-]+\.(?:ya?ml|json)):(\d+):\d+")
_NEAR: Final = 50
_DIGITS: Final = 15  # more than any journal counts to
WORLDS: Final = f"{PREFIX}/ui/worlds"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
    "frame-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS: Final = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages refer to, under an address that changes with its content."""

    content: bytes
    media_type: str
    url: str


class Site:
    """What all pages of one mock share."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._versions: dict[str, tuple[World, Versions]] = {}

    def versions(self, world: World) -> Versions:
        """Which uploads made the files of a world, as of now."""
        known, versions = self._versions.get(world.id, (None, Versions()))
        if known is not world:
            there = {one.id for one in self.service.worlds}
            kept = {name: pair for name, pair in self._versions.items() if name in there}
            versions = Versions()
            self._versions = {**kept, world.id: (world, versions)}
        versions.read(world.journal)
        return versions

    @cached_property
    def assets(self) -> Mapping[str, Asset]:
        """The assets by name."""
        found = {}
        for name, media_type in ASSETS.items():
            content = (files("mockkie.dashboard") / "assets" / name).read_bytes()
            version = blake3(content).hexdigest()[:16]
            found[name] = Asset(content, media_type, f"{PREFIX}/assets/{version}/{name}")
        return found

    @cached_property
    def _templates(self) -> Environment:
        found = Environment(
            loader=PackageLoader("mockkie.dashboard"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        found.globals |= {
            "asset": lambda name: self.assets[name].url,
            "sections": SECTIONS,
            "address": address,
            "worlds_page": WORLDS,
        }
        filters: dict[str, Callable[..., object]] = {
            "instant": isoformat,
            "bytes": bytes_text,
            "span": span_text,
            "number": lambda value: f"{value:,}",
            "plain": lambda text: _PLACE.sub(r"\1:\2", text or ""),
            "prose": prose,
        }
        found.filters.update(filters)
        return found

    def world(self, request: Request) -> World:
        """The world that the address names; `Refused` when there is none."""
        name = request.path_params["world"]
        world = self.service.worlds.get(name)
        if world is None:
            raise Refused(404, f"there is no world {name!r}; it may have been dropped")
        return world

    def page(
        self,
        request: Request,
        template: str,
        world: World | None = None,
        *,
        status: int = 200,
        section: str = "",
        **context: Any,
    ) -> Response:
        """A page, or a part of one; in the header is the default world when no other is."""
        shown = world or self.service.worlds.default
        worlds = list(self.service.worlds)
        near = worlds[:_NEAR]
        text = self._templates.get_template(template).render(
            world=shown,
            section=section,
            clock=clock_state(shown),
            now=shown.clock.now(),
            key=shown.keys[0] if shown.keys else "",
            worlds=near if shown in near else [shown, *near],
            worlds_left=len(worlds) - len(near),
            here=str(request.url.path),
            query=defaultdict(str, request.query_params),
            **context,
        )
        return Response(text, status, dict(_HEADERS), "text/html; charset=utf-8")


View = Callable[[Site, Request], Awaitable[Response]]


def address(world: World | str, path: str = "files", /, **query: Any) -> str:
    """The path of a page of a world; what is empty of the query is left out."""
    name = quote(world if isinstance(world, str) else world.id, safe="")
    left = {key: value for key, value in query.items() if value not in (None, "")}
    return f"{PREFIX}/ui/{name}/{path}" + (f"?{urlencode(left)}" if left else "")


def number(request: Request, name: str, default: int) -> int:
    """A number of the address, the default for what is none."""
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else default


def see(path: str) -> Response:
    """Where to look after a change."""
    return RedirectResponse(path, 303, {"cache-control": "no-store"})


def back(form: Mapping[str, str], otherwise: str) -> Response:
    """Where a form was sent from, as far as it says so and it is a page of ours."""
    wanted = form.get("back", "")
    return see(wanted if wanted.startswith(f"{PREFIX}/ui/") else otherwise)


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form that a page sent; of several of a name the last."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _BODY:
            raise Refused(413, "a form of this page is small")
    pairs = parse_qsl(content.decode(errors="replace"), keep_blank_values=True)
    return {name: value.strip() for name, value in pairs}


def prose(text: str) -> Markup:
    """A text of ours or of the document, in which `words` between backticks are code."""
    pieces = text.split("`")
    shown = [
        Markup("<code>{}</code>").format(piece) if index % 2 else escape(piece)
        for index, piece in enumerate(pieces)
    ]
    return Markup("").join(shown)


def bytes_text(size: int) -> str:
    """A size as a person says it: `640 B`, `1.4 MB` (of 1,000)."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} B"


def span_text(milliseconds: int) -> str:
    """How long something is off: `2 d 4 h`, `59 min 3 s`, `now`; as `dashboard.js` says it."""
    seconds = abs(milliseconds) // SECOND
    units = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
    for (size, name), (below, smaller) in pairwise(units):
        if seconds >= size:
            rest = seconds % size // below
            return f"{seconds // size} {name}" + (f" {rest} {smaller}" if rest else "")
    return f"{seconds} s" if seconds else "now"
