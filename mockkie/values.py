"""The values that a fault is written with: what is right, and what to say of what is not.

Knows nothing of what faults do with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from mockkie.clock import TooMuchError, format_duration, isoformat, parse_duration, parse_instant
from mockkie.problems import UsageError

Pointer = tuple[str, ...]

_MOST: Final = 1 << 40
_SHOWN: Final = 60
_NAME: Final = re.compile(r"[\w-]+", re.ASCII)


class FaultError(UsageError):
    """A fault that cannot be: `pointer` leads to what is wrong with it, `text` says what."""

    def __init__(self, pointer: Pointer, text: str) -> None:
        super().__init__(f"{'.'.join(pointer)}: {text}" if pointer else text)
        self.pointer = pointer
        self.text = text


def unknown(pointer: Pointer, word: Any, known: Iterable[str], what: str) -> NoReturn:
    """Refuse a word that nobody knows: with the one that is nearest to it, else with all."""
    from difflib import get_close_matches  # noqa: PLC0415 - for what is wrong only

    names = list(known)
    near = get_close_matches(str(word), names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"
    raise FaultError(pointer, f"{str(word)[:_SHOWN]!r} is no {what}; {hint}")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: `right` says what is right, `read` makes it of JSON, `write` JSON of it."""

    right: str
    read: Callable[[Any], Any]
    write: Callable[[Any], Any] = lambda value: value

    def of(self, pointer: Pointer, value: Any) -> Any:
        """The value as it is understood; `FaultError` says what would be right."""
        try:
            return self.read(value)
        except TooMuchError as error:
            raise FaultError(pointer, f"{error}") from None
        except (ValueError, TypeError, AttributeError):
            shown = repr(value)
            shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
            raise FaultError(pointer, f"{shown} is not {self.right}") from None


def _whole(lowest: int, highest: int = _MOST) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
            raise ValueError
        if value > highest:
            if highest == _MOST:
                raise TooMuchError(f"{value} is more than {_MOST:,}")
            raise ValueError
        return value

    return read


def _difference(value: Any) -> int:
    if value == 0:
        raise ValueError
    return _whole(-_MOST)(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError
    return value


def _media(value: Any) -> str:
    text = _text(value)
    if not text.isascii() or "/" not in text:
        raise ValueError
    return text


def _pointer(value: Any) -> str:
    text = _text(value)
    if not text.startswith("/"):
        raise ValueError
    return text


def _edits(value: Any) -> dict[str, Any]:
    if not value:
        raise ValueError
    return {_pointer(where): inner for where, inner in value.items()}


def _renames(value: Any) -> dict[str, str]:
    return {where: _text(name) for where, name in _edits(value).items()}


def _headers(value: Any) -> dict[str, str]:
    found = {_text(name).lower(): _text(text) for name, text in value.items()}
    if not all(map(str.isascii, found.values())) or not all(map(_NAME.fullmatch, found)):
        raise ValueError
    return found


def _error(value: Any) -> int | str:
    return _text(value) if isinstance(value, str) else _whole(400, 599)(value)


def _span(value: Any) -> int:
    return parse_duration(_text(value))


def _window(value: Any) -> int:
    span = _span(value)
    if not span:
        raise ValueError
    return span


def _shift(value: Any) -> int:
    text = _text(value)
    return -_span(text[1:]) if text.startswith("-") else _span(text)


def _signed(shift: int) -> str:
    return f"{'-' if shift < 0 else ''}{format_duration(abs(shift))}"


def _two(value: Any) -> tuple[int, int]:
    if not isinstance(value, list | tuple):
        raise TypeError
    first, second = value
    return _span(first), _span(second)


def _range(value: Any) -> tuple[int, int]:
    first, second = _two(value)
    if first > second:
        raise ValueError
    return first, second


def _both(spans: tuple[int, int]) -> list[str]:
    return [format_duration(span) for span in spans]


def _choice(*words: str) -> Kind:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError
        return str(value)

    return Kind(f"{', '.join(words[:-1])} or {words[-1]}", read)


def _share(value: Any) -> float:
    if isinstance(value, bool) or not 0 <= value <= 1:
        raise ValueError
    return float(value)


def _instant(moment: tuple[str, int]) -> str:
    kind, value = moment
    return format_duration(value) if kind == "P" else isoformat(value)


def _moment(value: Any) -> tuple[str, int]:
    text = _text(value)
    return ("P", parse_duration(text)) if text.startswith("P") else ("T", parse_instant(text))


COUNT: Final = Kind("a number from 1 on", _whole(1))
BYTES: Final = Kind("a number of bytes, such as 65536", _whole(0))
DIFFERENCE: Final = Kind("a number of bytes other than 0, such as 10 or -10", _difference)
RATE: Final = Kind("a number of bytes a second, such as 10000", _whole(1))
ERROR: Final = Kind("an HTTP status from 400 to 599", _whole(400, 599))
STATUS: Final = Kind("an HTTP status from 200 to 599", _whole(200, 599))
NAMED_ERROR: Final = Kind("the name of an example, or a status from 400 to 599", _error)
TEXT: Final = Kind("a text of printable characters", _text)
FLAG: Final = Kind("true or false", _flag)
MEDIA: Final = Kind("a media type such as text/html", _media)
POINTER: Final = Kind("a JSON pointer such as /data/downloadUrl", _pointer)
EDITS: Final = Kind('JSON pointers with values, such as {"/data/fileSize": "12"}', _edits)
RENAMES: Final = Kind('JSON pointers with names, as {"/data/downloadUrl": "fileUrl"}', _renames)
HEADERS: Final = Kind("names with values, in ASCII", _headers)
JSON: Final = Kind("any JSON", lambda value: value)
SPAN: Final = Kind("an ISO 8601 duration such as PT2S", _span, format_duration)
WINDOW: Final = Kind("an ISO 8601 duration of more than nothing", _window, format_duration)
SHIFT: Final = Kind("a duration such as PT5M or -PT5M", _shift, _signed)
RANGE: Final = Kind('two durations, the shorter one first: ["PT0S", "PT2S"]', _range, _both)
NORMAL: Final = Kind('mean and standard deviation: ["PT1S", "PT0.2S"]', _two, _both)
PER: Final = _choice("key", "link", "world")
SHARE: Final = Kind("a probability from 0 to 1", _share)
SEED: Final = Kind("a whole number of up to 18 digits", _whole(1 - 10**18, 10**18 - 1))
MOMENT: Final = Kind(
    "a time such as 2025-01-01T12:00:00Z, or a duration such as PT10M", _moment, _instant
)
