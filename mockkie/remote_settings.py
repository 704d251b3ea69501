"""`settings`: those of a document, or of a world of a running mock. Knows not what they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
import orjson

from mockkie.build import read_contract
from mockkie.changes import PROFILE, nested, read_changes
from mockkie.problems import UsageError
from mockkie.quirks import QUIRKS
from mockkie.remote import Remote
from mockkie.screen import hung

_COLUMN: Final = 48  # where what a setting does begins


def show_settings(  # noqa: PLR0913 - the options of the command
    *,
    url: str | None,
    key: str | None,
    reset: bool,
    as_json: bool,
    contract: Sequence[Path],
    overlay: Sequence[Path],
    profile: str,
    settings: Mapping[str, Any],
) -> None:
    """Run `mockkie settings`."""
    if url is None:
        if reset or key is not None:
            raise UsageError("--reset and --key are about a running mock: name it with --url")
        changes = dict(settings)
        chosen = changes.pop(PROFILE, profile)
        values = read_contract(contract, chosen, overlay, changes).settings.values
        _print(values, {}, as_json=as_json)
        return
    if _typed("contract") or _typed("overlay"):
        raise UsageError("--contract and --overlay are about no running mock: leave out --url")
    mock = Remote(url, key)
    if reset:
        mock.ask("DELETE", "/settings")
    wanted = {**(nested(settings) if _typed("settings") else {})}
    if _typed("profile"):
        wanted[PROFILE] = profile
    if wanted:
        mock.ask("PATCH", "/settings", body=wanted)
    state = mock.ask("GET", "/settings")
    _print(read_changes(state["settings"]), read_changes(state["changed"]), as_json=as_json)


def _typed(option: str) -> bool:
    """Whether an option was written: what the environment says is for mocks that are started."""
    source = click.get_current_context().get_parameter_source(option)
    return source is click.core.ParameterSource.COMMANDLINE


def _print(values: Mapping[str, Any], changed: Mapping[str, Any], *, as_json: bool) -> None:
    """A line for each; of a world, what its mock has otherwise is marked."""
    for quirk in QUIRKS.values():
        value = values[quirk.name]
        if as_json:
            told = {
                "name": quirk.name,
                "value": value,
                "default": quirk.default,
                "changed": quirk.name in changed,
                "level": quirk.level,
                "does": quirk.does,
                "known": quirk.known,
            }
            click.echo(orjson.dumps(told))
            continue
        mark = "*" if quirk.name in changed else " "
        also = "" if value == quirk.default else f" (default {_said(quirk.default)})"
        known = f"{mark} {quirk.name:<20} {_said(value) + also:<24} "
        click.echo(hung(f"{known}{quirk.level}: {quirk.does}", _COLUMN))


def _said(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
