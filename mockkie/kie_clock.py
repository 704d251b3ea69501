"""The time of one world, for whoever holds its handle. Knows nothing of files or requests."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from mockkie.clock import from_datetime, parse_duration, parse_instant, to_datetime
from mockkie.service import Service
from mockkie.worlds import World

Run = Callable[[Coroutine[Any, Any, Any]], Any]
"""Runs a coroutine where the mock lives, and returns its result."""


class KieClock:
    """The world's time."""

    def __init__(self, service: Service, world: World, run: Run) -> None:
        self._service = service
        self._world = world
        self._run = run

    @property
    def now(self) -> datetime:
        """The world's time, in UTC."""
        return to_datetime(self._world.clock.now())

    @property
    def frozen(self) -> bool:
        """Whether it stands still."""
        return self._world.clock.frozen

    @property
    def offset(self) -> timedelta:
        """How far it is ahead of real time."""
        return timedelta(milliseconds=self._world.clock.offset)

    def advance(  # noqa: PLR0913 - the units of a timedelta
        self,
        duration: timedelta | str | None = None,
        *,
        weeks: float = 0,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
        milliseconds: float = 0,
    ) -> datetime:
        """Move forward by a timedelta, an ISO 8601 duration or the given units; returns `now`.

        `ValueError` when that is backwards or past the year 9999.
        """
        try:
            span = timedelta(
                weeks=weeks,
                days=days,
                hours=hours,
                minutes=minutes,
                seconds=seconds,
                milliseconds=milliseconds,
            )
            if isinstance(duration, str):
                span += timedelta(milliseconds=parse_duration(duration))
            elif duration is not None:
                span += duration
        except OverflowError:
            raise ValueError("that is too long a time") from None
        return self._move(lambda: self._world.clock.advance(span // timedelta(milliseconds=1)))

    def set(self, now: datetime | str) -> datetime:
        """Jump to an aware datetime or an ISO 8601 text with a zone."""
        instant = _instant(now)
        return self._move(lambda: self._world.clock.set(now=instant))

    def freeze(self, now: datetime | str | None = None) -> datetime:
        """Stand still, at `now` if given."""
        instant = None if now is None else _instant(now)
        return self._move(lambda: self._world.clock.set(now=instant, frozen=True))

    def resume(self) -> datetime:
        """Flow again from where it stands."""
        return self._move(lambda: self._world.clock.set(frozen=False))

    def reset(self) -> datetime:
        """Back to real time."""
        return self._move(lambda: self._world.clock.reset())  # noqa: PLW0108 - that of then

    def _move(self, move: Callable[[], None]) -> datetime:
        self._run(self._service.move_clock(self._world, move))
        return self.now


def _instant(now: datetime | str) -> int:
    return parse_instant(now) if isinstance(now, str) else from_datetime(now)
