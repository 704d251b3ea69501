"""OpenAPI Overlays (1.0 and 1.1): changes to a document, each with its own place.

Knows nothing of OpenAPI: what a change makes of the document is judged with the document.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Final, NoReturn, Self

import jsonschema_rs

from mockkie.source import Pointer, Source, read_text

_LONGEST_PATH: Final = 1_000
_MOST_ACTIONS: Final = 1_000
_MOST_NODES: Final = 10_000
_TEXT: Final = {"type": "string"}
_VALIDATOR: Final = jsonschema_rs.validator_for(
    {
        "type": "object",
        "required": ["overlay", "info", "actions"],
        "properties": {
            "overlay": {"pattern": r"^1\.[01]\.\d+$", **_TEXT},
            "info": {
                "type": "object",
                "required": ["title", "version"],
                "properties": {"title": _TEXT, "version": _TEXT, "description": _TEXT},
                "patternProperties": {"^x-": True},
                "additionalProperties": False,
            },
            "extends": _TEXT,
            "actions": {
                "type": "array",
                "minItems": 1,
                "maxItems": _MOST_ACTIONS,
                "uniqueItems": True,
                "items": {
                    "type": "object",
                    "required": ["target"],
                    "properties": {
                        "target": {"pattern": r"^\$", "maxLength": _LONGEST_PATH, **_TEXT},
                        "description": _TEXT,
                        "update": True,
                        "copy": {"pattern": r"^\$", "maxLength": _LONGEST_PATH, **_TEXT},
                        "remove": {"type": "boolean"},
                    },
                    "patternProperties": {"^x-": True},
                    "additionalProperties": False,
                },
            },
        },
        "patternProperties": {"^x-": True},
        "additionalProperties": False,
    }
)
_VERSIONS: Final = "this is no version of overlays that is understood: `overlay: 1.0.0`, or 1.1.0"


class Overlay(Source):
    """An overlay as it is written: nothing is known yet of the document."""

    kind: ClassVar[str] = "an overlay"

    def __init__(self, text: str, name: str) -> None:
        """Read and check `text`; `DocumentError` tells what is wrong and where."""
        super().__init__(text, name)
        for error in _VALIDATOR.iter_errors(self.root):
            strange = error.kind.as_dict().get("unexpected", [])
            pointer = tuple(str(step) for step in (*error.instance_path, *strange[:1]))
            known = pointer == ("overlay",)
            self.fail(pointer, _VERSIONS if known else f"not as in an overlay: {error.message}")

    @classmethod
    def read(cls, path: Path) -> Self:
        """The overlay of a file; `DocumentError` also for a file that cannot be read."""
        return cls(read_text(path, "an overlay"), str(path))

    def apply(self, document: Source) -> None:
        """Carry out the actions, in order, each on what the one before it left.

        The standard lets an action pass that selects nothing. Here it is an error, as any word is
        that does nothing: it is most likely misspelt.
        """
        for index, action in enumerate(self.root["actions"]):
            _Action(self, document, ("actions", str(index)), action).apply()


class _Action:
    """One action, and the document that it changes."""

    def __init__(
        self, overlay: Overlay, document: Source, pointer: Pointer, value: dict[str, Any]
    ) -> None:
        self._overlay, self._document = overlay, document
        self._pointer, self._value = pointer, value
        if "copy" in value and overlay.root["overlay"].startswith("1.0."):
            overlay.fail((*pointer, "copy"), "`copy` came with version 1.1: write `overlay: 1.1.0`")
        if not value.get("remove") and ("update" in value) == ("copy" in value):
            overlay.fail(pointer, "an action has one of `update`, `remove: true` and `copy`")

    def apply(self) -> None:
        """Change the document."""
        nodes = self._select("target")
        if self._value.get("remove"):
            self._remove(nodes)
        elif "copy" in self._value:
            self._copy(nodes)
        else:
            for node in nodes:
                self._merge(node, self._overlay, (*self._pointer, "update"))

    def _copy(self, nodes: Sequence[Pointer]) -> None:
        sources = self._select("copy")
        if len(sources) > 1:
            self._fail("copy", f"one node can be copied, this selects {len(sources)}")
        taken = Source("{}", self._document.name)
        taken.adopt(("copied",), self._document, sources[0])  # as it is before the changes
        for node in nodes:
            self._merge(node, taken, ("copied",))

    def _remove(self, nodes: Sequence[Pointer]) -> None:
        if () in nodes:
            self._fail("target", "the document itself cannot be removed")
        for node in nodes:
            self._document.remove(node)

    def _select(self, name: str) -> Sequence[Pointer]:
        """What a JSONPath selects, last things first: they are removed before what moves them."""
        from jsonpath import JSONPathEnvironment, JSONPathError  # noqa: PLC0415 - overlays only

        text = self._value[name]
        try:
            found = JSONPathEnvironment(strict=True).finditer(text, self._document.root)
            parts = {match.parts for match in islice(found, _MOST_NODES + 1)}
        except (JSONPathError, RecursionError) as error:
            why = error.args[0] if error.args else "it cannot be read"
            self._fail(name, f"this is no JSONPath of RFC 9535: {why}")
        if not parts:
            self._fail(name, f"{text} selects nothing in {self._document.name}")
        if len(parts) > _MOST_NODES:
            self._fail(name, f"{text} selects more than {_MOST_NODES:,} nodes")
        ordered = sorted(parts, key=_order, reverse=True)
        return [tuple(str(step) for step in steps) for steps in ordered]

    def _merge(self, node: Pointer, source: Source, there: Pointer) -> None:
        """Merge a value of a source into the one at `node`, as version 1.1 says it in full."""
        old, new = self._document.at(node), source.at(there)
        if isinstance(old, dict) and isinstance(new, dict):
            for key in new:
                inner = (*node, key)
                if key in old:
                    self._merge(inner, source, (*there, key))
                else:
                    self._adopt(inner, source, (*there, key))
        elif isinstance(old, list):
            several = isinstance(new, list)
            for index in range(len(new)) if several else (None,):
                item = there if index is None else (*there, str(index))
                self._adopt((*node, str(len(old))), source, item)
        elif isinstance(old, dict) or isinstance(new, dict | list):
            self._wrong(source, there, f"{_word(new)} cannot be merged into {_word(old)}")
        else:
            self._adopt(node, source, there)

    def _adopt(self, node: Pointer, source: Source, there: Pointer) -> None:
        try:
            self._document.adopt(node, source, there)
        except ValueError as error:
            self._wrong(source, there, str(error))

    def _wrong(self, source: Source, there: Pointer, text: str) -> NoReturn:
        """Blame the value that is merged in; of a copy, the action."""
        if source is self._overlay:
            source.fail(there, text)
        self._fail("copy", text)

    def _fail(self, name: str, text: str) -> NoReturn:
        self._overlay.fail((*self._pointer, name), text)


def _order(steps: Sequence[str | int]) -> list[tuple[bool, Any]]:
    return [(isinstance(step, str), step) for step in steps]


def _word(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else f"the plain value {value!r:.60}"
