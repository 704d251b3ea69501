"""The line that tells how far a long run is. Knows no runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final

import click

from mockkie.screen import width

_CELLS: Final = 24
_LEAST: Final = 60  # columns that have room for a bar
_CLEAR: Final = "\r\033[2K"


def progress_line(*, quiet: bool) -> Callable[[int, int, str], None]:
    """One line that is written over, on stderr, where a person looks at it.

    It is told how many are done, of how many, and the name of one; when all are, it is gone.
    """
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return lambda *_: None

    def tell(done: int, everything: int, name: str) -> None:
        text = ""
        if done < everything:
            columns = width(sys.stderr) or _LEAST
            bar = f"{_bar(done / everything)} " if columns >= _LEAST else ""
            text = f"{bar}{done:,}/{everything:,} {name}"[: columns - 1]
        click.echo(_CLEAR + text, nl=False, err=True, color=True)

    return tell


def _bar(share: float) -> str:
    full, empty = ("━", "┈") if (sys.stderr.encoding or "").lower() == "utf-8" else ("#", "-")
    cells = int(share * _CELLS)
    return full * cells + empty * (_CELLS - cells)
