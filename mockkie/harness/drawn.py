"""Walks that nobody thought of: drawn by lot, the same ones for the same seed.

Few names, so that steps meet; nothing in them that faithful targets may do differently. They are
drawn by `random`, not by Hypothesis: the same seed must give the same walks in every version, since
a recording is compared with them, and a walk is made shorter by `shrinking`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from mockkie.harness.script import ROUTES
from mockkie.harness.steps import Content, Read, Step, Upload, Wait, Walk

_PLACES: Final = [
    (folder, name) for folder in ("", "x", "x/y") for name in ("a.txt", "A.txt", "b c.txt")
]
_CONTENTS: Final = (
    *(Content(text=text) for text in ("1", "two", "\r\n", "caf\u00e9", "the same start: a")),
    *(Content(text="the same start: bc"), Content(hex="00ff00"), Content(counting=70_000)),
)
_STEPS: Final = 24
_PART: Final = 0.26
"""Of a life: no sum of these parts comes near a whole one."""


def drawn(seed: int, number: int) -> Iterator[Walk]:
    """As many walks as asked for, each with some clock moves and each without."""
    for each in range(number):
        dice = random.Random(f"{seed}/{each}")  # noqa: S311 - walks, not secrets
        waits = each % 2 == 0
        name = f"drawn {seed}/{each}" + (", with time" if waits else "")
        yield Walk(name, "overwrite.latest-bytes", _steps(dice, waits=waits))


def _steps(dice: random.Random, *, waits: bool) -> list[Step]:
    steps: list[Step] = []
    places = dice.sample(_PLACES, 4)
    known: list[str] = []
    kinds = ["upload"] * 6 + ["read"] * 7 + ["intrude", "spoil"] + ["wait"] * (2 if waits else 0)
    while len(steps) < _STEPS:
        kind = dice.choice(kinds)
        folder, name = dice.choice(places)
        link = f"l{places.index((folder, name))}"
        upload = Upload(name=name, folder=folder, content=dice.choice(_CONTENTS))
        if kind == "upload":
            steps.append(replace(upload, route=dice.choice(ROUTES), link=link))
            known.append(link)
        elif kind == "intrude":
            steps.append(replace(upload, route=dice.choice(("stream", "base64")), auth="wrong"))
        elif kind == "spoil":
            steps.append(replace(upload, route="base64", set={"base64Data": "!!!!"}))
        elif kind == "wait" and known:
            steps.append(Wait(_PART))
        elif known:
            steps.append(Read(dice.choice(known)))
    return [*steps, *(Read(link) for link in dict.fromkeys(known))]
