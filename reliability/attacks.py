"""The attacks there are, in the order of the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from reliability.run import Run

ATTACKS: Final[Sequence[str]] = (
    "crash",
    "power",
    "disks",
    "fuzz",
    "forms",
    "wire",
    "linear",
    "load",
    "intrusion",
    "supply",
)
"""Their names; each is a module of this package."""


@dataclass(frozen=True, slots=True)
class Attack:
    """An attack, as its module tells it."""

    name: str
    title: str
    about: str
    found: Sequence[str]
    attack: Callable[[Run], None]


def load(names: Sequence[str] = ATTACKS) -> Mapping[str, Attack]:
    """Attacks by name; what only they need is imported now."""
    loaded = {}
    for name in names:
        module = import_module(f"reliability.{name}")
        loaded[name] = Attack(name, module.TITLE, module.ABOUT, module.FOUND, module.attack)
    return loaded
