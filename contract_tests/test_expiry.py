"""Files end three days after their upload, each for itself. Needs a clock that can be moved.

Nothing is judged within a minute of the end: a real clock goes on while this is asked.
"""

from __future__ import annotations

from typing import Final

import pytest

from mockkie.harness.api import BASE64, GONE
from mockkie.harness.document import life
from mockkie.harness.plan import DAY
from mockkie.harness.target import Target

from .calls import (
    ROUTES,
    THREE,
    about,
    accepted,
    as_base64,
    as_stream,
    compare,
    eventually,
    expect,
    instant,
    lives,
    reads,
)

pytestmark = pytest.mark.layer("time")
MARGIN: Final = 90.0
OK: Final = 200
READ: Final = tuple(
    f"that is {how}" for how in ("read", "inspected", "read in part", "asked for by its date")
)


def upload(
    target: Target,
    name: str,
    content: bytes = b"mortal",
    route: str = "stream",
    folder: str | None = None,
) -> str:
    """The link of a new file."""
    fields = {"uploadPath": folder or target.folder(), "fileName": name}
    return str(accepted(ROUTES[route](target, content, fields))["downloadUrl"])


@pytest.mark.clause("expiry.three-days", "expiry.answer", "expiry.reading")
def test_a_file_lives_for_its_time(target: Target) -> None:
    """It is read until shortly before its end, reading does not help, and then it is gone."""
    target.advance(0)
    link = upload(target, "mortal.txt")
    inspected = target.get(link, "HEAD").status_code
    for part in (1 / 3, 1 / 3, 1 / 4):
        target.advance(life() * part)
        reads(target, link, b"mortal")
    target.advance(life() / 12 - MARGIN)
    expect(lives(target, link), f"a file is gone {MARGIN:.0f} s before its three days are over")
    target.advance(2 * MARGIN)
    expect(not lives(target, link), f"a file lives {MARGIN:.0f} s after its three days are over")
    if inspected == OK:
        status = target.get(link, "HEAD").status_code
        expect(status in GONE, f"HEAD of a link that is gone is answered {status}")
    target.advance(10 * DAY)
    expect(not lives(target, link), "a file that was gone is back ten days later")


@pytest.mark.clause("overwrite.restarts-life")
def test_an_overwrite_restarts_the_life(target: Target) -> None:
    """The file then lives three days from it, not from the first upload, and no longer."""
    target.advance(0)
    fields = {"uploadPath": target.folder(), "fileName": "again.txt"}
    first = accepted(as_stream(target, b"first", fields))
    target.advance(life() / 2)
    second = accepted(as_stream(target, b"second", fields))
    link = second["downloadUrl"]
    passed = (instant(second["uploadedAt"]) - instant(first["uploadedAt"])).total_seconds()
    close = abs(passed - life() / 2) < MARGIN
    dated = f"half a life apart, the two uploads are dated {passed:.0f} s apart"
    expect(close, dated, "metadata.time")
    target.advance(life() / 2 + MARGIN)
    eventually(target, link, b"second", [b"first"], "a link at the end of its first version")
    target.advance(life() / 2 - 2 * MARGIN)
    expect(lives(target, link), "an overwritten file is gone before its three days are over")
    target.advance(2 * MARGIN)
    expect(not lives(target, link), "an overwritten file lives longer than three days")


Kinds = dict[str, tuple[str, bytes]]
"""Link and content of files by what is special about them."""


def all_kinds(target: Target) -> Kinds:
    """Files that have nothing in common but the moment of their upload."""
    contents = {
        "of 1 MiB and a byte": ("large.bin", b"m" * (2**20 + 1), "stream"),
        "of 5 MiB and a byte": ("larger.bin", b"l" * (5 * 2**20 + 1), "stream"),
        "that is a picture": ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(30), "stream"),
        "with a strange name": ("\u00e9 + %41.txt", b"strange", "stream"),
        "without an extension": ("plain", b"plain", "base64"),
        "of the data URL route": ("data.txt", b"data", "data-url"),
        "that was replaced by base64": ("base64.txt", b"first", "stream"),
        "of the URL route": ("url.txt", b"url", "url"),
        "that is read": ("read.txt", b"read", "stream"),
        "that is inspected": ("head.txt", b"head", "stream"),
        "that is read in part": ("range.txt", b"range", "stream"),
        "that is asked for by its date": ("since.txt", b"since", "stream"),
        "that a bad upload names": ("bad.txt", b"bad", "stream"),
        "that a bad key names": ("key.txt", b"key", "stream"),
        "that a wrong method names": ("put.txt", b"put", "stream"),
    }
    folder = target.folder()
    found = {
        kind: (upload(target, name, content, route, folder), content)
        for kind, (name, content, route) in contents.items()
    }
    again = ("base64.txt", b"base64", "base64")
    found["that was replaced by base64"] = (upload(target, *again, folder), again[1])
    empty = as_stream(target, b"", {"uploadPath": folder, "fileName": "empty.txt"})
    if empty.status_code == OK:
        found["of no bytes"] = (accepted(empty)["downloadUrl"], b"")
    generated = {"uploadPath": f"{folder}/a/b/c", "fileName": None}
    link = accepted(as_base64(target, b"generated", generated))["downloadUrl"]
    found["with a generated name"] = (str(link), b"generated")
    return found


def visit(target: Target, kinds: Kinds) -> None:
    """What could prolong a life, and must not."""
    folder = kinds["that is read"][0].rpartition("/")[0].partition("mockkie-")[2]
    fields = {"uploadPath": f"mockkie-{folder}", "fileName": "bad.txt"}
    target.get(kinds["that is inspected"][0], "HEAD")
    target.get(kinds["that is read in part"][0], headers={"Range": "bytes=0-1"})
    since = {"If-Modified-Since": "Fri, 31 Dec 9999 23:59:59 GMT", "If-None-Match": '"x"'}
    target.get(kinds["that is asked for by its date"][0], headers=since)
    bad = target.post(BASE64, json={"base64Data": "@@@@", **fields})
    intruder = target.with_authorization("Bearer wrong")
    wrong = as_stream(intruder, b"theirs", {**fields, "fileName": "key.txt"})
    for kind, answer in (("that a bad upload names", bad), ("that a bad key names", wrong)):
        if answer.status_code == OK:  # which other clauses say is wrong
            del kinds[kind]
    put = {"base64Data": "eA==", **fields, "fileName": "put.txt"}
    target.get(target.url + BASE64, "PUT", headers=dict(target.headers), json=put)


@pytest.mark.clause("expiry.three-days", "expiry.reading")
def test_every_kind_of_file_lives_as_long(target: Target) -> None:
    """Of any size, name and route; read, inspected or named by a refused request in between."""
    target.advance(0)
    kinds = all_kinds(target)
    target.advance(life() / 2)
    tag = target.get(kinds["that is read"][0]).headers.get("ETag", '"none"')
    visit(target, kinds)
    target.advance(life() / 2 - MARGIN)
    for kind, (link, content) in kinds.items():
        answer = target.get(link)
        said = f"a file {kind} is gone {MARGIN:.0f} s before its end"
        expect(answer.status_code == OK, said, "expiry.three-days")
        with about("content.byte-exact"):
            old = [b"first"] if kind == "that was replaced by base64" else []
            if answer.content not in old:  # which a cache may still have
                compare(answer.content, content, f"the link of a file {kind}")
    target.advance(2 * MARGIN)
    for kind, (link, _) in kinds.items():
        clause = "expiry.reading" if kind in READ else "expiry.three-days"
        said = f"a file {kind} lives {MARGIN:.0f} s after its three days are over"
        expect(not lives(target, link), said, clause)
    for asked in ({"Range": "bytes=0-1"}, {"If-None-Match": tag}, {"If-None-Match": "*"}):
        status = target.get(kinds["that is read"][0], headers=asked).status_code
        said = f"with {next(iter(asked))} a link that is gone is answered {status}"
        expect(status in GONE, said, "expiry.three-days")


@pytest.mark.clause("expiry.three-days")
def test_files_of_the_other_account_live_as_long(target: Target) -> None:
    """By the clock of that account, where each has its own."""
    other = target.of_other_account()
    other.advance(0)
    link = upload(other, "theirs.txt")
    other.advance(life() - MARGIN)
    expect(lives(target, link), "a file of another account is gone before its end")
    other.advance(2 * MARGIN)
    expect(not lives(target, link), "a file of another account lives behind its end")


@pytest.mark.clause("overwrite.restarts-life")
def test_each_overwrite_restarts_the_life(target: Target) -> None:
    """The second one as the first, and by whatever route."""
    target.advance(0)
    fields = {"uploadPath": target.folder(), "fileName": "again and again.txt"}
    old: list[bytes] = []
    for route in ("stream", *THREE):
        content = f"{route} {max(len(old), 1)}".encode()  # also by the same bytes
        link = accepted(ROUTES[route](target, content, fields))["downloadUrl"]
        old.append(content)
        target.advance(life() * 2 / 3)
        expect(lives(target, link), f"an overwrite ({route}) ended with a life before it")
    eventually(target, link, old[-1], old[:-1])
    target.advance(life() / 3 - MARGIN)
    expect(lives(target, link), "a file that was overwritten thrice ended too early")
    target.advance(2 * MARGIN)
    expect(not lives(target, link), "a file that was overwritten thrice lives too long")


@pytest.mark.clause("expiry.of-its-own")
def test_the_end_of_a_file_is_its_own(target: Target) -> None:
    """Files of one folder, of one name and of one content that are younger are still there."""
    target.advance(0)
    folder, other = target.folder(), target.folder()
    old = [upload(target, f"old-{number}.txt", b"old", folder=folder) for number in range(3)]
    old.append(upload(target, "same.txt", b"same content", folder=folder))
    old.append(upload(target, "lonely.txt", folder=other))
    again = upload(target, "again.txt", b"first", folder=folder)
    target.advance(life() / 2)
    places = {f"new-{number}.txt": folder for number in range(2)}
    places |= {"old-0.txt": f"{folder}/sub", "same.txt": other, "old-1.txt.bak": folder}
    new = {
        upload(target, name, name.encode(), folder=path): name.encode()
        for name, path in places.items()
    }
    new[upload(target, "copy.txt", b"same content", folder=folder)] = b"same content"
    new[upload(target, "again.txt", b"second", folder=folder)] = b"second"
    target.advance(life() / 2 + MARGIN)
    for link in old:
        expect(not lives(target, link), "one of several old files outlived its three days")
    second = new.pop(again)
    eventually(target, again, second, [b"first"])
    for link, content in new.items():
        reads(target, link, content, "a younger file behind the end of older ones")
    late = upload(target, "late.txt", folder=folder)
    expect(not lives(target, old[0]), "a file that had ended is back behind another upload")
    for link, content in new.items():
        reads(target, link, content, "a younger file behind the end of older ones")
    reads(target, late, b"mortal")


@pytest.mark.clause("expiry.three-days")
def test_a_name_is_free_again(target: Target) -> None:
    """An upload to the path of a file that is gone is a new file, with a life of its own."""
    target.advance(0)
    fields = {"uploadPath": target.folder(), "fileName": "again.txt"}
    accepted(as_stream(target, b"first", fields))
    target.advance(life() + MARGIN)
    link = accepted(as_stream(target, b"second", fields))["downloadUrl"]
    eventually(target, link, b"second", [b"first"])
    target.advance(life() - MARGIN)
    expect(lives(target, link), "a file at the path of one that was gone ended too early")
    target.advance(2 * MARGIN)
    expect(not lives(target, link), "a file at the path of one that was gone never ended")
