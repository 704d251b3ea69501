"""Who is let in below `/__mockkie`: programs, and pages of the mock's own. Knows no calls.

A web page of a stranger must not move a developer's clock. Browsers say where a request comes from
(`Origin`, `Sec-Fetch-Site`), and under which name they reached the mock (`Host`): a name that
somebody else's DNS leads here, to make our pages theirs (DNS rebinding), is none of ours.
"""

from __future__ import annotations

from collections.abc import Container
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from mockkie import links
from mockkie.control import PREFIX, control_app
from mockkie.jsonapi import Refused, away, problem_response
from mockkie.service import Service

_READING: Final = ("GET", "HEAD", "OPTIONS")
_OURS: Final = ("same-origin", "none")
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
        try:
            if path.startswith(PREFIX):
                self._judge(scope)
            if path != _ALIVE and not self._service.is_ready:
                await self._service.ready()
        except Refused as refused:
            await problem_response(refused)(scope, receive, send)
            return
        except OSError as error:
            await problem_response(away(error))(scope, receive, send)
            return
        if path in _ENTRANCES or path.startswith(_PAGES):
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
    try:
        name = urlsplit(f"//{written}").hostname or ""
    except ValueError:
        name = written
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
    """Refuse a change that a page of another origin asks for; programs send no such headers."""
    headers = Headers(scope=scope)
    if scope["method"] in _READING:
        return
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
