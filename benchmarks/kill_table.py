"""How many broken servers the suite finds, and plain Schemathesis beside it: docs/kill-table.md.

`python benchmarks/kill_table.py` runs every server of `tests.foreign` through `mockkie check` and
through `st run`, with its default checks and with all of them. What was found is kept in
`benchmarks/.kills.json` as it goes, so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.kill_page import (  # noqa: E402 - the path is set above
    BROKEN,
    FAITHFUL,
    STACKS,
    is_aimed,
    page,
)
from tests import foreign, node_api, wsgi_api  # noqa: E402 - the path is set above
from tests.foreign_bugs import AIMED  # noqa: E402 - the same
from tests.wsgi_ways import FAITHFUL as WSGI_WAYS  # noqa: E402 - the same

KEPT: Final = Path(__file__).parent / ".kills.json"
PAGE: Final = ROOT / "docs" / "kill-table.md"
BIN: Final = Path(sys.executable).parent
TOOLS: Final = ("mockkie", "default", "all")
FAILURE: Final = re.compile(
    r"^- (?P<what>[A-Z][\w' ,-]+)$|^_{3,} (?P<where>[A-Z]+ /\S*) _{3,}$", re.MULTILINE
)

RIGHT: Final = {
    "aiohttp": list(foreign.FAITHFUL),
    "flask": list(WSGI_WAYS),
    "node": ["plain", *(way["name"] for way in node_api.listed()["ways"])],
}
Server = tuple[str, str, str]
"""Its stack, `bug` or `ways`, and its name."""
Found = dict[str, Any]
"""What a tool says of a server: seconds, requests, and what it found."""


def servers(most: int | None = None) -> Iterator[Server]:
    """Every faithful server, and the broken ones in the order of a lot, at most so many a stack."""
    for stack in STACKS:
        yield from ((stack, "ways", name) for name in RIGHT[stack])
    for stack in STACKS:
        names = sorted(name for name in BROKEN[stack] if not is_aimed(stack, name))
        random.Random(5430).shuffle(names)  # noqa: S311 - a lot, and the same one each time
        yield from ((stack, "bug", name) for name in names[:most])
    if most is None:
        yield from (("aiohttp", "bug", name) for name in AIMED)


def name(server: Server) -> str:
    """Its name in the file of what is known."""
    return ":".join(server)


def running(server: Server) -> AbstractContextManager[Any]:
    """The server, with `url` and `keys`."""
    stack, kind, name = server
    if stack == "node":
        way = name if kind == "ways" and name != "plain" else None
        return node_api.node_api(way, name if kind == "bug" else None)
    ways, bug = (FAITHFUL[stack], name) if kind == "bug" else (name, None)
    if stack == "aiohttp":
        return foreign.foreign(foreign.FAITHFUL[ways], bug)
    return wsgi_api.wsgi_api(WSGI_WAYS[ways], bug)


def judge(server: Server, tool: str) -> Found:
    """What a tool says of a server."""
    with running(server) as api:
        began = time.perf_counter()
        if tool == "mockkie":
            found = check(api.url, api.keys, "5" if server[1] == "ways" else "2")
        else:
            found = schemathesis(api.url, api.keys[0], "all" if tool == "all" else None)
    return {**found, "seconds": round(time.perf_counter() - began, 1)}


def check(url: str, keys: tuple[str, ...], delay: str) -> Found:
    """By the suite."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        words = ["check", url, "--key", keys[0], "--overwrite-delay", delay]
        words += ["--other-key", keys[1]] if keys[1:] else []
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
        if tool not in known.get(name(server), {})
    ]

    def one(task: tuple[Server, str]) -> tuple[Server, str, Found]:
        return *task, judge(*task)

    with ThreadPoolExecutor(jobs) as pool:
        for number, (server, tool, found) in enumerate(pool.map(one, todo), start=1):
            known.setdefault(name(server), {})[tool] = found
            KEPT.write_text(json.dumps(known, indent=1))
            names = ", ".join(found["found"]) or "-"
            print(f"{number}/{len(todo)} {':'.join(server)} {tool} {found['code']} {names}"[:160])
    return known


def main() -> None:
    """Run, and write the page of what is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", nargs="*", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--servers", default="", help="only those whose name has this in it")
    parser.add_argument("--most", type=int, help="so many broken servers of each stack, by lot")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--again", action="store_true", help="forget what is known of these")
    given = parser.parse_args()
    wanted = [server for server in servers(given.most) if re.search(given.servers, name(server))]
    if given.again and KEPT.exists():
        known = json.loads(KEPT.read_bytes())
        for server in wanted:
            for tool in given.tools:
                known.get(name(server), {}).pop(tool, None)
        KEPT.write_text(json.dumps(known, indent=1))
    PAGE.write_text(page(run(wanted, tuple(given.tools), given.jobs)))


if __name__ == "__main__":
    main()
