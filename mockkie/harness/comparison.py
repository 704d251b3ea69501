"""What comparing found: divergences, what was left out, and what it comes down to. No requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mockkie.harness.aspects import Difference, Key, known_clauses
from mockkie.harness.steps import Step, step_to_json
from mockkie.harness.verdicts import TOO_OLD_CODE, UNCHECKED_CODE, UPHELD_CODE, VIOLATED_CODE, Level
from mockkie.harness.wording import in_words


@dataclass(slots=True)
class Divergence:
    """Two targets answered the same step differently; the last one of `steps` is that step.

    `left` and `right` are shell lines that show it. `walks` are the names of all that met it.
    """

    difference: Difference
    walks: list[str]
    steps: Sequence[Step]
    left: Sequence[str] = ()
    right: Sequence[str] = ()

    def met_in(self, walk: str) -> None:
        """Another walk met it, or this one again."""
        if walk not in self.walks:
            self.walks.append(walk)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        found, clause = self.difference, known_clauses().get(self.difference.clause)
        return {
            "clause": found.clause,
            "level": found.level.value,
            "says": clause.says if clause else "",
            "aspect": found.aspect,
            "left": found.left,
            "right": found.right,
            "walks": list(self.walks),
            "steps": [step_to_json(step) for step in self.steps],
            "words": [in_words(step) for step in self.steps],
            "reproduce": {"left": list(self.left), "right": list(self.right)},
        }


@dataclass(slots=True)
class Comparison:
    """Everything that a run found about two targets, or a recording and a target.

    `left_out` are walks with the reason, `unsteady` what differed once and not again. `age` is
    said when evidence is too old to be relied upon, `gave_up` when a target answered no more, or
    somebody stopped the run.
    """

    left: str
    right: str
    seed: int
    profile: str = "quick"
    strict: bool = False
    divergences: dict[Key, Divergence] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    unsteady: list[str] = field(default_factory=list)
    walks: int = 0
    steps: int = 0
    requests: tuple[int, int] = (0, 0)
    seconds: float = 0.0
    age: str = ""
    gave_up: str = ""

    def at_level(self, level: Level) -> list[Divergence]:
        """The divergences of a level."""
        found = self.divergences.values()
        return [one for one in found if one.difference.level == level]

    @property
    def counting(self) -> list[Divergence]:
        """Those that decide: of documented clauses, if `strict` all of them."""
        return list(self.divergences.values()) if self.strict else self.at_level(Level.DOCUMENTED)

    @property
    def exit_code(self) -> int:
        """0: alike, 1: diverged, 3: nothing was compared, 4: alike, by evidence that is too old."""
        if self.counting:
            return VIOLATED_CODE
        if not self.walks or self.gave_up:
            return UNCHECKED_CODE
        return TOO_OLD_CODE if self.age else UPHELD_CODE

    def to_json(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "left": self.left,
            "right": self.right,
            "profile": self.profile,
            "seed": self.seed,
            "strict": self.strict,
            "walks": self.walks,
            "steps": self.steps,
            "requests": {"left": self.requests[0], "right": self.requests[1]},
            "seconds": round(self.seconds, 3),
            "age": self.age,
            "gaveUp": self.gave_up,
            "divergences": [one.to_json() for one in self.divergences.values()],
            "leftOut": [{"walk": name, "why": why} for name, why in self.left_out.items()],
            "unsteady": list(self.unsteady),
            "summary": {
                "counting": len(self.counting),
                **{level.value: len(self.at_level(level)) for level in Level},
            },
        }
