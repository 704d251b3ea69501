"""What `mockkie claims` shows of the ledger. Knows no requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
import orjson
from rich.console import Console
from rich.text import Text

from mockkie.harness.claims import Claim, Ledger, Testimony, claims, fold_file
from mockkie.harness.conclusions import JUDGES
from mockkie.harness.verdicts import Verdict
from mockkie.problems import UsageError
from mockkie.screen import console, hung


def show_claims(options: Mapping[str, Any]) -> None:
    """Fold what is given into the ledger, and show it; `UsageError` for what is wrong."""
    ledger = Ledger.read(options["ledger"])
    told = sum(fold_file(ledger, path) for path in options["reports"])
    if options["reports"]:
        ledger.write(options["ledger"])
    everything = claims(ledger, JUDGES)
    shown = [claim for claim in everything if _wanted(claim, options)]
    groups = dict.fromkeys(claim.clause.group for claim in everything)
    if options["group"] is not None and options["group"] not in groups:
        raise UsageError(f"no group is named {options['group']!r}; there are: {', '.join(groups)}")
    if options["as_json"]:
        value = {"claims": [claim.to_json() for claim in shown]}
        click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))
        return
    paper = console(soft_wrap=True)
    if shown:
        _print_table(shown, paper, long=options["long"])
        paper.print()
    if options["reports"]:
        paper.print(f"folded in: {told} verdicts, kept in {options['ledger']}", markup=False)
    paper.print(Text(_sentence(shown), style="bold"))


def _wanted(claim: Claim, options: Mapping[str, Any]) -> bool:
    return (
        options["level"] in (None, claim.clause.level.value)
        and options["group"] in (None, claim.clause.group)
        and not (options["never"] and claim.attempted)
    )


def _print_table(shown: Sequence[Claim], paper: Console, *, long: bool) -> None:
    width = max(len(claim.clause.id) for claim in shown)
    head = f"{'clause':{width}}  {'level':10}  tests  {'live targets':22}  this machine"
    paper.print(Text(head, style="bold"))
    for claim in shown:
        paper.print(
            Text(
                f"{claim.clause.id:{width}}  {claim.clause.level:10}  {len(claim.tests):5}  "
                f"{_seen(claim, live=True):22}  {_seen(claim, live=False)}"
            )
        )
        if long:
            paper.print(Text(hung(f"    {claim.clause.says}", 4)))
            lines = [f"source: {claim.clause.source}", f"held by: {', '.join(claim.tests) or '-'}"]
            lines += [_testimony(one) for one in claim.evidence]
            for line in lines:
                paper.print(Text(hung(f"    {line}", 6), style="dim"))


def _testimony(one: Testimony) -> str:
    why = f": {one.why}" if one.why else ""
    return f"{one.verdict} {one.at} by {one.target} ({one.by}){why}"


def _seen(claim: Claim, *, live: bool) -> str:
    """The latest verdict and its day."""
    verdicts = (Verdict.UPHELD, Verdict.VIOLATED, Verdict.NOT_JUDGED)
    found = [one for verdict in verdicts if (one := claim.last(verdict, live=live))]
    if not found:
        return "never"
    last = max(found, key=lambda one: one.at)
    return f"{last.verdict} {last.at[:10]}"


def _sentence(shown: Sequence[Claim]) -> str:
    if not shown:
        return "no clause is like that"
    verified = sum(claim.verified != "never" for claim in shown)
    never = sum(not claim.attempted for claim in shown)
    mocks = len(shown) - never - sum(any(e.live for e in claim.evidence) for claim in shown)
    return (
        f"{len(shown)} clauses: {verified} upheld by a live target, "
        f"{mocks} tried on this machine only, {never} never tried"
    )
