"""The calls about settings of the control API. Knows not what settings do."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from mockkie.changes import PROFILE, nested, read_changes
from mockkie.control_call import Caller
from mockkie.jsonapi import Refused, json_response, read_object
from mockkie.problems import UsageError
from mockkie.worlds import World


async def show_settings(control: Caller, request: Request) -> Response:
    """`GET /settings`: those of the world, and which of them it has changed."""
    return _state(control, control.world(request))


async def change_settings(control: Caller, request: Request) -> Response:
    """`PATCH /settings`: each that is named is replaced, the others stay."""
    world = control.world(request)
    body = await read_object(request)
    try:
        changes = read_changes(body, of_world=True)
        await control.service.change_settings(world, changes, more=True)
    except UsageError as error:
        raise Refused(400, str(error)) from error
    return _state(control, world)


async def reset_settings(control: Caller, request: Request) -> Response:
    """`DELETE /settings`: all as the mock has them."""
    world = control.world(request)
    await control.service.change_settings(world, {})
    return _state(control, world)


def _state(control: Caller, world: World) -> Response:
    settings = control.service.settings_of(world)
    return json_response(
        {
            PROFILE: settings.profile,
            "settings": nested(settings.values),
            "changed": nested(world.changes),
        }
    )
