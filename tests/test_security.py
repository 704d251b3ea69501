"""SECURITY.md promises nothing that no test shows."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from reliability.attacks import ATTACKS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "SECURITY.md").read_text()
PROMISES = [
    (cells[1], cells[2])
    for cells in (line.split("|") for line in PAGE.splitlines() if line.startswith("| "))
    if cells[1].strip() != "promise"
]
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@pytest.mark.parametrize(("promise", "shown"), PROMISES, ids=lambda cell: cell.strip()[:40])
def test_a_promise_is_shown_by_tests_that_there_are(promise: str, shown: str) -> None:
    named = _TEST.findall(shown)
    assert named, promise
    for file, name in named:
        tree = ast.parse((ROOT / file).read_bytes())
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, kinds)}, file
    for attack in re.findall(r"the attack `(\w+)`", shown):
        assert attack in ATTACKS


def test_every_test_that_is_named_is_in_a_promise() -> None:
    assert len(PROMISES) > 15
    in_table = [found for _, shown in PROMISES for found in _TEST.findall(shown)]
    assert in_table == _TEST.findall(PAGE)


def test_holes_are_reported_where_nobody_has_to_be_made_up() -> None:
    assert "private vulnerability report" in PAGE
    assert not re.search(r"[\w.]+@[\w.]+|https?://", PAGE)
