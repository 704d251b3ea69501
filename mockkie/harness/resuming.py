"""What a run has judged so far, in a file, so that another one can go on. Knows no target.

The file is one JSON object a line: the first says which run it was, each further one a test and
what it found. It may be read by its owner only, since findings name links.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import orjson

from mockkie import __version__
from mockkie.harness.verdicts import Finding, Verdict
from mockkie.problems import UsageError

Found = tuple[str, Finding]
"""The id of a clause, and a finding about it."""
_OWNER_ONLY: Final = 0o600


class Judged:
    """The tests of a run that are over: what they found, and how many requests they sent."""

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self._path = path
        self._tests: dict[str, list[Found]] = {}
        self._spent: dict[str, int] = {}
        self.requests = 0
        lines = _lines_of(path)
        if lines and lines[0] != header:
            was = lines[0].get("target", "something else")
            raise UsageError(
                f"{path} is of another run (of {was}, or with other options); "
                "repeat it as it was, name another file, or delete this one"
            )
        if not lines:
            self._append(header)
        for line in lines[1:]:
            self._tests[line["test"]] = [_found(value) for value in line["findings"]]
            self._spent[line["test"]] = line["requests"] - self.requests
            self.requests = line["requests"]

    @classmethod
    def open(cls, path: Path, target: str, profile: str, seed: int, only: Sequence[str]) -> Self:
        """Take up a file, or begin one; `UsageError` where it is of another run, or damaged."""
        run = {"target": target, "profile": profile, "seed": seed, "only": sorted(only)}
        try:
            return cls(path, {"mockkie": __version__, **run})
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"{path} is no file of an interrupted check ({error!r}); name another one"
            ) from error
        except OSError as error:
            raise UsageError(f"{path} cannot be used: {error.strerror}") from error

    def findings(self, test: str) -> Sequence[Found] | None:
        """What a test found in an earlier run; None when it was not over then."""
        return self._tests.get(test)

    def spent(self, test: str) -> int:
        """How many requests a test of an earlier run took."""
        return self._spent.get(test, 0)

    def add(self, test: str, findings: Sequence[Found], requests: int) -> None:
        """A test is over; `requests` is how many were sent in all."""
        told = [[name, _values(finding)] for name, finding in findings]
        self._append({"test": test, "findings": told, "requests": requests})

    def finish(self) -> None:
        """The run is over: there is nothing to go on with."""
        self._path.unlink(missing_ok=True)

    def _append(self, value: Mapping[str, Any]) -> None:
        flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY
        with open(os.open(self._path, flags, _OWNER_ONLY), "ab") as file:  # noqa: PTH123 - a mode
            file.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))


def _lines_of(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a file; one that was being written when the run ended is cut off."""
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(path, len(whole))
    values = [orjson.loads(line) for line in whole.splitlines()]
    if not all(isinstance(value, dict) for value in values):
        raise ValueError("a line is no JSON object")
    return values


def _values(finding: Finding) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in Finding.__slots__}


def _found(value: Any) -> Found:
    name, values = value
    lists = {each: tuple(values[each]) for each in ("reproduce", "answers")}
    return name, Finding(**{**values, **lists, "verdict": Verdict(values["verdict"])})
