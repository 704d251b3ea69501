"""The calls of the suite: uploads by each route, links read, and what their answers must be.

What is expected here is what every clause builds upon; a test says the rest.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import requests

from mockkie.harness.target import Target

STREAM: Final = "/api/file-stream-upload"
BASE64: Final = "/api/file-base64-upload"
URL: Final = "/api/file-url-upload"
GONE: Final = (403, 404, 410)
FACTS: Final = {
    "fileName": str,
    "filePath": str,
    "downloadUrl": str,
    "fileSize": int,
    "mimeType": str,
    "uploadedAt": str,
}
_OK: Final = 200
_POLL_SECONDS: Final = 0.25

Fields = Mapping[str, Any]
Route = Callable[[Target, bytes, Fields], requests.Response]


def expect(held: object, why: str) -> None:
    """Say in one sentence what the target did wrong, unless it `held`."""
    if not held:
        raise AssertionError(why)


def as_stream(target: Target, content: bytes, fields: Fields) -> requests.Response:
    """As a form."""
    return target.post(STREAM, files={"file": ("upload.dat", content)}, data=dict(fields))


def as_base64(target: Target, content: bytes, fields: Fields) -> requests.Response:
    """As base64 in JSON."""
    text = base64.b64encode(content).decode()
    return target.post(BASE64, json={"base64Data": text, **fields})


def as_data_url(target: Target, content: bytes, fields: Fields) -> requests.Response:
    """As a data URL in JSON."""
    text = "data:application/octet-stream;base64," + base64.b64encode(content).decode()
    return target.post(BASE64, json={"base64Data": text, **fields})


def as_url(target: Target, content: bytes, fields: Fields) -> requests.Response:
    """By the link of a file that was uploaded before."""
    source = {"uploadPath": f"{fields['uploadPath']}/source", "fileName": "source.dat"}
    link = accepted(as_stream(target, content, source))["downloadUrl"]
    return target.post(URL, json={"fileUrl": link, **fields})


ROUTES: Final[dict[str, Route]] = {
    "stream": as_stream,
    "base64": as_base64,
    "data-url": as_data_url,
    "url": as_url,
}
THREE: Final = ("stream", "base64", "url")
"""A route for each operation."""


def body_of(answer: requests.Response) -> dict[str, Any]:
    """The JSON object of an answer of the API."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    said = answer.text[:80]
    expect(isinstance(body, dict), f"the answer {answer.status_code} is no JSON object: {said!r}")
    found: dict[str, Any] = body
    return found


def accepted(answer: requests.Response) -> dict[str, Any]:
    """The facts of an accepted upload."""
    body = body_of(answer)
    expect(answer.status_code == _OK, f"a good upload was refused: {answer.status_code} {body}")
    said = f"success is {body.get('success')!r}, code is {body.get('code')!r}"
    expect(body.get("success") is True and body.get("code") == _OK, f"in an answer 200 {said}")
    expect(isinstance(body.get("msg"), str), "an answer 200 has no text `msg`")
    data = body.get("data")
    expect(isinstance(data, dict), "an answer 200 has no object `data`")
    facts: dict[str, Any] = data if isinstance(data, dict) else {}
    for name, kind in FACTS.items():
        found = facts.get(name)
        right = isinstance(found, kind) and not isinstance(found, bool)
        expect(right, f"data.{name} is {found!r}, not a {kind.__name__}")
    return facts


def refused(answer: requests.Response, *statuses: int) -> dict[str, Any]:
    """The body of a refusal, in the envelope, with one of the statuses."""
    body = body_of(answer)
    status, wanted = answer.status_code, " or ".join(map(str, statuses))
    expect(status in statuses, f"it was answered {status}, not {wanted}: {str(body)[:120]}")
    expect(
        body.get("success") is False, f"in an answer {status} success is {body.get('success')!r}"
    )
    code = body.get("code")
    expect(code == status, f"in an answer {status} code is {code!r}")
    expect(
        isinstance(body.get("msg"), str) and body["msg"], f"an answer {status} has no text `msg`"
    )
    return body


def reads(target: Target, link: str, content: bytes, what: str = "a link") -> requests.Response:
    """The answer of a link that must lead to these bytes."""
    answer = target.get(link)
    expect(answer.status_code == _OK, f"{what} that lives is answered {answer.status_code}")
    compare(answer.content, content, what)
    return answer


def compare(found: bytes, content: bytes, what: str) -> None:
    """Say where bytes differ, if they do."""
    if found == content:
        return
    pairs = enumerate(zip(found, content, strict=False))
    at = next((index for index, (one, other) in pairs if one != other), None)
    where = f"first at byte {at:,}" if at is not None else "as far as both go they are the same"
    raise AssertionError(
        f"{what} leads to {len(found):,} bytes, not to the {len(content):,} of the upload; {where}"
    )


def eventually(target: Target, link: str, content: bytes, old: Iterable[bytes]) -> None:
    """A link must lead to these bytes, at the latest when the delay of the plan is over.

    Until then it may lead to `old` ones, and to nothing else.
    """
    known, until = tuple(old), time.monotonic() + target.plan.overwrite_delay
    while True:
        answer = target.get(link)
        expect(answer.status_code == _OK, f"an overwritten link is answered {answer.status_code}")
        if answer.content == content:
            return
        expect(answer.content in known, "an overwritten link leads to bytes that nobody uploaded")
        if time.monotonic() > until:
            seconds = target.plan.overwrite_delay
            raise AssertionError(f"{seconds:g} s after an overwrite the old bytes are still served")
        time.sleep(_POLL_SECONDS)


def lives(target: Target, link: str) -> bool:
    """Whether a link leads to a file; any other answer than 200 has to say that it is gone."""
    status = target.get(link).status_code
    expect(status == _OK or status in GONE, f"a link that may be gone is answered {status}")
    return status == _OK


def instant(text: str) -> datetime:
    """The moment that `uploadedAt` names."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise AssertionError(f"uploadedAt is {text!r}, which is no time of ISO 8601") from None
    expect(moment.tzinfo is not None, f"uploadedAt is {text!r}: it names no zone")
    return moment.astimezone(UTC)
