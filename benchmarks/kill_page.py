"""The page of `kill_table.py`, from what its runs found. Starts nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import Any, Final

from tests.foreign_bugs import AIMED, ASSUMED, BUGS
from tests.node_api import listed
from tests.wsgi_bugs import BUGS as WSGI_BUGS

STACKS: Final = {
    "aiohttp": "tests/foreign.py",
    "flask": "tests/wsgi_api.py",
    "node": "tests/node_api.mjs",
}
"""Where the servers of each stack are."""
FAITHFUL: Final = {"aiohttp": "clock", "flask": "plain", "node": "plain"}
"""The faithful server that is as the broken ones are, but for the bug."""
BROKEN: Final = {
    "aiohttp": {name: (does, name not in ASSUMED) for name, does in BUGS.items()},
    "flask": {name: (bug.does, bug.level == "D") for name, bug in WSGI_BUGS.items()},
    "node": {bug["name"]: (bug["says"], True) for bug in listed()["bugs"]},
}
"""What each broken server does, and whether that breaks a documented sentence."""
NAMES: Final = {
    "mockkie": "`mockkie check`",
    "default": "`st run`, default checks",
    "all": "`st run`, all checks",
}

_OPINIONS: Final = {
    "answer-malformed-500": "it answers 500 to JSON that does not parse",
    "checks-private-urls-refused": "it fetches no file from this machine, not even by its own "
    "links, and every URL upload of a run is from there",
}
"""What of a faithful server can be held to be wrong: docs/check.md has more of it."""

Known = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""By server and tool: exit code, requests, seconds, what was found."""


def finds(known: Known, stack: str, bug: str, tool: str) -> bool:
    """Whether a tool finds a bug: it says something that it does not say of a faithful server."""
    found = known[f"{stack}:bug:{bug}"][tool]
    if tool == "mockkie":
        return bool(found["code"] == 1)
    usual = known[f"{stack}:ways:{FAITHFUL[stack]}"][tool]["found"]
    return bool(set(found["found"]) - set(usual))


def is_aimed(stack: str, bug: str) -> bool:
    """Whether a broken server was made with the suite in view: such ones say nothing of it."""
    return stack == "aiohttp" and bug in AIMED


def judged(known: Known, stack: str, kind: str, tools: Sequence[str]) -> list[str]:
    """The servers of a stack that all of these tools have judged."""
    start = f"{stack}:{kind}:"
    return [
        name.removeprefix(start)
        for name, told in known.items()
        if name.startswith(start)
        and set(tools) <= told.keys()
        and not (kind == "bug" and is_aimed(stack, name.removeprefix(start)))
    ]


def page(known: Known) -> str:
    """The page."""
    return "\n".join([*_head(), *_ours(known), *_beside(known), *_each(known), ""])


def _head() -> Iterator[str]:
    yield from (
        "# Who finds what: the kill table",
        "",
        "Made by `python benchmarks/kill_table.py`, not by hand. The API is written three times",
        "for it, on other stacks, by authors who had not seen the suite: faithful in many ways,",
        "and with one small deviation at a time.",
        "",
    )


def _ours(known: Known) -> Iterator[str]:
    yield "| stack | faithful servers upheld | broken ones found | seconds | requests |"
    yield "|---|---|---|---|---|"
    for stack, place in STACKS.items():
        ways, bugs = (judged(known, stack, kind, ["mockkie"]) for kind in ("ways", "bug"))
        decisive = [bug for bug in bugs if BROKEN[stack][bug][1]]
        if not ways or not decisive:
            continue
        upheld = sum(known[f"{stack}:ways:{way}"]["mockkie"]["code"] == 0 for way in ways)
        found = sum(finds(known, stack, bug, "mockkie") for bug in decisive)
        runs = [known[f"{stack}:bug:{bug}"]["mockkie"] for bug in decisive]
        seconds = median(run["seconds"] for run in runs)
        asked = median(run["requests"] for run in runs)
        yield (
            f"| {stack} (`{place}`) | {upheld} of {len(ways)} | {found} of {len(decisive)} "
            f"| {seconds:.1f} | {asked:,.0f} |"
        )
    yield ""
    for stack in STACKS:
        for way in judged(known, stack, "ways", ["mockkie"]):
            told = known[f"{stack}:ways:{way}"]["mockkie"]
            if told["code"] != 0:
                why = f" A matter of opinion: {_OPINIONS[way]}." if way in _OPINIONS else ""
                yield f"Not upheld: `{way}` ({stack}), for {', '.join(told['found'])}.{why}"
                yield ""
    every = {stack: [bug for bug in BROKEN[stack] if not is_aimed(stack, bug)] for stack in STACKS}
    few = [
        f"{len(bugs)} of the {len(every[stack])} deviations of {stack}"
        for stack in STACKS
        if 0 < len(bugs := judged(known, stack, "bug", ["mockkie"])) < len(every[stack])
    ]
    if few:
        yield f"Judged were, by lot, {', '.join(few)}."
        yield ""
    yield "Found: exit code 1. What breaks only what is observed or assumed is not counted:"
    yield "it is told, and decides nothing. Seconds and requests are medians of whole runs, which"
    yield "went on several at a time beside other work: alone, one takes less than half of that."
    yield ""


def _beside(known: Known) -> Iterator[str]:
    """The same servers through plain Schemathesis, each as far as that was run."""
    every = [
        _row(known, tool, title)
        for tool, title in NAMES.items()
        if judged(known, "aiohttp", "bug", ["mockkie", tool])
    ]
    if len(every) < len(NAMES):
        return
    yield "## Beside plain Schemathesis"
    yield ""
    yield "The same document and the same servers. A bug counts as found by Schemathesis when it"
    yield "reports something that it does not report of the faithful server, and as an alarm counts"
    yield "whatever it reports of a faithful one. Each row counts the servers that its tool was run"
    yield "on. Version 4 has all checks on by default: the last row shows it. Seconds are medians."
    yield ""
    yield "| tool | broken servers found | alarms at faithful servers | seconds |"
    yield "|---|---|---|---|"
    yield from every
    yield ""


def _row(known: Known, tool: str, title: str) -> str:
    tools = list(dict.fromkeys(("mockkie", tool)))
    rows = [
        (stack, bug)
        for stack in STACKS
        for bug in judged(known, stack, "bug", tools)
        if BROKEN[stack][bug][1]
    ]
    ways = [(s, way) for s in STACKS for way in judged(known, s, "ways", tools)]
    found = sum(finds(known, stack, bug, tool) for stack, bug in rows)
    alarms = sum(known[f"{stack}:ways:{way}"][tool]["code"] != 0 for stack, way in ways)
    took = median(known[f"{stack}:bug:{bug}"][tool]["seconds"] for stack, bug in rows)
    return f"| {title} | {found} of {len(rows)} | {alarms} of {len(ways)} | {took:.1f} |"


def _each(known: Known) -> Iterator[str]:
    yield "## Each deviation"
    yield ""
    yield "`*`: breaks only what is observed or assumed. In brackets: told, deciding nothing."
    for stack in STACKS:
        yield from ("", f"### {stack}", "", *_HEAD)
        yield from _rows(known, stack, [bug for bug in BROKEN[stack] if not is_aimed(stack, bug)])
    yield from ("", "### Each made for one assertion", "")
    yield "Written later (aiohttp), with the suite in view, for assertions that none of the others"
    yield from ("had needed; counted nowhere above.", "", *_HEAD)
    yield from _rows(known, "aiohttp", AIMED)


_HEAD: Final = ("| deviation | the suite names | default | all |", "|---|---|---|---|")


def _rows(known: Known, stack: str, bugs: Iterable[str]) -> Iterator[str]:
    for bug in bugs:
        does, documented = BROKEN[stack][bug]
        told = known.get(f"{stack}:bug:{bug}", {})
        if "mockkie" not in told:
            continue
        ours = told["mockkie"]
        named = ", ".join(ours["found"]) or ", ".join(f"({one})" for one in ours["told"])
        marks = [
            ("found" if finds(known, stack, bug, tool) else "-") if tool in told else ""
            for tool in ("default", "all")
        ]
        star = "" if documented else " *"
        sentence = does.replace("|", "\\|")
        yield f"| {sentence}{star} | {named or '-'} | {marks[0]} | {marks[1]} |"
