"""What clients were told, and what may be there after a crash for that. Knows no mock.

A register is a place that somebody writes to: the file at a path, a clock. A write that was
answered happened between its begin and its end; one without an answer may happen at any time from
its begin on, or never. What may be there in the end is what no later answered write replaced.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

Value = TypeVar("Value", bound=Hashable)

_ticks = count(1)


@dataclass(eq=False, slots=True)
class Write(Generic[Value]):
    """One write: `ended` is None as long as nobody said that it happened."""

    value: Value
    begun: int
    ended: int | None = None


class Register(Generic[Value]):
    """One place. Any thread may call."""

    def __init__(self, value: Value) -> None:
        self._lock = threading.Lock()
        self._writes = [Write(value, 0, 0)]

    def begin(self, value: Value) -> Write[Value]:
        """Somebody is about to ask for a write."""
        with self._lock:
            write = Write(value, next(_ticks))
            self._writes.append(write)
        return write

    def end(self, write: Write[Value], value: Value | None = None) -> None:
        """It was answered: it has happened, with another value if one is given."""
        with self._lock:
            if value is not None:
                write.value = value
            write.ended = next(_ticks)

    def refuse(self, write: Write[Value]) -> None:
        """It was answered that it has not happened."""
        with self._lock:
            self._writes.remove(write)

    def writes(self) -> Sequence[Write[Value]]:
        """Those of which each may be the last one."""
        with self._lock:
            answered = [write.begun for write in self._writes if write.ended is not None]
            latest = max(answered, default=0)
            return [write for write in self._writes if write.ended is None or write.ended >= latest]

    def may_be(self) -> set[Value]:
        """What may be there."""
        return {write.value for write in self.writes()}

    def ever(self) -> set[Value]:
        """All that may have been there since the last `settle`."""
        with self._lock:
            return {write.value for write in self._writes}

    def settle(self, value: Value) -> None:
        """It was seen that this is there, when nobody writes any more."""
        with self._lock:
            self._writes = [Write(value, 0, 0)]


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as a client knows it: what it sent, and what it was told of it if it was answered.

    Instants in milliseconds.
    """

    digest: str
    size: int
    mime: str | None = None
    uploaded_at: int | None = None


@dataclass(eq=False, slots=True)
class WorldLedger:
    """One world as its clients know it: with all the paths that they will ever write to.

    `clock` is whether it is frozen, and how far off, or when, that is. `latest` is the latest
    instant that it may have shown; what ended until then may have been swept. `moved`: how far it
    may have been moved since it was last looked at. All of them in milliseconds. `quota` in bytes;
    a `passing` world may be dropped. `status` is what a dead link answers.
    """

    id: str
    key: str
    paths: Sequence[str]
    quota: int | None = None
    passing: bool = False
    files: dict[str, Register[Kept | None]] = field(init=False)
    clock: Register[tuple[bool, int]] = field(
        default_factory=lambda: Register[tuple[bool, int]]((False, 0))
    )
    status: Register[int] = field(default_factory=lambda: Register[int](404))
    there: Register[bool] = field(default_factory=lambda: Register[bool](value=True))
    latest: int = 0
    moved: int = 0

    def __post_init__(self) -> None:
        self.files = {path: Register[Kept | None](None) for path in self.paths}

    @contextmanager
    def emptying(self) -> Iterator[None]:
        """Within it all files are asked to go; leaving it well means that they went."""
        begun = [(register, register.begin(None)) for register in self.files.values()]
        yield
        for register, write in begun:
            register.end(write)
