"""Writes a `Comparison` for people. Knows no targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from mockkie.harness.aspects import known_clauses
from mockkie.harness.comparison import Comparison, Divergence
from mockkie.harness.report import Pen
from mockkie.harness.verdicts import TOO_OLD_CODE, UPHELD_CODE, VIOLATED_CODE, Level
from mockkie.harness.wording import in_words, shown

if TYPE_CHECKING:
    from rich.console import Console

_TITLES: Final = {
    Level.DOCUMENTED: ("Diverges in what is documented", "red"),
    Level.OBSERVED: ("Differs in what is observed", "yellow"),
    Level.ASSUMED: ("Differs in what is assumed", "cyan"),
}
_OUTCOMES: Final = {UPHELD_CODE: "bold green", VIOLATED_CODE: "bold red"}
_FEW: Final = 3
_WIDEST: Final = 70


def sentence(found: Comparison) -> str:
    """What the comparison came down to; starts with its outcome."""
    observed = len(found.at_level(Level.OBSERVED)), "observed"
    assumed = len(found.at_level(Level.ASSUMED)), "assumed"
    lesser = [
        f"{_count(n, 'difference')} in what is {name}" for n, name in (observed, assumed) if n
    ]
    rest = f"; {', '.join(lesser)}" if lesser and not found.strict else ""
    if found.left_out:
        rest += f"; {_count(len(found.left_out), 'walk')} left out"
    if found.exit_code == VIOLATED_CODE:
        rest += f"; broken off: {found.gave_up}" if found.gave_up else ""
        names = list(dict.fromkeys(one.difference.clause for one in found.counting))
        few = _few(names)
        return f"diverged: {_count(len(found.counting), 'divergence')} ({few}){rest}"
    if found.exit_code == UPHELD_CODE:
        return f"alike: {_count(found.walks, 'walk')} of {_count(found.steps, 'step')}{rest}"
    if found.exit_code == TOO_OLD_CODE:
        return f"too old: alike, but {found.age}{rest}"
    if found.gave_up:
        return f"broken off: {found.gave_up}{rest}"
    return f"nothing was compared{rest}"


def print_comparison(found: Comparison, console: Console) -> None:
    """Print it; the last line is the sentence that says the outcome."""
    pen = Pen(console)
    pen.line(f"left   {found.left}")
    pen.line(f"right  {found.right}")
    left, right = found.requests
    asked = f"{left:,} + {right:,}" if left else f"{right:,}"
    pen.prose(
        f"{_count(found.walks, 'walk')}, {_count(found.steps, 'step')}, profile {found.profile}, "
        f"seed {found.seed}, {asked} requests in {found.seconds:,.1f} s",
        "dim",
    )
    for level, (title, style) in _TITLES.items():
        known = found.at_level(level)
        if known:
            pen.title(f"{title} ({len(known)})", style)
        if level == Level.DOCUMENTED or found.strict:
            _print_whole(pen, known, style)
        else:
            _print_short(pen, known)
    if found.unsteady:
        pen.title(f"Differed once, and not the second time ({len(found.unsteady)})", "yellow")
    for line in found.unsteady:
        pen.prose(line, indent=2)
    _print_left_out(pen, found)
    pen.line("")
    pen.prose(sentence(found), _OUTCOMES.get(found.exit_code, "bold yellow"))


def _print_whole(pen: Pen, known: Sequence[Divergence], style: str) -> None:
    """With its steps, and how to see it."""
    for number, one in enumerate(known):
        if number:
            pen.line("")
        what, clause = one.difference, known_clauses().get(one.difference.clause)
        pen.prose(f"{what.clause}: {what.aspect}", "bold", indent=2)
        if clause:
            pen.prose(clause.says, indent=4)
        for place, step in enumerate(one.steps, 1):
            pen.prose(f"{place}. {in_words(step)}", indent=4)
        pen.line(f"    left   {shown(what.left)}", style)
        pen.line(f"    right  {shown(what.right)}", style)
        if one.walks[1:]:
            pen.prose(f"also met in: {_few(one.walks[1:])}", "dim", indent=4)
        for side, lines in (("left", one.left), ("right", one.right)):
            if lines:
                pen.line(f"# {side}")
            for line in lines:
                pen.line(line)


def _print_short(pen: Pen, known: Sequence[Divergence]) -> None:
    names = [f"{one.difference.clause}: {one.difference.aspect}" for one in known]
    width = max(map(len, names), default=0)
    for one, name in zip(known, names, strict=True):
        what = one.difference
        both = f"{_short(what.left)} | {_short(what.right)}"
        pen.line(f"  {name:{width}}  {both}")
        pen.line(f"  {'':{width}}  {_short(in_words(one.steps[-1]))}{_seen(len(one.walks))}", "dim")


def _seen(times: int) -> str:
    return f" (in {times:,} walks)" if times > 1 else ""


def _short(value: object) -> str:
    text = " ".join(shown(value).split())
    return text if len(text) <= _WIDEST else text[: _WIDEST - 3] + "..."


def _print_left_out(pen: Pen, found: Comparison) -> None:
    reasons: dict[str, list[str]] = {}
    for name, why in found.left_out.items():
        reasons.setdefault(why, []).append(name)
    if reasons:
        pen.title(f"Left out ({len(found.left_out)})", "yellow")
    for why, names in reasons.items():
        pen.prose(why, indent=2)
        pen.prose(_few(names), "dim", indent=4)


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _FEW:,} more" if len(names) > _FEW else ""
    return ", ".join(names[:_FEW]) + more


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"
