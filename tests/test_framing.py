"""Heads of requests that can be read in two ways, and answers that have to come in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockkie.framing import MOST_HEAD, why_refused
from tests.clients import Part, multipart
from tests.test_wire import FORM, STREAM, TEXTS
from tests.visitors import Visitor, path_of

HOST = (b"host", b"a.test:80")
CHUNKED = (b"transfer-encoding", b"chunked")


@pytest.mark.parametrize(
    ("url", "version", "headers", "why"),
    [
        (b"/", "2.0", [HOST], "HTTP/2.0 is not spoken"),
        (b"/", "0.9", [], "HTTP/0.9 is not spoken"),
        (b"/", "1.1", [], "0 Host headers"),
        (b"/", "1.1", [HOST, HOST], "2 Host headers"),
        (b"/", "1.0", [HOST, HOST], "2 Host headers"),
        (b"/", "1.1", [(b"host", b"a b")], "no name or address"),
        (b"/", "1.1", [(b"host", b"a@b")], "no name or address"),
        (b"/", "1.1", [(b"host", b"a/b")], "no name or address"),
        (b"/", "1.1", [(b"host", b"[::1]x")], "no name or address"),
        (b"/#a", "1.1", [HOST], "a fragment"),
        (b"http://b.test/", "1.1", [HOST], "of two hosts"),
        (b"http://a.test:81/", "1.1", [HOST], "of two hosts"),
        (b"https://a.test/", "1.1", [HOST], "of two hosts"),
        (b"http://x@a.test/", "1.1", [HOST], "of two hosts"),
        (b"http:///", "1.1", [HOST], "of no host"),
        (b"ftp://a.test/", "1.1", [HOST], "another scheme"),
        (b"/", "1.0", [CHUNKED], "Transfer-Encoding"),
        (b"/", "1.1", [HOST, (b"transfer-encoding", b"gzip, chunked")], "Transfer-Encoding"),
        (b"/", "1.1", [HOST, CHUNKED, CHUNKED], "Transfer-Encoding"),
    ],
)
def test_a_head_with_two_meanings_is_refused(
    url: bytes, version: str, headers: list[tuple[bytes, bytes]], why: str
) -> None:
    assert why in (why_refused(url, version, headers) or "")


@pytest.mark.parametrize(
    ("url", "version", "headers"),
    [
        (b"/", "1.1", [HOST]),
        (b"/", "1.1", [(b"host", b"")]),
        (b"/", "1.1", [(b"host", b"[::1]:80")]),
        (b"/", "1.0", []),
        (b"*", "1.1", [HOST]),
        (b"http://A.test/a?b=http://c", "1.1", [HOST]),
        (b"/a?b=http://c", "1.1", [HOST]),
        (b"/", "1.1", [HOST, (b"transfer-encoding", b"Chunked ")]),
    ],
)
def test_a_head_with_one_meaning_is_not(
    url: bytes, version: str, headers: list[tuple[bytes, bytes]]
) -> None:
    assert why_refused(url, version, headers) is None


@given(st.binary(max_size=20), st.sampled_from(["1.0", "1.1"]), st.binary(max_size=20))
def test_any_head_is_judged(url: bytes, version: str, host: bytes) -> None:
    why = why_refused(url, version, [(b"host", host)])
    assert why is None or len(why.split()) > 4


def form(visitor: Visitor, name: str, *more: str) -> bytes:
    body = multipart({**TEXTS, "fileName": name}, Part(b"x"))
    lines = [f"{STREAM} HTTP/1.1", "Host: a", f"Authorization: Bearer {visitor.key}", *more]
    lines += [f"Content-Type: {FORM['Content-Type']}", f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def test_what_stands_behind_a_chunked_body_is_no_header(guest: Visitor) -> None:
    """A trailer must not open a world, nor close one."""
    body = multipart(TEXTS, Part(b"x"))
    for before, behind, status in (("right", "wrong", 200), ("wrong", "right", 401)):
        keys = {"right": guest.key, "wrong": "nobody"}
        with guest.wire() as wire:
            headers = {"Authorization": f"Bearer {keys[before]}", "Transfer-Encoding": "chunked"}
            trailer = f"0\r\nAuthorization: Bearer {keys[behind]}\r\n\r\n"
            head = [f"{STREAM} HTTP/1.1", "Host: a", *(f"{k}: {v}" for k, v in headers.items())]
            head += [f"Content-Type: {FORM['Content-Type']}", "", ""]
            sent = b"%x\r\n%b\r\n" % (len(body), body)
            wire.send("\r\n".join(head).encode() + sent + trailer.encode())
            assert wire.reply().status == status


@pytest.mark.parametrize("lines", [["a: b"] * 200, ["a: " + "b" * MOST_HEAD]])
def test_a_head_that_is_too_large_is_refused(guest: Visitor, lines: list[str]) -> None:
    with guest.wire() as wire:
        wire.send("\r\n".join(["GET / HTTP/1.1", "Host: a", *lines, "", ""]).encode())
        reply = wire.reply()
    assert (reply.status, "over" in reply.why) == (431, True)


def test_an_endless_trailer_is_refused(guest: Visitor) -> None:
    with guest.wire() as wire:
        wire.head(STREAM, {**guest.auth, **FORM, "Transfer-Encoding": "chunked"})
        body = multipart(TEXTS, Part(b"x"))
        wire.send(b"%x\r\n%b\r\n0\r\nX: " % (len(body), body))
        for _ in range(3 * MOST_HEAD // 1_000):
            wire.send(b"x" * 1_000)
        assert wire.reply().status == 431
        assert wire.read_to_end() == b""
    assert guest.paths() == []


def test_an_endless_head_is_refused(guest: Visitor) -> None:
    with guest.wire() as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        for _ in range(3 * MOST_HEAD // 1_000):
            wire.send(b"x" * 1_000)
        reply = wire.reply()
        assert reply.status == 431
        assert "over" in reply.why
        assert wire.read_to_end() == b""


def test_a_request_is_answered_before_the_nonsense_behind_it(guest: Visitor) -> None:
    with guest.wire() as wire:
        wire.send(form(guest, "1") + form(guest, "2") + b"nonsense\r\n\r\n")
        assert [wire.reply().status for _ in range(3)] == [200, 200, 400]
        assert wire.read_to_end() == b""
    assert guest.paths() == ["a/1", "a/2"]


def test_nonsense_does_not_get_into_the_answer_before_it(guest: Visitor) -> None:
    content = bytes(range(256)) * 40_000
    target = path_of(guest.upload("stream", content, "a", "b.bin")["downloadUrl"])
    with guest.wire() as wire:
        wire.head(f"GET {target}", {})
        wire.reply_head()
        wire.send(b"nonsense\r\n\r\n")
        assert wire.read(len(content)) == content
        assert wire.reply().status == 400
        assert wire.read_to_end() == b""


def test_a_body_that_breaks_behind_its_answer_gets_no_second_one(guest: Visitor) -> None:
    with guest.wire() as wire:
        wire.head("POST /nowhere", {"Transfer-Encoding": "chunked"})
        wire.send(b"1\r\nx\r\n")
        assert wire.reply().status == 404
        wire.send(b"nonsense\r\n")
        assert wire.read_to_end() == b""


def test_a_body_that_breaks_before_it_is_asked_for_is_refused_once(
    guest: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    with guest.wire() as wire:
        headers = {**guest.auth, **FORM, "Transfer-Encoding": "chunked", "Expect": "100-continue"}
        lines = [
            f"{STREAM} HTTP/1.1",
            "Host: a",
            *(f"{key}: {text}" for key, text in headers.items()),
        ]
        wire.send("\r\n".join([*lines, "", "nonsense\r\n"]).encode())
        answer = wire.read_to_end()
    assert answer.count(b"HTTP/1.1 400 ") == 1
    assert b"100 Continue" not in answer
    assert guest.get(f"{guest.origin}/livez").status == 200
    assert caplog.records == []


def test_a_pipelined_body_that_breaks_is_refused_in_its_turn(guest: Visitor) -> None:
    with guest.wire() as wire:
        broken = f"{STREAM} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        wire.send(form(guest, "1") + broken.encode())
        assert [wire.reply().status for _ in range(2)] == [200, 400]
        assert wire.read_to_end() == b""
    assert guest.paths() == ["a/1"]


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_an_offer_to_upgrade_is_passed_over_wherever_it_stands(guest: Visitor, size: int) -> None:
    offers = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
    sent = form(guest, "1") + form(guest, "2", *offers) + form(guest, "3", *offers)
    with guest.wire() as wire:
        for at in range(0, len(sent), size):
            wire.send(sent[at : at + size])
        assert [wire.reply().status for _ in range(3)] == [200] * 3
    assert guest.paths() == ["a/1", "a/2", "a/3"]


def test_a_connect_is_refused_in_the_envelope(guest: Visitor) -> None:
    with guest.wire() as wire:
        wire.send(b"CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        reply = wire.reply()
        assert (reply.status, reply.json["code"]) == (400, 400)
        assert wire.read_to_end() == b""
