"""Values that arrive as text, in forms and parameters, and the types that a schema gives them.

Knows nothing of requests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import orjson

from mockkie.document import Document
from mockkie.source import Pointer

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NAMES: Final[dict[type, str]] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "array",
    dict: "object",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class TextTypes:
    """The JSON types that a text may stand for; none: it is a text. `items`: those of a list's."""

    own: frozenset[str] = frozenset()
    items: frozenset[str] = frozenset()

    @classmethod
    def of(cls, document: Document, pointer: Pointer | None) -> TextTypes:
        """The types that the schema at a pointer allows."""
        if pointer is None:
            return cls()
        own = _types(document, pointer)
        try:
            items = _types(document, document.descend(pointer, "items"))
        except KeyError:
            items = frozenset()
        return cls(own, items)

    @property
    def is_list(self) -> bool:
        """Whether several values of the name make a list."""
        return "array" in self.own and "string" not in self.own

    def read(self, text: str) -> Any:
        """The value of one text; the text itself where it stands for nothing else."""
        if not self.own or "string" in self.own:
            return text
        return read_text(text, self.items if self.is_list else self.own)


def read_text(text: str, types: frozenset[str]) -> Any:
    """What a text stands for when it has to be of one of `types`."""
    if not types or "string" in types:
        return text
    if types & {"integer", "number"} and (match := _NUMBER.fullmatch(text)):
        try:
            return float(text) if match[1] or match[2] else int(text)
        except ValueError:  # thousands of digits
            return text
    try:
        value = orjson.loads(text)
        orjson.dumps(value)  # what is nested too deep for it is too deep for the schemas
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return text
    return value


def _types(document: Document, pointer: Pointer) -> frozenset[str]:
    schema = document.at(pointer)
    if not isinstance(schema, dict):
        return frozenset()
    if "type" in schema:
        kind = schema["type"]
        return frozenset([kind] if isinstance(kind, str) else kind)
    if "enum" in schema or "const" in schema:
        return frozenset(_NAMES[type(value)] for value in schema.get("enum", [schema.get("const")]))
    for keyword in ("anyOf", "oneOf"):
        found = [_types(document, branch) for branch in _branches(pointer, keyword, schema)]
        if found and all(found):
            return frozenset().union(*found)
    beside = [document.target(pointer)] if "$ref" in schema else []
    for branch in (*beside, *_branches(pointer, "allOf", schema)):
        types = _types(document, branch)
        if types:
            return types
    return frozenset()


def _branches(pointer: Pointer, keyword: str, schema: dict[str, Any]) -> list[Pointer]:
    return [(*pointer, keyword, str(index)) for index in range(len(schema.get(keyword, ())))]
