"""The page of a benchmark: the targets first, then each measure, with its day and machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.plot import plot
from benchmarks.report import Outcome, Row

TITLES: Final = {
    "small": "Uploads of 1 KB",
    "middle": "Uploads of 100 KB and 10 MB",
    "large": "Uploads of 512 MB",
    "huge": "Uploads of 2 GB",
    "base64": "Uploads as base64",
    "url": "Uploads by URL",
    "downloads": "Downloads",
    "connections": "One connection, and many",
    "workers": "Two workers",
    "startup": "Cold start",
    "imports": "Imports",
    "worlds": "A world for a test",
    "fixture": "Tests with a world each",
    "check": "A judgement",
    "crowd": "Many live files",
    "waiting": "Waits during a sweep",
    "bounds": "What bounds an upload",
}


def write_page(path: Path, outcomes: Mapping[str, Outcome]) -> None:
    """Write the page, and pictures of its ratios into `images/` beside it.

    The first picture has all ratios with a target. Rows without a ratio are in the tables only.
    """
    pictures = path.parent / "images"
    rows = [row for outcome in outcomes.values() for row in outcome.rows]
    aimed = [row for row in rows if row.target is not None]
    lines = [*_head(outcomes, path)]
    days = sorted({outcome.measured for outcome in outcomes.values()})
    when = " to ".join(dict.fromkeys((days[0], days[-1]))) if days else ""
    machine = next(iter(outcomes.values())).machine if outcomes else ""
    lines += _picture(pictures, path.stem, aimed, (when, machine), "all ratios with a target")
    lines += _table(aimed)
    for name, outcome in outcomes.items():
        title = TITLES.get(name, name)
        lines += [f"## {title}", "", _made(outcome), ""]
        known = (outcome.measured, outcome.machine)
        lines += _picture(pictures, f"{path.stem}-{name}", outcome.rows, known, title.lower())
        lines += _table(outcome.rows)
        lines += _refusals(outcome)
        lines += [*(f"- {note}" for note in outcome.notes), ""] if outcome.notes else []
    path.write_text("\n".join(lines).rstrip("\n") + "\n")


def _head(outcomes: Mapping[str, Outcome], path: Path) -> Iterator[str]:
    yield "# Measured beside others"
    yield ""
    yield f"Made by `make bench` (`benchmarks/run.py`) from [its numbers]({path.stem}.json), not by"
    yield "hand. Each measure says when it was made, where, and how long it took."
    yield "Each ratio is the median of interleaved rounds, with the least and the most of them."
    yield "Numbers of another machine are others; ratios differ less. Times of a request include"
    yield "what other programs on the machine took; the CPU column, where there is one, does not:"
    yield "it has the ratio of the CPU time of a request, and less is better."
    yield ""
    yield "`memory` and `disk` are mockkie with its two stores: with its journal, authorization and"
    yield "the check of its own answers. `sink` is a bare ASGI app under the same uvicorn that"
    yield "keeps nothing, `plain` what people write with Starlette's `request.form()`."
    yield ""
    missed = sum(row.met is False for outcome in outcomes.values() for row in outcome.rows)
    aimed = sum(row.met is not None for outcome in outcomes.values() for row in outcome.rows)
    yield f"Of {aimed} targets {aimed - missed} are met."
    yield ""


def _made(outcome: Outcome) -> str:
    quick = ", the short form" if outcome.quick else ""
    rounds = f"{outcome.rounds} round{'s' if outcome.rounds > 1 else ''}"
    return (
        f"Measured on {outcome.measured} in {outcome.seconds:.0f} s, "
        f"{rounds}{quick}, on one machine: {outcome.machine}."
    )


def _picture(
    folder: Path, name: str, rows: Sequence[Row], known: tuple[str, str], what: str
) -> Iterator[str]:
    at = folder / f"{name}.svg"
    if any(row.unit == "x" for row in rows):
        folder.mkdir(parents=True, exist_ok=True)
        at.write_bytes(plot(rows, *known))
        yield f"![mockkie beside others, on a logarithmic scale: {what}](images/{at.name})"
        yield ""


def _table(rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        return
    yield "| what | median | least to most | target | met | CPU | medians |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        met = {True: "yes", False: "**no**", None: ""}[row.met]
        cells = (
            row.what,
            f"{row.value:.4g} {row.unit}".rstrip(),
            "" if row.low == row.high else f"{row.low:.4g} to {row.high:.4g}",
            row.target or "",
            met,
            "" if row.cpu is None else f"{row.cpu:.3g} x",
            row.detail,
        )
        yield f"| {' | '.join(cells)} |"
    yield ""


def _refusals(outcome: Outcome) -> Iterator[str]:
    if not outcome.refusals:
        return
    yield "| cannot | who | what it said |"
    yield "|---|---|---|"
    for refusal in outcome.refusals:
        said = refusal.said.replace("|", "\\|").replace("<", "&lt;")
        yield f"| {refusal.what} | {refusal.peer} | {said} |"
    yield ""
