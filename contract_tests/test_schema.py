"""The document against the target: Schemathesis makes requests of it, right ones and wrong ones."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import strategies as st

from .sent import content_of, form_is_valid
from .target import DOCUMENT, PATIENCE, Target, given_key, read_document

UPLOADS: Final = ("upload-file-stream", "upload-file-base64", "upload-file-url")
DOWNLOADS: Final = ("download-file", "inspect-file")
ENOUGH: Final = 20

schemathesis.openapi.format(
    "base64", st.binary(max_size=200).map(lambda content: b64encode(content).decode())
)

api = schemathesis.openapi.from_path(
    DOCUMENT,
    config=schemathesis.Config.from_dict(
        {
            "seed": 5430,
            # Keys are judged by `ignored_auth`; generated ones would hide the bodies behind 401.
            "generation": {
                "deterministic": True,
                "database": "none",
                "max-examples": 50,
                "with-security-parameters": False,
            },
            "auth": {"openapi": {"bearer": {"bearer": given_key()}}},
            "checks": {"negative_data_rejection": {"expected-statuses": [400, 401, 405]}},
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


@api.hook
def filter_failure(
    context: schemathesis.HookContext,
    failure: Exception,
    case: schemathesis.Case,
    response: schemathesis.Response,
) -> bool:
    """Drop two kinds of false alarm; everything else counts.

    1. ST201 on forms: the generator's wrong value became a right text on its way.
    2. ST202 on URL uploads: whether a URL can be fetched is not for a schema to say; that the
       documented example can be is asked all the same.
    """
    del context
    name, operation = type(failure).__name__, case.operation.definition.raw["operationId"]
    if name == "AcceptedNegativeData" and operation == "upload-file-stream":
        return not form_is_valid(response.request)
    if name == "RejectedPositiveData" and operation == "upload-file-url":
        return phase_of(case) == "examples" or response.json() != NOT_FETCHED
    return True


NOT_FETCHED: Final = read_document()["components"]["responses"]["BadRequest"]["content"][
    "application/json"
]["examples"]["url-not-fetched"]["value"]


def phase_of(case: schemathesis.Case) -> str:
    """The name of the phase that made a case."""
    return "" if case.meta is None else str(case.meta.phase.name.value)


def is_what_was_sent(
    context: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """An accepted upload is read back: its bytes, its size, its type, its path."""
    del context
    if response.status_code != 200 or response.request.method != "POST":
        return
    data = response.json()["data"]
    session = case.operation.schema.config.headers  # no headers of a case: a link needs no key
    assert not session
    got = CURRENT[0].get(data["downloadUrl"])
    content = content_of(response.request)
    assert got.status_code == 200
    assert content is None or got.content == content
    assert data["fileSize"] == len(got.content)
    assert data["mimeType"] == got.headers["Content-Type"]
    assert data["filePath"].endswith(f"/{data['fileName']}")


CURRENT: list[Target] = []
