"""Reading a file back: ranges, conditions, headers, and what dead links say."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.clients import Reply
from tests.visitors import FROZEN, Visitor, path_of
from tests.vocabulary import KIB, content_of, digest

CONTENT = content_of(1_000)
LATER = "Wed, 01 Jan 2025 12:00:01 GMT"
THEN = "Wed, 01 Jan 2025 12:00:00 GMT"
EARLIER = "Wed, 01 Jan 2025 11:59:59 GMT"


@pytest.fixture
def link(visitor: Visitor) -> str:
    """A file of 1,000 bytes, uploaded at a frozen noon."""
    visitor.set_clock(FROZEN.replace(".000", ".900"))
    url: str = visitor.upload("stream", CONTENT, "a", "b.bin")["downloadUrl"]
    return url


def test_a_download_carries_what_caches_and_browsers_need(visitor: Visitor, link: str) -> None:
    got = visitor.get(link)
    assert (got.status, got.body) == (200, CONTENT)
    expected = {
        "content-type": "application/octet-stream",
        "content-length": "1000",
        "cache-control": "public, max-age=86400",
        "accept-ranges": "bytes",
        "last-modified": THEN,
        "date": THEN,
    }
    assert {name: got.headers.get(name) for name in expected} == expected
    assert re.fullmatch(r'"[!#-~]+"', got.headers["etag"])
    assert "access-control-allow-origin" not in got.headers


def test_the_date_is_the_worlds(visitor: Visitor, link: str) -> None:
    visitor.advance(3_600)
    got = visitor.get(link)
    assert got.headers["date"] == "Wed, 01 Jan 2025 13:00:00 GMT"
    assert got.headers["last-modified"] == THEN


@pytest.mark.parametrize(
    "header", [None, "Bearer wrong", "Bearer", "Basic YTpi", "nonsense", "", "Bearer kie-mock-key"]
)
def test_no_key_is_needed_and_none_is_looked_at(
    visitor: Visitor, link: str, header: str | None
) -> None:
    got = visitor.get(link, **({} if header is None else {"authorization": header}))
    assert (got.status, got.body) == (200, CONTENT)
    assert got.headers["date"] == THEN


def test_a_query_does_not_change_a_link(visitor: Visitor, link: str) -> None:
    assert visitor.get(f"{link}?t=1&x").body == CONTENT


def test_head_has_the_headers_of_get_and_no_body(visitor: Visitor, link: str) -> None:
    got = visitor.get(link)
    with visitor.wire() as wire:
        wire.head(f"HEAD {path_of(link)}", {"Range": "bytes=0-1"})
        head = wire.reply("HEAD")
        assert (head.status, dict(head.headers)) == (200, dict(got.headers))
        wire.head(f"HEAD {path_of(link)}x", {"Connection": "close"})
        gone = wire.reply("HEAD")
        assert gone.status == 404
        assert int(gone.headers["content-length"]) > 0
        assert wire.read_to_end() == b""


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-9", 0, 10),
        ("bytes=500-", 500, 1_000),
        ("bytes=999-", 999, 1_000),
        ("bytes=-1", 999, 1_000),
        ("bytes=-1000", 0, 1_000),
        ("bytes=-5000", 0, 1_000),
        ("bytes=0-", 0, 1_000),
        ("bytes=990-5000", 990, 1_000),
        ("bytes=0-999999999999999999999999999", 0, 1_000),
        ("bytes=000-001", 0, 2),
        ("BYTES=0-9", 0, 10),
    ],
)
def test_a_range_is_answered_in_part(
    visitor: Visitor, link: str, asked: str, start: int, stop: int
) -> None:
    got = visitor.get(link, range=asked)
    assert (got.status, got.body) == (206, CONTENT[start:stop])
    assert got.headers["content-range"] == f"bytes {start}-{stop - 1}/1000"
    assert got.headers["content-length"] == str(stop - start)
    assert got.headers["etag"] == visitor.get(link).headers["etag"]


@pytest.mark.parametrize("asked", ["bytes=1000-", "bytes=1000-1001", "bytes=5000-", "bytes=-0"])
def test_a_range_behind_the_end_is_refused_with_the_size(
    visitor: Visitor, link: str, asked: str
) -> None:
    got = visitor.get(link, range=asked)
    assert got.status == 416
    assert got.headers["content-range"] == "bytes */1000"
    assert got.json == {"success": False, "code": 416, "msg": "Range not satisfiable"}
    assert "1,000 bytes" in got.why


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-1,3-4",
        "bytes=0-1, 3-4",
        "bytes=5-4",
        "bytes=59909999999160734577-9999999999999999999",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=1-2-3",
        "bytes=--1",
        "bytes=0x1-2",
        "bytes=1.5-2",
        "bytes=\u0661-\u0662".encode().decode("latin-1"),
        "bytes 0-1",
        "items=0-1",
        "0-1",
    ],
    ids=ascii,
)
def test_a_range_that_is_none_or_several_gets_the_whole(
    visitor: Visitor, link: str, asked: str
) -> None:
    got = ask_raw(visitor, link, f"Range: {asked}")
    assert (got.status, got.body) == (200, CONTENT)
    assert "content-range" not in got.headers


def test_two_range_headers_get_the_whole(visitor: Visitor, link: str) -> None:
    got = ask_raw(visitor, link, "Range: bytes=0-1", "Range: bytes=2-3")
    assert (got.status, got.body) == (200, CONTENT)


@pytest.mark.parametrize("digits", [18, 19, 5_000])
def test_a_range_of_any_number_of_digits_is_a_range(
    visitor: Visitor, link: str, digits: int
) -> None:
    assert visitor.get(link, range=f"bytes=0-{'9' * digits}").status == 206
    assert visitor.get(link, range=f"bytes={'9' * digits}-").status == 416
    assert visitor.get(link, range=f"bytes=-{'9' * digits}").status == 206
    assert visitor.get(link, range=f"bytes={'0' * digits}1-1").body == CONTENT[1:2]


def test_ranges_of_an_empty_file(visitor: Visitor) -> None:
    link = visitor.upload("stream", b"", "a", "empty")["downloadUrl"]
    assert visitor.get(link, range="bytes=0-").status == 416
    assert visitor.get(link, range="bytes=-0").headers["content-range"] == "bytes */0"
    assert (visitor.get(link, range="bytes=-5").status, visitor.get(link).body) == (200, b"")


def modelled(size: int, first: int | None, last: int | None) -> tuple[int, int, int]:
    """`(status, start, stop)` of `bytes=first-last`, by RFC 9110, 14.1.2 to 14.4."""
    wanted = range(size)
    if first is None and last is None:
        return 200, 0, size
    if first is None:
        wanted = wanted[-last:] if last else wanted[:0]
        if last and not size:
            return 200, 0, 0
    elif last is not None and last < first:
        return 200, 0, size
    else:
        wanted = wanted[first : None if last is None else last + 1]
    return (206, wanted.start, wanted.stop) if wanted else (416, 0, 0)


@settings(
    deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    size=st.sampled_from((0, 1, 10, 64 * KIB + 1, 300 * KIB)),
    first=st.none() | st.integers(0, 12) | st.integers(0, 400 * KIB),
    last=st.none() | st.integers(0, 12) | st.integers(0, 400 * KIB),
)
@example(size=10, first=9, last=9)
@example(size=10, first=10, last=None)
def test_any_range_agrees_with_the_model(
    visitor: Visitor, size: int, first: int | None, last: int | None
) -> None:
    link = f"{visitor.downloads}/{visitor.account}/sizes/{size}"
    if f"sizes/{size}" not in visitor.paths():
        visitor.upload("stream", content_of(size), "sizes", str(size))
    low, high = ("" if end is None else str(end) for end in (first, last))
    got = visitor.get(link, range=f"bytes={low}-{high}")
    status, start, stop = modelled(size, first, last)
    assert got.status == status
    if status != 416:
        assert digest(got.body) == digest(content_of(size)[start:stop])
    expected = {206: f"bytes {start}-{stop - 1}/{size}", 416: f"bytes */{size}", 200: None}
    assert got.headers.get("content-range") == expected[status]


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("{etag}", 206),
        ('"other"', 200),
        ("W/{etag}", 200),
        (THEN, 206),
        ("Wednesday, 01-Jan-25 12:00:00 GMT", 206),
        ("Wed Jan  1 12:00:00 2025", 206),
        (LATER, 200),
        (EARLIER, 200),
        ("nonsense", 200),
        ("", 200),
    ],
)
def test_if_range_gets_a_part_of_the_same_version_only(
    visitor: Visitor, link: str, condition: str, status: int
) -> None:
    condition = condition.format(etag=visitor.get(link).headers["etag"])
    got = visitor.get(link, range="bytes=0-9", if_range=condition)
    assert (got.status, len(got.body)) == (status, 10 if status == 206 else 1_000)


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("{etag}", 304),
        ("W/{etag}", 304),
        ('"other", {etag}', 304),
        ('W/"other",W/{etag} , "more"', 304),
        ("*", 304),
        ('"other"', 200),
        ('"a*"', 200),
        ("{etag}x", 304),
        ("nonsense", 200),
        ("", 200),
    ],
)
def test_if_none_match_spares_what_the_client_has(
    visitor: Visitor, link: str, condition: str, status: int
) -> None:
    etag = visitor.get(link).headers["etag"]
    for method in ("GET", "HEAD"):
        got = visitor.ask(method, link, if_none_match=condition.format(etag=etag))
        assert got.status == status
        assert got.headers["etag"] == etag
        assert got.headers["cache-control"] == "public, max-age=86400"
        assert len(got.body) == (1_000 if method == "GET" and status == 200 else 0)


def test_if_none_match_may_come_in_several_headers(visitor: Visitor, link: str) -> None:
    etag = visitor.get(link).headers["etag"]
    got = ask_raw(visitor, link, 'If-None-Match: "other"', f"If-None-Match: {etag}")
    assert got.status == 304


def test_a_304_on_a_connection_is_followed_by_the_next_answer(visitor: Visitor, link: str) -> None:
    with visitor.wire() as wire:
        for _ in range(2):
            wire.head(f"GET {path_of(link)}", {"If-None-Match": "*"})
            assert wire.reply("GET").status == 304
        wire.head(f"GET {path_of(link)}", {})
        assert wire.reply("GET").body == CONTENT


@pytest.mark.parametrize(
    ("since", "status"),
    [
        (THEN, 304),
        (LATER, 304),
        (EARLIER, 200),
        ("Wednesday, 01-Jan-25 12:00:00 GMT", 304),
        ("Wed Jan  1 12:00:00 2025", 304),
        ("nonsense", 200),
        ("Wed, 01 Jan 99999 12:00:00 GMT", 200),
        ("Wed, 01 Jan 2025 12:00:00 +9999999999", 200),
        ("", 200),
    ],
)
def test_if_modified_since_counts_whole_seconds(
    visitor: Visitor, link: str, since: str, status: int
) -> None:
    assert visitor.get(link, if_modified_since=since).status == status


def test_if_none_match_goes_before_if_modified_since(visitor: Visitor, link: str) -> None:
    got = visitor.get(link, if_none_match='"other"', if_modified_since=LATER)
    assert got.status == 200


def test_a_condition_goes_before_a_range(visitor: Visitor, link: str) -> None:
    etag = visitor.get(link).headers["etag"]
    assert visitor.get(link, range="bytes=5000-", if_none_match=etag).status == 304


def test_the_etag_is_of_the_content(visitor: Visitor, link: str) -> None:
    etag = visitor.get(link).headers["etag"]
    same = visitor.upload("base64", CONTENT, "other", "b.bin")["downloadUrl"]
    assert visitor.get(same).headers["etag"] == etag
    visitor.upload("stream", CONTENT[:-1], "a", "b.bin")
    assert visitor.get(link).headers["etag"] != etag


def test_a_large_file_comes_in_pieces(visitor: Visitor) -> None:
    content = content_of(5 * KIB * KIB + 1)
    link = visitor.upload("stream", content)["downloadUrl"]
    with visitor.wire() as wire:
        wire.head(f"GET {path_of(link)}", {})
        head = wire.reply_head()
        assert "transfer-encoding" not in head.headers
        assert digest(wire.read(len(content))) == digest(content)
        wire.head(f"GET {path_of(link)}", {"Range": "bytes=-3"})
        assert wire.reply("GET").body == content[-3:]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_a_link_is_for_reading_only(visitor: Visitor, link: str, method: str) -> None:
    got = visitor.ask(method, link)
    assert got.status == 405
    assert got.json["code"] == 405
    assert set(got.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert visitor.get(link).body == CONTENT


@pytest.mark.parametrize(
    "target", ["/{account}/a/none.bin", "/{account}/a", "/{account}", "/1/a/b.bin", "/a", "/"]
)
def test_an_unknown_link_says_so_in_the_envelope(visitor: Visitor, link: str, target: str) -> None:
    del link
    got = visitor.get(visitor.downloads + target.format(account=visitor.account))
    assert got.status == 404
    assert (got.json["success"], got.json["code"]) == (False, 404)
    assert got.json["msg"]
    assert got.headers["content-type"] == "application/json"
    assert got.why


def test_case_and_form_of_a_link_matter(visitor: Visitor, link: str) -> None:
    assert visitor.get(link.replace("b.bin", "B.bin")).status == 404
    assert visitor.get(link + "/").status == 404
    assert visitor.get(link.replace("/a/b.bin", "/a//b.bin")).status == 404
    assert visitor.get(link.replace("b.bin", "%62.bin")).status == 200


@pytest.mark.parametrize("swept", [False, True])
def test_an_expired_link_says_when(visitor: Visitor, link: str, *, swept: bool) -> None:
    visitor.advance(3 * 86_400 + 7_200)
    if swept:
        visitor.advance(0)  # what expired before a move of the clock goes with it
    got = visitor.get(link)
    assert got.status == 404
    assert got.json == {"success": False, "code": 404, "msg": "File not found or expired"}
    assert got.why == "the file expired 2 h ago, 3 days after its upload; upload it again"
    assert "etag" not in got.headers


def ask_raw(visitor: Visitor, link: str, *headers: str) -> Reply:
    """GET with header lines as they are, several of a name too."""
    head = "\r\n".join([f"GET {path_of(link)} HTTP/1.1", "Host: a", *headers, "", ""])
    with visitor.wire() as wire:
        wire.send(head.encode("latin-1"))
        return wire.reply("GET")
