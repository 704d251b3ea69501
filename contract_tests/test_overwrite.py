"""The same path and name again: one file, its link, its latest bytes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest

from mockkie.harness.target import Target

from .calls import ROUTES, THREE, accepted, as_stream, eventually, expect, instant, reads

FIRST: Final = b"the first one, which is the longer one of the two"
CONCURRENT: Final = 8


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
    size = len(b"another")
    expect(
        after["fileSize"] == size, f"fileSize is {after['fileSize']} after an overwrite by {size}"
    )
    eventually(target, after["downloadUrl"], b"another", [FIRST])
    earlier, later = instant(before["uploadedAt"]), instant(after["uploadedAt"])
    expect(later >= earlier, "an overwrite is dated before the upload that it replaces")


@pytest.mark.clause("overwrite.latest-bytes")
@pytest.mark.parametrize("size", [5, 1_000, 300_000])
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
    contents = [b"abc", b"a" * 70_000, b"", b"abc", b"z" * 100, b"\r\n"]
    link = ""
    for content in contents:
        link = accepted(as_stream(target, content, fields))["downloadUrl"]
    eventually(target, link, contents[-1], contents)


@pytest.mark.clause("overwrite.nothing-else")
def test_an_overwrite_touches_nothing_else(target: Target) -> None:
    """Not the same name elsewhere, not another name here, not the folder above or below."""
    folder = target.folder()
    places = [(folder, "a.txt"), (folder, "A.txt"), (folder, "a.txt.bak"), (f"{folder}/a.txt", "a")]
    places += [(f"{folder}/sub", "a.txt"), (f"{folder}x", "a.txt"), (folder, "a.tx")]
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
    for _ in range(4 if target.plan.full else 2):
        with ThreadPoolExecutor(CONCURRENT) as pool:
            answers = list(pool.map(lambda one: as_stream(target, one, fields), contents))
        links = {accepted(answer)["downloadUrl"] for answer in answers}
        expect(len(links) == 1, f"concurrent uploads to one name have {len(links)} links")
        found = target.get(links.pop()).content
        mixed = len(set(found)) != 1
        expect(not mixed, "concurrent uploads to one name were mixed with one another")
        expect(found in contents, "concurrent uploads to one name left bytes that nobody uploaded")


@pytest.mark.clause("concurrency.apart", "content.byte-exact")
@pytest.mark.once
def test_concurrent_uploads_to_different_names(target: Target) -> None:
    """Each link leads to its own bytes."""
    folder = target.folder()
    contents = [bytes([65 + number]) * (50_000 + number) for number in range(2 * CONCURRENT)]

    def upload(number: int) -> str:
        fields = {"uploadPath": folder, "fileName": f"{number}.bin"}
        data = accepted(as_stream(target, contents[number], fields))
        expect(data["fileName"] == f"{number}.bin", "concurrent uploads were answered crosswise")
        size = len(contents[number])
        expect(data["fileSize"] == size, "concurrent uploads got the size of one another")
        return str(data["downloadUrl"])

    with ThreadPoolExecutor(CONCURRENT) as pool:
        links = list(pool.map(upload, range(len(contents))))
    for link, content in zip(links, contents, strict=True):
        reads(target, link, content, "a link of concurrent uploads")


@pytest.mark.clause("concurrency.apart", "naming.unique")
@pytest.mark.once
def test_concurrent_uploads_without_a_name(target: Target) -> None:
    """Each gets a name of its own."""
    folder = target.folder()
    contents = [b"%d" % number for number in range(2 * CONCURRENT)]
    with ThreadPoolExecutor(CONCURRENT) as pool:
        answers = list(
            pool.map(lambda one: as_stream(target, one, {"uploadPath": folder}), contents)
        )
    links = [accepted(answer)["downloadUrl"] for answer in answers]
    expect(len(set(links)) == len(links), "concurrent uploads without a name share a link")
    for link, content in zip(links, contents, strict=True):
        reads(target, link, content, "a link of concurrent uploads without a name")
