"""The schemas of a document, compiled. Knows nothing of requests, operations or settings.

Every schema is held against JSON Schema itself when the `Schemas` are made, those that nothing
uses included.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

import jsonschema_rs

from mockkie.document import Document
from mockkie.patterns import TOO_MANY_TRIES, Options, Validator, ending
from mockkie.secrecy import redact_urls
from mockkie.source import Pointer, format_pointer, parse_pointer

_BASE: Final = "mockkie:contract"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_LISTS: Final = ("allOf", "anyOf", "oneOf")
_SINGLE: Final = ("not", "if", "then", "else")
_TYPES: Final = "string, integer, number, boolean, array, object, null"
_LONGEST_SHOWN: Final = 160
_LONGEST_TEXT: Final = 40
_SENTENCE_END: Final = re.compile(r"\.\s")


@dataclass(frozen=True, slots=True)
class SchemaError:
    """One thing wrong: the keyword and its place, the path to the member, a sentence."""

    keyword: str
    path: tuple[str, ...]
    message: str
    place: str
    instance: Any

    @property
    def empty(self) -> bool:
        """Whether a member of the body itself is absent, or has nothing in it."""
        return len(self.path) == 1 and (
            self.keyword == "required"
            or (self.keyword == "minLength" and self.instance == "")
            or (self.keyword == "type" and self.instance is None)
        )

    def __str__(self) -> str:
        """The sentence with its place."""
        where = "/".join(self.path)
        return (
            f"{where + ': ' if where else ''}{self.message} (the contract says so at {self.place})"
        )


class Schema:
    """One schema of the document, compiled."""

    def __init__(self, document: Document, pointer: Pointer, validator: Validator) -> None:
        self._document = document
        self._validator = validator
        self.pointer = pointer

    @property
    def value(self) -> Any:
        """The schema itself."""
        return self._document.at(self.pointer)

    def is_valid(self, instance: Any) -> bool:
        """Whether `instance` is as the schema says."""
        return self._validator.is_valid(instance)

    def errors(self, instance: Any) -> list[SchemaError]:
        """What is wrong with `instance`, one error a keyword."""
        return [self._error(error) for error in self._validator.iter_errors(instance)]

    def _error(self, error: jsonschema_rs.ValidationError) -> SchemaError:
        kind = error.kind.as_dict()
        pointer = parse_pointer(error.absolute_keyword_location or format_pointer(self.pointer))
        if error.message.startswith(TOO_MANY_TRIES):  # which has no location
            pointer = tuple(str(step) for step in error.schema_path)
        path = tuple(str(step) for step in error.instance_path)
        if error.kind.name == "required":
            path = (*path, kind["property"])
        elif error.kind.name == "additionalProperties":
            path = (*path, *kind["unexpected"][:1])
        message = redact_urls(self._misfit(error, pointer) or error.message)
        if len(message) > _LONGEST_SHOWN:
            message = message[:_LONGEST_SHOWN] + "…"
        place = self._document.place(pointer)
        return SchemaError(error.kind.name, path, message, place, error.instance)

    def _misfit(self, error: jsonschema_rs.ValidationError, pointer: Pointer) -> str:
        """What a text has to be that a pattern refuses, if the document has words for it."""
        if error.message.startswith(TOO_MANY_TRIES):
            return (
                "a pattern needs too many tries for a text of this length (one without lookarounds "
                "and back references never does)"
            )
        if error.kind.name != "pattern":
            return ""
        words = str(self._document.at(pointer[:-1]).get("description", ""))
        sentence = _SENTENCE_END.split(words, maxsplit=1)[0].strip().removesuffix(".")
        if not sentence:
            return ""
        text = str(error.instance)
        shown = json.dumps(
            text[:_LONGEST_TEXT] + "…" * (len(text) > _LONGEST_TEXT), ensure_ascii=False
        )
        return f"{shown} does not match: {sentence[0].lower()}{sentence[1:]}"


class Schemas:
    """All schemas of a document; `root` is what their references look into."""

    def __init__(self, document: Document, root: dict[str, Any]) -> None:
        """Check every schema; `DocumentError` tells what is wrong and where."""
        self.document = document
        self._registry = jsonschema_rs.Registry([(_BASE, root)])
        self._compiled: dict[Pointer, Schema] = {}
        self._check_cycles()
        for pointer in self._outermost():
            self._check(pointer)

    def at(self, pointer: Pointer) -> Schema:
        """The schema at a pointer, references followed."""
        pointer = self.document.resolve(pointer) if self._is_alias(pointer) else pointer
        if pointer not in self._compiled:
            self._compiled[pointer] = Schema(self.document, pointer, self._compile(pointer))
        return self._compiled[pointer]

    def _is_alias(self, pointer: Pointer) -> bool:
        """Whether nothing but comments stands beside the reference of a schema."""
        value = self.document.at(pointer)
        return isinstance(value, dict) and set(value) <= {"$ref", "description", "summary"}

    def _compile(self, pointer: Pointer) -> Validator:
        def make(options: Options) -> jsonschema_rs.Validator:
            return jsonschema_rs.validator_for(
                {"$schema": DIALECT, "$ref": _BASE + format_pointer(pointer)},
                registry=self._registry,
                validate_formats=True,
                pattern_options=options,
            )

        try:
            return ending(make)
        except jsonschema_rs.ValidationError as error:
            self.document.fail(pointer, f"this schema cannot be used: {error.message}")
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            self.document.fail(pointer, f"this schema cannot be used: {error}")

    def _outermost(self) -> Iterator[Pointer]:
        """The schemas that stand in no other schema."""
        around: Pointer | None = None
        for pointer, kind in self.document.kinds.items():
            inside = around is not None and pointer[: len(around)] == around
            if kind == "schema" and not inside:
                around = pointer
                yield pointer

    def _check(self, pointer: Pointer) -> None:
        for error in _metaschema().iter_errors(self.document.at(pointer)):
            where = (*pointer, *(str(step) for step in error.instance_path))
            if where[-1] == "type":
                self.document.fail(where, f"this is no type, or list of types: {_TYPES}")
            self.document.fail(where, f"this is no schema: {error.message}")
        self._compile(pointer)

    def _check_cycles(self) -> None:
        """A schema that applies itself to the very same value would never come to an end."""
        graph = {
            pointer: tuple(self._applied(pointer))
            for pointer, kind in self.document.kinds.items()
            if kind == "schema"
        }
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            around = error.args[1]
            names = " → ".join(sorted({format_pointer(pointer) for pointer in around}))
            self.document.fail(min(around), f"this schema refers to itself in a circle: {names}")

    def _applied(self, pointer: Pointer) -> Iterator[Pointer]:
        """The schemas that are held against the same value as the one at a pointer."""
        value = self.document.at(pointer)
        if not isinstance(value, dict):
            return
        if "$ref" in value:
            yield self.document.target(pointer)
        for keyword in _LISTS:
            for index in range(len(value.get(keyword, ()))):
                yield (*pointer, keyword, str(index))
        for keyword in _SINGLE:
            if keyword in value:
                yield (*pointer, keyword)
        for name in value.get("dependentSchemas", ()):
            yield (*pointer, "dependentSchemas", name)


def parts(document: Document, pointer: Pointer) -> Iterator[Pointer]:
    """A schema and the ones that hold with it: behind its `$ref`, in its `allOf`."""
    try:
        value = document.at(pointer)
    except KeyError:
        return
    if isinstance(value, dict):
        yield pointer
        if "$ref" in value:
            yield from parts(document, document.target(pointer))
        for index in range(len(value.get("allOf", ()))):
            yield from parts(document, (*pointer, "allOf", str(index)))


def members(document: Document, pointer: Pointer) -> Iterator[tuple[Pointer, str, Pointer]]:
    """`(part, name, pointer)` of every property that a schema describes in one of its parts."""
    for part in parts(document, pointer):
        for name in document.at(part).get("properties", ()):
            yield part, name, (*part, "properties", name)


def merged(document: Document, pointer: Pointer) -> dict[str, Any]:
    """The keywords of all parts of a schema, those of the outer ones before the inner ones."""
    found: dict[str, Any] = {}
    for part in parts(document, pointer):
        found = {**document.at(part), **found}
    return {key: value for key, value in found.items() if key not in ("$ref", "allOf")}


@cache
def _metaschema() -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for({"$schema": DIALECT, "$ref": DIALECT}, validate_formats=True)
