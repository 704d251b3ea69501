"""The document against the target: Schemathesis makes requests of it, right ones and wrong ones."""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import strategies as st

from mockkie.harness.api import GONE, STREAM
from mockkie.harness.plan import Plan
from mockkie.harness.sent import parts_of
from mockkie.harness.session import BUSY, GATEWAY, PATIENCE
from mockkie.harness.target import Target
from mockkie.harness.verdicts import Violation

from .calls import expect, sized
from .sent import asked_for, content_of, is_wrong

pytestmark = pytest.mark.layer("schema")
UPLOADS: Final = ("upload-file-stream", "upload-file-base64", "upload-file-url")
DOWNLOADS: Final = ("download-file", "inspect-file")
PLAN: Final = Plan.of_environment()
ENOUGH: Final = 10 if PLAN.full else 1
PASSING: Final = (BUSY, *GATEWAY)
"""Answers that say nothing of the contract: too busy, or a gateway in between."""
PASSED: Final = re.compile(rf"\b({'|'.join(map(str, PASSING))})\b")

schemathesis.openapi.format(
    "base64", st.binary(max_size=200).map(lambda content: b64encode(content).decode())
)


api = schemathesis.openapi.from_dict(
    asked_for(),
    config=schemathesis.Config.from_dict(
        {
            "seed": PLAN.seed,
            # Keys are judged by `ignored_auth`; generated ones would hide the bodies behind 401.
            "generation": {
                "deterministic": True,
                "database": "none",
                "max-examples": 50 if PLAN.full else 2,
                "with-security-parameters": False,
            },
            "auth": {"openapi": {"bearer": {"bearer": PLAN.key}}},
            "phases": {"coverage": {"unexpected-methods": ["DELETE"]}},
            "checks": {"negative_data_rejection": {"expected-statuses": [400, 401, 405, 413, 415]}},
            "operations": [
                {
                    "include-operation-id": list(UPLOADS),
                    "checks": {"positive_data_acceptance": {"expected-statuses": [200]}},
                },
                {  # nobody guesses a link
                    "include-operation-id": list(DOWNLOADS),
                    "checks": {
                        "positive_data_acceptance": {"expected-statuses": [403, 404, 410]},
                        "negative_data_rejection": {"expected-statuses": [403, 404, 405, 410]},
                    },
                },
            ],
        }
    ),
)


UNFETCHED: Final = ("RejectedPositiveData", "ServerError")


@api.hook
def filter_failure(
    context: schemathesis.HookContext,
    failure: Exception,
    case: schemathesis.Case[Any],
    response: schemathesis.Response,
) -> bool:
    """Drop what is no violation of a documented sentence; everything else counts.

    1. Wrong data that was accepted, unless it is wrong by the vendor's pages too, and still wrong
       by the time that it is sent: in a form, a value of another type becomes a text.
    2. Right data of URL uploads that was refused, with 400 or 500: a schema cannot say which
       hosts there are, and not every target reaches the web.
    3. Forms with a field that has no name, which RFC 7578 does not foresee.
    4. Anything about an answer 429, or of a gateway in between: it was not carried out.
    5. A method that is taken for the reading of an unknown link.
    """
    del context
    if response.status_code in PASSING or PASSED.search(str(failure)):  # the second: by a check
        return False
    name, operation = type(failure).__name__, case.operation.definition.raw["operationId"]
    if name == "AcceptedNegativeData" and operation in UPLOADS:
        return is_wrong(response.request)
    if name == "UnsupportedMethodResponse":
        return response.status_code not in GONE
    if operation == "upload-file-stream" and name == "RejectedPositiveData":
        return all(part.name for part in parts_of(response.request))
    return not (operation == "upload-file-url" and name in UNFETCHED)


Ledger = Counter[tuple[str, str]]
"""How often an operation was answered with yes, and how often with no."""


@pytest.fixture(scope="module")
def ledger() -> Iterator[Ledger]:
    """Fails when an operation said yes or no too seldom: then nothing was judged."""
    counted: Ledger = Counter()
    yield counted
    for operation in {operation for operation, _ in counted}:
        wanted = ("accepted", "refused") if operation.startswith("POST") else ("refused",)
        assert all(counted[operation, outcome] >= ENOUGH for outcome in wanted), counted


@pytest.mark.clause("envelope.success", "envelope.error")
@api.exclude(operation_id=list(DOWNLOADS)).parametrize()
def test_upload(case: schemathesis.Case[Any], target: Target, ledger: Ledger) -> None:
    """Right requests are accepted and wrong ones refused, in the documented form.

    What was accepted is read back: its bytes, its size, its type, its path.
    """
    target.begin()
    stay_inside(case, target)
    response = judged(case, target)
    outcome = "accepted" if response.status_code == 200 else "refused"
    ledger[case.operation.label, outcome] += 1
    if response.status_code == 200 and case.method == "POST":
        data = response.json()["data"]
        content = content_of(response.request)
        if content is not None:
            got = target.get(data["downloadUrl"])
            expect(got.content == content, "the link of a generated upload leads to other bytes")
            sized(data, content)


CLAUSES: Final = {
    "AcceptedNegativeData": "input.required",
    "IgnoredAuth": "auth.bearer",
    "UnsupportedMethodResponse": "method.refused",
    "MissingHeaderNotRejected": "auth.bearer",
}
"""The clause that a failure of Schemathesis is about, where it is not the form of an answer."""


def judged(case: schemathesis.Case[Any], target: Target) -> schemathesis.Response:
    """The answer of a generated request; what Schemathesis finds wrong is of one clause each."""
    response = case.call(base_url=target.url, session=target.session, timeout=PATIENCE)
    try:
        case.validate_response(response)
    except BaseExceptionGroup as found:
        failure = found.exceptions[0]
        form = "envelope.success" if response.status_code == 200 else "envelope.error"
        clause = CLAUSES.get(type(failure).__name__, form)
        raise Violation(sentence(failure), clause) from None
    return response


def sentence(failure: BaseException) -> str:
    """What Schemathesis says, in one line."""
    lines = [line.strip(" -") for line in str(failure).splitlines() if line.strip(" -")]
    return ": ".join(lines[:2])


def stay_inside(case: schemathesis.Case[Any], target: Target) -> None:
    """Have an upload go to a folder of this run, wherever it was meant to go."""
    body = case.body
    path = body.get("uploadPath") if isinstance(body, dict) else None
    if isinstance(body, dict) and isinstance(path, str) and path:
        body["uploadPath"] = f"{target.folder()}/{path}"


@pytest.mark.clause("expiry.answer")
@api.exclude(operation_id=[*UPLOADS, "inspect-file"]).parametrize()
def test_strange_link(case: schemathesis.Case[Any], target: Target, ledger: Ledger) -> None:
    """A link that never was is refused in the documented form."""
    target.begin()
    stay_inside(case, target)
    response = case.call_and_validate(base_url=target.url, session=target.session, timeout=PATIENCE)
    assert response.status_code != 200
    ledger[case.operation.label, "refused"] += 1


@pytest.fixture(scope="module")
def link(target: Target) -> str:
    """The link of a file of 1,000 bytes that lives."""
    answer = target.post(
        STREAM,
        files={"file": ("thousand.bin", bytes(range(250)) * 4)},
        data={"uploadPath": target.folder(), "fileName": "thousand.bin"},
    )
    return str(answer.json()["data"]["downloadUrl"])


CONDITIONS: Final[dict[str, dict[str, str]]] = {
    "none": {},
    "range": {"Range": "bytes=0-99"},
    "end of range": {"Range": "bytes=-1"},
    "range behind the end": {"Range": "bytes=1000-"},
    "range of another version": {"Range": "bytes=0-99", "If-Range": '"another"'},
    "another version": {"If-None-Match": '"another"'},
    "any version": {"If-None-Match": "*"},
    "since the future": {"If-Modified-Since": "Fri, 31 Dec 9999 23:59:59 GMT"},
}
EXPECTED: Final = {
    "range": 206,
    "end of range": 206,
    "range behind the end": 416,
    "any version": 304,
    "since the future": 304,
}


@pytest.mark.clause("download.range")
@pytest.mark.parametrize(
    ("method", "condition"),
    [("GET", condition) for condition in CONDITIONS]
    + [("HEAD", condition) for condition in ("none", "range", "any version", "since the future")],
)
def test_live_link(target: Target, link: str, method: str, condition: str) -> None:
    """The answers about a file that lives are the documented ones too.

    Schemathesis cannot make such a link: it is opaque, and of several segments.
    """
    response = target.session.request(method, link, headers=CONDITIONS[condition], timeout=PATIENCE)
    case = api["/{link}"][method].Case(path_parameters={"link": "x"})
    case.validate_response(response)
    # RFC 9110, 14.2: a range is for GET only.
    expected = 200 if method == "HEAD" and "range" in condition else EXPECTED.get(condition, 200)
    assert response.status_code == expected
    length = {200: 1_000, 206: 100 if condition == "range" else 1}.get(expected)
    if length is not None:
        assert int(response.headers["Content-Length"]) == length
        assert len(response.content) == (0 if method == "HEAD" else length)
