"""What is wrong with a document is said at the start, with its place; what is right is taken."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate

from mockkie.build import build_mock
from mockkie.contract import Contract, shipped
from mockkie.document import Document
from mockkie.problems import UsageError
from mockkie.sampling import Sampler
from mockkie.schemas import Schemas
from mockkie.source import DocumentError, format_pointer, parse_pointer
from tests.inside import FORM, JSON, STREAM, Change, at, edited, form_schema, json_schema, operation

PLACE = re.compile(r"(?P<file>[^\n]*\.(?:yaml|json)):(?P<line>\d+):(?P<column>\d+): (?P<text>.+)")
SMALL = """\
openapi: 3.1.0
info: {title: T, version: "1"}
paths:
  /a:
    get:
      responses:
        "200": {description: ""}
"""


def complaint(path: Path) -> tuple[str, str]:
    """`(the line that is complained about, what is wrong with it)`, and it is raised at start."""
    with pytest.raises(UsageError) as error:
        build_mock(contract=path)
    match = PLACE.match(str(error.value))
    assert match is not None, str(error.value)
    assert Path(match["file"]) == path
    lines = [*path.read_text(encoding="utf-8").splitlines(), ""]  # the end may be to blame
    line = lines[int(match["line"]) - 1]
    assert 0 < int(match["column"]) <= len(line) + 1
    return line[int(match["column"]) - 1 :], match["text"]


def wrong(folder: Path, text: str, name: str = "openapi.yaml") -> tuple[str, str]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return complaint(path)


# Keywords that are not understood, at every level


def schema_of(document: Any) -> Any:
    return document["components"]["schemas"]["UploadPath"]


def answer_of(document: Any) -> Any:
    return document["components"]["responses"]["Uploaded"]["content"][JSON]


UNKNOWN: list[tuple[str, Any, str]] = [
    ("webhooks", lambda d: d, "calls nobody back"),
    ("$self", lambda d: d, "misspelt"),
    ("paths2", lambda d: d["components"], "misspelt"),
    ("callbacks", operation, "calls nobody back"),
    ("requestbody", operation, "misspelt"),
    ("trace2", lambda d: d["paths"][STREAM], "misspelt"),
    ("encoding", lambda d: at(operation(d), "requestBody", "content", FORM[:19]), "schemas"),
    ("requierd", lambda d: operation(d)["requestBody"], "misspelt"),
    ("nullable", schema_of, "OpenAPI 3.0"),
    ("discriminator", schema_of, "oneOf"),
    ("xml", schema_of, "JSON"),
    ("maxLenght", schema_of, "misspelt"),
    ("definitions", schema_of, "$defs"),
    ("$dynamicRef", schema_of, "plain references"),
    ("$anchor", schema_of, "misspelt"),
    ("$id", schema_of, "misspelt"),
    ("nullable", lambda d: form_schema(d)["properties"]["file"], "OpenAPI 3.0"),
    ("style", lambda d: d["components"]["parameters"]["Range"], "default style"),
    ("explode", lambda d: d["components"]["headers"]["ETag"], "default style"),
    ("content", lambda d: d["components"]["parameters"]["Range"], "`schema`"),
    ("externalValue", lambda d: answer_of(d)["examples"]["uploaded"], "`value`"),
    ("schemas", answer_of, "misspelt"),
    ("flows", lambda d: d["components"]["securitySchemes"]["bearer"], "apiKey"),
    ("links2", lambda d: d["components"]["responses"]["Uploaded"], "misspelt"),
    ("nullable", lambda d: d["components"].setdefault("links", {}).setdefault("L", {}), "3.0"),
    ("description", lambda d: d["components"], "misspelt"),
    ("x-mockkie", schema_of, "misspelt"),
    ("x-mockkie-retention", lambda d: d, "misspelt"),
    ("retentoin", lambda d: d["x-mockkie"], "misspelt"),
    ("spansSlash", lambda d: d["components"]["parameters"]["Link"]["x-mockkie"], "misspelt"),
    ("notes", lambda d: d["x-mockkie"]["claims"]["auth.bearer"], "misspelt"),
]


@pytest.mark.parametrize(("keyword", "where", "hint"), UNKNOWN)
def test_unknown_keywords_are_refused_where_they_stand(
    tmp_path: Path, keyword: str, where: Any, hint: str
) -> None:
    path = edited(tmp_path, lambda document: where(document).update({keyword: {}}))
    there, text = complaint(path)
    assert there.startswith((keyword, f"'{keyword}'", f'"{keyword}"'))
    assert f"keyword {keyword!r} is not supported here" in text
    assert hint in text


def test_extensions_of_others_are_ignored(tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        for one in (document, operation(document), schema_of(document)):
            one["x-apidog"] = {"anything": [1, None]}

    build_mock(contract=edited(tmp_path, change))


# Schemas, those that nothing uses included

DEEP: dict[str, Any] = {}
for _ in range(60):
    DEEP = {"items": DEEP}
SCHEMAS: list[tuple[Any, str, str]] = [
    ({"minLength": "3"}, "minLength", "not of type"),
    ({"minLength": -1}, "minLength", "less than"),
    ({"maximum": True}, "maximum", "not of type"),
    ({"exclusiveMinimum": True}, "exclusiveMinimum", "not of type"),
    ({"type": "strin"}, "type", "string, integer"),
    ({"type": ["string", "string"]}, "type", "string, integer"),
    ({"type": "file"}, "type", "string, integer"),
    ({"pattern": "(["}, "pattern", "regex"),
    ({"pattern": "(?<!x"}, "pattern", "regex"),
    ({"properties": {"a": {"pattern": "\\p{Nope}"}}}, "Mine", "regex"),
    ({"required": "a"}, "required", "not of type"),
    ({"required": ["a", "a"]}, "required", "non-unique"),
    ({"properties": []}, "properties", "a mapping is expected"),
    ({"properties": {"a": 1}}, "a", "a mapping is expected"),
    ({"properties": {"b": {"items": {"oneOf": []}}}}, "oneOf", "less than"),
    ({"allOf": {}}, "allOf", "a list is expected"),
    ({"items": [{}]}, "items", "a mapping is expected"),
    ({"multipleOf": 0}, "multipleOf", "less than or equal"),
    ({"enum": {}}, "enum", "not of type"),
    ({"$ref": "other.yaml#/x"}, "$ref", "only places in this file"),
    ({"$ref": "#"}, "$ref", "only places in this file"),
    ({"$ref": "#anchor"}, "$ref", "only places in this file"),
    ({"$ref": 5}, "$ref", "only places in this file"),
    ({"$ref": "#/components/schemas/Nope"}, "$ref", "points at nothing"),
    ({"$ref": "#/components/schemas/Refusal/properties/code/enum/9"}, "$ref", "nothing"),
    ({"$ref": "#/components/responses/Uploaded"}, "$ref", "response, not to a schema"),
    ({"$ref": "#/info/title"}, "$ref", "something else"),
    ({"$ref": "#/components/schemas/Mine"}, "Mine", "leads back to itself"),
    ({"allOf": [{"$ref": "#/components/schemas/Mine"}]}, "Mine", "in a circle"),
    ({"not": {"anyOf": [True, {"$ref": "#/components/schemas/Mine"}]}}, "Mine", "in a circle"),
    ({"if": {"$ref": "#/components/schemas/Mine"}}, "Mine", "in a circle"),
    ({"dependentSchemas": {"a": {"$ref": "#/components/schemas/Mine"}}}, "Mine", "in a circle"),
]


@pytest.mark.parametrize(("schema", "where", "text"), SCHEMAS)
def test_schemas_that_cannot_be(tmp_path: Path, schema: Any, where: str, text: str) -> None:
    def change(document: dict[str, Any]) -> None:
        document["components"]["schemas"]["Mine"] = schema

    there, said = complaint(edited(tmp_path, change))
    assert there.startswith((where, f"'{where}'")), (there, said)
    assert text in said


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {"items": {"$ref": "#/components/schemas/Mine"}},
        {"properties": {"a/b~c d%": {"$ref": "#/components/schemas/Mine"}}},
        {"$ref": "#/components/schemas/UploadAnswer/properties/data"},
        {"allOf": [{"$ref": "#/components/schemas/UploadPath"}, {"maxLength": 3}]},
        {"description": "With a *, a [ and a 😀", "example": {"$ref": "kept as it is"}},
        {"enum": [None, 1, "a", [1], {"nullable": True}]},
        DEEP,
    ],
)
def test_schemas_that_can_be(tmp_path: Path, schema: Any) -> None:
    def change(document: dict[str, Any]) -> None:
        document["components"]["schemas"]["Mine"] = schema

    build_mock(contract=edited(tmp_path, change))


# The rest of OpenAPI


def set_at(value: Any, *steps: str) -> Change:
    def change(document: dict[str, Any]) -> None:
        at(document, *steps[:-1])[steps[-1]] = value

    return change


def parameters(*written: Any) -> Change:
    return set_at(list(written), "paths", STREAM, "post", "parameters")


def body(media: str, schema: Any) -> Change:
    content = {media: {"schema": schema}}
    return set_at(
        {"post": {"requestBody": {"content": content}, "responses": {}}}, "paths", "/mine"
    )


FILE = {"type": "string", "format": "binary"}
WRONG: list[tuple[Change, str, str]] = [
    (set_at("3.0.3", "openapi"), "openapi", "3.1 is"),
    (set_at("2.0", "openapi"), "openapi", "3.1 is"),
    (set_at(3.1, "openapi"), "openapi", "3.1 is"),
    (set_at("http://json-schema.org/draft-07/schema#", "jsonSchemaDialect"), "jsonS", "only"),
    (set_at({}, "paths"), "paths", "no operation"),
    (set_at([], "paths"), "paths", "a mapping is expected"),
    (set_at(None, "components"), "components", "a mapping is expected"),
    (set_at({"get": {"responses": {}}}, "paths", "no-slash"), "no-slash", "begins with a slash"),
    (set_at({"$ref": "#/paths/~1api~1file-url-upload"}, "paths", "/z"), "/z", "write the path"),
    (set_at("upload-file-url", "paths", STREAM, "post", "operationId"), "post", "is taken"),
    (set_at(5, "paths", STREAM, "post", "operationId"), "operationId", "a text is expected"),
    (set_at([{"nope": []}], "paths", STREAM, "post", "security"), "nope", "named 'nope'"),
    (set_at([{"nope": []}], "security"), "nope", "named 'nope'"),
    (set_at({"bearer": []}, "security"), "security", "a list is expected"),
    (set_at(["bearer"], "security"), "bearer", "a mapping is expected"),
    (
        set_at({"type": "http", "scheme": "basic"}, "components", "securitySchemes", "basic"),
        "basic",
        "bearer",
    ),
    (
        set_at({"type": "apiKey", "in": "header"}, "components", "securitySchemes", "key"),
        "key",
        "with a name",
    ),
    (set_at({"description": ""}, "paths", STREAM, "post", "responses", "2xx"), "2xx", "4XX"),
    (set_at({"description": ""}, "paths", STREAM, "post", "responses", "99"), "'99'", "status"),
    (set_at({"get": {"responses": {}}}, "paths", "/a/{b}"), "get", "{b}"),
    (parameters({"name": "a", "in": "body"}), "name", "path, query"),
    (parameters({"in": "query"}), "in", "has a name"),
    (parameters({"name": "a", "in": "query", "required": "yes"}), "required", "true or false"),
    (
        parameters({"name": "a", "in": "query", "schema": {"type": "object"}}),
        "name",
        "plain types",
    ),
    (parameters({"$ref": "#/components/headers/ETag"}), "$ref", "header, not to a parameter"),
    (set_at([{"url": "http://["}], "servers"), "url", "no URL"),
    (set_at([{"url": "https://{a}/"}], "servers"), "url", "no default"),
    (set_at([{"url": 5}], "servers"), "url", "a text is expected"),
    (body("application/xml", {"type": "object"}), "schema", "leave out the schema"),
    (body("multipart/form-data", {"properties": {"a": FILE, "b": FILE}}), "b", "second file"),
    (
        body("multipart/form-data", {"properties": {"a": {"type": "array", "items": FILE}}}),
        "a",
        "list of files",
    ),
    (
        lambda d: form_schema(d)["properties"]["file"].update(pattern="x"),
        "pattern",
        "streamed",
    ),
    (lambda d: form_schema(d)["properties"].pop("file"), "multipart", "format: binary"),
    (lambda d: json_schema(d)["properties"].pop("base64Data"), JSON, "contentEncoding"),
    (lambda d: form_schema(d).update(required=["file"]), "multipart", "'uploadPath', required"),
    (
        lambda d: form_schema(d)["properties"].update(uploadPath={"type": "integer"}),
        "multipart",
        "`type: string`",
    ),
    (
        lambda d: form_schema(d)["properties"].update(fileName={"type": ["string", "integer"]}),
        "multipart",
        "a text or null",
    ),
    (set_at({}, "paths", STREAM, "post", "requestBody", "content"), "post", "takes multipart"),
    (set_at("P3X", "x-mockkie", "retention"), "retention", "P3X"),
    (set_at(3, "x-mockkie", "retention"), "retention", "not of type"),
    (set_at("soon", "x-mockkie", "urlUpload", "timeout"), "timeout", "soon"),
    (
        set_at({"a": {"retention": "soon"}}, "x-mockkie", "profiles"),
        "retention",
        "soon",
    ),
    (set_at({"stile": "observed"}, "x-mockkie", "links"), "stile", "stile"),
    (set_at({"origin": "ftp://x"}, "x-mockkie", "links"), "origin", "ftp://x"),
    (set_at({"status": 200}, "x-mockkie", "expiredLink"), "status", "less than"),
    (set_at({"fileSize": -1}, "x-mockkie", "limits"), "fileSize", "less than"),
    (set_at({"uploads": "a\nb"}, "x-mockkie", "cors"), "uploads", "does not match"),
    (set_at("sometimes", "x-mockkie", "edgeSlashes"), "edgeSlashes", "sometimes"),
    (set_at(None, "x-mockkie"), "x-mockkie", "a mapping is expected"),
    (
        set_at("guessed", "x-mockkie", "claims", "auth.bearer", "level"),
        "level",
        "guessed",
    ),
]


@pytest.mark.parametrize(("change", "where", "text"), WRONG)
def test_documents_that_cannot_be(tmp_path: Path, change: Change, where: str, text: str) -> None:
    there, said = complaint(edited(tmp_path, change))
    assert there.startswith((where, f"'{where}'")), (there, said)
    assert text in said


def test_an_unknown_profile_is_told_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="documented, observed"):
        build_mock(contract=edited(tmp_path), profile="obeserved")


# The text of the document


@pytest.mark.parametrize(
    ("text", "there", "said"),
    [
        (SMALL + "info: {}\n", "info", "'info' stands here twice"),
        (SMALL.replace("/a:", "/a: &a\n    <<: *a"), "<<", "merges"),
        (SMALL + "x-a: {b: 1, b: 2}\n", "b: 2", "'b' stands here twice"),
        (SMALL + "x-a:\n  - {<<: {b: 1}}\n", "<<", "merges"),
        (SMALL + "x-a: &a [*a]\n", "&a", "contains itself"),
        (SMALL + "x-a: [1\n", "", "this is not YAML"),
        (SMALL + "\tx: 1\n", "", "this is not YAML"),
        (SMALL + "x-a: *nope\n", "*nope", "this is not YAML"),
        (SMALL + "---\na: 1\n", "---", "this is not YAML"),
        (SMALL + "x-a: !!python/name:os.system x\n", "x-a", "not for OpenAPI"),
        (SMALL + "? [a]\n: 1\n", "[a]", "a key must be a text"),
        (SMALL + "x-a: no\n", "x-a", "quotes"),
        (SMALL + "x-a: [a, 010]\n", "010", "quotes"),
        (SMALL + "x-a: 1:30\n", "x-a", "quotes"),
        (SMALL + "x-a: 1_000\n", "x-a", "quotes"),
        (SMALL + "x-a: 1e3\n", "x-a", "quotes"),
        (SMALL + "x-a: 0o17\n", "x-a", "quotes"),
        (SMALL + "x-a: .inf\n", "x-a", "no number of JSON"),
        (SMALL + "x-a: .nan\n", "x-a", "no number of JSON"),
        (SMALL + "x-a: !!int x\n", "x-a", "quotes"),
        (SMALL + "x-a: !!bool x\n", "x-a", "quotes"),
        (SMALL + "x-a: " + "[" * 101 + "]" * 101 + "\n", "[", "100 deep"),
        (SMALL + "x-a: " + "[" * 100_000 + "\n", "[", "100 deep"),
    ],
)
def test_yaml_that_cannot_be(tmp_path: Path, text: str, there: str, said: str) -> None:
    found, complained = wrong(tmp_path, text)
    assert found.startswith(there)
    assert said in complained


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"openapi": "3.1.0",}', "this is not JSON"),
        ('{"openapi": "3.1.0", "openapi": "3.1.0"}', "stands here twice"),
        ('{"openapi": "3.0.0"}', "3.1 is"),
        ('{\n\t"openapi": "3.1.0",\n\t"nope": 1}', "keyword 'nope'"),
    ],
)
def test_json_that_cannot_be(tmp_path: Path, text: str, said: str) -> None:
    assert said in wrong(tmp_path, text, "openapi.json")[1]


@pytest.mark.parametrize(
    "text", ["[]", "1", "", "null", '"', "{", "[" * 100_000, '{"a": NaN}', '{"a": 1e999}', "\ufeff"]
)
@pytest.mark.parametrize("name", ["a.json", "a.yaml"])
def test_texts_that_are_no_document(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DocumentError, match=re.escape(str(path))):
        build_mock(contract=path)


def test_an_alias_bomb_is_cut_short(tmp_path: Path) -> None:
    bomb = "x-0: &0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for level in range(1, 30):
        bomb += f"x-{level}: &{level} [{', '.join([f'*{level - 1}'] * 9)}]\n"
    assert "200,000 values" in wrong(tmp_path, SMALL + bomb)[1]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "openapi.yaml"
    with pytest.raises(DocumentError, match=r"openapi\.yaml: cannot be read as a contract"):
        build_mock(contract=path)
    with pytest.raises(DocumentError, match="cannot be read as a contract"):
        build_mock(contract=tmp_path)
    path.write_bytes(SMALL.encode("utf-16"))
    with pytest.raises(DocumentError, match="cannot be read as a contract"):
        build_mock(contract=path)
    path.write_bytes(SMALL.encode() + b"# \xff\n")
    with pytest.raises(DocumentError, match="cannot be read as a contract"):
        build_mock(contract=str(path))
    path.write_bytes(SMALL.encode() + b"x-a: \x00\n")
    with pytest.raises(DocumentError, match="not YAML"):
        build_mock(contract=path)


def test_a_small_document_will_do(tmp_path: Path) -> None:
    path = tmp_path / "openapi.yaml"
    for text in (SMALL, "\ufeff" + SMALL, SMALL.replace("\n", "\r\n"), "# Größe\n" + SMALL):
        path.write_text(text, encoding="utf-8", newline="")
        mock = build_mock(contract=path)
        assert mock.from_examples == ["get /a"]
        assert len(mock.not_served) == 5


garbled = st.text(st.characters(codec="utf-8"), max_size=30)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_no_document_gets_around_the_complaints(data: st.DataObject) -> None:
    text = shipped().read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    at_line = data.draw(st.integers(0, len(lines) - 1))
    start = data.draw(st.integers(0, len(lines[at_line])))
    stop = data.draw(st.integers(start, len(lines[at_line])))
    lines[at_line] = lines[at_line][:start] + data.draw(garbled) + lines[at_line][stop:]
    try:
        Contract(Document("".join(lines), "changed.yaml"))
    except UsageError as error:
        assert str(error).startswith("changed.yaml")  # noqa: PT017 - many documents are fine


# What is shipped


SHIPPED = ("openapi.yaml", "jobs.yaml")


@pytest.mark.parametrize("file", SHIPPED)
def test_the_shipped_document_is_valid_openapi(file: str) -> None:
    document = yaml.safe_load(shipped(file).read_text(encoding="utf-8"))
    validate(document)
    assert Document.read(shipped(file)).root == document, "every reader sees the same values"


@pytest.mark.parametrize("file", SHIPPED)
def test_every_claim_has_a_level_and_none_is_called_verified(file: str) -> None:
    claims = Document.read(shipped(file)).root["x-mockkie"]["claims"]
    assert len(claims) > 20
    for name, claim in claims.items():
        assert re.fullmatch(r"[a-z]+[0-9]*\.[a-z0-9-]+", name)
        assert claim["level"] in ("documented", "observed", "assumed")
        assert claim["verified"] == "never"
        assert claim["says"].endswith(".")


@pytest.mark.parametrize("file", SHIPPED)
def test_every_example_keeps_to_its_schema(file: str) -> None:
    contract = Contract.read(shipped(file))
    headers = {"content-range": "bytes */5"}
    count = 0
    for known in contract.operations.values():
        for refusal in known.refusals.values():
            assert known.miss(refusal.status, headers, refusal.body) is None
            count += 1
        status, sample = known.success
        for body in (sample, *known.examples.values()) if sample else ():
            assert known.miss(status, {}, body) is None
    assert count > 20


# Small things


@given(st.lists(st.text(), min_size=1).map(tuple))
def test_pointers_survive_their_spelling(pointer: tuple[str, ...]) -> None:
    assert parse_pointer(format_pointer(pointer)) == pointer


PLAIN: list[Any] = [
    {"type": "string"},
    {"type": "string", "minLength": 12, "maxLength": 12},
    {"type": "string", "maxLength": 2},
    {"type": "string", "maxLength": 0},
    *({"type": "string", "format": name} for name in ("date", "date-time", "email", "uri", "uuid")),
    *({"type": "string", "format": name} for name in ("ipv4", "ipv6", "time", "duration")),
    {"type": "integer", "minimum": 3, "maximum": 7, "multipleOf": 5},
    {"type": "integer", "maximum": -3},
    {"type": "integer", "exclusiveMinimum": 0},
    {"type": "integer", "exclusiveMaximum": 0},
    {"type": "number", "exclusiveMaximum": -0.5},
    {"type": "number", "exclusiveMinimum": 1.5, "multipleOf": 0.5},
    {"type": "boolean"},
    {"type": "null"},
    {"type": ["null", "string"]},
    {"type": "array", "items": {"type": "integer"}, "minItems": 3},
    {"type": "array", "maxItems": 0},
    {"type": "array"},
    {"const": False},
    {"enum": [7, 8]},
    {"type": "object", "required": ["a", "b"], "properties": {"a": {"type": "integer"}}},
    {"required": ["a"]},
    {"oneOf": [{"type": "integer"}, {"type": "string"}]},
    {
        "properties": {"a": {"type": "string"}},
        "required": ["a", "b"],
        "anyOf": [{"properties": {"b": {"type": "integer"}}, "required": ["b"]}],
    },
    {"allOf": [{"type": "integer"}, {"minimum": 4}]},
    {
        "type": "object",
        "properties": {"next": {"$ref": "#/components/schemas/Mine"}, "n": {"type": "integer"}},
        "required": ["n"],
    },
    {"type": "array", "items": {"$ref": "#/components/schemas/Mine"}},
    {"type": "object", "properties": {"all": {"items": {"$ref": "#/components/schemas/Mine"}}}},
    {},
    True,
]


@pytest.mark.parametrize("schema", PLAIN)
def test_a_sample_keeps_to_its_schema(tmp_path: Path, schema: Any) -> None:
    def change(document: dict[str, Any]) -> None:
        document["components"]["schemas"]["Mine"] = schema

    document = Document.read(edited(tmp_path, change))
    pointer = ("components", "schemas", "Mine")
    sample = Sampler(document).sample(pointer)
    assert Schemas(document, document.root).at(pointer).errors(sample) == []
