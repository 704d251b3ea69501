"""What a run found out about each clause of the contract. Knows no target and no test runner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Self

from mockkie.problems import INTERRUPTED_CODE

UPHELD_CODE: Final = 0
VIOLATED_CODE: Final = 1
UNCHECKED_CODE: Final = 3
TOO_OLD_CODE: Final = 4


class Level(StrEnum):
    """How much evidence a clause has. Only a documented one decides about a target."""

    DOCUMENTED = "documented"
    OBSERVED = "observed"
    ASSUMED = "assumed"


class Verdict(StrEnum):
    """What a run says about a clause."""

    UPHELD = "upheld"
    VIOLATED = "violated"
    NOT_JUDGED = "not judged"
    DEFERRED = "deferred"


@dataclass(frozen=True, slots=True)
class Clause:
    """One sentence of the contract, as `x-mockkie.claims` of the document has it."""

    id: str
    level: Level
    says: str
    source: str

    @property
    def group(self) -> str:
        """The part of its id before the dot."""
        return self.id.partition(".")[0]


class Violation(AssertionError):  # noqa: N818 - it is no error of ours, it is what was found
    """An answer broke the contract: the text is a sentence that says how.

    `clause` is the id of the clause that it broke; None: the one that the test is chiefly about.
    """

    def __init__(self, why: str, clause: str | None = None) -> None:
        super().__init__(why)
        self.clause = clause


@dataclass(frozen=True, slots=True)
class Finding:
    """What one test says about a clause.

    `why` is a sentence, for an upheld clause what was measured, if anything; `reproduce` are shell
    lines (curl) that show a violation, the key being `$KIE_API_KEY` in them, and `answers` is what
    each was answered, shortened; `where` is the line of the suite that found it, such as
    `test_auth.py:52`.
    """

    test: str
    verdict: Verdict
    why: str = ""
    reproduce: Sequence[str] = ()
    seconds: float = 0.0
    where: str = ""
    answers: Sequence[str] = ()


_ORDER: Final = (Verdict.VIOLATED, Verdict.UPHELD, Verdict.NOT_JUDGED, Verdict.DEFERRED)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A clause with everything that the run found about it."""

    clause: Clause
    findings: Sequence[Finding] = ()

    @property
    def verdict(self) -> Verdict:
        """Violated if any test says so, else upheld if one does, else why not."""
        found = {finding.verdict for finding in self.findings}
        return next((verdict for verdict in _ORDER if verdict in found), Verdict.NOT_JUDGED)

    @property
    def decisive(self) -> Sequence[Finding]:
        """The findings that make the verdict."""
        return [finding for finding in self.findings if finding.verdict == self.verdict]

    @property
    def why(self) -> str:
        """The reasons of the verdict, each once."""
        if not self.findings:
            return "no test of this run is about it"
        reasons = dict.fromkeys(finding.why for finding in self.decisive if finding.why)
        return "; ".join(reasons)

    @property
    def reproduce(self) -> Sequence[str]:
        """Shell lines that show the first violation."""
        return next((finding.reproduce for finding in self.decisive if finding.reproduce), ())

    @property
    def answers(self) -> Sequence[str]:
        """What each of these lines was answered in the run: request line, status, headers, body."""
        return next((finding.answers for finding in self.decisive if finding.reproduce), ())

    @property
    def where(self) -> Sequence[str]:
        """The lines of the suite that make the verdict."""
        return sorted({finding.where for finding in self.decisive if finding.where})

    @property
    def seconds(self) -> float:
        """How long its tests took."""
        return sum(finding.seconds for finding in self.findings)


@dataclass(slots=True)
class Layer:
    """One part of a run, of all in the order in which they ran: how many tests, what they cost.

    `violations` is how many tests found one, of a clause of whatever level.
    """

    name: str
    tests: int = 0
    requests: int = 0
    seconds: float = 0.0
    violations: int = 0

    def add(self, requests: int, seconds: float, *, violated: bool) -> None:
        """One more test of the layer is over."""
        self.tests += 1
        self.requests += requests
        self.seconds += seconds
        self.violations += violated

    def to_json(self) -> dict[str, Any]:
        """The layer for programs."""
        return {
            "name": self.name,
            "tests": self.tests,
            "requests": self.requests,
            "seconds": round(self.seconds, 3),
            "violations": self.violations,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What a run found out. `profile` is `quick` or `full`, `seconds` its length.

    `layers` are the parts it had, where it had any. `at` is its date, ISO 8601 in UTC; `live`: the
    target is not on this machine; `interrupted`: somebody stopped it before its end. `too_late`
    are ids of clauses whose evidence can no longer be had.
    """

    target: str
    profile: str
    seed: int
    requests: int
    seconds: float
    judgements: Sequence[Judgement] = field(default_factory=list)
    interrupted: bool = False
    at: str = ""
    live: bool = False
    layers: Sequence[Layer] = ()
    too_late: Sequence[str] = ()

    @classmethod
    def of(
        cls, clauses: Iterable[Clause], findings: Iterable[tuple[str, Finding]], **run: Any
    ) -> Self:
        """The report of a run that found `(id of a clause, finding)`."""
        known: dict[str, list[Finding]] = {}
        for clause_id, finding in findings:
            known.setdefault(clause_id, []).append(finding)
        judgements = [Judgement(clause, known.get(clause.id, ())) for clause in clauses]
        return cls(judgements=judgements, **run)

    def with_verdict(self, verdict: Verdict) -> Sequence[Judgement]:
        """The clauses of a verdict."""
        return [judged for judged in self.judgements if judged.verdict == verdict]

    @property
    def summary(self) -> dict[str, int]:
        """How many clauses have which verdict."""
        found = Counter(judged.verdict for judged in self.judgements)
        return {verdict.value: found[verdict] for verdict in Verdict}

    @property
    def warnings(self) -> Sequence[Judgement]:
        """Violated clauses that only observations speak for."""
        violated = self.with_verdict(Verdict.VIOLATED)
        return [judged for judged in violated if judged.clause.level == Level.OBSERVED]

    @property
    def exit_code(self) -> int:
        """0: upheld, 1: a documented clause is violated, 3: no documented clause was judged."""
        documented = [j for j in self.judgements if j.clause.level == Level.DOCUMENTED]
        verdicts = {judged.verdict for judged in documented}
        if Verdict.VIOLATED in verdicts:
            return VIOLATED_CODE
        return UPHELD_CODE if Verdict.UPHELD in verdicts else UNCHECKED_CODE

    @property
    def command_code(self) -> int:
        """What the command ends with: 130 if interrupted, 4 if too late and nothing is violated."""
        if self.interrupted:
            return INTERRUPTED_CODE
        code = self.exit_code
        return TOO_OLD_CODE if self.too_late and code != VIOLATED_CODE else code

    def to_json(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "target": self.target,
            "at": self.at,
            "live": self.live,
            "profile": self.profile,
            "seed": self.seed,
            "requests": self.requests,
            "seconds": round(self.seconds, 3),
            "clauses": [
                {
                    "id": judged.clause.id,
                    "level": judged.clause.level.value,
                    "says": judged.clause.says,
                    "verdict": judged.verdict.value,
                    "why": judged.why,
                    "reproduce": list(judged.reproduce),
                    "answers": list(judged.answers),
                    "tests": sorted({finding.test for finding in judged.findings}),
                    "where": list(judged.where),
                    "seconds": round(judged.seconds, 3),
                }
                for judged in self.judgements
            ],
            "layers": [layer.to_json() for layer in self.layers],
            "summary": self.summary,
            "interrupted": self.interrupted,
        }
