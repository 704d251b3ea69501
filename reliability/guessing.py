"""Whether the time that a wrong key takes tells how much of it was right."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from starlette.datastructures import Headers

from mockkie.entrance import judge_control_key
from mockkie.jsonapi import Refused
from mockkie.secrecy import CONTROL_HEADER
from mockkie.worlds import World, Worlds
from reliability.run import Run

Judge = Callable[[str], bool]
"""Whether a key is the right one."""

_LENGTH: Final = 1_000_000  # characters: a comparison that ends at the first wrong one is seen
KEY: Final = "k" * _LENGTH
_FIRST: Final = "w" + KEY[1:]
_LAST: Final = KEY[:-1] + "w"
_ROUNDS: Final = 25
_UNLIKE: Final = 1.5  # times as long


def attack_guesses(run: Run, _: object = None) -> None:
    """Keys as long as none is, wrong in their first or in their last character."""
    for name, judge in JUDGES.items():
        unlike = unlikeness(judge)
        run.figure(f"time of a {name} wrong at its end, by that of one wrong at once", unlike)
        if not 1 / _UNLIKE < unlike < _UNLIKE:
            run.fail(f"the time for a wrong {name} tells how much of it was right: {unlike} times")


def unlikeness(judge: Judge) -> float:
    """The least time for a key that is wrong at its end, by that for one wrong at once."""
    if not judge(KEY):
        raise RuntimeError("the right key is refused: nothing was compared")
    first, last = [], []
    for _ in range(_ROUNDS):
        first.append(_seconds(judge, _FIRST))
        last.append(_seconds(judge, _LAST))
    return round(min(last) / min(first), 2)


def _seconds(judge: Judge, key: str) -> float:
    started = time.process_time_ns()
    right = judge(key)
    took = time.process_time_ns() - started
    if right:
        raise RuntimeError("a wrong key opens")
    return max(took, 1)


def _opens_world() -> Judge:
    worlds = Worlds([World("default", "1", (KEY,))])
    return lambda key: worlds.of_key(key) is not None


def _opens_control(key: str) -> bool:
    try:
        judge_control_key(Headers({CONTROL_HEADER: key}), KEY)
    except Refused:
        return False
    return True


JUDGES: Final[Mapping[str, Judge]] = {"key": _opens_world(), "control key": _opens_control}
