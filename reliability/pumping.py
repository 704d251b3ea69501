"""Every regular expression of a package, fed with texts that make backtracking expensive.

An expression is found in the source with the methods that it is used by, an example of it is made
from its own parse tree, and at each place of the example a text of many equal pieces is put in.
"""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import chain, islice
from pathlib import Path
from types import ModuleType
from typing import Any, Final

_METHODS: Final = frozenset("match fullmatch search sub subn findall finditer split".split())
_PIECES: Final = (
    *("a", "0", " ", "\t", "\r\n", "/", ".", "-", "=", '"', "\\", ":", ";", ",", "%", "[", "_"),
    *("a ", "a=", '="', ';a="', "/a", "a.", ".yaml:1", "a-", "\\a", "aA", "0.", "W/", '"a', "a%"),
)
_FEW: Final = 3_000
_SLOW: Final = 0.02  # seconds of the processor; what is linear takes less than a thousandth
_GROWTH: Final = 3.0  # of twice as much: 2 is linear, 4 is quadratic
_MOST_REPEATED: Final = 3
_AGAIN: Final = 3  # times that what took long is measured once more


@dataclass(frozen=True, slots=True)
class Expression:
    """A regular expression, where it stands, and how it is used there."""

    place: str
    pattern: re.Pattern[Any]
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slow:
    """What an expression takes long for: `before`, then `piece` many times, then something."""

    place: str
    method: str
    before: str
    piece: str
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.place} {self.method}: {self.seconds:.2f} s for {2 * _FEW:,} characters, "
            f"{self.piece!r} again and again behind {self.before!r}"
        )


def expressions(package: ModuleType) -> Iterator[Expression]:
    """Those of all modules of a package whose text is known before it runs."""
    for folder in package.__path__:
        for path in sorted(Path(folder).rglob("*.py")):
            name = ".".join((package.__name__, *path.relative_to(folder).with_suffix("").parts))
            yield from _in_module(name.removesuffix(".__init__"), path)


def _in_module(name: str, path: Path) -> Iterator[Expression]:
    tree = ast.parse(path.read_text())
    used: dict[str, set[str]] = {}
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
            continue
        method, of = call.func.attr, call.func.value
        if method not in _METHODS or not isinstance(of, ast.Name):
            continue
        if of.id != "re":
            used.setdefault(of.id, set()).add(method)
        elif isinstance(call.args[0], ast.Constant):
            pattern = re.compile(str(call.args[0].value))
            yield Expression(f"{name}:{call.lineno}", pattern, (method,))
    if used:
        known = vars(import_module(name))
        for variable, methods in used.items():
            if isinstance(known.get(variable), re.Pattern):
                yield Expression(f"{name}.{variable}", known[variable], tuple(sorted(methods)))


def slow(expression: Expression) -> Iterator[Slow]:
    """A text for each method by which the time for it grows faster than the text, if any does."""
    is_bytes = isinstance(expression.pattern.pattern, bytes)
    example = _example(expression.pattern)
    for method in expression.methods:
        befores = (example[:at] for at in range(len(example) + 1))
        found = (_pumped(expression, method, before, is_bytes=is_bytes) for before in befores)
        yield from islice(chain.from_iterable(found), 1)


def _pumped(expression: Expression, method: str, before: str, *, is_bytes: bool) -> Iterator[Slow]:
    def seconds(piece: str, size: int) -> float:
        text = before + piece * (size // len(piece))
        return _measured(expression.pattern, method, text, is_bytes)

    for piece in _PIECES:
        few, many = seconds(piece, _FEW), seconds(piece, 2 * _FEW)
        if many > _SLOW:  # perhaps by what else the machine does
            many = min(many, *(seconds(piece, 2 * _FEW) for _ in range(_AGAIN)))
        if many > _SLOW and many > _GROWTH * few:
            yield Slow(expression.place, method, before, piece, many)


def _measured(pattern: re.Pattern[Any], method: str, text: str, is_bytes: bool) -> float:  # noqa: FBT001 - of two kinds of text
    given: Any = (text + "\x00!").encode("latin-1", "replace") if is_bytes else text + "\x00!"
    started = time.process_time()
    match method:
        case "sub" | "subn":
            getattr(pattern, method)(lambda found: found[0], given)
        case "finditer":
            list(pattern.finditer(given))
        case _:
            getattr(pattern, method)(given)
    return time.process_time() - started


def _example(pattern: re.Pattern[Any]) -> str:
    """A text that the expression probably matches: what is optional is there once."""
    from re import _parser  # noqa: PLC0415 - there is no public one

    return _text(_parser.parse(pattern.pattern, pattern.flags))


def _text(tree: Any) -> str:
    return "".join(_of(str(kind), value) for kind, value in tree)


def _of(kind: str, value: Any) -> str:
    text = ""
    match kind:
        case "LITERAL":
            text = chr(value)
        case "NOT_LITERAL" | "ANY":
            text = "a"
        case "IN":
            text = _of_class(value)
        case "BRANCH":
            text = _text(value[1][0])
        case "SUBPATTERN":
            text = _text(value[3])
        case "ATOMIC_GROUP":
            text = _text(value)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, _, inner = value
            text = _text(inner) * min(max(int(least), 1), _MOST_REPEATED)
    return text


def _of_class(members: Any) -> str:
    """A character of a class: one that is named, else one that a class without these has."""
    kind, value = members[0]
    match str(kind):
        case "LITERAL":
            return chr(value)
        case "RANGE":
            return chr(value[0])
        case "NEGATE":
            return next(letter for letter in "a0-~" if ("LITERAL", ord(letter)) not in members)
    return {"CATEGORY_DIGIT": "0", "CATEGORY_SPACE": " "}.get(str(value), "a")
