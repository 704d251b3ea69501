"""Tells of each assertion of the suite whether a broken server passes without it.

`python benchmarks/mutate_suite.py` takes the assertions of `contract_tests` away one at a time, and
judges again, without it, the broken servers that were found there (as `kill_table.py` noted them).
An assertion is needed when one of these servers is upheld then. Appends to docs/kill-table.md.
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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.kill_page import BROKEN, STACKS, Known  # noqa: E402 - the path is set above
from benchmarks.kill_table import KEPT, PAGE, running  # noqa: E402 - the same

ASSERTIONS: Final = {"expect", "refused", "reads", "eventually", "sized", "compare", "located"}
METHODS: Final = {"is_unharmed"}
TITLE: Final = "## Which assertions are needed"


class Site(NamedTuple):
    """An assertion: a statement that does nothing else."""

    file: str
    first: int
    last: int
    test: str

    def __str__(self) -> str:
        return f"{self.file}:{self.first}"


def sites() -> Iterator[Site]:
    """Every assertion of the suite."""
    for path in sorted((ROOT / "contract_tests").glob("test_*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Expr) and _asserts(node.value):
                    last = node.end_lineno or node.lineno
                    yield Site(path.name, node.lineno, last, function.name)


def _asserts(value: ast.expr) -> bool:
    if not isinstance(value, ast.Call):
        return False
    called = value.func
    if isinstance(called, ast.Attribute):
        return called.attr in METHODS
    return isinstance(called, ast.Name) and called.id in ASSERTIONS


def candidates(known: Known, site: Site, most: int) -> list[tuple[str, str]]:
    """At most so many broken servers found at an assertion, those found at few others first."""
    found = []
    for name, told in known.items():
        stack, kind, bug = name.split(":")
        lines = told.get("mockkie", {}).get("where", [])
        here = any(f"{site.file}:{n}" in lines for n in range(site.first, site.last + 1))
        if kind == "bug" and here and BROKEN[stack][bug][1]:
            found.append((len(lines), stack, bug))
    return [(stack, bug) for _, stack, bug in sorted(found)[:most]]


def judged_without(site: Site, stack: str, bug: str) -> int:
    """The exit code for a broken server, of a suite without the assertion."""
    with tempfile.TemporaryDirectory() as folder, running((stack, "bug", bug)) as api:
        for name in ("mockkie", "contract_tests", "openapi.yaml"):
            of, to = ROOT / name, Path(folder) / name
            shutil.copytree(of, to) if of.is_dir() else shutil.copy(of, to)
        path = Path(folder) / "contract_tests" / site.file
        lines = path.read_text().splitlines()
        start = lines[site.first - 1]
        indent = start[: len(start) - len(start.lstrip())]
        lines[site.first - 1 : site.last] = [f"{indent}pass"]
        path.write_text("\n".join(lines) + "\n")
        words = ["check", api.url, "--key", api.keys[0], "--other-key", api.keys[1], "-x"]
        return subprocess.run(
            [sys.executable, "-m", "mockkie", *words, "--quiet", "--overwrite-delay", "2"],
            capture_output=True,
            check=False,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": folder},
        ).returncode


def verdict(known: Known, site: Site, most: int) -> str:
    """What the assertion is good for."""
    servers = candidates(known, site, most)
    for stack, bug in servers:
        if judged_without(site, stack, bug) == 0:
            return f"needed: without it `{bug}` ({stack}) is upheld"
    if servers:
        names = ", ".join(f"`{bug}`" for _, bug in servers)
        return f"others find {names} too"
    return "none of these servers breaks it"


def main() -> None:
    """Judge every assertion, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--most", type=int, default=3, help="servers that are judged for each")
    given = parser.parse_args()
    known = json.loads(KEPT.read_bytes())
    every = list(sites())

    def one(site: Site) -> tuple[Site, str]:
        return site, verdict(known, site, given.most)

    rows = []
    with ThreadPoolExecutor(given.jobs) as pool:
        for number, (site, told) in enumerate(pool.map(one, every), start=1):
            print(f"{number}/{len(every)} {site} {told}")
            rows.append((site, told))
            before = PAGE.read_text().partition(TITLE)[0].rstrip()
            PAGE.write_text("\n".join([before, "", *_section(rows, len(every), given.most)]))


def _section(rows: list[tuple[Site, str]], every: int, most: int) -> Iterator[str]:
    needed = sum(told.startswith("needed") for _, told in rows)
    others = sum(told.startswith("others") for _, told in rows)
    yield TITLE
    yield ""
    yield "Made by `python benchmarks/mutate_suite.py`: each assertion is taken away, and at most"
    yield f"{most} of the broken servers that it had found ({', '.join(STACKS)}) are judged again."
    yield f"Of {every} assertions {len(rows)} were tried: {needed} are needed, for {others} another"
    yield f"finds the same servers, and {len(rows) - needed - others} are broken by none of them."
    yield ""
    yield "| assertion | in | |"
    yield "|---|---|---|"
    for site, told in rows:
        yield f"| `{site}` | `{site.test}` | {told} |"
    yield ""


if __name__ == "__main__":
    main()
