"""What was measured: rows of a table, and the same as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class Row:
    """One number with its spread over the rounds; `target` is like `>= 2.5`, or None."""

    name: str
    what: str
    value: float
    low: float
    high: float
    unit: str
    target: str | None
    detail: str

    @property
    def met(self) -> bool | None:
        """Whether the target was met."""
        if self.target is None:
            return None
        sign, _, bound = self.target.partition(" ")
        return self.value >= float(bound) if sign == ">=" else self.value <= float(bound)


def spread(name: str, what: str, values: Sequence[float], unit: str, target: str | None) -> Row:
    """A row of measured values."""
    detail = f"{len(values)} rounds"
    return Row(name, what, median(values), min(values), max(values), unit, target, detail)


def ratio(
    name: str, what: str, series: tuple[Sequence[float], Sequence[float]], unit: str, target: str
) -> Row:
    """A row of ratios, each of the two values of one round. No target: an empty one."""
    ours, theirs = series
    values = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    detail = f"{_said(median(ours))} : {_said(median(theirs))} {unit}"
    return Row(name, what, median(values), min(values), max(values), "x", target or None, detail)


def _said(value: float) -> str:
    """Four digits, and no powers of ten."""
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.4g}"  # noqa: PLR2004 - four digits


def today() -> str:
    """The date, which numbers are worth little without."""
    return datetime.now(UTC).date().isoformat()


def print_table(rows: Sequence[Row]) -> None:
    """The rows for a person; a target says whether it was met."""
    width = max((len(row.what) for row in rows), default=0)
    print(f"\n{'':{width}}  {'median':>11}  {'min - max':>17}  {'target':9}  met  medians")
    name = ""
    for row in rows:
        if row.name != name:
            name = row.name
            print(f"{name}:")
        met = {True: "yes", False: "NO", None: ""}[row.met]
        between = f"{row.low:.4g} - {row.high:.4g}"
        print(
            f"{row.what:{width}}  {row.value:>8.4g} {row.unit:2}  {between:>17}  "
            f"{row.target or '':9}  {met:3}  {row.detail}"
        )


def write_json(path: Path, rows: Sequence[Row], notes: Sequence[str]) -> None:
    """The same for a program."""
    machine = {
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
    }
    found = [{**asdict(row), "met": row.met} for row in rows]
    text = json.dumps(
        {"measured": today(), "machine": machine, "rows": found, "notes": list(notes)}, indent=2
    )
    path.write_text(text + "\n")
