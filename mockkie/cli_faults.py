"""`mockkie faults`: the commands, and what people read about them. Knows no requests."""

from __future__ import annotations

from typing import Any

import click

from mockkie.options import remote


@click.group()
def faults() -> None:
    """Have requests to a running mock go wrong."""


@faults.command()
@click.argument("words", nargs=-1, required=True)
@remote
def add(**options: Any) -> None:
    """Add a fault: WORDS such as `status=500 nth=3`, or its JSON.

    mockkie faults add reset=65536 operation=upload-file-stream nth=3 times=1

    mockkie faults add latency=normal:PT1S:PT0.2S probability=0.5

    mockkie faults add '{"then": {"put": {"/data/fileSize": "12"}}}'
    """
    from mockkie.remote_faults import add_fault  # noqa: PLC0415 - help needs no client

    add_fault(**options)


@faults.command(name="list")
@remote
def list_(**options: Any) -> None:
    """Show the faults of a world, and how often each fired."""
    from mockkie.remote_faults import show_faults  # noqa: PLC0415 - as above

    show_faults(**options)


@faults.command()
@click.argument("fault", required=False, metavar="[ID]")
@remote
def clear(**options: Any) -> None:
    """Take all faults of a world away, or the one of an ID."""
    from mockkie.remote_faults import clear_faults  # noqa: PLC0415 - as above

    clear_faults(**options)


@faults.command()
@click.argument("name", required=False)
@click.option("--seed", type=int, help="What the faults draw begins with this.")
@remote
def scenario(**options: Any) -> None:
    """Add the faults of a scenario by its NAME, or of a script's .yaml file; without, show them."""
    from mockkie.remote_faults import add_scenario  # noqa: PLC0415 - as above

    add_scenario(**options)
