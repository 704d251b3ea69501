"""Sizes as people write them: `100MB`, `1GiB`, `500000`. Knows not what is measured."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

UNITS: Final = {
    "b": 1,
    **{f"{letter}b": 1_000**power for power, letter in enumerate("kmgt", 1)},
    **{f"{letter}ib": 1_024**power for power, letter in enumerate("kmgt", 1)},
}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.ASCII)
_LONGEST: Final = 30
_MOST: Final = 1 << 62  # what an index can add up


def parse_size(text: str | int) -> int:
    """The bytes of `100MB` (millions), `1GiB` (powers of 1,024) or a bare number of bytes.

    `ValueError` for anything else, and for a part of a byte.
    """
    written = str(text).strip().lower()
    match = _SIZE.fullmatch(written) if len(written) <= _LONGEST else None
    unit = None if match is None else UNITS.get(match[2] or "b")
    if match is None or unit is None:
        raise ValueError(f"{str(text)[:_LONGEST]!r} is no size like 100MB, 1GiB or 500000 (bytes)")
    size = Decimal(match[1]) * unit
    if size != int(size):
        raise ValueError(f"{text!r} is not a whole number of bytes")
    if size > _MOST:
        raise ValueError(f"{text!r} is more than can be counted")
    return int(size)
