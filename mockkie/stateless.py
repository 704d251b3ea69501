"""Answers of operations that have no handler: from their examples, then from their schemas.

`Prefer: code=404, example=name` picks among them, as users of Prism know it. Knows no worlds.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from mockkie.contract import Contract
from mockkie.media import JSON, is_json
from mockkie.operation import Operation
from mockkie.problems import Problem
from mockkie.refusals import examples
from mockkie.sampling import Sampler
from mockkie.source import Pointer
from mockkie.wire import Answer, Request, Whole

_PREFERENCE: Final = re.compile(r'(?<![\w-])([\w-]+)\s*=\s*(?:"([^"]*)"|([^\s,;"]+))')
_STATUS: Final = re.compile(r"[2-5][0-9][0-9]")
_BODILESS: Final = (204, 205, 304)


def stateless_answer(contract: Contract, operation: Operation, request: Request) -> Answer:
    """The example that is asked for, else the first success; raises `invalid-parameter`."""
    prefer = preferences(request)
    key = _response_key(operation, prefer.get("code"))
    status = _status(key, prefer.get("code"))
    content = operation.contents[key]
    name = next((name for name in content if is_json(name)), next(iter(content), None))
    if name is None or status in _BODILESS:
        return Answer(status, length=0)
    value = _value(contract, operation, key, content[name], prefer.get("example"))
    if is_json(name) or "*" in name:
        return Answer(status, {"content-type": JSON if "*" in name else name}, json=value)
    body = value.encode() if isinstance(value, str) else orjson.dumps(value)
    pieces = None if request.method == "HEAD" else Whole(body)
    return Answer(status, {"content-type": name}, pieces=pieces, length=len(body))


def preferences(request: Request) -> dict[str, str]:
    """What the `Prefer` headers of a request ask for, names in lower case."""
    text = ", ".join(request.headers.getlist("prefer"))
    return {name.lower(): quoted or plain for name, quoted, plain in _PREFERENCE.findall(text)}


def _value(
    contract: Contract, operation: Operation, key: str, media: Pointer, wanted: str | None
) -> Any:
    known = examples(contract.document, media)
    if wanted is not None and wanted not in known:
        names = ", ".join(known) or "none"
        why = f"the answer {key} of {operation.id} has no example {wanted!r}; it has: {names}"
        raise Problem("invalid-parameter", why, parameter="Prefer")
    if known:
        return known[wanted] if wanted is not None else next(iter(known.values()))
    return Sampler(contract.document).sample((*media, "schema"))


def _response_key(operation: Operation, code: str | None) -> str:
    if code is not None:
        key = operation.response_key(int(code)) if _STATUS.fullmatch(code) else None
        if key is None:
            known = ", ".join(operation.responses)
            why = f"{operation.id} documents no answer {code}; it documents: {known}"
            raise Problem("invalid-parameter", why, parameter="Prefer")
        return key
    for key in operation.responses:
        if key.startswith("2"):
            return key
    if not operation.responses:
        raise Problem("internal-error", f"{operation.id} documents no answer ({operation.place})")
    return next(iter(operation.responses))


def _status(key: str, code: str | None) -> int:
    if code is not None:
        return int(code)
    return int(key.replace("X", "0")) if key != "default" else 200
