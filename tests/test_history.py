"""The judge of histories, held against one that tries every order there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reliability.drawn_history import drawn, read, smallest, written
from reliability.history import LIFE, Call, File, State, happen, judge, of_name

DAY = 86_400_000
START = State(DAY)
NAMES = ("a", "b")


def by_force(calls: Sequence[Call], first: State) -> bool:
    """Whether any order explains everything: tried one by one."""
    unanswered = [call for call in calls if not call.answered]
    answered = [call for call in calls if call.answered]
    for bits in range(1 << len(unanswered)):
        some = answered + [call for at, call in enumerate(unanswered) if bits >> at & 1]
        if any(explains(order, first) for order in permutations(some)):
            return True
    return False


def explains(order: Sequence[Call], first: State) -> bool:
    state = first
    for at, call in enumerate(order):
        after = happen(state, call)
        if after is None or any(later.ended < call.began for later in order[at + 1 :]):
            return False
        state = after
    return True


@st.composite
def steps(draw: st.DrawFn, most: int) -> list[Call]:
    """Calls one after the other, each answered as a world answers; values 1, 2, 3, ..."""
    state, calls = START, list[Call]()
    for number in range(draw(st.integers(1, most))):
        kinds = ("upload", "upload", "read", "read", "read", "list", "delete", "advance", "set")
        kind = draw(st.sampled_from(kinds))
        asked = Call(0, kind, number, number, name=draw(st.sampled_from(NAMES)), value=number + 1)
        call = answered(state, asked, draw(st.integers(1, 4)) * DAY)
        after = happen(state, call)
        assert after is not None
        state = after
        calls.append(call)
    return calls


def answered(state: State, call: Call, by: int) -> Call:
    """A call with the answer that a world of this state gives."""
    assert state.now is not None
    there = {file.name: file for file in state.alive()}
    file = there.get(call.name)
    match call.kind:
        case "upload":
            return replace(call, at=state.now)
        case "read":
            return replace(call, seen=None if file is None else (file.value, file.at))
        case "list":
            return replace(call, name="", files=state.alive())
        case "delete":
            return replace(call, found=file is not None)
        case "advance":
            return replace(call, name="", at=by, now=state.now + by)
    return replace(call, name="", at=by)


@st.composite
def stretched(draw: st.DrawFn, most: int) -> list[Call]:
    """Such calls, each of which begins earlier and is answered later than it happened."""
    span = st.floats(0, 3, allow_nan=False)
    calls = []
    for client, call in enumerate(draw(steps(most))):
        began, ended = call.began - draw(span), call.ended + draw(span)
        calls.append(replace(call, client=client, began=began, ended=ended))
    return calls


@st.composite
def anything(draw: st.DrawFn) -> list[Call]:
    """A few calls with answers of any kind, some without one."""
    calls = []
    for call in draw(stretched(5)):
        if call.kind == "read" and draw(st.booleans()):
            wrong = st.none() | st.tuples(st.integers(1, 5), st.sampled_from((DAY, 2 * DAY)))
            calls.append(replace(call, seen=draw(wrong)))
        elif not call.observes and draw(st.integers(0, 3)) == 0:
            calls.append(replace(call, ended=inf))
        else:
            calls.append(call)
    return calls


@given(stretched(40))
def test_what_happened_is_believed(calls: list[Call]) -> None:
    assert judge(calls, START) is None
    for name in NAMES:
        assert judge(of_name(calls, name), START) is None


@settings(max_examples=300, deadline=None)
@given(anything())
def test_it_judges_as_trying_everything_does(calls: list[Call]) -> None:
    assert (judge(calls, START) is None) == by_force(calls, START)


@given(steps(12), st.data())
def test_an_answer_of_another_moment_is_found(calls: list[Call], data: st.DataObject) -> None:
    """One after the other, so that every answer is the only one possible."""
    at = data.draw(st.integers(0, len(calls)))
    uploaded = {call.value: call.at for call in calls[:at] if call.kind == "upload"}
    state: State = START
    for call in calls[:at]:
        after = happen(state, call)
        assert after is not None
        state = after
    there = {file.name: (file.value, file.at) for file in state.alive()}
    name = data.draw(st.sampled_from(NAMES))
    others = [(value, when) for value, when in uploaded.items() if there.get(name) != (value, when)]
    seen = data.draw(st.sampled_from([*others, *([None] if name in there else [])] or [(99, DAY)]))
    wrong = Call(9, "read", at - 0.5, at - 0.4, name=name, seen=seen)
    history = [*calls[:at], wrong, *calls[at:]]
    assert judge(history, START) is wrong


def upload(client: int, began: float, ended: float, value: int, at: int = DAY) -> Call:
    return Call(client, "upload", began, ended, name="a", value=value, at=at)


def seen(client: int, began: float, ended: float, value: int | None, at: int = DAY) -> Call:
    found = None if value is None else (value, at)
    return Call(client, "read", began, ended, name="a", seen=found)


HELD = Call(0, "set", -2, -1, at=DAY)
WRONG = {
    "a stale read": [HELD, upload(1, 0, 1, 1), upload(1, 2, 3, 2), seen(2, 4, 5, 1)],
    "a lost update": [HELD, upload(1, 0, 5, 1), upload(2, 1, 4, 2), seen(3, 6, 7, None)],
    "there and back": [
        *(HELD, upload(1, 0, 9, 1), upload(2, 0, 9, 2)),
        *(seen(3, 1, 2, 1), seen(3, 3, 4, 2), seen(3, 5, 6, 1)),
    ],
    "a file that is read after its end": [
        *(HELD, upload(1, 0, 1, 1), Call(0, "advance", 2, 3, at=LIFE, now=DAY + LIFE)),
        seen(2, 4, 5, 1),
    ],
    "a file that is gone before its end": [
        *(HELD, upload(1, 0, 1, 1), Call(0, "advance", 2, 3, at=LIFE - 1, now=DAY + LIFE - 1)),
        seen(2, 4, 5, None),
    ],
    "an upload by a clock that was moved on before": [
        *(HELD, Call(0, "advance", 0, 1, at=DAY, now=2 * DAY), upload(1, 2, 3, 1, at=DAY))
    ],
    "what had ended comes back with the clock": [
        *(HELD, upload(1, 0, 1, 1), Call(0, "advance", 2, 3, at=LIFE, now=DAY + LIFE)),
        *(Call(0, "set", 4, 5, at=DAY), seen(2, 6, 7, 1)),
    ],
    "what was never uploaded": [HELD, seen(1, 0, 1, 7)],
    "half of two listings": [
        *(HELD, upload(1, 0, 1, 1)),
        Call(2, "list", 2, 3, files=(File("a", 1, DAY), File("b", 2, DAY))),
    ],
    "a reset that leaves a file": [
        *(HELD, upload(1, 0, 1, 1), Call(0, "reset", 2, 3), seen(1, 4, 5, 1))
    ],
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_have_happened_is_found_made_small_and_drawn(name: str) -> None:
    calls = WRONG[name]
    assert judge(calls) is not None
    noise = [seen(8, -0.5 + at / 100, -0.45 + at / 100, None) for at in range(20)]
    small = smallest([*calls, *noise])
    assert judge(small) is not None
    assert len(small) <= len(calls)
    assert "<-- this answer" in drawn(small)


@settings(max_examples=200, deadline=None)
@given(anything())
def test_a_part_that_is_left_is_wrong_by_itself(calls: list[Call]) -> None:
    held = [HELD, *[replace(call, began=call.began + 9, ended=call.ended + 9) for call in calls]]
    if judge(held) is None:
        return
    small = smallest(held)
    assert judge(small) is not None
    assert read(written(small)) == small


def test_what_was_never_answered_may_have_happened_or_not() -> None:
    never = upload(1, 0, inf, 1)
    assert judge([HELD, never, seen(2, 1, 2, None), seen(2, 3, 4, 1)]) is None
    assert judge([HELD, never, seen(2, 1, 2, None), seen(2, 3, 4, None)]) is None
    assert judge([HELD, never, seen(2, 1, 2, 1), seen(2, 3, 4, None)]) is not None
