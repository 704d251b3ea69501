"""What is refused, in which form, and that it changes nothing."""

from __future__ import annotations

from typing import Any, Final

import pytest

from mockkie.harness.target import Target

from .calls import BASE64, GONE, STREAM, URL, accepted, as_stream, body_of, expect, reads, refused

KEPT: Final = b"kept as it is"
GOOD: Final = "aGVsbG8="
PNG: Final = "https://example.com/a.png"
BAD: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "base64-no-path": (BASE64, {"json": {"base64Data": GOOD}}),
    "base64-empty-path": (BASE64, {"json": {"base64Data": GOOD, "uploadPath": ""}}),
    "base64-no-data": (BASE64, {"json": {"uploadPath": "{folder}", "fileName": "victim.txt"}}),
    "base64-no-object": (BASE64, {"json": ["base64Data", "uploadPath"]}),
    "base64-path-number": (BASE64, {"json": {"base64Data": GOOD, "uploadPath": 7}}),
    "base64-broken-json": (
        BASE64,
        {"data": b'{"base64Data": "aGVs', "headers": {"Content-Type": "application/json"}},
    ),
    "url-no-path": (URL, {"json": {"fileUrl": PNG}}),
    "url-no-url": (URL, {"json": {"uploadPath": "{folder}", "fileName": "victim.txt"}}),
    "url-no-http": (URL, {"json": {"fileUrl": "ftp://example.com/a", "uploadPath": "{folder}"}}),
    "url-not-one": (URL, {"json": {"fileUrl": "not a url", "uploadPath": "{folder}"}}),
    "stream-no-path": (STREAM, {"files": {"file": ("a.txt", b"x")}}),
    "stream-no-file": (
        STREAM,
        {"files": {"other": ("a.txt", b"x")}, "data": {"uploadPath": "{folder}"}},
    ),
    "stream-no-form": (STREAM, {"json": {"uploadPath": "{folder}"}}),
}
NO_BASE64: Final = {
    "letters": "!!!!",
    "one-letter": "a",
    "five-letters": "aGVsb",
    "padding-inside": "aG=VsbG8=",
    "text": "this is no base64 at all",
    "data-url": "data:image/png;base64,@@@@",
}


def filled(value: Any, folder: str) -> Any:
    """A request with its folder in place."""
    if isinstance(value, dict):
        return {name: filled(inner, folder) for name, inner in value.items()}
    return folder if value == "{folder}" else value


@pytest.mark.clause("input.required", "envelope.error", "envelope.status-is-code")
@pytest.mark.clause("input.changes-nothing")
@pytest.mark.parametrize("kind", BAD)
def test_what_lacks_something_is_refused(target: Target, kind: str) -> None:
    """In the envelope, with 400, and the file that it might have touched is as before."""
    folder = target.folder()
    fields = {"uploadPath": folder, "fileName": "victim.txt"}
    link = accepted(as_stream(target, KEPT, fields))["downloadUrl"]
    path, request = BAD[kind]
    refused(target.post(path, **filled(request, folder)), 400, 415, 422)
    reads(target, link, KEPT, "a link behind a refused upload")


@pytest.mark.clause("input.base64-format", "input.changes-nothing", "base64.strict")
@pytest.mark.parametrize("kind", NO_BASE64)
def test_what_is_no_base64_is_refused(target: Target, kind: str) -> None:
    """And the file of that name keeps its bytes."""
    fields = {"uploadPath": target.folder(), "fileName": "victim.txt"}
    link = accepted(as_stream(target, KEPT, fields))["downloadUrl"]
    answer = target.post(BASE64, json={"base64Data": NO_BASE64[kind], **fields})
    refused(answer, 400)
    reads(target, link, KEPT, "a link behind a refused upload")


@pytest.mark.clause("input.null-is-absent")
@pytest.mark.parametrize("path", [BASE64, URL])
def test_a_name_of_null_is_none(target: Target, path: str) -> None:
    """It is generated, as if none had been sent."""
    folder = target.folder()
    source = accepted(as_stream(target, KEPT, {"uploadPath": folder, "fileName": "source.txt"}))
    content = {"base64Data": GOOD} if path == BASE64 else {"fileUrl": source["downloadUrl"]}
    fields = {"uploadPath": f"{folder}/null", "fileName": None}
    data = accepted(target.post(path, json={**content, **fields}))
    name = data["fileName"]
    wrong = ("null", "none", "undefined", "")
    expect(name.lower().partition(".")[0] not in wrong, f"a fileName of null became {name!r}")


@pytest.mark.clause("input.extra-ignored")
@pytest.mark.parametrize("path", [BASE64, STREAM])
def test_unknown_fields_are_ignored(target: Target, path: str) -> None:
    """They do no harm."""
    fields = {"uploadPath": target.folder(), "extra": "x"}
    if path == BASE64:
        answer = target.post(path, json={"base64Data": GOOD, **fields})
    else:
        answer = target.post(path, files={"file": ("a.txt", b"hello")}, data=fields)
    reads(target, accepted(answer)["downloadUrl"], b"hello")


@pytest.mark.clause("method.refused", "envelope.error")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", [STREAM, BASE64, URL])
def test_another_method_is_refused(target: Target, path: str, method: str) -> None:
    """An upload route takes POST only."""
    answer = target.get(target.url + path, method, headers=dict(target.headers))
    refused(answer, 405, 404)


@pytest.mark.clause("envelope.error")
def test_a_link_that_never_was(target: Target) -> None:
    """It is answered as one that is gone, whatever stands in the answer."""
    link = accepted(as_stream(target, KEPT, {"uploadPath": target.folder()}))["downloadUrl"]
    status = target.get(link.replace("mockkie-", "never-was-", 1)).status_code
    expect(status in GONE, f"a link that never was is answered {status}")


@pytest.mark.clause("media.refused")
@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/octet-stream"])
@pytest.mark.parametrize("path", [STREAM, BASE64, URL])
def test_another_media_type_is_refused(target: Target, path: str, kind: str) -> None:
    """A body of a type that no route takes."""
    answer = target.post(path, data=b"x", headers={"Content-Type": kind})
    expect(400 <= answer.status_code < 500, f"a body of {kind} is answered {answer.status_code}")
    expect(body_of(answer).get("success") is False, "a refusal does not say success: false")
