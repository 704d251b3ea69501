"""The commands that take the same steps twice. Knows no requests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from mockkie.options import FILE, Command, check_extra, end, option


def _side_by_side(command: Command) -> Command:
    """The options of the commands that take steps."""
    decorators = (
        click.option("--key", envvar="KIE_API_KEY", help="A key of the target; for mocks."),
        click.option("--other-key", envvar="KIE_OTHER_API_KEY", help="One of a second account."),
        option(
            "--max-requests",
            "most_requests",
            type=click.IntRange(1),
            help="As many requests at most, a side.",
        ),
        option(
            "--rate", type=click.FloatRange(0, min_open=True), help="As many requests a second."
        ),
        option(
            "--overwrite-delay",
            type=click.FloatRange(0),
            default=10.0,
            show_default=True,
            help="Seconds for which old bytes may be served after an overwrite.",
        ),
        click.option("--live", is_flag=True, help="Demanded for anything but this machine."),
        click.option("--quiet", is_flag=True, help="The outcome only."),
    )
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def _script(command: Command) -> Command:
    """The options that say which steps are taken."""
    decorators = (
        click.option("--quick", "profile", flag_value="quick", default=True, help="The usual run."),
        click.option("--full", "profile", flag_value="full", help="More sizes, names and walks."),
        click.option(
            "--only", multiple=True, metavar="CLAUSE", help="An id or a group of clauses."
        ),
        option(
            "--seed",
            type=int,
            default=5430,
            show_default=True,
            help="What the drawn walks begin with.",
        ),
    )
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def _outcome(command: Command) -> Command:
    """The options that say what counts, and where it is written."""
    decorators = (
        option("--strict", is_flag=True, help="What is observed or assumed counts too."),
        click.option("--report", type=FILE, metavar="FILE.json", help="Write it for programs."),
    )
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="[LEFT] RIGHT")
@_side_by_side
@_script
@_outcome
@click.option("--left-key", envvar="MOCKKIE_LEFT_KEY", help="A key of LEFT, if it is no mock.")
@click.option(
    "--left-other-key", envvar="MOCKKIE_LEFT_OTHER_KEY", help="One of a second account of LEFT."
)
@click.option("-x", "--exitfirst", is_flag=True, help="Stop at the first divergence that counts.")
def compare(**options: Any) -> None:
    """Compare two targets, step by step.

    A target is an address, `mock` (in this process; LEFT, if none is given), `mock:observed` (of
    another profile) or `mock:FILE.yaml` (of another document).

    Exit codes: 0 alike, 1 diverged, 2 wrong usage, 3 nothing could be compared.
    """
    with check_extra():
        from mockkie.comparing import compare_in_terminal  # noqa: PLC0415 - as above
    end(compare_in_terminal(options))


@click.command()
@click.argument("url", default="mock")
@_side_by_side
@_script
@click.option(
    "-o",
    "--output",
    required=True,
    type=FILE,
    metavar="FILE",
    help="Where the recording goes.",
)
@click.option(
    "--har",
    type=FILE,
    metavar="FILE.har",
    help="Write the exchanges for viewers too, without keys and links.",
)
@click.option("--label", help="What the recording calls the target; by itself no address.")
def record(**options: Any) -> None:
    """Record what the API at URL answers.

    The recording holds what came of each step, and no keys, links or hosts. Without URL, a mock is
    recorded.
    """
    with check_extra():
        from mockkie.comparing import record_in_terminal  # noqa: PLC0415 - as above
    end(record_in_terminal(options))


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("url", required=False)
@_side_by_side
@_outcome
@option("--max-age", metavar="DURATION", help="Older recordings are no evidence: P30D.")
def replay(**options: Any) -> None:
    """Hold an API against a recording.

    The steps of FILE are taken on the API at URL, else on a mock in this process.

    `sample` is a recording that comes along; it was made from the mock.

    Exit codes: 0 alike, 1 diverged, 2 wrong usage, 3 nothing was replayed, 4 alike but too old.
    """
    with check_extra():
        from mockkie.comparing import replay_in_terminal  # noqa: PLC0415 - as above
    end(replay_in_terminal(options))


COMPARING: Final[Sequence[click.Command]] = (compare, record, replay)
"""The commands of this module, for the group that they belong to."""
