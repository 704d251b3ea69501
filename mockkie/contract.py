"""`openapi.yaml` as understood: routes, schemas, texts. Knows nothing of worlds or stores.

Everything that can be wrong with a document is found when the `Contract` is made, not later.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import jsonschema_rs

from mockkie.document import Document, Pointer, format_pointer, parse_pointer
from mockkie.problems import Problem
from mockkie.settings import DOCUMENTED, Settings

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
JSON: Final = "application/json"
FORM: Final = "multipart/form-data"
_BASE: Final = "mockkie:contract"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_OPENAPI: Final = re.compile(r"3\.1\.\d+")
_TYPE_NAMES: Final = ("string", "integer", "number", "boolean", "array", "object", "null")
_STREAMED_KEYWORDS: Final = frozenset(
    "type format contentEncoding contentMediaType description title examples example "
    "deprecated minLength maxLength".split()
)
_SHOWN: Final = 160


@dataclass(frozen=True, slots=True)
class Scheme:
    """Where a key is found in a request: `bearer` in Authorization, or `apiKey` by name."""

    kind: str
    where: str
    name: str


@dataclass(frozen=True, slots=True)
class Streamed:
    """The property of a request body that is a file: never held as a whole.

    Lengths count bytes for a form's file, characters for base64 text; None: no limit.
    """

    name: str
    pointer: Pointer
    shortest: int = 0
    longest: int | None = None


class Schema:
    """One schema of the document, compiled."""

    def __init__(self, contract: Contract, pointer: Pointer) -> None:
        self._contract = contract
        self.pointer = contract.document.resolve(pointer)
        try:
            self._validator = contract.compile(pointer)
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            contract.document.fail(pointer, f"this schema cannot be used: {error}")

    @property
    def value(self) -> Any:
        """The schema itself."""
        return self._contract.document.at(self.pointer)

    def is_valid(self, instance: Any) -> bool:
        """Whether `instance` is as the schema says."""
        return self._validator.is_valid(instance)

    def errors(self, instance: Any) -> list[SchemaError]:
        """What is wrong with `instance`, one error a keyword."""
        return [self._error(error) for error in self._validator.iter_errors(instance)]

    def _error(self, error: jsonschema_rs.ValidationError) -> SchemaError:
        kind = error.kind.as_dict()
        pointer = parse_pointer(error.absolute_keyword_location or format_pointer(self.pointer))
        path = tuple(str(step) for step in error.instance_path)
        if error.kind.name == "required":
            path = (*path, kind["property"])
        elif error.kind.name == "additionalProperties":
            path = (*path, *kind["unexpected"][:1])
        message = error.message if len(error.message) <= _SHOWN else error.message[:_SHOWN] + "…"
        return SchemaError(
            error.kind.name, path, message, self._contract.document.place(pointer), error.instance
        )


@dataclass(frozen=True, slots=True)
class SchemaError:
    """One thing wrong: the keyword, the path to the member, a sentence, the place of the keyword."""

    keyword: str
    path: tuple[str, ...]
    message: str
    place: str
    instance: Any

    @property
    def missing(self) -> bool:
        """Whether a member is absent, or there but empty where it must not be."""
        return len(self.path) == 1 and (
            self.keyword == "required" or (self.keyword == "minLength" and self.instance == "")
        )

    def __str__(self) -> str:
        """The sentence with its place."""
        where = "/".join(self.path)
        return (
            f"{where + ': ' if where else ''}{self.message} (the contract says so at {self.place})"
        )


@dataclass(frozen=True, slots=True)
class MediaType:
    """A body of one media type: its schema and, if it has one, its streamed property."""

    name: str
    pointer: Pointer
    schema: Schema | None
    streamed: Streamed | None
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an operation."""

    name: str
    where: str
    required: bool
    schema: Schema | None
    spans_slashes: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """A documented answer of the error form: status and body, and the name its text is about."""

    status: int
    body: Mapping[str, Any]
    parameter: str | None

    def about(self, problem: Problem) -> tuple[int, dict[str, Any]]:
        """`(status, body)` for a problem, its own parameter in the text."""
        status = problem.status or self.status
        body = dict(self.body)
        if self.parameter and problem.parameter and isinstance(body.get("msg"), str):
            body["msg"] = body["msg"].replace(self.parameter, problem.parameter)
        if problem.status and "code" in body:
            body["code"] = problem.status
        return status, body


class Operation:
    """One method on one path, with everything that belongs to it."""

    def __init__(self, contract: Contract, pointer: Pointer) -> None:
        self._contract = contract
        self.pointer = pointer
        self.path, self.method = pointer[1], pointer[2].upper()
        self.value = contract.document.at(pointer)
        self.id: str = self.value.get("operationId") or f"{pointer[2]} {self.path}"
        self.security = contract.security(pointer, self.value)
        self.parameters = contract.parameters(pointer)
        self.media_types = contract.media_types((*pointer, "requestBody"))
        self.body_required = bool(self._body.get("required"))
        self.responses = dict(contract.document.items((*pointer, "responses")))
        self.schemas = {
            (status, name): Schema(contract, (*media, "schema"))
            for status, response in self.responses.items()
            for name, media in contract.document.items((*response, "content"))
            if "schema" in contract.document.at(media)
        }
        self.refusals = contract.refusals(self.responses)
        self.headers = {
            status: [
                name.lower()
                for name, header in contract.document.items((*response, "headers"))
                if contract.document.at(header).get("required")
            ]
            for status, response in self.responses.items()
        }

    @property
    def _body(self) -> Mapping[str, Any]:
        pointer = (*self.pointer, "requestBody")
        document = self._contract.document
        return document.at(document.resolve(pointer)) if "requestBody" in self.value else {}

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
        return self._contract.document.place(self.pointer)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The path as a regular expression over the decoded path of a request."""
        spans = {known.name for known in self.parameters if known.spans_slashes}
        parts = re.split(r"\{([^{}]+)\}", self.path)
        return re.compile(
            "".join(
                re.escape(part) if index % 2 == 0 else ("(.+)" if part in spans else "([^/]+)")
                for index, part in enumerate(parts)
            ),
            re.DOTALL,
        )

    @cached_property
    def success(self) -> tuple[int, Mapping[str, Any]]:
        """`(status, example)` of the first documented success with JSON; `(200, {})` without."""
        for status, response in self.responses.items():
            if status.startswith("2") and status.isdecimal():
                for example in self._contract.examples((*response, "content", JSON)).values():
                    return int(status), example
                return int(status), {}
        return 200, {}

    @cached_property
    def largest_file(self) -> int | None:
        """The `maximum` of `data.fileSize` in the documented success, in bytes."""
        steps = ("content", JSON, "schema", "properties", "data", "properties", "fileSize")
        document = self._contract.document
        for status, response in self.responses.items():
            try:
                value = document.at(document.descend(response, *steps))
            except KeyError:
                continue
            if status.startswith("2"):
                maximum: int | None = value.get("maximum")
                return maximum
        return None

    def response_key(self, status: int) -> str | None:
        """The key under `responses` that describes a status."""
        keys = (str(status), f"{status // 100}XX", "default")
        return next((key for key in keys if key in self.responses), None)

    def miss(self, status: int, headers: Mapping[str, str], body: Any) -> str | None:
        """What an answer breaks of the contract, or None. `body` is the JSON value, None without."""
        key = self.response_key(status)
        if key is None:
            return f"status {status} is not among the responses of {self.id} ({self.place})"
        absent = [name for name in self.headers[key] if name not in headers]
        if absent:
            return f"the answer {status} of {self.id} lacks the header {absent[0]}"
        schema = self.schemas.get((key, JSON))
        if body is None or schema is None or schema.is_valid(body):
            return None
        return f"the answer {status} of {self.id} breaks the contract: {schema.errors(body)[0]}"


class Contract:
    """A document as mockkie understands it."""

    def __init__(self, document: Document, profile: str = DOCUMENTED) -> None:
        """Understand a document; `DocumentError` says what cannot be, and where."""
        self.document = document
        self._check_version()
        self.settings = Settings.of(document, profile)
        self.schemes = dict(self._schemes())
        self._registry = self._compile_registry()
        self.operations = self._operations()
        self._by_path: dict[str, dict[str, Operation]] = {}
        for operation in self.operations.values():
            self._by_path.setdefault(operation.path, {})[operation.method] = operation
        templates = [path for path in self._by_path if "{" in path]
        self._templates = sorted(templates, key=_specificity)
        self._patterns = {
            path: next(iter(self._by_path[path].values())).pattern for path in templates
        }
        self._refusals = self.refusals(dict(document.items(("components", "responses"))))

    @classmethod
    def read(cls, path: Path | None = None, profile: str = DOCUMENTED) -> Contract:
        """The contract of a file, by default of the `openapi.yaml` that comes with mockkie."""
        return cls(Document.read(path or shipped()), profile)

    @cached_property
    def hosts(self) -> set[str]:
        """The origins that the document names as servers."""
        lists = [("servers",), *(("paths", path, "servers") for path in self._by_path)]
        urls = (
            self.document.at(pointer).get("url", "")
            for servers in lists
            for _, pointer in self.document.items(servers)
        )
        return {"/".join(url.split("/")[:3]) for url in urls if "://" in url}

    def route(self, method: str, path: str) -> tuple[Operation, tuple[str, ...]]:
        """The operation of a request and the values in its path.

        Raises `route-not-found`, or `method-not-allowed` with its `Allow` header.
        """
        methods, values = self._match(path)
        if not methods:
            known = ", ".join(self._by_path)
            raise Problem("route-not-found", f"no path of the contract is {path!r}: {known}")
        operation = methods.get(method)
        if operation is None:
            allow = ", ".join(methods)
            why = f"{method} is not among the methods of this path; it takes {allow}"
            raise Problem("method-not-allowed", why, headers={"Allow": allow})
        return operation, values

    def on_path(self, path: str) -> Operation | None:
        """Any operation of a path."""
        return next(iter(self._match(path)[0].values()), None)

    def _match(self, path: str) -> tuple[Mapping[str, Operation], tuple[str, ...]]:
        methods = self._by_path.get(path)
        if methods is not None and "{" not in path:
            return methods, ()
        for template in self._templates:
            match = self._patterns[template].fullmatch(path)
            if match:
                return self._by_path[template], match.groups()
        return {}, ()

    def refusal(self, problem: Problem, operation: Operation | None) -> tuple[int, dict[str, Any]]:
        """`(status, body)` that the document has for a problem, else the one built in."""
        for known in (operation.refusals if operation else {}, self._refusals):
            if problem.name in known:
                return known[problem.name].about(problem)
        status, msg = problem.fallback
        return status, {"success": False, "code": status, "msg": msg}

    def compile(self, pointer: Pointer) -> jsonschema_rs.Validator:
        """A validator of the schema at a pointer."""
        return jsonschema_rs.validator_for(
            {"$schema": _DIALECT, "$ref": _BASE + format_pointer(pointer)},
            registry=self._registry,
            validate_formats=True,
        )

    def examples(self, media: Pointer) -> dict[str, Any]:
        """The examples of a media type by name; `example` without one is called `default`."""
        try:
            value = self.document.at(media)
        except KeyError:
            return {}
        named = {
            name: self.document.at(pointer).get("value")
            for name, pointer in self.document.items((*media, "examples"))
        }
        return {"default": value["example"], **named} if "example" in value else named

    def refusals(self, responses: Mapping[str, Pointer]) -> dict[str, Refusal]:
        """The named examples of error answers: what problems are answered with."""
        found: dict[str, Refusal] = {}
        for status, response in responses.items():
            pointers = self.document.items((*response, "content", JSON, "examples"))
            for name, pointer in pointers:
                example = self.document.at(pointer)
                body = example.get("value")
                if not isinstance(body, dict) or body.get("success") is not False:
                    continue
                code = int(status) if status.isdecimal() else body.get("code", 500)
                parameter = example.get("x-mockkie", {}).get("parameter")
                found.setdefault(name, Refusal(code, body, parameter))
        return found

    def security(self, pointer: Pointer, value: Mapping[str, Any]) -> Sequence[Sequence[Scheme]]:
        """The alternatives of an operation, each a list of schemes that must all be met."""
        owner = pointer if "security" in value else ()
        written = self.document.at(owner).get("security", [])
        where = (*owner, "security")
        if not isinstance(written, list) or not all(isinstance(one, dict) for one in written):
            self.document.fail(where, "security is a list of mappings")
        for index, one in enumerate(written):
            for name in one:
                if name not in self.schemes:
                    self.document.fail(
                        (*where, str(index)), f"no security scheme is named {name!r}"
                    )
        return [[self.schemes[name] for name in one] for one in written]

    def parameters(self, operation: Pointer) -> Sequence[Parameter]:
        """The parameters of an operation, those of its path included."""
        found: dict[tuple[str, str], Parameter] = {}
        for owner in (operation[:2], operation):
            for _, pointer in self.document.items((*owner, "parameters")):
                value = self.document.at(pointer)
                name, where = value.get("name"), value.get("in")
                if where not in ("path", "query", "header", "cookie") or not isinstance(name, str):
                    self.document.fail(
                        pointer, "a parameter has a name and is `in` path, query, header or cookie"
                    )
                spans = bool(value.get("x-mockkie", {}).get("spansSlashes"))
                schema = Schema(self, (*pointer, "schema")) if "schema" in value else None
                found[name, where] = Parameter(
                    name, where, bool(value.get("required")), schema, spans
                )
        return list(found.values())

    def media_types(self, body: Pointer) -> dict[str, MediaType]:
        """The request bodies that an operation takes, by media type."""
        try:
            body = self.document.resolve(body)
        except KeyError:
            return {}
        found: dict[str, MediaType] = {}
        for name, pointer in self.document.items((*body, "content")):
            where = (*pointer, "schema")
            has = "schema" in self.document.at(pointer)
            schema = Schema(self, where) if has else None
            value = schema.value if schema else {}
            properties = value.get("properties", {}) if isinstance(value, dict) else {}
            resolved = {
                key: self.document.at(inner)
                for key, inner in self.document.items((*where, "properties"))
            }
            streamed = self._streamed(name, where) if properties else None
            found[name.lower()] = MediaType(name, pointer, schema, streamed, resolved)
        return found

    def _streamed(self, media: str, schema: Pointer) -> Streamed | None:
        for name, pointer in self.document.items((*schema, "properties")):
            if not _is_streamed(media, self.document.at(pointer)):
                continue
            value = self.document.at(pointer)
            for keyword in value:
                if keyword not in _STREAMED_KEYWORDS and not keyword.startswith("x-"):
                    self.document.fail(
                        (*pointer, keyword),
                        f"keyword {keyword!r} is not supported on {name!r}: its content is streamed",
                    )
            return Streamed(name, pointer, value.get("minLength", 0), value.get("maxLength"))
        return None

    def _check_version(self) -> None:
        version = self.document.root.get("openapi")
        if not isinstance(version, str) or not _OPENAPI.fullmatch(version):
            self.document.fail(
                ("openapi",), f"OpenAPI {version!r} is not understood, 3.1 is: `openapi: 3.1.0`"
            )

    def _schemes(self) -> Sequence[tuple[str, Scheme]]:
        found = []
        for name, pointer in self.document.items(("components", "securitySchemes")):
            value = self.document.at(pointer)
            kind, where = value.get("type"), value.get("in")
            if kind == "http" and str(value.get("scheme")).lower() == "bearer":
                found.append((name, Scheme("bearer", "header", "authorization")))
            elif kind == "apiKey" and where in ("header", "query", "cookie") and value.get("name"):
                found.append((name, Scheme("apiKey", where, value["name"])))
            else:
                self.document.fail(
                    pointer,
                    "security of type http bearer, or apiKey with a name in header, query or cookie, is understood",
                )
        return found

    def _compile_registry(self) -> jsonschema_rs.Registry:
        """The document for the validators, with the streamed properties left open.

        Their content is never held as a whole: what stands in its place while a body is judged
        has another type.
        """
        open_root = copy.deepcopy(self.document.root)
        for path, item in self.document.items(("paths",)):
            for method in self.document.at(item):
                body = ("paths", path, method, "requestBody")
                if method in METHODS and "requestBody" in self.document.at((*item, method)):
                    for media, pointer in self.document.items(
                        (*self.document.resolve(body), "content")
                    ):
                        self._leave_open(open_root, media, pointer)
        return jsonschema_rs.Registry([(_BASE, open_root)])

    def _leave_open(self, root: dict[str, Any], media: str, pointer: Pointer) -> None:
        if "schema" not in self.document.at(pointer):
            return
        schema = self.document.resolve((*pointer, "schema"))
        for name, inner in self.document.items((*schema, "properties")):
            if _is_streamed(media, self.document.at(inner)):
                value: Any = root
                for step in schema:
                    value = value[int(step)] if isinstance(value, list) else value[step]
                value["properties"][name] = True

    def _operations(self) -> dict[str, Operation]:
        found: dict[str, Operation] = {}
        for path, item in self.document.items(("paths",)):
            if not path.startswith("/"):
                self.document.fail(("paths", path), "a path begins with a slash")
            if item != ("paths", path):
                self.document.fail(
                    ("paths", path), "write the path out: $ref is not supported here"
                )
            for method in self.document.at(item):
                if method in METHODS:
                    operation = Operation(self, (*item, method))
                    if operation.id in found:
                        self.document.fail(
                            operation.pointer, f"operationId {operation.id!r} is taken"
                        )
                    found[operation.id] = operation
        if not found:
            self.document.fail((), "the document has no operation under `paths`")
        return found


def shipped() -> Path:
    """The `openapi.yaml` that comes with mockkie: in the package, or beside it in a checkout."""
    package = Path(str(files("mockkie")))
    installed = package / "openapi.yaml"
    return installed if installed.exists() else package.parent / "openapi.yaml"


def decode_path(raw: bytes) -> str | None:
    """The path of a request, percent-decoded; None when it is not UTF-8."""
    try:
        return unquote(raw.decode("utf-8"), errors="strict") if b"%" in raw else raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _is_streamed(media: str, schema: Any) -> bool:
    if not isinstance(schema, dict):
        return False
    if media.lower() == FORM:
        binary = schema.get("format") == "binary" or "contentMediaType" in schema
        return binary and "contentEncoding" not in schema
    return media.lower() == JSON and schema.get("contentEncoding") == "base64"


def _specificity(path: str) -> tuple[int, int]:
    """Paths with fewer placeholders first, then the longer ones."""
    return path.count("{"), -len(path)
