"""Fixtures, marks and options of the pytest plugins as a page has them, read from their source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import pytest

from docs.pages.tables import code, table
from mockkie import pytest_plugin
from mockkie.harness import plugin

_YIELDS: Final = ("Iterator[", "AsyncIterator[", "Generator[")


def fixtures() -> Iterator[str]:
    """What a test may ask for: of the plugin that is always there, then of the suite."""
    rows = []
    for module in (pytest_plugin, plugin):
        for function in _functions(str(module.__file__)):
            for mark in function.decorator_list:
                if ast.unparse(mark).startswith("pytest.fixture"):
                    known = "the suite" if module is plugin else "everywhere"
                    rows.append((code(function.name), *_fixture(function, mark), known))
    yield from table(("fixture", "type", "scope", "is", "known"), rows)


def _functions(path: str) -> Iterator[ast.FunctionDef]:
    for node in ast.parse(Path(path).read_bytes()).body:
        if isinstance(node, ast.FunctionDef):
            yield node


def _fixture(function: ast.FunctionDef, mark: ast.expr) -> tuple[str, str, str]:
    scope = "function"
    for keyword in mark.keywords if isinstance(mark, ast.Call) else ():
        if keyword.arg == "scope":
            scope = str(ast.literal_eval(keyword.value))
    kind = ast.unparse(function.returns) if function.returns else ""
    for prefix in _YIELDS:
        if kind.startswith(prefix):
            kind = kind.removeprefix(prefix).removesuffix("]")
    return code(kind), scope, ast.get_docstring(function) or ""


def marks() -> Iterator[str]:
    """What a test may be marked with."""
    rows = []
    for module in (pytest_plugin, plugin):
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_bytes())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("addinivalue_line"):
                name, _, does = _text(node.args[1]).partition(": ")
                known = "the suite" if module is plugin else "everywhere"
                rows.append((code(f"@pytest.mark.{name}"), does, known))
    yield from table(("mark", "means", "known"), rows)


def _text(node: ast.expr) -> str:
    """A string as it is written; what an f-string fills in is in capitals."""
    if isinstance(node, ast.JoinedStr):
        filled = (isinstance(part, ast.FormattedValue) for part in node.values)
        pairs = zip(filled, node.values, strict=True)
        return "".join("GROUP" if one else str(ast.literal_eval(part)) for one, part in pairs)
    return str(ast.literal_eval(node))


class _Options:
    """Takes down which options a plugin adds."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str]] = []

    def getgroup(self, *_: str) -> _Options:
        return self

    def addoption(self, name: str, **told: Any) -> None:
        kind = "flag" if told.get("action") == "store_true" else told["type"].__name__
        self.rows.append((code(name), code(kind), told["help"]))


def options() -> Iterator[str]:
    """What pytest may be told."""
    added = _Options()
    pytest_plugin.pytest_addoption(cast("pytest.Parser", added))
    yield from table(("option", "type", "is"), added.rows)
