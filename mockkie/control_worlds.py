"""The calls about worlds of the control API. Knows no uploads."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from mockkie.changes import read_changes
from mockkie.clock import SECOND, isoformat
from mockkie.control_call import Caller
from mockkie.jsonapi import Refused, is_id, is_key, json_response, missing, read_object
from mockkie.problems import UsageError
from mockkie.worlds import World


async def list_worlds(control: Caller, request: Request) -> Response:
    """`GET /worlds`."""
    del request
    return json_response(
        {"worlds": [await _world_state(control, world) for world in control.service.worlds]}
    )


async def create_world(control: Caller, request: Request) -> Response:
    """`POST /worlds`, `id` and `keys` if they matter, `settings` that are not the mock's."""
    body = await read_object(request, {"id", "keys", "settings"})
    world_id, keys = body.get("id"), body.get("keys", [])
    if not (world_id is None or is_id(world_id)):
        raise Refused(
            400,
            "a world's id is a text of 1 to 100 printable characters, without /, not . or ..",
        )
    if not isinstance(keys, list) or not all(is_key(key) for key in keys):
        raise Refused(400, "keys is a list of texts of 1 to 100 printable ASCII characters")
    try:
        changes = read_changes(body.get("settings", {}), of_world=True)
        world = await control.service.create_world(world_id, keys, changes)
    except UsageError as error:
        raise Refused(400, str(error)) from error
    except ValueError as error:
        raise Refused(409, str(error)) from error
    return json_response(await _world_state(control, world), 201)


async def drop_world(control: Caller, request: Request) -> Response:
    """`DELETE /worlds/{id}`."""
    world = control.service.worlds.get(request.path_params["id"])
    if world is None:
        raise missing(request, "world")
    try:
        await control.service.drop_world(world)
    except ValueError as error:
        raise Refused(409, str(error)) from error
    return Response(status_code=204)


async def _world_state(control: Caller, world: World) -> dict[str, Any]:
    count, size = await control.service.store.count(world.id)
    return {
        "id": world.id,
        "key": world.keys[0] if world.keys else None,
        "keys": list(world.keys),
        "account": world.account,
        "clock": clock_state(world),
        "files": count,
        "bytes": size,
    }


def clock_state(world: World) -> dict[str, Any]:
    """`{"now", "offset", "frozen"}`: offset in seconds."""
    clock = world.clock
    return {
        "now": isoformat(clock.now()),
        "offset": clock.offset / SECOND,
        "frozen": clock.frozen,
    }
