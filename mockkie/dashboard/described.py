"""A document as a person reads it: operations, schemas, answers, each with its line.

Knows no pages, and nothing of what the mock makes of the document.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any, Final

from mockkie.contract import Contract
from mockkie.dashboard.diagnosis import documents, short_place
from mockkie.document import Document
from mockkie.media import content
from mockkie.operation import Operation
from mockkie.refusals import examples
from mockkie.source import Pointer

_DEEPEST: Final = 6
_LONGEST_PATTERN: Final = 60
_INSIDE: Final = ("allOf", "oneOf", "anyOf")
_LIMITS: Final = (
    "format minLength maxLength minimum maximum exclusiveMinimum exclusiveMaximum minItems "
    "maxItems const default contentEncoding"
).split()


@dataclass(frozen=True, slots=True)
class Row:
    """One value that a schema or a list of parameters describes."""

    name: str
    depth: int
    kind: str
    limits: str
    required: bool
    text: str
    place: str


@dataclass(frozen=True, slots=True)
class Content:
    """A body: its media type, what its schema says, and its examples in JSON by name."""

    media_type: str
    rows: Sequence[Row]
    examples: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answered:
    """A documented answer."""

    status: str
    text: str
    place: str
    headers: Sequence[Row]
    contents: Sequence[Content]


@dataclass(frozen=True, slots=True)
class Described:
    """An operation."""

    id: str
    method: str
    path: str
    summary: str
    text: str
    key: str
    place: str
    parameters: Sequence[Row]
    bodies: Sequence[Content]
    answers: Sequence[Answered]


@dataclass(frozen=True, slots=True)
class Page:
    """A document, and the lines of its file; of a file that cannot be read any more, none."""

    name: str
    title: str
    version: str
    text: str
    operations: Sequence[Described]
    lines: Sequence[str]


@lru_cache(maxsize=4)
def described(contract: Contract) -> Sequence[Page]:
    """The documents of a contract."""
    found = []
    for document in documents(contract):
        info = document.root.get("info", {})
        own = [
            known
            for known in contract.operations.values()
            if contract.owner(known).document is document
        ]
        found.append(
            Page(
                PurePath(document.name).name,
                str(info.get("title", document.name)),
                str(info.get("version", "")),
                str(info.get("description", "")),
                [_operation(document, one) for one in own],
                _lines(document.name),
            )
        )
    return found


def _lines(name: str) -> Sequence[str]:
    try:
        return Path(name).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _operation(document: Document, operation: Operation) -> Described:
    value = operation.value
    schemes = [scheme for alternative in operation.security for scheme in alternative]
    return Described(
        operation.id,
        operation.method,
        operation.path,
        str(value.get("summary", "")),
        str(value.get("description", "")),
        ", ".join(f"{scheme.kind} in {scheme.name}" for scheme in schemes) or "no key",
        short_place(operation.place),
        [
            _row(document, at, document.at(at).get("name", ""), where="in")
            for owner in (operation.pointer[:2], operation.pointer)
            for _, at in document.items((*owner, "parameters"))
        ],
        _contents(document, (*operation.pointer, "requestBody")),
        [_answer(document, status, at) for status, at in operation.responses.items()],
    )


def _answer(document: Document, status: str, pointer: Pointer) -> Answered:
    headers = [_row(document, at, name) for name, at in document.items((*pointer, "headers"))]
    return Answered(
        status,
        str(document.at(pointer).get("description", "")),
        short_place(document.place(pointer)),
        headers,
        _contents(document, pointer),
    )


def _contents(document: Document, pointer: Pointer) -> list[Content]:
    try:
        pointer = document.resolve(pointer)
    except KeyError:
        return []
    return [
        Content(
            name,
            list(_rows(document, (*media, "schema"))) if "schema" in document.at(media) else [],
            {
                one: json.dumps(value, indent=2, ensure_ascii=False)
                for one, value in examples(document, media).items()
            },
        )
        for name, media in content(document, pointer).items()
    ]


def _row(document: Document, pointer: Pointer, name: str, where: str = "") -> Row:
    """A parameter or a header: what its schema says, under its own name."""
    value = document.at(pointer)
    schema = (*pointer, "schema")
    inner = document.at(document.resolve(schema)) if "schema" in value else {}
    place = f"{value[where]}: " if where in value else ""
    return Row(
        name,
        0,
        place + _kind(inner),
        _limits(inner),
        bool(value.get("required")),
        str(value.get("description", "")),
        short_place(document.place(pointer)),
    )


def _rows(
    document: Document, pointer: Pointer, name: str = "", depth: int = 0, *, required: bool = False
) -> Iterator[Row]:
    pointer = document.resolve(pointer)
    value = document.at(pointer)
    if isinstance(value, bool):
        value = {"description": "anything" if value else "nothing"}
    yield Row(
        name,
        depth,
        _kind(value),
        _limits(value),
        required,
        str(value.get("description", "")),
        short_place(document.place(pointer)),
    )
    if depth >= _DEEPEST:
        return
    needed = value.get("required", ())
    for inner in value.get("properties", {}):
        yield from _rows(
            document, (*pointer, "properties", inner), inner, depth + 1, required=inner in needed
        )
    if isinstance(value.get("items"), dict):
        yield from _rows(document, (*pointer, "items"), "each", depth + 1)
    for word in _INSIDE:
        for index in range(len(value.get(word, ()))):
            yield from _rows(document, (*pointer, word, str(index)), word, depth + 1)


def _kind(value: Any) -> str:
    if not isinstance(value, dict):
        return "anything"
    kind = value.get("type")
    if "enum" in value:
        return "one of " + ", ".join(json.dumps(one) for one in value["enum"])
    if isinstance(kind, list):
        return " or ".join(kind)
    return str(kind or next((word for word in _INSIDE if word in value), "anything"))


def _limits(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    found = [f"{name} {json.dumps(value[name])}" for name in _LIMITS if name in value]
    pattern = value.get("pattern", "")
    if pattern:
        cut = len(pattern) > _LONGEST_PATTERN
        found.append(f"pattern {pattern[:_LONGEST_PATTERN]}{'…' if cut else ''}")
    return ", ".join(found)
