"""The answers that faults give in place of the API's. Knows not when."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from mockkie.exchange import Exchange
from mockkie.faults import Shot
from mockkie.problems import Problem
from mockkie.refusing import dressed
from mockkie.wire import Answer, Whole, printable

_TOO_MANY: Final = 429


def answer_of(exchange: Exchange, shot: Shot) -> Answer:
    """The answer of a shot that has one."""
    name, values = shot.action.name, shot.action.values
    if name != "answer":
        error = _TOO_MANY if name == "quota" else values[shot.action.way.short or ""]
        answer = _error(exchange, error, shot)
        if name == "quota":
            answer.headers["retry-after"] = str(shot.retry_after)
        elif name == "errorIn200":
            answer.status = 200
        return answer
    headers = {"x-mockkie-why": printable(str(shot)), **values["headers"]}
    body = values["body"]
    if isinstance(body, str):
        headers.setdefault("content-type", "text/plain; charset=utf-8")
        content = body.encode()
        pieces = None if exchange.request.method == "HEAD" else Whole(content)
        return Answer(values["status"], headers, pieces=pieces, length=len(content))
    return Answer(values["status"], headers, json=body)


def _error(exchange: Exchange, error: int | str, shot: Shot) -> Answer:
    """The documented answer of that name or status, else one in the envelope."""
    contract, operation = exchange.service.contract, exchange.operation
    known = operation.refusals.items()
    documented = [name for name, one in known if error in (name, one.status, one.body.get("code"))]
    if documented or isinstance(error, str):
        name = documented[0] if documented else str(error)
        wanted = _of_settings(exchange, name) if isinstance(error, str) else error
        status, body = contract.refusal(Problem(name, "", status=wanted), operation)
    else:
        msg = HTTPStatus(error).phrase if error in set(HTTPStatus) else "Error"
        status, body = error, {"success": False, "code": error, "msg": msg}
    answer = Answer(status, {"x-mockkie-why": printable(str(shot))}, json=body)
    return dressed(exchange, error if isinstance(error, str) else "", answer)


def _of_settings(exchange: Exchange, name: str) -> int | None:
    """The status that the settings insist on for a documented error."""
    settings = exchange.settings
    statuses = {"link-expired": settings.expired_status, "link-not-found": settings.unknown_status}
    return statuses.get(name)
