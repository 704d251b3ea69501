"""Files end three days after their upload, each for itself. Needs a clock that can be moved.

Nothing is judged within a minute of the end: a real clock goes on while this is asked.
"""

from __future__ import annotations

import re
from typing import Final

import pytest

from mockkie.harness.document import read_document
from mockkie.harness.target import DAY, Target

from .calls import (
    GONE,
    ROUTES,
    THREE,
    accepted,
    as_stream,
    eventually,
    expect,
    instant,
    lives,
    reads,
)

MARGIN: Final = 90.0
UNITS: Final = {"D": DAY, "H": 3_600.0, "M": 60.0}


def life() -> float:
    """How long a file lives, in seconds, by the document."""
    found = re.fullmatch(r"PT?(\d+)([DHM])", read_document()["x-mockkie"]["retention"])
    if found is None:
        raise ValueError("the retention of the document is not one of days, hours or minutes")
    return int(found[1]) * UNITS[found[2]]


def upload(target: Target, name: str, content: bytes = b"mortal", route: str = "stream") -> str:
    """The link of a new file."""
    fields = {"uploadPath": target.folder(), "fileName": name}
    return str(accepted(ROUTES[route](target, content, fields))["downloadUrl"])


@pytest.mark.clause("expiry.three-days", "expiry.answer", "expiry.reading")
@pytest.mark.parametrize("route", THREE)
def test_a_file_lives_for_its_time(target: Target, route: str) -> None:
    """It is read until shortly before its end, reading does not help, and then it is gone."""
    target.advance(0)
    link = upload(target, "mortal.txt", route=route)
    for part in (1 / 3, 1 / 3, 1 / 4):
        target.advance(life() * part)
        reads(target, link, b"mortal")
    target.advance(life() / 12 - MARGIN)
    expect(lives(target, link), f"a file is gone {MARGIN:.0f} s before its three days are over")
    target.advance(2 * MARGIN)
    expect(not lives(target, link), f"a file lives {MARGIN:.0f} s after its three days are over")
    status = target.get(link, "HEAD").status_code
    expect(status in (*GONE, 405), f"HEAD of a link that is gone is answered {status}")
    target.advance(10 * DAY)
    expect(not lives(target, link), "a file that was gone is back ten days later")


@pytest.mark.clause("expiry.three-days")
def test_a_file_that_nobody_reads_lives_as_long(target: Target) -> None:
    """Neither longer nor shorter than one that is read."""
    target.advance(0)
    link, other = upload(target, "early.txt"), upload(target, "late.txt")
    target.advance(life() - MARGIN)
    expect(lives(target, link), f"an unread file is gone {MARGIN:.0f} s before its end")
    target.advance(2 * MARGIN)
    expect(not lives(target, other), f"an unread file lives {MARGIN:.0f} s after its end")


@pytest.mark.clause("overwrite.restarts-life")
@pytest.mark.parametrize("route", THREE)
def test_an_overwrite_restarts_the_life(target: Target, route: str) -> None:
    """The file then lives three days from it, not from the first upload, and no longer."""
    target.advance(0)
    fields = {"uploadPath": target.folder(), "fileName": "again.txt"}
    first = accepted(as_stream(target, b"first", fields))
    target.advance(life() / 2)
    second = accepted(ROUTES[route](target, b"second", fields))
    link = second["downloadUrl"]
    passed = (instant(second["uploadedAt"]) - instant(first["uploadedAt"])).total_seconds()
    close = abs(passed - life() / 2) < MARGIN
    expect(close, f"half a life apart, the two uploads are dated {passed:.0f} s apart")
    target.advance(life() / 2 + MARGIN)
    expect(lives(target, link), "an overwritten file ended with the life of its first version")
    eventually(target, link, b"second", [])
    target.advance(life() / 2 - 2 * MARGIN)
    expect(lives(target, link), "an overwritten file is gone before its three days are over")
    target.advance(2 * MARGIN)
    expect(not lives(target, link), "an overwritten file lives longer than three days")


@pytest.mark.clause("expiry.of-its-own")
def test_the_end_of_a_file_is_its_own(target: Target) -> None:
    """Files of one folder that were uploaded later are still there, each with its bytes."""
    target.advance(0)
    folder = target.folder()

    def later(name: str, content: bytes) -> str:
        fields = {"uploadPath": folder, "fileName": name}
        return str(accepted(as_stream(target, content, fields))["downloadUrl"])

    old = [later(f"old-{number}.txt", b"old %d" % number) for number in range(3)]
    target.advance(life() / 2)
    new = [later(f"new-{number}.txt", b"new %d" % number) for number in range(3)]
    target.advance(life() / 2 + MARGIN)
    for link in old:
        expect(not lives(target, link), "one of several old files outlived its three days")
    for number, link in enumerate(new):
        reads(target, link, b"new %d" % number, "a younger file behind the end of an older one")


@pytest.mark.clause("expiry.three-days", "naming.given")
def test_a_name_is_free_again(target: Target) -> None:
    """An upload to the path of a file that is gone is a new file, with a life of its own."""
    target.advance(0)
    fields = {"uploadPath": target.folder(), "fileName": "again.txt"}
    accepted(as_stream(target, b"first", fields))
    target.advance(life() + MARGIN)
    link = accepted(as_stream(target, b"second", fields))["downloadUrl"]
    reads(target, link, b"second")
    target.advance(life() - MARGIN)
    expect(lives(target, link), "a file at the path of one that was gone ended too early")
    target.advance(2 * MARGIN)
    expect(not lives(target, link), "a file at the path of one that was gone never ended")
