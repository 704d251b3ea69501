"""What a refusal is when it goes out, by the settings. Knows not why anything is refused."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from typing import Any, Final

from mockkie.exchange import Exchange
from mockkie.problems import Problem
from mockkie.wire import Answer, Request, Whole, printable

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_HTML: Final = "text/html; charset=utf-8"


def refuse(exchange: Exchange, problem: Problem) -> Answer:
    """The documented answer to a problem; CORS preflights are problems that are none."""
    request, operation, entry = exchange.request, exchange.matched, exchange.entry
    if problem.name == "method-not-allowed" and _is_preflight(exchange):
        entry.notes.append("CORS preflight")
        return _preflight(request, problem.headers["Allow"])
    status, body = exchange.service.contract.refusal(problem, operation)
    entry.decision = "broken" if problem.name == "internal-error" else "refused"
    entry.problem, entry.why = problem.name, problem.why
    headers = {name.lower(): value for name, value in problem.headers.items()}
    headers["x-mockkie-why"] = printable(problem.why)
    if operation is not None and problem.name != "method-not-allowed":
        miss = operation.miss(status, headers, body)
        if miss is not None and operation.response_key(status) is not None:
            return fail(exchange, miss)
        if miss is not None:
            entry.notes.append(miss)
    return dressed(exchange, problem.name, Answer(status, headers, json=body))


def fail(exchange: Exchange, why: str) -> Answer:
    """The answer when the mock itself is at fault."""
    problem = Problem("internal-error", why)
    status, body = exchange.service.contract.refusal(problem, exchange.matched)
    exchange.entry.decision, exchange.entry.why = "broken", why
    exchange.entry.problem = problem.name
    return Answer(status, {"x-mockkie-why": printable(why)}, json=body)


def reason_of(error: OSError) -> str:
    """Why a request failed whose files could not be kept or read."""
    if error.errno in _FULL:
        return f"the disk is full, nothing was kept: {error.strerror}"
    return f"the store failed: {error.strerror or error}"


def dressed(exchange: Exchange, name: str, answer: Answer) -> Answer:
    """A refusal of that name in the form that the settings give it."""
    settings = exchange.rules
    bodies = {"link-expired": settings.expired_body, "link-not-found": settings.unknown_body}
    body = bodies.get(name, "envelope") if exchange.downloads else "envelope"
    if body == "empty":
        return Answer(answer.status, answer.headers)
    if body == "html":
        headers = {**answer.headers, "content-type": _HTML}
        content = _page(answer.status, answer.json)
        pieces = None if exchange.request.method == "HEAD" else Whole(content)
        return Answer(answer.status, headers, pieces=pieces, length=len(content))
    if settings.error_transport == "body" and not exchange.downloads:
        answer.status = 200
    return answer


def _page(status: int, body: Mapping[str, Any]) -> bytes:
    """A short page, as a CDN has it in place of the API's own errors."""
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"
    title, text = f"{status} {phrase}", escape(str(body.get("msg", phrase)))
    return (
        f"<!DOCTYPE html>\n<html>\n<head><title>{title}</title></head>\n"
        f"<body><h1>{title}</h1><p>{text}</p></body>\n</html>\n"
    ).encode()


def _is_preflight(exchange: Exchange) -> bool:
    request = exchange.request
    return (
        request.method == "OPTIONS"
        and "access-control-request-method" in request.headers
        and exchange.allowed_origin is not None
    )


def _preflight(request: Request, allow: str) -> Answer:
    asked = request.headers.get("access-control-request-headers", "")
    headers = {"access-control-allow-methods": allow, "access-control-max-age": "600"}
    if asked:
        headers["access-control-allow-headers"] = printable(asked)
        headers["vary"] = "access-control-request-headers"
    return Answer(204, headers)
