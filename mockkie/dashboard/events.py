"""What changes in a world, as server-sent events (WHATWG HTML, 9.2). Knows no pages.

Looked at every now and then, not told: what other processes of the mock do is seen in the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson
from blake3 import blake3
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from mockkie.connection import WIRE, Connection
from mockkie.control_worlds import clock_state
from mockkie.dashboard.page import Site
from mockkie.worlds import World

LOOK_SECONDS: Final = 0.25
_QUIET_LOOKS: Final = 60
_HEADERS: Final = {"cache-control": "no-store", "x-accel-buffering": "no"}


async def follow_world(site: Site, request: Request) -> Response:
    """The stream: a `state` when it differs from the last one, for as long as the world lives.

    A mock that is to stop does not wait for it.
    """
    world = site.world(request)
    connection: Connection | None = (request.scope.get("extensions") or {}).get(WIRE)
    return StreamingResponse(_states(site, world, connection), 200, _HEADERS, "text/event-stream")


async def _states(site: Site, world: World, connection: Connection | None) -> AsyncIterator[bytes]:
    service, told, quiet = site.service, b"", 0
    yield b"retry: 1000\n\n"
    while connection is None or not connection.gone():
        await service.ready()
        if service.worlds.get(world.id) is not world:
            yield b"event: dropped\ndata: \n\n"
            return
        state = orjson.dumps(await state_of(site, world))
        marks = state.partition(b'"now"')[0]
        if marks != told:
            told, quiet = marks, 0
            yield b"event: state\ndata: " + state + b"\n\n"
        elif quiet >= _QUIET_LOOKS:
            quiet = 0
            yield b": still here\n\n"
        quiet += 1
        await asyncio.sleep(LOOK_SECONDS)


async def state_of(site: Site, world: World) -> dict[str, Any]:
    """A mark for each thing that pages show, another one when it has changed; `now` comes last."""
    service, journal = site.service, world.journal
    await journal.catch_up()
    if world.faults:
        await world.faults.reload()
    # To count what is in a bucket is to list it: there, the journal tells of new files.
    count, size = (0, 0) if service.store.waits else await service.store.count(world.id)
    offset, frozen_at = world.clock.state()
    faults = [armed.to_json() for armed in world.faults]
    first = next(iter(journal.entries(limit=1)), None)
    return {
        "files": f"{count}/{size}/{journal.last}",
        "journal": journal.last,
        "cleared": first is None,
        "faults": blake3(orjson.dumps(faults)).hexdigest()[:16],
        "worlds": ",".join(one.id for one in service.worlds),
        "clock": f"{offset}/{frozen_at}",
        "frozen": world.clock.frozen,
        "offset": 0 if world.clock.frozen else round(offset / 1_000),
        "now": clock_state(world)["now"],
        "instant": world.clock.now(),
    }
