"""Why an assertion about uploads does not hold, in words. Knows entries, no worlds or stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from mockkie.expectation import Difference, Expectation, Read
from mockkie.journal import Entry
from mockkie.path_hints import matches

_NEAREST: Final = 3
_SHOWN: Final = 20
_EARLY: Final = (401, 404, 405)
_READING: Final = ("GET", "HEAD", "OPTIONS")
_NOBODYS: Final = "Refused before it was known whose request it is (perhaps one of another test):"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known when an assertion fails.

    `entries` are those of the world behind number `after`, `strangers` what the world `elsewhere`
    was asked meanwhile; `live` the paths of its files now.
    """

    expected: Expectation
    entries: Sequence[Entry]
    after: int
    strangers: Sequence[Entry]
    evicted: int
    live: Sequence[str]
    read: Read
    elsewhere: str

    @property
    def nobodys(self) -> list[Entry]:
        """What was refused before it was known whose request it is: its key, or its path."""
        return [
            entry
            for entry in self.strangers
            if _failed(entry) and (entry.status in _EARLY or entry.code in _EARLY)
        ]

    def of_uploads(
        self, found: Sequence[Entry], count: int | None, *, within: float | None = None
    ) -> str:
        """Why the uploads that were `found` are not the `count` that were expected."""
        once = " once" if found else ""
        often = once if count in (None, 1) else f" {count:,} times"
        times = f", but {len(found):,} times" if found else ""
        span = "" if within is None else f" within {within:g} s"
        span += f" behind entry {self.after}" if self.after else ""
        lines = [f"{self.expected} was not uploaded{often}{span}{times}"]
        lines += _listed("These are the ones:", found)
        lines += self._nearest(found)
        lines += self._circumstances(found)
        return "\n".join(lines)

    def of_unwanted(self, found: Sequence[Entry]) -> str:
        """Which uploads should not have been."""
        if not found:
            return f"whether {self.expected} was uploaded is not known{self._eviction()}"
        return "\n".join([f"{self.expected} was uploaded:", *_listed("", found)])

    def of_refusals(self, *, strangers: bool) -> str:
        """What was refused, and why."""
        failed = list(filter(_failed, self.entries))
        nobodys = self.nobodys if strangers else []
        if not failed and not nobodys:
            return f"whether anything was refused is not known{self._eviction()}"
        count = len(failed) + len(nobodys)
        lines = [f"{count:,} request{'s were' if count > 1 else ' was'} refused or failed:"]
        return "\n".join([*lines, *_listed("", failed), *_listed(_NOBODYS, nobodys)])

    def _nearest(self, found: Sequence[Entry]) -> Iterator[str]:
        """The uploads that came nearest, each with its differences."""
        known = {entry.seq for entry in found}
        kept = [entry for entry in self.entries if entry.file and entry.seq not in known]
        if not kept:
            return
        ranked = sorted(kept, key=self._distance)
        yield (
            f"The nearest of {len(kept):,} other uploads:"
            if known or len(kept) > 1
            else ("What was uploaded instead:")
        )
        for entry in ranked[:_NEAREST]:
            yield f"{entry.seq:>4}  {entry}"
            for difference in self._differences(entry):
                yield from (f"      {line}" for line in difference.lines())

    def _distance(self, entry: Entry) -> float:
        return sum([difference.far for difference in self._differences(entry)])

    def _differences(self, entry: Entry) -> list[Difference]:
        return self.expected.differences(entry, self.read)

    def _circumstances(self, found: Sequence[Entry]) -> Iterator[str]:
        """What else may be the reason."""
        path = self.expected.path
        refused = [e for e in self.entries if _failed(e) and e.method not in _READING]
        nobodys = [entry for entry in self.nobodys if entry.method not in _READING]
        refused.sort(key=lambda entry: entry.path is None or not matches(path, entry.path))
        yield from _listed("Refused or failed, and why:", refused)
        yield from _listed(_NOBODYS, nobodys)
        elsewhere = [e for e in self.strangers if e.file and matches(path, e.file.path)]
        yield from _listed(
            f"Uploaded to the world {self.elsewhere!r} instead, whose key was sent:", elsewhere
        )
        if not self.entries and not self.strangers and not self.after:
            yield (
                "No request has reached this world: does the program read `kie.base_url` and "
                "`kie.key` (`kie.env` has them as environment variables)?"
            )
        there = [live for live in self.live if matches(path, live)]
        uploaded = {entry.file.path for entry in self.entries if entry.file}
        if not found and not self.after and there and uploaded.isdisjoint(there):
            yield (
                f"{there[0]} is among the files, but no upload of the journal put it there: it "
                "was seeded, or uploaded before the journal was cleared."
            )
        if self.evicted:
            yield f"Some of it is not known{self._eviction()}"

    def _eviction(self) -> str:
        return (
            f": {self.evicted:,} older entries were evicted from the journal; "
            "clear it before what is to be looked at"
        )


def _failed(entry: Entry) -> bool:
    return entry.decision != "accepted"


def _listed(title: str, entries: Sequence[Entry]) -> list[str]:
    """Entries, a line each, under a title."""
    if not entries:
        return []
    lines = [title] if title else []
    lines += [f"{entry.seq:>4}  {entry}" for entry in entries[:_SHOWN]]
    if len(entries) > _SHOWN:
        lines.append(f"      … and {len(entries) - _SHOWN:,} more")
    return lines
