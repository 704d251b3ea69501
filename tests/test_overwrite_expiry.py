"""The same name again, the end of a file's life, and clocks that move."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mockkie.clock import isoformat, parse_instant
from mockkie.server import Server
from tests.clients import Client, Httpx2
from tests.visitors import FROZEN, WAYS, Visitor, path_of, serving, visiting, visitor_of
from tests.vocabulary import KIB, content_of, digest

DAYS_3 = 3 * 86_400
NOON = parse_instant(FROZEN)


def at(milliseconds: int) -> str:
    """The instant that long after the frozen noon."""
    return isoformat(NOON + milliseconds)


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
def test_the_same_name_again_is_the_same_link_to_the_new_bytes(
    visitor: Visitor, first: str, second: str
) -> None:
    other = visitor.upload("stream", b"other", "a", "c.txt")
    old = visitor.upload(first, b"old", "a", "b.txt")
    new = visitor.upload(second, b"new and longer", "a", "b.txt")
    assert new["downloadUrl"] == old["downloadUrl"]
    assert new["fileSize"] == 14
    assert visitor.get(new["downloadUrl"]).body == b"new and longer"
    assert visitor.get(other["downloadUrl"]).body == b"other"


def test_an_overwrite_changes_the_facts_of_the_file(visitor: Visitor) -> None:
    visitor.set_clock()
    visitor.upload("stream", b"old", "a", "b")
    visitor.advance(60)
    data = visitor.upload("stream", b"%PDF-1.7", "a", "b")
    assert data["uploadedAt"] == at(60_000)
    got = visitor.get(data["downloadUrl"])
    assert got.headers["content-type"] == "application/pdf"
    assert got.headers["last-modified"] == "Wed, 01 Jan 2025 12:01:00 GMT"
    assert visitor.paths() == ["a/b"]


def test_names_that_differ_a_little_are_different_files(visitor: Visitor) -> None:
    names = ["b.txt", "B.txt", "b.txt ", " b.txt", "b%2Etxt", "b", "b.txt.txt"]
    links = [visitor.upload("base64", name.encode(), "a", name)["downloadUrl"] for name in names]
    assert [visitor.get(link).body.decode() for link in links] == names


def test_a_refused_upload_leaves_the_old_file(visitor: Visitor) -> None:
    link = visitor.upload("stream", b"old", "a", "b")["downloadUrl"]
    body = {"base64Data": "QUJDRA==QUJD", "uploadPath": "a", "fileName": "b"}
    headers = {**visitor.auth, "Content-Type": "application/json"}
    url = f"{visitor.origin}/api/file-base64-upload"
    reply = visitor.client.fetch("POST", url, headers=headers, body=json.dumps(body).encode())
    assert reply.status == 400
    assert visitor.get(link).body == b"old"


def test_a_download_in_flight_ends_with_the_bytes_it_began_with(visitor: Visitor) -> None:
    old, new = content_of(24 * KIB * KIB), content_of(24 * KIB * KIB + 1)
    link = visitor.upload("stream", old, "a", "b")["downloadUrl"]
    with visitor.wire() as slow:
        slow.head(f"GET {path_of(link)}", {})
        assert slow.reply_head().headers["content-length"] == str(len(old))
        start = slow.read(1_000)
        visitor.upload("stream", new, "a", "b")
        assert digest(start + slow.read(len(old) - 1_000)) == digest(old)
        slow.head(f"GET {path_of(link)}", {})
        assert digest(slow.reply("GET").body) == digest(new)


def test_a_download_in_flight_outlives_its_file(visitor: Visitor) -> None:
    content = content_of(24 * KIB * KIB)
    link = visitor.upload("stream", content, "a", "b")["downloadUrl"]
    with visitor.wire() as slow:
        slow.head(f"GET {path_of(link)}", {})
        slow.reply_head()
        visitor.advance(DAYS_3)
        visitor.advance(0)
        assert visitor.get(link).status == 404
        assert digest(slow.read(len(content))) == digest(content)


@pytest.fixture(scope="module")
def crowd() -> Iterator[list[Client]]:
    clients: list[Client] = [Httpx2() for _ in range(8)]
    yield clients
    for client in clients:
        client.close()


def test_of_concurrent_uploads_to_a_name_exactly_one_remains(
    visitor: Visitor, crowd: list[Client]
) -> None:
    contents = [bytes([number]) * (100_000 + number) for number in range(8)]
    for way in ("stream", "base64"):
        with ThreadPoolExecutor(len(crowd)) as pool:
            sent = [
                pool.submit(visitor.post, way, content, "a", "b", client=client)
                for content, client in zip(contents, crowd, strict=True)
            ]
            links = {future.result().json["data"]["downloadUrl"] for future in sent}
        assert len(links) == 1
        assert digest(visitor.get(links.pop()).body) in map(digest, contents)
        assert visitor.paths() == ["a/b"]


def test_concurrent_uploads_to_many_names_all_remain(visitor: Visitor, crowd: list[Client]) -> None:
    def upload(number: int) -> dict[str, object]:
        client = crowd[number % len(crowd)]
        return visitor.upload("stream", b"%d" % number, "a", f"{number}", client=client)

    with ThreadPoolExecutor(len(crowd)) as pool:
        done = list(pool.map(upload, range(64)))
    assert [visitor.get(str(data["downloadUrl"])).body for data in done] == [
        b"%d" % number for number in range(64)
    ]


@pytest.mark.parametrize(
    ("milliseconds", "status"),
    [(0, 200), (DAYS_3 * 1_000 - 1, 200), (DAYS_3 * 1_000, 404), (DAYS_3 * 1_000 + 1, 404)],
)
@pytest.mark.parametrize("way", WAYS)
def test_a_file_lives_three_days_to_the_millisecond(
    visitor: Visitor, way: str, milliseconds: int, status: int
) -> None:
    visitor.set_clock()
    link = visitor.upload(way, b"x", "a", "b")["downloadUrl"]
    visitor.set_clock(at(milliseconds))
    assert visitor.get(link).status == visitor.ask("HEAD", link).status == status
    assert visitor.get(link, if_none_match="*").status == (304 if status == 200 else 404)
    assert visitor.get(link, range="bytes=0-0").status == (206 if status == 200 else 404)
    assert ("a/b" in visitor.paths()) == (status == 200)


def test_reading_does_not_prolong_a_life(visitor: Visitor) -> None:
    visitor.set_clock()
    link = visitor.upload("stream", b"x")["downloadUrl"]
    for _ in range(3):
        visitor.advance(86_399)
        assert visitor.get(link).status == 200
    visitor.advance(3)
    assert visitor.get(link).status == 404


def test_an_overwrite_begins_a_new_life(visitor: Visitor) -> None:
    visitor.set_clock()
    link = visitor.upload("stream", b"old", "a", "b")["downloadUrl"]
    visitor.advance(DAYS_3 - 1)
    visitor.upload("stream", b"new", "a", "b")
    visitor.advance(DAYS_3 - 1)
    assert visitor.get(link).body == b"new"
    visitor.advance(1)
    assert visitor.get(link).status == 404


def test_an_overwrite_with_an_earlier_end_counts(visitor: Visitor) -> None:
    visitor.set_clock(at(86_400_000))
    link = visitor.upload("stream", b"old", "a", "b")["downloadUrl"]
    visitor.set_clock()
    visitor.upload("stream", b"new", "a", "b")
    visitor.advance(DAYS_3)
    assert visitor.get(link).status == 404


def test_a_name_is_free_again_after_the_end(visitor: Visitor) -> None:
    visitor.set_clock()
    link = visitor.upload("stream", b"old", "a", "b")["downloadUrl"]
    visitor.advance(DAYS_3)
    assert visitor.upload("stream", b"new", "a", "b")["downloadUrl"] == link
    assert visitor.get(link).body == b"new"
    visitor.advance(DAYS_3 - 1)
    assert visitor.get(link).status == 200


def test_one_files_end_is_no_other_files(visitor: Visitor) -> None:
    visitor.set_clock()
    first = visitor.upload("stream", b"1", "a", "1")["downloadUrl"]
    visitor.advance(1)
    second = visitor.upload("stream", b"2", "a", "2")["downloadUrl"]
    visitor.advance(DAYS_3 - 1)
    assert (visitor.get(first).status, visitor.get(second).status) == (404, 200)
    assert visitor.paths() == ["a/2"]


def test_an_expired_link_is_no_source_of_an_upload(visitor: Visitor) -> None:
    visitor.set_clock()
    link = visitor.upload("stream", b"x")["downloadUrl"]
    visitor.advance(DAYS_3)
    body = json.dumps({"fileUrl": link, "uploadPath": "a"}).encode()
    headers = {**visitor.auth, "Content-Type": "application/json"}
    url = f"{visitor.origin}/api/file-url-upload"
    reply = visitor.client.fetch("POST", url, headers=headers, body=body)
    assert reply.status == 400
    assert "expired" in reply.why
    assert visitor.paths() == []


@pytest.mark.parametrize("looked", [False, True])
def test_a_clock_that_is_set_back_does_not_bring_a_file_back(
    visitor: Visitor, *, looked: bool
) -> None:
    visitor.set_clock()
    link = visitor.upload("stream", b"x")["downloadUrl"]
    visitor.advance(DAYS_3)
    if looked:
        assert visitor.get(link).status == 404
    visitor.set_clock()
    assert visitor.get(link).status == 404
    visitor.control("DELETE", "/clock")
    assert visitor.get(link).status == 404
    assert visitor.paths() == []


def test_a_file_is_gone_at_its_end_though_nobody_has_swept_it(http: Client, tmp_path: Path) -> None:
    for data in ("memory:", tmp_path / "data"):
        with serving(data=data, retention="PT0S") as server:
            visitor = visitor_of(server, http)
            link = visitor.upload("stream", b"x")["downloadUrl"]
            assert visitor.get(link).status == 404
            assert visitor.paths() == []
            visitor.set_clock("2000-01-01T00:00:00Z")
            assert visitor.get(link).status == 404
            assert visitor.paths() == []


def test_a_clock_that_is_set_back_in_time_keeps_a_living_file(visitor: Visitor) -> None:
    visitor.set_clock()
    link = visitor.upload("stream", b"x")["downloadUrl"]
    visitor.advance(DAYS_3 - 1)
    visitor.set_clock("2000-01-01T00:00:00Z")
    assert visitor.get(link).status == 200


def test_each_world_has_its_own_time(server: Server, http: Client) -> None:
    with visiting(server, http) as ours, visiting(server, http) as theirs:
        for world in (ours, theirs):
            world.set_clock()
        our, their = (world.upload("stream", b"x")["downloadUrl"] for world in (ours, theirs))
        ours.advance(DAYS_3)
        assert (ours.get(our).status, ours.get(their).status) == (404, 200)
        assert theirs.control("GET", "/clock").json["now"] == FROZEN


def test_many_files_end_together(visitor: Visitor) -> None:
    visitor.set_clock()
    links = [visitor.upload("base64", b"x", "a", str(n))["downloadUrl"] for n in range(40)]
    visitor.advance(DAYS_3)
    assert {visitor.get(link).status for link in links} == {404}
    assert visitor.paths() == []


@pytest.mark.parametrize(("retention", "seconds"), [("PT24H", 86_400), ("PT1S", 1), ("PT0S", 0)])
def test_the_length_of_a_life_is_a_setting(http: Client, retention: str, seconds: int) -> None:
    with serving(retention=retention) as server:
        visitor = visitor_of(server, http)
        visitor.set_clock()
        link = visitor.upload("stream", b"x")["downloadUrl"]
        if seconds:
            visitor.set_clock(at(seconds * 1_000 - 1))
            assert visitor.get(link).status == 200
        visitor.set_clock(at(seconds * 1_000))
        assert visitor.get(link).status == 404
