"""Other methods and media types than the documented ones."""

from __future__ import annotations

from typing import Final

import pytest

from mockkie.harness.api import BASE64, GONE, STREAM, URL
from mockkie.harness.target import Target

from .calls import Victim, about, body_of, expect, refused
from .test_input import BAD_REQUEST, ERROR, GOOD, OK

METHOD_NOT_ALLOWED: Final = 405


@pytest.mark.clause("method.refused", "envelope.error")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", [STREAM, BASE64, URL])
def test_another_method_is_refused(target: Target, path: str, method: str) -> None:
    """An upload route takes POST only; what is read there may be taken for an unknown link."""
    answer = target.get(target.url + path, method, headers=dict(target.headers))
    status = answer.status_code
    if method == "GET" and status in GONE:
        return
    right = status == METHOD_NOT_ALLOWED or body_of(answer).get("code") == METHOD_NOT_ALLOWED
    expect(right, f"{method} {path} is answered {status}, not 405", "method.refused")
    with about("envelope.status-is-code"):
        refused(answer, METHOD_NOT_ALLOWED)


@pytest.mark.clause("method.refused", "input.changes-nothing")
def test_another_method_stores_nothing(target: Target) -> None:
    """A whole upload that is sent by it leaves the file of its name alone."""
    victim = Victim.of(target)
    for path, body in (
        (BASE64, {"json": {"base64Data": GOOD, **victim.fields}}),
        (URL, {"json": {"fileUrl": victim.link, **victim.fields}}),
        (STREAM, {"files": {"file": ("a.txt", b"x")}, "data": victim.fields}),
    ):
        answer = target.get(target.url + path, "PUT", headers=dict(target.headers), **body)
        stored = answer.status_code == OK
        expect(not stored, f"an upload by PUT to {path} was accepted", "method.refused")
    victim.is_unharmed()


@pytest.mark.clause("method.links")
def test_a_link_takes_no_other_method(target: Target) -> None:
    """Nobody can delete or change a file by its link."""
    victim = Victim.of(target)
    for method in ("DELETE", "PUT", "POST"):
        status = target.get(victim.link, method, data=b"x").status_code
        expect(status >= BAD_REQUEST, f"{method} of a link is answered {status}")
    victim.is_unharmed("method.links")


@pytest.mark.clause("media.refused")
@pytest.mark.parametrize(
    ("path", "kind"),
    [(STREAM, "text/plain"), (BASE64, "application/xml"), (URL, "application/octet-stream")],
)
def test_another_media_type_is_refused(target: Target, path: str, kind: str) -> None:
    """A body of a type that no route takes."""
    answer = target.post(path, data=b"x", headers={"Content-Type": kind})
    status = answer.status_code
    expect(BAD_REQUEST <= status < ERROR, f"a body of {kind} is answered {status}")
    expect(body_of(answer).get("success") is False, "a refusal does not say success: false")
