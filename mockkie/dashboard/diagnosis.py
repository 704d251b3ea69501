"""Why a request was answered as it was: the lines of the contract behind it, and what to do.

Knows no pages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from typing import Final

from mockkie.contract import Contract
from mockkie.document import Document
from mockkie.journal import Entry
from mockkie.source import Pointer

ADVICE: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "missing-parameter": (
        ("input.required",),
        "Send the field that is named here, with a value. Its name is spelled exactly so.",
    ),
    "invalid-parameter": (
        ("input.types", "input.no-edge-slashes", "input.plain-segments"),
        "Send the value as the contract has it: the line above says what is expected there.",
    ),
    "malformed-body": (
        ("envelope.all-refusals-are-400",),
        (
            "Let the HTTP client build the body and its Content-Type: do not set the header of a "
            "form yourself, its boundary is missing then."
        ),
    ),
    "unsupported-media-type": (
        ("media.refused", "input.json-type"),
        "Send multipart/form-data to the stream route, application/json to the other two.",
    ),
    "invalid-base64": (
        ("input.base64-format", "base64.strict"),
        "Encode the bytes in standard base64 with padding, or as a data: URL.",
    ),
    "file-too-large": (
        ("envelope.all-refusals-are-400",),
        "Send less, or raise the limit that is named here in the contract.",
    ),
    "storage-full": (
        ("envelope.all-refusals-are-400",),
        "Let files of this world expire or delete some, or raise the limit that is named here.",
    ),
    "request-timeout": (
        (),
        "Send the body without long pauses, or let `--client-timeout` be longer; 0 is for ever.",
    ),
    "url-not-fetched": (
        ("url.fetched", "url.limits"),
        (
            "Use a URL that the mock can read: offline it knows samples by their ending, such as "
            "https://example.com/a.png; `--url-upload fetch` really fetches."
        ),
    ),
    "invalid-api-key": (
        ("auth.bearer", "auth.exact", "auth.first"),
        (
            "Send `Authorization: Bearer KEY` with a key of a world: they are on the page of the "
            "worlds. `--any-key` lets every key in."
        ),
    ),
    "route-not-found": (
        (),
        "Ask one of the paths of the contract; most often it is a wrong base URL.",
    ),
    "link-not-found": (
        ("expiry.answer",),
        "Use `downloadUrl` of the answer as it came: never build it, never cut it.",
    ),
    "link-expired": (
        ("expiry.three-days", "expiry.answer"),
        (
            "Upload the file again; where time is in the way, freeze the clock. What has expired "
            "stays gone."
        ),
    ),
    "insufficient-credits": (
        ("jobs.credits", "jobs.price"),
        "The account of this world is spent: reset the world.",
    ),
    "task-not-found": (
        ("jobs.unknown-task",),
        "Ask for a `taskId` that createTask of this world has answered.",
    ),
    "url-not-generated": (
        ("jobs.own-results-only",),
        "Ask for a link to the result of a task of this world.",
    ),
    "method-not-allowed": (
        ("method.refused", "method.links"),
        "Use a method that the `Allow` header of the answer names.",
    ),
    "user-agent-refused": (
        (),
        "Send another `User-Agent`, or take its text out of the setting `userAgents.refuse`.",
    ),
    "range-not-satisfiable": (
        ("download.range",),
        "Ask for bytes that the file has: it is shorter than the range begins.",
    ),
    "internal-error": (
        (),
        "The mock failed, or a fault broke it: see its shots. Without one it is a bug of ours.",
    ),
}
"""What a problem is about: ids of claims, those that the document has, and how to get past it."""

_UNFIT: Final = re.compile(r'(uploadPath|fileName): "(.*?)" does not match')


@dataclass(frozen=True, slots=True)
class Line:
    """A place in a document, and what stands there."""

    label: str
    text: str
    place: str
    level: str = ""
    claim: str = ""

    @property
    def short(self) -> str:
        """`openapi.yaml:62`: the place without its folder and column."""
        return short_place(self.place)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is behind an answer."""

    lines: Sequence[Line]
    advice: str


def short_place(place: str) -> str:
    """`openapi.yaml:62` of `/somewhere/openapi.yaml:62:5`."""
    name, _, rest = PurePath(place).name.partition(":")
    return f"{name}:{rest.partition(':')[0]}" if rest else name


def diagnose(contract: Contract, entry: Entry) -> Diagnosis:
    """The lines of the contract that an answer follows, and what to do about a refusal."""
    claims, advice = told(entry)
    operation = contract.operations.get(entry.operation or "")
    owner = contract.owner(operation)
    lines = []
    if operation is not None:
        summary = str(operation.value.get("summary", ""))
        lines.append(Line(operation.id, summary, operation.place))
        key = None if entry.status is None else operation.response_key(entry.status)
        if key is not None:
            document = owner.document
            text = str(document.at(operation.responses[key]).get("description", ""))
            lines.append(Line(f"answer {key}", text, document.place(operation.responses[key])))
    known = {
        name: line for document in documents(contract) for name, line in claims_of(document).items()
    }
    lines += [known[name] for name in claims if name in known]
    return Diagnosis(lines, advice)


def told(entry: Entry) -> tuple[Sequence[str], str]:
    """What is known of the problem of an entry; of values, by what is wrong with this one."""
    claims, advice = ADVICE.get(entry.problem or "", ((), ""))
    wrong = _UNFIT.match(entry.why or "")
    if entry.problem != "invalid-parameter" or wrong is None:
        return claims, advice
    name, value = wrong.groups()
    if value.startswith("/") or value.endswith("/"):
        return ("input.no-edge-slashes",), f"Take the slashes off the ends of `{name}`."
    claims = ("input.plain-segments",)
    return claims, f"Have no empty segments, no `.`, `..` and no control characters in `{name}`."


def documents(contract: Contract) -> Sequence[Document]:
    """The document of a contract, then those beside it."""
    owners = [contract, *map(contract.owner, contract.operations.values())]
    return [owner.document for owner in dict.fromkeys(owners)]


@lru_cache(maxsize=8)
def claims_of(document: Document) -> Mapping[str, Line]:
    """The claims of a document by id."""
    found = {}
    for name, value in document.root.get("x-mockkie", {}).get("claims", {}).items():
        pointer: Pointer = ("x-mockkie", "claims", name)
        place = document.place(pointer)
        found[name] = Line(name, value["says"], place, value["level"], name)
    return found
