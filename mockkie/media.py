"""Bodies of requests as the document describes them, and which of their members is a file.

Knows nothing of requests.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mockkie.document import Document
from mockkie.schemas import Schema, Schemas, members, merged, parts
from mockkie.source import Pointer
from mockkie.texts import TextTypes

JSON: Final = "application/json"
FORM: Final = "multipart/form-data"
METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_STREAMED_KEYWORDS: Final = frozenset(
    "type format contentEncoding contentMediaType description title examples example "
    "deprecated minLength maxLength".split()
)


@dataclass(frozen=True, slots=True)
class Streamed:
    """The property of a request body that is a file: never held as a whole.

    Lengths count bytes for a form's file, characters for base64 text; None: no limit.
    """

    name: str
    pointer: Pointer
    shortest: int = 0
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class MediaType:
    """A body of one media type: its schema, its properties and, if it has one, its file."""

    name: str
    pointer: Pointer
    schema: Schema | None
    streamed: Streamed | None
    properties: Mapping[str, TextTypes]
    required: frozenset[str]


def essence(media: str) -> str:
    """A media type without its parameters: `application/json`."""
    return media.partition(";")[0].strip().lower()


def is_json(media: str) -> bool:
    """Whether bodies of a media type are JSON."""
    return media == JSON or media.endswith("+json")


def content(document: Document, owner: Pointer) -> dict[str, Pointer]:
    """The media types that a body or an answer may have, by their plain names."""
    found: dict[str, Pointer] = {}
    try:
        below = document.descend(owner, "content")
    except KeyError:
        return found
    for name, pointer in document.items(below):
        if essence(name) in found:
            document.fail(pointer, f"{essence(name)} stands here twice")
        found[essence(name)] = pointer
    return found


def request_bodies(schemas: Schemas, body: Pointer) -> dict[str, MediaType]:
    """The bodies that an operation takes, by media type."""
    return {
        name: _media_type(schemas, name, pointer)
        for name, pointer in content(schemas.document, body).items()
    }


def opened(document: Document) -> dict[str, Any]:
    """The values of the document for the validators, with the streamed properties left open.

    Their content is never held as a whole: what stands in its place while a body is judged
    has another type.
    """
    root = copy.deepcopy(document.root)
    for _, item in document.items(("paths",)):
        for method in METHODS:
            for name, pointer in content(document, (*item, method, "requestBody")).items():
                for owner, key, inner in members(document, (*pointer, "schema")):
                    if _is_streamed(name, merged(document, inner)):
                        value: Any = root
                        for step in owner:
                            value = value[int(step)] if isinstance(value, list) else value[step]
                        value["properties"][key] = True
    return root


def _media_type(schemas: Schemas, name: str, pointer: Pointer) -> MediaType:
    document, where = schemas.document, (*pointer, "schema")
    if "schema" not in document.at(pointer):
        return MediaType(name, pointer, None, None, {}, frozenset())
    if name != FORM and not is_json(name) and not _is_opaque(document, where):
        document.fail(
            where, f"mockkie judges {JSON} and {FORM} bodies; leave out the schema of {name}"
        )
    return MediaType(
        name,
        pointer,
        schemas.at(where),
        _streamed(document, name, where),
        {key: TextTypes.of(document, inner) for _, key, inner in members(document, where)},
        frozenset(
            key for part in parts(document, where) for key in document.at(part).get("required", ())
        ),
    )


def _streamed(document: Document, media: str, schema: Pointer) -> Streamed | None:
    found: Streamed | None = None
    for _, name, pointer in members(document, schema):
        value = merged(document, pointer)
        if media == FORM and _is_streamed(media, value.get("items")):
            document.fail(pointer, f"{name!r} is a list of files; one file a form is understood")
        if not _is_streamed(media, value):
            continue
        if found is not None and media == FORM:
            document.fail(pointer, f"{name!r} is a second file; one file a form is understood")
        for keyword in value:
            if keyword not in _STREAMED_KEYWORDS and not keyword.startswith("x-"):
                document.fail(
                    (*pointer, keyword),
                    f"keyword {keyword!r} is not supported on {name!r}: its content is streamed",
                )
        if found is None:
            found = Streamed(name, pointer, value.get("minLength", 0), value.get("maxLength"))
    return found


def _is_streamed(media: str, schema: Any) -> bool:
    if not isinstance(schema, dict):
        return False
    if media == FORM:
        binary = schema.get("format") == "binary" or "contentMediaType" in schema
        return binary and "contentEncoding" not in schema
    return media == JSON and schema.get("contentEncoding") == "base64"


def _is_opaque(document: Document, schema: Pointer) -> bool:
    """Whether a schema says no more than that there are bytes."""
    value = document.at(document.resolve(schema))
    said = {"type", "format", "description", "title", "example", "examples"}
    return value is True or (
        isinstance(value, dict) and set(value) <= said and value.get("type", "string") == "string"
    )
