"""What refused requests show of a target: texts, statuses, slashes. Writes nothing down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final
from uuid import uuid4

import requests

from mockkie.harness.api import BASE64, STREAM, URL
from mockkie.harness.asking import PIXEL, Asker, accepted, refusal, told
from mockkie.harness.facts import Fact, beyond, shown, unseen
from mockkie.harness.session import NotJudgedError

_PARAMETER: Final = "uploadPath"
_OTHER: Final = "fileUrl"
_OK: Final = 200
_JSON: Final = {"Content-Type": "application/json"}
_TEXT: Final = {"Content-Type": "text/plain"}
_FILE: Final = {"file": ("sent.txt", PIXEL)}

Question = Callable[[Asker], requests.Response]


def _of_path(path: str) -> Question:
    """A form with this path below a folder of ours."""
    return lambda asker: asker.target.post(
        STREAM, files=_FILE, data={_PARAMETER: asker.target.folder() + path, "fileName": "x.txt"}
    )


def _unauthorized(asker: Asker) -> requests.Response:
    stranger = asker.target.with_authorization(f"Bearer {uuid4().hex}")
    return stranger.post(STREAM, files=_FILE, data={_PARAMETER: asker.target.folder()})


def _get(asker: Asker) -> requests.Response:
    return asker.target.get(asker.target.url + STREAM, headers=dict(asker.target.headers))


_QUESTIONS: Final[dict[str, tuple[str, Question]]] = {
    "missing-parameter": (
        f"POST {STREAM} without uploadPath",
        lambda asker: asker.target.post(STREAM, files=_FILE),
    ),
    "invalid-parameter": (f"POST {STREAM} with uploadPath …/../x", _of_path("/../x")),
    "malformed-body": (
        f"POST {BASE64} with half an object",
        lambda asker: asker.target.post(BASE64, data=b'{"uploadPath": ', headers=_JSON),
    ),
    "unsupported-media-type": (
        f"POST {BASE64} with text/plain",
        lambda asker: asker.target.post(BASE64, data=b"text", headers=_TEXT),
    ),
    "invalid-base64": (
        f"POST {BASE64} with base64Data @@@@",
        lambda asker: asker.target.post(
            BASE64, json={"base64Data": "@@@@", _PARAMETER: asker.target.folder()}
        ),
    ),
    "url-not-fetched": (
        f"POST {URL} with a link that never was",
        lambda asker: asker.target.post(
            URL, json={_OTHER: asker.unknown_link(), _PARAMETER: asker.target.folder()}
        ),
    ),
    "invalid-api-key": (f"POST {STREAM} with a key that nobody has", _unauthorized),
    "method-not-allowed": (f"GET {STREAM}", _get),
    "route-not-found": (
        "POST /api/mockkie-no-such-route",
        lambda asker: asker.target.post("/api/mockkie-no-such-route", data=b""),
    ),
}
SETTINGS: Final = ("errorTransport", *(f"texts.{name}" for name in _QUESTIONS))


def refusals(asker: Asker) -> Iterator[Fact]:
    """`errorTransport`, and the texts of the documented refusals."""
    transports: dict[str, str] = {}
    for name, (asked, question) in _QUESTIONS.items():
        try:
            answer = question(asker)
        except NotJudgedError as error:
            yield unseen(f"texts.{name}", str(error))
            continue
        found = refusal(answer)
        if found is None:
            yield _no_refusal(asker, name, asked, answer)
            continue
        code, msg = found
        if answer.status_code in (code, _OK):
            transports[name] = "status" if answer.status_code == code else "body"
        yield from _text(asker, name, f"{asked}: {answer.status_code}, code {code}", code, msg)
    yield _transport(asker, transports)


def _transport(asker: Asker, seen: dict[str, str]) -> Fact:
    kinds = set(seen.values())
    if not kinds:
        return unseen("errorTransport", "nothing was refused in the envelope")
    status = "HTTP 200 with the error inside" if kinds == {"body"} else "HTTP status is `code`"
    how = f"{len(seen)} refused requests: {status}"
    if len(kinds) == 1:
        return asker.settings.fact("errorTransport", kinds.pop(), how)
    inside = ", ".join(name for name, kind in seen.items() if kind == "body")
    how = f"{len(seen)} refused requests: HTTP 200 for {inside} only"
    return beyond("errorTransport", shown(asker.settings["errorTransport"]), "mixed", how)


def _no_refusal(asker: Asker, name: str, asked: str, answer: requests.Response) -> Fact:
    example = asker.settings.example(name)
    documented = shown(example.body.get("msg")) if example else ""
    if answer.ok:
        return beyond(f"texts.{name}", documented, "accepted", f"{asked}: {told(answer)}")
    how = f"{asked}: {told(answer)}, not in the envelope"
    return beyond(f"texts.{name}", documented, f"{answer.status_code}, another form", how)


def _text(asker: Asker, name: str, how: str, code: int, msg: str) -> Iterator[Fact]:
    """What the example of a name would have to say."""
    example = asker.settings.example(name)
    documented = example.body.get("code") if example else None
    if example is not None and code != documented:
        why = f"{how}; move the example to the response of that status"
        yield beyond(f"code.{name}", str(documented), str(code), why)
    if name == "missing-parameter" and _PARAMETER in msg:
        yield from _other_parameter(asker, msg)
    if example is not None and example.parameter not in (None, _PARAMETER) and _PARAMETER in msg:
        msg = msg.replace(_PARAMETER, str(example.parameter))
    yield asker.settings.members(name, {"msg": msg}, how)


def _other_parameter(asker: Asker, msg: str) -> Iterator[Fact]:
    """Whether the text names another parameter in the same way, as the mock will."""
    answer = asker.target.post(URL, json={_PARAMETER: asker.target.folder()})
    found, expected = refusal(answer), msg.replace(_PARAMETER, _OTHER)
    if found is not None and found[1] != expected:
        how = f"POST {URL} without {_OTHER}: {found[1]}"
        yield beyond(f"texts.missing-parameter.{_OTHER}", expected, found[1], how)


def edge_slashes(asker: Asker) -> Iterator[Fact]:
    """`edgeSlashes`: what becomes of a path that begins and ends with one."""
    folder = asker.target.folder()
    fields = {_PARAMETER: f"/{folder}/", "fileName": "x.txt"}
    answer = asker.target.post(STREAM, files=_FILE, data=fields)
    how = f"POST {STREAM} with uploadPath /…/: {answer.status_code}"
    if refusal(answer) is not None:
        yield asker.settings.fact("edgeSlashes", "refuse", how)
        return
    path = str(accepted(answer, folder, "x.txt").data["filePath"])
    if path.endswith(f"{folder}/x.txt") and not path.startswith("/") and "//" not in path:
        yield asker.settings.fact("edgeSlashes", "trim", f"{how}, filePath …/x.txt")
    else:
        shape = path.replace(folder, "…")
        documented = shown(asker.settings["edgeSlashes"])
        yield beyond("edgeSlashes", documented, shape, f"{how}, filePath {shape}")
