"""Observations: what came of a step, with ids, hosts and times replaced by labels.

Two targets that do the same are observed alike, whatever their hosts, names and clocks are. Nothing
here is a secret: an observation may be published. Knows answers; sends nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from typing import Any, Final, NamedTuple, TypeAlias
from urllib.parse import unquote, urlsplit

import requests

from mockkie.harness.api import FACTS, GONE, essence
from mockkie.harness.steps import Upload

Observation: TypeAlias = Mapping[str, Any]
"""Aspects by name, as plain data; `aspects.ASPECTS` says what each is about."""

_ENVELOPE: Final = {"success", "code", "msg", "data"}
_SHAPE: Final = re.compile(r"\d{13}-[0-9a-z]{9,12}(?:\.[A-Za-z0-9]+)?")
_RANDOM: Final = re.compile(r"\d{13}-|[0-9a-f]{8}-?[0-9a-f]{4}")
_WORDS: Final = ("null", "none", "None", "undefined", "")
_NEAR: Final = 60.0
_HOUR: Final = 3_600.0
_LONGEST: Final = 200


@dataclass
class Known:
    """A link of a walk: its label, the contents it was given, and the type it was answered with."""

    label: str
    contents: list[bytes] = field(default_factory=list)
    type: str = ""


def hide(text: str, secrets: Iterable[str]) -> str:
    """A text without some secrets, and scrubbed."""
    for secret in secrets:
        text = text.replace(secret, "<secret>")
    return scrub(text)


def scrub(text: str) -> str:
    """A text without what would tell a target from another: addresses, ids, numbers, times."""
    for pattern, label in (
        (r"https?://[^\s\"'<>]+", "<url>"),
        (r"mockkie-[0-9a-f]{12}(?:/\d+)?", "<folder>"),
        (r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?", "<address>"),
        (r"\d{4}-\d\d-\d\dT[\d:.]+Z?", "<time>"),
        (r"[0-9A-Fa-f-]{16,}", "<id>"),
        (r"\d{5,}", "<number>"),
    ):
        text = re.sub(pattern, label, text)
    return text[:_LONGEST]


def digest(content: bytes) -> str:
    """A content that nobody uploaded, in few words."""
    mark = blake2b(content, digest_size=6).hexdigest()
    return f"{len(content):,} bytes, {mark}" if content else "nothing"


# ---------------------------------------------------------------------------------- answers


def body_of(answer: requests.Response) -> dict[str, Any] | None:
    """The JSON object of an answer; None if it is none."""
    try:
        value = json.loads(answer.content.decode())
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def outcome_of(answer: requests.Response, body: Mapping[str, Any] | None) -> str:
    """What an answer of the API comes down to."""
    status = answer.status_code
    if status // 100 == 2:  # noqa: PLR2004 - 2xx
        return "refused inside 2xx" if body and body.get("success") is False else "accepted"
    return {4: "refused", 5: "broken"}.get(status // 100, f"status {status}")


def of_answer(answer: requests.Response) -> dict[str, Any]:
    """The envelope of any answer of the API."""
    body = body_of(answer)
    found: dict[str, Any] = {
        "outcome": outcome_of(answer, body),
        "status": answer.status_code,
        "media": essence(answer.headers.get("Content-Type", "")),
        "cors": answer.headers.get("Access-Control-Allow-Origin"),
    }
    if body is None:
        return found | {"envelope": "no JSON object" if answer.content else "no body"}
    msg, code = body.get("msg"), body.get("code")
    return found | {
        "envelope": f"success {body.get('success')!r}, msg {_kind(msg)}",
        "code": "as the status" if code == answer.status_code else scrub(repr(code)),
        "msg": scrub(msg) if isinstance(msg, str) else None,
        "extra": sorted(scrub(key) for key in body.keys() - _ENVELOPE),
    }


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "a text" if value else "empty"
    return "missing" if value is None else f"a {type(value).__name__}"


def facts_of(answer: requests.Response) -> dict[str, Any]:
    """The facts of an accepted upload that have the right type."""
    data = (body_of(answer) or {}).get("data")
    facts = data if isinstance(data, dict) else {}
    return {
        name: facts[name]
        for name, kind in FACTS.items()
        if isinstance(facts.get(name), kind) and not isinstance(facts[name], bool)
    }


def of_upload(
    answer: requests.Response, step: Upload, folder: str, took: Took, label: str
) -> dict[str, Any]:
    """What an accepted upload was answered with; `label` is its link's."""
    facts = facts_of(answer)
    data = (body_of(answer) or {}).get("data")
    extra = sorted(data.keys() - FACTS.keys()) if isinstance(data, dict) else []
    wrong = [f"no {name} of its type" for name in FACTS if name not in facts]
    found: dict[str, Any] = {
        "facts": ", ".join(wrong) or "all six",
        "extra facts": [scrub(name) for name in extra],
        **_name(facts.get("fileName", ""), step),
    }
    if wrong:
        return found
    path, link = facts["filePath"], urlsplit(facts["downloadUrl"])
    return found | {
        "path": _path(path, f"{folder}/{facts['fileName']}"),
        "style": f"{path.strip('/').partition('mockkie-')[0].count('/')} segments before the path",
        "link": label,
        "link form": _link(link, path),
        "size": facts["fileSize"],
        "type": facts["mimeType"],
        **_time(facts["uploadedAt"], answer, took),
    }


def _name(name: str, step: Upload) -> dict[str, Any]:
    given = step.set.get("fileName", step.name)
    if given is not None:
        return {"name": "as given" if name == given else scrub(repr(name))}
    if step.route == "url" and name == "source.dat":
        return {"name": "of the source"}
    odd = name in _WORDS or (step.route == "url" and not _RANDOM.match(name))
    label = scrub(repr(name)) if odd else "generated"
    stem, dot, extension = name.rpartition(".")
    return {
        "name": "of the sender's file" if name == step.filename else label,
        "extension": dot + extension if stem else "",
        "shape": "as observed" if _SHAPE.fullmatch(name) else "another",
    }


def _path(path: str, ends: str) -> str:
    if path == ends or (path.endswith(f"/{ends}") and not path.startswith("/")):
        return "ends with folder and name"
    return _ours(path)


def _link(link: Any, path: str) -> str:
    if link.scheme not in ("http", "https"):
        return "no URL"
    if link.query or link.fragment:
        return "cut at ? or #"
    if not link.path.isascii() or " " in link.path:
        return "not percent-encoded"
    right = unquote(link.path).endswith(f"/{path.lstrip('/')}")
    return "ends with the path" if right else _ours(link.path)


def _ours(path: str) -> str:
    """The part of a path that the run itself chose: what stands before it may name an account."""
    before, mark, rest = path.partition("mockkie-")
    slash = "/..." if before.startswith("/") else "..." * bool(before)
    return scrub(f"{slash}{mark}{rest}") if mark else "another path"


class Took(NamedTuple):
    """How long an upload took, and how far the target's clock is ahead of its machine's; seconds.

    A server whose clock was moved may still send the `Date` of the machine that it runs on.
    """

    seconds: float
    ahead: float


def _time(text: str, answer: requests.Response, took: Took) -> dict[str, Any]:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return {"time": "no time of ISO 8601"}
    if moment.tzinfo is None:
        return {"time": "without a zone"}
    precision = len(text.partition(".")[2].rstrip("Z").partition("+")[0])
    said = answer.headers.get("Date")
    if said is None:
        return {"time": "zoned, no Date beside it", "precision": precision}
    off = (moment.astimezone(UTC) - parsedate_to_datetime(said)).total_seconds()
    near = any(-_NEAR - took.seconds <= off - ahead <= _NEAR for ahead in (0.0, took.ahead))
    shown = "near its Date" if near else f"{off / _HOUR:+.1f} h from its Date"
    zone = "" if text.endswith(("Z", "+00:00")) else ", not in UTC"
    return {"time": shown + zone, "precision": precision}


# ------------------------------------------------------------------------------------ reads


def of_read(
    answer: requests.Response, known: Known, others: Mapping[str, Known], method: str
) -> dict[str, Any]:
    """What a link led to; `others` are the links of the walk by their address."""
    status = answer.status_code
    outcome = {200: "served", 206: "partial", 304: "unchanged"}.get(status, "")
    if status in GONE and method in ("GET", "HEAD"):
        outcome = "gone"
    found: dict[str, Any] = {
        "outcome": outcome or {4: "refused", 5: "broken"}.get(status // 100, f"status {status}"),
        "gone status" if outcome == "gone" else "status": status,
    }
    if outcome not in ("served", "partial"):
        return found
    served = essence(answer.headers.get("Content-Type", ""))
    found["served type"] = "as answered" if served == essence(known.type) else served
    found["cache"] = answer.headers.get("Cache-Control")
    found["download cors"] = answer.headers.get("Access-Control-Allow-Origin")
    if method == "HEAD":
        length, size = answer.headers.get("Content-Length"), len((known.contents or [b""])[-1])
        return found | {"length": "of the file" if length == str(size) else length}
    return found | {"content": content_label(answer, known, others)}


def content_label(answer: requests.Response, known: Known, others: Mapping[str, Known]) -> str:
    """Whose bytes a link leads to."""
    content, contents = answer.content, known.contents
    if not contents:
        return digest(content)
    if answer.status_code == requests.codes.partial:
        return _part(answer, contents[-1])
    if content == contents[-1]:
        return "as uploaded"
    if content in contents:
        return "as before an overwrite"
    for other in others.values():
        if other is not known and content in other.contents:
            return f"that of {other.label}"
    return digest(content)


def _part(answer: requests.Response, whole: bytes) -> str:
    """Which part of a file a range led to."""
    span = re.match(r"bytes (\d+)-(\d+)/", answer.headers.get("Content-Range", ""))
    if span and whole[int(span[1]) : int(span[2]) + 1] == answer.content:
        return f"bytes {span[1]} to {span[2]} of the file"
    return f"a part: {digest(answer.content)}"


def of_many(values: Sequence[str]) -> dict[str, int]:
    """How often which of several outcomes came."""
    return {value: list(values).count(value) for value in sorted(set(values))}
