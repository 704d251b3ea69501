"""How long files live on a target: by its clock, or by what a probe saw. Writes nothing down."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import requests

from mockkie.clock import SECOND, format_duration, parse_duration, stopwatch
from mockkie.harness.asking import Asker, Upload
from mockkie.harness.facts import Fact, beyond, shown, unseen
from mockkie.harness.learn_links import dead_link
from mockkie.harness.session import NotJudgedError
from mockkie.problems import UsageError

_MINUTE: Final = 60
_HOUR: Final = 3_600
_OK: Final = 200
_PLAIN: Final = [
    hours * _HOUR for hours in (1, 2, 3, 4, 6, 8, 12, 24, 36, 48, 72, 96, 120, 168, 240, 336, 720)
]
"""The lives that somebody would choose, in seconds."""
SETTINGS: Final = ("retention", "expiredLink.status", "texts.link-expired")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Seconds after which a file was alive, and after which it was gone, with what status."""

    alive: float
    gone: float
    status: int | None = None

    @classmethod
    def read(cls, path: Path) -> Evidence:
        """What a probe saw: `{"retention_seconds": [ALIVE, GONE], "dead_status": 404}`."""
        try:
            found = json.loads(path.read_bytes())
            alive, gone = map(float, found["retention_seconds"])
            status = found.get("dead_status")
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            example = '{"retention_seconds": [259000, 259400], "dead_status": 404}'
            raise UsageError(f"{path} is not like {example}") from error
        known = status is None or (isinstance(status, int) and 400 <= status <= 599)  # noqa: PLR2004 - errors of HTTP
        if not 0 <= alive <= gone < math.inf or not known:
            why = "a file is alive, then gone, with a status 4xx or 5xx"
            raise UsageError(f"{path}: {why}: retention_seconds, dead_status")
        return cls(alive, gone, status)


def by_evidence(asker: Asker, evidence: Evidence, name: str) -> Iterator[Fact]:
    """`retention` and `expiredLink.status`, as a probe saw them."""
    how = f"{name}: alive after {_span(evidence.alive)}, gone after {_span(evidence.gone)}"
    yield _retention(asker, evidence.alive, evidence.gone, how)
    if evidence.status is None:
        yield unseen("expiredLink.status", f"{name} has no dead_status")
    else:
        how = f"{name}: a dead link was answered {evidence.status}"
        yield asker.settings.fact("expiredLink.status", evidence.status, how)


def by_clock(asker: Asker) -> Iterator[Fact]:
    """The same, and the text, on a target whose clock can be moved."""
    search, then = _Search(asker), ""
    documented = parse_duration(asker.settings["retention"]) // SECOND
    lives = [*_PLAIN, documented]
    edges = sorted({life + side * _MINUTE for life in lives for side in (-1, 1)})
    try:
        for guess in (documented + _MINUTE, documented - _MINUTE):
            search.look(guess)
        while not search.settled(lives):
            search.look(_next(edges, search))
    except NotJudgedError as error:
        if not search.looks:
            raise
        then = f"; then {error}"
    if search.dead is None:
        how = f"its clock was moved: alive after {_span(search.alive)}{then}"
        longest = f"more than {_span(search.alive)}"
        yield beyond("retention", shown(asker.settings["retention"]), longest, how)
        raise NotJudgedError("no file was waited for until it was gone")
    late = _span(search.late)
    how = f"its clock was moved: alive after {_span(search.alive)}, gone after {late}{then}"
    yield _retention(asker, search.alive, search.late, how)
    asked = f"GET of a link {late} after its upload"
    yield from dead_link(asker, search.dead, "expiredLink", asked)


def _next(edges: Sequence[int], search: _Search) -> int:
    """The edge of a plain life in the middle of what is open; where there is none, the middle."""
    inside = [edge for edge in edges if search.alive < edge < search.gone]
    if not inside and math.isinf(search.gone):
        raise NotJudgedError("it was not waited for any longer")
    return inside[len(inside) // 2] if inside else round((search.alive + search.gone) / 2)


class _Search:
    """Files that are looked at after ever other times, by the target's own clock."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._file: Upload | None = None
        self._started = self._moved = 0.0
        self.alive, self.gone, self.late = 0.0, math.inf, math.inf
        self.looks = 0
        self.dead: requests.Response | None = None

    def settled(self, lives: Sequence[int]) -> bool:
        """Whether one life that somebody would choose is left, or one minute."""
        chosen = {life for life in lives if self.alive < life < self.gone}
        return self.gone - self.alive <= (2 * _MINUTE if len(chosen) == 1 else _MINUTE)

    def look(self, age: float) -> None:
        """Narrow what is known by how a file of that age is answered."""
        if not self.alive < age < self.gone:
            return
        if self._file is None:
            self._file, self._moved = self._asker.form(b"to be gone", "gone.txt"), 0.0
            self._started = stopwatch()
        self._asker.target.advance(age - self._moved)
        self._moved = age
        answer = self._asker.read(self._file.link)
        self.looks += 1
        if answer.status_code == _OK:
            self.alive = age  # and some real moments more
        else:
            self.gone, self.late = age, age + stopwatch() - self._started
            self.dead, self._file = answer, None


def _retention(asker: Asker, alive: float, gone: float, how: str) -> Fact:
    """The life between two times: the document's, a plain one, or one to the minute."""
    written = asker.settings["retention"]
    documented = parse_duration(written) / SECOND
    if _within(documented, alive, gone):
        return asker.settings.fact("retention", written, how)
    plain = [life for life in _PLAIN if alive <= life <= gone]
    if len(plain) == 1 and _within(plain[0], alive, gone):
        return asker.settings.fact("retention", format_duration(plain[0] * SECOND), how)
    if not plain and gone - alive <= 2 * _MINUTE:
        minute = math.ceil(alive / _MINUTE) * _MINUTE
        life = minute if minute <= gone else round(gone)
        return asker.settings.fact("retention", format_duration(life * SECOND), how)
    between = f"{_span(alive)} to {_span(gone)}"
    return beyond("retention", shown(written), between, f"{how}; too wide to be one life")


def _within(life: float, alive: float, gone: float) -> bool:
    """Whether bounds show a life: it lies between, and they are close to each other."""
    return alive <= life <= gone and gone - alive <= max(life / 4, 2 * _MINUTE)


def _span(seconds: float) -> str:
    """`71 h 59 min`."""
    minutes, rest = divmod(math.floor(seconds), _MINUTE)
    parts = ((minutes // 60, "h"), (minutes % 60, "min"), (rest, "s"))
    return " ".join(f"{amount:,} {unit}" for amount, unit in parts if amount) or "0 s"
