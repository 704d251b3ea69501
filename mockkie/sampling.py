"""The plainest value that a schema allows, the same one each time. Knows no operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mockkie.document import Document
from mockkie.schemas import merged, parts
from mockkie.source import Pointer

_FORMATS: Final[Mapping[str, str]] = {
    "date-time": "2025-01-01T12:00:00Z",
    "date": "2025-01-01",
    "time": "12:00:00Z",
    "duration": "P3D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


class Sampler:
    """Makes values of schemas: of their examples, else of their types."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def sample(self, pointer: Pointer, above: tuple[Pointer, ...] = ()) -> Any:
        """A value for the schema at a pointer; None where there is none.

        `above` are the schemas around it: what is optional in a circle is left out.
        """
        schema = merged(self._document, pointer)
        for keyword in ("const", "default", "example"):
            if keyword in schema:
                return schema[keyword]
        for keyword in ("examples", "enum"):
            if schema.get(keyword):
                return schema[keyword][0]
        inside = (*above, *parts(self._document, pointer))
        for part in parts(self._document, pointer):
            for keyword in ("oneOf", "anyOf"):
                if self._document.at(part).get(keyword):
                    return self._either(part, keyword, inside)
        return self._plain(pointer, schema, inside)

    def _either(self, part: Pointer, keyword: str, inside: tuple[Pointer, ...]) -> Any:
        """The first alternative, with what the schema says beside the alternatives."""
        value = self.sample((*part, keyword, "0"), inside)
        own = self._object(part, inside) if "properties" in self._document.at(part) else {}
        return {**own, **value} if isinstance(value, dict) else value

    def _plain(self, pointer: Pointer, schema: dict[str, Any], inside: tuple[Pointer, ...]) -> Any:
        kind = schema.get("type")
        kind = kind[0] if isinstance(kind, list) else kind
        if kind == "object" or (kind is None and ("properties" in schema or "required" in schema)):
            return self._object(pointer, inside)
        if kind == "array":
            return self._array(pointer, schema, inside)
        if kind == "string":
            text = _FORMATS.get(schema.get("format", ""), "string")
            return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength")]
        if kind in ("integer", "number"):
            return _number(schema, 1 if kind == "integer" else 0)
        return True if kind == "boolean" else None

    def _object(self, pointer: Pointer, inside: tuple[Pointer, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        required = [
            name
            for part in parts(self._document, pointer)
            for name in self._document.at(part).get("required", ())
        ]
        for part in parts(self._document, pointer):
            for name in self._document.at(part).get("properties", ()):
                inner = (*part, "properties", name)
                again = any(one in inside for one in parts(self._document, inner))
                if name not in found and not again:
                    found[name] = self.sample(inner, inside)
        return {**dict.fromkeys(required), **found}

    def _array(
        self, pointer: Pointer, schema: dict[str, Any], inside: tuple[Pointer, ...]
    ) -> list[Any]:
        owner = next(
            (part for part in parts(self._document, pointer) if "items" in self._document.at(part)),
            None,
        )
        items = None if owner is None else (*owner, "items")
        fewest: int = schema.get("minItems", 0)
        again = items and any(one in inside for one in parts(self._document, items))
        count = fewest if again else min(max(fewest, 1), schema.get("maxItems", fewest + 1))
        return [None if items is None else self.sample(items, inside) for _ in range(count)]


def _number(schema: dict[str, Any], whole: int) -> int | float:
    """The bound that is nearest to zero, on the grid of `multipleOf`; zero without bounds."""
    step = schema.get("multipleOf", whole)
    lowest = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    highest = schema.get("maximum", schema.get("exclusiveMaximum", max(lowest, 0)))
    value: int | float = min(max(lowest, 0), highest)
    if step:
        value = -(-value // step) * step if value > 0 else value // step * step
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        value += step or 1
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        value -= step or 1
    return value
