"""One method on one path, with everything that the document says of it. Knows no requests."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from mockkie.media import JSON, content, essence, request_bodies
from mockkie.refusals import examples, refusals
from mockkie.sampling import Sampler
from mockkie.schemas import Schema, Schemas, members, parts
from mockkie.security import Scheme, requirements
from mockkie.source import Pointer
from mockkie.texts import TextTypes

_STATUS: Final = re.compile(r"[1-5](?:\d\d|XX)|default", re.ASCII)
_PLACEHOLDER: Final = re.compile(r"\{([^{}]+)\}")
_WHERE: Final = ("path", "query", "header", "cookie")
_NOT_PARAMETERS: Final = ("accept", "content-type", "authorization")
"""Headers that OpenAPI leaves to media types and security: as parameters they mean nothing."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an operation."""

    name: str
    where: str
    required: bool
    schema: Schema | None
    types: TextTypes
    spans_slashes: bool


class Operation:
    """One method on one path."""

    def __init__(self, schemas: Schemas, schemes: Mapping[str, Scheme], pointer: Pointer) -> None:
        self._document = document = schemas.document
        self.pointer = pointer
        self.path, self.method = pointer[1], pointer[2].upper()
        self.value = document.at(pointer)
        self.id: str = self.value.get("operationId") or f"{pointer[2]} {self.path}"
        self.security = requirements(document, schemes, pointer)
        self.parameters = list(_parameters(schemas, pointer))
        self.media_types = request_bodies(schemas, (*pointer, "requestBody"))
        self.body_required = bool(self._body.get("required"))
        self.responses = dict(document.items((*pointer, "responses")))
        self.contents = {
            status: content(document, response) for status, response in self.responses.items()
        }
        self.schemas = {
            (status, name): schemas.at((*media, "schema"))
            for status, found in self.contents.items()
            for name, media in found.items()
            if "schema" in document.at(media)
        }
        self.refusals = refusals(document, self.responses)
        self.headers = {
            status: [
                name.lower()
                for name, header in document.items((*response, "headers"))
                if document.at(header).get("required")
            ]
            for status, response in self.responses.items()
        }
        self._keys: dict[int, str | None] = {}
        self._check()

    def _check(self) -> None:
        for status in self.responses:
            if not _STATUS.fullmatch(status):
                where = (*self.pointer, "responses", status)
                self._document.fail(where, f"{status!r} is no status: `200`, `4XX` or `default` is")
        known = {known.name for known in self.parameters if known.where == "path"}
        for name in self.names:
            if name not in known:
                self._document.fail(self.pointer, f"no path parameter describes {{{name}}}")

    @property
    def _body(self) -> Mapping[str, Any]:
        if "requestBody" not in self.value:
            return {}
        value: dict[str, Any] = self._document.at(
            self._document.resolve((*self.pointer, "requestBody"))
        )
        return value

    @property
    def names(self) -> Sequence[str]:
        """The placeholders of the path, in order."""
        return _PLACEHOLDER.findall(self.path)

    @cached_property
    def is_download(self) -> bool:
        """Whether its path stands for links: downloads come from an origin of their own."""
        return any(known.spans_slashes for known in self.parameters)

    @cached_property
    def judged_parameters(self) -> Sequence[Parameter]:
        """The parameters that a request can get wrong."""
        return [
            known
            for known in self.parameters
            if (known.required and known.where != "path")
            or (known.schema is not None and known.schema.value != {"type": "string"})
        ]

    @property
    def place(self) -> str:
        """Where the operation stands in the file."""
        return self._document.place(self.pointer)

    @cached_property
    def pattern(self) -> str:
        """The path as a regular expression over the decoded path of a request."""
        spans = {known.name for known in self.parameters if known.spans_slashes}
        return "".join(
            re.escape(part) if index % 2 == 0 else ("(.+)" if part in spans else "([^/]+)")
            for index, part in enumerate(_PLACEHOLDER.split(self.path))
        )

    @cached_property
    def success(self) -> tuple[int, Mapping[str, Any]]:
        """`(status, body)` of the first documented success: its example, or as its schema says."""
        for status, found in self.contents.items():
            if status.startswith("2") and status.isdecimal() and JSON in found:
                known = [*examples(self._document, found[JSON]).values()]
                sample = Sampler(self._document).sample
                body = known[0] if known else sample((*found[JSON], "schema"))
                return int(status), body if isinstance(body, dict) else {}
        return 200, {}

    @cached_property
    def examples(self) -> Mapping[str, Any]:
        """The examples of the first documented success in JSON, by name."""
        for status, found in self.contents.items():
            if status.startswith("2") and status.isdecimal() and JSON in found:
                return examples(self._document, found[JSON])
        return {}

    def example(self, name: str) -> tuple[int, Mapping[str, Any]]:
        """`success` with the body of the example of this name, if there is one."""
        status, body = self.success
        named = self.examples.get(name)
        return status, named if isinstance(named, dict) else body

    @cached_property
    def largest_file(self) -> int | None:
        """The `maximum` of `data.fileSize` in the documented success, in bytes."""
        document, pointers = self._document, []
        for (status, name), schema in self.schemas.items():
            if status.startswith("2") and name == JSON:
                pointers.append(schema.pointer)
        for wanted in ("data", "fileSize"):
            pointers = [
                inner
                for pointer in pointers
                for _, name, inner in members(document, pointer)
                if name == wanted
            ]
        limits = [
            limit
            for pointer in pointers
            for part in parts(document, pointer)
            for limit in _upper_bounds(document.at(part))
        ]
        return min(limits, default=None)

    def response_key(self, status: int) -> str | None:
        """The key under `responses` that describes a status."""
        if status not in self._keys:
            keys = (str(status), f"{status // 100}XX", "default")
            self._keys[status] = next((key for key in keys if key in self.responses), None)
        return self._keys[status]

    def miss(self, status: int, headers: Mapping[str, str], body: Any) -> str | None:
        """What an answer breaks of the contract, or None. `body` is its JSON value, if any."""
        key = self.response_key(status)
        if key is None:
            return f"status {status} is not among the responses of {self.id} ({self.place})"
        for name in self.headers[key]:
            if name not in headers:
                return f"the answer {status} of {self.id} lacks the header {name}"
        media = headers.get("content-type")
        schema = self.schemas.get((key, JSON if media is None else essence(media)))
        if body is None or schema is None or schema.is_valid(body):
            return None
        return f"the answer {status} of {self.id} breaks the contract: {schema.errors(body)[0]}"


def _parameters(schemas: Schemas, operation: Pointer) -> Iterator[Parameter]:
    """The parameters of an operation, those of its path included unless it has its own."""
    document = schemas.document
    found: dict[tuple[str, str], Parameter] = {}
    for owner in (operation[:2], operation):
        for _, pointer in document.items((*owner, "parameters")):
            value = document.at(pointer)
            name, where = value.get("name"), value.get("in")
            if where not in _WHERE or not name:
                document.fail(pointer, f"a parameter has a name and is `in` {', '.join(_WHERE)}")
            if where == "header" and name.lower() in _NOT_PARAMETERS:
                continue
            described = (*pointer, "schema") if "schema" in value else None
            types = TextTypes.of(document, described)
            if "object" in types.own and "string" not in types.own:
                document.fail(pointer, f"{name!r} is an object; parameters of plain types are read")
            found[name, where] = Parameter(
                name=name,
                where=where,
                required=bool(value.get("required")),
                schema=schemas.at(described) if described else None,
                types=types,
                spans_slashes=bool(value.get("x-mockkie", {}).get("spansSlashes")),
            )
    yield from found.values()


def _upper_bounds(schema: Mapping[str, Any]) -> Iterator[int]:
    """The largest whole numbers that `maximum` and `exclusiveMaximum` allow."""
    if "maximum" in schema:
        yield math.floor(schema["maximum"])
    if "exclusiveMaximum" in schema:
        yield math.ceil(schema["exclusiveMaximum"]) - 1
