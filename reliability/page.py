"""`docs/reliability.md` and `.json`: what every attack found when it last ran."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from reliability.attacks import Attack
from reliability.run import Outcome

_INTRO: Final = """\
# Reliability

What was done to mockkie to lose a file, to make it answer nonsense, to stop it, or to get in, and
what was counted. `make reliability` does all of it again, in some hours; `make reliability
ARGS="--only crash"` does one part, and CI does a short form of each. Each run is seeded, and a
failure prints the line that does it again.

This page is made from `docs/reliability.json` by `python -m reliability`: do not edit it. What is
trusted and what is promised is in `SECURITY.md`.

None of this says anything about the real service: it is about the mock.
"""


def read(path: Path) -> dict[str, Outcome]:
    """The outcomes by attack, none when there is no file; `ValueError` for a file of others."""
    if not path.exists():
        return {}
    try:
        known = json.loads(path.read_text())["attacks"]
        return {name: Outcome.from_json(value) for name, value in known.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} holds no figures of these attacks ({error!r}): move it away, or name another"
        ) from error


def write(path: Path, outcomes: Mapping[str, Outcome]) -> None:
    """Replace the file, all at once."""
    told = {"attacks": {name: outcome.to_json() for name, outcome in outcomes.items()}}
    _replace(path, json.dumps(told, indent=1) + "\n")


def write_page(path: Path, attacks: Mapping[str, Attack], outcomes: Mapping[str, Outcome]) -> None:
    """Replace the page, all at once."""
    _replace(path, page(attacks, outcomes))


def page(attacks: Mapping[str, Attack], outcomes: Mapping[str, Outcome]) -> str:
    """The page's text."""
    parts = [_INTRO]
    for name, attack in attacks.items():
        parts.append("\n".join(_section(attack, outcomes.get(name))))
    return "\n".join(parts)


def _section(attack: Attack, outcome: Outcome | None) -> Iterator[str]:
    yield f"## {attack.title}\n"
    yield f"{attack.about.strip()}\n"
    if outcome is None:
        yield "Not run yet.\n"
    else:
        yield from _figures(outcome)
    if attack.found:
        yield "Found by it, and mended:\n"
        yield from (f"- {found}" for found in attack.found)
        yield ""


def _figures(outcome: Outcome) -> Iterator[str]:
    yield "| counted | |"
    yield "|---|---:|"
    yield from (f"| {name} | {_number(value)} |" for name, value in outcome.figures.items())
    yield f"| **what did not hold** | **{len(outcome.failures):,}** |\n"
    yield from (f"- Failed: {failure}" for failure in outcome.failures)
    yield from (f"- {note}" for note in outcome.notes)
    if outcome.failures or outcome.notes:
        yield ""
    form = "short form, " if outcome.short else ""
    form += f"{outcome.scale:g} times the usual number, " if outcome.scale != 1 else ""
    form += f"{outcome.seconds:,.0f} s, seed {outcome.seed}"
    yield f"{outcome.date}, {form}; {outcome.machine}.\n"


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,}"


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text)
    fresh.replace(path)
