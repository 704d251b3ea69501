from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockkie import clock as clock_module
from mockkie.clock import (
    FIRST,
    LAST,
    Clock,
    format_duration,
    from_datetime,
    http_date,
    isoformat,
    parse_duration,
    parse_instant,
    to_datetime,
)

INSTANTS = st.integers(FIRST, LAST)
DURATIONS = st.integers(0, 86_400_000 * 365 * 200)


class SystemTime:
    """Stands in for the system's time: `now` only moves when a test says so."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> SystemTime:
    time = SystemTime(1_735_732_800_000)
    monkeypatch.setattr(clock_module, "real_now", time)
    return time


@given(DURATIONS)
@example(0)
@example(1)
@example(259_200_000)
@example(86_400_000 * 999_999_999)
def test_a_duration_reads_back(duration: int) -> None:
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("P3D", 259_200_000),
        ("PT24H", 86_400_000),
        ("P1W", 604_800_000),
        ("P1W1DT1H1M1.5S", 694_861_500),
        ("PT0.001S", 1),
        ("PT90M", 5_400_000),
        ("P0.5D", 43_200_000),
        ("PT0S", 0),
        ("P0D", 0),
    ],
)
def test_durations(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        *("", "P", "PT", "P1", "3D", "p3d", "P3d", "P1Y", "P1M", "P-1D", "-P1D", "+P1D", "PD"),
        *("P1DT", "PT1H1D", "PT1S1M", "P 1D", "P1D ", "P1D\n", "P1,5D", "P.5D", "P1.D", "P٣D"),
        *("P1e3D", "P" + "9" * 20 + "D", "P" + "9" * 400 + "D"),
    ],
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        parse_duration(text)


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (0, "PT0S"),
        (500, "PT0.5S"),
        (129_600_000, "P1DT12H"),
        (60_000, "PT1M"),
        (3_600_001, "PT1H0.001S"),
    ],
)
def test_how_a_duration_is_written(duration: int, text: str) -> None:
    assert format_duration(duration) == text


@given(INSTANTS)
@example(FIRST)
@example(LAST)
@example(-1)
@example(0)
def test_an_instant_reads_back(instant: int) -> None:
    text = isoformat(instant)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    assert parse_instant(text) == instant
    assert from_datetime(to_datetime(instant)) == instant
    assert to_datetime(instant) == datetime.fromisoformat(text)


@given(st.datetimes(timezones=st.timezones()))
def test_an_instant_is_the_same_in_every_zone(moment: datetime) -> None:
    assert from_datetime(moment) == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        milliseconds=1
    )
    assert parse_instant(moment.isoformat()) == from_datetime(moment)


def test_an_offset_counts() -> None:
    assert parse_instant("2025-01-01T02:00:00+02:00") == parse_instant("2025-01-01T00:00:00Z")
    east = datetime(2025, 1, 1, 9, tzinfo=timezone(timedelta(hours=9)))
    assert isoformat(from_datetime(east)) == "2025-01-01T00:00:00.000Z"


@pytest.mark.parametrize("text", ["", "now", "2025-13-01T00:00:00Z", "12:00", "1735732800"])
def test_what_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a time like|needs its zone"):
        parse_instant(text)


@pytest.mark.parametrize("text", ["2025-01-01", "2025-01-01T12:00:00"])
def test_an_instant_needs_its_zone(text: str) -> None:
    with pytest.raises(ValueError, match="needs its zone"):
        parse_instant(text)


@given(INSTANTS)
@example(FIRST)
@example(LAST)
def test_the_date_header_is_that_of_the_standard_library(instant: int) -> None:
    second = to_datetime(instant).replace(microsecond=0)
    assert http_date(instant) == format_datetime(second, usegmt=True)
    if second.year >= 1000:  # email.utils reads shorter years as abbreviated ones
        assert parsedate_to_datetime(http_date(instant)) == second


@given(st.integers(1, 10**15))
def test_past_the_year_9999_the_last_instant_is_shown(more: int) -> None:
    assert isoformat(LAST + more) == "9999-12-31T23:59:59.999Z"
    assert http_date(LAST + more) == "Fri, 31 Dec 9999 23:59:59 GMT"


def test_a_new_clock_is_the_system_s(system: SystemTime) -> None:
    clock = Clock()
    assert (clock.now(), clock.offset, clock.frozen) == (system.now, 0, False)
    system.now += 7
    assert clock.now() == system.now


def moved(moves: list[tuple[str, int]], clock: Clock, system: SystemTime) -> None:
    """Carry out moves, and hold the clock against what they say."""
    for move, span in moves:
        before, frozen = clock.now(), clock.frozen
        if move == "advance":
            clock.advance(span)
            assert (clock.now(), clock.frozen) == (before + span, frozen)
        elif move == "freeze":
            clock.set(frozen=True)
            system.now += span
            assert (clock.now(), clock.frozen) == (before, True)
        elif move == "resume":
            clock.set(frozen=False)
            assert (clock.now(), clock.frozen) == (before, False)
            system.now += span
            assert clock.now() == before + span
        elif move == "set":
            clock.set(now=span)
            assert (clock.now(), clock.frozen) == (span, frozen)
        else:
            system.now += span
            assert clock.now() == (before if frozen else before + span)
        assert clock.offset == clock.now() - system.now
        again = Clock(*clock.state())
        assert (again.now(), again.frozen, again.state()) == (
            clock.now(),
            clock.frozen,
            clock.state(),
        )


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["advance", "freeze", "resume", "set", "wait"]), st.integers(0, 10**12)
        ),
        max_size=12,
    )
)
def test_the_laws_of_a_clock(moves: list[tuple[str, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        system = SystemTime(1_735_732_800_000)
        patch.setattr(clock_module, "real_now", system)
        clock = Clock()
        moved(moves, clock, system)
        clock.reset()
        assert (clock.now(), clock.offset, clock.frozen) == (system.now, 0, False)


@pytest.mark.usefixtures("system")
def test_time_only_advances() -> None:
    clock = Clock()
    before = clock.state()
    with pytest.raises(ValueError, match="only advances"):
        clock.advance(-1)
    assert clock.state() == before


@pytest.mark.usefixtures("system")
@pytest.mark.parametrize("instant", [FIRST - 1, LAST + 1, 10**30])
def test_a_clock_keeps_within_the_calendar(instant: int) -> None:
    clock = Clock()
    with pytest.raises(ValueError, match="years 1 to 9999"):
        clock.set(now=instant)
    with pytest.raises(ValueError, match="years 1 to 9999"):
        clock.advance(LAST)
    assert clock.state() == (0, None)
    clock.set(now=FIRST)
    assert isoformat(clock.now()) == "0001-01-01T00:00:00.000Z"


def test_time_ends_with_the_calendar(system: SystemTime) -> None:
    clock = Clock()
    clock.set(now=LAST)
    system.now += 5_000
    assert clock.now() == LAST
    clock.advance(0)


def test_freezing_at_an_instant_is_one_step(system: SystemTime) -> None:
    clock = Clock()
    clock.set(now=0, frozen=True)
    system.now += 1
    assert (clock.now(), clock.frozen) == (0, True)
    clock.set(now=5, frozen=False)
    system.now += 1
    assert (clock.now(), clock.frozen) == (6, False)


@given(st.lists(st.integers(0, 10**9), max_size=20))
def test_advances_add_up_exactly_while_time_flows(durations: list[int]) -> None:
    clock = Clock()
    for duration in durations:
        clock.advance(duration)
    assert clock.offset == sum(durations)
