"""What `mockkie probe` says: what was planted, and the life of each file. Knows no requests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click
import orjson
from rich.text import Text

from mockkie.clock import isoformat, parse_duration, real_now, stopwatch
from mockkie.harness.claims import Ledger
from mockkie.harness.conclusions import outcome
from mockkie.harness.document import read_document
from mockkie.harness.evidence import hours
from mockkie.harness.lifespan import check_retention, next_due
from mockkie.harness.plan import Plan, known_key, pace
from mockkie.harness.probe import collect, plant, run
from mockkie.harness.receipts import (
    Planting,
    Role,
    Sight,
    publish_receipts,
    read_receipts,
    write_receipts,
)
from mockkie.harness.report import (
    check_place,
    check_report_path,
    github_annotations,
    write_report,
    write_whole,
)
from mockkie.harness.session import NotJudgedError
from mockkie.harness.target import open_target
from mockkie.harness.timeline import lives_json, timeline
from mockkie.harness.timeline_svg import timeline_svg
from mockkie.harness.verdicts import (
    UNCHECKED_CODE,
    UPHELD_CODE,
    VIOLATED_CODE,
    Level,
    Report,
    Verdict,
)
from mockkie.problems import UsageError
from mockkie.screen import console, hung

_REQUESTS: Final = 2_000
_STYLES: Final = {Verdict.UPHELD: "green", Verdict.VIOLATED: "red"}


def plant_in_terminal(options: Mapping[str, Any]) -> int:
    """Plant files and keep their receipts; returns the exit code. `UsageError` for wrong use."""
    path: Path = options["receipts"]
    if path.exists():
        raise UsageError(
            f"{path} has receipts already: collect them, or name another file with --receipts"
        )
    retention = _retention(options)
    try:
        with open_target(_plan(options, options["url"])) as target:
            planting = plant(target, retention, lambda known: write_receipts(known, path))
    except NotJudgedError as error:
        return _unchecked("not planted", error)
    for role, why in planting.missing.items():
        click.echo(f"not planted: {role}: {why}")
    first = planting.of(Role.READ)
    if first is not None and first.looks[-1].sight != Sight.ALIVE:
        look = first.looks[-1]
        click.echo(f"warning: the link of a planted file is answered {look.status}: {look.sight}")
    due = next_due(planting, planting.seen) or planting.seen
    click.echo(
        f"planted {len(planting.receipts)} files on {planting.target}, to live for "
        f"{hours(retention)}; {path} has their links: keep it to yourself\n"
        f"collect them with `mockkie probe collect`, first at {_when(due, planting.seen)}"
    )
    return UPHELD_CODE


def collect_in_terminal(options: Mapping[str, Any]) -> int:
    """Look at what is due, and say what is known by now; returns the exit code."""
    path: Path = options["receipts"]
    planting = read_receipts(path)
    _check_outputs(options)
    started = stopwatch()
    try:
        with open_target(_plan(options, planting.target)) as target:
            now = collect(planting, target, lambda known: write_receipts(known, path))
            spent = target.wire.budget.spent
    except NotJudgedError as error:
        return _unchecked("not collected", error)
    if options["publish"] is not None:
        publish_receipts(planting, options["publish"])
    return _conclude(options, planting, now, spent, stopwatch() - started)


def run_in_terminal(options: Mapping[str, Any]) -> int:
    """Plant and collect at once, by the target's clock; returns the exit code."""
    _check_outputs(options)
    retention, started = _retention(options), stopwatch()
    try:
        with open_target(_plan(options, options["url"])) as target:
            planting, now = run(target, retention, lambda _: None)
            spent = target.wire.budget.spent
    except NotJudgedError as error:
        return _unchecked("not probed", error)
    return _conclude(options, planting, now, spent, stopwatch() - started)


def _unchecked(what: str, error: NotJudgedError) -> int:
    click.echo(f"{what}: {error}", err=True)
    return UNCHECKED_CODE


def _retention(options: Mapping[str, Any]) -> int:
    text = options["retention"] or read_document()["x-mockkie"]["retention"]
    try:
        return check_retention(parse_duration(text))
    except ValueError as error:
        raise UsageError(f"--retention: {error}") from error


def _plan(options: Mapping[str, Any], url: str | None) -> Plan:
    live = options["live"]
    if url is not None and "@" in urlsplit(url).netloc:
        raise UsageError("the URL has a user or a password in it; the key is all that is needed")
    return Plan(
        url=url.rstrip("/") if url else None,
        key=known_key(url, options["key"], live=live),
        most_requests=_REQUESTS,
        rate=pace(options["rate"], live=live),
        live=live,
    )


def _check_outputs(options: Mapping[str, Any]) -> None:
    for path in options["reports"]:
        check_report_path(path)
    drawn: Path | None = options["timeline"]
    if drawn is not None:
        if drawn.suffix.lower() != ".svg":
            raise UsageError(f"--timeline: {drawn} has an ending that is not understood; use .svg")
        check_place(drawn)
    if options["ledger"] is not None:
        Ledger.read(options["ledger"])


# ------------------------------------------------------------------------------------- outcome


def _conclude(
    options: Mapping[str, Any], planting: Planting, now: int, requests: int, seconds: float
) -> int:
    at = isoformat(real_now())  # a target may have moved its own
    found = outcome(planting, now, at=at, requests=requests, seconds=seconds)
    for path in options["reports"]:
        write_report(found, path)
    if options["timeline"] is not None:
        write_whole(options["timeline"], timeline_svg(planting, now))
    if options["ledger"] is not None:
        ledger = Ledger.read(options["ledger"])
        ledger.fold(found.to_json())
        ledger.write(options["ledger"])
    if options["as_json"]:
        value = {
            **found.to_json(),
            "exitCode": found.command_code,
            "tooLate": list(found.too_late),
            "probe": lives_json(planting, now),
        }
        click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))
        return found.command_code
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in github_annotations(found):
            click.echo(line)
    _print(planting, now, found)
    return found.command_code


def _print(planting: Planting, now: int, found: Report) -> None:
    paper = console(soft_wrap=True)
    paper.print(
        f"target {planting.target}, planted {isoformat(planting.born)}, "
        f"{hours(now - planting.born)} ago",
        style="dim",
        markup=False,
    )
    for line in timeline(planting, now):
        paper.print(Text(line))
    paper.print()
    for judged in found.judgements:
        style = _STYLES.get(judged.verdict, "yellow")
        level = "" if judged.clause.level == Level.DOCUMENTED else f" ({judged.clause.level})"
        text = hung(f"{judged.verdict:10}  {judged.clause.id + level:24}  {judged.why}", 14)
        told = Text(text)
        told.stylize(style, 0, len(judged.verdict))
        paper.print(told)
    paper.print()
    colour = {UPHELD_CODE: "bold green", VIOLATED_CODE: "bold red"}
    paper.print(
        Text(_sentence(planting, now, found), style=colour.get(found.command_code, "bold yellow"))
    )


def _sentence(planting: Planting, now: int, found: Report) -> str:
    """The outcome, and when to come back."""
    documented = [j for j in found.judgements if j.clause.level == Level.DOCUMENTED]

    def names(verdict: Verdict) -> list[str]:
        return [judged.clause.id for judged in documented if judged.verdict == verdict]

    held, waiting = names(Verdict.UPHELD), names(Verdict.DEFERRED)
    if found.command_code == VIOLATED_CODE:
        text = f"violated: {', '.join(names(Verdict.VIOLATED))}"
    elif found.too_late:
        text = f"looked at too rarely to tell: {', '.join(found.too_late)}"
    elif held:
        unknown = len(documented) - len(held) - len(waiting)
        text = f"upheld: {len(held)} of {len(documented)} documented clauses hold"
        text += f", {len(waiting)} deferred" if waiting else ""
        text += f", {unknown} not judged" if unknown else ""
    else:
        text = "nothing can be judged yet"
    due = next_due(planting, now)
    return f"{text}; " + (
        "the probe is over" if due is None else f"look again at {_when(due, now)}"
    )


def _when(due: int, now: int) -> str:
    return f"{isoformat(due)}, in {hours(due - now)}"
