"""The control API by its document: Schemathesis makes calls of it, right ones and wrong ones.

`CONTROL_EXAMPLES=500 CONTROL_SEED=7 pytest tests/test_control_fuzz.py` looks longer, elsewhere.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import strategies as st

from mockkie.problems import FALLBACKS
from mockkie.server import Server
from tests.clients import PATIENCE, Reply
from tests.control_document import DOCUMENT, OPERATIONS, PAGES
from tests.visitors import serving

SHORT: Final = 5
EXAMPLES: Final = int(os.environ.get("CONTROL_EXAMPLES", SHORT))
SEED: Final = int(os.environ.get("CONTROL_SEED", "1"))
APART: Final = (
    "follow-world",  # has no end
    *("origin-slow", "origin-dribble", "origin-large"),  # last as long as is asked for
    *("origin-status", "origin-broken"),  # answer with errors that are asked for
    *("origin-redirect", "origin-redirect-loop", "origin-redirect-to"),  # lead elsewhere
)
"""Driven by tests/test_control_document.py only."""

LETTERS: Final = st.characters(exclude_categories=("C", "Z"), include_characters=" ")
FORMATS: Final[Mapping[str, st.SearchStrategy[str]]] = {
    "printable": st.text(LETTERS, min_size=1, max_size=40).filter(str.isprintable),
    "operation-pattern": st.sampled_from(["*", "upload-*", "upload-file-url", "download-file"]),
    "error-name": st.sampled_from(sorted(FALLBACKS)),
    "profile": st.sampled_from(["documented", "observed"]),
    "fault-words": st.sampled_from(["status=500 nth=3", "reset-after=65536 operation=upload-*"]),
}
for name, strategy in FORMATS.items():
    schemathesis.openapi.format(name, strategy)

FRACTION: Final = r"\d\.0 is not"
LONG: Final = "is too long a time"
UNSAID: Final[Mapping[str, str]] = {
    "advance-clock": rf"years 1 to 9999|{LONG}",
    "set-clock": r"years 1 to 9999|'\d{4}-\S+:60\S*' is not a time|'0000-\S+' is not a time",
    "create-world": rf"{FRACTION}|{LONG}",
    "change-settings": rf"{FRACTION}|{LONG}",
    "add-faults": (
        rf"{FRACTION}|{LONG}|nothing is above \w+ and below|until has to be later than since"
        r"|is about \w+ only|is no documented error|the shorter one first|has no body"
        r"|the name of a file is not known yet"
        r"|of more than nothing|'\d{4}-\S+:60\S*' is not a time"
    ),
}
"""What is refused though the schema takes it, by its words: what no schema can say."""

api: Any = schemathesis.openapi.from_dict(
    DOCUMENT,
    config=schemathesis.Config.from_dict(
        {
            "seed": SEED,
            "generation": {
                "deterministic": True,
                "database": "none",
                "max-examples": EXAMPLES,
                "with-security-parameters": False,
            },
            "checks": {
                "positive_data_acceptance": {"expected-statuses": [200, 201, 204, 206, 404, 409]},
                "negative_data_rejection": {"expected-statuses": [400, 404, 405, 413]},
            },
            "operations": [
                {  # every border of every parameter of every action: two thousand calls
                    "include-operation-id": "add-faults",
                    "phases": {"coverage": {"enabled": EXAMPLES > SHORT}},
                    "generation": {"max-examples": EXAMPLES * 6},
                },
            ],
        }
    ),
)


@api.hook  # type: ignore[untyped-decorator, unused-ignore]
def filter_failure(
    context: Any, failure: Exception, case: Any, response: schemathesis.Response
) -> bool:
    """Drop what was refused for a reason that the document gives in words."""
    del context
    operation = case.operation.definition.raw["operationId"]
    if type(failure).__name__ == "RejectedPositiveData" and operation in UNSAID:
        return re.search(UNSAID[operation], response.json()["detail"]) is None
    return True


Ledger = Counter[tuple[str, str]]
"""How often an operation was answered with yes, and how often with no."""


@pytest.fixture(scope="module")
def ledger() -> Iterator[Ledger]:
    """Fails when an operation was never asked, or never refused anything."""
    counted: Ledger = Counter()
    yield counted
    asked = {operation for operation, _ in counted}
    if len(asked) > 1:
        assert asked == OPERATIONS.keys() - set(APART)
    refusing = {one for one in asked if OPERATIONS[one].node.get("requestBody")}
    assert [one for one in refusing if not (counted[one, "yes"] and counted[one, "no"])] == []


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Server]:
    """A mock of its own, with a file to find."""
    with serving(metrics=True) as server:
        yield server


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@api.exclude(operation_id=list(APART)).parametrize()  # type: ignore[untyped-decorator]
def test_every_call_is_answered_as_documented(
    case: Any, fuzzed: Server, session: requests.Session, ledger: Ledger
) -> None:
    """Right calls are taken, wrong ones refused with a reason; no 500, and each in its form.

    What was taken can be listed, and is then taken away: cases begin alike.
    """
    operation = OPERATIONS[case.operation.definition.raw["operationId"]]
    response = case.call_and_validate(base_url=fuzzed.origin, session=session, timeout=PATIENCE)
    taken = response.status_code < 400
    ledger[operation.id, "yes" if taken else "no"] += 1
    if response.status_code in range(400, 500) and not operation.path.startswith(PAGES):
        assert len(response.json()["detail"].split()) > 2
    if taken and operation.id in AFTERWARDS:
        show, undo = AFTERWARDS[operation.id]
        judged(session, fuzzed, show)
        gone = undo.format(**response.json()) if "{" in undo else undo
        session.delete(f"{fuzzed.origin}/__mockkie{gone}", timeout=PATIENCE)


AFTERWARDS: Final = {
    "add-faults": ("list-faults", "/faults"),
    "change-settings": ("show-settings", "/settings"),
    "create-world": ("list-worlds", "/worlds/{id}"),
    "set-clock": ("list-files", "/clock"),
    "advance-clock": ("list-journal", "/clock"),
}
"""What shows what a call has changed, and what takes it back."""


def judged(session: requests.Session, server: Server, name: str) -> None:
    answer = session.get(f"{server.origin}{OPERATIONS[name].path}", timeout=PATIENCE)
    headers = {key.lower(): value for key, value in answer.headers.items()}
    OPERATIONS[name].judge(Reply(answer.status_code, headers, answer.content))
