"""The commands that plant files and look at them later. Knows no requests."""

from __future__ import annotations

from typing import Any, Final

import click

from mockkie.options import FILE, REPORT, Command, check_extra, end, option


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
        REPORT,
        click.option(
            "--timeline",
            type=FILE,
            metavar="FILE.svg",
            help="Draw the life of each file there.",
        ),
        option("--ledger", type=FILE, metavar="FILE", help="Fold the outcome into this ledger."),
        click.option("--json", "as_json", is_flag=True, help="All that is known, for programs."),
    ):
        command = decorator(command)
    return command


_RECEIPTS: Final = option(
    "--receipts",
    type=FILE,
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
    with check_extra():
        from mockkie.probing import plant_in_terminal  # noqa: PLC0415 - as above
    end(plant_in_terminal(options))


@probe.command()
@_RECEIPTS
@click.option("--publish", type=FILE, metavar="FILE", help="Write the receipts without links.")
@concluding
@probing
def collect(**options: Any) -> None:
    """Look at the planted files that are due; for cron, every 20 minutes."""
    with check_extra():
        from mockkie.probing import collect_in_terminal  # noqa: PLC0415 - as above
    end(collect_in_terminal(options))


@probe.command("run")
@click.argument("url", required=False)
@_RETENTION
@concluding
@probing
def probe_run(**options: Any) -> None:
    """Plant and collect at once, on a target whose clock can be moved; without URL a mock."""
    with check_extra():
        from mockkie.probing import run_in_terminal  # noqa: PLC0415 - as above
    end(run_in_terminal(options))
