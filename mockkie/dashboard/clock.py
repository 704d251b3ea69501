"""The clock of a world: what a move would do to its files, and the move. Knows no contents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from mockkie.clock import parse_duration, parse_instant, real_now
from mockkie.dashboard.files import MOST, expiring
from mockkie.dashboard.page import Site, address, read_form, see
from mockkie.jsonapi import Refused
from mockkie.store import StoredFile
from mockkie.worlds import World

MOVES: Final = {"PT1H": "+1 hour", "P1D": "+1 day", "P3D": "+3 days"}
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Effect:
    """What a move of the clock would do: where it leads, and the files that end on the way."""

    then: int
    ends: Sequence[StoredFile]
    live: int

    @property
    def text(self) -> str:
        """`2 of 5 files expire: a/b.png, c/d.txt`."""
        if not self.ends:
            return f"no file expires; {self.live:,} stay" if self.live else "there are no files"
        names = ", ".join(file.path for file in self.ends[:_NAMED])
        more = f" and {len(self.ends) - _NAMED:,} more" if len(self.ends) > _NAMED else ""
        verb = "file expires" if self.live == 1 else "files expire"
        return f"{len(self.ends):,} of {self.live:,} {verb}: {names}{more}"


async def show_clock(site: Site, request: Request, error: str = "") -> Response:
    """The page of the clock, with what each move would do."""
    world = site.world(request)
    files = await site.service.live_files(world, limit=MOST, patient=True)
    now, soonest = world.clock.now(), sorted(files, key=lambda file: file.expires_at)
    return site.page(
        request,
        "clock.html",
        world,
        section="clock",
        status=400 if error else 200,
        error=error,
        moves=[
            (duration, label, _effect(files, now, now + parse_duration(duration)))
            for duration, label in MOVES.items()
        ],
        back=_effect(files, now, real_now()),
        soonest=soonest[:8],
        total=len(files),
        faults=[
            one for one in world.faults if one.fault.when.to_json().keys() & {"since", "until"}
        ],
    )


async def show_effect(site: Site, request: Request) -> Response:
    """What a move to `to` would do, a duration or a time; as a part of a page."""
    world = site.world(request)
    text = request.query_params.get("to", "").strip()
    effect, error = None, ""
    try:
        then = _target(world, text)
    except ValueError as problem:
        error = str(problem)
    else:
        files = await site.service.live_files(world, limit=MOST, patient=True)
        effect = _effect(files, world.clock.now(), then)
    return site.page(request, "effect.html", world, effect=effect, error=error if text else "")


async def move_clock(site: Site, request: Request) -> Response:
    """Advance, jump, freeze, let flow, or go back to real time."""
    world = site.world(request)
    form = await read_form(request)
    action = form.get("action", "")
    moves = {
        "to": lambda: _move_to(world, form.get("to", "")),
        "freeze": lambda: world.clock.set(frozen=True),
        "resume": lambda: world.clock.set(frozen=False),
        "reset": lambda: world.clock.reset(),  # noqa: PLW0108 - that of then
    }
    if action not in moves:
        raise Refused(400, f"a clock can: {', '.join(moves)}")
    try:
        await site.service.move_clock(world, moves[action], patient=True)
    except ValueError as error:
        return await show_clock(site, request, str(error))
    return see(address(world, "clock"))


def _move_to(world: World, text: str) -> None:
    """By a duration or to a time, as `_target` understands it; a clock that flows flows on."""
    if text.startswith("P"):
        world.clock.advance(parse_duration(text))
    else:
        world.clock.set(now=_target(world, text))


def _target(world: World, text: str) -> int:
    """The instant that a text leads to: `P3D` from now on, or a time; `ValueError` otherwise."""
    if text.startswith("P"):
        return world.clock.now() + parse_duration(text)
    try:
        return parse_instant(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is neither a duration such as P3D or PT90M, nor a time such as "
            "2026-01-01T12:00:00Z"
        ) from None


def _effect(files: Sequence[StoredFile], now: int, then: int) -> Effect:
    return Effect(then, expiring(files, now, then), len(files))
