"""What was learnt of a target, setting by setting, beside what the document says. Sends nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

_ROOT: Final = "x-mockkie"
_JSON: Final = "application/json"
_LONGEST: Final = 300
_MOST_BYTES: Final = 10_000
DEFAULTS: Final[Mapping[str, Any]] = {
    "retention": "P3D",
    "links.origin": "request",
    "links.style": "documented",
    "expiredLink.status": 404,
    "unknownLink.status": 404,
    "errorTransport": "status",
    "edgeSlashes": "refuse",
    "urlName": "url",
    "cacheControl": None,
    "extraData": {},
    "cors.uploads": None,
}
"""What holds where the document says nothing (docs/contract.md)."""


class Outcome(StrEnum):
    """What became of a setting."""

    SAME = "same"
    DIFFERS = "differs"
    LEFT_OUT = "left out"
    BEYOND = "cannot be expressed"
    UNSEEN = "not seen"


@dataclass(frozen=True, slots=True)
class Action:
    """A change of the document: what is merged into `target`, or that it is taken out."""

    target: str
    update: Any = None
    remove: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """One setting: what the document says, what the target showed, and how that was seen."""

    setting: str
    outcome: Outcome
    documented: str
    target: str
    how: str
    actions: Sequence[Action] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """An example of an answer in the document, and the JSONPath of its body."""

    path: str
    body: Mapping[str, Any]
    parameter: str | None


class Settings:
    """The settings of a document, and the changes that would make them another's."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def __getitem__(self, setting: str) -> Any:
        value: Any = self._document.get(_ROOT, {})
        for step in setting.split("."):
            if not isinstance(value, Mapping) or step not in value:
                return DEFAULTS[setting]
            value = value[step]
        return value

    def fact(self, setting: str, seen: Any, how: str) -> Fact:
        """A setting that was seen as a value."""
        documented = self[setting]
        if seen == documented and type(seen) is type(documented):
            return Fact(setting, Outcome.SAME, shown(documented), shown(seen), how)
        if not _is_plain(seen) or (isinstance(seen, str) and not _is_header(seen)):
            return beyond(setting, shown(documented), ascii(seen)[:_LONGEST], how)
        actions = [Action(*self._place(setting, seen))]
        if isinstance(documented, Mapping) and documented:  # else its members would stay
            actions.insert(0, Action(f"$['{_ROOT}'].{setting}", remove=True))
        return Fact(setting, Outcome.DIFFERS, shown(documented), shown(seen), how, actions)

    def _place(self, setting: str, value: Any) -> tuple[str, Any]:
        for step in reversed(setting.split(".")):
            value = {step: value}
        return (f"$['{_ROOT}']", value) if _ROOT in self._document else ("$", {_ROOT: value})

    def example(self, name: str) -> Example | None:
        """The example of that name among the answers of the document."""
        responses = self._document.get("components", {}).get("responses", {})
        for response, described in responses.items():
            examples = described.get("content", {}).get(_JSON, {}).get("examples", {})
            found = examples.get(name)
            if isinstance(found, Mapping) and isinstance(found.get("value"), Mapping):
                media = f"$.components.responses.{quoted(response)}.content['{_JSON}']"
                parameter = found.get(_ROOT, {}).get("parameter")
                path = f"{media}.examples{quoted(name)}.value".replace(".[", "[")
                return Example(path, found["value"], parameter)
        return None

    def members(self, name: str, seen: Mapping[str, Any], how: str) -> Fact:
        """Members of the example of a name, as the target answers them."""
        setting = f"texts.{name}" if set(seen) == {"msg"} else f"members.{name}"
        example = self.example(name)
        told = shown(seen.get("msg", seen))
        if example is None:
            why = f"{how}; the document has no example of that name"
            return Fact(setting, Outcome.BEYOND, "", told, why)
        known = {key: example.body.get(key) for key in seen}
        documented = shown(known.get("msg", known))
        if known == seen:
            return Fact(setting, Outcome.SAME, documented, told, how)
        if not _is_plain(seen):
            return beyond(setting, documented, ascii(told), how)
        actions = [Action(example.path, dict(seen))]
        return Fact(setting, Outcome.DIFFERS, documented, told, how, actions)

    def at(self, *steps: str) -> Any:
        """What stands at a place of the document; None where there is nothing."""
        value: Any = self._document
        for step in steps:
            value = value.get(step) if isinstance(value, Mapping) else None
        return value


def _is_plain(value: Any) -> bool:
    """Whether a document can say a value: JSON, in Unicode, of a moderate length."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return len(text) <= _MOST_BYTES


def _is_header(text: str) -> bool:
    return text.isascii() and text.isprintable()


def beyond(setting: str, documented: str, seen: str, how: str) -> Fact:
    """A fact that no setting of the mock expresses."""
    return Fact(setting, Outcome.BEYOND, documented, seen, how)


def same(setting: str, documented: str, how: str) -> Fact:
    """A fact that is as the document, or the mock, has it."""
    return Fact(setting, Outcome.SAME, documented, documented, how)


def unseen(setting: str, why: str) -> Fact:
    """A setting of which nothing can be said."""
    return Fact(setting, Outcome.UNSEEN, "", "", why)


def shown(value: Any) -> str:
    """A value as a person reads it."""
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def quoted(name: str) -> str:
    """The step of a JSONPath that leads to a member of that name."""
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"
