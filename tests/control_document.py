"""The document of the control API as a test reads it: with its own eyes, and `jsonschema`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import jsonschema  # type: ignore[import-untyped]
import yaml
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.clients import PATIENCE, Reply

FILE: Final = Path(__file__).parent.parent / "mockkie" / "control.openapi.yaml"
DOCUMENT: Final[dict[str, Any]] = yaml.safe_load(FILE.read_text())
METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
PAGES: Final = "/__mockkie/ui/"
_NAME: Final = "urn:mockkie:control"
_REGISTRY: Final[Any] = Registry().with_resource(
    _NAME, Resource.from_contents(DOCUMENT, default_specification=DRAFT202012)
)
_FORMATS: Final = jsonschema.Draft202012Validator.FORMAT_CHECKER

Pointer = tuple[str, ...]


def at(pointer: Pointer) -> tuple[Pointer, Any]:
    """The node of a pointer and where it really is, references followed."""
    node: Any = DOCUMENT
    where: Pointer = ()
    for step in pointer:
        node, where = node[int(step) if isinstance(node, list) else step], (*where, step)
        while isinstance(node, dict) and "$ref" in node:
            where = tuple(node["$ref"].removeprefix("#/").split("/"))
            where, node = at(where)
    return where, node


def judge(pointer: Pointer, value: Any) -> None:
    """Hold a value against the schema of a pointer; `jsonschema.ValidationError` if it is none."""
    steps = (quote(step.replace("~", "~0").replace("/", "~1"), safe="~") for step in pointer)
    schema = {"$ref": f"{_NAME}#/{'/'.join(steps)}"}
    jsonschema.Draft202012Validator(schema, registry=_REGISTRY, format_checker=_FORMATS).validate(
        value
    )


def is_right(pointer: Pointer, value: Any) -> bool:
    """Whether a value is as the schema of a pointer says."""
    try:
        judge(pointer, value)
    except jsonschema.ValidationError:
        return False
    return True


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    id: str
    method: str
    path: str

    @property
    def pointer(self) -> Pointer:
        return "paths", self.path, self.method

    @property
    def node(self) -> dict[str, Any]:
        node: dict[str, Any] = at(self.pointer)[1]
        return node

    @property
    def parameters(self) -> list[tuple[Pointer, dict[str, Any]]]:
        """Its parameters and those of its path, with where they are."""
        above = self.pointer[:-1]
        lists = [(*above, "parameters"), (*self.pointer, "parameters")]
        return [
            at((*where, str(index)))
            for where in lists
            for index in range(len(at(where[:-1])[1].get("parameters", ())))
        ]

    @property
    def statuses(self) -> list[str]:
        return list(self.node["responses"])

    @property
    def bodies(self) -> dict[str, Any]:
        """The examples of its body by name."""
        content = self.node.get("requestBody", {}).get("content", {})
        examples: dict[str, Any] = content.get("application/json", {}).get("examples", {})
        return {name: example["value"] for name, example in examples.items()}

    @property
    def body_pointer(self) -> Pointer:
        return (*self.pointer, "requestBody", "content", "application/json", "schema")

    def target(self, given: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
        """Path with query, and headers, of parameters by name."""
        path, query, headers = self.path, {}, {}
        for _, parameter in self.parameters:
            name = parameter["name"]
            if parameter["in"] == "path":
                path = path.replace(f"{{{name}}}", quote(str(given[name]), safe=""))
            elif name in given and parameter["in"] == "query":
                query[name] = given[name]
            elif name in given:
                headers[name] = str(given[name])
        query |= {name: value for name, value in given.items() if name.startswith("strange")}
        return path + (f"?{urlencode(query)}" if query else ""), headers

    @property
    def examples(self) -> dict[str, Any]:
        """The example of each parameter."""
        return {parameter["name"]: parameter["example"] for _, parameter in self.parameters}

    def answer(self, status: int) -> tuple[Pointer, dict[str, Any]]:
        """Where an answer is described, and how."""
        key = str(status) if str(status) in self.statuses else f"{status // 100}XX"
        assert key in self.statuses, f"{self.id} has no answer {status}"
        return at((*self.pointer, "responses", key))

    def judge(self, reply: Reply) -> None:
        """Hold an answer against the document: status, headers, media type, content."""
        where, described = self.answer(reply.status)
        for name, header in described.get("headers", {}).items():
            assert name.lower() in reply.headers or not header.get("required"), name
            if name.lower() in reply.headers:
                text = reply.headers[name.lower()]
                value: Any = int(text) if header["schema"]["type"] == "integer" else text
                judge((*where, "headers", name, "schema"), value)
        contents = described.get("content", {})
        if not contents:
            no_type = "content-type" not in reply.headers
            assert reply.body == b"" or no_type, f"{self.id} {reply.status} has a body"
            return
        media_type = reply.headers.get("content-type", "").partition(";")[0]
        known = media_type if media_type in contents else "*/*"
        bodiless = not media_type and not reply.body
        assert known in contents or bodiless, f"{self.id} {reply.status} is {media_type}"
        if not bodiless and "schema" in contents[known]:
            judge((*where, "content", known, "schema"), content_of(media_type, reply.body))
            if media_type == "application/problem+json":
                assert reply.json["status"] == reply.status


def content_of(media_type: str, body: bytes) -> Any:
    """What a schema is about."""
    if media_type.endswith("json"):
        return json.loads(body)
    return yaml.safe_load(body) if media_type.endswith("yaml") else body.decode()


OPERATIONS: Final[dict[str, Operation]] = {
    found.id: found
    for found in (
        Operation(node["operationId"], method, path)
        for path, item in DOCUMENT["paths"].items()
        for method, node in item.items()
        if method in METHODS
    )
}


def ask(
    origin: str,
    method: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Reply:
    """One request on a connection of its own. Of a stream, the first event only."""
    connection = HTTPConnection(urlsplit(origin).netloc, timeout=PATIENCE)
    try:
        connection.request(method.upper(), target, body, dict(headers or {}))
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        if found.get("content-type", "").startswith("text/event-stream"):
            content = _event(answer)
        else:
            try:
                content = answer.read()
            except IncompleteRead as error:
                content = error.partial
        return Reply(answer.status, found, content)
    finally:
        connection.close()


def _event(answer: Any) -> bytes:
    content = b""
    while b"data: " not in content or not content.endswith(b"\n\n"):
        content += answer.readline()
    return content


def events(content: str) -> list[tuple[str, str]]:
    """The events of a stream: name and data."""
    return re.findall(r"^event: (\w+)\ndata: (.*)\n\n", content, re.MULTILINE)


def nodes(node: Any = DOCUMENT, pointer: Pointer = ()) -> Iterator[tuple[Pointer, Any]]:
    """Every node of the document."""
    yield pointer, node
    if isinstance(node, dict):
        for key, inner in node.items():
            yield from nodes(inner, (*pointer, str(key)))
    elif isinstance(node, list):
        for index, inner in enumerate(node):
            yield from nodes(inner, (*pointer, str(index)))
