"""A `Report` as one page for a browser. Knows no target, no test runner and no other file.

The page loads nothing, and its policy lets run only the script that it was made with: what a target
said is text in it, and could be nothing else even if it were not escaped.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, Final

from mockkie import __version__
from mockkie.harness.report_formats import NO_REASON
from mockkie.harness.verdicts import VIOLATED_CODE, Clause, Judgement, Level, Report, Verdict

if TYPE_CHECKING:
    from jinja2 import Template

_DIFFERS: Final = {
    Level.DOCUMENTED: "violated",
    Level.OBSERVED: "violated (warning)",
    Level.ASSUMED: "differs from our assumption",
}
_KINDS: Final = {
    Level.DOCUMENTED: "violated",
    Level.OBSERVED: "warning",
    Level.ASSUMED: "differs",
}
_CALM: Final = {
    Verdict.UPHELD: "upheld",
    Verdict.NOT_JUDGED: "still",
    Verdict.DEFERRED: "deferred",
}
_SECTIONS: Final = {
    "violated": ("Violated", ""),
    "warning": ("Warnings", "Against what was observed: they decide nothing."),
    "differs": ("Differs from our assumption", "Nothing is known of the service here: we chose."),
}
_MEANING: Final = {
    0: "every documented clause that was judged is upheld.",
    1: "a documented clause is violated.",
    3: "no documented clause was judged, so nothing is known about the target.",
    4: "it was looked at too rarely, and what is missing can no longer be had.",
    130: "the run was interrupted before its end: this is what was found until then.",
}
_FEW: Final = 3
_BAR: Final = 1_000.0
_LEAST: Final = 12.0  # of the bar, so that one clause of many is seen


def label(judged: Judgement) -> str:
    """The verdict in words; what only an assumption speaks for is no violation."""
    violated = judged.verdict == Verdict.VIOLATED
    return _DIFFERS[judged.clause.level] if violated else judged.verdict.value


def in_words(report: Report) -> dict[str, int]:
    """How many clauses have which label, the serious ones first, without those that none has."""
    violated, warnings, differing = _DIFFERS.values()
    words = [violated, warnings, differing, *(verdict.value for verdict in Verdict)]
    found = [label(judged) for judged in report.judgements]
    return {word: found.count(word) for word in dict.fromkeys(words) if word in found}


def page(report: Report, sentence: str) -> str:
    """The whole page; `sentence` says what the run found out, its outcome before a colon."""
    outcome, told = _outcome(report, sentence)
    style, script = _asset("report.css"), _asset("report.js")
    rows = [_Row(judged) for judged in report.judgements]
    parts = list(_parts(report))
    levels = [(level.value, sum(row.level == level for row in rows)) for level in Level]
    return _template().render(
        report=report,
        version=__version__,
        command="mockkie probe" if report.profile == "probe" else "mockkie check",
        style=_safe(style),
        script=_safe(script),
        policy=_policy(style, script),
        kind={"upheld": "upheld", "violated": "violated"}.get(outcome, "still"),
        outcome=outcome,
        told=told,
        meaning=_MEANING[report.command_code],
        parts=parts,
        bar=", ".join(f"{part.count} {part.label}" for part in parts),
        run=list(_run(report)),
        again=_again(report),
        levels=[(name, count) for name, count in levels if count],
        groups=list(dict.fromkeys(row.clause.group for row in rows)),
        sections=list(_sections(rows)),
        rest=list(_rest(rows)),
    )


def _outcome(report: Report, sentence: str) -> tuple[str, str]:
    """The word of the heading, and the rest. A violation stays one; no part counts as upheld."""
    if report.exit_code != VIOLATED_CODE and report.interrupted:
        return "interrupted", sentence
    if report.exit_code != VIOLATED_CODE and report.too_late:
        return "looked at too rarely", f"{', '.join(report.too_late)}; {sentence}"
    outcome, _, told = sentence.partition(": ")
    return outcome, told or sentence


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - for a page only

    environment = Environment(
        loader=PackageLoader("mockkie.harness"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")


@cache
def _asset(name: str) -> str:
    return (files("mockkie.harness") / "templates" / name).read_text("utf-8")


def _safe(ours: str) -> str:
    from markupsafe import Markup  # noqa: PLC0415 - as above

    return Markup(ours)  # noqa: S704 - a file of this package


def _policy(style: str, script: str) -> str:
    """Nothing but this very style and this very script, and no other address."""

    def only(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; style-src {only(style)}; script-src {only(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """A judgement as the page shows it."""

    judged: Judgement

    @property
    def clause(self) -> Clause:
        return self.judged.clause

    @property
    def level(self) -> str:
        return self.clause.level.value

    @property
    def label(self) -> str:
        return label(self.judged)

    @property
    def kind(self) -> str:
        if self.judged.verdict == Verdict.VIOLATED:
            return _KINDS[self.clause.level]
        return _CALM[self.judged.verdict]

    @property
    def why(self) -> str:
        return self.judged.why or (NO_REASON if self.kind in _SECTIONS else "")

    @property
    def lines(self) -> str:
        return "\n".join(self.judged.reproduce)

    @property
    def answers(self) -> Sequence[str]:
        return self.judged.answers

    @property
    def where(self) -> str:
        places = self.judged.where
        more = f" and {len(places) - _FEW:,} more" if len(places) > _FEW else ""
        return ", ".join(places[:_FEW]) + more

    @property
    def tests(self) -> str:
        return f"{len({finding.test for finding in self.judged.findings}):,}"

    @property
    def took(self) -> str:
        seconds = self.judged.seconds
        return f"{seconds:,.1f} s" if seconds >= 1 else f"{seconds * 1_000:.0f} ms"


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the bar: `left` and `width` of its 1,000 units."""

    kind: str
    label: str
    count: int
    left: str
    width: str


def _parts(report: Report) -> Iterator[_Part]:
    known = {label(judged): _Row(judged).kind for judged in report.judgements}
    counts = in_words(report)
    shares = {
        word: max(count, _LEAST / _BAR * len(report.judgements)) for word, count in counts.items()
    }
    unit, left = _BAR / (sum(shares.values()) or 1), 0.0
    for word, share in shares.items():
        width = share * unit
        yield _Part(known[word], word, counts[word], f"{left:.1f}", f"{max(width - 2, 1):.1f}")
        left += width


def _run(report: Report) -> Iterator[tuple[str, str]]:
    yield "Target", report.target
    yield "Profile", report.profile
    if report.profile != "probe":
        yield "Seed", str(report.seed)
    yield "Requests", f"{report.requests:,}"
    yield "Seconds", f"{report.seconds:,.1f}"
    if report.at:
        yield "When", f"{report.at[:10]} {report.at[11:19]} UTC"
    yield "Clauses", f"{len(report.judgements):,}"


def _again(report: Report) -> str:
    """The command of a run on an address; a probe is no run that can be had again."""
    if report.profile == "probe" or "://" not in report.target:
        return ""
    full = ["--full"] if report.profile == "full" else []
    live = ["--live"] if report.live else []
    return shlex.join(["mockkie", "check", report.target, *full, *live, "--seed", str(report.seed)])


@dataclass(frozen=True, slots=True)
class _Section:
    kind: str
    title: str
    note: str
    rows: Sequence[_Row]


def _sections(rows: Iterable[_Row]) -> Iterator[_Section]:
    known = list(rows)
    for kind, (title, note) in _SECTIONS.items():
        found = [row for row in known if row.kind == kind]
        if found:
            yield _Section(kind, title, note, found)


@dataclass(frozen=True, slots=True)
class _Group:
    name: str
    rows: Sequence[_Row]

    @property
    def count(self) -> int:
        return len(self.rows)


def _rest(rows: Iterable[_Row]) -> Iterator[_Group]:
    """The clauses without a card of their own, by group, in the order of the document."""
    calm = [row for row in rows if row.kind not in _SECTIONS]
    order = list(dict.fromkeys(row.clause.group for row in calm))
    calm.sort(key=lambda row: order.index(row.clause.group))
    for name, found in groupby(calm, key=lambda row: row.clause.group):
        yield _Group(name, list(found))
