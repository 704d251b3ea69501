"""The Python interface as a page has it, read from signatures and docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any, Final, is_typeddict

import mockkie
from docs.pages.tables import code, table
from mockkie.build import DEFAULTS, MockOptions
from mockkie.expectation import Facts
from mockkie.interception import Interception
from mockkie.journal import Entry, Field
from mockkie.kie_clock import KieClock
from mockkie.kie_faults import KieFault, KieFaults
from mockkie.kie_files import File, KieFiles
from mockkie.kie_journal import KieJournal, Upload
from mockkie.kie_settings import KieSettings

_FUNCTIONS: Final = ("serve", "build_mock")
_HELD: Final = {
    "kie": mockkie.Kie,
    "kie.clock": KieClock,
    "kie.files": KieFiles,
    "kie.journal": KieJournal,
    "kie.faults": KieFaults,
    "kie.settings": KieSettings,
}
_YIELDED: Final = (File, Upload, Facts, Entry, Field, KieFault, Interception)
_BESIDE: Final = ("Fault", "UsageError", "Mock", "World")
_WIDEST: Final = 92
_OURS: Final = frozenset(
    "describe differences forget_strangers from_json read_version rules seen to_json weight".split()
)
"""What stands without an underscore for the rest of mockkie only."""
_SELF: Final = ("self", "cls")
_SIGNS: Final[Mapping[Any, str]] = {
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.VAR_KEYWORD: "**",
}


def lines() -> Iterator[str]:
    """Functions, then what a handle has, then what that gives back."""
    for name in _FUNCTIONS:
        function = getattr(mockkie, name)
        yield from _part(f"## `mockkie.{name}`", signature(f"mockkie.{name}", function), function)
    for place, kind in _HELD.items():
        yield from _part(f"## `{place}`", None, kind)
        yield from _members(place, kind)
    for kind in _YIELDED:
        yield from _part(f"## `{kind.__name__}`", None, kind)
        yield from _members(_spoken(kind), kind)
    for name in _BESIDE:
        kind = getattr(mockkie, name)
        yield from _part(f"## `mockkie.{name}`", None, kind)


def _spoken(kind: type) -> str:
    """What an object of a kind is called where nobody has named it."""
    return kind.__name__.removeprefix("Kie").lower()


def _part(head: str, shown: str | None, documented: Any) -> Iterator[str]:
    yield from ("", head, "")
    if shown is not None:
        yield from ("```python", shown, "```", "")
    yield inspect.getdoc(documented) or ""


def _members(place: str, kind: type) -> Iterator[str]:
    """A table of what it has, then what it does."""
    rows = [(code(f"{place}.{name}"), code(note), "") for name, note in _notes(kind).items()]
    for name, member in vars(kind).items():
        getter = member.fget if isinstance(member, property) else getattr(member, "func", None)
        if getter is not None and not _is_ours(name):
            told = code(inspect.signature(getter).return_annotation)
            rows.append((code(f"{place}.{name}"), told, inspect.getdoc(member) or ""))
    if rows:
        yield ""
        yield from table(("member", "type", "is"), rows)
    for name, member in vars(kind).items():
        if inspect.isfunction(member) and not _is_ours(name):
            called = place if name == "__call__" else f"{place}.{name}"
            yield from _part(f"### `{called}()`", signature(called, member), member)


def _is_ours(name: str) -> bool:
    return name in _OURS or (name.startswith("_") and name != "__call__")


def _notes(kind: type) -> dict[str, str]:
    """The fields of a data class or of a dictionary with known keys, with their types."""
    if not (is_dataclass(kind) or is_typeddict(kind)):
        return {}
    return {
        name: note if isinstance(note, str) else note.__forward_arg__
        for one in reversed(inspect.getmro(kind))
        for name, note in inspect.get_annotations(one).items()
        if not _is_ours(name)
    }


def signature(name: str, function: Callable[..., Any]) -> str:
    """How it is called, on one line or with a line for each parameter."""
    found = inspect.signature(function)
    told = list(_parameters([one for one in found.parameters.values() if one.name not in _SELF]))
    gives = str(found.return_annotation)
    if inspect.unwrap(function) is not function:  # made a context manager by its decorator
        gives = gives.replace("Iterator", "ContextManager")
    answer = "" if found.return_annotation is found.empty else f" -> {gives}"
    line = f"{name}({', '.join(told)}){answer}"
    if len(line) <= _WIDEST:
        return line
    return "\n".join([f"{name}(", *(f"    {one}," for one in told), f"){answer}"])


def _parameters(known: Sequence[inspect.Parameter]) -> Iterator[str]:
    """As they are written, with the signs that stand between them."""
    kinds = [one.kind for one in known]
    for number, one in enumerate(known):
        before = kinds[number - 1] if number else None
        if one.kind is one.KEYWORD_ONLY and before not in (one.KEYWORD_ONLY, one.VAR_POSITIONAL):
            yield "*"
        if one.annotation == "Unpack[MockOptions]":
            for name, note in _notes(MockOptions).items():
                yield f"{name}: {note} = {DEFAULTS[name]!r}"  # type: ignore[literal-required]
            continue
        sign = _SIGNS.get(one.kind, "")
        default = "" if one.default is one.empty else f" = {one.default!r}".replace("datetime.", "")
        yield f"{sign}{one.name}: {one.annotation}{default}"
        if one.kind is one.POSITIONAL_ONLY and kinds[number + 1 : number + 2] != [one.kind]:
            yield "/"
