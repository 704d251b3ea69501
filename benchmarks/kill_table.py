"""How many broken servers the suite finds, and plain Schemathesis beside it: docs/kill-table.md.

`python benchmarks/kill_table.py` runs every server of `tests.foreign` through `mockkie check` and
through `st run`, with its default checks and with all of them. What was found is kept in
`benchmarks/.kills.json` as it goes, so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests import foreign, wsgi_api  # noqa: E402 - the path is set above
from tests.foreign_bugs import ASSUMED, BUGS  # noqa: E402 - the same
from tests.wsgi_bugs import BUGS as WSGI_BUGS  # noqa: E402 - the same
from tests.wsgi_ways import FAITHFUL as WSGI_WAYS  # noqa: E402 - the same

KEPT: Final = Path(__file__).parent / ".kills.json"
PAGE: Final = ROOT / "docs" / "kill-table.md"
BIN: Final = Path(sys.executable).parent
TOOLS: Final = ("mockkie", "default", "all")
FAILURE: Final = re.compile(
    r"^- (?P<what>[A-Z][\w' ,-]+)$|^_{3,} (?P<where>[A-Z]+ /\S*) _{3,}$", re.MULTILINE
)

STACKS: Final = {"aiohttp": "tests/foreign.py", "flask": "tests/wsgi_api.py"}
BROKEN: Final = {
    "aiohttp": {name: (does, name not in ASSUMED) for name, does in BUGS.items()},
    "flask": {name: (bug.does, bug.level == "D") for name, bug in WSGI_BUGS.items()},
}
"""What each broken server does, and whether that breaks a documented sentence."""
RIGHT: Final = {"aiohttp": list(foreign.FAITHFUL), "flask": list(WSGI_WAYS)}
FAITHFUL: Final = {"aiohttp": "clock", "flask": "plain"}
"""The faithful server that is as the broken ones are, but for the bug."""

Server = tuple[str, str, str]
"""Its stack, `bug` or `ways`, and its name."""
Found = dict[str, Any]
"""What a tool says of a server: seconds, requests, and what it found."""


def servers() -> Iterator[Server]:
    """Every server there is."""
    for stack in STACKS:
        yield from ((stack, "ways", name) for name in RIGHT[stack])
        yield from ((stack, "bug", name) for name in BROKEN[stack])


def running(server: Server) -> AbstractContextManager[Any]:
    """The server, with `url` and `keys`."""
    stack, kind, name = server
    ways, bug = (FAITHFUL[stack], name) if kind == "bug" else (name, None)
    if stack == "aiohttp":
        return foreign.foreign(foreign.FAITHFUL[ways], bug)
    return wsgi_api.wsgi_api(WSGI_WAYS[ways], bug)


def judge(server: Server, tool: str) -> Found:
    """What a tool says of a server."""
    with running(server) as api:
        began = time.perf_counter()
        if tool == "mockkie":
            found = check(api.url, api.keys)
        else:
            found = schemathesis(api.url, api.keys[0], "all" if tool == "all" else None)
    return {**found, "seconds": round(time.perf_counter() - began, 1)}


def check(url: str, keys: tuple[str, ...]) -> Found:
    """By the suite."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        words = ["check", url, "--key", keys[0], "--other-key", keys[1], "--overwrite-delay", "2"]
        done = subprocess.run(
            [sys.executable, "-m", "mockkie", *words, "--quiet", "--report", str(report)],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        told = json.loads(report.read_bytes()) if report.exists() else {"clauses": []}
    violated = [clause for clause in told["clauses"] if clause["verdict"] == "violated"]
    return {
        "code": done.returncode,
        "requests": told.get("requests", 0),
        "found": {c["id"]: c["why"] for c in violated if c["level"] == "documented"},
        "told": {c["id"]: c["why"] for c in violated if c["level"] != "documented"},
        "where": sorted({line for c in violated for line in c["where"]}),
    }


def schemathesis(url: str, key: str, checks: str | None) -> Found:
    """By `st run`, as its own documentation starts it; each kind of failure at each operation."""
    words = ["run", "openapi.yaml", "--url", url, "-H", f"Authorization: Bearer {key}"]
    words += ["--checks", checks] if checks else []
    done = subprocess.run(
        [BIN / "st", *words, "--seed", "5430", "--no-color"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
    )
    where, kinds = "", set()
    for match in FAILURE.finditer(done.stdout):
        where = match["where"] or where
        if match["what"]:
            kinds.add(f"{where}: {match['what']}")
    cases = re.search(r"([\d,]+) generated", done.stdout)
    return {
        "code": done.returncode,
        "requests": int(cases[1].replace(",", "")) if cases else 0,
        "found": sorted(kinds),
    }


def run(wanted: list[Server], tools: tuple[str, ...], jobs: int) -> dict[str, dict[str, Found]]:
    """Judge what is not judged yet; returns everything that is known, by server and tool."""
    known: dict[str, dict[str, Found]] = json.loads(KEPT.read_bytes()) if KEPT.exists() else {}
    todo = [
        (server, tool)
        for server in wanted
        for tool in tools
        if tool not in known.get(":".join(server), {})
    ]

    def one(task: tuple[Server, str]) -> tuple[Server, str, Found]:
        return *task, judge(*task)

    with ThreadPoolExecutor(jobs) as pool:
        for number, (server, tool, found) in enumerate(pool.map(one, todo), start=1):
            known.setdefault(":".join(server), {})[tool] = found
            KEPT.write_text(json.dumps(known, indent=1))
            names = ", ".join(found["found"]) or "-"
            print(f"{number}/{len(todo)} {':'.join(server)} {tool} {found['code']} {names}"[:160])
    return known


def finds(known: Mapping[str, Mapping[str, Found]], bug: str, tool: str) -> bool:
    """Whether a tool finds a bug: it says something that it does not say of a faithful server."""
    found = known[f"bug:{bug}"][tool]
    if tool == "mockkie":
        return bool(found["code"] == 1)
    return bool(set(found["found"]) - set(known["ways:clock"][tool]["found"]))


def page(known: Mapping[str, Mapping[str, Found]]) -> str:
    """The page, from what is known."""
    bugs = [bug for bug in BUGS if set(TOOLS) <= known.get(f"bug:{bug}", {}).keys()]
    decisive = [bug for bug in bugs if bug not in ASSUMED]
    counts = {tool: sum(finds(known, bug, tool) for bug in decisive) for tool in TOOLS}
    ways = [name for name in FAITHFUL if set(TOOLS) <= known.get(f"ways:{name}", {}).keys()]
    alarms = {
        tool: sum(known[f"ways:{name}"][tool]["code"] != 0 for name in ways) for tool in TOOLS
    }
    asked = {tool: median(known[f"bug:{bug}"][tool]["requests"] for bug in bugs) for tool in TOOLS}
    took = {tool: median(known[f"bug:{bug}"][tool]["seconds"] for bug in bugs) for tool in TOOLS}
    names = {
        "mockkie": "`mockkie check`",
        "default": "`st run`, default checks",
        "all": "`st run`, all checks",
    }
    lines = [
        "# Who finds what: the kill table",
        "",
        "Made by `python benchmarks/kill_table.py`, not by hand: servers of `tests/foreign.py`, a",
        "second implementation on another stack with one small deviation each, judged by",
        "`mockkie check` and by plain Schemathesis over the same `openapi.yaml`, in one run. A bug",
        "counts as found by Schemathesis when it reports something that it does not report of the",
        "faithful server. A deviation from what is only observed or assumed is told, and decides",
        "nothing; those are listed, and not counted.",
        "",
        f"| tool | found of {len(decisive)} | alarms of {len(ways)} | requests | seconds |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {names[tool]} | {counts[tool]} | {alarms[tool]} "
        f"| {asked[tool]:,.0f} | {took[tool]:.1f} |"
        for tool in TOOLS
    ]
    lines += [
        "",
        "Requests and seconds are medians over the broken servers, two at a time on two cores.",
        "",
        "| deviation | the suite names | default | all |",
        "|---|---|---|---|",
    ]
    for bug in bugs:
        ours = known[f"bug:{bug}"]["mockkie"]
        named = ", ".join(ours["found"]) or ", ".join(f"({name})" for name in ours["told"]) or "-"
        marks = ["found" if finds(known, bug, tool) else "-" for tool in TOOLS[1:]]
        level = " *" if bug in ASSUMED else ""
        lines.append(f"| {BUGS[bug]}{level} | {named} | {' | '.join(marks)} |")
    lines += [
        "",
        "`*`: breaks only what is observed or assumed. In brackets: told, deciding nothing.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Run, and write the page when everything is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", nargs="*", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--servers", default="", help="only those whose name has this in it")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--again", action="store_true", help="forget what is known of these")
    given = parser.parse_args()
    wanted = [server for server in servers() if re.search(given.servers, ":".join(server))]
    if given.again and KEPT.exists():
        known = json.loads(KEPT.read_bytes())
        for server in wanted:
            for tool in given.tools:
                known.get(":".join(server), {}).pop(tool, None)
        KEPT.write_text(json.dumps(known, indent=1))
    known = run(wanted, tuple(given.tools), given.jobs)
    if all(set(TOOLS) <= known.get(":".join(server), {}).keys() for server in servers()):
        PAGE.write_text(page(known))
        print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
