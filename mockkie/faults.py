"""A fault: one deliberate misbehaviour, and how it is written. Knows no server, no store, no world.

`{"operation": "upload-*", "when": {"nth": 3}, "times": 1, "then": {"reset": 65536}}`, or compact
`reset-after=65536 operation=upload-* nth=3 times=1`, for a header and the command line.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, Literal, Self

from mockkie.actions import WAYS, Action, read_action
from mockkie.conditions import CONDITIONS, Facts, When
from mockkie.values import COUNT, SEED, TEXT, FaultError, Kind, Pointer, unknown

Moment = Literal["head", "body"]
"""When it is decided: when the head of the request is known, or when its body is."""

_PLAIN: Final[Mapping[str, Kind]] = {
    "operation": TEXT,
    "path": TEXT,
    "times": COUNT,
    "seed": SEED,
}
_FIELDS: Final = (*_PLAIN, "when", "then")
_WORD: Final = re.compile(r'([A-Za-z][\w-]*)(?:=(?:"([^"]*)"|([^\s;,"]+)))?[\s;,]*')
_ALIASES: Final = {"resetAfter": "reset", "stallAfter": "stall"}
_ALWAYS: Final = When()
_LONGEST_SHOWN: Final = 200
_SHOT: Final = " (shot "
_SEPARATED: Final = ":"  # between a distribution and its durations


@dataclass(frozen=True, slots=True)
class Fault:
    """One deliberate misbehaviour: which operation, when, how often, and what happens.

    `operation` and `path` are patterns with `*`; `times` None is always. What it draws depends on
    `seed` and on the fault itself.
    """

    then: Action
    operation: str = "*"
    path: str = "*"
    when: When = _ALWAYS
    times: int | None = None
    seed: int = 0

    @classmethod
    def of(cls, value: Any, pointer: Pointer = (), **more: Any) -> Self:
        """The fault of `{"operation": …, "when": {…}, "then": {…}}`, as a mapping or JSON text.

        Its compact form is read too: `"reset-after=65536 nth=3 times=1"`; `more` are further
        words of it (`nth=3`). `FaultError`, a `UsageError`, names the place that is wrong, and
        what would be right.
        """
        if isinstance(value, cls) and not more:
            return value
        if isinstance(value, str):
            value = _parse(value, pointer)
        if isinstance(value, Fault):
            value = value.to_json()
        if not isinstance(value, Mapping):
            raise FaultError(pointer, 'a fault is a mapping, such as {"then": {"status": 500}}')
        given = _with(value, {_camel(name): one for name, one in more.items()}, pointer)
        for name in given:
            if name not in _FIELDS:
                unknown((*pointer, str(name)), name, _FIELDS, "word of a fault")
        if "then" not in given:
            raise FaultError(pointer, f"a fault needs `then`: one of {', '.join(WAYS)}")
        fault = cls(
            then=read_action(given["then"], (*pointer, "then")),
            when=When.of(given.get("when", {}), (*pointer, "when")),
            **{
                name: kind.of((*pointer, name), given[name])
                for name, kind in _PLAIN.items()
                if name in given
            },
        )
        if fault.when.file is not None and fault.then.way.stage == "reading":
            why = f"the name of a file is not known yet when {fault.then.name} has to begin"
            raise FaultError((*pointer, "when", "file"), f"{why}; use `path` or `largerThan`")
        return fault

    @property
    def moment(self) -> Moment:
        """When it is decided."""
        late = self.when.file is not None or self.then.way.stage in ("storing", "spoiling")
        return "body" if late else "head"

    def concerns(self, facts: Facts, added_at: int) -> bool:
        """Whether a request is one of those that it counts."""
        return (
            fnmatchcase(facts.operation, self.operation)
            and fnmatchcase(facts.path, self.path)
            and self.then.way.about in ("all", "downloads" if facts.downloads else "uploads")
            and (self.then.name != "stale" or facts.former)
            and self.when.holds(facts, added_at)
        )

    def to_json(self) -> dict[str, Any]:
        """The fault as `of` reads it, without what is as usual."""
        shown = {
            "operation": None if self.operation == "*" else self.operation,
            "path": None if self.path == "*" else self.path,
            "when": self.when.to_json() or None,
            "times": self.times,
            "seed": self.seed or None,
            "then": self.then.to_json(),
        }
        return {name: value for name, value in shown.items() if value is not None}

    def __str__(self) -> str:
        shown = self.to_json()
        when = [f"{name}={value}" for name, value in shown.pop("when", {}).items()]
        about = [f"{name}={shown[name]}" for name in ("operation", "path") if name in shown]
        often = [f"{name}={shown[name]}" for name in ("times", "seed") if name in shown]
        return " ".join([str(self.then), *about, *when, *often])


@dataclass(frozen=True, slots=True)
class Shot:
    """A fault that fires: its id, its action, and how often it did so far.

    `delay` is the drawn latency in milliseconds, `retry_after` that of a quota in seconds.
    """

    fault: str
    action: Action
    number: int
    delay: int = 0
    retry_after: int = 0

    def __str__(self) -> str:
        drawn = f", {self.delay:,} ms" if self.action.name == "latency" else ""
        action = str(self.action)
        shown = action if len(action) <= _LONGEST_SHOWN else f"{action[:_LONGEST_SHOWN]}…"
        return f"fault {self.fault}: {shown}{drawn}{_SHOT}{self.number})"


def without_number(shot: str) -> str:
    """What a `Shot` wrote, alike for all shots of one fault."""
    return shot.rpartition(_SHOT)[0]


def action_of(shot: str) -> str:
    """The name of the action in what a `Shot` wrote."""
    told = shot.partition(": ")[2]
    return told[: len(told) - len(told.lstrip(string.ascii_letters))]


def _parse(text: str, pointer: Pointer) -> dict[str, Any]:
    """The mapping that a text stands for: JSON, or words such as `status=500; nth=3`."""
    text = text.strip()
    if text.startswith("{"):
        try:
            value: dict[str, Any] = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise FaultError(pointer, f"this is not JSON: {error}") from None
        return value
    words: dict[str, Any] = {}
    at = 0
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None:
            raise FaultError(pointer, f"{text[at:]!r:.60} is no word such as status=500 or nth=3")
        name, quoted, plain = _camel(match[1]), match[2], match[3]
        if name in words:
            raise FaultError(pointer, f"{match[1]!r} stands here twice")
        words[name] = quoted if quoted is not None else True if plain is None else _plain(plain)
        at = match.end()
    return _with({}, words, pointer)


def _with(value: Mapping[str, Any], words: Mapping[str, Any], pointer: Pointer) -> dict[str, Any]:
    """A fault with further words, each where it belongs."""
    fault = dict(value)
    for word, given in words.items():
        name = _ALIASES.get(word, word)
        if name in _FIELDS:
            fault[name] = given
        elif name in CONDITIONS:
            fault["when"] = {**_mapping(fault, "when", pointer), name: given}
        elif name in WAYS:
            fault["then"] = {**_mapping(fault, "then", pointer), name: given}
        else:
            unknown(pointer, word, (*_FIELDS, *CONDITIONS, *WAYS), "word of a fault")
    return fault


def _mapping(fault: Mapping[str, Any], name: str, pointer: Pointer) -> Mapping[str, Any]:
    found = fault.get(name, {})
    if not isinstance(found, Mapping):
        raise FaultError((*pointer, name), f"{found!r:.60} is no mapping")
    return found


def _plain(text: str) -> Any:
    """A number where it is one, a distribution where it is one, else the text."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    name, found, spans = text.partition(_SEPARATED)
    if found and name in ("uniform", "normal"):
        return {name: spans.split(_SEPARATED)}
    return {name: spans} if found and name == "exponential" else text


def _camel(word: str) -> str:
    first, *rest = word.replace("_", "-").split("-")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)
