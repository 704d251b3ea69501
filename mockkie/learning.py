"""What `mockkie learn` says, and the overlay that it writes. Knows no requests."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import click
from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mockkie.contract import Contract
from mockkie.harness.document import read_document
from mockkie.harness.facts import Outcome
from mockkie.harness.learn import Learnt, learn
from mockkie.harness.learn_time import Evidence
from mockkie.harness.overlay import overlaid, overlay_of, write_overlay
from mockkie.harness.plan import Plan, known_key, pace
from mockkie.harness.report_formats import for_terminal
from mockkie.harness.target import reach
from mockkie.harness.verdicts import UNCHECKED_CODE, UPHELD_CODE
from mockkie.problems import UsageError
from mockkie.screen import console

_REQUESTS: Final = {True: 60, False: 120}  # a mock may be asked about its clock for longer
_WIDE: Final = 110  # columns that hold the table with all of its own
_UNSEEN_WIDTH: Final = 120  # columns where nobody sees them
_WIDEST: Final = 22
_COLOURS: Final = {
    Outcome.DIFFERS: "yellow",
    Outcome.LEFT_OUT: "cyan",
    Outcome.BEYOND: "magenta",
}


def learn_in_terminal(options: Mapping[str, Any]) -> int:
    """Learn as the options say; returns the exit code. `UsageError` for wrong options."""
    live, out = options["live"], options["output"]
    key = known_key(options["url"], options["key"], live=live)
    plan = Plan(
        url=options["url"].rstrip("/"),
        key=key,
        most_requests=options["most_requests"] or _REQUESTS[live],
        rate=pace(options["rate"], live=live),
        live=live,
    )
    if out is not None and not out.absolute().parent.is_dir():
        raise UsageError(f"{out} cannot be written: there is no folder {out.parent}")
    if options["overlay"]:
        Contract.read(overlays=options["overlay"])  # says what is wrong with them, and where
    document = overlaid(read_document(), options["overlay"])
    path = options["evidence"]
    evidence = None if path is None else (Evidence.read(path), path.name)
    missing = reach(plan)
    if missing:
        click.echo(f"nothing was learnt: {missing}", err=True)
        return UNCHECKED_CODE
    learnt = learn(plan, document, adopt_origin=options["links_origin"], evidence=evidence)
    if not options["quiet"] and learnt.seen:
        _print(learnt, key)
    return _conclude(learnt, out, key)


def _conclude(learnt: Learnt, out: Path | None, key: str) -> int:
    """Write the overlay if there is anything to write, and say in one line what came of it."""
    differing = learnt.of(Outcome.DIFFERS)
    asked = f"{learnt.requests} requests, {learnt.seen} settings seen"
    if not learnt.seen:
        click.echo(f"nothing was learnt: {for_terminal(learnt.facts[0].how)}")
        return UNCHECKED_CODE
    if not differing:
        old = f"; {out} was there before, and is left as it was" if out and out.exists() else ""
        none = "no overlay is written" if out else "no overlay is needed"
        click.echo(f"nothing differs that the mock could do: {none} ({asked}){old}")
        return UPHELD_CODE
    count = "1 setting differs" if len(differing) == 1 else f"{len(differing)} settings differ"
    if out is None:
        click.echo(f"learnt: {count} ({asked}); -o FILE writes an overlay")
        return UPHELD_CODE
    write_overlay(overlay_of(learnt.facts, learnt.target, learnt.at), out, key)
    click.echo(f"learnt: {count} ({asked}); now: mockkie serve --overlay {out}")
    return UPHELD_CODE


def _print(learnt: Learnt, key: str) -> None:
    """A table of what is not the same, and the names of the rest."""
    paper = console()
    if not paper.is_terminal and "COLUMNS" not in os.environ:
        paper.width = _UNSEEN_WIDTH

    def cell(text: str, style: str = "") -> Text:
        return Text(for_terminal(text.replace(key, "$KIE_API_KEY")), style=style)

    wide = paper.width >= _WIDE
    facts = learnt.of(*_COLOURS)
    if facts:
        paper.print(_table(learnt, cell, wide=wide))
    for fact in facts if not wide else ():
        paper.print(Padding(cell(f"{fact.setting}: {fact.how}", "dim"), (0, 0, 0, 2)))
    names = ", ".join(fact.setting for fact in learnt.of(Outcome.SAME))
    paper.print(cell(f"the same: {names or 'none'}"))
    reasons: dict[str, list[str]] = {}
    for fact in learnt.of(Outcome.UNSEEN):
        reasons.setdefault(fact.how, []).append(fact.setting)
    for why, settings in reasons.items():
        paper.print(cell(f"not seen: {', '.join(settings)} ({why})"))


def _table(learnt: Learnt, cell: Callable[..., Text], *, wide: bool) -> Table:
    """Setting, document, target, and how it was seen where there is room for it."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("setting", no_wrap=True)
    for title in ("document", "target"):
        table.add_column(title, overflow="fold", max_width=_WIDEST)
    if wide:
        table.add_column("how it was seen", overflow="fold")
    for outcome, colour in _COLOURS.items():
        facts = learnt.of(outcome)
        if facts:
            table.add_row(Text(f"{outcome.value}:", style=f"bold {colour}"))
        for fact in facts:
            how = [cell(fact.how, "dim")] if wide else []
            table.add_row(cell(f"  {fact.setting}"), cell(fact.documented), cell(fact.target), *how)
    return table
