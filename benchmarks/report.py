"""What was measured: rows of a table, and what could not be; the same as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Row:
    """One number with its spread over the rounds; `target` is like `>= 2.5`, or None.

    `cpu` is the median of the same ratio of CPU seconds for each request, if it is known.
    """

    name: str
    what: str
    value: float
    low: float
    high: float
    unit: str
    target: str | None
    detail: str
    cpu: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target was met."""
        if self.target is None:
            return None
        sign, _, bound = self.target.partition(" ")
        return self.value >= float(bound) if sign == ">=" else self.value <= float(bound)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A load that a server did not take: what it said."""

    what: str
    peer: str
    said: str


@dataclass(slots=True)
class Outcome:
    """What came of one measure: on which day, how, and how long it took."""

    measured: str
    quick: bool
    rounds: int
    machine: str
    seconds: float = 0.0
    rows: list[Row] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The same for a program; rows say whether their target was met."""
        rows = [{**asdict(row), "met": row.met} for row in self.rows]
        return {**asdict(self), "rows": rows}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        rows = [Row(**{k: v for k, v in row.items() if k != "met"}) for row in value["rows"]]
        refusals = [Refusal(**refusal) for refusal in value["refusals"]]
        return cls(**{**value, "rows": rows, "refusals": refusals})


def spread(name: str, what: str, values: Sequence[float], unit: str, target: str | None) -> Row:
    """A row of measured values."""
    detail = f"{len(values)} rounds" if len(values) > 1 else ""
    return Row(name, what, median(values), min(values), max(values), unit, target, detail)


def ratio(
    name: str, what: str, series: tuple[Sequence[float], Sequence[float]], unit: str, target: str
) -> Row:
    """A row of ratios, each of the two values of one round. No target: an empty one."""
    ours, theirs = series
    values = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    detail = f"{said(median(ours))} : {said(median(theirs))} {unit}"
    return Row(name, what, median(values), min(values), max(values), "x", target or None, detail)


def said(value: float) -> str:
    """Four digits, and no powers of ten."""
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.4g}"  # noqa: PLR2004 - four digits


def today() -> str:
    """The date, which numbers are worth little without."""
    return datetime.now(UTC).date().isoformat()


def where() -> str:
    """The machine, without its name."""
    system, kind = platform.system(), platform.machine()
    return f"{system} {kind}, {os.cpu_count()} CPUs, Python {platform.python_version()}"


def print_table(rows: Sequence[Row]) -> None:
    """The rows for a person; a target says whether it was met."""
    width = max((len(row.what) for row in rows), default=0)
    print(f"\n{'':{width}}  {'median':>11}  {'min - max':>17}  {'target':9}  met  CPU     medians")
    name = ""
    for row in rows:
        if row.name != name:
            name = row.name
            print(f"{name}:")
        met = {True: "yes", False: "NO", None: ""}[row.met]
        between = f"{row.low:.4g} - {row.high:.4g}"
        cpu = "" if row.cpu is None else f"{row.cpu:.3g} x"
        print(
            f"{row.what:{width}}  {row.value:>8.4g} {row.unit:2}  {between:>17}  "
            f"{row.target or '':9}  {met:3}  {cpu:7} {row.detail}"
        )


def write_json(path: Path, rows: Sequence[Row], notes: Sequence[str]) -> None:
    """The rows of a measurement of its own, for a program."""
    found = [{**asdict(row), "met": row.met} for row in rows]
    machine = {"system": platform.platform(terse=True), "cpus": os.cpu_count()}
    told = {"measured": today(), "machine": machine, "rows": found, "notes": list(notes)}
    path.write_text(json.dumps(told, indent=2) + "\n")
