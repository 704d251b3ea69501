"""What the receipts of a probe say about each clause that it is for. Knows no target.

Nothing is concluded from a look within a minute of a boundary, nor from an answer that never came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from mockkie.harness.conclusion import Conclusion
from mockkie.harness.document import clauses
from mockkie.harness.evidence import Evidence
from mockkie.harness.judge_expiry import answer, of_its_own, reading, three_days
from mockkie.harness.judge_overwrite import latest_bytes, restarts_life, stays
from mockkie.harness.receipts import Planting
from mockkie.harness.verdicts import Report

JUDGES: Final[Mapping[str, Callable[[Evidence], Conclusion]]] = {
    "content.stays": stays,
    "overwrite.latest-bytes": latest_bytes,
    "overwrite.restarts-life": restarts_life,
    "expiry.three-days": three_days,
    "expiry.of-its-own": of_its_own,
    "expiry.reading": reading,
    "expiry.answer": answer,
}
"""Which clauses a probe is about, and what judges each."""


def conclude(planting: Planting, now: int) -> Mapping[str, Conclusion]:
    """A conclusion about each clause that a probe is for, at an instant of the target's time."""
    evidence = Evidence(planting, now)
    return {clause: judge(evidence) for clause, judge in JUDGES.items()}


def outcome(planting: Planting, now: int, **run: Any) -> Report:
    """The same as a report like that of a check.

    `run` has its date `at`, its `requests` and its `seconds`.
    """
    found = conclude(planting, now)
    return Report.of(
        [clause for clause in clauses() if clause.id in found],
        [(name, one.finding) for name, one in found.items()],
        target=planting.target,
        profile="probe",
        seed=0,
        live=planting.live,
        too_late=tuple(name for name, one in found.items() if one.too_late),
        **run,
    )
