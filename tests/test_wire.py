"""Requests as no library sends them, over a bare socket."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.clients import Client, Part, Wire, multipart
from tests.visitors import ROUTES, Visitor, path_of, serving, visitor_of
from tests.vocabulary import KIB, content_of, digest

STREAM = f"POST {ROUTES['stream']}"
FORM = {"Content-Type": "multipart/form-data; boundary=frontier"}
TEXTS = {"uploadPath": "a", "fileName": "b.bin"}


def link(visitor: Visitor, path: str = "a/b.bin") -> str:
    return f"{visitor.downloads}/{visitor.account}/{path}"


def chunked(body: bytes, size: int) -> bytes:
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    return (
        b"".join(b"%x;a=b\r\n%b\r\n" % (len(c), c) for c in chunks) + b"0\r\nX-Trailer: a\r\n\r\n"
    )


def send_form(visitor: Visitor, wire: Wire, body: bytes, version: str = "1.1", **more: str) -> None:
    headers = {**visitor.auth, **FORM, "Content-Length": str(len(body)), **more}
    wire.head(STREAM, headers, version)
    wire.send(body)


@pytest.mark.parametrize("size", [1, 7, 64 * KIB, 256 * KIB + 1])
def test_a_chunked_upload_is_an_upload(visitor: Visitor, size: int) -> None:
    content = content_of(300 * KIB if size > 7 else 2_000)
    with visitor.wire() as wire:
        wire.head(STREAM, {**visitor.auth, **FORM, "Transfer-Encoding": "chunked"})
        wire.send(chunked(multipart(TEXTS, Part(content)), size))
        assert wire.reply().status == 200
    assert digest(visitor.get(link(visitor)).body) == digest(content)


@pytest.mark.parametrize("way", ["stream", "base64"])
def test_one_byte_at_a_time_is_an_upload(visitor: Visitor, way: str) -> None:
    body = (
        multipart(TEXTS, Part(b"\r\n--frontie\r\n"))
        if way == "stream"
        else b'{"fileName": "b.bin", "base64Data": "DQotLWZyb250aWUNCg==", "uploadPath": "a"}'
    )
    kind = FORM if way == "stream" else {"Content-Type": "application/json"}
    with visitor.wire() as wire:
        wire.head(f"POST {ROUTES[way]}", {**visitor.auth, **kind, "Content-Length": str(len(body))})
        wire.send(*(bytes([byte]) for byte in body))
        assert wire.reply().status == 200
    assert visitor.get(link(visitor)).body == b"\r\n--frontie\r\n"


def test_pipelined_requests_are_answered_in_order(guest: Visitor) -> None:
    target = path_of(guest.upload("stream", b"0123456789", "a", "b")["downloadUrl"])
    with guest.wire() as wire:
        for index in range(20):
            wire.head(f"GET {target}", {"Range": f"bytes={index % 10}-{index % 10}"})
        body = multipart(TEXTS, Part(b"new"))
        send_form(guest, wire, body)
        wire.head(f"GET {path_of(link(guest))}", {})
        bodies = [wire.reply("GET").body for _ in range(20)]
        assert bodies == [b"%d" % (index % 10) for index in range(20)]
        assert wire.reply().status == 200
        assert wire.reply("GET").body == b"new"


def test_a_connection_serves_on_after_a_refusal(guest: Visitor) -> None:
    with guest.wire() as wire:
        send_form(guest, wire, multipart(TEXTS, Part(bytes(100_000))), Authorization="Bearer no")
        assert wire.reply().status == 401
        send_form(guest, wire, multipart({}, Part(b"x")))
        assert wire.reply().status == 400
        send_form(guest, wire, multipart(TEXTS, Part(b"x")))
        assert wire.reply().status == 200


def test_http_1_0_without_host_uploads_and_reads(guest: Visitor) -> None:
    body = multipart(TEXTS, Part(b"x"))
    lines = [f"{STREAM} HTTP/1.0", f"Authorization: Bearer {guest.key}"]
    lines += [f"Content-Type: {FORM['Content-Type']}", f"Content-Length: {len(body)}", "", ""]
    with guest.wire() as wire:
        wire.send("\r\n".join(lines).encode(), body)
        reply = wire.reply()
        assert reply.status == 200
        assert reply.headers["connection"] == "close"
        assert wire.read_to_end() == b""
    assert reply.json["data"]["downloadUrl"] == link(guest)
    with guest.wire() as wire:
        wire.send(f"GET {path_of(link(guest))} HTTP/1.0\r\n\r\n".encode())
        assert wire.read_to_end().endswith(b"\r\n\r\nx")


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nBad Header: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnot hex\r\n",
    ],
    ids=ascii,
)
def test_what_is_no_http_is_refused_in_the_envelope(guest: Visitor, sent: bytes) -> None:
    with guest.wire() as wire:
        wire.send(sent)
        replies = [wire.reply()]
        while replies[-1].status != 400:
            replies.append(wire.reply())
    assert replies[-1].json["code"] == 400
    assert replies[-1].json["success"] is False
    assert replies[-1].json["msg"]
    assert replies[-1].headers["content-type"] == "application/json"
    assert replies[-1].why
    assert guest.get(f"{guest.origin}/livez").status == 200


def test_a_broken_chunk_aborts_an_upload(visitor: Visitor) -> None:
    with visitor.wire() as wire:
        wire.head(STREAM, {**visitor.auth, **FORM, "Transfer-Encoding": "chunked"})
        wire.send(chunked(multipart(TEXTS, Part(b"x")), 10).partition(b"0\r\n")[0], b"zz\r\n")
        assert wire.reply().status == 400
        wire.read_to_end()
    assert visitor.paths() == []


def test_the_absolute_form_of_a_target_is_understood(guest: Visitor) -> None:
    content = guest.upload("stream", b"x", "a", "b.bin")
    with guest.wire() as wire:
        wire.head(f"GET {content['downloadUrl']}", {})
        assert wire.reply("GET").body == b"x"


@pytest.mark.parametrize(("length", "status"), [(10_000, 404), (60_000, 404), (200_000, 431)])
def test_a_very_long_path_is_answered_in_the_envelope(
    guest: Visitor, length: int, status: int
) -> None:
    with guest.wire() as wire:
        wire.head(f"GET /{guest.account}/{'a' * length}", {})
        reply = wire.reply("GET")
    assert (reply.status, reply.json["code"]) == (status, status)
    assert len(reply.why) <= 1_000


def test_a_long_name_makes_a_long_link_that_works(guest: Visitor) -> None:
    name, path = "\U0001f600" * 255, "/".join(["\U0001f600" * 255] * 4)
    link = guest.upload("base64", b"x", path, name)["downloadUrl"]
    assert len(link) > 15_000
    with guest.wire() as wire:
        wire.head(f"GET {path_of(link)}", {})
        assert wire.reply("GET").body == b"x"


@pytest.mark.parametrize("target", [b"/%ff%fe", b"/%C3", b"//", b"/%00", b"/a%0d%0ab", b"/../x"])
def test_strange_paths_are_answered_in_the_envelope(guest: Visitor, target: bytes) -> None:
    with guest.wire() as wire:
        wire.send(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        reply = wire.reply("GET")
    assert (reply.status, reply.json["code"]) == (404, 404)


def test_bytes_that_are_not_ascii_in_a_target_are_refused_in_the_envelope(guest: Visitor) -> None:
    with guest.wire() as wire:
        wire.send(b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n")
        reply = wire.reply("GET")
    assert reply.status in (400, 404)
    assert reply.json["code"] == reply.status


@pytest.mark.parametrize("way", ["stream", "base64"])
def test_a_client_that_hangs_up_leaves_nothing_but_a_line_in_the_journal(
    visitor: Visitor, way: str
) -> None:
    kind = FORM if way == "stream" else {"Content-Type": "application/json"}
    start = multipart(TEXTS, Part(bytes(200_000)))[:150_000]
    if way == "base64":
        start = b'{"uploadPath": "a", "fileName": "b.bin", "base64Data": "' + b"A" * 150_000
    with visitor.wire() as wire:
        wire.head(f"POST {ROUTES[way]}", {**visitor.auth, **kind, "Content-Length": "1000000"})
        wire.send(start)
    entry = aborted(visitor)
    assert entry["status"] is None
    assert entry["received"] <= len(start)
    assert "hung up" in entry["why"]
    assert visitor.paths() == []


def aborted(visitor: Visitor) -> dict[str, Any]:
    """The last journal entry, as soon as it is one of an abort."""
    for _ in range(10_000):
        entries = visitor.journal()
        if entries and entries[-1]["decision"] == "aborted":
            return entries[-1]
    raise AssertionError(visitor.journal())


def test_what_the_client_hangs_up_on_is_not_kept_in_place_of_the_old(visitor: Visitor) -> None:
    visitor.upload("stream", b"old", "a", "b.bin")
    with visitor.wire() as wire:
        wire.head(STREAM, {**visitor.auth, **FORM, "Content-Length": "1000000"})
        wire.send(multipart(TEXTS, Part(bytes(200_000)))[:150_000])
    aborted(visitor)
    assert visitor.get(link(visitor)).body == b"old"


@pytest.mark.parametrize("data", ["memory", "disk"])
def test_a_stop_lets_an_upload_in_flight_finish(
    http: Client, data: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("stop") / "data"
    body = multipart(TEXTS, Part(content_of(100_000)))
    with serving(data="memory:" if data == "memory" else folder) as server:
        visitor = visitor_of(server, http)
        with visitor.wire() as wire:
            length = {"Content-Length": str(len(body)), "Expect": "100-continue"}
            wire.head(STREAM, {**visitor.auth, **FORM, **length})
            assert wire.reply_head().status == 100
            wire.send(body[:50_000])
            stopping = threading.Thread(target=server.stop)
            stopping.start()
            wait_until_refused(visitor.origin)
            wire.send(body[50_000:])
            reply = wire.reply()
            stopping.join()
    assert reply.status == 200
    assert reply.json["data"]["fileSize"] == 100_000


def wait_until_refused(origin: str) -> None:
    for _ in range(100_000):
        try:
            Wire(origin).close()
        except ConnectionRefusedError:
            return
        except ConnectionResetError:  # was in the queue when the end came
            continue
    raise AssertionError(f"{urlsplit(origin).netloc} takes connections still")


def test_a_stalled_reader_does_not_keep_others_waiting(guest: Visitor) -> None:
    content = content_of(24 * KIB * KIB)  # more than the system's buffers take
    link = guest.upload("stream", content, "a", "b.bin")["downloadUrl"]
    with guest.wire() as slow:
        slow.head(f"GET {path_of(link)}", {})
        head = slow.reply_head()
        assert head.status == 200
        assert guest.upload("stream", b"x")["fileSize"] == 1
        assert digest(slow.read(len(content))) == digest(content)


def test_a_download_ends_with_its_reader(visitor: Visitor) -> None:
    content = content_of(24 * KIB * KIB)
    link = visitor.upload("stream", content, "a", "b.bin")["downloadUrl"]
    with visitor.wire() as gone:
        gone.head(f"GET {path_of(link)}", {})
        assert gone.reply_head().status == 200
    for _ in range(10_000):
        sent = visitor.journal()[-1]["sent"]
        if sent:
            break
    assert 0 < sent < len(content)


def test_an_offer_of_http_2_is_ignored(guest: Visitor) -> None:
    body = multipart(TEXTS, Part(b"x"))
    offer = {
        "Connection": "Upgrade, HTTP2-Settings",
        "Upgrade": "h2c",
        "HTTP2-Settings": "AAMAAABk",
    }
    with guest.wire() as wire:
        send_form(guest, wire, body, **offer)
        assert wire.reply().status == 200
        wire.head(f"GET {path_of(link(guest))}", offer)
        assert wire.reply("GET").body == b"x"


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "OPTIONS"])
def test_a_body_that_nobody_wants_does_not_cost_the_answer(guest: Visitor, method: str) -> None:
    with guest.wire() as wire:
        headers = {"Content-Length": str(20 * KIB * KIB), "Connection": "close"}
        wire.head(f"{method} /nowhere", headers)
        for _ in range(20):
            wire.send(bytes(KIB * KIB))
        reply = wire.reply(method)
        assert reply.status == 404
        assert wire.read_to_end() == b""
