"""The ledger: what is claimed of the API, what holds it, and when it was last seen. No requests.

The clauses are those of the document and the tests those of the suite, both read when asked for;
only what runs found out is kept in a file.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import orjson

from mockkie.clock import isoformat, parse_instant
from mockkie.harness.document import clauses, suite_folder
from mockkie.harness.verdicts import Clause, Verdict
from mockkie.harness.whole_file import replace_file
from mockkie.problems import UsageError

_VERSION: Final = 1
_TOLD: Final = (Verdict.UPHELD, Verdict.VIOLATED, Verdict.NOT_JUDGED)


@dataclass(frozen=True, slots=True)
class Testimony:
    """What a run found out about a clause; `by` is `quick`, `full` or `probe`."""

    clause: str
    verdict: Verdict
    at: str
    target: str
    live: bool
    by: str
    why: str

    @property
    def key(self) -> tuple[str, str, Verdict]:
        """What a later one takes the place of."""
        return self.clause, self.target if self.live else "", self.verdict

    def to_json(self) -> dict[str, Any]:
        """As the file has it."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The testimony that `to_json` wrote; `ValueError` and the like for anything else."""
        return cls(
            str(value["clause"]),
            Verdict(value["verdict"]),
            isoformat(parse_instant(value["at"])),
            str(value["target"]),
            bool(value["live"]),
            str(value["by"]),
            str(value["why"]),
        )


@dataclass(slots=True)
class Ledger:
    """What runs found out: for each clause, target and verdict the latest.

    All targets of this machine are one: their ports differ from run to run.
    """

    evidence: list[Testimony] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Self:
        """The ledger of a file, an empty one if there is none; `UsageError` for a damaged one."""
        try:
            value = orjson.loads(path.read_bytes())
            if value["version"] != _VERSION:
                raise ValueError(f"version {value['version']} is not known here")
            return cls([Testimony.from_json(one) for one in value["evidence"]])
        except FileNotFoundError:
            return cls()
        except OSError as error:
            raise UsageError(f"the ledger {path} cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"the ledger {path} is damaged ({type(error).__name__}: {error}); nothing was "
                "changed in it: mend it, or name another with --ledger"
            ) from error

    def write(self, path: Path) -> None:
        """Keep it, all at once; raises `UsageError`."""
        value = {"version": _VERSION, "evidence": [one.to_json() for one in self.evidence]}
        content = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        try:
            replace_file(path, content)
        except OSError as error:
            raise UsageError(f"the ledger {path} cannot be written: {error.strerror}") from error

    def fold(self, report: Mapping[str, Any]) -> int:
        """Take in the JSON of a report; how many clauses it told of. `ValueError` if it is none.

        A report that is folded twice, or late, changes nothing that is newer.
        """
        found = list(_testimonies(report))
        known = {one.key: one for one in self.evidence}
        for one in found:
            if one.key not in known or known[one.key].at < one.at:
                known[one.key] = one
        self.evidence = sorted(known.values(), key=lambda one: (one.clause, one.target, one.at))
        return len(found)


def _testimonies(report: Mapping[str, Any]) -> Iterator[Testimony]:
    for judged in report["clauses"]:
        if judged["verdict"] in _TOLD:
            yield Testimony.from_json(
                {
                    "clause": judged["id"],
                    "verdict": judged["verdict"],
                    "at": report["at"],
                    "target": without_secrets(report["target"]),
                    "live": report["live"],
                    "by": report["profile"],
                    "why": judged["why"],
                }
            )


def without_secrets(target: str) -> str:
    """An address without what may be a secret: user, password and query."""
    parts = urlsplit(target)
    if not parts.scheme:
        return target
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}".rstrip("/")


def fold_file(ledger: Ledger, path: Path) -> int:
    """Take in a JSON report from its file; raises `UsageError`."""
    try:
        return ledger.fold(orjson.loads(path.read_bytes()))
    except OSError as error:
        raise UsageError(f"the report {path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} is no JSON report of `mockkie check` or `mockkie probe` with a date "
            f"({type(error).__name__}: {error})"
        ) from error


# ------------------------------------------------------------------------------------- claims


@dataclass(frozen=True, slots=True)
class Claim:
    """A clause with the tests that hold it and what runs found out about it."""

    clause: Clause
    tests: Sequence[str]
    evidence: Sequence[Testimony]

    def last(self, verdict: Verdict, *, live: bool) -> Testimony | None:
        """The latest evidence of a verdict, from live targets or from this machine's."""
        found = [one for one in self.evidence if one.verdict == verdict and one.live == live]
        return max(found, key=lambda one: one.at, default=None)

    @property
    def attempted(self) -> bool:
        """Whether any run ever tried to judge it."""
        return bool(self.evidence)

    @property
    def verified(self) -> str:
        """When it was last upheld by a live target, or `never`."""
        found = self.last(Verdict.UPHELD, live=True)
        return "never" if found is None else found.at

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "id": self.clause.id,
            "level": self.clause.level.value,
            "says": self.clause.says,
            "source": self.clause.source,
            "tests": list(self.tests),
            "verified": self.verified,
            "attempted": self.attempted,
            "evidence": [one.to_json() for one in self.evidence],
        }


def claims(ledger: Ledger, probed: Iterable[str] = ()) -> list[Claim]:
    """Every clause of the document; `probed` are those that a probe judges too."""
    tests = suite_tests(suite_folder())
    for name in probed:
        tests.setdefault(name, []).append("mockkie probe")
    return [
        Claim(
            clause,
            tests.get(clause.id, ()),
            [one for one in ledger.evidence if one.clause == clause.id],
        )
        for clause in clauses()
    ]


def suite_tests(folder: Path) -> dict[str, list[str]]:
    """The tests of a suite by the clauses that they are marked with, read from its source."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("test_*.py")):
        for node in ast.parse(path.read_bytes()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
                names = [name for mark in node.decorator_list for name in _marked(mark)]
                for name in dict.fromkeys(names):
                    found.setdefault(name, []).append(f"{path.name}::{node.name}")
    return found


def _marked(decorator: ast.expr) -> Iterator[str]:
    if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.clause":
        for argument in decorator.args:
            if isinstance(argument, ast.Constant):
                yield str(argument.value)
