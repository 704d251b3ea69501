"""The commands that judge an API. Says what people read in a terminal; knows no requests.

Exit codes of all of them: 0 upheld, 1 violated or diverged, 2 usage, 3 not checked, 4 too old.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from mockkie.options import Command, option
from mockkie.problems import UsageError


@contextmanager
def _check_extra() -> Iterator[None]:
    """Say how to install what is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is missing: pip install 'mockkie[check]'") from error


_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_REPORT: Final = click.option(
    "--report",
    "reports",
    multiple=True,
    type=_FILE,
    metavar="FILE",
    help="Write .json, .xml (JUnit), .html or .sarif; repeatable.",
)


def _exit(code: int) -> None:
    click.get_current_context().exit(code)


@click.command()
@click.argument("url", required=False)
@click.option("--key", envvar="KIE_API_KEY", help="A key of the target; for mocks.")
@click.option("--other-key", envvar="KIE_OTHER_API_KEY", help="A key of a second account.")
@click.option("--quick", "profile", flag_value="quick", default=True, help="The usual run.")
@click.option("--full", "profile", flag_value="full", help="Everything, large files included.")
@click.option("--only", multiple=True, metavar="CLAUSE", help="An id or a group of clauses.")
@click.option("-x", "--exitfirst", is_flag=True, help="Stop at the first violation.")
@option("--seed", type=int, default=5430, show_default=True, help="What generated data begin with.")
@option("--max-requests", "most_requests", type=click.IntRange(1), help="As many requests at most.")
@option("--rate", type=click.FloatRange(0, min_open=True), help="As many requests a second.")
@option(
    "--overwrite-delay",
    type=click.FloatRange(0),
    default=10.0,
    show_default=True,
    help="Seconds for which old bytes may be served after an overwrite.",
)
@click.option("--live", is_flag=True, help="Demanded for anything but this machine.")
@_REPORT
@click.option("--quiet", is_flag=True, help="The verdict only.")
def check(**options: Any) -> None:
    """Judge the API at URL by the contract, clause by clause; without URL a mock.

    Exit codes: 0 upheld, 1 violated, 2 wrong usage, 3 nothing could be checked.
    """
    with _check_extra():
        from mockkie.checking import check_in_terminal  # noqa: PLC0415 - help needs no test library
    _exit(check_in_terminal(options))


def probing(command: Command) -> Command:
    """The options of every part of a probe."""
    for decorator in (
        click.option("--key", envvar="KIE_API_KEY", help="A key of the target; for mocks."),
        option(
            "--rate", type=click.FloatRange(0, min_open=True), help="As many requests a second."
        ),
        click.option("--live", is_flag=True, help="Demanded for anything but this machine."),
    ):
        command = decorator(command)
    return command


def concluding(command: Command) -> Command:
    """The options of what draws conclusions."""
    for decorator in (
        _REPORT,
        option("--ledger", type=_FILE, metavar="FILE", help="Fold the outcome into this ledger."),
        click.option("--json", "as_json", is_flag=True, help="All that is known, for programs."),
    ):
        command = decorator(command)
    return command


_RECEIPTS: Final = option(
    "--receipts",
    type=_FILE,
    default="mockkie-receipts.json",
    show_default=True,
    metavar="FILE",
    help="What is remembered of planted files; it has their links, so keep it to yourself.",
)
_RETENTION: Final = option(
    "--retention", metavar="DURATION", help="How long files should live.  [default: as documented]"
)


@click.group()
def probe() -> None:
    """Prove what only days can show: when files end.

    Exit codes: 0 upheld, 1 violated, 2 wrong usage, 3 nothing could be judged (yet), 4 looked at
    too rarely.
    """


@probe.command()
@click.argument("url")
@_RECEIPTS
@_RETENTION
@probing
def plant(**options: Any) -> None:
    """Upload small files to the API at URL, and remember them."""
    with _check_extra():
        from mockkie.probing import plant_in_terminal  # noqa: PLC0415 - as above
    _exit(plant_in_terminal(options))


@probe.command()
@_RECEIPTS
@click.option("--publish", type=_FILE, metavar="FILE", help="Write the receipts without links.")
@concluding
@probing
def collect(**options: Any) -> None:
    """Look at the planted files that are due; for cron, every 20 minutes."""
    with _check_extra():
        from mockkie.probing import collect_in_terminal  # noqa: PLC0415 - as above
    _exit(collect_in_terminal(options))


@probe.command("run")
@click.argument("url", required=False)
@_RETENTION
@concluding
@probing
def probe_run(**options: Any) -> None:
    """Plant and collect at once, on a target whose clock can be moved; without URL a mock."""
    with _check_extra():
        from mockkie.probing import run_in_terminal  # noqa: PLC0415 - as above
    _exit(run_in_terminal(options))


@click.command()
@option(
    "--ledger",
    type=_FILE,
    default="mockkie-claims.json",
    show_default=True,
    metavar="FILE",
    help="What runs found out; it need not exist.",
)
@click.option(
    "--fold",
    "reports",
    type=_FILE,
    multiple=True,
    metavar="REPORT.json",
    help="Take a JSON report of check or probe into the ledger; repeatable.",
)
@click.option("--level", type=click.Choice(["documented", "observed", "assumed"]))
@click.option("--group", metavar="NAME", help="Clauses of one group, such as expiry.")
@click.option("--never", is_flag=True, help="Only what no run has ever judged.")
@click.option("--long", is_flag=True, help="What each clause says, its source and its tests.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def claims(**options: Any) -> None:
    """Show what is claimed of the API, what holds it, and when it was last seen to be so."""
    with _check_extra():
        from mockkie.claiming import show_claims  # noqa: PLC0415 - as above
    show_claims(options)


JUDGING: Final[Sequence[click.Command]] = (check, probe, claims)
"""The commands of this module, for the group that they belong to."""
