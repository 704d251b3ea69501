"""What is refused, in which form, and that it changes nothing."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from mockkie.harness.api import BASE64, GONE, STREAM, URL
from mockkie.harness.target import Target

from .calls import (
    ROUTES,
    THREE,
    Victim,
    about,
    accepted,
    as_stream,
    body_of,
    expect,
    reads,
    refused,
)
from .test_content import PIXEL

GOOD: Final = "aGVsbG8="
LINK: Final = "{link}"  # of a file that is there: nothing is wrong with it
BAD: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "base64-no-path": (BASE64, {"json": {"base64Data": GOOD}}),
    "base64-empty-path": (BASE64, {"json": {"base64Data": GOOD, "uploadPath": ""}}),
    "base64-no-data": (BASE64, {"json": {"uploadPath": "{folder}", "fileName": "victim.txt"}}),
    "base64-no-object": (BASE64, {"json": ["base64Data", "uploadPath"]}),
    "base64-null-path": (BASE64, {"json": {"base64Data": GOOD, "uploadPath": None}}),
    "base64-null-data": (BASE64, {"json": {"base64Data": None, "uploadPath": "{folder}"}}),
    "base64-data-number": (BASE64, {"json": {"base64Data": 7, "uploadPath": "{folder}"}}),
    "base64-empty": (BASE64, {"json": {}}),
    "base64-path-number": (BASE64, {"json": {"base64Data": GOOD, "uploadPath": 7}}),
    "base64-broken-json": (
        BASE64,
        {"data": b'{"base64Data": "aGVs', "headers": {"Content-Type": "application/json"}},
    ),
    "url-no-path": (URL, {"json": {"fileUrl": LINK}}),
    "url-only-a-name": (URL, {"json": {"fileUrl": LINK, "fileName": "victim.txt"}}),
    "url-no-url": (URL, {"json": {"uploadPath": "{folder}", "fileName": "victim.txt"}}),
    "url-null-path": (URL, {"json": {"fileUrl": LINK, "uploadPath": None}}),
    "url-null-url": (URL, {"json": {"fileUrl": None, "uploadPath": "{folder}"}}),
    "url-empty-path": (URL, {"json": {"fileUrl": LINK, "uploadPath": ""}}),
    "url-empty-url": (URL, {"json": {"fileUrl": "", "uploadPath": "{folder}"}}),
    "url-list": (URL, {"json": {"fileUrl": [LINK], "uploadPath": "{folder}"}}),
    "url-no-http": (URL, {"json": {"fileUrl": "ftp://example.com/a", "uploadPath": "{folder}"}}),
    "url-not-one": (URL, {"json": {"fileUrl": "not a url", "uploadPath": "{folder}"}}),
    "stream-json": (STREAM, {"json": {"uploadPath": "{folder}", "fileName": "victim.txt"}}),
    "stream-no-path": (STREAM, {"files": {"file": ("a.txt", b"x")}}),
    "stream-empty-path": (STREAM, {"files": {"file": ("a.txt", b"x")}, "data": {"uploadPath": ""}}),
    "stream-only-a-name": (
        STREAM,
        {"files": {"file": ("a.txt", b"x")}, "data": {"fileName": "victim.txt"}},
    ),
    "stream-fields-only": (
        STREAM,
        {"files": {"uploadPath": (None, "{folder}"), "fileName": (None, "victim.txt")}},
    ),
    "stream-nothing": (
        STREAM,
        {"data": b"--x--\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
    ),
    "stream-no-file": (
        STREAM,
        {"files": {"other": ("a.txt", b"x")}, "data": {"uploadPath": "{folder}"}},
    ),
}
NO_BASE64: Final = (
    "aGVsbG8h" * 400 + "!!!!",
    "Hello, this is a text!",
    "data:image/png;base64,@@@@",
    "data:image/png;base64",
    "\U0001f600\U0001f600",
    "<html><body>502</body></html>",
)
NOT_QUITE_BASE64: Final = {
    "one-letter": "a",
    "five-letters": "aGVsb",
    "padding-inside": "aG=VsbG8=",
    "no-padding": "aGVsbG8",
    "url-safe": "-_-_",
    "sign-at-the-end": "aGVsbG8=!",
}
BAD_REQUEST: Final = 400
UNSUPPORTED: Final = 415
ERROR: Final = 500
OK: Final = 200


def filled(value: Any, victim: Victim) -> Any:
    """A request with the folder and the link of a victim in place."""
    if isinstance(value, dict):
        return {name: filled(inner, victim) for name, inner in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(filled(inner, victim) for inner in value)
    return {"{folder}": victim.fields["uploadPath"], LINK: victim.link}.get(value, value)


@pytest.mark.clause(
    "input.required", "input.changes-nothing", "envelope.status-is-code", "envelope.error"
)
@pytest.mark.parametrize("route", THREE)
def test_what_lacks_something_is_refused(target: Target, route: str) -> None:
    """In the envelope, with 400, and the file that it might have touched is as before."""
    victim = Victim.of(target)
    good = {"uploadPath": target.folder(), "fileName": "good.txt"}
    accepted(ROUTES[route](target, b"good", good))  # nothing of it is remembered
    for kind, (path, request) in BAD.items():
        if not kind.startswith(route):
            continue
        target.begin()
        answer = target.post(path, **filled(request, victim))
        status = answer.status_code
        expect(status != ERROR, f"a request with {kind} is answered {status}", "envelope.error")
        if kind == "stream-json" and status == UNSUPPORTED:
            continue
        right = status == BAD_REQUEST or body_of(answer).get("code") == BAD_REQUEST
        expect(right, f"a request with {kind} is answered {status}, not 400", "input.required")
        with about("envelope.status-is-code"):
            refused(answer, BAD_REQUEST)
    victim.is_unharmed()


@pytest.mark.clause("input.base64-format", "input.changes-nothing")
def test_what_is_no_base64_is_refused(target: Target) -> None:
    """And the file of that name keeps its bytes, and its type."""
    victim = Victim.of(target, PIXEL)
    for text in NO_BASE64:
        target.begin()
        answer = target.post(BASE64, json={"base64Data": text, **victim.fields})
        stored = answer.status_code == OK and body_of(answer).get("success") is not False
        expect(not stored, f"{text[-20:]!r} was stored as a file", "input.base64-format")
        right = answer.status_code == BAD_REQUEST or body_of(answer).get("code") == BAD_REQUEST
        said = f"{text[-20:]!r} is answered {answer.status_code}, not 400"
        expect(right, said, "input.base64-format")
        with about("envelope.status-is-code"):
            refused(answer, BAD_REQUEST)
    victim.is_unharmed()


@pytest.mark.clause("base64.strict")
@pytest.mark.parametrize("kind", NOT_QUITE_BASE64)
def test_what_is_not_quite_base64_is_refused(target: Target, kind: str) -> None:
    """Of decoders some are lenient, and lose bytes."""
    fields = {"uploadPath": target.folder(), "fileName": "a.bin"}
    refused(target.post(BASE64, json={"base64Data": NOT_QUITE_BASE64[kind], **fields}), BAD_REQUEST)


@pytest.mark.clause("input.changes-nothing")
@pytest.mark.parametrize("path", [STREAM, BASE64, URL])
def test_what_is_refused_is_not_stored(target: Target, path: str) -> None:
    """There is no file, nor an empty one, behind the link that it would have."""
    victim = Victim.of(target)
    fields = {**victim.fields, "fileName": "other.txt"}
    if path == STREAM:
        answer = target.post(path, files={"other": ("a.txt", b"x")}, data=fields)
    else:
        source = {"base64Data": "@@@@"} if path == BASE64 else {"fileUrl": "not a url"}
        answer = target.post(path, json={**source, **fields})
    refused(answer, BAD_REQUEST)
    status = target.get(victim.link.replace("victim.txt", "other.txt")).status_code
    expect(status in GONE, f"the link of a file that was refused is answered {status}")


@pytest.mark.clause("input.null-is-absent")
@pytest.mark.parametrize("path", [BASE64, URL])
def test_a_name_of_null_is_none(target: Target, path: str) -> None:
    """It is generated, as if none had been sent."""
    folder = target.folder()
    source = accepted(as_stream(target, b"x", {"uploadPath": folder, "fileName": "source.txt"}))
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


@pytest.mark.clause("input.types")
@pytest.mark.parametrize("name", [7, True, ["a.txt"], {"a": "b"}])
def test_a_name_of_another_type_is_refused(target: Target, name: Any) -> None:
    """It is a text, or null."""
    fields = {"uploadPath": target.folder(), "fileName": name}
    refused(target.post(BASE64, json={"base64Data": GOOD, **fields}), BAD_REQUEST)


@pytest.mark.clause("input.json-type")
@pytest.mark.parametrize(
    ("path", "parameter"), [(BASE64, "; charset=utf-8"), (URL, ";charset=UTF-8")]
)
def test_json_may_name_its_charset(target: Target, path: str, parameter: str) -> None:
    """As many clients do."""
    fields = {"uploadPath": target.folder(), "fileName": "gr\u00fcn.txt"}
    source = {"base64Data": GOOD}
    if path == URL:
        named = {"uploadPath": target.folder(), "fileName": "source.txt"}
        source = {"fileUrl": accepted(as_stream(target, b"hello", named))["downloadUrl"]}
    body = json.dumps({**source, **fields}, ensure_ascii=False).encode()
    headers = {"Content-Type": f"application/json{parameter}"}
    data = accepted(target.post(path, data=body, headers=headers))
    reads(target, data["downloadUrl"], b"hello")
    named_so = data["fileName"] == fields["fileName"]
    expect(named_so, f"the name gr\u00fcn.txt became {data['fileName']!r}", "naming.given")


@pytest.mark.clause("envelope.error")
def test_a_link_that_never_was(target: Target) -> None:
    """It is answered as one that is gone, whatever stands in the answer."""
    link = urlsplit(Victim.of(target).link)
    path = link.path
    for other in (path.replace("mockkie-", "never-was-", 1), path + "x", path.replace(".txt", "")):
        status = target.get(link._replace(path=other).geturl()).status_code
        expect(status in GONE, f"a link that never was is answered {status}")


STRANGE: Final = {
    "dot-dot": ("{folder}/../up", "a.txt"),
    "dot": ("{folder}/./a", "a.txt"),
    "empty-segment": ("{folder}//a", "a.txt"),
    "control": ("{folder}/a\x01b", "a.txt"),
    "slash-in-name": ("{folder}", "a/b.txt"),
    "dot-dot-name": ("{folder}", ".."),
    "control-in-name": ("{folder}", "a\tb.txt"),
}


@pytest.mark.clause("input.plain-segments")
@pytest.mark.parametrize("kind", STRANGE)
def test_strange_segments_are_refused(target: Target, kind: str) -> None:
    """What could lead out of a folder, or nowhere."""
    path, name = STRANGE[kind]
    fields = {"uploadPath": path.format(folder=target.folder()), "fileName": name}
    refused(target.post(BASE64, json={"base64Data": GOOD, **fields}), BAD_REQUEST)


@pytest.mark.clause("envelope.all-refusals-are-400")
def test_every_refusal_is_400(target: Target) -> None:
    """Of another media type, or malformed."""
    refused(target.post(STREAM, data=b"x", headers={"Content-Type": "text/plain"}), BAD_REQUEST)
    headers = {"Content-Type": "application/json"}
    refused(target.post(BASE64, data=b'{"base64Data', headers=headers), BAD_REQUEST)
    refused(target.post(STREAM, json={"uploadPath": target.folder()}), BAD_REQUEST)
