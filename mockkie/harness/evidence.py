"""What the looks at a planting tell when they are put together. Knows no target and no clause."""

from __future__ import annotations

from collections.abc import Iterable
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
    words = [f"{whole} h"] if whole or not minutes else []
    return " ".join([*words, f"{minutes} min"] if minutes else words)


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
        self._spans = {
            one.role: span_of(one, planting.retention, self._awake) for one in planting.receipts
        }

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
        return dead_look(receipt, self.retention, self._awake)

    def spoilt(self, receipt: Receipt) -> list[tuple[int, Look]]:
        """Ages and reads that were answered 200 without the right bytes, both times."""
        reads = gets(receipt.looks)
        after = [*reads[1:], None]  # one more read, at once, that saw something else is in it
        return [
            (look.at - receipt.lives_from, look)
            for look, following in zip(reads, after, strict=False)
            if look.sight in SPOILT
            and (following is None or following.at - look.at > MINUTE)
            and look.at >= receipt.lives_from
        ]

    def first_alive(self, receipt: Receipt) -> int | None:
        """The age at which a file was found by the first look at it: nothing can have prolonged it.

        An age like the other ones, a minute short.
        """
        reads = gets(receipt.looks)
        if not reads or reads[0].sight != Sight.ALIVE or reads[0] is not receipt.looks[0]:
            return None
        age = reads[0].at - reads[0].cached_for - receipt.lives_from - MINUTE
        return age if age > 0 else None

    @cached_property
    def gone_untouched(self) -> int | None:
        """By which age a file was gone that nobody had found before."""
        known = [self.planting.of(role) for role in UNTOUCHED]
        gone = [self.of(one.role).gone for one in known if one and not self.last_alive(one)]
        return min((age for age in gone if age is not None), default=None)

    @cached_property
    def prolonged_by(self) -> dict[Role, str]:
        """By what a life is prolonged: files that outlived the ones that nobody looked at."""
        found = {}
        gone = self.gone_untouched
        for role, verb in ((Role.READ, "read"), (Role.HEAD, "asked for with HEAD")):
            alive = self.of(role).alive
            if gone is not None and alive is not None and alive > gone:
                found[role] = (
                    f"a file that was {verb} again and again was there at {hours(alive)}, "
                    f"one that nobody asked for was gone by {hours(gone)}"
                )
        return found

    @cached_property
    def reads_are_harmless(self) -> bool:
        """Whether it is shown that a read does not prolong a life: later reads tell of it then."""
        return bool(self.ended_all_the_same(Role.READ))

    def ended_all_the_same(self, role: Role) -> str:
        """How the end of a file shows that looks did not prolong its life; empty if it does not.

        Had its last look given it a life as long as files have at least, it would still be there.
        """
        receipt, gone = self.planting.of(role), self.of(role).gone
        dead = None if receipt is None else self.dead(receipt)
        if receipt is None or gone is None or dead is None:
            return ""
        method = "HEAD" if role == Role.HEAD else "GET"
        looks = [
            look.at - look.cached_for - receipt.lives_from  # what a cache answered touched nothing
            for look in receipt.looks
            if look.method == method and look.sight == Sight.ALIVE and look.at < dead.at
        ]
        last = max(looks, default=0)
        known = [self.planting.of(peer) for peer in ROUTES["stream"]]
        least = [age for peer in known if peer and (age := self.first_alive(peer)) is not None]
        if last < self.edge or gone >= last + max(least, default=0):
            return ""
        return f"gone by {hours(gone)}, though its last {method} came at {hours(last)}"

    def life(self, route: str = "stream") -> Span:
        """How long files of a route live."""
        return self.together(ROUTES[route])

    @cached_property
    def peers(self) -> Span:
        """How long files live that share their folder with no other, so that none affects them."""
        return self.together((*UNTOUCHED, Role.READ, Role.HEAD))

    def together(self, roles: Iterable[Role]) -> Span:
        """What several files tell of one life. That a file was gone tells of it in any case.

        That it was there does not if a look may have prolonged its life.
        """
        found = Span()
        for role in roles:
            receipt, span = self.planting.of(role), self.of(role)
            if receipt is not None:
                later = self.reads_are_harmless and role != Role.HEAD
                alive = span.alive if later else self.first_alive(receipt)
                found = found.with_(Span(alive, span.gone))
        return found
