"""Types by content: `filetype.guess`, without asking those that a first look rules out.

The library asks some eighty matchers one by one, and most say no at the first byte, or for want
of the mark of ISO media files. Which do is found out from the matchers themselves, not from a
list of ours: each is asked once about a content of which only that is known.
`tests/test_identify.py` holds the two ways against each other.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import filetype

_LONG: Final = 8_192
_FTYP: Final = b"ftyp"


def guess(head: bytes) -> Any | None:
    """The first of filetype's types that `head`, the first 8 KiB of a content, is of."""
    if not head:
        return None
    for kind in _candidates(head[0], head[4:8] == _FTYP):
        if kind.match(head):
            return kind
    return None


@cache
def _candidates(first: int, ftyp: bool) -> tuple[Any, ...]:  # noqa: FBT001 - a key of the cache
    """The types that a content can be of, in the library's order, by what is known of it."""
    return tuple(kind for kind in filetype.types if not _rules_out(kind, _Known(first, ftyp=ftyp)))


def _rules_out(kind: Any, known: _Known) -> bool:
    try:
        return not kind.match(known)
    except Exception:  # noqa: BLE001 - it wants to know more of the content, in whatever way
        return False


class _Unknown:
    """Something that depends on the bytes behind the first one; nobody may decide by it."""

    __hash__ = None  # type: ignore[assignment]  # it equals nothing for certain

    def __eq__(self, other: object) -> Any:
        return self

    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__

    def __bool__(self) -> bool:
        raise LookupError("this is not known")


_UNKNOWN: Final = _Unknown()


class _Slice:
    """Leading bytes."""

    __hash__ = None  # type: ignore[assignment]  # see `_Unknown`

    def __init__(self, first: int) -> None:
        self._first = first

    def __eq__(self, other: object) -> Any:
        known = isinstance(other, bytes | bytearray) and other and other[0] != self._first
        return False if known else _UNKNOWN

    def __ne__(self, other: object) -> Any:
        return True if (self == other) is False else _UNKNOWN


class _NotFtyp:
    """The four bytes at the place where ISO media files have their mark."""

    __hash__ = None  # type: ignore[assignment]  # see `_Unknown`

    def __eq__(self, other: object) -> Any:
        return False if other == _FTYP else _UNKNOWN

    def __ne__(self, other: object) -> Any:
        return True if other == _FTYP else _UNKNOWN


class _Position:
    """A place that is not the first one, if there is one at all."""

    __hash__ = None  # type: ignore[assignment]  # see `_Unknown`

    def __eq__(self, other: object) -> Any:
        return False if other == 0 else _UNKNOWN

    def __ne__(self, other: object) -> Any:
        return True if other == 0 else _UNKNOWN


class _Known:
    """A long content: known are its first byte, and whether it is an ISO media file."""

    def __init__(self, first: int, *, ftyp: bool) -> None:
        self._first = first
        self._ftyp = ftyp

    def __len__(self) -> int:
        return _LONG

    def __getitem__(self, key: Any) -> Any:
        if key == 0:
            return self._first
        if key == slice(4, 8) and not self._ftyp:
            return _NotFtyp()
        if isinstance(key, slice) and not key.start and key.step is None and (key.stop or 0) > 0:
            return _Slice(self._first)
        return _UNKNOWN

    def startswith(self, prefix: bytes) -> Any:
        return _Slice(self._first) == prefix

    def index(self, wanted: bytes, start: int = 0, stop: int = _LONG) -> Any:
        del stop
        return _Position() if start == 0 and wanted[0] != self._first else _UNKNOWN

    def find(self, wanted: bytes) -> Any:
        del wanted
        return _UNKNOWN
