"""Whatever comes in: an answer in the envelope that says what to do, and nothing stored."""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import Message

from tests.inside import (
    BASE64,
    BOUNDARY,
    FORM,
    JSON,
    STREAM,
    URL,
    Inside,
    edited,
    file_part,
    form_of,
    inside,
    json_schema,
    refused,
    text_part,
    why,
)

CRLF = b"\r\n"
MALFORMED = "Malformed request body"
MISSING = "Missing required parameter: uploadPath"
INVALID = "Invalid parameter: uploadPath"
BASE64_TEXT = "Base64 decoding failed: Invalid Base64 format"
DATA = {"base64Data": "YQ==", "uploadPath": "a"}
SOURCE = {"fileUrl": "https://example.com/a.png", "uploadPath": "a"}
WAYS = ("form", "base64", "url")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store") / "data"


@pytest.fixture(scope="module")
def shared(folder: Path) -> Iterator[Inside]:
    with inside(data=folder) as mock:
        yield mock


@pytest.fixture
def mock(
    shared: Inside,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Inside]:
    """A mock on a disk that is left as it was found, without a word on the way."""
    assert shared.files() == []
    yield shared
    assert shared.files() == []
    assert left_over(folder) == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert capsys.readouterr().err == ""


def left_over(folder: Path) -> list[Path]:
    """The files of uploads that are on the disk, whether the store knows of them or not."""
    return [path for path in folder.rglob("*") if path.is_file() and path.parent != folder]


def upload(mock: Inside, way: str, **fields: Any) -> httpx2.Response:
    """An upload by one of three ways; a field of None is left out."""
    if way == "form":
        given = {"uploadPath": "a", **fields}
        return mock.form({name: text for name, text in given.items() if text is not None})
    target, body = (BASE64, {**DATA, **fields}) if way == "base64" else (URL, {**SOURCE, **fields})
    return mock.json(target, {name: value for name, value in body.items() if value is not None})


# Content types


@pytest.mark.parametrize(
    ("target", "wanted"), [(STREAM, "multipart/form-data"), (BASE64, JSON), (URL, JSON)]
)
@pytest.mark.parametrize(
    "content_type",
    [
        *("", "x", "/", ";", "text/plain", "application/x-www-form-urlencoded", "multipart/mixed"),
        *("application/jsonx", "application/problem+json", "*/*", "application/*", "\xff/\xff"),
    ],
)
def test_odd_content_types(mock: Inside, target: str, wanted: str, content_type: str) -> None:
    answer = mock.ask("POST", target, b"{}", content_type)
    assert refused(answer, 400, "Unsupported content type")
    assert f"send {wanted}" in why(answer)


@pytest.mark.parametrize("target", [STREAM, BASE64, URL])
def test_no_content_type_or_two(mock: Inside, target: str) -> None:
    answer = mock.ask("POST", target, b"{}")
    assert refused(answer, 400, "Unsupported content type")
    assert "no Content-Type" in why(answer)
    two = [("content-type", JSON), ("content-type", FORM)]
    answer = mock.ask("POST", target, b"{}", headers=two)
    assert refused(answer, 400, "Unsupported content type")
    assert "several" in why(answer)
    other = FORM if target != STREAM else JSON
    assert refused(mock.ask("POST", target, b"{}", other), 400, "Unsupported content type")


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "x"])
def test_encoded_bodies(mock: Inside, encoding: str) -> None:
    answer = mock.json(BASE64, DATA, headers=[("content-encoding", encoding)])
    assert refused(answer, 400, "Unsupported content type")
    assert "send it plain" in why(answer)


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", '"x"', "\xff"])
def test_json_in_another_charset(mock: Inside, charset: str) -> None:
    body = json.dumps(DATA).encode("utf-16")
    answer = mock.ask("POST", BASE64, body, f"{JSON}; charset={charset}")
    assert refused(answer, 400, "Unsupported content type")
    assert "UTF-8" in why(answer)


@pytest.mark.parametrize(
    ("target", "first"), [(STREAM, "file"), (BASE64, "base64Data"), (URL, "fileUrl")]
)
def test_no_body_at_all(mock: Inside, target: str, first: str) -> None:
    assert refused(mock.ask("POST", target), 400, f"Missing required parameter: {first}")


# JSON


@pytest.mark.parametrize("target", [BASE64, URL])
@pytest.mark.parametrize(
    "body",
    [
        *(b"[]", b"null", b"1", b'"a"', b"true", b"", b" ", b"{", b"}", b"{}{}", b"{'a': 1}"),
        *(b'{"a": NaN}', b'{"a": 1,}', b"\xef\xbb\xbf{}", b'{"a": "\xff"}', b'{"a": "\\ud800"}'),
        *(b'{"a": "\n"}', b"{" * 10_000, b"[" * 10_000, b'{"a":' * 10_000, b"\x00", b"// x\n{}"),
        *(b'{"uploadPath": "a"', b'{"uploadPath": "a', b'{"x": %s}' % (b"[" * 300 + b"]" * 300)),
        b'{"x": "%s"}' % (b"x" * 1_100_000),
        json.dumps(DATA).encode("utf-16"),
        b"--a-boundary\r\n",
    ],
)
def test_json_that_is_no_object(mock: Inside, target: str, body: bytes) -> None:
    assert refused(mock.ask("POST", target, body, JSON), 400, MALFORMED)


@pytest.mark.parametrize("value", [1, True, [], {}, ["YQ=="], 1.5])
@pytest.mark.parametrize("name", ["base64Data", "uploadPath", "fileName", "fileUrl"])
def test_values_of_a_wrong_type(mock: Inside, name: str, value: Any) -> None:
    body, target = (SOURCE, URL) if name == "fileUrl" else (DATA, BASE64)
    answer = mock.json(target, {**body, name: value})
    assert refused(answer, 400, f"Invalid parameter: {name}")
    assert name in why(answer)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        *((STREAM, name) for name in ("file", "uploadPath")),
        *((BASE64, name) for name in ("base64Data", "uploadPath")),
        *((URL, name) for name in ("fileUrl", "uploadPath")),
    ],
)
def test_what_is_required(mock: Inside, target: str, name: str) -> None:
    msg = f"Missing required parameter: {name}"
    if target == STREAM:
        content = None if name == "file" else b"x"
        fields = {} if name == "uploadPath" else {"uploadPath": "a"}
        assert refused(mock.form(fields, content), 400, msg)
        return
    body: dict[str, Any] = dict(DATA if target == BASE64 else SOURCE)
    assert refused(mock.json(target, {**body, name: None}), 400, msg)
    del body[name]
    answer = mock.json(target, body)
    assert refused(answer, 400, msg)
    assert f"{name} is missing or empty" in why(answer)


@pytest.mark.parametrize("way", WAYS)
def test_an_empty_path_is_a_missing_one(mock: Inside, way: str) -> None:
    assert refused(upload(mock, way, uploadPath=""), 400, MISSING)


@pytest.mark.parametrize("way", WAYS)
def test_an_empty_name_is_invalid_and_none_is_none(mock: Inside, way: str) -> None:
    assert refused(upload(mock, way, fileName=""), 400, "Invalid parameter: fileName")
    if way != "form":
        target, body = (BASE64, DATA) if way == "base64" else (URL, SOURCE)
        answer = mock.json(target, {**body, "fileName": None})
        assert answer.status_code == 200
        assert re.fullmatch(r"\d{13}-\w{11}\.bin|a\.png", answer.json()["data"]["fileName"])
    mock.ask("DELETE", "/__mockkie/files")


@pytest.mark.parametrize(
    "text",
    [
        *("=", "A", "AA", "AAA", "A===", "AA=", "AAA==", "AAAA=", "AA==A", "AB==", "A A", "-_-_"),
        *("YQ==\x00", "YQ==é", "data:", "data:,a", "data:text/plain,a", "data:;base64", "%59%51"),
        *("data:a/b;base64,A", "data:base64,YQ==", "data;base64,YQ==", "YQ=", "*", "YQ==YQ=="),
    ],
)
def test_bad_base64(mock: Inside, text: str) -> None:
    answer = mock.json(BASE64, {**DATA, "base64Data": text})
    assert refused(answer, 400, BASE64_TEXT)


@pytest.mark.parametrize(
    "url",
    [
        *("x", "/etc/passwd", "ftp://example.com/a", "file:///etc/passwd", "data:,a", "http:/a.b"),
        *("http://", "https://?", "//example.com/a", "http://a b/", " http://a.b", "http://a.b\n"),
        *("http://user@a.b/", "http://a.b:99x/", "http://[/", "javascript:alert(1)", "http://\x00"),
        "http://a.b/" + "x" * 9_000,
    ],
)
def test_urls_that_are_none(mock: Inside, url: str) -> None:
    assert refused(upload(mock, "url", fileUrl=url), 400, "Invalid parameter: fileUrl")


# Paths and names


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "path",
    [
        *("/", "//", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/./b", "a/../../b", "./a"),
        *("a\x00", "\x00", "a\nb", "a\r\nb", "a\x1fb", "a\x7fb", "\t", "a/\x01/b"),
        *("x" * 4_000, "a/" * 2_000 + "a", "é" * 1_025),
    ],
)
def test_paths_that_cannot_be(mock: Inside, way: str, path: str) -> None:
    answer = upload(mock, way, uploadPath=path)
    assert refused(answer, 400, INVALID)
    assert "openapi.yaml:" in why(answer)
    assert len(why(answer)) <= 1_000


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "name",
    [
        *("/", "a/b", "/a", "a/", ".", "..", "../a", "a\x00b", "\x00", "a\nb", "\x1b[31m", "\x7f"),
        *("x" * 256, "x" * 4_000),
    ],
)
def test_names_that_cannot_be(mock: Inside, way: str, name: str) -> None:
    assert refused(upload(mock, way, fileName=name), 400, "Invalid parameter: fileName")


# Methods and targets


@pytest.mark.parametrize("target", [STREAM, BASE64, URL])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "BREW"])
def test_other_methods(mock: Inside, target: str, method: str) -> None:
    for key in ("kie-mock-key", None):
        answer = mock.ask(method, target, key=key)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "POST"
        assert answer.headers["content-type"] == JSON
        assert "takes POST" in why(answer)
        if method != "HEAD":
            assert refused(answer, 405, "Method not allowed")


@pytest.mark.parametrize(
    "target",
    [
        *("/", "/api", "/api/", STREAM + "/", "/" + STREAM, STREAM + "x", STREAM.upper()),
        *("/api//file-stream-upload", "/%", "/%zz", "/%00", "/%ff", "/api%2Ffile-stream-uploads"),
        *("/a" * 2_000, "/../api", "/.", "/api/file-stream-upload;x=1"),
    ],
)
def test_other_paths(mock: Inside, target: str) -> None:
    for method in ("POST", "GET", "DELETE"):
        answer = mock.ask(method, target)
        assert answer.status_code in (404, 405)
        text = answer.json()["msg"]
        assert refused(answer, answer.status_code, text)


@pytest.mark.parametrize("key", [None, "", "wrong", "kie-mock-ke", "kie-mock-key ä"])
@pytest.mark.parametrize("target", [STREAM, BASE64, URL])
def test_the_key_is_judged_before_all_else(mock: Inside, target: str, key: str | None) -> None:
    for content_type, body in ((FORM, b"garbage"), (JSON, b"{"), (None, b""), ("x", b"y")):
        answer = mock.ask("POST", target, body, content_type, key=key)
        assert refused(answer, 401, "Authentication failed: Invalid API Key")


# Sizes


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("way", ["form", "base64", "text"])
def test_a_body_over_the_limit_is_not_read_to_its_end_first(
    tmp_path: Path, way: str, *, announced: bool
) -> None:
    def change(document: dict[str, Any]) -> None:
        if way == "text":
            json_schema(document)["properties"]["base64Data"]["maxLength"] = 130_000
        else:
            document["x-mockkie"]["limits"]["fileSize"] = 100_000

    if way == "form":
        target, media, tail = STREAM, FORM, b"".join((CRLF, b"--", BOUNDARY.encode(), b"--"))
        head = form_of(text_part("uploadPath", "a"), file_part(b"@")).partition(b"@")[0]
    else:
        target, media, head, tail = BASE64, JSON, b'{"base64Data": "', b'", "uploadPath": "a"}'
    pieces = [head, *[b"A" * 40_000] * 50, tail]
    headers = [(b"authorization", b"Bearer kie-mock-key"), (b"content-type", media.encode())]
    if announced:
        headers.append((b"content-length", str(sum(map(len, pieces))).encode()))
    with inside(contract=edited(tmp_path, change), data=tmp_path / "data") as mock:
        sent, read = mock.run(raw(mock, target, headers, pieces))
        assert (sent[0]["type"], sent[0]["status"]) == ("http.response.start", 400)
        answer = json.loads(sent[1]["body"])
        assert answer == {"success": False, "code": 400, "msg": "File too large"}
        assert read < 6, "the answer goes out as soon as it is known"
        assert mock.files() == []
        assert left_over(tmp_path / "data") == []


@pytest.mark.parametrize("way", ["form", "base64", "url"])
def test_a_client_that_goes_away(mock: Inside, way: str) -> None:
    target, media = {"form": (STREAM, FORM), "base64": (BASE64, JSON), "url": (URL, JSON)}[way]
    whole = {
        "form": form_of(text_part("uploadPath", "a"), file_part(b"content" * 1_000)),
        "base64": json.dumps({**DATA, "base64Data": "YWFh" * 1_000}).encode(),
        "url": json.dumps(SOURCE).encode(),
    }[way]
    headers = [(b"authorization", b"Bearer kie-mock-key"), (b"content-type", media.encode())]
    for cut in range(0, len(whole), max(len(whole) // 20, 1)):
        sent, _ = mock.run(raw(mock, target, headers, [whole[:cut]], gone=True))
        assert sent == []
        assert mock.files() == []
    entries = mock.ask("GET", "/__mockkie/journal").json()["entries"]
    assert entries[-1]["decision"] == "aborted"


async def raw(
    mock: Inside,
    target: str,
    headers: list[tuple[bytes, bytes]],
    pieces: list[bytes],
    *,
    gone: bool = False,
) -> tuple[list[Message], int]:
    """What a request is answered with, and how many pieces had been read when it was."""
    left, read = list(pieces), [0, 0]
    sent: list[Message] = []

    async def receive() -> Message:
        if not left:
            return {"type": "http.disconnect"}
        read[0] += 1
        more = len(left) > 1 or gone
        return {"type": "http.request", "body": left.pop(0), "more_body": more}

    async def send(message: Message) -> None:
        if not sent:
            read[1] = read[0]
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": target,
        "raw_path": target.encode(),
        "query_string": b"",
        "headers": [(b"host", b"mock.test"), *headers],
        "server": ("mock.test", 80),
    }
    await mock.mock(scope, receive, send)
    return sent, read[1]


def test_ten_thousand_parts(mock: Inside) -> None:
    body = form_of(*[text_part(f"x{number}", "") for number in range(10_000)])
    answer = mock.ask("POST", STREAM, body, FORM)
    assert refused(answer, 400, MALFORMED)
    assert "64 parts" in why(answer)


def test_a_huge_text_field(mock: Inside) -> None:
    answer = mock.form({"uploadPath": "x" * 5_000_000})
    assert refused(answer, 400, INVALID)
    assert "65,536 bytes" in why(answer)


def test_the_file_as_a_text_field(mock: Inside) -> None:
    answer = mock.form({"uploadPath": "a", "file": "text"}, None)
    assert refused(answer, 400, "Invalid parameter: file")
    assert "curl: -F file=@photo.jpg" in why(answer)


# Garbage

anything = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
TARGETS = {STREAM: FORM, BASE64: JSON, URL: JSON}
VALID = {
    STREAM: form_of(
        text_part("uploadPath", "a/b"), file_part(b"content"), text_part("fileName", "n")
    ),
    BASE64: json.dumps(
        {"base64Data": "data:a/b;base64,Y29u\ndGVudA==", "uploadPath": "a/b", "fileName": "n"}
    ).encode(),
    URL: json.dumps({**SOURCE, "fileName": None}).encode(),
}
PIECES = st.binary(max_size=4) | st.sampled_from(
    [
        *(b"\r\n", b"\n", b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",", b"=", b"-", b"null"),
        *(b"--a-boundary", b"--a-boundary--", b"\\u0000", b"\\ud83d", b"\xc3", b"..", b"/", b"%"),
        *(b'"fileName": 1,', b'"uploadPath":"z",', b"Content-", b"name=", b"filename=x", b";"),
    ]
)


def judged(mock: Inside, answer: httpx2.Response) -> list[bytes]:
    """The bytes that an answer of 200 stored; otherwise it is a refusal, and nothing is there."""
    files = mock.files()
    contents = [mock.ask("GET", file["downloadUrl"], key=None).content for file in files]
    mock.ask("DELETE", "/__mockkie/files")
    if answer.status_code == 200:
        data = answer.json()["data"]
        assert [(file["filePath"], file["fileSize"]) for file in files] == [
            (data["filePath"], data["fileSize"])
        ]
        assert [len(content) for content in contents] == [data["fileSize"]]
    else:
        assert files == []
        assert answer.status_code == 400
        assert refused(answer, 400, answer.json()["msg"])
    return contents


@anything
@given(
    target=st.sampled_from(list(TARGETS)),
    body=st.binary(max_size=300) | st.lists(PIECES).map(b"".join),
)
def test_garbage(mock: Inside, target: str, body: bytes) -> None:
    assert judged(mock, mock.ask("POST", target, body, TARGETS[target])) == []


@st.composite
def mutants(draw: st.DrawFn, body: bytes) -> bytes:
    """A body with a few pieces replaced, moved or doubled."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        stop = draw(st.integers(start, min(start + 20, len(body))))
        piece = draw(PIECES | st.just(body[start:stop] * 2))
        body = body[:start] + piece + body[stop:]
    return body


@anything
@given(body=mutants(VALID[STREAM]))
def test_forms_that_are_nearly_right(mock: Inside, body: bytes) -> None:
    for content in judged(mock, mock.ask("POST", STREAM, body, FORM)):
        assert content in parts_of(body)


@anything
@given(body=mutants(VALID[BASE64]))
def test_base64_that_is_nearly_right(mock: Inside, body: bytes) -> None:
    for content in judged(mock, mock.ask("POST", BASE64, body, JSON)):
        text = json.loads(body)["base64Data"]
        plain = text.partition(",")[2] if text[:5].lower() == "data:" else text
        assert content == base64.b64decode("".join(plain.split()), validate=True)


@anything
@given(body=mutants(VALID[URL]))
def test_urls_that_are_nearly_right(mock: Inside, body: bytes) -> None:
    contents = judged(mock, mock.ask("POST", URL, body, JSON))
    assert len(contents) <= 1
    if contents:
        assert json.loads(body)["fileUrl"].lower().startswith("http")


@anything
@given(
    path=st.text(max_size=12),
    name=st.none() | st.text(max_size=12),
    content=st.binary(max_size=20),
    way=st.sampled_from(["form", "base64"]),
)
def test_any_path_and_name(
    mock: Inside, path: str, name: str | None, content: bytes, way: str
) -> None:
    fields = {"uploadPath": path} | ({} if name is None else {"fileName": name})
    if way == "form":
        answer = mock.form(fields, content)
    else:
        encoded = base64.b64encode(content).decode()
        answer = mock.json(BASE64, {"base64Data": encoded, **fields})
    for stored in judged(mock, answer):
        assert stored == content
        assert answer.json()["data"]["filePath"].startswith(f"{path}/{name or ''}")


def parts_of(body: bytes) -> list[bytes]:
    """The contents of a form's parts, by RFC 2046 and nothing else."""
    found = []
    for part in (CRLF + body).split(CRLF + b"--" + BOUNDARY.encode())[1:]:
        if part.startswith(b"--"):
            break
        found.append(part.removeprefix(CRLF).partition(CRLF + CRLF)[2])
    return found
