"""What output goes to: whether it shows colours, and how wide it is. Knows no texts."""

from __future__ import annotations

import os
import sys
import textwrap
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from rich.console import Console

_NARROWEST: Final = 24  # columns of words beside an indent; a narrower column is no column
_SHALLOW: Final = 4


def colours() -> bool | None:
    """Whether the environment wants colours; None: a terminal has them, a file or a pipe has not.

    `NO_COLOR` (no-color.org) beats `FORCE_COLOR` and `CLICOLOR_FORCE`; empty ones say nothing.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if any(
        os.environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")
    ):
        return True
    plain = os.environ.get("TERM") == "dumb" or os.environ.get("CLICOLOR") == "0"
    return False if plain else None


def console(*, soft_wrap: bool = False) -> Console:
    """What prints to stdout with styles, where there are any: bold is one, too.

    `soft_wrap`: lines are left to the terminal, whatever their length.
    """
    from rich.console import Console  # noqa: PLC0415 - rich is slow to import

    terminal, wanted = sys.stdout.isatty(), colours()
    styled = terminal if wanted is None else wanted
    return Console(
        highlight=False,
        force_terminal=terminal,  # rich takes FORCE_COLOR for one, and would wrap in a pipe
        color_system="standard" if styled else None,
        no_color=not styled,
        soft_wrap=soft_wrap,
    )


def width(stream: TextIO) -> int | None:
    """The columns of a terminal; None: it is none, or does not say."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None


def hung(text: str, indent: int) -> str:
    """A line, wrapped where a terminal is narrower: what follows its first line is indented."""
    columns = width(sys.stdout)
    if columns is None or len(text) <= columns:
        return text
    deep = indent if columns - indent >= _NARROWEST else _SHALLOW
    lines = textwrap.wrap(
        text,
        columns,
        subsequent_indent=" " * deep,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )
    return "\n".join(lines)
