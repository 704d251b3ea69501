"""`mockkie settings`: its options. Knows no requests and no settings."""

from __future__ import annotations

from typing import Any

import click

from mockkie.options import CONTROL_KEY, DOCUMENT, option


@click.command(name="settings")
@option("--url", help="Of a running mock: show, or change, the settings of one of its worlds.")
@option("--key", metavar="KEY", help="Of the world; without it, the default world.")
@CONTROL_KEY
@click.option("--reset", is_flag=True, help="Have the world's settings be those of its mock.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines.")
def show(**options: Any) -> None:
    """List all settings: value, default, how well it is known, and what it does.

    Without --url those that a mock would have which is started with these options.

    \b
    mockkie settings --profile observed
    mockkie settings --url http://127.0.0.1:5430 --set errorTransport=body
    """  # noqa: D301 - click wants the character, not its name
    from mockkie.remote_settings import show_settings  # noqa: PLC0415 - help needs no client

    show_settings(**options)


for declare in reversed(DOCUMENT):
    show = declare(show)
