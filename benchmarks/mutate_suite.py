"""Tells of each assertion of the suite whether its clause still sees the same bugs without it.

`python benchmarks/mutate_suite.py` takes the assertions of `contract_tests` away one at a time, and
judges again, by the clauses of that test alone, broken servers that were found there (as
`kill_table.py` noted them). An assertion is needed when a clause that names such a server does not
name it any more. Appends to docs/kill-table.md. What was found is kept in
`benchmarks/.mutants.json`: a second run judges only what was not needed in the first.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

import yaml

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import mockkie  # noqa: E402 - the path is set above
from benchmarks.kill_page import STACKS, Known  # noqa: E402 - the same
from benchmarks.kill_table import KEPT, PAGE, Server, running  # noqa: E402 - the same

ASSERTIONS: Final = {"expect", "refused", "reads", "eventually", "sized", "compare", "located"}
METHODS: Final = {"is_unharmed"}
CLAUSES: Final = frozenset(
    yaml.safe_load((ROOT / "openapi.yaml").read_text())["x-mockkie"]["claims"]
)
TOLD: Final = KEPT.with_name(".mutants.json")
TITLE: Final = "## Which assertions are needed"


class Site(NamedTuple):
    """An assertion: a statement that does nothing else. What tests have in common has no clauses.

    `seen` is where the suite says that it failed: in itself, at the `with` around it that gives
    the clause, or in the function that it calls.
    """

    file: str
    first: int
    last: int
    text: str
    test: str
    clauses: tuple[str, ...]
    seen: frozenset[str]

    def __str__(self) -> str:
        return f"{self.file}:{self.first}"


def sites() -> Iterator[Site]:
    """Every assertion of the suite."""
    for path in sorted((ROOT / "contract_tests").glob("test_*.py")):
        module = ast.parse(path.read_text())
        functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
        tests = [one for one in functions if one.name.startswith("test_")]
        methods = {
            one for node in ast.walk(module) if isinstance(node, ast.ClassDef) for one in node.body
        }
        shared = {one.name: _lines(one) for one in functions if not one.name.startswith("test_")}
        for function in functions:
            texts = Counter[str]()
            for node in ast.walk(function):
                if isinstance(node, ast.Expr) and _asserts(node.value):
                    text = ast.unparse(node)
                    texts[text] += 1
                    called = ast.unparse(node.value).partition("(")[0]
                    seen = _lines(node) | shared.get(called, set())
                    if function in methods:  # Hypothesis says where it was called from
                        seen |= {line for test in tests for line in _lines(test)}
                    for around in ast.walk(function):
                        if isinstance(around, ast.With) and _lines(node) <= _lines(around):
                            seen |= {around.lineno}
                    yield Site(
                        path.name,
                        node.lineno,
                        max(_lines(node)),
                        f"{text} {texts[text]}",
                        function.name,
                        _clauses(function),
                        frozenset(f"{path.name}:{line}" for line in seen),
                    )


def _lines(node: ast.stmt) -> set[int]:
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1))


def _clauses(function: ast.FunctionDef) -> tuple[str, ...]:
    """What its mark names, and its assertions beside that."""
    named = {
        value.value
        for node in (function, *function.decorator_list)
        for value in ast.walk(node)
        if isinstance(value, ast.Constant) and isinstance(value.value, str)
    }
    return tuple(sorted(named & CLAUSES))


def _asserts(value: ast.expr) -> bool:
    if not isinstance(value, ast.Call):
        return False
    called = value.func
    if isinstance(called, ast.Attribute):
        return called.attr in METHODS
    return isinstance(called, ast.Name) and called.id in ASSERTIONS


PATIENT: Final = ("mockkie", "bug", "fetches-for-a-minute")
"""The mock, by a document with another limit: only `--full` takes the time to see it."""
SLOW: Final = {"test_a_fetch_has_half_a_minute": PATIENT}


@contextmanager
def started(server: Server) -> Iterator[Any]:
    """The server, with `url` and `keys`."""
    if server != PATIENT:
        with running(server) as api:
            yield api
        return
    with tempfile.TemporaryDirectory() as folder:
        path, text = Path(folder) / "openapi.yaml", (ROOT / "openapi.yaml").read_text()
        path.write_text(text.replace("timeout: PT30S", "timeout: PT60S"))
        with mockkie.serve(contract=path, url_upload="fetch", url_upload_private=True) as kie:
            yield SimpleNamespace(url=kie.base_url, keys=(kie.key, kie.key))


def candidates(known: Known, site: Site, most: int) -> list[Server]:
    """At most so many broken servers found at an assertion, those found at few others first."""
    if site.test in SLOW:
        return [SLOW[site.test]]
    found = []
    for name, told in known.items():
        stack, kind, bug = name.split(":")
        lines = told.get("mockkie", {}).get("where", [])
        if kind == "bug" and site.seen & {*lines}:
            found.append((len(lines), stack, bug))
    return [(stack, "bug", bug) for _, stack, bug in sorted(found)[:most]]


@cache
def named(server: Server, clauses: tuple[str, ...], without: Site | None = None) -> frozenset[str]:
    """The clauses that name a broken server, of some, by a suite without an assertion."""
    with tempfile.TemporaryDirectory() as folder, started(server) as api:
        for name in ("mockkie", "contract_tests", "openapi.yaml"):
            of, to = ROOT / name, Path(folder) / name
            shutil.copytree(of, to) if of.is_dir() else shutil.copy(of, to)
        if without is not None:
            _take_away(Path(folder) / "contract_tests" / without.file, without)
        report = Path(folder) / "report.json"
        words = ["check", api.url, "--key", api.keys[0], "--other-key", api.keys[1], "--quiet"]
        words += [word for clause in clauses for word in ("--only", clause)]
        words += ["--full"] if server == PATIENT else []
        subprocess.run(
            [sys.executable, "-m", "mockkie", *words, "--overwrite-delay", "2", "--report", report],
            capture_output=True,
            check=False,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": folder},
        )
        told = json.loads(report.read_bytes())["clauses"]
    return frozenset(clause["id"] for clause in told if clause["verdict"] == "violated")


def _take_away(path: Path, site: Site) -> None:
    lines = path.read_text().splitlines()
    start = lines[site.first - 1]
    indent = start[: len(start) - len(start.lstrip())]
    lines[site.first - 1 : site.last] = [f"{indent}pass"]
    path.write_text("\n".join(lines) + "\n")


def judged(told: dict[str, str], known: Known, site: Site, most: int) -> str:
    """What the assertion is good for; what it was needed for once need not be shown again."""
    name = f"{site.file} {site.test} {site.text}"
    if not told.get(name, "").startswith("needed"):
        found = verdict(known, site, most)
        with _WRITING:
            told[name] = found
            TOLD.write_text(json.dumps(told, indent=1))
    return told[name]


_WRITING: Final = Lock()


def verdict(known: Known, site: Site, most: int) -> str:
    """What the assertion is good for."""
    servers = candidates(known, site, most)
    for server in servers:
        clauses = site.clauses
        if not clauses:
            told = known[":".join(server)]["mockkie"]
            clauses = tuple(sorted({*told["found"], *told["told"]}))
        lost = named(server, clauses) - named(server, clauses, site)
        if lost:
            return f"needed: without it {', '.join(sorted(lost))} does not name `{server[2]}`"
    if servers:
        names = ", ".join(f"`{bug}`" for _, _, bug in servers)
        return f"the same clauses name {names} elsewhere too"
    return "found none of these servers"


def main() -> None:
    """Judge every assertion, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--most", type=int, default=3, help="servers that are judged for each")
    parser.add_argument("--again", action="store_true", help="forget what is known of these")
    given = parser.parse_args()
    known = json.loads(KEPT.read_bytes())
    told = json.loads(TOLD.read_bytes()) if TOLD.exists() and not given.again else {}
    every = list(sites())

    def one(site: Site) -> tuple[Site, str]:
        return site, judged(told, known, site, given.most)

    rows = []
    with ThreadPoolExecutor(given.jobs) as pool:
        for number, row in enumerate(pool.map(one, every), start=1):
            print(f"{number}/{len(every)}", *row)
            rows.append(row)
            before = PAGE.read_text().partition(TITLE)[0].rstrip()
            PAGE.write_text("\n".join([before, "", *_section(rows, len(every), given.most)]))


def _section(rows: list[tuple[Site, str]], every: int, most: int) -> Iterator[str]:
    needed = sum(told.startswith("needed") for _, told in rows)
    others = sum(told.startswith("the same") for _, told in rows)
    yield TITLE
    yield ""
    yield "Made by `python benchmarks/mutate_suite.py`: each assertion is taken away, and at most"
    yield f"{most} of the broken servers that it had found ({', '.join(STACKS)}) are judged again,"
    yield "by the clauses of its test. It is needed when a clause names such a server no more."
    yield "Tests stop at their first violation: what stands later finds what those leave over."
    yield f"Of {every} assertions {len(rows)} were tried: {needed} are needed; for {others} the"
    yield "same clauses name the same servers by another assertion, or by another case, too; and"
    yield f"{len(rows) - needed - others} have found none of these servers."
    yield ""
    yield "| assertion | in | |"
    yield "|---|---|---|"
    for site, told in rows:
        yield f"| `{site}` | `{site.test}` | {told} |"
    yield ""


if __name__ == "__main__":
    main()
