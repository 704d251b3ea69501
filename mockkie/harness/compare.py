"""Two targets side by side: the same steps on both, and the first difference of each walk.

A difference is looked at once more in fresh folders before it counts, then the walk is made as
short as it still shows it. Knows nothing of how a step is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from mockkie.harness.aspects import Difference, Key, differences, ends_a_walk
from mockkie.harness.comparison import Comparison, Divergence
from mockkie.harness.drawn import drawn
from mockkie.harness.going import Progress, go_through
from mockkie.harness.plan import MOCK, Plan
from mockkie.harness.script import script
from mockkie.harness.script_input import script_input
from mockkie.harness.script_life import script_life
from mockkie.harness.session import NotJudgedError
from mockkie.harness.shrinking import shorten
from mockkie.harness.steps import Walk
from mockkie.harness.target import Target
from mockkie.harness.verdicts import Level
from mockkie.harness.walker import Walker
from mockkie.problems import UsageError

Found = Sequence[tuple[int, Sequence[Difference]]]
"""Differences by the place of their step."""
_TRIES = {Level.DOCUMENTED: 40, Level.OBSERVED: 8, Level.ASSUMED: 8}


def walks_of(plan: Plan, only: Iterable[str] = ()) -> list[Walk]:
    """The walks of a run; `only` are clauses or groups of them. Raises `UsageError`."""
    full = plan.full
    known = [
        *script_input(),
        *script(full=full),
        *script_life(full=full),
        *drawn(plan.seed, 40 if full else 8),
    ]
    wanted = set(only)
    groups = {walk.group for walk in known}
    strangers = wanted - groups - {walk.about for walk in known}
    if strangers:
        raise UsageError(
            f"no walk is about {min(strangers)!r}; the groups are: {', '.join(sorted(groups))}"
        )
    return [walk for walk in known if not wanted or {walk.group, walk.about} & wanted]


class Comparer:
    """Compares two targets walk by walk."""

    def __init__(self, left: Target, right: Target, found: Comparison) -> None:
        self._left, self._right = left, right
        self.found = found

    def run(self, walks: Sequence[Walk], progress: Progress, *, first: bool = False) -> None:
        """Take all walks; `first`: until the first divergence that counts."""

        def take(walk: Walk) -> bool:
            self._compare(walk)
            return not (first and self.found.counting)

        sides = (self._left, self._right)
        try:
            self.found.gave_up = go_through(walks, sides, take, self.found.left_out, progress)
        finally:
            left, right = (side.wire.budget.spent for side in sides)
            self.found.requests = (left, right)

    def _compare(self, walk: Walk) -> None:
        found = self._take(walk)
        new: dict[Key, tuple[int, Difference]] = {}
        for at, inner in found:
            for difference in inner:
                if difference.key in self.found.divergences:
                    self.found.divergences[difference.key].met_in(walk.name)
                else:
                    new.setdefault(difference.key, (at, difference))
        again = set(new)
        if new and not walk.race:
            again = {one.key for _, inner in self._take(walk) for one in inner}
        self.found.walks += 1
        self.found.steps += len(walk.steps)
        for key, (at, difference) in new.items():
            if key in again:
                self.found.divergences[key] = self._shortest(walk, at, difference)
            else:
                self.found.unsteady.append(f"{walk.name}: {difference.aspect} differed once")

    def _take(self, walk: Walk) -> Found:
        """What differs when a walk is taken on both; ends where they keep different files."""
        left, right = Walker(self._left), Walker(self._right)
        found = []
        for at, step in enumerate(walk.steps):
            inner = differences(walk, step, left.take(step), right.take(step))
            if inner:
                found.append((at, inner))
            if ends_a_walk(step, inner):
                break
        return found

    def _shortest(self, walk: Walk, at: int, difference: Difference) -> Divergence:
        """The divergence, with the fewest steps that show it."""
        known = Divergence(difference, [walk.name], walk.steps[: at + 1], *self._lines())

        def shows(steps: Walk) -> bool:
            for place, inner in self._take(steps):
                same = next((one for one in inner if one.key == difference.key), None)
                if same is not None and place == len(steps.steps) - 1:
                    known.difference, known.steps = same, steps.steps
                    known.left, known.right = self._lines()
                    return True
            return False

        tries = 0 if walk.race else _TRIES[difference.level]
        with suppress(NotJudgedError):  # the budget may end here: then it stays as long as it is
            shorten(replace(walk, steps=tuple(known.steps)), shows, tries)
        return known

    def _lines(self) -> tuple[Sequence[str], Sequence[str]]:
        """Shell lines for both; a mock of this process is gone by the time that they are read."""
        sides = ((self._left, self.found.left), (self._right, self.found.right))
        left, right = [
            () if word.partition(":")[0] == MOCK else list(dict.fromkeys(target.reproduce(12)))
            for target, word in sides
        ]
        return left, right
