"""Who is let in below `/__mockkie`: programs, and pages of the mock's own. Knows no calls.

A web page of a stranger must not move a developer's clock. Browsers say where a request comes from
(`Origin`, `Sec-Fetch-Site`), and under which name they reached the mock (`Host`): a name that
somebody else's DNS leads here, to make our pages theirs (DNS rebinding), is none of ours. Where
other machines reach the mock, a control key is asked for as well (`mockkie.entrance`).
"""

from __future__ import annotations

import re
from collections.abc import Container
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from mockkie import links
from mockkie.control import PREFIX, control_app
from mockkie.entrance import ENTER, NoControlKey, asking_page, enter, judge_control_key
from mockkie.jsonapi import Refused, away, problem_response
from mockkie.service import Service

_READING: Final = ("GET", "HEAD", "OPTIONS")
_OURS: Final = ("same-origin", "none")
_HOST: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]/?#@:\s]+))(?::[0-9]{0,5})?")
_FRAMES: Final = ("embed", "frame", "iframe", "object")
_SAMPLES: Final = f"{PREFIX}/origin/"
_PAGES: Final = tuple(PREFIX + path for path in ("/ui/", "/assets/"))
_ALIVE: Final = "/livez"  # also when the store is away
_ENTRANCES: Final = (PREFIX, f"{PREFIX}/")
_PRIVATE: Final = (".localhost", ".internal")
"""Domains that no public DNS has (RFC 6761; ICANN reserved `.internal` in 2024)."""


class Gate:
    """The control API and the dashboard, for those who may ask."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._control = control_app(service)
        self._dashboard: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        key = self._service.control_key
        shown = path in _ENTRANCES or path.startswith(_PAGES)
        try:
            if path.startswith(PREFIX):
                self._judge(scope)
                if path == ENTER and key is not None and scope["method"] == "POST":
                    await (await enter(Request(scope, receive), key))(scope, receive, send)
                    return
                if key is not None:
                    judge_control_key(Headers(scope=scope), key)
            if path != _ALIVE and not self._service.is_ready:
                await self._service.ready()
        except NoControlKey as refused:
            response = asking_page() if shown else problem_response(refused)
            await response(scope, receive, send)
            return
        except Refused as refused:
            await problem_response(refused)(scope, receive, send)
            return
        except OSError as error:
            await problem_response(away(error))(scope, receive, send)
            return
        if shown:
            if self._dashboard is None:
                # Templates are slow to import, and most mocks are never looked at.
                from mockkie.dashboard.site import dashboard_app  # noqa: PLC0415

                self._dashboard = dashboard_app(self._service)
            await self._dashboard(scope, receive, send)
        else:
            await self._control(scope, receive, send)

    def _judge(self, scope: Scope) -> None:
        service = self._service
        known = {urlsplit(address).hostname for address in service.addresses}
        judge_host(scope, known | {name.lower() for name in service.control_hosts})
        judge_page(scope)


def judge_host(scope: Scope, known: Container[str | None]) -> None:
    """Refuse a request that came under a name which is not the mock's; `known` are further ones.

    A name without a dot, such as that of a container, is nobody's in public DNS. Without a server
    the name is as good as the address, and through the proxy of `mockkie run` hosts are its own.
    """
    written = Headers(scope=scope).get("host", "")
    found = _HOST.fullmatch(written)
    name = (found[1] or found[2]).lower() if found else written
    if written and not found:
        raise Refused(400, f"the Host {written!r} is none: a name or an address, perhaps a port")
    server = scope.get("server") or ("", None)
    if (
        not name
        or "." not in name
        or name.endswith(_PRIVATE)
        or name in known
        or name == str(server[0]).lower()
        or _is_address(name)
        or "served" in scope.get("state", {})
    ):
        return
    raise Refused(
        403,
        f"{name!r} is not a name of this mock, and a web page may have led it here; ask it by "
        f"localhost or an address, or serve with --control-host {name}",
    )


def judge_page(scope: Scope) -> None:
    """Refuse what a page of another origin asks for; programs send no such headers.

    A link from elsewhere may be followed; what is read into another page may not, also where
    browsers would keep it from the page: that it comes, and when, tells of the worlds.
    """
    headers = Headers(scope=scope)
    if scope["method"] in _READING:
        mode = headers.get("sec-fetch-mode", "navigate")
        frame = headers.get("sec-fetch-dest") in _FRAMES
        foreign = headers.get("sec-fetch-site", "none") not in _OURS
        samples = scope["path"].startswith(_SAMPLES)
        if not foreign or samples or (mode == "navigate" and not frame):
            return
        raise Refused(403, "a page of another origin asked for this: open it in a tab of its own")
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    own = urlsplit(links.request_origin(scope, headers)).netloc
    if site in _OURS or (site is None and (origin is None or _place(origin) == own)):
        return
    raise Refused(
        403,
        f"a page of {origin or 'another origin'} asked for this, and only pages of the mock's own "
        "may; send it from a program, without Origin",
    )


def _place(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # no page is of such an origin
        return None


def _is_address(name: str) -> bool:
    try:
        return bool(str(ip_address(name)))
    except ValueError:
        return False
