"""Goes through walks, says why some are left out, and gives up on targets that answer no more.

Knows neither what is compared nor what is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from mockkie.harness.session import NoAnswerError, NotJudgedError
from mockkie.harness.steps import Walk
from mockkie.harness.target import Target

Progress = Callable[[int, int, str], None]
"""Is told how many walks or tests are done, of how many, and the name of one beside them."""
_PATIENCE: Final = 3
"""So many walks in a row may fail before the rest is left out too."""


def go_through(
    walks: Sequence[Walk],
    targets: Sequence[Target],
    take: Callable[[Walk], object],
    left_out: dict[str, str],
    progress: Progress,
) -> str:
    """Let `take` have every walk that the targets can take, until it says False.

    Returns why it gave up before the end, if it did; a budget that is spent is no such reason.
    """
    failed, why = 0, ""
    for number, walk in enumerate(walks):
        progress(number, len(walks), walk.name)
        try:
            if failed < _PATIENCE:
                why = why_left_out(walk, targets)
                if not why and take(walk) is False:
                    break
                failed = 0
        except (NotJudgedError, NoAnswerError) as error:
            failed, why = failed + 1, str(error)
        if why:
            left_out[walk.name] = why
    progress(len(walks), len(walks), "")
    budgets = [target.wire.budget for target in targets]
    spent = any(budget.spent >= budget.requests for budget in budgets)
    return why if failed == _PATIENCE and not spent else ""


def why_left_out(walk: Walk, targets: Iterable[Target]) -> str:
    """Why a walk cannot be taken on all of the targets; empty when it can."""
    for target in targets:
        if walk.needs_clock and not target.has_clock:
            return f"the clock of {target.url} cannot be moved"
        if walk.needs_other_account and target.other_key is None:
            return f"no key of a second account of {target.url} is known"
    return ""
