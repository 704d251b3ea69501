"""One run of one attack: its seed, its size, and what it counts. Knows no attack."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

_EVERY: Final = 5.0  # seconds between two lines about how far it is


@dataclass(slots=True)
class Outcome:
    """What an attack counted.

    `figures`: what was counted, by a name that a reader understands. `failures`: what did not
    hold, each with the line that does it again; none when all held. `short`: the form that CI has.
    """

    name: str
    date: str
    machine: str
    seed: int
    short: bool
    scale: float = 1.0
    seconds: float = 0.0
    figures: dict[str, int | float | str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As in `docs/reliability.json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Outcome:
        """Of `to_json`; `TypeError` for another thing."""
        return cls(**value)


@dataclass(slots=True)
class Run:
    """What an attack is given: a folder of its own, its chances, and where it tells what it saw."""

    outcome: Outcome
    folder: Path
    random: random.Random
    _told: float = field(default_factory=time.monotonic)

    @property
    def short(self) -> bool:
        """Whether a minute has to do."""
        return self.outcome.short

    @property
    def again(self) -> str:
        """The line that does this run again."""
        short = " --short" if self.short else ""
        return f"python -m reliability --only {self.outcome.name} --seed {self.outcome.seed}{short}"

    def size(self, whole: int, short: int) -> int:
        """How many of something: `whole`, in the short form `short`, times `--scale`."""
        return max(1, round((short if self.short else whole) * self.outcome.scale))

    def count(self, figure: str, by: int = 1) -> None:
        """Add to a figure, which begins at 0."""
        before = self.outcome.figures.get(figure, 0)
        if not isinstance(before, int):
            raise TypeError(f"{figure} is no count")
        self.outcome.figures[figure] = before + by

    def figure(self, name: str, value: float | str) -> None:
        """Set a figure that is no count."""
        self.outcome.figures[name] = value

    def fail(self, what: str, again: str | None = None) -> None:
        """Something did not hold; `again` does it again, else the whole run."""
        text = f"{what}\n  again: {again or self.again}"
        self.outcome.failures.append(text)
        print(f"FAILED: {text}", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        """Something that a reader of the page should know of this run."""
        self.outcome.notes.append(text)

    def tell(self, text: Callable[[], str]) -> None:
        """How far it is, at most every few seconds."""
        if time.monotonic() - self._told >= _EVERY:
            self._told = time.monotonic()
            print(f"  {self.outcome.name}: {text()}", file=sys.stderr, flush=True)
