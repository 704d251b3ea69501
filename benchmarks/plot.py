"""The ratios that were measured as a picture: a heading for each load, a mark for each peer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from benchmarks.report import Row
from mockkie.harness.drawing import Drawing

_LEFT: Final = 200.0
_RIGHT: Final = 680.0
_WIDTH: Final = 940
_TOP: Final = 76.0
_ROW: Final = 21.0
_HEADING: Final = 30.0
_STEPS: Final = (1, 2, 5)
_STYLE: Final = """
.even { stroke: var(--ink); stroke-width: 1.5; } .spread { stroke: var(--late); stroke-width: 3; }
.met { fill: var(--good); } .missed { fill: var(--bad); } .free { fill: var(--late); }
.wanted { stroke: var(--warn); stroke-width: 2; }
"""


def plot(rows: Sequence[Row], when: str, where: str) -> bytes:
    """The SVG of all ratios among `rows`; `when` and `where` they were measured is in it."""
    loads: dict[str, list[tuple[str, Row]]] = {}
    for row in rows:
        if row.unit == "x":
            load, _, peer = row.what.partition(" / ")
            loads.setdefault(load, []).append((peer, row))
    marks = [row for known in loads.values() for _, row in known]
    if not marks:
        raise ValueError("no ratio was measured: there is nothing to plot")
    at, ticks = _axis(marks)
    bottom = _TOP + _ROW * len(marks) + _HEADING * len(loads)
    told = [_words(load, *one) for load, known in loads.items() for one in known]
    picture = Drawing(_WIDTH, int(bottom) + 64, "mockkie beside others", " ".join(told), _STYLE)
    picture.text("mockkie beside others", 16, 26, "head")
    picture.text(f"measured {when} on {where}", 16, 46, "quiet")
    for tick in ticks:
        for y in (_TOP - 10, bottom + 18):
            picture.text(f"{tick:g} x", at(tick), y, "quiet middle")
        picture.line("even" if tick == 1 else "grid", at(tick), _TOP - 4, at(tick), bottom + 4)
    y = _TOP
    for load, known in loads.items():
        y += _HEADING
        picture.group(load)
        picture.line("grid", 16, y - 20, _WIDTH - 16, y - 20)
        picture.text(load, 16, y - 5, "bold")
        for peer, row in known:
            picture.group(_words(load, peer, row))
            _mark(picture, (peer, row), y + _ROW / 2, at)
            y += _ROW
    _legend(picture.group("What the marks mean"), bottom + 44)
    return picture.to_bytes()


def _axis(rows: Sequence[Row]) -> tuple[Callable[[float], float], list[float]]:
    """Where a ratio is on a logarithmic scale that has 1 in it, and the round ones of it."""
    bounds = [one for row in rows for one in (row.low, row.high, _bound(row)) if one and one > 0]
    low, high = min([0.8, *bounds]) / 1.15, max([1.25, *bounds]) * 1.15
    scale = (_RIGHT - _LEFT) / math.log(high / low)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = _STEPS if high / low < 1_000 else (1,)  # noqa: PLR2004 - three decades
    ticks = [step * 10.0**exponent for exponent in exponents for step in steps]
    return lambda ratio: _LEFT + math.log(ratio / low) * scale, [
        tick for tick in ticks if low <= tick <= high
    ]


def _bound(row: Row) -> float | None:
    return None if row.target is None else float(row.target.partition(" ")[2])


def _words(load: str, peer: str, row: Row) -> str:
    target = f", wanted {row.target}" if row.target else ""
    return f"{load} beside {peer}: {row.value:.2f} x ({row.low:.2f} to {row.high:.2f}){target}."


def _mark(
    picture: Drawing,
    named: tuple[str, Row],
    middle: float,
    at: Callable[[float], float],
) -> None:
    peer, row = named
    picture.text(f"beside {peer}", 28, middle + 4, "quiet")
    picture.line("spread", at(row.low), middle, at(row.high), middle)
    bound = _bound(row)
    if bound:
        picture.line("wanted", at(bound), middle - 8, at(bound), middle + 8)
    look = {True: "met", False: "missed", None: "free"}[row.met]
    picture.circle(look, at(row.value), middle, 5.5)
    picture.text(f"{row.value:.2f} x", _RIGHT + 16, middle + 4, "bold")
    picture.text(row.detail.partition(";")[0], _RIGHT + 84, middle + 4, "quiet")


def _legend(picture: Drawing, y: float) -> None:
    picture.circle("met", 22, y, 5.5)
    picture.text("median, target met", 34, y + 4, "quiet")
    picture.circle("missed", 168, y, 5.5)
    picture.text("missed", 180, y + 4, "quiet")
    picture.circle("free", 236, y, 5.5)
    picture.text("no target", 248, y + 4, "quiet")
    picture.line("spread", 320, y, 350, y)
    picture.text("least and most of the rounds", 358, y + 4, "quiet")
    picture.line("wanted", 546, y - 9, 546, y + 9)
    picture.text("target", 556, y + 4, "quiet")
