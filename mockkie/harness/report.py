"""Writes a `Report` for people and programs. Knows no target, no test runner and no document."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mockkie.harness.report_formats import (
    NO_REASON,
    as_json,
    as_junit,
    as_sarif,
    for_markup,
    for_terminal,
)
from mockkie.harness.report_html import in_words, label, page
from mockkie.harness.verdicts import (
    UPHELD_CODE,
    VIOLATED_CODE,
    Judgement,
    Layer,
    Level,
    Report,
    Verdict,
)
from mockkie.harness.whole_file import replace_file
from mockkie.problems import UsageError

if TYPE_CHECKING:
    from rich.console import Console

_MOST_NAMES: Final = 3
_LEAST_ROOM: Final = 20
_TITLES: Final = {
    Level.DOCUMENTED: ("Violated", "red"),
    Level.OBSERVED: ("Warnings: against what was observed", "yellow"),
    Level.ASSUMED: ("Differs from our assumption", "cyan"),
}
_OUTCOMES: Final = {UPHELD_CODE: "bold green", VIOLATED_CODE: "bold red"}
_COMMANDS: Final = {
    Level.DOCUMENTED: "error",
    Level.OBSERVED: "warning",
    Level.ASSUMED: "notice",
}


# ------------------------------------------------------------------------------------- words


def sentence(report: Report) -> str:
    """What the run found out, in one sentence that starts with its outcome."""
    verdicts = [j.verdict for j in report.judgements if j.clause.level == Level.DOCUMENTED]
    documented = _count(len(verdicts), "documented clause")
    unjudged, deferred = verdicts.count(Verdict.NOT_JUDGED), verdicts.count(Verdict.DEFERRED)
    rest = f", {_were(unjudged)} not judged" if unjudged else ""
    rest += f", {_were(deferred)} deferred" if deferred else ""
    if report.exit_code == VIOLATED_CODE:
        names = [judged.clause.id for judged in _violated(report, Level.DOCUMENTED)]
        few = ", ".join(names[:_MOST_NAMES])
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        verb = "does" if len(names) == 1 else "do"
        text = f"violated: {len(names)} of {documented} {verb} not hold ({few}{more}){rest}"
    elif report.exit_code == UPHELD_CODE:
        held = verdicts.count(Verdict.UPHELD)
        verb = "holds" if held == 1 else "hold"
        text = f"upheld: {_count(held, 'documented clause')} {verb}{rest}"
    elif verdicts:
        later = f" ({_were(deferred)} deferred)" if deferred else ""
        text = f"nothing was checked: of {documented} none was judged{later}"
    else:
        text = "nothing was checked: the run had no documented clause"
    return text + _warned(report)


def _warned(report: Report) -> str:
    count = len(report.warnings)
    verb = "does" if count == 1 else "do"
    return f"; {_count(count, 'observed clause')} {verb} not (a warning)" if count else ""


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def _were(number: int) -> str:
    return f"{number:,} {'was' if number == 1 else 'were'}"


def _violated(report: Report, level: Level) -> Sequence[Judgement]:
    found = report.with_verdict(Verdict.VIOLATED)
    return [judged for judged in found if judged.clause.level == level]


# ------------------------------------------------------------------------------------- files


def write_report(report: Report, path: Path) -> None:
    """Write the report as the ending of `path` says, all at once; raises `UsageError`."""
    check_report_path(path)
    write_whole(path, _WRITERS[path.suffix.lower()](report))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file all at once; raises `UsageError`."""
    try:
        replace_file(path, content)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}; name another place for it"
        ) from error


def check_report_path(path: Path) -> None:
    """Raises `UsageError` if no report can be written there: to be asked before a long run."""
    if path.suffix.lower() not in _WRITERS:
        raise UsageError(
            f"the report {path} has an ending that is not understood; "
            "use .json, .xml (JUnit), .html or .sarif"
        )
    check_place(path)


def check_place(path: Path) -> None:
    """Raises `UsageError` if no file can be written there."""
    if not path.parent.is_dir():
        raise UsageError(
            f"{path} cannot be written: there is no folder {path.parent}; "
            "make it first, or name another place"
        )
    if path.is_dir():
        raise UsageError(f"{path} cannot be written: it is a folder; name a file")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise UsageError(
            f"{path} cannot be written: you may not write to {path.parent}; "
            "change its permissions, or name another place"
        )


def _html(report: Report) -> bytes:
    return for_markup(page(report, sentence(report))).encode()


_WRITERS: Final[Mapping[str, Callable[[Report], bytes]]] = {
    ".json": as_json,
    ".xml": as_junit,
    ".html": _html,
    ".sarif": as_sarif,
}


# ------------------------------------------------------------------------------------- lines


def github_annotations(report: Report) -> list[str]:
    """Workflow commands of GitHub Actions, a line for each violation, errors first."""
    return [
        f"::{_COMMANDS[level]} title={_property(f'{judged.clause.id}: {label(judged)}')}"
        f"::{_data(f'{judged.clause.says} - {judged.why or NO_REASON}')}"
        for level in Level
        for judged in _violated(report, level)
    ]


def _data(text: str) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return for_terminal(text)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def print_report(report: Report, console: Console) -> None:
    """Print the report for a person; its last line is the sentence that says the outcome."""
    pen = Pen(console)
    counts = [f"{count} {name}" for name, count in in_words(report).items()]
    pen.prose(", ".join(counts) or "no clauses", "bold")
    pen.prose(
        f"target {report.target}, profile {report.profile}, seed {report.seed}, "
        f"{_count(report.requests, 'request')} in {report.seconds:,.1f} s",
        "dim",
    )
    for level, (title, style) in _TITLES.items():
        _print_violations(pen, title, style, _violated(report, level))
    for verdict in (Verdict.NOT_JUDGED, Verdict.DEFERRED):
        _print_reasons(pen, verdict.value.capitalize(), report.with_verdict(verdict))
    _print_upheld(pen, report.with_verdict(Verdict.UPHELD))
    _print_layers(pen, report.layers)
    pen.line("")
    pen.prose(sentence(report), _OUTCOMES.get(report.exit_code, "bold yellow"))


def _print_violations(pen: Pen, title: str, style: str, found: Sequence[Judgement]) -> None:
    if found:
        pen.title(f"{title} ({len(found)})", style)
    for number, judged in enumerate(found):
        if number:
            pen.line("")
        pen.prose(f"{judged.clause.level.value}  {judged.clause.id}", "bold", indent=2)
        pen.prose(judged.clause.says, indent=4)
        pen.prose(judged.why or NO_REASON, style, indent=4)
        for line in judged.reproduce:
            pen.line(line)


def _print_reasons(pen: Pen, title: str, found: Sequence[Judgement]) -> None:
    reasons: dict[str, list[str]] = {}
    for judged in found:
        reasons.setdefault(judged.why or "no reason was given", []).append(judged.clause.id)
    if found:
        pen.title(f"{title} ({len(found)})", "yellow")
    for reason, names in reasons.items():
        pen.prose(", ".join(names), indent=2)
        pen.prose(reason, "dim", indent=4)


def _print_upheld(pen: Pen, found: Sequence[Judgement]) -> None:
    groups: dict[str, list[str]] = {}
    for judged in found:
        name = judged.clause.id.removeprefix(f"{judged.clause.group}.")
        groups.setdefault(judged.clause.group, []).append(name)
    if found:
        pen.title(f"Upheld ({len(found)})", "green")
    for group, names in groups.items():
        pen.prose(f"{group}: {', '.join(names)}", indent=2)


def _print_layers(pen: Pen, layers: Sequence[Layer]) -> None:
    if layers:
        pen.title(f"Layers ({len(layers)})", "")
        pen.line(f"  {'':8}  tests  requests  seconds  violations", "dim")
    for layer in layers:
        counts = f"{layer.tests:5,}  {layer.requests:8,}  {layer.seconds:7,.1f}"
        pen.line(f"  {layer.name:8}  {counts}  {layer.violations:10,}")


class Pen:
    """Prints lines: prose is wrapped for terminals only, and nothing else is changed."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def title(self, text: str, style: str) -> None:
        """The title of a section."""
        self.line("")
        self.prose(text, f"bold {style}".rstrip())

    def prose(self, text: str, style: str = "", *, indent: int = 0) -> None:
        """A text that is wrapped where a person looks at it."""
        from rich.text import Text  # noqa: PLC0415 - rich is slow to import

        text = for_terminal(" ".join(text.split()))
        lines = [text]
        if self._console.is_terminal:
            room = max(self._console.width - indent, _LEAST_ROOM)
            lines = [line.plain for line in Text(text).wrap(self._console, room)]
        for line in lines:
            self.line(" " * indent + line, style)

    def line(self, text: str, style: str = "") -> None:
        """Print it as it is: rich would replace tabs and cut."""
        from rich.segment import Segment, Segments  # noqa: PLC0415 - rich is slow to import

        coding = self._console.encoding
        shown = for_terminal(text).encode(coding, "backslashreplace").decode(coding)
        look = self._console.get_style(style) if style and not self._console.no_color else None
        self._console.print(Segments([Segment(shown, look), Segment.line()]), soft_wrap=True)
