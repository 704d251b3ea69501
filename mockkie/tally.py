"""What a mock was asked during a run, counted; as text and as JSON. Knows no sockets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mockkie.faults import without_number
from mockkie.hosts import Hosts, Sightings, split_authority
from mockkie.journal import Entry
from mockkie.lines import plain
from mockkie.operations import EXPIRED
from mockkie.worlds import World

_MOST_LINES: Final = 20
_UNITS: Final = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB"))


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was refused, or hit by a fault: equal ones are counted together."""

    method: str
    target: str
    outcome: str
    why: str


class Tally:
    """Counts the entries of all journals of a mock, and tells at the end."""

    def __init__(self, rules: Hosts, seen: Sightings) -> None:
        self._rules = rules
        self._seen = seen
        self.requests = 0
        self.expired = 0
        self.count: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self.refusals: Counter[Refusal] = Counter()
        self.hits: Counter[Refusal] = Counter()

    def note(self, world: World, entry: Entry) -> None:
        """Count an entry: a watcher of the service."""
        del world
        self.requests += 1
        if entry.shots:
            why = "; ".join(map(without_number, entry.shots))
            outcome = str(entry.status or entry.decision)
            self.hits[Refusal(entry.method, entry.target, outcome, why)] += 1
            if entry.decision != "accepted":
                return
        if entry.decision != "accepted":
            outcome = str(entry.status) if entry.status is not None else entry.decision
            why = entry.why or entry.msg or ""
            self.refusals[Refusal(entry.method, entry.target, outcome, why)] += 1
            self.expired += why.startswith(EXPIRED)
            return
        operation = entry.operation or ""
        if operation.startswith("upload-"):
            self.count["uploads"] += 1
            self.bytes["uploads"] += 0 if entry.file is None else entry.file.size
        elif operation == "download-file":
            self.count["downloads"] += 1
            self.bytes["downloads"] += entry.sent
        else:
            self.count["others"] += 1

    def to_json(self) -> dict[str, Any]:
        """The numbers for a program."""
        return {
            "requests": self.requests,
            **{
                kind: {"count": self.count[kind], "bytes": self.bytes[kind]}
                for kind in ("uploads", "downloads")
            },
            "otherRequests": self.count["others"],
            "expiredLinks": self.expired,
            "refused": _counted(self.refusals),
            "faults": _counted(self.hits),
            "hosts": {kind: dict(counted) for kind, counted in self._seen.counts().items()},
        }

    def lines(self) -> list[str]:
        """The same for a person: what happened, then what went wrong, the most frequent first."""
        wrong = [*self._refusal_lines(), *self._host_lines()]
        more = len(wrong) - _MOST_LINES
        if more > 0:
            wrong[_MOST_LINES:] = [f"  … and {more} more"]
        return [f"mockkie: {self._headline()}", *wrong]

    def _headline(self) -> str:
        if not self.requests and not any(self._seen.counts().values()):
            return (
                "no request reached the mock: a program has to read its settings or its proxy "
                "from the environment (docs/run.md says which do)"
            )
        parts = [
            f"{_number(self.count[kind], kind[:-1])} ({_size(self.bytes[kind])})"
            for kind in ("uploads", "downloads")
        ]
        if self.count["others"]:
            parts.append(_number(self.count["others"], "other request"))
        if self.expired:
            parts.append(_number(self.expired, "use") + " of an expired link")
        refused = self.refusals.total() - self.expired
        if refused:
            parts.append(f"{refused:,} refused")
        if self.hits:
            parts.append(f"{self.hits.total():,} hit by faults")
        return ", ".join(parts)

    def _refusal_lines(self) -> Iterator[str]:
        for refusal, count in (*self.refusals.most_common(), *self.hits.most_common()):
            what = f"{refusal.method} {refusal.target} {refusal.outcome}"
            yield _line(count, f"{what}: {refusal.why}")

    def _host_lines(self) -> Iterator[str]:
        refused: Counter[str] = Counter()
        for where, count in self._seen.refused.items():
            refused[self._rules.refusal(*(split_authority(where) or (where, 0)))] += count
        for why, count in refused.most_common():
            yield _line(count, why)
        texts: Mapping[str, str] = {
            "distrusted": "hung up on the certificate of {}, trusting others (docs/run.md)",
            "failed": "{} was allowed, but could not be reached",
            "passed": "{} was allowed, and reached",
        }
        for kind, text in texts.items():
            for where, count in self._seen.counts()[kind].most_common():
                yield _line(count, text.format(where))


def _counted(known: Counter[Refusal]) -> list[dict[str, Any]]:
    return [
        {
            "count": count,
            "method": refusal.method,
            "target": refusal.target,
            "outcome": refusal.outcome,
            "why": refusal.why,
        }
        for refusal, count in known.items()
    ]


def _line(count: int, text: str) -> str:
    return f"{count:>5,}x  {plain(text)}"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _size(size: int) -> str:
    for unit, name in _UNITS:
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return _number(size, "byte")
