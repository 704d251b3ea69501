"""What one client may take up, asked of a real server by plain sockets."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mockkie
from mockkie.bounds import read_ahead
from mockkie.build import build_mock
from mockkie.journal import Entry
from mockkie.kie import Kie
from mockkie.problems import UsageError
from mockkie.server import Server
from tests.serving_processes import served

SILENCE = 0.5
LINE = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"


@contextmanager
def serving(connections: int = 100, silence: float = SILENCE) -> Iterator[Kie]:
    with mockkie.serve(max_connections=connections, client_timeout=silence) as kie:
        yield kie


@contextmanager
def connected(kie: Kie, sent: bytes = b"") -> Iterator[socket.socket]:
    host, _, port = kie.base_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(sent)
        yield connection


def answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """The one answer that comes before the connection ends."""
    said = b""
    while piece := connection.recv(65_536):
        said += piece
    head, _, body = said.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split(" ")[1]), headers, body


def refused(connection: socket.socket, status: int, why: str) -> None:
    known, headers, body = answer(connection)
    assert known == status
    told = json.loads(body)
    assert (told["success"], told["code"]) == (False, status)
    assert why in headers["x-mockkie-why"]
    assert headers["connection"] == "close"


def ask(connection: socket.socket) -> int:
    connection.sendall(LINE + b"\r\n")
    return int(connection.recv(65_536).split(b" ")[1])


@pytest.mark.parametrize("sent", [b"G", LINE, b"POST /api/file-stream-upload HTTP/1.1\r\nA: b"])
def test_a_head_that_does_not_end(sent: bytes) -> None:
    with serving() as kie, connected(kie, sent) as slow:
        refused(slow, 408, "not complete within 0.5 s (--client-timeout)")


def test_a_head_of_a_second_request_that_does_not_end() -> None:
    with serving() as kie, connected(kie) as slow:
        assert ask(slow) == 200
        slow.sendall(LINE)
        refused(slow, 408, "--client-timeout")


def test_a_head_that_comes_slowly_but_never_ends() -> None:
    """One byte now and then is not enough: the whole head has its time."""
    with serving() as kie, connected(kie, b"GET / HTTP/1.1\r\n") as slow:
        slow.settimeout(0.1)
        for _ in range(100):
            try:
                slow.sendall(b"A: b\r\n")
                assert slow.recv(9) == b"HTTP/1.1 "
                break
            except TimeoutError:
                continue
        else:
            pytest.fail("it was heard for ever")


def test_who_asks_nothing_is_let_go_without_a_word() -> None:
    with serving() as kie, connected(kie) as idle:
        assert idle.recv(100) == b""


def test_who_has_asked_may_rest() -> None:
    with serving() as kie, connected(kie) as resting:
        assert ask(resting) == 200
        time.sleep(3 * SILENCE)
        assert ask(resting) == 200


def upload(length: int) -> bytes:
    lines = [
        "POST /api/file-base64-upload HTTP/1.1",
        "Host: localhost",
        "Authorization: Bearer kie-mock-key",
        "Content-Type: application/json",
        f"Content-Length: {length}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def test_a_body_that_does_not_come() -> None:
    with serving() as kie, connected(kie, upload(500) + b'{"uploadPath": "a", ') as slow:
        refused(slow, 408, "nothing came for 0.5 s (--client-timeout)")
        assert [entry.problem for entry in kie.journal] == ["request-timeout"]
        assert not list(kie.files)


def test_a_body_that_comes_slowly() -> None:
    body = b'{"uploadPath": "a", "fileName": "b.txt", "base64Data": "aGFsbG8="}'
    with serving() as kie, connected(kie, upload(len(body))) as slow:
        for at in range(0, len(body), 4):
            time.sleep(SILENCE / 8)
            slow.sendall(body[at : at + 4])
        assert slow.recv(65_536).startswith(b"HTTP/1.1 200")
        assert kie.files.read("a/b.txt") == b"hallo"


def test_an_answer_that_is_under_way_is_not_disturbed_by_what_follows_it() -> None:
    """A second request begins, and does not end, while the first one is answered."""
    with serving() as kie, connected(kie) as both:
        kie.faults.add("latency=PT4S times=1")
        body = b'{"uploadPath": "a", "fileName": "b.txt", "base64Data": "aGFsbG8="}'
        both.sendall(upload(len(body)) + body + LINE)
        status, headers, told = answer(both)
        assert status == 200
        length = int(headers["content-length"])
        assert json.loads(told[:length])["code"] == 200
        assert told[length:].startswith(b"HTTP/1.1 408 ")


def test_who_does_not_read_is_let_go() -> None:
    size = 30_000_000
    with serving() as kie:
        kie.files.seed({"a/large.bin": bytes(size)})
        path = kie.files["a/large.bin"].download_url.removeprefix(kie.download_origin)
        with connected(kie, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()) as lazy:
            [entry] = wait_for_entry(kie)
            assert entry.status == 200
            got = 0
            with suppress(ConnectionResetError):
                while piece := lazy.recv(65_536):
                    got += len(piece)
            assert got < size


def wait_for_entry(kie: Kie) -> list[Entry]:
    """The download in the journal, once it is over."""
    for _ in range(200):
        found = [entry for entry in kie.journal if entry.method == "GET" and entry.seconds]
        if found:
            return found
        time.sleep(0.05)
    pytest.fail("the download is not over")


def test_a_mock_that_is_behind_takes_nobody_for_silent() -> None:
    """It finds what came while it stood still, and its timers, in one turn."""
    body = b'{"uploadPath": "a", "fileName": "b.txt", "base64Data": "aGFsbG8="}'
    begun = threading.Event()

    async def stand_still() -> None:
        begun.set()
        time.sleep(4 * SILENCE)  # noqa: ASYNC251 - which is what it should not do

    server = Server(build_mock(client_timeout=SILENCE))
    server.start()
    host, _, port = server.origin.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as slow:
        slow.sendall(upload(len(body)) + body[:30])
        time.sleep(SILENCE / 4)
        standing = threading.Thread(target=lambda: server.call(stand_still()))
        standing.start()
        begun.wait()
        slow.sendall(body[30:])
        assert slow.recv(65_536).startswith(b"HTTP/1.1 200")
        standing.join()
    server.stop()


def test_silence_for_ever() -> None:
    with serving(silence=0) as kie, connected(kie, LINE) as slow:
        time.sleep(2 * SILENCE)
        slow.sendall(b"\r\n")
        assert slow.recv(65_536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 140_000 + b" HTTP/1.1\r\n\r\n",
        LINE + b"A: " + b"b" * 140_000 + b"\r\n\r\n",
        LINE + b"A: b\r\n" * 40_000 + b"\r\n",
        LINE + b"A: " + b"b" * 3_000_000,
        LINE + b"A" * 3_000_000,
    ],
    ids=["a path", "a header", "many headers", "a header without an end", "a name without an end"],
)
def test_a_head_that_is_too_long(head: bytes) -> None:
    with serving() as kie, connected(kie) as long:
        with suppress(OSError):  # it may be refused before all is sent
            long.sendall(head)
        refused(long, 431, "over 131,072 bytes")
        assert list(kie.journal) == []


def test_a_long_head_and_what_comes_behind_it() -> None:
    with serving() as kie, connected(kie, LINE + b"A: " + b"b" * 120_000 + b"\r\n\r\n") as long:
        assert long.recv(65_536).startswith(b"HTTP/1.1 200")
        long.sendall(LINE + b"A: " + b"b" * 140_000 + b"\r\n\r\n" + LINE + b"\r\n")
        refused(long, 431, "over 131,072 bytes")


def test_too_many_connections() -> None:
    with serving(connections=3) as kie, ExitStack() as stack:
        held = [stack.enter_context(connected(kie)) for _ in range(3)]
        assert [ask(one) for one in held] == [200] * 3
        with connected(kie, LINE + b"\r\n") as more:
            refused(more, 503, "there are 3 connections already (--max-connections)")
        assert [ask(one) for one in held] == [200] * 3
        held[0].close()
        for _ in range(100):
            with connected(kie, LINE + b"Connection: close\r\n\r\n") as again:
                if answer(again)[0] == 200:
                    return
            time.sleep(0.05)
        pytest.fail("there is no room for another one")


@given(st.integers(0, 10_000))
def test_what_is_read_ahead_is_little_for_each_of_many(connections: int) -> None:
    each = read_ahead(connections)
    assert 65_536 <= each <= 1_048_576
    assert each == 65_536 or each * connections <= 67_108_864
    assert each >= read_ahead(connections + 1)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"max_connections": 0}, "--max-connections: 0 is not 1 or more"),
        ({"client_timeout": -1.0}, "--client-timeout: -1.0 is no number of seconds"),
    ],
)
def test_bounds_that_are_none(options: dict[str, float], why: str) -> None:
    with pytest.raises(UsageError, match=why), mockkie.serve(**options):  # type: ignore[arg-type]
        pass


def test_a_server_opens_as_many_files_as_the_system_lets_it(tmp_path: Path) -> None:
    with served(tmp_path / "mock", limit="ulimit -Sn 200;") as facts:
        text = Path(f"/proc/{facts['pid']}/limits").read_text()
        [line] = [line for line in text.splitlines() if line.startswith("Max open files")]
        assert line.split()[3] == line.split()[4] != "200"
