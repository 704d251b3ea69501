"""Time, as a world sees it. Knows nothing of files, requests or the contract.

This is the only module that reads the system's clock. An instant is an `int`: milliseconds
since 1970-01-01T00:00:00Z, the resolution that the API itself reports. A duration is an `int`
of milliseconds too.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

SECOND: Final = 1_000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTES_OF_A_DAY: Final = 1_440
FIRST: Final = -62_135_596_800_000  # 0001-01-01T00:00:00.000Z
LAST: Final = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z

stopwatch = time.perf_counter

_DURATION = re.compile(
    r"P(?=\d|T\d)(?:(?P<weeks>\d+(?:\.\d+)?)W)?(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?"
    r"(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)


class TooMuchError(ValueError):
    """A value that is well written, and more than there can be; the text says so."""


class Clock:
    """The virtual clock of one world: real time plus an offset, or one frozen instant."""

    __slots__ = ("_frozen_at", "_offset")

    def __init__(self, offset: int = 0, frozen_at: int | None = None) -> None:
        self._offset = offset
        self._frozen_at = frozen_at

    def now(self) -> int:
        """The present instant; at the end of the year 9999 time stands still."""
        if self._frozen_at is not None:
            return self._frozen_at
        now = real_now() + self._offset
        return now if now < LAST else LAST  # noqa: FURB136 - a request asks four times

    @property
    def offset(self) -> int:
        """How far this clock is from real time; for a frozen clock, at this moment."""
        return self._offset if self._frozen_at is None else self._frozen_at - real_now()

    @property
    def frozen(self) -> bool:
        """Whether time stands still."""
        return self._frozen_at is not None

    def advance(self, duration: int) -> None:
        """Move forward by `duration`; a frozen clock moves too, and stays frozen.

        Raises `ValueError` for a negative duration and past the year 9999.
        """
        if duration < 0:
            raise ValueError("time only advances; set the clock to an earlier instant instead")
        if self.now() + duration > LAST:
            raise ValueError("the clock can show the years 1 to 9999")
        if self._frozen_at is None:
            self._offset += duration  # exactly: real time goes on while this is computed
        else:
            self._frozen_at += duration

    def set(self, *, now: int | None = None, frozen: bool | None = None) -> None:
        """Jump to an instant, freeze, or let time flow again from where it stands.

        Raises `ValueError` for an instant outside the years 1 to 9999.
        """
        instant = self.now() if now is None else now
        if not FIRST <= instant <= LAST:
            raise ValueError("the clock can show the years 1 to 9999")
        if self.frozen if frozen is None else frozen:
            self._frozen_at = instant
        else:
            self._frozen_at = None
            self._offset = instant - real_now()

    def reset(self) -> None:
        """Back to real time, flowing."""
        self._offset, self._frozen_at = 0, None

    def state(self) -> tuple[int, int | None]:
        """`(offset, frozen_at)`: what a new Clock needs to go on from here."""
        return self._offset, self._frozen_at


def real_now() -> int:
    """The system's present instant."""
    return time.time_ns() // 1_000_000


def real_nanoseconds() -> int:
    """The same in nanoseconds, as traces have it: no instant of ours."""
    return time.time_ns()


def to_datetime(instant: int) -> datetime:
    """The instant as an aware UTC datetime; past the year 9999, the last one there is."""
    return EPOCH + timedelta(milliseconds=max(FIRST, min(instant, LAST)))


def from_datetime(moment: datetime) -> int:
    """The instant of an aware datetime; `ValueError` for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone: end it with Z or an offset such as +00:00")
    return (moment - EPOCH) // timedelta(milliseconds=1)


def isoformat(instant: int) -> str:
    """`2025-01-01T12:00:00.000Z`: the form of `uploadedAt` (documented)."""
    if not FIRST <= instant <= LAST:
        instant = max(FIRST, min(instant, LAST))
    return f"{_to_the_second(instant // SECOND)}.{instant % SECOND:03d}Z"


def parse_instant(text: str) -> int:
    """The instant of an ISO 8601 text with a zone; `ValueError` says what is wrong."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time like 2025-01-01T12:00:00Z") from None
    return from_datetime(moment)


def parse_duration(text: str) -> int:
    """The milliseconds of an ISO 8601 duration such as `P3D` or `PT24H`.

    Years and months are refused (their length depends on the calendar): `ValueError`.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text!r} is not an ISO 8601 duration of weeks, days, hours, minutes and seconds, "
            "like P3D or PT24H"
        )
    units = {unit: float(amount) for unit, amount in match.groupdict().items() if amount}
    try:
        return round(timedelta(**units) / timedelta(milliseconds=1))
    except OverflowError:
        raise TooMuchError(f"{text!r} is too long a time") from None


def format_duration(duration: int) -> str:
    """The ISO 8601 text of a duration: `P3D`, `P1DT12H`, `PT0.5S`."""
    seconds, millis = divmod(duration, SECOND)
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    fraction = f".{millis:03d}".rstrip("0") if millis else ""
    amounts = ((hours, "H", ""), (minutes, "M", ""), (seconds, "S", fraction))
    clock = "".join(f"{amount}{more}{unit}" for amount, unit, more in amounts if amount or more)
    if not days and not clock:
        return "PT0S"
    return "P" + (f"{days}D" if days else "") + (f"T{clock}" if clock else "")


def http_date(instant: int) -> str:
    """`Wed, 01 Jan 2025 12:00:00 GMT`, for `Date` and `Last-Modified` (RFC 9110, 5.6.7)."""
    return _http_date(instant // SECOND)


@lru_cache(maxsize=64)
def _to_the_second(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    day, minute = divmod(minutes, _MINUTES_OF_A_DAY)
    return f"{_day(day)}T{minute // 60:02d}:{minute % 60:02d}:{second:02d}"


@lru_cache(maxsize=512)  # of a long list of files too, most days come again
def _day(days: int) -> str:
    return (EPOCH + timedelta(days=days)).date().isoformat()


@lru_cache(maxsize=64)
def _http_date(seconds: int) -> str:
    moment = to_datetime(seconds * SECOND)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.weekday()]
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return (
        f"{day}, {moment.day:02d} {month[moment.month - 1]} {moment.year:04d} {moment:%H:%M:%S} GMT"
    )


def duration_text(seconds: float) -> str:
    """A span of time as a person says it: `3 days`, `2 h`, `45 s`."""
    for unit, name in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{seconds:.1f}".removesuffix(".0") + " s"


def seconds_between(earlier: int, later: int) -> float:
    """The seconds from one instant to another."""
    return (later - earlier) / SECOND
