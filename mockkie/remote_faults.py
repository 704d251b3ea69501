"""`faults`: a thin client of a running mock's control API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import click
import orjson

from mockkie.faults import Fault
from mockkie.remote import Remote
from mockkie.scenarios import Script, scenarios
from mockkie.screen import hung

_SEPARATORS: Final = " ;,"
_COUNTS: Final = ("id", "addedAt", "matched", "shots")


def add_fault(*, url: str, key: str | None, as_json: bool, words: Sequence[str]) -> None:
    """Run `mockkie faults add`."""
    fault = Fault.of(" ".join(map(_quoted, words)))
    added = Remote(url, key).ask("POST", "/faults", body=fault.to_json())
    _print([added], as_json=as_json)


def _quoted(word: str) -> str:
    """A word with the quotes that the shell took away, where it needs them."""
    name, equals, value = word.partition("=")
    needed = equals and any(letter in _SEPARATORS for letter in value)
    return f'{name}="{value}"' if needed and not word.startswith("{") else word


def show_faults(*, url: str, key: str | None, as_json: bool) -> None:
    """Run `mockkie faults list`."""
    _print(Remote(url, key).ask("GET", "/faults")["faults"], as_json=as_json)


def clear_faults(*, url: str, key: str | None, as_json: bool, fault: str | None) -> None:
    """Run `mockkie faults clear`."""
    mock = Remote(url, key)
    if fault is None:
        gone = mock.ask("DELETE", "/faults")
        click.echo(orjson.dumps(gone) if as_json else _removed(gone["deleted"]))
    else:
        mock.ask("DELETE", f"/faults/{fault}")
        click.echo(f"removed fault {fault}")


def add_scenario(
    *, url: str, key: str | None, as_json: bool, name: str | None, seed: int | None
) -> None:
    """Run `mockkie faults scenario`."""
    if name is None:
        for known in scenarios():
            click.echo(hung(f"{known:<16}{Script.named(known).about}", 16))
        return
    body: dict[str, Any] = dict(Script.named(name).root)
    if seed is not None:
        body["seed"] = seed
    added = Remote(url, key).ask("POST", "/faults", body=body)
    _print(added["faults"], as_json=as_json)


def _print(states: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    for state in states:
        if as_json:
            click.echo(orjson.dumps(state))
            continue
        fault = Fault.of({name: one for name, one in state.items() if name not in _COUNTS})
        fired = f"{state['shots']:,} of {state['matched']:,}"
        click.echo(f"{state['id']:>3}  {fired:>12}  {fault}")


def _removed(count: int) -> str:
    return f"removed {count:,} fault{'' if count == 1 else 's'}"
