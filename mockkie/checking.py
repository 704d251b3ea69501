"""What `mockkie check` says while it runs, and at its end. Knows no requests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

import click

from mockkie.harness.check import run_check
from mockkie.harness.plan import Plan, known_key, pace
from mockkie.harness.report import (
    check_report_path,
    github_annotations,
    print_report,
    write_report,
)
from mockkie.harness.target import reach
from mockkie.harness.verdicts import UNCHECKED_CODE, VIOLATED_CODE
from mockkie.interrupt import heard
from mockkie.progress import progress_line
from mockkie.screen import console

_REQUESTS: Final = {"quick": 1_500, "full": 20_000}


def check_in_terminal(options: Mapping[str, Any]) -> int:
    """Run the suite as the options say; returns the exit code. `UsageError` for wrong options."""
    plan = _plan(options)
    for path in options["reports"]:
        check_report_path(path)
    if plan.url is not None:
        missing = reach(plan)
        if missing:
            click.echo(f"not checked: {missing}", err=True)
            return UNCHECKED_CODE
    progress = progress_line(quiet=options["quiet"])
    resume = options["resume"]
    with heard(progress) as told:
        report = run_check(plan, options["only"], told, first=options["exitfirst"], resume=resume)
    progress(1, 1, "")  # an interrupted run leaves its line behind
    for path in options["reports"]:
        write_report(report, path)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in github_annotations(report):
            click.echo(line)
    if not options["quiet"]:
        print_report(report, console())
        if report.exit_code == VIOLATED_CODE:
            words = ["mockkie", "check", plan.url or "", "--seed", str(plan.seed)]
            click.echo("again: " + " ".join(word for word in words if word))
    else:
        click.echo(", ".join(f"{number} {name}" for name, number in report.summary.items()))
    if report.interrupted:
        go_on = f"go on with --resume {resume}" if resume else "--resume FILE would let it go on"
        click.echo(f"interrupted: {go_on}", err=True)
    return report.command_code


def _plan(options: Mapping[str, Any]) -> Plan:
    url = options["url"]
    profile = options["profile"]
    return Plan(
        url=url.rstrip("/") if url else None,
        key=known_key(url, options["key"], live=options["live"]),
        other_key=options["other_key"],
        profile=profile,
        seed=options["seed"],
        most_requests=options["most_requests"] or _REQUESTS[profile],
        rate=pace(options["rate"], live=options["live"]),
        live=options["live"],
        overwrite_delay=options["overwrite_delay"],
    )
