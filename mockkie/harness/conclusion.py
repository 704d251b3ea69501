"""What is known about one clause, and how it is put. Knows no clause and no target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mockkie.harness.evidence import Evidence
from mockkie.harness.receipts import Look, Sight
from mockkie.harness.verdicts import Finding, Verdict

_TOO_LATE: Final = "plant again, and collect more often"


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What is known about a clause. `too_late`: its evidence was missed and cannot be had again."""

    verdict: Verdict
    why: str
    too_late: bool = False

    @property
    def finding(self) -> Finding:
        """The same for a report."""
        return Finding("probe", self.verdict, self.why)


def upheld(why: str) -> Conclusion:
    """It holds, by what is said here."""
    return Conclusion(Verdict.UPHELD, why)


def violated(why: str) -> Conclusion:
    """It does not hold."""
    return Conclusion(Verdict.VIOLATED, why)


def open_(why: str, evidence: Evidence, *, too_late: bool = False) -> Conclusion:
    """It cannot be told: not yet, or not any more."""
    if too_late:
        return Conclusion(Verdict.NOT_JUDGED, f"{why}; {_TOO_LATE}", too_late=True)
    return Conclusion(Verdict.NOT_JUDGED if evidence.over else Verdict.DEFERRED, why)


def instead(look: Look) -> str:
    """What an answer 200 carried in place of the file."""
    return {
        Sight.EMPTY: "with no bytes",
        Sight.REFUSAL: "with a refusal",
    }.get(look.sight, f"with {look.size} bytes that nobody uploaded")
