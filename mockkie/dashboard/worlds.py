"""The worlds of the mock: which there are, a new one, an end to one, one as new."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from mockkie.control_worlds import clock_state
from mockkie.dashboard.page import WORLDS, Site, address, read_form, see
from mockkie.jsonapi import is_id, is_key
from mockkie.worlds import DEFAULT_WORLD

_PAGE = 100


async def list_worlds(site: Site, request: Request, error: str = "") -> Response:
    """The page of the worlds, a window of them."""
    service = site.service
    wanted = request.query_params.get("q", "").lower()
    worlds = [world for world in service.worlds if wanted in world.id.lower()]
    shown = [
        (world, clock_state(world), *await service.store.count(world.id), len(list(world.faults)))
        for world in worlds[:_PAGE]
    ]
    return site.page(
        request,
        "worlds.html",
        section="worlds",
        status=400 if error else 200,
        error=error,
        shown=shown,
        found=len(worlds),
        default=DEFAULT_WORLD,
        wanted=wanted,
    )


async def create_world(site: Site, request: Request) -> Response:
    """A new world, then its page."""
    form = await read_form(request)
    name, key = form.get("id", ""), form.get("key", "")
    if name and not is_id(name):
        why = "a name has up to 100 characters and no slash, and is not . or .."
        return await list_worlds(site, request, why)
    if key and not is_key(key):
        return await list_worlds(site, request, "a key has up to 100 characters of ASCII")
    try:
        world = await site.service.create_world(name or None, [key] if key else [])
    except ValueError as error:
        return await list_worlds(site, request, str(error))
    return see(address(world))


async def drop_world(site: Site, request: Request) -> Response:
    """Forget a world with its files."""
    try:
        await site.service.drop_world(site.world(request))
    except ValueError as error:
        return await list_worlds(site, request, str(error))
    return see(WORLDS)


async def reset_world(site: Site, request: Request) -> Response:
    """The world as new."""
    world = site.world(request)
    await site.service.reset(world)
    return see(address(world))
