"""The lives of planted files as a picture, a row each. Knows no target and no clause.

Where a file ended is a span, not an instant: between the last look that found it and the first that
did not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mockkie.clock import isoformat
from mockkie.harness.drawing import Drawing
from mockkie.harness.evidence import Evidence, hours, in_words
from mockkie.harness.lifespan import HOUR, next_due
from mockkie.harness.receipts import Look, Planting, Receipt, Sight

_LEFT, _RIGHT, _WIDTH = 120.0, 700.0, 980
_TOP, _ROW = 92.0, 30.0
_BELOW: Final = 74
_STEPS: Final = (1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 720)
_MOST_TICKS: Final = 13
_STYLE: Final = """
.alive { fill: var(--good); } .former { fill: var(--good); opacity: .4; }
.between { fill: var(--band); stroke: var(--warn); }
.unknown { stroke: var(--quiet); stroke-dasharray: 2 4; stroke-width: 2; }
.gone { stroke: var(--bad); stroke-width: 1.5; fill: none; }
.after { stroke: var(--line); stroke-width: 2; }
.seen { stroke: var(--sheet); stroke-width: 1.5; } .planted { fill: var(--ink); }
.again { fill: var(--odd); stroke: var(--sheet); }
.due { stroke: var(--late); stroke-width: 1.5; stroke-dasharray: 5 3; }
.own { stroke: var(--late); stroke-width: 2.5; }
.now { stroke: var(--ink); stroke-dasharray: 1 3; } .asked { stroke: var(--quiet); }
.trouble { stroke: var(--warn); stroke-width: 2; fill: none; }
.dated { fill: var(--late); font-size: 12px; }
"""


def timeline_svg(planting: Planting, now: int) -> bytes:
    """The file: what is known of each planted file at `now`, an instant of the target's time."""
    evidence = Evidence(planting, now)
    rows = planting.receipts
    ends = [receipt.lives_from + planting.retention for receipt in rows]
    last = max([now, planting.born + planting.retention, *ends]) + HOUR
    scale = (_RIGHT - _LEFT) / (last - planting.born)

    def at(instant: int) -> float:
        return _LEFT + (instant - planting.born) * scale

    bottom = _TOP + _ROW * (len(rows) + len(planting.missing))
    title = f"Files planted on {planting.target} at {isoformat(planting.born)}"
    words = [_words(evidence, receipt) for receipt in rows]
    words += [f"{role} was not planted: {why}." for role, why in planting.missing.items()]
    says = f"Files should live for {hours(planting.retention)}. {' '.join(words)}"
    picture = Drawing(_WIDTH, int(bottom) + _BELOW, title, says, _STYLE)
    _heading(picture, planting, now)
    _grid(picture, planting, (at, last), bottom)
    if next_due(planting, now) is not None:
        picture.line("now", at(now), _TOP - 6, at(now), bottom)
        picture.text("now", at(now), _TOP - 26, "quiet middle")
    for number, receipt in enumerate(rows):
        picture.group(words[number])
        _row(picture, evidence, receipt, _TOP + _ROW * (number + 0.5), at)
    for number, (role, why) in enumerate(planting.missing.items(), len(rows)):
        picture.group(words[number])
        middle = _TOP + _ROW * (number + 0.5)
        picture.text(role, 16, middle + 4, "bold")
        picture.text(f"not planted: {why}", _LEFT, middle + 4, "quiet")
    _legend(picture.group("What the marks mean"), bottom + 44)
    return picture.to_bytes()


def _words(evidence: Evidence, receipt: Receipt) -> str:
    """What a row shows; ages are those of the file."""
    parts = [f"planted at {hours(receipt.born - evidence.planting.born)}"]
    if receipt.overwritten is not None:
        parts.append(f"overwritten {hours(receipt.overwritten - receipt.born)} later")
    span = evidence.of(receipt.role)
    since = "its overwrite" if receipt.overwritten is not None else "its upload"
    if span.alive is None and span.gone is None:
        parts.append("not known to have ended")
    else:
        parts.append(f"ended {in_words(span)} after {since}")
    return f"{receipt.role}: {', '.join(parts)}; {len(receipt.looks)} looks."


def _heading(picture: Drawing, planting: Planting, now: int) -> None:
    picture.text("How long files live", 16, 28, "head")
    told = f"planted {isoformat(planting.born)}, {hours(now - planting.born)} ago"
    picture.text(f"{planting.target}, {told}", 16, 48, "quiet")
    picture.text("when it ended", _RIGHT + 16, _TOP - 12, "quiet")


def _grid(
    picture: Drawing, planting: Planting, axis: tuple[Callable[[int], float], int], bottom: float
) -> None:
    """Lines for hours, and the one at which the first files should end."""
    at, last = axis
    whole = (last - planting.born) // HOUR
    for hour in range(0, whole + 1, _step(whole)):
        x = at(planting.born + hour * HOUR)
        picture.line("grid", x, _TOP, x, bottom)
        picture.text(f"{hour} h", x, bottom + 16, "quiet middle")
    due = at(planting.born + planting.retention)
    picture.line("due", due, _TOP - 6, due, bottom)
    picture.text(f"should end: {hours(planting.retention)}", due, _TOP - 12, "dated middle")


def _step(whole: int) -> int:
    """Hours from a line to the next, so that there are not too many for their labels."""
    step = next((one for one in _STEPS if whole // one < _MOST_TICKS), _STEPS[-1])
    while whole // step >= _MOST_TICKS:
        step *= 2
    return step


def _row(
    picture: Drawing,
    evidence: Evidence,
    receipt: Receipt,
    middle: float,
    at: Callable[[int], float],
) -> None:
    span, begun = evidence.of(receipt.role), receipt.lives_from
    picture.text(receipt.role, 16, middle + 4, "bold")
    if receipt.overwritten is not None:
        x = at(receipt.born)
        picture.rect("former", x, middle - 5, at(receipt.overwritten) - x, 10)
    known = begun + (span.alive or 0)
    picture.rect("alive", at(begun), middle - 5, at(known) - at(begun), 10)
    if span.gone is None:
        if evidence.now > known:
            picture.line("unknown", at(known), middle, at(evidence.now), middle)
    else:
        ended = begun + span.gone
        if span.alive is None:
            picture.line("unknown", at(begun), middle, at(ended), middle)
        else:
            picture.rect("between", at(known), middle - 9, at(ended) - at(known), 18)
        picture.line("after", at(ended), middle, at(max(evidence.now, ended)), middle)
    end = at(begun + evidence.retention)
    picture.line("own", end, middle - 12, end, middle + 12)
    for look in receipt.looks:
        _look(picture, look, at(look.at), middle)
    picture.circle("planted", at(receipt.born), middle, 5)
    if receipt.overwritten is not None:
        picture.diamond("again", at(receipt.overwritten), middle, 7)
    told = "not yet known" if span.alive is None and span.gone is None else in_words(span)
    picture.text(told, _RIGHT + 16, middle + 4, "quiet")


def _look(picture: Drawing, look: Look, x: float, middle: float) -> None:
    """A look that found the file is a notch, a `HEAD` above; one that did not is a cross."""
    if look.sight == Sight.ALIVE and look.method == "HEAD":
        picture.line("asked", x, middle - 10, x, middle - 6)
    elif look.sight == Sight.ALIVE:
        picture.line("seen", x, middle - 5, x, middle + 5)
    elif look.sight == Sight.GONE:
        picture.cross("gone", x, middle, 2.5)
    else:
        picture.path("trouble", f"M{x - 4:.1f} {middle + 4:.1f}l4 -8l4 8z")


def _legend(picture: Drawing, y: float) -> None:
    picture.circle("planted", 22, y, 5)
    picture.text("planted", 34, y + 4, "quiet")
    picture.diamond("again", 104, y, 7)
    picture.text("overwritten", 118, y + 4, "quiet")
    picture.rect("alive", 206, y - 5, 32, 10)
    picture.line("seen", 222, y - 5, 222, y + 5)
    picture.text("alive; a notch: a download", 246, y + 4, "quiet")
    picture.rect("between", 466, y - 9, 18, 18)
    picture.text("it ended in here", 492, y + 4, "quiet")
    picture.cross("gone", 604, y, 3)
    picture.text("seen gone", 616, y + 4, "quiet")
    picture.path("trouble", f"M{692:.1f} {y + 4:.1f}l4 -8l4 8z")
    picture.text("another answer", 708, y + 4, "quiet")
    picture.line("unknown", 808, y, 836, y)
    picture.text("not known", 844, y + 4, "quiet")
