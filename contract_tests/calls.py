"""The calls of the suite: uploads by each route, links read, and what their answers must be.

What is expected here is what every clause builds upon; a test says the rest.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import requests

from mockkie.harness.api import BASE64, FACTS, GONE, STREAM, URL, essence
from mockkie.harness.target import Target
from mockkie.harness.verdicts import Violation

UNAUTHORIZED: Final = 401
_OK: Final = 200
_SHORTEST_PAUSE: Final = 0.1  # seconds between two looks at an overwritten link
_LONGEST_PAUSE: Final = 2.0

Fields = Mapping[str, Any]
Route = Callable[[Target, bytes, Fields], requests.Response]


def expect(held: object, why: str, clause: str | None = None) -> None:
    """Say in one sentence what the target did wrong, unless it `held`.

    `clause` is the one that is violated then, where it is another than the test is about.
    """
    if not held:
        raise Violation(why, clause)


@contextmanager
def about(clause: str) -> Iterator[None]:
    """Whatever is violated in this block is a violation of that clause, unless it says another."""
    try:
        yield
    except Violation as found:
        raise Violation(str(found), found.clause or clause) from found


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
    """By the link of a file that was uploaded before.

    The source has a folder of its own each time: old bytes may be served for a while after an
    overwrite, to the target itself too.
    """
    source = {"uploadPath": target.folder(), "fileName": "source.dat"}
    link = accepted(as_stream(target, content, source))["downloadUrl"]
    answer = target.post(URL, json={"fileUrl": link, **fields})
    if answer.status_code != _OK and target.wire.waited:
        # A service that says 429 now and then may have said it to its own fetch.
        answer = target.post(URL, json={"fileUrl": link, **fields})
    return answer


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
    status, said = answer.status_code, answer.text[:80]
    clause = "envelope.success" if status == _OK else "envelope.error"
    expect(isinstance(body, dict), f"the answer {status} is no JSON object: {said!r}", clause)
    found: dict[str, Any] = body
    return found


def is_accepted(answer: requests.Response) -> bool:
    """Whether an upload was taken, where either may be right."""
    return answer.status_code == _OK and body_of(answer).get("success") is True


def accepted(answer: requests.Response) -> dict[str, Any]:
    """The facts of an accepted upload."""
    body = body_of(answer)
    expect(answer.status_code == _OK, f"a good upload was refused: {answer.status_code} {body}")
    success, code = body.get("success"), body.get("code")
    right = success is True and code == _OK and not isinstance(code, bool)
    said = f"in an answer 200 success is {success!r}, code is {code!r}"
    expect(right, said, "envelope.success")
    expect(isinstance(body.get("msg"), str), "an answer 200 has no text `msg`", "envelope.success")
    data = body.get("data")
    expect(isinstance(data, dict), "an answer 200 has no object `data`", "envelope.success")
    facts: dict[str, Any] = data if isinstance(data, dict) else {}
    for name, kind in FACTS.items():
        found = facts.get(name)
        right = isinstance(found, kind) and not isinstance(found, bool)
        expect(right, f"data.{name} is {found!r}, not a {kind.__name__}", "envelope.success")
    return facts


def refused(answer: requests.Response, *statuses: int) -> dict[str, Any]:
    """The body of a refusal, in the envelope, with one of the statuses."""
    body = body_of(answer)
    status, wanted = answer.status_code, " or ".join(map(str, statuses))
    success, code, text = body.get("success"), body.get("code"), body.get("msg")
    if status == _OK and success is False and code in statuses:
        said = f"a refusal with the code {code} came inside HTTP 200"
        raise Violation(said, "envelope.status-is-code")
    expect(status in statuses, f"it was answered {status}, not {wanted}: {str(body)[:120]}")
    expect(success is False, f"in an answer {status} success is {success!r}", "envelope.error")
    expect(code == status, f"in an answer {status} code is {code!r}", "envelope.status-is-code")
    expect(
        isinstance(text, str) and text, f"an answer {status} has no text `msg`", "envelope.error"
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
    raise Violation(
        f"{what} leads to {len(found):,} bytes, not to the {len(content):,} of the upload; {where}"
    )


def eventually(
    target: Target,
    link: str,
    content: bytes,
    old: Iterable[bytes],
    what: str = "an overwritten link",
) -> None:
    """A link must lead to these bytes, at the latest when the delay of the plan is over.

    Until then it may lead to `old` ones, and to nothing else.
    """
    known, began, staleness = tuple(old), time.monotonic(), target.staleness
    patience = staleness.patience(target.plan.overwrite_delay)
    pause = max(staleness.longest, _SHORTEST_PAUSE)
    while True:
        answer = target.get(link)
        waited = time.monotonic() - began
        expect(answer.status_code == _OK, f"{what} is answered {answer.status_code}")
        if answer.content == content:
            staleness.longest = max(staleness.longest, waited)
            return
        expect(answer.content in known, "an overwritten link leads to bytes that nobody uploaded")
        if waited > patience:
            staleness.exceed()
            raise Violation(f"{waited:.0f} s after an overwrite the old bytes are still served")
        time.sleep(min(pause, max(patience - waited, _SHORTEST_PAUSE)))
        pause = min(2 * pause, _LONGEST_PAUSE)


def sized(data: Mapping[str, Any], content: bytes) -> None:
    """`fileSize` must count the bytes of the file."""
    found, size = data["fileSize"], len(content)
    expect(found == size, f"fileSize of {size:,} bytes is {found:,}", "metadata.size")


@dataclass(frozen=True)
class Victim:
    """A file that a refused request must leave as it is."""

    target: Target
    link: str
    content: bytes
    fields: Fields
    kind: str

    @classmethod
    def of(cls, target: Target, content: bytes = b"kept as it is") -> Victim:
        """A new one, in a folder of its own."""
        fields = {"uploadPath": target.folder(), "fileName": "victim.txt"}
        link = accepted(as_stream(target, content, fields))["downloadUrl"]
        answer = reads(target, link, content)
        return cls(target, link, content, fields, essence(answer.headers.get("Content-Type", "")))

    def is_unharmed(self, clause: str = "input.changes-nothing") -> None:
        """Its bytes and its type are as they were."""
        answer = self.target.get(self.link)
        status, kind = answer.status_code, essence(answer.headers.get("Content-Type", ""))
        expect(status == _OK, f"a file is answered {status} behind a refused request", clause)
        same = answer.content == self.content
        expect(same, "a refused request changed the bytes of a file", clause)
        expect(kind == self.kind, f"a refused request made {kind!r} of {self.kind!r}", clause)


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
        raise Violation(f"uploadedAt is {text!r}, which is no time of ISO 8601") from None
    expect(moment.tzinfo is not None, f"uploadedAt is {text!r}: it names no zone")
    return moment.astimezone(UTC)
