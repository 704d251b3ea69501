"""How commands declare their options, and how they say what is wrong. Knows no command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from mockkie.problems import INTERRUPTED_CODE, UsageError

DEFAULT_PORT: Final = 5430

Command = TypeVar("Command", bound=Callable[..., Any])


class Commands(click.Group):
    """Says what is wrong in one line, with exit code 2; ends without a word when interrupted."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED_CODE) from None
        except UsageError as error:
            raise click.UsageError(str(error)) from error


def option(name: str, *more: str, **settings: Any) -> Callable[[Command], Command]:
    """An option that `MOCKKIE_<NAME>` sets too."""
    env = "MOCKKIE_" + name.lstrip("-").replace("-", "_").upper()
    return click.option(name, *more, envvar=env, show_envvar=True, **settings)


_CONTROL_KEY: Final = "mockkie.control_key"


def _remember(ctx: click.Context, param: click.Parameter, key: str | None) -> None:
    del param
    ctx.meta[_CONTROL_KEY] = key


CONTROL_KEY: Final = option(
    "--control-key",
    metavar="KEY",
    expose_value=False,
    callback=_remember,
    help="Of the mock, if it was started with one.",
)
"""The option of a command that speaks to a running mock; `given_control_key` has what it says."""


def given_control_key() -> str | None:
    """The control key that the command in progress was given."""
    ctx = click.get_current_context(silent=True)
    return None if ctx is None else ctx.meta.get(_CONTROL_KEY)


def remote(command: Command) -> Command:
    """The options of a command that speaks to a running mock."""
    for decorator in (
        option(
            "--url",
            default=f"http://127.0.0.1:{DEFAULT_PORT}",
            show_default=True,
            help="Where the mock is.",
        ),
        option("--key", metavar="KEY", help="Of the world; without it, the default world."),
        CONTROL_KEY,
        click.option("--json", "as_json", is_flag=True, help="The mock's own JSON."),
    ):
        command = decorator(command)
    return command


FILE: Final = click.Path(dir_okay=False, path_type=Path)
REPORT: Final = click.option(
    "--report",
    "reports",
    multiple=True,
    type=FILE,
    metavar="FILE",
    help="Write .json, .xml (JUnit), .html or .sarif; repeatable.",
)


@contextmanager
def check_extra() -> Iterator[None]:
    """Say how to install what is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is missing: pip install 'mockkie[check]'") from error


def end(code: int) -> None:
    """End the command with this exit code."""
    click.get_current_context().exit(code)


class _Words(click.types.StringParamType):
    """`NAME=VALUE`; in the environment one a line, for values have spaces."""

    name = "setting"
    envvar_list_splitter = "\n"


def _changes(ctx: click.Context, param: click.Parameter, words: tuple[str, ...]) -> dict[str, Any]:
    from mockkie.changes import read_words  # noqa: PLC0415 - help needs no settings

    del ctx, param
    try:
        return read_words(word for word in words if word.strip())
    except UsageError as error:
        raise UsageError(f"--set: {error}") from error


class _Size(click.types.IntParamType):
    """`100MB`, `1GiB`, `500000`: what it is worth is said where it is read."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from mockkie.sizes import parse_size  # noqa: PLC0415 - help needs no sizes

        try:
            return parse_size(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


SET: Final = option(
    "--set",
    "settings",
    multiple=True,
    type=_Words(),
    callback=_changes,
    metavar="NAME=VALUE",
    help="Any setting of x-mockkie, such as expiredLink.status=410; repeatable (`mockkie settings` "
    "lists them).",
)

DOCUMENT: Final = (
    option(
        "--contract",
        multiple=True,
        type=FILE,
        metavar="FILE",
        help="An OpenAPI document in place of those that come along; repeatable, all are served.",
    ),
    option(
        "--overlay",
        multiple=True,
        type=FILE,
        metavar="FILE",
        help="An OpenAPI Overlay that changes the (first) contract; repeatable, applied in order.",
    ),
    option(
        "--profile",
        default="documented",
        show_default=True,
        help="Settings of the document: documented, or observed.",
    ),
    SET,
)
"""The options that say which document there is, with which settings."""

_SETTINGS: Final = (
    option(
        "--download-origin",
        metavar="URL",
        help="Scheme and host of download links, such as https://tempfile.redpandaai.co.",
    ),
    option(
        "--key",
        "keys",
        multiple=True,
        metavar="KEY",
        help="A key that opens the default world; repeatable.  [default: kie-mock-key]",
    ),
    option("--any-key", is_flag=True, help="Let every key open the default world."),
    *DOCUMENT,
    option("--retention", metavar="DURATION", help="How long files live, such as P3D or PT24H."),
    option(
        "--max-file-size",
        type=_Size(),
        metavar="SIZE",
        help="The most bytes of one file, such as 100MB, 1GiB or 500000.",
    ),
    option(
        "--max-total-size",
        type=_Size(),
        metavar="SIZE",
        help="The most bytes of all living files of a world, overwritten ones not counted.",
    ),
    option(
        "--min-free-disk",
        type=_Size(),
        metavar="SIZE",
        default="64MiB",
        show_default=True,
        help="Refuse uploads that would leave less free on the disk of the folder; 0: never.",
    ),
    option(
        "--max-connections",
        type=click.IntRange(1),
        default=4_000,
        show_default=True,
        metavar="N",
        help="Answer 503 on further connections, of each process.",
    ),
    option(
        "--client-timeout",
        type=click.FloatRange(0),
        default=60.0,
        show_default=True,
        metavar="SECONDS",
        help="Answer 408 to a client that is silent so long within a request; 0: never.",
    ),
    option(
        "--url-upload",
        type=click.Choice(["offline", "fetch", "deny"]),
        help="Where URL uploads get their bytes; offline: samples stand in for the web.",
    ),
    option("--url-upload-private", is_flag=True, help="Let URL uploads reach private addresses."),
    option(
        "--faults",
        metavar="FILE|SCENARIO",
        help="Faults that the default world begins with: a script (.yaml), or a scenario's name.",
    ),
)


def settings(command: Command) -> Command:
    """The options of a command that starts a mock: what it answers, not where."""
    for decorator in reversed(_SETTINGS):
        command = decorator(command)
    return command
