"""The same path and name again: one file, its link, its latest bytes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Final

import pytest
import requests

from mockkie.harness.session import NotJudgedError
from mockkie.harness.target import Target

from .calls import (
    ROUTES,
    THREE,
    accepted,
    as_base64,
    as_stream,
    eventually,
    expect,
    instant,
    reads,
    sized,
)

FIRST: Final = b"the first one, which is the longer one of the two"
CONCURRENT: Final = 8
OK: Final = 200
KIB: Final = 1_024


@pytest.mark.clause("overwrite.latest-bytes", "metadata.size")
@pytest.mark.parametrize("second", THREE)
@pytest.mark.parametrize("first", THREE)
def test_the_same_name_again_replaces_the_file(target: Target, first: str, second: str) -> None:
    """By whatever routes: the link stays, and leads to the latest bytes."""
    fields = {"uploadPath": target.folder(), "fileName": "same.txt"}
    before = accepted(ROUTES[first](target, FIRST, fields))
    reads(target, before["downloadUrl"], FIRST)
    after = accepted(ROUTES[second](target, b"another", fields))
    same = after["downloadUrl"] == before["downloadUrl"]
    expect(same, "an overwrite changed the link of the file")
    for name in ("fileName", "filePath"):
        same = after[name] == before[name]
        expect(same, f"an overwrite made {after[name]!r} of the {name} {before[name]!r}")
    eventually(target, after["downloadUrl"], b"another", [FIRST])
    sized(after, b"another")
    earlier, later = instant(before["uploadedAt"]), instant(after["uploadedAt"])
    dated = "an overwrite is dated before the upload that it replaces"
    expect(later >= earlier, dated, "metadata.time")


@pytest.mark.clause("overwrite.latest-bytes")
@pytest.mark.parametrize("size", [5, 300_000])
def test_contents_of_one_size_replace_one_another(target: Target, size: int) -> None:
    """A replacement is not told by its size."""
    fields = {"uploadPath": target.folder(), "fileName": "same-size.bin"}
    old, new = b"a" * size, b"a" * (size - 1) + b"b"
    link = accepted(as_stream(target, old, fields))["downloadUrl"]
    accepted(as_stream(target, new, fields))
    eventually(target, link, new, [old])


@pytest.mark.clause("overwrite.latest-bytes")
def test_many_overwrites_end_with_the_last(target: Target) -> None:
    """Shorter, longer, empty, as before."""
    fields = {"uploadPath": target.folder(), "fileName": "again.bin"}
    contents = [b"abc", b"a" * 1_100_000, b"a" * 70_001, b"-", b"abc", b"z" * 100, b"\r\n"]
    link = ""
    for number, content in enumerate(contents):
        link = accepted(as_stream(target, content, fields))["downloadUrl"]
        if number in (1, 3):
            eventually(target, link, content, contents[:number])
    eventually(target, link, contents[-1], contents)


@pytest.mark.clause("overwrite.latest-bytes")
@pytest.mark.parametrize("route", ["stream", "base64"])
def test_what_begins_or_ends_alike_is_replaced(target: Target, route: str) -> None:
    """By a longer one, and by the shorter one again; where it was read before, and where not."""
    fields = {"uploadPath": target.folder(), "fileName": "alike.bin"}
    start = b"the same start, of more than sixteen bytes"
    old: list[bytes] = []
    inside = start[:20] + b"x" + start[21:]
    for content in (
        start,
        start + b" and more",
        start,
        inside,
        b"x" + start[1:],
        start[:-1] + b"x",
    ):
        link = accepted(ROUTES[route](target, content, fields))["downloadUrl"]
        if content != start:
            eventually(target, link, content, old)
        old.append(content)


@pytest.mark.clause("overwrite.latest-bytes")
def test_an_empty_file_replaces_one(target: Target) -> None:
    """Where empty files are taken at all."""
    fields = {"uploadPath": target.folder(), "fileName": "emptied.txt"}
    accepted(as_stream(target, b"full", fields))
    answer = as_stream(target, b"", fields)
    if answer.status_code != OK:
        raise NotJudgedError(f"an empty file is answered {answer.status_code}")
    eventually(target, accepted(answer)["downloadUrl"], b"", [b"full"])


@pytest.mark.clause("overwrite.latest-bytes")
def test_an_old_copy_is_not_called_good(target: Target) -> None:
    """Who has the old bytes, and asks by their ETag, is given the new ones."""
    fields = {"uploadPath": target.folder(), "fileName": "tagged.txt"}
    link = accepted(as_stream(target, b"first version", fields))["downloadUrl"]
    tag = target.get(link).headers.get("ETag")
    accepted(as_stream(target, b"other version", fields))
    eventually(target, link, b"other version", [b"first version"])
    if tag is None:
        raise NotJudgedError("its downloads carry no ETag")
    answer = target.get(link, headers={"If-None-Match": tag})
    same = answer.content == b"other version"
    expect(
        same, f"by the ETag of the old bytes, an overwritten link is answered {answer.status_code}"
    )


@pytest.mark.clause("overwrite.latest-bytes", "naming.generated")
def test_a_generated_name_can_be_given(target: Target) -> None:
    """A file whose name was generated is replaced by that name, too."""
    folder = target.folder()
    before = accepted(as_stream(target, b"first", {"uploadPath": folder}))
    fields = {"uploadPath": folder, "fileName": before["fileName"]}
    after = accepted(as_stream(target, b"second", fields))
    expect(after["downloadUrl"] == before["downloadUrl"], "the same name has two links")
    eventually(target, after["downloadUrl"], b"second", [b"first"])


@pytest.mark.clause("overwrite.latest-bytes")
@pytest.mark.parametrize("name", ["a b+c.txt", "%41\u00e9.txt", ".a#b?"])
def test_a_strange_name_is_replaced_too(target: Target, name: str) -> None:
    """One file, whatever a link makes of its name."""
    fields = {"uploadPath": target.folder(), "fileName": name}
    before = accepted(as_stream(target, b"first", fields))["downloadUrl"]
    after = accepted(as_base64(target, b"second", fields))["downloadUrl"]
    expect(after == before, f"an overwrite of {name!r} changed its link")
    eventually(target, after, b"second", [b"first"])


@pytest.mark.clause("overwrite.nothing-else")
def test_an_overwrite_touches_nothing_else(target: Target) -> None:
    """Not the same name elsewhere, not another name here, not the folder above or below."""
    folder = target.folder()
    places = [(folder, "a.txt"), (folder, "A.txt"), (folder, "a.txt.bak")]
    places += [(f"{folder}/sub", "a.txt"), (f"{folder}x", "a.txt"), (folder, "a.tx")]
    places += [(f"{folder}/ab", "c.txt"), (f"{folder}/a", "bc.txt")]
    places += [(folder, "sub-a.txt"), (folder, "sub_a.txt"), (f"{folder}/a", "a.txt")]
    places += [(f"{folder}/SUB", "a.txt"), (folder, "a"), (folder, "a.txt "), (folder, "b.txt")]
    links = []
    for number, (path, name) in enumerate(places):
        fields = {"uploadPath": path, "fileName": name}
        links.append(accepted(as_stream(target, b"%d" % number, fields))["downloadUrl"])
    fields = {"uploadPath": folder, "fileName": "a.txt"}
    accepted(as_stream(target, b"new", fields))
    eventually(target, links[0], b"new", [b"0"])
    for number, link in enumerate(links[1:], start=1):
        reads(target, link, b"%d" % number, f"the link of {'/'.join(places[number])[-9:]!r}")


@pytest.mark.clause("concurrency.one-of-them")
@pytest.mark.once
@pytest.mark.parametrize("size", [40, 120_000])
def test_concurrent_uploads_to_one_name(target: Target, size: int) -> None:
    """They end as exactly one of the contents, all of it, with the size of it."""
    fields = {"uploadPath": target.folder(), "fileName": "race.bin"}
    contents = [bytes([number]) * (size + number) for number in range(CONCURRENT)]
    for _ in range(6 if target.plan.full else 1 + (size > KIB)):
        with ThreadPoolExecutor(CONCURRENT) as pool:
            answers = list(pool.map(lambda one: as_stream(target, one, fields), contents))
        told = [accepted(answer) for answer in answers]
        links = {data["downloadUrl"] for data in told}
        expect(len(links) == 1, f"concurrent uploads to one name have {len(links)} links")
        for data, content in zip(told, contents, strict=True):
            sized(data, content)
        found = target.get(links.pop()).content
        said = "were mixed with one another" if len(set(found)) > 1 else "left what nobody uploaded"
        expect(found in contents, f"concurrent uploads to one name {said}")


@pytest.mark.clause("concurrency.one-of-them", "overwrite.latest-bytes")
@pytest.mark.once
def test_a_file_can_be_read_while_it_is_replaced(target: Target) -> None:
    """A reader gets the old bytes or the new ones, all of them; never none, never both."""
    fields = {"uploadPath": target.folder(), "fileName": "read-and-written.bin"}
    contents = [bytes([65 + number]) * 150_000 for number in range(6)]
    link = accepted(as_stream(target, contents[0], fields))["downloadUrl"]

    def look(_: int) -> requests.Response:
        return target.get(link)

    with ThreadPoolExecutor(CONCURRENT) as pool:
        seen = [pool.submit(look, number) for number in range(6)]
        for content in contents[1:]:
            accepted(as_stream(target, content, fields))
            seen += [pool.submit(look, number) for number in range(2)]
    for answer in [one.result() for one in seen]:
        status, got = answer.status_code, f"{len(answer.content):,} bytes that nobody uploaded"
        whole = status == OK and answer.content in contents
        got = got if status == OK else str(status)
        expect(whole, f"a link that was being overwritten was answered {got}")
    eventually(target, link, contents[-1], contents)


@pytest.mark.clause("concurrency.apart", "content.byte-exact")
@pytest.mark.once
def test_concurrent_uploads_to_different_names(target: Target) -> None:
    """Each link leads to its own bytes."""
    folder = target.folder()
    contents = [bytes([65 + number]) * (50_000 + number) for number in range(CONCURRENT)]

    def upload(number: int) -> str:
        fields = {"uploadPath": folder, "fileName": f"{number}.bin"}
        data = accepted(as_stream(target, contents[number], fields))
        expect(data["fileName"] == f"{number}.bin", "concurrent uploads were answered crosswise")
        expect(
            data["fileSize"] == len(contents[number]),
            "concurrent uploads got the size of one another",
        )
        return str(data["downloadUrl"])

    with ThreadPoolExecutor(CONCURRENT) as pool:
        links = list(pool.map(upload, range(len(contents))))
    for link, content in zip(links, contents, strict=True):
        reads(target, link, content, "a link of concurrent uploads")


@pytest.mark.clause("concurrency.apart", "naming.unique")
@pytest.mark.once
def test_concurrent_uploads_without_a_name(target: Target) -> None:
    """Each gets a name of its own."""
    folder, together = target.folder(), Barrier(CONCURRENT)

    def upload(content: bytes) -> str:
        together.wait()
        answer = as_stream(target, content, {"uploadPath": folder})
        return str(accepted(answer)["downloadUrl"])

    contents = [b"%d" % number for number in range(2 * CONCURRENT)]
    with ThreadPoolExecutor(CONCURRENT) as pool:
        # Not `map`: where one fails it gives up the others, and some would wait for them for ever.
        running = [pool.submit(upload, content) for content in contents]
    links = [one.result() for one in running]
    apart = len(set(links)) == len(links)
    expect(apart, "concurrent uploads without a name share a link", "naming.unique")
    for link, content in list(zip(links, contents, strict=True))[::4]:
        reads(target, link, content, "a link of concurrent uploads without a name")
