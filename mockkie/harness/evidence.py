"""What the looks at a planting tell when they are put together. Knows no target and no clause."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from mockkie.harness.lifespan import (
    MINUTE,
    SPOILT,
    Span,
    dead_look,
    edge,
    next_due,
    span_of,
    when_awake,
)
from mockkie.harness.receipts import Look, Planting, Receipt, Role, Sight, gets

UNTOUCHED: Final = (Role.EARLY, Role.LATE)
ROUTES: Final = {
    "stream": (Role.STREAM, Role.EARLY, Role.LATE, Role.READ, Role.HEAD),
    "base64": (Role.BASE64,),
    "url": (Role.URL,),
}
"""Which files of the first half came by which route; the one that is overwritten aside."""


def hours(age: int) -> str:
    """An age as people say it, to the minute."""
    whole, minutes = divmod(round(age / MINUTE), 60)
    return f"{whole} h {minutes} min" if minutes else f"{whole} h"


def in_words(span: Span) -> str:
    """When a life ended, as far as it is known."""
    if span.alive is None and span.gone is None:
        return "at an age that nobody saw"
    if span.gone is None:
        return f"later than {hours(span.alive or 0)}"
    if span.alive is None:
        return f"before {hours(span.gone)}"
    return f"between {hours(span.alive)} and {hours(span.gone)}"


class Evidence:
    """The spans of all files of a planting, at an instant of the target's time."""

    def __init__(self, planting: Planting, now: int) -> None:
        self.planting = planting
        self.now = now
        self.retention = planting.retention
        self.edge = edge(planting.retention)
        self._awake = when_awake(planting)
        self._spans = {one.role: span_of(one, self._awake) for one in planting.receipts}

    @property
    def age(self) -> int:
        """How old the first half is."""
        return self.now - self.planting.born

    @property
    def over(self) -> bool:
        """Whether there is nothing left to look at."""
        return next_due(self.planting, self.now) is None

    def of(self, role: Role) -> Span:
        """What is known of the file of a role."""
        return self._spans.get(role, Span())

    def last_alive(self, receipt: Receipt) -> Look | None:
        """The last read that found a file."""
        alive = [look for look in gets(receipt.looks) if look.sight == Sight.ALIVE]
        return alive[-1] if alive else None

    def dead(self, receipt: Receipt) -> Look | None:
        """The read that first found a file at its end."""
        reads = [look for look in gets(receipt.looks) if look.at >= receipt.lives_from]
        last = self.last_alive(receipt)
        since = reads[reads.index(last) + 1 :] if last in reads and last is not None else reads
        return dead_look(since, set(self._awake))

    def spoilt(self, receipt: Receipt) -> list[tuple[int, Look]]:
        """Ages and reads that were answered 200 without the right bytes, both times."""
        reads = gets(receipt.looks)
        after = [*reads[1:], None]
        return [
            (look.at - receipt.lives_from, look)
            for look, following in zip(reads, after, strict=True)
            if look.sight in SPOILT
            and (following is None or following.at - look.at > MINUTE)
            and look.at >= receipt.lives_from
        ]

    @cached_property
    def untouched(self) -> Span:
        """What files tell that nobody had looked at before."""
        found = Span()
        for role in UNTOUCHED:
            receipt = self.planting.of(role)
            if receipt is not None:
                first = self.first_alive(receipt)
                gone = self.of(role).gone if self.last_alive(receipt) is None else None
                found = found.with_(Span(first, gone))
        return found

    def first_alive(self, receipt: Receipt) -> int | None:
        """The age at which a file was found by the first look at it."""
        reads = gets(receipt.looks)
        if not reads or reads[0].sight != Sight.ALIVE or reads[0] is not receipt.looks[0]:
            return None
        age = reads[0].at - reads[0].cached_for - receipt.lives_from - MINUTE
        return age if age > 0 else None

    @cached_property
    def floor(self) -> int:
        """How long a file lives at least, by looks that nothing came before."""
        known = [self.planting.of(role) for role in ROUTES["stream"]]
        ages = [self.first_alive(receipt) for receipt in known if receipt is not None]
        return max((age for age in ages if age is not None), default=0)

    @cached_property
    def prolonged_by(self) -> dict[Role, str]:
        """By what a life is prolonged: files that outlived the ones that nobody looked at."""
        found = {}
        gone = self.untouched.gone
        for role, verb in ((Role.READ, "read"), (Role.HEAD, "asked for with HEAD")):
            alive = self.of(role).alive
            if gone is not None and alive is not None and alive > gone:
                found[role] = (
                    f"a file that was {verb} again and again was there at {hours(alive)}, "
                    f"one that nobody asked for was gone by {hours(gone)}"
                )
        return found

    @cached_property
    def peers(self) -> Span:
        """How long files live that share their folder with no other, so that none affects them."""
        found = self.untouched
        for role in () if self.prolonged_by else (*UNTOUCHED, Role.READ, Role.HEAD):
            found = found.with_(self.of(role))
        return found

    def life(self, route: str = "stream") -> Span:
        """How long files of a route live; only what nobody had looked at, if looks prolong."""
        if self.prolonged_by:
            return self.untouched if route == "stream" else Span()
        found = Span()
        for role in ROUTES[route]:
            found = found.with_(self.of(role))
        return found
