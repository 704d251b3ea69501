"""A history that cannot have happened, made small, and drawn for a person. Knows no HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from math import inf
from typing import Final

from reliability.history import Call, File, judge, of_name

_WIDE: Final = 48  # characters of the line of time


def smallest(calls: Sequence[Call]) -> list[Call]:
    """A part of a history that cannot have happened either, without what has no say in it.

    Only such calls are left out whose absence explains nothing: what a history without them cannot
    be, it cannot be with them.
    """
    calls = _until_then(calls)
    for name in sorted({call.name for call in calls if call.name}):
        if judge(alone := of_name(calls, name)) is not None:
            calls = _until_then(alone)
            break
    left = list(calls)
    for call in calls:
        fewer = [other for other in left if other is not call]
        if _may_go(call, fewer) and judge(fewer) is not None:
            left = fewer
    return left


def _until_then(calls: Sequence[Call]) -> list[Call]:
    """The history until the answer that cannot be; what was under way then has no answer yet."""
    wrong = judge(calls)
    if wrong is None:
        raise ValueError("this history can have happened")
    until = wrong.ended
    return [
        call for call in calls if call.began <= until and (call.ended <= until or not call.observes)
    ]


def _may_go(call: Call, others: Sequence[Call]) -> bool:
    """Whether the others can have happened if all of them can have with this call.

    Of an upload that nobody saw it is so as long as nobody found something to delete, and no clock
    went back: what it replaced would have been gone before it.
    """
    if call.observes:
        return True
    if call.kind != "upload" or any(other.kind == "set" for other in others[1:]):
        return False
    of_it = [other for other in others if other.name in ("", call.name)]
    return not any(
        other.found
        or (other.seen is not None and other.seen[0] == call.value)
        or any(file.value == call.value for file in other.files)
        for other in of_it
    )


def drawn(calls: Sequence[Call]) -> str:
    """The history as text: a line a call, its time from left to right, and what nothing explains.

    Time is drawn by what came before what, not by how long it took.
    """
    moments = sorted({moment for call in calls for moment in (call.began, call.ended)} - {inf})
    rank = {
        moment: at * (_WIDE - 1) // max(len(moments) - 1, 1) for at, moment in enumerate(moments)
    }
    wrong = judge(calls)
    lines = ["no order of these calls, one after the other, explains what was answered:", ""]
    for call in sorted(calls, key=lambda call: call.began):
        begin, end = rank[call.began], rank.get(call.ended, _WIDE - 1)
        bar = " " * begin + "[" + "=" * max(end - begin - 1, 0) + ("]" if call.answered else ">")
        mark = "  <-- this answer" if call is wrong else ""
        lines.append(f"{bar[: _WIDE + 1]:<{_WIDE + 1}} client {call.client}: {told(call)}{mark}")
    return "\n".join(lines) + "\n"


def told(call: Call) -> str:
    """A call and its answer, as a person says it."""
    answer = " ".join(_answer(call)) if call.answered else "no answer"
    match call.kind:
        case "upload":
            asked = f"upload {call.value} to {call.name}"
        case "advance":
            asked = f"advance the clock by {call.at / 86_400_000:g} days"
        case "moves" | "moved":
            asked = f"the clock {call.kind} to {_instant(call.now)}"
        case "set":
            asked = f"set the clock to {_instant(call.at)}"
        case _:
            asked = f"{call.kind} {call.name}".strip()
    return f"{asked}: {answer}"


def _answer(call: Call) -> Iterator[str]:
    match call.kind:
        case "upload":
            yield f"uploaded {_instant(call.at)}"
        case "read":
            yield "not found" if call.seen is None else _file(File(call.name, *call.seen))
        case "list":
            yield ", ".join(map(_file, call.files)) or "nothing"
        case "delete":
            yield "deleted" if call.found else "not found"
        case "clock" | "advance":
            yield _instant(call.now)
        case _:
            yield "done"


def _file(file: File) -> str:
    return f"{file.value} at {file.name}, uploaded {_instant(file.at)}"


def _instant(instant: int) -> str:
    return datetime.fromtimestamp(instant / 1_000, UTC).isoformat(" ", "seconds")[:-6]


def written(calls: Sequence[Call]) -> str:
    """The history as JSON, a line a call; one without an answer has `ended: null`."""
    lines = [asdict(call) | {"ended": call.ended if call.answered else None} for call in calls]
    return "[\n" + ",\n".join(map(json.dumps, lines)) + "\n]\n"


def read(text: str) -> list[Call]:
    """The history of `written`."""
    return [_call(**line) for line in json.loads(text)]


def _call(**line: object) -> Call:
    fields = dict(line)
    fields["ended"] = inf if fields["ended"] is None else fields["ended"]
    seen, files = fields["seen"], fields["files"]
    fields["seen"] = tuple(seen) if isinstance(seen, list) else None
    fields["files"] = tuple(File(*file) for file in files) if isinstance(files, list) else ()
    return Call(**fields)  # type: ignore[arg-type]  # as `written` has put them
