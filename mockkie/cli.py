"""The commands. Says what people read in a terminal; knows no requests.

Every option can be given as `MOCKKIE_*` too; option beats environment beats the contract's file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from mockkie import __version__
from mockkie.cli_compare import COMPARING
from mockkie.cli_faults import faults
from mockkie.cli_judge import JUDGING
from mockkie.cli_probe import probe
from mockkie.cli_run import run
from mockkie.cli_settings import show
from mockkie.options import DEFAULT_PORT, FILE, Commands, option, remote, settings
from mockkie.screen import colours


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="mockkie")
@click.pass_context
def main(ctx: click.Context) -> None:
    """A trustworthy fake of the KIE.AI File Upload API."""
    _occupy_standard_streams()
    ctx.color = colours()  # for everything that is printed below


def _occupy_standard_streams() -> None:
    """Have nothing else get the numbers of streams that were closed: uvloop aborts at that."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, and not inherited


@main.command()
@option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@option(
    "--download-port",
    type=click.IntRange(0, 65_535),
    help="A port of their own for downloads, as the real service has a host for them.",
)
@settings
@option(
    "--data",
    metavar="PLACE",
    help="`memory:`, a folder, or s3://bucket/prefix.  [default: a folder of the platform]",
)
@option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that share the folder or the bucket.",
)
@option(
    "--seed-files",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Have the files of this folder from the start, uploaded anew, at their paths below it.",
)
@option(
    "--control-host",
    "control_hosts",
    multiple=True,
    metavar="NAME",
    help="One more name under which `/__mockkie` may be asked, for a mock behind one; repeatable.",
)
@option(
    "--control-key",
    metavar="KEY",
    help="What `/__mockkie` asks for; needed where --host lets other machines in.",
)
@option("--durable", is_flag=True, help="Survive a loss of power too; uploads get slower.")
@option("--metrics", is_flag=True, help="Count for Prometheus, at /metrics (mockkie[metrics]).")
@option(
    "--otel",
    is_flag=True,
    help="Send a trace of each request to where OTEL_EXPORTER_OTLP_ENDPOINT is (mockkie[otel]).",
)
@option(
    "--tls",
    is_flag=True,
    help="Serve https, with a throw-away certificate; says where its authority's is.",
)
@option("--tls-cert", type=FILE, metavar="FILE", help="Serve https with this chain, PEM.")
@option("--tls-key", type=FILE, metavar="FILE", help="Its key, unless it is in the same file.")
@option(
    "--ready-file",
    type=FILE,
    metavar="FILE",
    help="Write {url, downloadOrigin, key, pid, ca} there once the mock answers.",
)
@option("--open", "open_page", is_flag=True, help="Open the dashboard in a browser.")
@option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines.")
@option("--quiet", is_flag=True, help="The ready line only.")
def serve(**options: Any) -> None:
    """Serve the mock until it is stopped."""
    from mockkie.terminal import serve_in_terminal  # noqa: PLC0415 - help needs no server

    serve_in_terminal(options)


@main.command()
@remote
@click.option("--advance", metavar="DURATION", help="Move forward: P3D, PT1H, or seconds.")
@click.option("--set", "now", metavar="TIME", help="Jump to a time such as 2026-01-01T12:00:00Z.")
@click.option("--freeze/--resume", "frozen", default=None, help="Stand still, or flow again.")
@click.option("--reset", is_flag=True, help="Back to real time.")
def clock(**options: Any) -> None:
    """Show or move the clock of a world."""
    from mockkie.remote import show_clock  # noqa: PLC0415 - help needs no client

    show_clock(**options)


@main.command()
@remote
@click.option("--delete", metavar="PATH", help="Delete the file at this path.")
@click.option("--clear", is_flag=True, help="Delete all files of the world.")
def files(**options: Any) -> None:
    """List or delete the files of a world."""
    from mockkie.remote import show_files  # noqa: PLC0415 - as above

    show_files(**options)


@main.command()
@remote
@click.option("--refused", is_flag=True, help="Only what was refused or failed.")
@click.option("--last", type=click.IntRange(1), metavar="N", help="Only the last N entries.")
@click.option("--follow", is_flag=True, help="Go on as requests come in, until Ctrl-C.")
@click.option("--clear", is_flag=True, help="Forget the entries.")
def journal(**options: Any) -> None:
    """Show what was asked of a world, and why it was refused."""
    from mockkie.remote import show_journal  # noqa: PLC0415 - as above

    show_journal(**options)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the shell's completion script.

    For bash: eval "$(mockkie completion bash)"
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - for this only

    kind = get_completion_class(shell)
    if kind is not None:
        click.echo(kind(main, {}, "mockkie", "_MOCKKIE_COMPLETE").source())


for more in (run, *JUDGING, *COMPARING, probe, faults, show):
    main.add_command(more)
