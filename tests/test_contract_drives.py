"""Only the document is edited; the mock changes its behaviour."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mockkie.worlds import DEFAULT_KEY
from tests.inside import (
    BASE64,
    FORM,
    JSON,
    STREAM,
    URL,
    Change,
    Inside,
    at,
    edited,
    file_part,
    form_of,
    form_schema,
    inside,
    json_schema,
    operation,
    refused,
    text_part,
    why,
)

Drive = Callable[..., Inside]
REFUSAL = {"$ref": "#/components/schemas/DownloadRefusal"}


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Drive]:
    """Builds a mock of the shipped document with some changes."""
    with ExitStack() as stack:

        def build(*changes: Change, **options: Any) -> Inside:
            path = edited(tmp_path, *changes)
            return stack.enter_context(inside(contract=path, **options))

        yield build


def example(msg: str, code: int, **more: Any) -> dict[str, Any]:
    return {"value": {"success": False, "code": code, "msg": msg}, **more}


# Required fields and parameters


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ({"type": "string", "minLength": 2}, ["holiday"], ["x"]),
        ({"type": "integer", "minimum": 1}, ["3"], ["0"]),
        ({"type": "integer"}, ["-3"], ["three"]),
        ({"type": "integer"}, ["1" * 30], ["1" * 5_000]),
        ({"type": "number"}, ["1.5e1"], ["nan"]),
        ({"type": "boolean"}, ["true"], ["True"]),
        ({"type": ["integer", "null"]}, ["null"], ["nil"]),
        ({"enum": [1, 2]}, ["2"], ["3"]),
        ({"anyOf": [{"type": "integer"}, {"type": "boolean"}]}, ["false"], ["maybe"]),
        ({"type": "array", "items": {"type": "string"}, "minItems": 2}, ["a", "b"], ["a"]),
        ({"type": "array", "items": {"type": "integer"}}, ["1", "2"], ["1", "b"]),
        ({"type": "object", "required": ["a"]}, ['{"a": 1}'], ['{"b": 1}']),
        ({"type": "object"}, ['{"a": [[]]}'], ['{"a": %s}' % ("[" * 300 + "]" * 300)]),
    ],
)
def test_another_required_field_of_the_form(
    drive: Drive, schema: dict[str, Any], right: list[str], wrong: list[str]
) -> None:
    def change(document: dict[str, Any]) -> None:
        form_schema(document)["properties"]["tag"] = schema
        form_schema(document)["required"].append("tag")

    mock = drive(change)
    assert refused(mock.form(), 400, "Missing required parameter: tag")

    def send(values: list[str]) -> httpx2.Response:
        parts = [text_part("tag", value) for value in values]
        body = form_of(text_part("uploadPath", "a"), *parts, file_part(b"x"))
        return mock.ask("POST", STREAM, body, FORM)

    assert refused(send(wrong), 400, "Invalid parameter: tag")
    assert mock.files() == []
    assert send(right).status_code == 200


def test_another_required_member_of_json(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        schema = json_schema(document, URL)
        schema["properties"]["tags"] = {"type": "array", "items": {"type": "integer"}}
        schema["required"].append("tags")

    mock = drive(change)
    body = {"fileUrl": "https://example.com/a.png", "uploadPath": "a"}
    assert refused(mock.json(URL, body), 400, "Missing required parameter: tags")
    assert refused(mock.json(URL, {**body, "tags": None}), 400, "Missing required parameter: tags")
    assert refused(mock.json(URL, {**body, "tags": ["1"]}), 400, "Invalid parameter: tags")
    assert mock.json(URL, {**body, "tags": [1]}).status_code == 200


def test_a_composed_schema_still_has_its_file(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        schema = form_schema(document)
        file = schema["properties"].pop("file")
        document["components"]["schemas"]["Bytes"] = file
        document["components"]["schemas"]["WithFile"] = {
            "required": ["file"],
            "properties": {"file": {"$ref": "#/components/schemas/Bytes", "maxLength": 3}},
        }
        schema["required"].remove("file")
        schema["allOf"] = [{"$ref": "#/components/schemas/WithFile"}]

    mock = drive(change)
    assert mock.form(content=b"123").status_code == 200
    assert refused(mock.form(content=b"1234"), 400, "File too large")
    assert refused(mock.form(content=None), 400, "Missing required parameter: file")


def test_what_stands_beside_the_reference_of_a_body_holds(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        content = operation(document)["requestBody"]["content"]["multipart/form-data"]
        document["components"]["schemas"]["Upload"] = content["schema"]
        more = {"required": ["fileName"], "maxProperties": 3}
        content["schema"] = {"$ref": "#/components/schemas/Upload", **more}

    mock = drive(change)
    assert refused(mock.form(), 400, "Missing required parameter: fileName")
    fields = {"uploadPath": "a", "fileName": "n"}
    assert mock.form(fields).status_code == 200
    assert refused(mock.form({**fields, "x": "y"}), 400, "Invalid parameter: body")


@pytest.mark.parametrize("owner", ["operation", "path"])
def test_a_required_parameter(drive: Drive, owner: str) -> None:
    header = {"name": "X-Team", "in": "header", "required": True, "schema": {"enum": ["a", "b"]}}
    query = {
        "name": "page",
        "in": "query",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    }

    def change(document: dict[str, Any]) -> None:
        item = document["paths"][STREAM]
        (item if owner == "path" else item["post"])["parameters"] = [header, query]

    mock = drive(change)
    team = [("x-team", "a")]
    assert refused(mock.form(), 400, "Missing required parameter: X-Team")
    assert refused(mock.form(headers=team), 400, "Missing required parameter: page")
    wrong = [("x-team", "c")]
    assert refused(mock.form(headers=wrong), 400, "Invalid parameter: X-Team")
    for page in ("0", "one", ""):
        answer = mock.form(target=f"{STREAM}?page={page}", headers=team)
        assert refused(answer, 400, "Invalid parameter: page")
    assert mock.form(target=f"{STREAM}?page=2", headers=team).status_code == 200
    assert mock.form(headers=team, key=None).status_code == 401, "the key goes first"


def test_lists_in_parameters(drive: Drive) -> None:
    numbers = {"type": "array", "items": {"type": "integer"}, "maxItems": 2}

    def change(document: dict[str, Any]) -> None:
        operation(document)["parameters"] = [
            {"name": "n", "in": "query", "schema": numbers},
            {"name": "X-N", "in": "header", "schema": numbers},
            {"name": "c", "in": "cookie", "schema": {"type": "integer"}},
        ]

    mock = drive(change)
    assert mock.form(target=f"{STREAM}?n=1&n=2").status_code == 200
    assert mock.form(target=f"{STREAM}?n=1&n=2&n=3").status_code == 400
    assert mock.form(headers=[("x-n", "1, 2")]).status_code == 200
    assert mock.form(headers=[("x-n", "1, b")]).status_code == 400
    assert mock.form(headers=[("cookie", "c=5")]).status_code == 200
    assert mock.form(headers=[("cookie", "c=x")]).status_code == 400


def test_headers_that_openapi_leaves_to_others_are_no_parameters(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        operation(document)["parameters"] = [
            {"name": name, "in": "header", "required": True, "schema": {"const": "never"}}
            for name in ("Authorization", "Content-Type", "Accept")
        ]

    assert drive(change).form().status_code == 200


# Constraints


@pytest.mark.parametrize("through_reference", [True, False])
@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ({"type": "string", "maxLength": 4}, "äöü😀", "abcde"),
        ({"type": "string", "pattern": "^[a-z]+$"}, "abc", "Abc"),
        ({"type": "string", "enum": ["one", "two"]}, "two", "three"),
        ({"type": "string", "minLength": 3}, "abc", "ab"),
        ({"type": "string", "not": {"pattern": "b"}}, "aac", "abc"),
    ],
)
def test_constraints_on_upload_path(
    drive: Drive, schema: dict[str, Any], right: str, wrong: str, *, through_reference: bool
) -> None:
    def change(document: dict[str, Any]) -> None:
        if through_reference:
            document["components"]["schemas"]["UploadPath"] = schema
        else:
            form_schema(document)["properties"]["uploadPath"] = schema

    mock = drive(change)
    assert refused(mock.form({"uploadPath": wrong}), 400, "Invalid parameter: uploadPath")
    answer = mock.form({"uploadPath": right, "fileName": "n"})
    assert answer.json()["data"]["filePath"] == f"{right}/n"


def test_constraints_beside_a_reference(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        form_schema(document)["properties"]["uploadPath"]["maxLength"] = 3

    mock = drive(change)
    assert mock.form({"uploadPath": "abc"}).status_code == 200
    assert refused(mock.form({"uploadPath": "abcd"}), 400, "Invalid parameter: uploadPath")
    assert refused(mock.form({"uploadPath": "a//b"}), 400, "Invalid parameter: uploadPath")


CONSTRAINTS = st.fixed_dictionaries(
    {},
    optional={
        "minLength": st.integers(0, 4),
        "maxLength": st.integers(0, 6),
        "pattern": st.sampled_from(["^a", "b", "^[a-c]*c$", "^(?:a|bb)+$", "[^a]", "^.{2}$", "é"]),
        "enum": st.lists(st.text("abcé😀", max_size=3), min_size=1, max_size=4, unique=True),
        "not": st.sampled_from([{"const": "a"}, {"minLength": 3}, {"pattern": "b"}]),
    },
)


@settings(max_examples=25, deadline=None)
@given(
    constraints=CONSTRAINTS,
    values=st.lists(st.text("abcé😀 /", max_size=7), min_size=1, max_size=12),
)
def test_a_value_is_taken_exactly_when_its_schema_takes_it(
    tmp_path_factory: pytest.TempPathFactory, constraints: dict[str, Any], values: list[str]
) -> None:
    schema = {"type": "string", **constraints}
    judge = jsonschema.Draft202012Validator(schema)

    def change(document: dict[str, Any]) -> None:
        schemas = document["components"]["schemas"]
        schemas["UploadPath"] = schema
        del schemas["UploadedFile"]["properties"]["filePath"]["minLength"]

    path = edited(tmp_path_factory.mktemp("documents"), change)
    with inside(contract=path) as mock:
        for value in [*values, *constraints.get("enum", [])]:
            wanted = 200 if judge.is_valid(value) else 400
            answer = mock.form({"uploadPath": value, "fileName": "n"})
            assert (value, answer.status_code) == (value, wanted), why(answer)
            data = {"base64Data": "YQ==", "uploadPath": value, "fileName": "n"}
            answer = mock.json(BASE64, data)
            assert (value, answer.status_code) == (value, wanted), why(answer)


# Sizes


def limit_in_settings(document: dict[str, Any]) -> None:
    document["x-mockkie"]["limits"]["fileSize"] = 10


def limit_of_the_property(document: dict[str, Any]) -> None:
    form_schema(document)["properties"]["file"]["maxLength"] = 10


def limit_in_the_answer(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["UploadedFile"]
    schema["properties"]["fileSize"]["maximum"] = 10


def limit_in_a_part_of_the_answer(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["UploadAnswer"]["allOf"] = [
        {"properties": {"data": {"properties": {"fileSize": {"exclusiveMaximum": 11.0}}}}}
    ]


@pytest.mark.parametrize(
    "change",
    [
        limit_in_settings,
        limit_of_the_property,
        limit_in_the_answer,
        limit_in_a_part_of_the_answer,
    ],
)
def test_the_largest_file(drive: Drive, change: Change) -> None:
    mock = drive(change)
    assert refused(mock.form(content=b"12345678901"), 400, "File too large")
    assert mock.files() == []
    assert mock.form(content=b"1234567890").status_code == 200


@pytest.mark.parametrize("change", [limit_in_settings, limit_in_the_answer])
def test_the_largest_file_of_all_uploads(drive: Drive, change: Change) -> None:
    mock = drive(change)
    body = {"uploadPath": "a", "base64Data": "MTIzNDU2Nzg5MDE="}
    assert refused(mock.json(BASE64, body), 400, "File too large")
    body = {"uploadPath": "a", "fileUrl": "https://example.com/a.png"}
    assert refused(mock.json(URL, body), 400, "File too large")
    assert mock.files() == []


def test_the_longest_base64_text(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        json_schema(document)["properties"]["base64Data"]["maxLength"] = 8

    mock = drive(change)

    def send(text: str) -> httpx2.Response:
        return mock.json(BASE64, {"uploadPath": "a", "base64Data": text})

    assert send("MTIzNDU2").status_code == 200
    for text in ("MTIzNDU2Nw==", " MTIzNDU2", "MTIz" * 1000):
        assert refused(send(text), 400, "File too large")


def test_the_shortest_file(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        form_schema(document)["properties"]["file"]["minLength"] = 3
        json_schema(document)["properties"]["base64Data"]["minLength"] = 8

    mock = drive(change)
    assert refused(mock.form(content=b"12"), 400, "Invalid parameter: file")
    assert mock.form(content=b"123").status_code == 200
    body = {"uploadPath": "a", "base64Data": "MTIz"}
    assert refused(mock.json(BASE64, body), 400, "Invalid parameter: base64Data")
    assert len(mock.files()) == 1


# Security


def use_api_key(where: str) -> Change:
    def change(document: dict[str, Any]) -> None:
        document["components"]["securitySchemes"] = {
            "key": {"type": "apiKey", "in": where, "name": "api_key"}
        }
        document["security"] = [{"key": []}]

    return change


@pytest.mark.parametrize("where", ["header", "query", "cookie"])
def test_an_api_key_in_place_of_bearer(drive: Drive, where: str) -> None:
    mock = drive(use_api_key(where))

    def send(key: str) -> httpx2.Response:
        headers = {"header": [("api_key", key)], "cookie": [("cookie", f"api_key={key}")]}
        query = f"?api_key={key}" if where == "query" else ""
        return mock.form(target=STREAM + query, headers=headers.get(where, []), key=None)

    text = "Authentication failed: Invalid API Key"
    assert send(DEFAULT_KEY).status_code == 200
    assert refused(send("wrong"), 401, text)
    assert refused(mock.form(), 401, text), "a bearer token is no longer asked for"
    assert mock.ask("GET", urlsplit(mock.files()[0]["downloadUrl"]).path, key=None).is_success


def test_one_open_operation(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        operation(document)["security"] = []

    mock = drive(change)
    assert mock.form(key=None).status_code == 200
    assert mock.json(BASE64, {"uploadPath": "a", "base64Data": ""}, key=None).status_code == 401


def test_an_optional_key(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        operation(document)["security"] = [{"bearer": []}, {}]

    mock = drive(change)
    assert mock.form(key=None).status_code == 200
    assert mock.form().status_code == 200


# Behaviour that OpenAPI cannot say


def test_24_hours_of_life(drive: Drive) -> None:
    mock = drive(lambda document: document["x-mockkie"].update(retention="PT24H"))
    link = mock.form().json()["data"]["downloadUrl"]
    mock.advance("PT23H59M")
    assert mock.ask("GET", link, key=None).status_code == 200
    mock.advance("PT1M")
    answer = mock.ask("GET", link, key=None)
    assert refused(answer, 404, "File not found or expired")
    assert "1 days after its upload" in why(answer)


def test_another_status_for_dead_links(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        document["x-mockkie"]["expiredLink"] = {"status": 410}
        document["x-mockkie"]["unknownLink"] = {"status": 403}

    mock = drive(change)
    link = mock.form().json()["data"]["downloadUrl"]
    mock.advance("P3D")
    assert refused(mock.ask("GET", link, key=None), 410, "File not found or expired")
    assert refused(mock.ask("GET", link + "x", key=None), 403, "File not found or expired")


@pytest.mark.parametrize("value", [None, "no-store"])
def test_another_cache_control_of_downloads(drive: Drive, value: str | None) -> None:
    mock = drive(lambda document: document["x-mockkie"].update(cacheControl=value))
    answer = mock.ask("GET", mock.form().json()["data"]["downloadUrl"], key=None)
    assert (answer.status_code, answer.headers.get("Cache-Control")) == (200, value)


def test_a_profile_lies_over_the_settings(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        document["x-mockkie"]["profiles"]["mine"] = {"limits": {"fileSize": 1}}

    assert drive(change, profile="mine").form(content=b"12").status_code == 400
    assert drive(change).form(content=b"12").status_code == 200


# Texts and statuses


def test_other_texts(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        responses = document["components"]["responses"]
        bad = responses["BadRequest"]["content"][JSON]["examples"]
        bad["missing-parameter"] = example(
            "uploadPath fehlt; bitte uploadPath angeben",
            400,
            **{"x-mockkie": {"parameter": "uploadPath"}},
        )
        responses["Unauthorized"]["content"][JSON]["examples"]["invalid-api-key"] = example(
            "Wer da?", 401
        )
        good = responses["Uploaded"]["content"][JSON]["examples"]["uploaded"]["value"]
        good["msg"] = "Angekommen"

    mock = drive(change)
    assert refused(mock.form(content=None), 400, "file fehlt; bitte file angeben")
    assert refused(mock.form({}), 400, "uploadPath fehlt; bitte uploadPath angeben")
    assert refused(mock.form(key=None), 401, "Wer da?")
    assert mock.form().json()["msg"] == "Angekommen"


def test_an_example_without_a_name_speaks_for_its_status(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        content = document["components"]["responses"]["Unauthorized"]["content"][JSON]
        del content["examples"]
        content["example"] = example("No entry", 401)["value"]

    assert refused(drive(change).form(key=None), 401, "No entry")


def test_an_answer_without_an_example_is_made_of_its_schema(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        del document["components"]["responses"]["Uploaded"]["content"][JSON]["examples"]
        schema = document["components"]["schemas"]["UploadAnswer"]
        schema["properties"]["msg"]["default"] = "Fine"

    answer = drive(change).form()
    assert (answer.status_code, answer.json()["msg"]) == (200, "Fine")
    assert answer.json()["data"]["fileSize"] == len(b"content")


def test_an_error_moved_to_another_status(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        bad = document["components"]["responses"]["BadRequest"]["content"][JSON]["examples"]
        del bad["file-too-large"]
        answer = {"schema": REFUSAL, "examples": {"file-too-large": example("Too big", 413)}}
        operation(document)["responses"]["413"] = {"description": "", "content": {JSON: answer}}
        document["x-mockkie"]["limits"]["fileSize"] = 1

    assert refused(drive(change).form(), 413, "Too big")


def test_another_status_of_success(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        responses = operation(document)["responses"]
        responses["201"] = responses.pop("200")

    answer = drive(change).form()
    assert answer.status_code == 201
    assert answer.json()["success"] is True


def test_an_answer_that_breaks_the_contract_does_not_leave(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        schema = document["components"]["schemas"]["UploadedFile"]
        schema["properties"]["filePath"]["maxLength"] = 4

    mock = drive(change)
    answer = mock.form({"uploadPath": "a", "fileName": "long"})
    assert refused(answer, 500, "Internal server error")
    assert "openapi.yaml:" in why(answer)
    assert mock.form({"uploadPath": "a", "fileName": "ok"}).status_code == 200


# Paths


def test_an_operation_on_another_path(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        document["paths"]["/v2/files"] = document["paths"].pop(STREAM)

    mock = drive(change)
    assert mock.form(target="/v2/files").status_code == 200
    assert refused(mock.form(), 404, "Not found")


def test_an_operation_with_another_method(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        item = document["paths"][STREAM]
        item["put"] = item.pop("post")

    mock = drive(change)
    answer = mock.form()
    assert refused(answer, 405, "Method not allowed")
    assert answer.headers["allow"] == "PUT"
    body = form_of(text_part("uploadPath", "a"), file_part(b"x"))
    assert mock.ask("PUT", STREAM, body, FORM).status_code == 200


@pytest.mark.parametrize(
    ("servers", "prefix"),
    [
        ([{"url": "https://example.com/base/v1/"}], "/base/v1"),
        ([{"url": "/v2"}], "/v2"),
        (
            [
                {
                    "url": "https://{h}/{v}",
                    "variables": {"h": {"default": "x"}, "v": {"default": "3"}},
                }
            ],
            "/3",
        ),
    ],
)
def test_servers_with_a_path(drive: Drive, servers: list[Any], prefix: str) -> None:
    mock = drive(lambda document: document.update(servers=servers))
    assert refused(mock.form(), 404, "Not found")
    answer = mock.form(target=prefix + STREAM)
    assert answer.status_code == 200
    assert mock.ask("GET", answer.json()["data"]["downloadUrl"], key=None).content == b"content"


def test_a_path_with_a_placeholder(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        item = document["paths"].pop(STREAM)
        item["parameters"] = [
            {
                "name": "team",
                "in": "path",
                "required": True,
                "schema": {"type": "integer", "maximum": 9},
            }
        ]
        document["paths"]["/teams/{team}/files"] = item

    mock = drive(change)
    assert mock.form(target="/teams/7/files").status_code == 200
    for team in ("10", "x"):
        answer = mock.form(target=f"/teams/{team}/files")
        assert refused(answer, 400, "Invalid parameter: team")


# Operations that mockkie has no handler for

CREDIT = {
    "operationId": "get-credit",
    "responses": {
        "200": {
            "description": "",
            "content": {
                JSON: {
                    "schema": {"type": "object", "required": ["code", "msg", "data"]},
                    "examples": {
                        "plenty": {"value": {"code": 200, "msg": "success", "data": 100}},
                        "none": {"value": {"code": 200, "msg": "success", "data": 0}},
                    },
                }
            },
        },
        "402": {
            "description": "",
            "content": {JSON: {"example": {"code": 402, "msg": "Insufficient Credits"}}},
        },
        "5XX": {"description": "", "content": {"text/plain": {"example": "Sörry"}}},
    },
}
TASK = {
    "operationId": "create-task",
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {
                    "type": "object",
                    "required": ["model"],
                    "properties": {
                        "model": {"type": "string", "enum": ["a", "b"]},
                        "input": {"type": ["object", "null"], "maxProperties": 1},
                    },
                }
            }
        },
    },
    "responses": {
        "200": {
            "description": "",
            "content": {JSON: {"schema": {"$ref": "#/components/schemas/Task"}}},
        },
        "204": {"description": "", "content": {JSON: {"example": "never sent"}}},
        "default": {"description": "", "content": {JSON: {"example": {"msg": "Odd"}}}},
    },
}
TASK_SCHEMA = {
    "type": "object",
    "required": ["code", "data", "extra"],
    "properties": {
        "code": {"const": 200},
        "next": {"$ref": "#/components/schemas/Task"},
        "data": {
            "allOf": [
                {"type": "object", "properties": {"taskId": {"type": "string", "minLength": 9}}},
                {"required": ["count"], "properties": {"count": {"type": "integer", "minimum": 5}}},
            ]
        },
    },
}


def add_operations(document: dict[str, Any]) -> None:
    document["paths"]["/api/v1/chat/credit"] = {"get": copy.deepcopy(CREDIT)}
    document["paths"]["/api/v1/jobs/createTask"] = {"post": copy.deepcopy(TASK)}
    document["components"]["schemas"]["Task"] = TASK_SCHEMA


def test_an_unknown_operation_answers_from_its_examples(drive: Drive) -> None:
    mock = drive(add_operations)
    assert mock.mock.from_examples == ["create-task", "get-credit"]

    def ask(prefer: str | None = None, **options: Any) -> httpx2.Response:
        headers = [] if prefer is None else [("prefer", prefer)]
        return mock.ask("GET", "/api/v1/chat/credit", headers=headers, **options)

    assert ask().json() == {"code": 200, "msg": "success", "data": 100}
    assert ask("example=none").json()["data"] == 0
    assert ask('respond-async, EXAMPLE="none"').json()["data"] == 0
    poor = ask("code=402")
    assert (poor.status_code, poor.json()["msg"]) == (402, "Insufficient Credits")
    broken = ask("code=503")
    assert (broken.status_code, broken.text) == (503, "Sörry")
    assert broken.headers["content-type"] == "text/plain"
    assert refused(ask(key=None), 401, "Authentication failed: Invalid API Key")


@pytest.mark.parametrize(
    ("prefer", "hint"),
    [
        ("code=418", "200, 402, 5XX"),
        ("code=99999", "200, 402, 5XX"),
        ("code=\uff15\uff10\uff13", "200, 402, 5XX"),
        ("code=5", "200, 402, 5XX"),
        ("code=x", "200, 402, 5XX"),
        ("example=nope", "plenty, none"),
        ("code=402, example=plenty", "default"),
    ],
)
def test_unknown_wishes_are_refused(drive: Drive, prefer: str, hint: str) -> None:
    mock = drive(add_operations)
    headers = [("prefer", prefer.encode().decode("latin-1"))]
    answer = mock.ask("GET", "/api/v1/chat/credit", headers=headers)
    assert refused(answer, 400, "Invalid parameter: Prefer")
    assert hint in why(answer)


def test_an_unknown_operation_answers_from_its_schema(drive: Drive) -> None:
    mock = drive(add_operations)
    path = "/api/v1/jobs/createTask"
    answer = mock.json(path, {"model": "a", "input": None})
    assert answer.json() == {
        "code": 200,
        "data": {"taskId": "stringxxx", "count": 5},
        "extra": None,
    }
    model = {"model": "a"}
    answer = mock.json(path, model, headers=[("prefer", "code=204")])
    assert (answer.status_code, answer.content) == (204, b"")
    answer = mock.json(path, model, headers=[("prefer", "code=418")])
    assert (answer.status_code, answer.json()) == (418, {"msg": "Odd"})
    for code in ("99999", "600", "101", "099", "-1"):
        answer = mock.json(path, model, headers=[("prefer", f"code={code}")])
        assert refused(answer, 400, "Invalid parameter: Prefer")
    assert refused(mock.json(path, {}), 400, "Missing required parameter: model")
    assert refused(mock.json(path, {"model": "c"}), 400, "Invalid parameter: model")
    wrong = {"model": "a", "input": {"x": 1, "y": 2}}
    assert refused(mock.json(path, wrong), 400, "Invalid parameter: input")
    assert refused(
        mock.json(path, {"model": "a"}, key="no"), 401, "Authentication failed: Invalid API Key"
    )
    assert refused(
        mock.ask("POST", path, b"model=a", "text/plain"), 400, "Unsupported content type"
    )
    assert refused(mock.ask("POST", path, b"{", JSON), 400, "Malformed request body")
    assert refused(mock.ask("POST", path), 400, "Missing required parameter: model")


def test_a_body_that_is_no_object(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        add_operations(document)
        task = document["paths"]["/api/v1/jobs/createTask"]["post"]
        schema = {"type": "array", "items": {"type": "integer"}, "minItems": 1}
        task["requestBody"]["content"] = {"application/vnd.x+json; v=1": {"schema": schema}}

    mock = drive(change)
    path, media = "/api/v1/jobs/createTask", "application/vnd.x+json"
    assert mock.ask("POST", path, b"[1, 2]", media).status_code == 200
    for body in (b"[]", b'["1"]', b"{}", b"null", b"1"):
        assert mock.ask("POST", path, body, media).status_code == 400
    assert refused(mock.ask("POST", path, b"[", media), 400, "Malformed request body")
    deep = b"[" * 600 + b"]" * 600
    assert mock.ask("POST", path, deep, media).status_code == 400
    large = b"[" + b"1," * 600_000 + b"1]"
    assert refused(mock.ask("POST", path, large, media), 400, "Malformed request body")


def test_an_unknown_operation_with_a_form(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        add_operations(document)
        task = document["paths"]["/api/v1/jobs/createTask"]["post"]
        schema = {
            "required": ["photo"],
            "properties": {"photo": {"type": "string", "format": "binary"}},
        }
        task["requestBody"]["content"] = {"multipart/form-data": {"schema": schema}}

    mock = drive(change)
    path = "/api/v1/jobs/createTask"
    body = form_of(file_part(b"x", "photo"))
    assert mock.ask("POST", path, body, FORM).json()["code"] == 200
    body = form_of(file_part(b"x", "video"))
    assert refused(mock.ask("POST", path, body, FORM), 400, "Missing required parameter: photo")
    assert mock.files() == []


def test_a_body_may_be_optional(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        add_operations(document)
        del document["paths"]["/api/v1/jobs/createTask"]["post"]["requestBody"]["required"]

    mock = drive(change)
    path = "/api/v1/jobs/createTask"
    assert mock.ask("POST", path).status_code == 200
    assert mock.ask("POST", path, b"", JSON).status_code == 200
    assert mock.json(path, {}).status_code == 400


def test_an_answer_that_cannot_be_made_says_so(drive: Drive) -> None:
    def change(document: dict[str, Any]) -> None:
        add_operations(document)
        document["components"]["schemas"]["Task"] = {"type": "string", "pattern": "^[0-9]{9}$"}

    answer = drive(change).json("/api/v1/jobs/createTask", {"model": "a"})
    assert refused(answer, 500, "Internal server error")
    assert "create-task" in why(answer)


# The same in JSON


def test_a_json_document(tmp_path: Path) -> None:
    document = yaml.safe_load(edited(tmp_path).read_text(encoding="utf-8"))
    document["info"]["title"] = 'Emoji "😀" \\ud83d'
    document["x-mockkie"]["retention"] = "PT1H"
    responses = document["components"]["responses"]
    responses["Uploaded"]["content"][JSON]["examples"]["uploaded"]["value"]["msg"] = "😀"
    form_schema(document)["properties"]["share"] = {"type": "number", "maximum": 0.5}
    path = tmp_path / "openapi.json"
    for indent, encoding in ((None, "utf-8"), (2, "utf-8-sig"), ("\t", "utf-8")):
        text = json.dumps(document, indent=indent).replace("0.5", "5E-1")
        path.write_text(text, encoding=encoding)
        with inside(contract=path) as mock:
            answer = mock.form()
            assert answer.json()["msg"] == "😀"
            assert mock.form({"uploadPath": "a", "share": "0.7"}).status_code == 400
            mock.advance("PT1H")
            assert mock.ask("GET", answer.json()["data"]["downloadUrl"]).status_code == 404


def test_what_is_shipped_is_the_default(tmp_path: Path) -> None:
    with inside() as shipped, inside(contract=edited(tmp_path)) as same:
        for mock in (shipped, same):
            assert mock.mock.from_examples == mock.mock.not_served == []
            assert mock.form().json()["msg"] == at(
                same.mock.service.contract.document.root,
                *("components", "responses", "Uploaded", "content", JSON),
                *("examples", "uploaded", "value", "msg"),
            )
