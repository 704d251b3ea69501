"""What `mockkie compare`, `record` and `replay` say while they run, and at their end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import orjson

from mockkie.clock import format_duration, parse_duration, stopwatch
from mockkie.harness.compare import Comparer, walks_of
from mockkie.harness.comparison import Comparison
from mockkie.harness.comparison_text import print_comparison, sentence
from mockkie.harness.going import Progress
from mockkie.harness.har import Tape
from mockkie.harness.plan import MOCK, MOCK_KEY, Plan, known_key, pace
from mockkie.harness.recording import SAMPLE, Recording, sample_path
from mockkie.harness.replay import Replayer, record
from mockkie.harness.report import check_place, write_whole
from mockkie.harness.sides import Side, open_side, why_unreachable
from mockkie.harness.verdicts import UNCHECKED_CODE, UPHELD_CODE
from mockkie.interrupt import heard
from mockkie.problems import INTERRUPTED_CODE, UsageError
from mockkie.progress import progress_line
from mockkie.screen import console

_REQUESTS: Final = {"quick": 5_000, "full": 50_000}
_DAY: Final = 86_400_000


def compare_in_terminal(options: Mapping[str, Any]) -> int:
    """Compare two targets as the options say; returns the exit code."""
    words = options["targets"]
    if len(words) > 2:  # noqa: PLR2004 - two sides
        raise UsageError("more than two targets: compare takes LEFT and RIGHT")
    left_word, right_word = words if len(words) == 2 else (MOCK, words[0])  # noqa: PLR2004 - as above
    left = Side(left_word, options["left_key"] or MOCK_KEY, options["left_other_key"])
    right = Side(right_word, options["key"], options["other_key"])
    plan = _plan(options, left, right)
    _check_json(options["report"])
    walks = walks_of(plan, options["only"])
    if _cannot_ask(plan, left, right):
        return UNCHECKED_CODE
    found = Comparison(left.word, right.word, plan.seed, plan.profile, options["strict"])
    started = stopwatch()
    progress = progress_line(quiet=options["quiet"])
    with open_side(left, plan) as one, open_side(right, plan) as two, _told(progress) as end:
        Comparer(one, two, found).run(walks, end.progress, first=options["exitfirst"])
    found.seconds = stopwatch() - started
    return _conclude(found, end, options)


def record_in_terminal(options: Mapping[str, Any]) -> int:
    """Record a target as the options say; returns the exit code."""
    side = Side(options["url"], options["key"], options["other_key"])
    plan = _plan(options, side)
    output, har = options["output"], options["har"]
    for path in (output, har):
        if path is not None:
            check_place(path)
    walks = walks_of(plan, options["only"])
    if _cannot_ask(plan, side):
        return UNCHECKED_CODE
    with open_side(side, plan) as target:
        label = options["label"] or side.label
        made = Recording(label, target.has_clock, plan.seed, plan.profile)
        tape = Tape(target) if har else None
        gave_up = ""
        progress = progress_line(quiet=options["quiet"])
        with _told(progress) as end:
            gave_up = record(target, walks, made, end.progress)
    if not made.walks:
        click.echo("not recorded: no walk could be taken", err=True)
        return end.code(UNCHECKED_CODE)
    write_whole(output, made.to_json())
    if tape is not None:
        write_whole(har, tape.to_json())
    steps = sum(len(saw) for _, saw in made.walks)
    rest = f"; {len(made.left_out)} walks left out" if made.left_out else ""
    click.echo(f"recorded: {len(made.walks):,} walks of {steps:,} steps in {output}{rest}")
    if gave_up:
        click.echo(f"broken off: {gave_up}", err=True)
    return end.code(UNCHECKED_CODE if gave_up else UPHELD_CODE)


def replay_in_terminal(options: Mapping[str, Any]) -> int:
    """Hold a target against a recording as the options say; returns the exit code."""
    side = Side(options["url"] or MOCK, options["key"], options["other_key"])
    plan = _plan(options, side)
    _check_json(options["report"])
    path: Path = options["file"]
    known = Recording.read(sample_path() if str(path) == SAMPLE and not path.exists() else path)
    if _cannot_ask(plan, side):
        return UNCHECKED_CODE
    days = known.age / _DAY
    left = f"{path}: {known.target}, recorded {days:,.1f} days ago"
    found = Comparison(left, side.word, known.seed, known.profile, options["strict"])
    found.age = _too_old(known.age, options["max_age"])
    progress = progress_line(quiet=options["quiet"])
    with open_side(side, plan) as target, _told(progress) as end:
        Replayer(target, found).run(known.walks, end.progress)
    return _conclude(found, end, options)


def _too_old(age: int, most: str | None) -> str:
    """Why a recording is too old; empty when it is not."""
    if most is None:
        return ""
    try:
        limit = parse_duration(most)
    except ValueError as error:
        raise UsageError(f"--max-age: {error}") from error
    if age <= limit:
        return ""
    return f"the recording is {age / _DAY:,.1f} days old, more than {format_duration(limit)}"


def _plan(options: Mapping[str, Any], *sides: Side) -> Plan:
    live, profile = options["live"], options.get("profile") or "quick"
    key = known_key(None, options["key"], live=live)
    if all(side.is_mock for side in sides) and live:
        raise UsageError("--live is for a real service: name its address")
    return Plan(
        key=key,
        profile=profile,
        seed=options.get("seed") or 0,
        most_requests=options["most_requests"] or _REQUESTS[profile],
        rate=pace(options["rate"], live=live),
        live=live,
        overwrite_delay=options["overwrite_delay"],
    )


def _cannot_ask(plan: Plan, *sides: Side) -> bool:
    """Say why a side cannot be asked, if one cannot."""
    missing = [why for side in sides if (why := why_unreachable(side, plan))]
    for why in missing:
        click.echo(f"not compared: {why}", err=True)
    return bool(missing)


def _check_json(path: Path | None) -> None:
    """Before a long run: whether a report can be written there."""
    if path is None:
        return
    if path.suffix.lower() != ".json":
        raise UsageError(f"the report {path} has an ending that is not understood; use .json")
    check_place(path)


def _tell(found: Comparison, options: Mapping[str, Any]) -> int:
    if options["report"] is not None:
        write_whole(options["report"], orjson.dumps(found.to_json(), option=orjson.OPT_INDENT_2))
    if options["quiet"]:
        click.echo(sentence(found))
    else:
        print_comparison(found, console())
    return found.exit_code


@dataclass(slots=True)
class _End:
    """How a run ended: by itself, or because somebody pressed Ctrl-C."""

    progress: Progress
    interrupted: bool = False

    def code(self, code: int) -> int:
        """The exit code, another one for what was interrupted: it is about a part only."""
        if self.interrupted:
            click.echo("interrupted: this is what was found until then", err=True)
        return INTERRUPTED_CODE if self.interrupted else code


def _conclude(found: Comparison, end: _End, options: Mapping[str, Any]) -> int:
    """Tell what was found, that it is a part only where it is one; returns the exit code."""
    if end.interrupted:
        found.gave_up = "it was interrupted"
    return end.code(_tell(found, options))


@contextmanager
def _told(progress: Progress) -> Iterator[_End]:
    """What was found until somebody pressed Ctrl-C is told all the same."""
    with heard(progress) as noticing:
        end = _End(noticing)
        try:
            yield end
        except KeyboardInterrupt:
            end.interrupted = True
    progress(1, 1, "")  # an interrupted run leaves its line behind
