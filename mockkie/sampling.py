"""Answers of operations that have no handler: from their examples, then from their schemas.

`Prefer: code=404, example=name` picks among them, as users of Prism know it. Knows no worlds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from mockkie.contract import JSON, Contract, Operation
from mockkie.problems import Problem
from mockkie.wire import Answer, Request

_PREFERENCE: Final = re.compile(r'([\w-]+)\s*=\s*(?:"([^"]*)"|([^\s,;"]+))')
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
_DEEPEST: Final = 16


def preferences(request: Request) -> dict[str, str]:
    """What the `Prefer` headers of a request ask for, names in lower case."""
    text = ", ".join(request.headers.getlist("prefer"))
    return {name.lower(): quoted or plain for name, quoted, plain in _PREFERENCE.findall(text)}


def sample_answer(contract: Contract, operation: Operation, request: Request) -> Answer:
    """The example that is asked for, else the first success; raises `invalid-parameter`."""
    prefer = preferences(request)
    key = _response_key(operation, prefer.get("code"))
    pointer = operation.responses[key]
    status = _status(key, prefer.get("code"))
    content = dict(contract.document.items((*pointer, "content")))
    name = next((name for name in content if name.lower() == JSON), next(iter(content), None))
    if name is None:
        return Answer(status, length=0)
    examples = contract.examples(content[name])
    wanted = prefer.get("example")
    if wanted is not None and wanted not in examples:
        known = ", ".join(examples) or "none"
        why = f"the answer {key} of {operation.id} has no example {wanted!r}; it has: {known}"
        raise Problem("invalid-parameter", why, parameter="Prefer")
    if examples:
        value = examples[wanted] if wanted else next(iter(examples.values()))
    else:
        value = Sampler(contract).sample((*content[name], "schema"))
    return Answer(status, {"content-type": name if "*" not in name else JSON}, json=value)


def _response_key(operation: Operation, code: str | None) -> str:
    if code is not None:
        key = operation.response_key(int(code)) if code.isdecimal() else None
        if key is None:
            known = ", ".join(operation.responses)
            why = f"{operation.id} documents no answer {code}; it documents: {known}"
            raise Problem("invalid-parameter", why, parameter="Prefer")
        return key
    for key in operation.responses:
        if key.startswith("2"):
            return key
    if not operation.responses:
        raise Problem("internal-error", f"{operation.id} documents no answer ({operation.place})")
    return next(iter(operation.responses))


def _status(key: str, code: str | None) -> int:
    if code is not None:
        return int(code)
    return int(key.replace("X", "0").replace("x", "0")) if key != "default" else 200


class Sampler:
    """Makes the plainest value that a schema allows, the same one each time."""

    def __init__(self, contract: Contract) -> None:
        self._document = contract.document

    def sample(self, pointer: tuple[str, ...], depth: int = 0) -> Any:
        """A value for the schema at a pointer; None where there is none."""
        try:
            pointer = self._document.resolve(pointer)
            schema = self._document.at(pointer)
        except KeyError:
            return None
        if not isinstance(schema, dict) or depth > _DEEPEST:
            return None
        for keyword in ("const", "default", "example"):
            if keyword in schema:
                return schema[keyword]
        for keyword in ("examples", "enum"):
            if schema.get(keyword):
                return schema[keyword][0]
        return self._composed(pointer, schema, depth)

    def _composed(self, pointer: tuple[str, ...], schema: dict[str, Any], depth: int) -> Any:
        for keyword in ("oneOf", "anyOf"):
            if schema.get(keyword):
                return self.sample((*pointer, keyword, "0"), depth + 1)
        if schema.get("allOf"):
            parts = range(len(schema["allOf"]))
            values = [self.sample((*pointer, "allOf", str(index)), depth + 1) for index in parts]
            if all(isinstance(value, dict) for value in values):
                own = self._object(pointer, schema, depth) if "properties" in schema else {}
                return {**{key: item for value in values for key, item in value.items()}, **own}
            return values[0]
        return self._plain(pointer, schema, depth)

    def _plain(self, pointer: tuple[str, ...], schema: dict[str, Any], depth: int) -> Any:
        kind = schema.get("type")
        kind = kind[0] if isinstance(kind, list) else kind
        if kind == "object" or (kind is None and "properties" in schema):
            return self._object(pointer, schema, depth)
        if kind == "array":
            count = max(schema.get("minItems", 0), 1)
            return [self.sample((*pointer, "items"), depth + 1) for _ in range(count)]
        if kind == "string":
            text = _FORMATS.get(schema.get("format", ""), "string")
            longest: int = schema.get("maxLength", len(text))
            return text.ljust(schema.get("minLength", 0), "x")[: max(longest, 0)]
        if kind in ("integer", "number"):
            return _number(schema)
        return kind == "boolean" or None

    def _object(self, pointer: tuple[str, ...], schema: dict[str, Any], depth: int) -> Any:
        names = schema.get("properties", {})
        inner = depth + 1
        return {name: self.sample((*pointer, "properties", name), inner) for name in names}


def _number(schema: dict[str, Any]) -> int | float:
    step = schema.get("multipleOf", 1)
    lowest = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    value: int | float = -(-max(lowest, 0) // step) * step
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        value += step
    highest = schema.get("maximum", value)
    return min(value, highest)
