"""Uploads that come at the same moment, kept in one step. Knows neither bytes nor an index.

A commit costs far more than what is in it. What several connections ask for in the same turn of
the event loop is therefore kept by one commit at the end of that turn, and all of it is answered
behind that commit. To everybody else it looks as if each had been kept when it was asked for: who
asks anything of the store has it done first (`flush`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Row = TypeVar("Row")


class Together(Generic[Row]):
    """What waits for the end of a turn. `keep` does one, `keep_all` several, all or none."""

    def __init__(
        self, keep: Callable[[Row], None], keep_all: Callable[[Sequence[Row]], None]
    ) -> None:
        self._keep = keep
        self._keep_all = keep_all
        self._waiting: list[tuple[Row, asyncio.Future[None]]] = []

    async def add(self, row: Row) -> None:
        """Returns when the row is kept, raises why it is not. At once where no asyncio runs."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._keep(row)
            return
        if not self._waiting:
            loop.call_soon(self.flush)
        kept = loop.create_future()
        self._waiting.append((row, kept))
        await kept

    def flush(self) -> None:
        """Do what waits, in order. One that fails does not take others with it."""
        waiting, self._waiting = self._waiting, []
        if len(waiting) > 1:
            with contextlib.suppress(Exception):  # one by one it turns out whose fault it is
                self._keep_all([row for row, _ in waiting])
                for _, kept in waiting:
                    _tell(kept, None)
                return
        for row, kept in waiting:
            try:
                self._keep(row)
            except Exception as error:  # noqa: BLE001 - it is raised where the row came from
                _tell(kept, error)
            else:
                _tell(kept, None)


def _tell(kept: asyncio.Future[None], error: Exception | None) -> None:
    if kept.done():  # whoever asked gave up meanwhile
        return
    if error is None:
        kept.set_result(None)
    else:
        kept.set_exception(error)
