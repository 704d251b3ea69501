"""`mockkie run`: its options. Knows no requests and no processes."""

from __future__ import annotations

from typing import Any

import click

from mockkie.options import FILE, option, settings


@click.command(context_settings={"allow_interspersed_args": False})
@option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    show_default="a free one",
    help="Port of the mock.",
)
@settings
@option(
    "--data",
    metavar="PLACE",
    default="memory:",
    show_default=True,
    help="`memory:` or a folder for the files.",
)
@option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    metavar="HOST",
    help="Let this other host be reached, '*' for all; repeatable.  [default: none]",
)
@option("--summary", type=FILE, metavar="FILE", help="Write the summary there, as JSON.")
@option("--json", "as_json", is_flag=True, help="The summary on stderr as one line of JSON.")
@option("--quiet", is_flag=True, help="No summary on stderr.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(command: tuple[str, ...], **options: Any) -> None:
    """Run a command with a mock of its own, which it need not know of.

    Programs find the mock by their settings (KIE_UPLOAD_BASE_URL and others), or by the hosts of
    the real service: a proxy answers for these, and refuses all others.

    \b
    mockkie run -- pytest
    mockkie run --summary mock.json -- node upload.js
    """  # noqa: D301 - click wants the character, not its name
    from mockkie.running import run_in_terminal  # noqa: PLC0415 - help needs no server

    run_in_terminal(command, options)
