"""What many clients saw of one world, and whether it can have happened one call after the other.

Linearizability (Herlihy and Wing): each call takes effect at one instant between its beginning and
its answer, and the answers are those of calls that follow each other. The search is that of Wing
and Gong, as Lowe has it ("Testing for linearizability", 2016): call by call in the order of the
answers, with every state kept in which the world can be by now, so that none is looked at twice.

The world as a whole is judged: its clock acts upon all names, so names cannot be looked at alone.
Knows no HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Final, NamedTuple

LIFE: Final = 3 * 86_400_000
"""Milliseconds that a file lives (documented: 3 days)."""
FLOWING: Final = None
"""The clock of a world that nobody holds: it is real time, and nothing expires while we look."""
SLACK: Final = 60_000
"""Milliseconds by which real time may differ from what a client took it for."""
_SECOND: Final = 1_000

Seen = tuple[int, int]
"""The value that a file had, and the instant of its upload."""


class File(NamedTuple):
    """The file at a name: its value, which no other upload has, and when it was uploaded."""

    name: str
    value: int
    at: int


class State(NamedTuple):
    """A world: its clock, `FLOWING` or the instant at which it stands, and its files by name."""

    now: int | None = FLOWING
    files: tuple[File, ...] = ()
    then: int | None = None
    """Where the clock goes, while some have heard of it and others not: see `loosened`."""

    def alive(self) -> tuple[File, ...]:
        """The files that can be read."""
        return tuple(file for file in self.files if _lives(file, self.now))

    def clocks(self) -> set[int | None]:
        """What the clock may show."""
        return {self.now} if self.then is None else {self.now, self.then}


_NEW: Final = State()


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a client, from when it `began` to when it `ended`, in seconds of one clock.

    One that was never answered may have happened or not: its `ended` is `inf`.

    - `upload` of a `value` to a `name`; `at` is the `uploadedAt` of the answer
    - `read` of a `name`, the whole file or a part: `seen` is what there was, None: not found
    - `list`: `files` are those that were listed
    - `delete` of a `name`: `found` is whether there was a file
    - `advance` by `at` ms, `set` to the instant `at` and stand still, `reset`: of one client only;
      `now` is what the clock shows then
    - `clock`: `now` is what it shows
    """

    client: int
    kind: str
    began: float
    ended: float
    name: str = ""
    value: int = 0
    at: int = 0
    seen: Seen | None = None
    files: tuple[File, ...] = ()
    found: bool = False
    now: int = 0
    real: int = 0

    @property
    def answered(self) -> bool:
        """Whether it is known what came of it."""
        return self.ended < inf

    @property
    def observes(self) -> bool:
        """Whether it changes nothing."""
        return self.kind in ("read", "list", "clock")


def happen(state: State, call: Call) -> State | None:
    """The world behind a call, None if it cannot have been answered like that."""
    if call.observes:
        return state if _observed_so(state, call) else None
    match call.kind:
        case "upload":
            return _upload(state, call)
        case "delete":
            return _delete(state, call)
        case "reset":
            return _NEW
        case _:
            return _move(state, call)


def _observed_so(state: State, call: Call) -> bool:
    match call.kind:
        case "read":
            seen = None if call.seen is None else (call.seen[0], call.seen[1] // _SECOND)
            file = next((file for file in state.files if file.name == call.name), None)
            there = None if file is None else (file.value, file.at // _SECOND)
            return seen in [
                there if file is not None and _lives(file, now) else None for now in state.clocks()
            ]
        case "list":
            return state.alive() == call.files
        case _:
            return any(_shows(now, call) for now in state.clocks())


def _upload(state: State, call: Call) -> State | None:
    shown = replace(call, now=call.at)
    if call.answered and not any(_shows(now, shown) for now in state.clocks()):
        return None
    at = call.at if call.answered else call.real if state.now is FLOWING else state.now
    rest = [file for file in state.files if file.name != call.name]
    return state._replace(files=tuple(sorted([*rest, File(call.name, call.value, at)])))


def _delete(state: State, call: Call) -> State | None:
    found = any(file.name == call.name for file in state.alive())
    if call.answered and found != call.found:
        return None
    return state._replace(files=tuple(file for file in state.files if file.name != call.name))


def _move(state: State, call: Call) -> State | None:
    """What has expired before is gone for good, whatever the clock shows later."""
    if call.kind == "moves":
        return state._replace(then=call.now)
    if call.kind == "moved":
        files = [file for file in state.files if file.at == state.then or _lives(file, state.now)]
        return State(state.then, tuple(files))
    if call.kind == "set":
        return State(call.at, state.alive())
    if state.now is FLOWING:  # nobody does that: what it shows then could not be said
        return None
    now = state.now + call.at
    return State(now, state.alive()) if not call.answered or now == call.now else None


def _lives(file: File, now: int | None) -> bool:
    return now is FLOWING or now < file.at + LIFE


def _shows(now: int | None, call: Call) -> bool:
    return abs(call.now - call.real) <= SLACK if now is FLOWING else call.now == now


_Reached = tuple[State, int]
"""A state, and which of the calls that are under way have happened already, as bits."""


def judge(calls: Sequence[Call], first: State = _NEW) -> Call | None:
    """The first call whose answer nothing explains; None when everything can have happened."""
    happened: list[tuple[float, bool, int]] = []
    for number, call in enumerate(calls):
        happened.append((call.began, False, number))
        if call.answered:
            happened.append((call.ended, True, number))
    pending: dict[int, Call] = {}
    reached: set[_Reached] = {(first, 0)}
    for _, answered, number in sorted(happened):
        if not answered:
            pending[number] = calls[number]
            continue
        reached = _answered(reached, pending, number)
        if not reached:
            return calls[number]
        del pending[number]
    return None


def _answered(reached: Iterable[_Reached], pending: dict[int, Call], number: int) -> set[_Reached]:
    """Where the world can be when a call has happened, in so far as it has to have by now."""
    wanted = 1 << number
    found: set[_Reached] = set()
    known: set[_Reached] = set()
    todo = [_observed(one, pending) for one in reached]
    while todo:
        one = todo.pop()
        if one in known:
            continue
        known.add(one)
        state, done = one
        if done & wanted:
            found.add((state, done & ~wanted))
            continue
        for other, call in pending.items():
            if not done & 1 << other:
                behind = happen(state, call)
                if behind is not None:
                    todo.append(_observed((behind, done | 1 << other), pending))
    return found


def _observed(reached: _Reached, pending: dict[int, Call]) -> _Reached:
    """Let what only looks happen as soon as it can: it keeps nothing else from happening."""
    state, done = reached
    for number, call in pending.items():
        if call.observes and not done & 1 << number and happen(state, call) is not None:
            done |= 1 << number
    return state, done


def of_name(calls: Iterable[Call], name: str) -> list[Call]:
    """What is about one name, and what is about all: for places that promise no more than that."""
    found = []
    for call in calls:
        if call.kind == "list":
            files = [file for file in call.files if file.name == name]
            seen = (files[0].value, files[0].at) if files else None
            found.append(replace(call, kind="read", name=name, seen=seen, files=()))
        elif call.name in ("", name):
            found.append(call)
    return found


def loosened(calls: Sequence[Call], name: str) -> list[Call]:
    """The part of a history about one name, where a clock is moved for one after the other.

    As mocks over a bucket do: from the call to its answer each may go by the clock of before or by
    that of then. An upload that is under way at the same time may be seen with the time of before
    until it is answered; reads that may have seen that are left out.
    """
    found: list[Call] = []
    alone = of_name(calls, name)
    moves = [call for call in alone if call.kind in ("advance", "set")]
    across = [
        call for call in alone if call.kind == "upload" and any(_meet(call, move) for move in moves)
    ]
    for call in alone:
        if call in moves:
            now = call.now if call.kind == "advance" else call.at
            found.append(replace(call, kind="moves", now=now, ended=call.began))
            found.append(replace(call, kind="moved", now=now, began=call.ended))
        elif call.kind != "read" or not any(_meet(call, upload) for upload in across):
            found.append(call)
    return found


def _meet(one: Call, other: Call) -> bool:
    return one.began <= other.ended and other.began <= one.ended
