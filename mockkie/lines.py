"""One request as a line for a person. Knows no mock: running ones and their clients say it."""

from __future__ import annotations

from typing import Final

import click

from mockkie.clock import isoformat
from mockkie.journal import Entry

_COLOURS: Final = {"accepted": "green", "refused": "yellow", "aborted": "magenta", "broken": "red"}


def request_line(entry: Entry) -> str:
    """One request for a person: when, what, how it ended, and why."""
    outcome = str(entry.status) if entry.status is not None else entry.decision
    told = entry.shots + ([entry.why] if entry.why else entry.notes)
    reason = plain("; ".join(told))
    when = isoformat(entry.at)[11:19]
    colour = _COLOURS[entry.decision]
    return (
        f"{click.style(when, dim=True)} {click.style(outcome, fg=colour, bold=True)}"
        f" {plain(entry.method)} {plain(entry.target)}"
        f" {click.style(f'{entry.seconds * 1000:.0f} ms', dim=True)}"
        + (f"  {click.style(reason, fg=colour)}" if reason else "")
    )


def plain(text: str) -> str:
    """The text without characters that a terminal might obey: names come from anywhere."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )
