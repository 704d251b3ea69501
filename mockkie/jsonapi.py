"""JSON in, JSON and problem+json (RFC 9457) out: how the control API speaks. Knows no worlds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

_MOST: Final = 10_000
_BODY: Final = 1_048_576
_DIGITS: Final = 18
_DEEPEST: Final = 100  # levels of JSON: what is kept is written again, and orjson writes 254
_NOWHERE: Final = (".", "..")
_NOTHING: Final = (b"", b"{}", b"null")
_LONGEST_NOTHING: Final = 64


class Refused(Exception):  # noqa: N818 - it carries the answer
    """What the control API says no with: an RFC 9457 problem."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


def away(error: OSError) -> Refused:
    """The refusal of a call that the store could not carry out."""
    return Refused(503, f"the store failed: {error.strerror or error}; try again")


def missing(request: Request, what: str) -> Refused:
    """The refusal of an id below a list: it says where those are that there are."""
    above = request.url.path.rpartition("/")[0]
    return Refused(404, f"there is no such {what}; GET {above} lists those that there are")


async def read_object(request: Request, known: set[str] | None = None) -> dict[str, Any]:
    """The JSON object that a call carries, empty without a body; only with `known` members."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _BODY:
            raise Refused(413, f"the body of a control call is small: at most {_BODY:,} bytes")
    if not content:
        return {}
    judge_media(request.headers.get("content-type", ""))
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Refused(400, f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Refused(400, "the body is a JSON object")
    if _is_deep(value):
        raise Refused(400, f"the body is nested deeper than {_DEEPEST} levels")
    if known is not None and (strange := set(value) - known):
        wanted = ", ".join(sorted(known))
        raise Refused(400, f"{min(strange)!r} is not known here; known are: {wanted}")
    return value


def judge_media(written: str) -> None:
    """Refuse a body that is not said to be JSON: pages of any origin may send all other types."""
    if written.partition(";")[0].strip().lower() != "application/json":
        raise Refused(
            400,
            f"the body is JSON, and has to say so: send `Content-Type: application/json`, not "
            f"{written or 'none'!r} (curl: --json in place of -d)",
        )


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        below = [one.values() if isinstance(one, dict) else one for one in level]
        level = [one for inner in below for one in inner if isinstance(one, dict | list)]
        if not level:
            return False
    return True


async def refuse_body(request: Request) -> None:
    """Refuse what a call that takes no body carries: it would do more than was asked for."""
    content = b""
    async for chunk in request.stream():
        content = (content + chunk).strip()
        if len(content) > _LONGEST_NOTHING:
            break
    if b"".join(content.split()) not in _NOTHING:
        raise Refused(400, f"{request.method} {request.url.path} takes no body; send none")


def judge_query(request: Request, known: Sequence[str]) -> None:
    """Refuse parameters of the query that a call does not know, or that come twice."""
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        if name not in known:
            there = f"known are: {', '.join(known)}" if known else "it has none"
            raise Refused(400, f"{name!r} is no query parameter of this call; {there}")
        if given.count(name) > 1:
            raise Refused(400, f"{name} stands in the query twice; send it once")


def read_count(request: Request, name: str, default: int, *, lowest: int = 1) -> int:
    """A number of the query, at most 10,000 when it counts from one; `Refused` otherwise."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdecimal() or len(text) > _DIGITS or int(text) < lowest:
        raise Refused(400, f"{name} is a number from {lowest} on, of at most {_DIGITS} digits")
    return min(int(text), _MOST) if lowest else int(text)


def json_response(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(value), status, media_type="application/json")


def problem_response(refused: Refused) -> Response:
    """The answer that a refusal carries."""
    value = {"type": "about:blank", "status": refused.status, "detail": refused.detail}
    return Response(
        orjson.dumps(value),
        refused.status,
        headers=refused.headers,
        media_type="application/problem+json",
    )


def is_key(key: Any) -> bool:
    """Whether it can be an API key: a word that a header can carry."""
    return is_word(key) and key.isascii() and key == key.strip()


def is_id(text: Any) -> bool:
    """Whether it can be the id of a world: a word that can stand in the path of a URL."""
    return is_word(text) and text not in _NOWHERE


def is_word(text: Any) -> bool:
    """Whether it is a printable text of 1 to 100 characters, without slash."""
    longest = 100
    return (
        isinstance(text, str)
        and 0 < len(text) <= longest
        and text.isprintable()
        and "/" not in text
    )
