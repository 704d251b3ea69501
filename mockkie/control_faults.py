"""The calls about faults of the control API. Knows not what faults do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from mockkie.control_call import Caller
from mockkie.faults import Fault
from mockkie.jsonapi import Refused, json_response, missing, read_object
from mockkie.scenarios import Script, read_script, scenarios
from mockkie.values import FaultError

_FAULT: Final = ("operation", "path", "when", "times", "seed", "then")
_SCRIPT: Final = ("about", "seed", "faults")


async def list_faults(control: Caller, request: Request) -> Response:
    """`GET /faults`: those of the world, in order, and the names of the scenarios."""
    world = control.world(request)
    await world.faults.reload()
    shown = [armed.to_json() for armed in world.faults]
    return json_response({"faults": shown, "scenarios": scenarios()})


async def add_faults(control: Caller, request: Request) -> Response:
    """`POST /faults`: one, those of a script, or those of a scenario by its name."""
    world = control.world(request)
    body = await read_object(request, {*_FAULT, *_SCRIPT, "scenario"})
    try:
        wanted = _wanted(body)
        armed = await control.service.arm(world, wanted)
    except FaultError as error:
        raise Refused(400, str(error)) from error
    shown: Any = {"faults": [one.to_json() for one in armed]}
    if "faults" not in body and "scenario" not in body:
        [shown] = shown["faults"]
    return json_response(shown, 201)


def _wanted(body: dict[str, Any]) -> Sequence[Fault]:
    if "scenario" in body:
        name = body["scenario"]
        if name not in scenarios():
            known = ", ".join(scenarios())
            raise FaultError(("scenario",), f"{name!r:.60} is no scenario; there are: {known}")
        root = {**Script.named(name).root, **{key: body[key] for key in body if key != "scenario"}}
        return read_script(root)[1]
    if "faults" in body:
        return read_script(body)[1]
    return [Fault.of(body)]


async def show_fault(control: Caller, request: Request) -> Response:
    """`GET /faults/{id}`."""
    world = control.world(request)
    await world.faults.reload()
    armed = world.faults.get(request.path_params["id"])
    if armed is None:
        raise missing(request, "fault")
    return json_response(armed.to_json())


async def remove_fault(control: Caller, request: Request) -> Response:
    """`DELETE /faults/{id}`."""
    world = control.world(request)
    if not await control.service.disarm(world, request.path_params["id"]):
        raise missing(request, "fault")
    return Response(status_code=204)


async def clear_faults(control: Caller, request: Request) -> Response:
    """`DELETE /faults`."""
    return json_response({"deleted": await control.service.disarm(control.world(request))})
