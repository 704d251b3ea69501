"""The command line as a page has it, read from the commands themselves."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence

import click

from docs.pages.tables import code, table
from mockkie.cli import main


def walk(
    command: click.Command = main, path: Sequence[str] = ("mockkie",)
) -> Iterator[tuple[str, click.Command]]:
    """Every command with its name, those of groups included."""
    yield " ".join(path), command
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from walk(below, (*path, name))


def lines() -> Iterator[str]:
    """A list of the commands, then each with its options."""
    found = [(name, command) for name, command in walk() if command is not main]
    rows = [
        (f"[`{name}`](#{_anchor(name)})", command.get_short_help_str(120))
        for name, command in found
    ]
    yield from table(("command", "does"), rows)
    for name, command in found:
        yield ""
        yield f"## `{name}`"
        yield ""
        yield "```text"
        yield _usage(name, command)
        yield "```"
        yield from _help(command)
        yield from _options(command)


def _anchor(name: str) -> str:
    """As GitHub makes it of a heading."""
    return name.replace(" ", "-")


def _usage(name: str, command: click.Command) -> str:
    pieces = command.collect_usage_pieces(click.Context(command, info_name=name))
    return " ".join([name, *pieces])


def _help(command: click.Command) -> Iterator[str]:
    """Its description; what click is told to print as it is stands in a block."""
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        text = paragraph.removeprefix("\b\n")
        yield ""
        yield text if text == paragraph else f"```text\n{text}\n```"


def _options(command: click.Command) -> Iterator[str]:
    """A table of its options, if it has any."""
    rows = [_row(one) for one in command.params if isinstance(one, click.Option)]
    if rows:
        yield ""
        yield from table(("option", "default", "variable", "does"), rows)


def _row(option: click.Option) -> tuple[str, str, str, str]:
    names = ", ".join(code(one) for one in option.opts)
    if option.secondary_opts:
        names += " / " + ", ".join(code(one) for one in option.secondary_opts)
    if not option.is_flag:
        names += " " + code(_takes(option))
    said, default = option.help or "", _default(option)
    if told := re.search(r"\s*\[default: (.+)\]$", said):
        said, default = said[: told.start()], told[1]
    variables = ", ".join(code(one) for one in _variables(option))
    return names, default, variables, said + (" May be repeated." if _unsaid(option) else "")


def _takes(option: click.Option) -> str:
    """What stands for its value."""
    kind = option.type
    if option.metavar:
        return option.metavar
    if isinstance(kind, click.Choice):
        return "|".join(map(str, kind.choices))
    if isinstance(kind, click.IntRange | click.FloatRange):
        least = "" if kind.min is None else str(kind.min)
        return f"{'>' if kind.min_open else ''}{least}{_up_to(kind.max)}"
    return kind.name.upper()


def _up_to(most: float | None) -> str:
    return " or more" if most is None else f" to {most}"


def _unsaid(option: click.Option) -> bool:
    return option.multiple and "repeat" not in (option.help or "")


def _default(option: click.Option) -> str:
    if isinstance(option.show_default, str):
        return option.show_default
    if not option.show_default or option.is_flag:
        return ""
    return code(option.default)


def _variables(option: click.Parameter) -> Sequence[str]:
    named = option.envvar or ()
    return [named] if isinstance(named, str) else list(named)


def variables() -> Iterator[str]:
    """Every variable that stands for an option, with the commands that read it."""
    found: dict[str, dict[str, list[str]]] = {}
    for name, command in walk():
        for option in command.params:
            for variable in _variables(option):
                below = found.setdefault(variable, {}).setdefault(option.opts[0], [])
                below.append(f"[`{name.removeprefix('mockkie ')}`](cli.md#{_anchor(name)})")
    rows = [
        (code(variable), code(option), ", ".join(names))
        for variable, options in sorted(found.items())
        for option, names in options.items()
    ]
    yield from table(("variable", "stands for", "of"), rows)
