"""Many files, many reads: what was kept stays, and what is good is accepted each time."""

from __future__ import annotations

from typing import Final

import pytest

from mockkie.harness.plan import Plan
from mockkie.harness.target import Target

from .calls import Fields, accepted, as_base64, as_stream, eventually, expect, reads

FULL: Final = Plan.of_environment().full
MANY: Final = 300 if FULL else 30
READS: Final = 40 if FULL else 10


def content_of(number: int) -> bytes:
    """Contents of their own, of one length each ten."""
    return b"%d" % number


@pytest.fixture(scope="session")
def first(target: Target) -> str:
    """The link of the file that is uploaded before all others of a run."""
    fields = {"uploadPath": target.folder(), "fileName": "first.txt"}
    return str(accepted(as_stream(target, b"the first of all", fields))["downloadUrl"])


@pytest.mark.clause("stability.many")
@pytest.mark.layer("first")
def test_the_first_file_is_there(target: Target, first: str) -> None:
    """When it is the only one."""
    reads(target, first, b"the first of all")


@pytest.mark.clause("stability.many")
@pytest.mark.layer("late")
def test_the_first_file_is_still_there(target: Target, first: str) -> None:
    """After the hundreds of others of a run."""
    reads(target, first, b"the first of all", "the link of the first file of all")


@pytest.mark.clause("stability.many", "naming.unique")
def test_many_files_in_one_folder_stay(target: Target) -> None:
    """With and without names: each has a link, and leads to its bytes after all the others."""
    folder, links = target.folder(), []
    for number in range(MANY):
        fields: Fields = {"uploadPath": folder}
        if number % 3:
            fields = {**fields, "fileName": f"{number}.txt"}
        route = as_base64 if number % 5 == 0 else as_stream
        links.append(accepted(route(target, content_of(number), fields))["downloadUrl"])
    few = len(set(links))
    expect(few == MANY, f"{MANY} files in one folder have {few} links", "naming.unique")
    for number, link in enumerate(links):
        reads(target, link, content_of(number), f"the link of file {number} of {MANY} in a folder")


@pytest.mark.clause("content.stays", "stability.many")
def test_a_file_is_read_many_times(target: Target) -> None:
    """The last time as the first."""
    content = b"again and again " * 5_000
    fields = {"uploadPath": target.folder(), "fileName": "read.bin"}
    link = accepted(as_stream(target, content, fields))["downloadUrl"]
    for number in range(1, READS + 1):
        reads(target, link, content, f"a link that is read for the {number}. time")


@pytest.mark.clause("stability.many", "content.byte-exact")
def test_large_files_stay_beside_one_another(target: Target) -> None:
    """None of them makes room for another."""
    folder, size = target.folder(), 1_500_000
    contents = [bytes([65 + number]) * (size + number) for number in range(3)]
    links = [
        accepted(as_stream(target, content, {"uploadPath": folder, "fileName": f"{at}.bin"}))
        for at, content in enumerate(contents)
    ]
    for data, content in zip(links, contents, strict=True):
        reads(target, data["downloadUrl"], content, "the link of one of several large files")


@pytest.mark.clause("overwrite.latest-bytes", "stability.many")
def test_a_name_is_used_again_and_again(target: Target) -> None:
    """Each upload counts, not only the first ones."""
    fields = {"uploadPath": target.folder(), "fileName": "again.txt"}
    old: list[bytes] = []
    for number in range(READS + 1):
        link = accepted(as_stream(target, content_of(number), fields))["downloadUrl"]
        old.append(content_of(number))
        if number % 5 == 0 or number == READS:
            eventually(target, link, old[-1], old[:-1])
