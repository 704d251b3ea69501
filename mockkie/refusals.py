"""The documented answers: examples of success, and what problems are answered with.

Knows nothing of requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mockkie.document import Document
from mockkie.media import JSON, content
from mockkie.problems import Problem
from mockkie.source import Pointer

_ONLY: Final = {
    "401": "invalid-api-key",
    "405": "method-not-allowed",
    "416": "range-not-satisfiable",
    "500": "internal-error",
}
"""The statuses that stand for one problem only: an example without a name is about that one."""
_FIRST_ERROR: Final = 400


@dataclass(frozen=True, slots=True)
class Refusal:
    """A documented answer of the error form: status and body, and the name its text is about."""

    status: int
    body: Mapping[str, Any]
    parameter: str | None

    def about(self, problem: Problem) -> tuple[int, dict[str, Any]]:
        """`(status, body)` for a problem, its own parameter in the text."""
        status = problem.status or self.status
        body = dict(self.body)
        if self.parameter and problem.parameter and isinstance(body.get("msg"), str):
            body["msg"] = body["msg"].replace(self.parameter, problem.parameter)
        if problem.status and "code" in body:
            body["code"] = problem.status
        return status, body


def examples(document: Document, media: Pointer) -> dict[str, Any]:
    """The examples of a media type by name; `example` without one is called `default`."""
    value = document.at(media)
    named = {
        name: document.at(pointer).get("value")
        for name, pointer in document.items((*media, "examples"))
    }
    return {"default": value["example"], **named} if "example" in value else named


def refusals(document: Document, responses: Mapping[str, Pointer]) -> dict[str, Refusal]:
    """The examples of error answers by the names of the problems that they answer."""
    found: dict[str, Refusal] = {}
    for status, response in responses.items():
        media = content(document, response).get(JSON)
        if media is None:
            continue
        for name, body in examples(document, media).items():
            if not isinstance(body, dict) or not _says_no(body):
                continue
            code = int(status) if status.isdecimal() else body.get("code", 500)
            found.setdefault(
                _ONLY.get(status, name) if name == "default" else name,
                Refusal(code, body, _parameter(document, media, name)),
            )
    return found


def _says_no(body: Mapping[str, Any]) -> bool:
    """Whether a body is a refusal: of the uploads' envelope, or of the one without `success`."""
    code = body.get("code")
    failed = isinstance(code, int) and code >= _FIRST_ERROR
    return body.get("success", not failed) is False


def _parameter(document: Document, media: Pointer, name: str) -> str | None:
    try:
        example = document.at(document.descend(media, "examples", name))
    except KeyError:
        return None
    parameter: str | None = example.get("x-mockkie", {}).get("parameter")
    return parameter
