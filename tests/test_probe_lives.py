"""What a probe concludes is true, whatever a file's life is and whenever somebody looks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockkie.harness.conclusion import Conclusion
from mockkie.harness.conclusions import conclude
from mockkie.harness.evidence import Evidence
from mockkie.harness.lifespan import DAY, dead_look
from mockkie.harness.probe import collect, plant
from mockkie.harness.receipts import Look, Planting, Receipt, Role, Sight
from mockkie.harness.verdicts import Verdict
from tests.lives import HOUR, START, Nature, World

MILLIS: Final = 1_000
END: Final = 72 * HOUR
LIVES: Final = st.one_of(
    st.floats(0.1, 130).map(lambda hours: hours * HOUR),
    st.floats(-3, 3).map(lambda hours: END + hours * HOUR),
    st.sampled_from([END, END - HOUR, END + HOUR, 24 * HOUR, 48 * HOUR, 96 * HOUR, math.inf]),
)
NATURES: Final = st.builds(
    Nature, LIVES, st.booleans(), st.booleans(), st.booleans(), st.booleans()
)
OUTAGES: Final = st.sampled_from(["", "", "", "", "silent", "500", "429", "401"])

AT_ONCE: Final = 0.05  # hours: what works then and what does not is taken to be at one time


@st.composite
def visits(draw: st.DrawFn) -> list[tuple[float, str]]:
    """When somebody looks, and how the downloads fail then."""
    some = st.floats(0.01, 140)
    close = st.sampled_from([36.0, 72.0, 108.0]).flatmap(lambda at: st.floats(at - 2, at + 2))
    hours = sorted(draw(st.lists(st.one_of(some, close), min_size=1, max_size=30)))
    apart = [hour for last, hour in pairwise([0.0, *hours]) if hour - last > AT_ONCE]
    return [(hour * HOUR, draw(OUTAGES)) for hour in apart]


def probed(nature: Nature, schedule: Sequence[tuple[float, str]]) -> tuple[Planting, int]:
    """A planting in a world of that nature, after these looks."""
    world = World(nature)
    target = world.target()
    planting = plant(target, 3 * DAY, lambda _: None)
    now = planting.born
    for at, out in schedule:
        world.now, world.out = START + at, out
        now = collect(planting, target, lambda _: None)
    return planting, now


def check_spans(nature: Nature, planting: Planting, now: int) -> None:
    """Every interval contains the true life."""
    evidence = Evidence(planting, now)
    for receipt in planting.receipts:
        life = nature.life * MILLIS
        if receipt.role == Role.OVERWRITTEN and receipt.overwritten and not nature.restarts:
            passed = receipt.overwritten - receipt.born
            life = life - passed if passed < life else life
        span = evidence.of(receipt.role)
        prolonged = nature.reading_prolongs or nature.head_prolongs
        if not prolonged:
            assert span.alive is None or span.alive <= life, receipt.role
        assert span.gone is None or span.gone >= life, receipt.role


def check_verdicts(nature: Nature, found: Mapping[str, Conclusion]) -> None:
    """No verdict is wrong; that it is not judged is never wrong."""
    verdicts = {name: one.verdict for name, one in found.items()}
    off = abs(nature.life - END)
    assert verdicts["expiry.three-days"] != Verdict.UPHELD or off <= HOUR
    assert verdicts["expiry.three-days"] != Verdict.VIOLATED or off > 0
    prolonged = nature.reading_prolongs or nature.head_prolongs
    assert verdicts["expiry.reading"] != Verdict.VIOLATED or prolonged
    if verdicts["expiry.reading"] == Verdict.UPHELD:
        assert not (nature.reading_prolongs and "GET" in found["expiry.reading"].why)
        assert not (nature.head_prolongs and "HEAD" in found["expiry.reading"].why)
    assert verdicts["overwrite.restarts-life"] != Verdict.UPHELD or nature.restarts
    assert verdicts["overwrite.restarts-life"] != Verdict.VIOLATED or not nature.restarts
    for name in ("expiry.of-its-own", "expiry.answer", "content.stays", "overwrite.latest-bytes"):
        assert verdicts[name] != Verdict.VIOLATED, found[name].why


@given(NATURES, visits())
@settings(max_examples=150, deadline=None)
def test_no_conclusion_is_wrong(nature: Nature, schedule: list[tuple[float, str]]) -> None:
    planting, now = probed(nature, schedule)
    check_spans(nature, planting, now)
    check_verdicts(nature, conclude(planting, now))


EVERY_TWENTY_MINUTES: Final = [(number * HOUR / 3 + 0.1 * HOUR, "") for number in range(400)]


@pytest.mark.parametrize("hours", [24, 48, 71, 72, 73, 96, math.inf])
def test_every_twenty_minutes_is_often_enough(hours: float) -> None:
    """The lives that a probe is to tell apart are told apart by the schedule of the docs."""
    planting, now = probed(Nature(hours * HOUR), EVERY_TWENTY_MINUTES)
    found = conclude(planting, now)
    expected = Verdict.UPHELD if hours == END / HOUR else Verdict.VIOLATED
    assert found["expiry.three-days"].verdict == expected
    span = Evidence(planting, now).life()
    assert span.alive is not None
    assert span.alive / MILLIS <= hours * HOUR
    around = (span.gone or math.inf) / MILLIS
    assert hours * HOUR <= around <= span.alive / MILLIS + 26 * HOUR or hours == math.inf


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("clause", ["expiry.reading", "overwrite.restarts-life"])
def test_what_the_schedule_of_the_docs_finds(clause: str, cached: bool) -> None:  # noqa: FBT001 - a case
    broken = Nature(cached=cached)
    if clause == "expiry.reading":
        broken.reading_prolongs = True
    else:
        broken.restarts = False
    for nature, expected in ((Nature(cached=cached), Verdict.UPHELD), (broken, Verdict.VIOLATED)):
        found = conclude(*probed(nature, EVERY_TWENTY_MINUTES))
        assert found[clause].verdict == expected, found[clause].why


@pytest.mark.parametrize(
    ("looks", "late"),
    [
        ([1], set[str]()),
        ([23, 47, 96], {"expiry.three-days"}),
        ([23, 71.5, 72.5], {"overwrite.restarts-life", "expiry.of-its-own"}),
        ([40, 71.5, 73.5], {"expiry.three-days"}),
        ([40, 71.5, 72.5, 200], {"overwrite.restarts-life"}),
    ],
)
def test_evidence_that_was_missed_is_said_to_be_missed(looks: list[float], late: set[str]) -> None:
    found = conclude(*probed(Nature(), [(hours * HOUR, "") for hours in looks]))
    assert {name for name, one in found.items() if one.too_late} == late
    assert Verdict.VIOLATED not in {one.verdict for one in found.values()}


def test_a_collect_that_is_repeated_adds_nothing() -> None:
    """As often as one likes, at one time; what was not answered is asked again."""
    world = World(Nature())
    target = world.target()
    planting = plant(target, 3 * DAY, lambda _: None)
    world.now, world.out = START + 23.5 * HOUR, "silent"
    collect(planting, target, lambda _: None)
    world.out = ""
    collect(planting, target, lambda _: None)
    before = planting.to_json()
    assert (
        conclude(planting, planting.seen)["expiry.three-days"].verdict == Verdict.DEFERRED
    )  # one read each
    collect(planting, target, lambda _: None)
    assert planting.to_json() == before
    seen = [look.sight for receipt in planting.receipts for look in receipt.looks]
    assert seen.count(Sight.ALIVE) - 1 == seen.count(Sight.NOTHING) == 5  # one when it was planted


def test_a_read_that_a_cache_answered_is_no_read() -> None:
    """Else a file that reads keep alive would be taken for one that ended all the same."""
    nature = Nature(30 * HOUR, reading_prolongs=True, cached=True)
    looks = [(hours * HOUR, "") for hours in (29, 54, 77, 97)]
    found = conclude(*probed(nature, looks))
    assert found["expiry.reading"].verdict == Verdict.DEFERRED


def test_what_had_ended_before_was_not_overwritten() -> None:
    found = conclude(*probed(Nature(24 * HOUR, restarts=False), EVERY_TWENTY_MINUTES))
    restarts = found["overwrite.restarts-life"]
    assert (restarts.verdict, restarts.too_late) == (Verdict.NOT_JUDGED, False)
    assert restarts.why == "files had ended before one could be overwritten"


def test_an_end_of_its_own_is_not_blamed_on_an_older_file() -> None:
    """A younger file that ends long after the older one, but before its time."""
    world = World(Nature())
    target = world.target()
    planting = plant(target, 3 * DAY, lambda _: None)
    for at, _ in EVERY_TWENTY_MINUTES:
        world.now = START + at
        if at > 90 * HOUR:
            world.files[f"/{planting.folder}/stream/younger.txt"].since = 0.0
        now = collect(planting, target, lambda _: None)
    found = conclude(planting, now)
    assert found["expiry.of-its-own"].verdict == Verdict.UPHELD
    assert "planted later: ended between" in found["expiry.three-days"].why


def test_a_copy_of_a_cache_shows_no_survivor() -> None:
    """A younger file was there when the cache got it, which was before the older one ended."""
    looks = [(hours * HOUR, "") for hours in (23.2, 36.2, 47.5, 72.5)]
    planting, now = probed(Nature(), looks)
    assert conclude(planting, now)["expiry.of-its-own"].verdict == Verdict.UPHELD
    for role in (Role.YOUNGER, Role.NAMESAKE):
        receipt = planting.of(role)
        assert receipt is not None
        receipt.looks[-1] = replace(receipt.looks[-1], headers={"age": "3600"})
    assert conclude(planting, now)["expiry.of-its-own"].verdict == Verdict.DEFERRED


@pytest.mark.parametrize(
    ("seen", "dead"),
    [
        ("24 alive, 48 gone, 49 gone", 48),
        ("24 alive, 48 gone, 49 alive, 50 gone", 50),
        ("24 alive, 48 gone, 49 alive", None),
        ("24 alive, 48 no answer", None),
        ("24 alive, 48 error", None),
        ("24 alive, 48 error, 48.2 error", None),
        ("24 alive, 48 error, 49 error", 48),
        ("24 alive, 48 error, 49 no answer, 50 error", 48),
        ("24 alive, 48 error, 49 error, 50 gone", 50),
        ("24 alive, 48 error, 49 error, 50 unclear", None),
        ("24 alive, 48 unclear, 49 unclear", 48),
        ("24 alive, 48 empty, 49 empty", None),  # too early for an end: it is another fault
        ("24 alive, 72.1 empty", None),
        ("24 alive, 72.1 empty, 73 empty", 72.1),
        ("24 alive, 72.1 former bytes, 73 former bytes", None),
    ],
)
def test_what_is_taken_for_an_end(seen: str, dead: float | None) -> None:
    """While another file is served at every look."""
    looks = [one.strip().split(" ", 1) for one in seen.split(",")]
    instants = [round(float(hours) * HOUR * MILLIS) for hours, _ in looks]
    known = [Look(at, "GET", Sight(sight)) for at, (_, sight) in zip(instants, looks, strict=True)]
    receipt = Receipt(Role.STREAM, "", 0, [""], looks=known)
    found = dead_look(receipt, 3 * DAY, awake=instants)
    assert (found and found.at) == (None if dead is None else round(dead * HOUR * MILLIS))
    if "error" in seen:
        outage = dead_look(receipt, 3 * DAY, awake=())
        assert outage is None or outage.sight == Sight.GONE
