"""The addresses of the dashboard, and what is found there. Not part of the contract.

Every page has an address that can be kept: the world is in it. What changes something is a form
that leads back to a page, so that all of it works without scripts, apart from what is live.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from mockkie.control import PREFIX
from mockkie.dashboard.clock import move_clock, show_clock, show_effect
from mockkie.dashboard.contract import show_claims, show_contract
from mockkie.dashboard.events import follow_world
from mockkie.dashboard.faults import arm_faults, disarm_faults, show_faults
from mockkie.dashboard.files import delete_file, list_files, read_content, show_file
from mockkie.dashboard.journal import clear_journal, list_entries, list_rows, show_entry
from mockkie.dashboard.page import Site, View, address
from mockkie.dashboard.worlds import create_world, drop_world, list_worlds, reset_world
from mockkie.jsonapi import Refused, away
from mockkie.service import Service
from mockkie.worlds import DEFAULT_WORLD

_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_WORLD: Final = "/ui/{world}"


async def _enter(site: Site, request: Request) -> Response:
    del site, request
    return RedirectResponse(address(DEFAULT_WORLD), 307, {"cache-control": "no-store"})


async def _asset(site: Site, request: Request) -> Response:
    asset = site.assets.get(request.path_params["name"])
    if asset is None or asset.url != request.url.path:
        raise Refused(404, "there is no such file; load the page anew")
    headers = {"cache-control": _IMMUTABLE, "x-content-type-options": "nosniff"}
    return Response(asset.content, 200, headers, asset.media_type)


VIEWS: Final[Mapping[str, Mapping[str, View]]] = {
    "": {"GET": _enter},
    "/": {"GET": _enter},
    "/assets/{version}/{name}": {"GET": _asset},
    "/ui/worlds": {"GET": list_worlds, "POST": create_world},
    f"{_WORLD}/drop": {"POST": drop_world},
    f"{_WORLD}/reset": {"POST": reset_world},
    f"{_WORLD}/events": {"GET": follow_world},
    f"{_WORLD}/files": {"GET": list_files},
    f"{_WORLD}/files/view": {"GET": show_file},
    f"{_WORLD}/files/content": {"GET": read_content},
    f"{_WORLD}/files/delete": {"POST": delete_file},
    f"{_WORLD}/journal": {"GET": list_entries},
    f"{_WORLD}/journal/rows": {"GET": list_rows},
    f"{_WORLD}/journal/clear": {"POST": clear_journal},
    f"{_WORLD}/journal/{{seq:int}}": {"GET": show_entry},
    f"{_WORLD}/clock": {"GET": show_clock, "POST": move_clock},
    f"{_WORLD}/clock/effect": {"GET": show_effect},
    f"{_WORLD}/faults": {"GET": show_faults, "POST": arm_faults},
    f"{_WORLD}/faults/disarm": {"POST": disarm_faults},
    f"{_WORLD}/contract": {"GET": show_contract},
    f"{_WORLD}/claims": {"GET": show_claims},
}


def dashboard_app(service: Service) -> ASGIApp:
    """The dashboard of a mock as an ASGI app."""
    site = Site(service)
    routes = [_route(PREFIX + path, site, views) for path, views in VIEWS.items()]
    return Router([*routes, _route("/{rest:path}", site, {})], redirect_slashes=False)


def _route(path: str, site: Site, views: Mapping[str, View]) -> Route:
    route = Route(path, _endpoint(site, views))
    route.methods = None  # what is refused is refused by a page, too
    return route


def _endpoint(site: Site, views: Mapping[str, View]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            view = views.get("GET" if request.method == "HEAD" else request.method)
            if view is None and views:
                allow = ", ".join([*views, *(["HEAD"] if "GET" in views else [])])
                raise Refused(405, f"this page takes {allow}", {"Allow": allow})
            if view is None:
                raise Refused(404, "the dashboard has no such page")
            return await view(site, request)
        except Refused as refused:
            return _refused(site, request, refused)
        except OSError as error:
            return _refused(site, request, away(error))

    return endpoint


def _refused(site: Site, request: Request, refused: Refused) -> Response:
    response = site.page(request, "refused.html", status=refused.status, detail=refused.detail)
    response.headers.update(refused.headers or {})
    return response
