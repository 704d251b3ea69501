"""The picture of a probe: every file has a row, every mark its place, and no text is markup.

That of docs/probe.md is made by `MOCKKIE_SCREENSHOTS=1 pytest tests/test_timeline_svg.py`.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mockkie
from mockkie.harness.evidence import Evidence
from mockkie.harness.lifespan import DAY, MINUTE
from mockkie.harness.plan import Plan
from mockkie.harness.probe import collect, plant, run
from mockkie.harness.receipts import Planting, Role
from mockkie.harness.target import open_target
from mockkie.harness.timeline_svg import timeline_svg
from tests.lives import HOUR, START, Nature, World

PICTURE = Path(__file__).parent.parent / "docs" / "images" / "probe.svg"
SVG = "{http://www.w3.org/2000/svg}"


def drawn(planting: Planting, now: int) -> ET.Element:
    return ET.fromstring(timeline_svg(planting, now))  # noqa: S314 - our own


def after(nature: Nature, *hours: float) -> tuple[Planting, int]:
    """A planting in a world of that nature, after a look at each of these ages."""
    world = World(nature)
    target = world.target()
    planting = plant(target, 3 * DAY, lambda _: None)
    now = planting.born
    for age in hours:
        world.now = START + age * HOUR
        now = collect(planting, target, lambda _: None)
    return planting, now


def classes(element: ET.Element) -> list[str]:
    return [one.get("class", "") for one in element.iter()]


def rows(picture: ET.Element) -> dict[str, ET.Element]:
    found = {str(group.findtext(f"{SVG}title")): group for group in picture.iter(f"{SVG}g")}
    return {title.partition(":")[0]: group for title, group in found.items() if ":" in title}


def to_the_minute(planting: Planting) -> None:
    """Requests take their milliseconds, another number each time."""
    planting.born -= planting.born % MINUTE
    for receipt in planting.receipts:
        receipt.born -= receipt.born % MINUTE
        if receipt.overwritten is not None:
            receipt.overwritten -= receipt.overwritten % MINUTE
        receipt.looks = [replace(look, at=look.at - look.at % MINUTE) for look in receipt.looks]


def test_the_picture_of_the_docs_is_that_of_a_mock() -> None:
    with mockkie.serve() as kie:
        kie.clock.freeze("2026-01-05T09:00:00Z")
        with open_target(Plan(url=kie.base_url, key=kie.key)) as target:
            planting, now = run(target, 3 * DAY, lambda _: None)
        planting.target = "http://127.0.0.1:5430"
    to_the_minute(planting)
    content = timeline_svg(planting, now - now % MINUTE)
    if os.environ.get("MOCKKIE_SCREENSHOTS"):
        PICTURE.write_bytes(content)
    anew = "it has changed: MOCKKIE_SCREENSHOTS=1 pytest tests/test_timeline_svg.py"
    assert content == PICTURE.read_bytes(), anew


@settings(deadline=None, max_examples=30)
@given(
    st.floats(1, 130).map(lambda hours: Nature(life=hours * HOUR)),
    st.lists(st.floats(0.1, 140), max_size=12).map(sorted),
)
def test_every_mark_is_in_its_place(nature: Nature, ages: list[float]) -> None:
    planting, now = after(nature, *ages)
    picture, evidence = drawn(planting, now), Evidence(planting, now)
    assert list(rows(picture)) == [receipt.role.value for receipt in planting.receipts]
    width = float(picture.get("width", 0))
    for one in picture.iter():
        for name in ("x", "x1", "x2", "cx"):
            assert 0 <= float(one.get(name, 0)) <= width
    for receipt in planting.receipts:
        marks, span = classes(rows(picture)[receipt.role]), evidence.of(receipt.role)
        both = span.alive is not None and span.gone is not None
        assert marks.count("between") == both
        assert marks.count("again") == (receipt.overwritten is not None)
        shown = marks.count("seen") + marks.count("asked") + marks.count("gone")
        assert shown + marks.count("trouble") == len(receipt.looks)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 200_000))
def test_no_scale_has_more_lines_than_labels_fit_beside(days: int) -> None:
    planting, now = after(Nature(), 10)
    planting.retention = days * DAY
    picture = drawn(planting, now)
    assert 2 <= classes(picture).count("grid") <= 13


def test_before_the_end_it_says_what_is_not_known() -> None:
    planting, now = after(Nature(), 10, 23.5)
    picture = drawn(planting, now)
    assert classes(picture).count("now") == 1
    assert "between" not in classes(rows(picture)[Role.STREAM])
    assert "unknown" in classes(rows(picture)[Role.LATE])
    assert "stream: planted at 0 h, ended later than 23 h" in str(picture.findtext(f"{SVG}desc"))


def test_the_end_is_drawn_where_it_was() -> None:
    planting, now = after(Nature(life=48 * HOUR), 47, 51)  # by then it is time for a second look
    row = rows(drawn(planting, now))[Role.STREAM]
    (band,) = [one for one in row if one.get("class") == "between"]
    (born,) = [one for one in row if one.get("class") == "planted"]
    hour = float(band.get("width", 0)) / 4
    start = (float(band.get("x", 0)) - float(born.get("cx", 0))) / hour
    assert start == pytest.approx(47, abs=1.5)


def test_no_text_of_a_target_is_markup_and_no_link_is_shown() -> None:
    planting, now = after(Nature(), 24)
    planting.target = 'http://a"><script>alert(1)</script>\x1b'
    planting.missing[Role.URL] = "<b>no</b>]]>"
    text = timeline_svg(planting, now).decode()
    picture = ET.fromstring(text)  # noqa: S314 - our own
    tags = {one.tag.removeprefix(SVG) for one in picture.iter()}
    assert tags <= set("svg title desc style g text line rect circle path".split())
    assert "not planted: <b>no</b>]]>" in [one.text for one in picture.iter(f"{SVG}text")]
    assert not [one.link for one in planting.receipts if one.link in text]
    assert "\x1b" not in text
