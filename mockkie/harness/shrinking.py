"""Makes a walk shorter for as long as it still shows what it showed. Knows no targets.

Delta debugging (Zeller, Hildebrandt 2002) over steps. The last step stays, and whatever it needs;
what only a removed step made can be read no more, so its readers go with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from mockkie.harness.steps import Upload, Walk, needed


def shorten(walk: Walk, shows: Callable[[Walk], bool], tries: int) -> Walk:
    """The shortest walk found that `shows` agrees to; it is asked at most `tries` times."""
    last = len(walk.steps) - 1
    least = only(walk, needed(walk.steps, last))
    if len(least.steps) < len(walk.steps) and tries > 0:
        tries -= 1
        if shows(least):
            return least
    size = len(walk.steps) // 2
    while tries > 0 and size:
        for shorter in without(walk, size):
            tries -= 1
            if shows(shorter):
                walk, size = shorter, min(size, len(shorter.steps) // 2)
                break
            if tries <= 0:
                return walk
        else:
            size //= 2
    return walk


def without(walk: Walk, size: int) -> Iterator[Walk]:
    """A walk with some steps in a row left out, in every place; the last step is always there."""
    last = len(walk.steps) - 1
    for start in range(0, last, size):
        kept = set(range(last)) - set(range(start, start + size))
        shorter = only(walk, kept | {last})
        if shorter.steps and shorter.steps[-1] == walk.steps[-1]:
            yield shorter


def only(walk: Walk, places: set[int]) -> Walk:
    """A walk of some of the steps of another: those whose links are still made."""
    made: set[str] = set()
    kept = []
    for at, step in enumerate(walk.steps):
        known = {one.link for one in walk.steps if isinstance(one, Upload) and one.link}
        if at not in places or any(name in known and name not in made for name in step.needs):
            continue
        kept.append(step)
        if isinstance(step, Upload) and step.link:
            made.add(step.link)
    return replace(walk, steps=tuple(kept))
