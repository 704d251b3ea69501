"""Faults that a request asks for by its own headers. Knows not how they are carried out.

`X-Mockkie-Fault: reset=65536` is any fault in its compact form; `Prefer: code=500`, `example=name`
and `delay=PT2S` are what users of Prism know.
"""

from __future__ import annotations

from typing import Any, Final

from mockkie.contract import Contract
from mockkie.exchange import Exchange
from mockkie.faults import Fault
from mockkie.known_faults import judge_fault
from mockkie.operation import Operation
from mockkie.operations import HANDLERS
from mockkie.problems import Problem
from mockkie.refusals import examples
from mockkie.stateless import preferences
from mockkie.values import FaultError
from mockkie.wire import Request

_HEADER: Final = "x-mockkie-fault"
_PREFER: Final = "prefer"
_ERRORS: Final = ("4", "5")


def asks_for_faults(request: Request) -> bool:
    """Whether a request may ask for faults of its own."""
    return _HEADER in request.headers.first or _PREFER in request.headers.first


def faults_of(exchange: Exchange) -> list[Fault]:
    """The faults that the headers of a request ask for; raises `invalid-parameter`."""
    request, contract = exchange.request, exchange.service.contract
    wanted: list[tuple[str, Any]] = [
        ("X-Mockkie-Fault", text) for text in request.headers.getlist(_HEADER)
    ]
    if _PREFER in request.headers:
        wanted += [("Prefer", value) for value in _preferred(exchange)]
    found = []
    for header, value in wanted:
        try:
            fault = Fault.of(value)
            judge_fault(contract, fault)
        except FaultError as error:
            raise Problem("invalid-parameter", f"{header}: {error}", parameter=header) from error
        found.append(fault)
    return found


def _preferred(exchange: Exchange) -> list[dict[str, Any]]:
    """The faults that `Prefer` stands for. Without a handler, code and example are no faults."""
    prefer = preferences(exchange.request)
    found: list[dict[str, Any]] = []
    delay = prefer.get("delay")
    if delay is not None:
        found.append({"then": {"latency": f"PT{delay}S" if delay[:1].isdigit() else delay}})
    operation = exchange.operation
    if operation.id not in HANDLERS:
        return found
    code, example = prefer.get("code"), prefer.get("example")
    if example is not None:
        if example not in _successes(exchange.service.contract, operation):
            _known(example, list(operation.refusals), f"example of {operation.id}")
            found.append({"then": {"example": example}})
    elif code is not None:
        _known(code, list(operation.responses), f"answer of {operation.id}")
        if code.startswith(_ERRORS):
            found.append({"then": {"status": int(code)}})
    return found


def _known(word: str, known: list[str], what: str) -> None:
    if word not in known:
        why = f"{word!r} is no documented {what}; there are: {', '.join(known)}"
        raise Problem("invalid-parameter", why, parameter="Prefer")


def _successes(contract: Contract, operation: Operation) -> set[str]:
    """The names of examples of success: who asks for one gets the real thing."""
    return {
        name
        for status, found in operation.contents.items()
        if not status.startswith(_ERRORS)
        for media in found.values()
        for name in examples(contract.document, media)
    }
