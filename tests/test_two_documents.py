"""Several documents, one mock: each keeps its own texts, and errors name the right file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from mockkie.build import read_contract
from mockkie.contract import shipped
from mockkie.source import DocumentError
from tests.inside import STREAM, Change, edited, inside, json_schema, refused, why

CREATE, RECORD = "/api/v1/jobs/createTask", "/api/v1/jobs/recordInfo"
TASK = {"model": "m", "input": {}}
ERROR = {"type": "object", "required": ["code", "msg"]}


def jobs(folder: Path, *changes: Change) -> Path:
    """The path of jobs.yaml, changed."""
    document = yaml.safe_load(shipped("jobs.yaml").read_text(encoding="utf-8"))
    for change in changes:
        change(document)
    path = folder / "other.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def small(folder: Path, **more: Any) -> Path:
    """A document of one operation, which no handler knows."""
    unauthorized = {"code": 401, "msg": "Who are you?"}
    answers = {
        "200": {"description": "", "content": {"application/json": {"example": {"hello": 1}}}},
        "401": {
            "description": "",
            "content": {"application/json": {"schema": ERROR, "example": unauthorized}},
        },
    }
    document = {
        "openapi": "3.1.0",
        "info": {"title": "", "version": ""},
        "security": [{"key": []}],
        "paths": {"/hello": {"get": {"operationId": "hello", "responses": answers}}},
        "components": {
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Hello"}}
        },
        **more,
    }
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def test_without_a_document_both_are_served() -> None:
    with inside() as mock:
        assert mock.mock.from_examples == mock.mock.not_served == []
        assert mock.form().status_code == 200
        assert mock.json(CREATE, TASK).json()["code"] == 200
        assert mock.mock.service.contract.beside == [str(shipped("jobs.yaml"))]


def test_one_document_is_served_alone(tmp_path: Path) -> None:
    with inside(contract=shipped()) as mock:
        assert mock.mock.from_examples == mock.mock.not_served == []
        assert mock.form().status_code == 200
        assert refused(mock.json(CREATE, TASK), 404, "Not found")
    with inside(contract=[jobs(tmp_path)]) as mock:
        assert mock.json(CREATE, TASK).json()["code"] == 200
        assert mock.form().json()["code"] == 404
        assert mock.mock.not_served == [
            *("download-file", "inspect-file", "upload-file-base64"),
            *("upload-file-stream", "upload-file-url"),
        ]


def test_any_document_may_stand_beside(tmp_path: Path) -> None:
    with inside(contract=[shipped(), shipped("jobs.yaml"), small(tmp_path)]) as mock:
        assert mock.mock.from_examples == ["hello"]
        nobody = mock.ask("GET", "/hello", key=None)
        assert (nobody.status_code, nobody.json()["msg"]) == (401, "Who are you?")
        key = [("x-hello", "kie-mock-key")]
        assert mock.ask("GET", "/hello", key=None, headers=key).json() == {"hello": 1}
        entries = mock.ask("GET", "/__mockkie/journal").json()["entries"]
        assert "kie-mock-key" not in str(entries), "keys of all documents are secret"
        assert len(mock.mock.service.contract.beside) == 2


def test_each_document_has_its_own_transport_and_limits(tmp_path: Path) -> None:
    def first(document: dict[str, Any]) -> None:
        document["x-mockkie"]["limits"]["jsonSize"] = 100
        document["x-mockkie"]["cors"]["uploads"] = "https://uploads.example"

    def second(document: dict[str, Any]) -> None:
        document["x-mockkie"]["cors"]["uploads"] = None

    with inside(contract=[edited(tmp_path, first), jobs(tmp_path, second)]) as mock:
        long = {"uploadPath": "a", "fileUrl": "https://x.example/" + "a" * 200}
        refusal = mock.json("/api/file-url-upload", long)
        assert refused(refusal, 400, "Malformed request body")
        assert refusal.headers["access-control-allow-origin"] == "https://uploads.example"
        task = mock.json(CREATE, {"model": "m" * 200, "input": {}})
        assert task.json()["code"] == 200
        assert "access-control-allow-origin" not in task.headers
        asked = [("origin", "https://x.example"), ("access-control-request-method", "POST")]
        assert mock.ask("OPTIONS", CREATE, headers=asked).json()["code"] == 405
        assert mock.ask("OPTIONS", STREAM, headers=asked).status_code == 204


def test_a_diagnosis_names_the_file_that_says_so(tmp_path: Path) -> None:
    path = jobs(tmp_path)
    with inside(contract=[shipped(), path]) as mock:
        assert f"{path}:" in why(mock.json(CREATE, {"model": 1, "input": {}}))
        assert "openapi.yaml:" in why(mock.form({"uploadPath": "/"}))


def test_an_answer_that_breaks_its_document_is_a_500_and_nothing_is_kept(tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        success = document["paths"][CREATE]["post"]["responses"]["200"]
        data = success["content"]["application/json"]["schema"]["properties"]["data"]
        data["required"].append("recordId")
        del document["paths"][CREATE]["post"]["responses"]["500"]  # it is among the components

    path = jobs(tmp_path, change)
    with inside(contract=[shipped(), path]) as mock:
        answer = mock.json(CREATE, TASK)
        assert answer.json() == {"code": 500, "msg": "Internal server error", "data": None}
        assert f"{path}:" in why(answer)
        assert mock.ask("GET", "/api/v1/chat/credit").json()["data"] == 1_000


def test_a_profile_counts_where_it_is_known(tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        document["x-mockkie"]["profiles"] = {"observed": {"tasks": {"credits": 5}}}

    with inside(profile="observed") as mock:
        assert "/kieai/" in mock.form().json()["data"]["downloadUrl"]
        assert mock.ask("GET", "/api/v1/chat/credit").json()["data"] == 1_000
    with inside(contract=[shipped(), jobs(tmp_path, change)], profile="observed") as mock:
        assert mock.ask("GET", "/api/v1/chat/credit").json()["data"] == 5


def test_an_overlay_is_about_the_first_document(tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(
        "overlay: 1.0.0\ninfo: {title: '', version: ''}\n"
        "actions: [{target: $.x-mockkie, update: {tasks: {credits: 7}, retention: PT1H}}]\n"
    )
    with inside(overlay=overlay) as mock:
        assert mock.ask("GET", "/api/v1/chat/credit").json()["data"] == 1_000
        assert mock.mock.service.settings.retention == 3_600_000
    with inside(contract=jobs(tmp_path), overlay=overlay) as mock:
        assert mock.ask("GET", "/api/v1/chat/credit").json()["data"] == 7


def drop_example(document: dict[str, Any]) -> None:
    success = document["paths"][RECORD]["get"]["responses"]["200"]
    del success["content"]["application/json"]["examples"]["generating"]


def drop_parameter(document: dict[str, Any]) -> None:
    del document["paths"][RECORD]["get"]["parameters"]


def input_is_text(document: dict[str, Any]) -> None:
    json_schema(document, CREATE)["properties"]["input"]["type"] = "string"


def url_is_optional(document: dict[str, Any]) -> None:
    json_schema(document, "/api/v1/common/download-url")["required"] = []


def task_is_a_form(document: dict[str, Any]) -> None:
    content = document["paths"][CREATE]["post"]["requestBody"]["content"]
    content["multipart/form-data"] = content.pop("application/json")


def setting(**tasks: Any) -> Change:
    return lambda document: document["x-mockkie"]["tasks"].update(tasks)


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (drop_example, "needs an example 'generating'"),
        (drop_parameter, "needs the query parameter 'taskId'"),
        (input_is_text, "needs 'input' in application/json, required and of `type: object`"),
        (url_is_optional, "needs 'url'"),
        (task_is_a_form, "needs 'model' in application/json"),
        (setting(states={"waiting": "soon", "generating": "PT1S"}), "'soon' is not an ISO 8601"),
        (setting(states={}), "cannot be used"),
        (setting(resultLink="P1Y"), "'P1Y' is not an ISO 8601"),
        (setting(credits=-1), "cannot be used"),
        (setting(result="a/b.png"), "cannot be used"),
        (setting(colour="red"), "cannot be used"),
        (lambda document: document["x-mockkie"].update(retention="P1D"), "of the whole mock"),
        (
            lambda document: document["x-mockkie"].update(profiles={"p": {"urlName": "url"}}),
            "'urlName' is of the whole mock",
        ),
        (
            lambda document: document["x-mockkie"].update(
                profiles={"p": {"tasks": {"temporaryLink": "1"}}}
            ),
            "'1' is not an ISO 8601",
        ),
        (
            lambda document: document["paths"].update({STREAM: document["paths"].pop(CREATE)}),
            f"POST {STREAM} too",
        ),
        (
            lambda document: document["paths"][CREATE]["post"].update(
                operationId="upload-file-url"
            ),
            "has an operation 'upload-file-url' too",
        ),
        (lambda document: document.update(colour="red"), "'colour' is not supported"),
    ],
)
def test_what_is_wrong_with_the_second_document_is_said_with_its_place(
    tmp_path: Path, change: Change, hint: str
) -> None:
    path = jobs(tmp_path, change)
    with pytest.raises(DocumentError) as caught, inside(contract=[shipped(), path]):
        pass
    message = str(caught.value)
    assert message.startswith(f"{path}:")
    assert hint in message


def test_two_documents_may_share_a_path(tmp_path: Path) -> None:
    other = small(tmp_path)
    text = other.read_text().replace("/hello:", f"{STREAM}:")
    other.write_text(text)
    contract = read_contract([shipped(), other])
    assert contract.route("GET", STREAM)[0].id == "hello"
    assert contract.route("POST", STREAM)[0].id == "upload-file-stream"


@pytest.mark.parametrize("by", ["option", "environment"])
def test_the_command_line_takes_several(tmp_path: Path, by: str) -> None:
    path = jobs(tmp_path, setting(colour="red"))
    words, env = [], dict(os.environ)
    if by == "option":
        words = ["--contract", str(shipped()), "--contract", str(path)]
    else:
        env["MOCKKIE_CONTRACT"] = os.pathsep.join([str(shipped()), str(path)])
    done = subprocess.run(
        [sys.executable, "-m", "mockkie", "serve", "--data", "memory:", *words],
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )
    assert done.returncode == 2
    assert f"{path}:" in done.stderr
