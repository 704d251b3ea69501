"""Paths in their order, a page of them at a time. Knows nothing of files."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Final

BLOCK: Final = 1_000  # paths; a block is cut in two when it has twice as many


class Paths:
    """Distinct texts by code point, in blocks: one more or one less moves those of its block only.

    One sorted list of a million would move megabytes for each, a dictionary alone would have to be
    sorted for each page.
    """

    def __init__(self) -> None:
        self._blocks: list[list[str]] = []
        self._firsts: list[str] = []  # the first path of each block

    def add(self, path: str) -> None:
        """Put a path in that is not there."""
        index = max(bisect_right(self._firsts, path) - 1, 0)
        if not self._blocks:
            self._blocks.append([])
            self._firsts.append(path)
        block = self._blocks[index]
        insort(block, path)
        self._firsts[index] = block[0]
        if len(block) > 2 * BLOCK:
            self._blocks[index : index + 1] = [block[:BLOCK], block[BLOCK:]]
            self._firsts.insert(index + 1, block[BLOCK])

    def remove(self, path: str) -> None:
        """Take a path out that is there."""
        index = bisect_right(self._firsts, path) - 1
        block = self._blocks[index]
        del block[bisect_left(block, path)]
        if block:
            self._firsts[index] = block[0]
        else:
            del self._blocks[index], self._firsts[index]

    def behind(self, after: str) -> Iterator[str]:
        """The paths that sort behind `after`, in order; nothing may change meanwhile."""
        index = max(bisect_right(self._firsts, after) - 1, 0)
        for number in range(index, len(self._blocks)):
            block = self._blocks[number]
            start = bisect_right(block, after) if number == index else 0
            for at in range(start, len(block)):
                yield block[at]
