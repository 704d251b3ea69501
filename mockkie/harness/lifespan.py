"""How long a planted file lived, as narrowly as its looks tell, and when to look. Knows no target.

Ages are milliseconds since the upload that a life began with. No look is evidence about the
minute around it: clocks differ, and a request takes its time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mockkie.clock import SECOND
from mockkie.harness.receipts import Look, Planting, Receipt, Role, Sight, gets
from mockkie.problems import UsageError

MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
SLACK: Final = 2 * MINUTE
ENOUGH: Final = 20 * MINUTE  # what an answer that proves nothing must last for
SPOILT: Final = frozenset((Sight.EMPTY, Sight.OTHER, Sight.REFUSAL))
FAILED: Final = frozenset((Sight.ERROR, Sight.UNCLEAR))
EVIDENCE: Final = frozenset((Sight.ALIVE, Sight.FORMER, Sight.GONE)) | SPOILT
TOUCHES: Final = frozenset((Role.READ, Role.HEAD))
_SHORTEST: Final = HOUR
_FULL: Final = frozenset((Role.STREAM, Role.BASE64, Role.URL, Role.READ))


@dataclass(frozen=True, slots=True)
class Span:
    """A life is at least `alive` and at most `gone`; None: no look says so yet."""

    alive: int | None = None
    gone: int | None = None

    def with_(self, other: Span) -> Span:
        """What both tell of one life."""
        alive = [one for one in (self.alive, other.alive) if one is not None]
        gone = [one for one in (self.gone, other.gone) if one is not None]
        return Span(max(alive, default=None), min(gone, default=None))


def edge(retention: int) -> int:
    """How far from its documented end a life may end, as far as an upheld clause says."""
    return min(HOUR, retention // 6)


def check_retention(retention: int) -> int:
    """The same; raises `UsageError` for one that needs no probe."""
    if retention < _SHORTEST:
        raise UsageError("files that live for less than an hour need no probe: wait for them")
    return retention


# --------------------------------------------------------------------------------- evidence


def span_of(receipt: Receipt, retention: int, awake: Iterable[int] = ()) -> Span:
    """What the reads of a file tell of its life. `awake` is when the target was seen to work.

    A cached copy tells of the time at which the cache got it.
    """
    looks = [look for look in gets(receipt.looks) if look.at >= receipt.lives_from]
    alive = [look for look in looks if look.sight == Sight.ALIVE]
    dead = dead_look(receipt, retention, awake)
    ages = [look.at - look.cached_for - receipt.lives_from for look in alive]
    return Span(
        max((age - MINUTE for age in ages if age > MINUTE), default=None),
        None if dead is None else dead.at - receipt.lives_from + MINUTE,
    )


def dead_look(receipt: Receipt, retention: int, awake: Iterable[int]) -> Look | None:
    """The first read after a file's end: it was never seen alive again behind it.

    An error is an end only if nothing else is seen any more while the target works; an answer 200
    without the bytes only when the file's time is over: before, it is another fault than an end.
    """
    looks = [look for look in gets(receipt.looks) if look.at >= receipt.lives_from]
    alive = [number for number, look in enumerate(looks) if look.sight == Sight.ALIVE]
    since = [
        look
        for look in looks[alive[-1] + 1 if alive else 0 :]
        if look.sight not in SPOILT or look.at >= receipt.lives_from + retention
    ]
    gone = [look for look in since if look.sight == Sight.GONE]
    answers = [look for look in since if look.sight != Sight.NOTHING]
    if gone or len({look.sight for look in answers}) != 1:
        return gone[0] if gone else None
    known = list(awake)
    if answers[0].sight in FAILED:
        answers = [one for one in answers if any(abs(one.at - at) < MINUTE for at in known)]
    lasting = answers and answers[-1].at - answers[0].at >= ENOUGH
    return answers[0] if lasting and answers[0].sight in SPOILT | FAILED else None


def when_awake(planting: Planting) -> list[int]:
    """When the target was seen to serve some file as it should."""
    return [
        look.at
        for receipt in planting.receipts
        for look in gets(receipt.looks)
        if look.sight == Sight.ALIVE
    ]


# --------------------------------------------------------------------------------- schedule


def ages(retention: int) -> list[int]:
    """The ages at which a look tells most: around whole days, and close to the end."""
    days = {DAY, retention // 3, 2 * retention // 3}
    around = {age for day in days if day < retention - HOUR for age in (day - HOUR, day + HOUR)}
    return sorted({age for age in around if age > 0} | {*before(retention), *after(retention)})


def before(retention: int) -> list[int]:
    """The ages just before the end; the first comes early, so that no cron job misses it."""
    return [retention - edge(retention) + SLACK, retention - edge(retention) // 2]


def after(retention: int) -> list[int]:
    """The ages just after the end, and well after it."""
    near = edge(retention)
    late = retention + max(retention // 3, 2 * near)
    return [retention + SLACK, retention + near // 2, retention + near, late]


def to_overwrite(planting: Planting) -> tuple[int, int]:
    """From when and until when the second half is planted: at half of the expected age."""
    half = planting.born + planting.retention // 2
    return half, planting.born + planting.retention - edge(planting.retention)


def schedule(planting: Planting, receipt: Receipt) -> list[int]:
    """The instants at which a look at a file is due."""
    retention, own = planting.retention, receipt.lives_from
    if receipt.role in _FULL:
        return [own + age for age in ages(retention)]
    if receipt.role == Role.EARLY:
        return [own + age for age in (before(retention)[0], *after(retention))]
    if receipt.role in (Role.LATE, Role.HEAD):
        return [own + age for age in after(retention)]
    if receipt.role == Role.OVERWRITTEN and receipt.overwritten is None:
        return []
    return _of_second_half(planting, receipt)


def _of_second_half(planting: Planting, receipt: Receipt) -> list[int]:
    """These are witnesses of the end of the first half: there is no look in the day before it.

    Else a cache would answer with its copy just then.
    """
    retention, own = planting.retention, receipt.lives_from
    around = [age for age in ages(retention) if age not in before(retention)]
    elder_ends = [planting.born + age for age in after(retention)[:-1]]
    if receipt.role == Role.OVERWRITTEN:
        later = [own + age for age in ages(retention) if own + age > elder_ends[-1]]
        return sorted({own, *elder_ends, *later})
    elder = [planting.born + age for age in around if planting.born + age > own + MINUTE]
    return sorted({*elder[:-1], *(own + age for age in ages(retention))})


def is_due(planting: Planting, receipt: Receipt, now: int) -> bool:
    """Whether an instant of its schedule has passed without a look that tells anything."""
    passed = [instant for instant in schedule(planting, receipt) if instant <= now]
    told = [look.at for look in gets(receipt.looks) if look.sight in EVIDENCE]
    return bool(passed) and max(told, default=0) < passed[-1]


def touch_is_due(planting: Planting, receipt: Receipt, now: int) -> bool:
    """Whether a file that is read often is to be read once more: each hour while it should live."""
    if receipt.role not in TOUCHES or now >= receipt.born + planting.retention + SLACK:
        return False
    answered = [look.at for look in receipt.looks if look.sight not in (Sight.NOTHING, Sight.ERROR)]
    return now - max(answered, default=receipt.born) >= HOUR - SLACK


def next_due(planting: Planting, now: int) -> int | None:
    """The next instant at which there is something to do; None: it is over."""
    instants = [at for receipt in planting.receipts for at in schedule(planting, receipt)]
    if planting.of(Role.YOUNGER) is None:
        instants.append(to_overwrite(planting)[0])
    return min((at for at in instants if at > now), default=None)
