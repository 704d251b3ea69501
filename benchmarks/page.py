"""The page of a benchmark: its table, its picture, and when and where it was measured."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.plot import plot
from benchmarks.report import Row


def where() -> str:
    """The machine, without its name."""
    cpus = os.cpu_count()
    return (
        f"{platform.system()} {platform.machine()}, {cpus} CPUs, Python {platform.python_version()}"
    )


def write_page(path: Path, rows: Sequence[Row], notes: Sequence[str], when: str, how: str) -> None:
    """Write the page, and the picture of its ratios into `images/` beside it.

    `when` is a date, `how` the command that measured. Rows without a ratio are in the table only.
    """
    picture = path.parent / "images" / f"{path.stem}.svg"
    drawn = any(row.unit == "x" for row in rows)
    if drawn:
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(plot(rows, when, where()))
    shown = f"images/{picture.name}" if drawn else ""
    path.write_text("\n".join([*_head(when, how, shown), *_table(rows), *_notes(notes), ""]))


def _head(when: str, how: str, picture: str) -> Iterator[str]:
    yield "# Measured beside others"
    yield ""
    yield f"Made by `{how}` on {when}, not by hand, on one machine: {where()}."
    yield "Each ratio is the median of interleaved rounds, with the least and the most of them."
    yield "Numbers of another machine are others; ratios differ less."
    yield ""
    if picture:
        yield f"![mockkie beside its peers, on a logarithmic scale, as in the table]({picture})"
        yield ""


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield "| what | median | least to most | target | met | medians |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        met = {True: "yes", False: "**no**", None: ""}[row.met]
        cells = (
            row.what,
            f"{row.value:.4g} {row.unit}",
            f"{row.low:.4g} to {row.high:.4g}",
            row.target or "",
            met,
            row.detail,
        )
        yield f"| {' | '.join(cells)} |"
    yield ""


def _notes(notes: Sequence[str]) -> Iterator[str]:
    for note in notes:
        yield f"- {note}"
