"""The line that tells how far a long run is. Knows no runs."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click


def progress_line(*, quiet: bool) -> Callable[[int, int, str], None]:
    """One line that is written over, where a person looks at it."""
    if quiet or not sys.stderr.isatty():
        return lambda *_: None

    def tell(done: int, everything: int, name: str) -> None:
        end = "\r" if done < everything else "\r\033[2K"
        text = f"\033[2K{done}/{everything} {name}"[:90] if done < everything else ""
        click.echo(text + end, nl=False, err=True)

    return tell
