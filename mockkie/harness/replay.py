"""Takes the steps of a target and writes down what it saw; or asks whether another one does alike.

Knows nothing of how a step is taken, and of recordings only what they say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mockkie.clock import stopwatch
from mockkie.harness.aspects import Difference, Key, differences, ends_a_walk
from mockkie.harness.comparison import Comparison, Divergence
from mockkie.harness.going import Progress, go_through
from mockkie.harness.observation import Observation, hide
from mockkie.harness.plan import MOCK
from mockkie.harness.recording import Recording
from mockkie.harness.steps import Walk
from mockkie.harness.target import Target
from mockkie.harness.walker import Walker


def record(target: Target, walks: Sequence[Walk], recording: Recording, progress: Progress) -> str:
    """Take the walks on a target, and put what came of them into the recording.

    Returns why it gave up before the end, if it did.
    """
    recording.clock = target.has_clock
    left_out: dict[str, str] = {}

    def take(walk: Walk) -> None:
        walker = Walker(target)
        recording.walks.append((walk, [walker.take(step) for step in walk.steps]))

    gave_up = go_through(walks, [target], take, left_out, progress)
    for name, why in left_out.items():
        recording.left_out[name] = hide(why.replace(target.url, "the target"), target.secrets)
    return gave_up


class Replayer:
    """Asks whether a target answers as a recording says."""

    def __init__(self, target: Target, found: Comparison) -> None:
        self._target = target
        self.found = found

    def run(
        self, recorded: Iterable[tuple[Walk, Sequence[Observation]]], progress: Progress
    ) -> None:
        """Take every walk of a recording."""
        started = stopwatch()
        pairs = list(recorded)
        known = {id(walk): saw for walk, saw in pairs}  # two walks may have one name in a file

        def take(walk: Walk) -> None:
            self._replay(walk, known[id(walk)])

        walks, left_out = [walk for walk, _ in pairs], self.found.left_out
        try:
            self.found.gave_up = go_through(walks, [self._target], take, left_out, progress)
        finally:
            self.found.requests = (0, self._target.wire.budget.spent)
            self.found.seconds = stopwatch() - started

    def _replay(self, walk: Walk, saw: Sequence[Observation]) -> None:
        found = self._take(walk, saw)
        new = {key: one for key, one in found.items() if key not in self.found.divergences}
        for key in found.keys() - new.keys():
            self.found.divergences[key].met_in(walk.name)
        again = self._take(walk, saw) if new and not walk.race else new
        self.found.walks += 1
        self.found.steps += len(walk.steps)
        for key, divergence in new.items():
            if key in again:
                self.found.divergences[key] = divergence
            else:
                aspect = divergence.difference.aspect
                self.found.unsteady.append(f"{walk.name}: {aspect} differed once")

    def _take(self, walk: Walk, saw: Sequence[Observation]) -> dict[Key, Divergence]:
        """The divergences of a walk by their keys."""
        walker = Walker(self._target)
        found: dict[Key, Divergence] = {}
        for at, (step, one) in enumerate(zip(walk.steps, saw, strict=True)):
            inner: Sequence[Difference] = differences(walk, step, one, walker.take(step))
            lines = [] if self.found.right == MOCK or not inner else self._target.reproduce(12)
            for difference in inner:
                known = Divergence(difference, [walk.name], walk.steps[: at + 1], (), lines)
                found.setdefault(difference.key, known)
            if ends_a_walk(step, list(inner)):
                break
        return found
