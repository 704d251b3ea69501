"""What a fuzz target is, and how random bytes become the texts that it is about.

Knows no target and no fuzzer.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

Result = TypeVar("Result")
Check = Callable[[bytes], None]
"""Takes any bytes; raises for a bug, whatever it raises."""


class Broken(AssertionError):  # noqa: N818 - it says what is the matter
    """What must hold of a target does not."""


@dataclass(frozen=True, slots=True)
class Target:
    """Something that takes bytes of strangers, and what must hold whatever they are.

    `holds` completes the sentence "it is held that ...". `make` prepares a `Check`, once a process.
    `share` is how many of ten thousand executions are its own, `longest` the most bytes of an
    input; `words` are pieces that inputs are made of.
    """

    name: str
    holds: str
    make: Callable[[], Check]
    share: int
    longest: int = 512
    words: Sequence[bytes] = ()


def hold(truth: object, *told: object) -> None:
    """Raise `Broken` unless something is true; `told` are the values that it is about."""
    if not truth:
        raise Broken(", ".join(f"{one!r:.300}" for one in told))


def text_of(data: bytes) -> str:
    """Any text: never half a character, as JSON and UTF-8 forms bring it."""
    return data.decode(errors="replace")


def line_of(data: bytes) -> str:
    """What a header can hold: Latin-1 without the bytes that HTTP refuses in one."""
    allowed = bytes(byte for byte in data if byte == 0x09 or 0x20 <= byte != 0x7F)  # noqa: PLR2004 - ASCII
    return allowed.decode("latin-1").strip()


def split_off(data: bytes, pieces: int) -> list[bytes]:
    """As many pieces, cut at `|`; the last has the rest."""
    found = data.split(b"|", pieces - 1)
    return found + [b""] * (pieces - len(found))


def cut(data: bytes, plan: bytes) -> list[bytes]:
    """The data in pieces whose sizes the plan tells; an empty plan: in one."""
    if not plan:
        return [data]
    marks, at = [0], 0
    while at < len(data):
        at += plan[len(marks) % len(plan)] % 40 + 1
        marks.append(min(at, len(data)))
    return [data[one:other] for one, other in pairwise(marks)]


def chunks(pieces: Iterator[bytes]) -> Callable[[], Coroutine[Any, Any, bytes]]:
    """Pieces as a body brings them, `b""` behind the last one."""

    async def chunk() -> bytes:
        return next((piece for piece in pieces if piece), b"")

    return chunk
