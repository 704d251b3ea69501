"""A violation's shell lines send, by the real curl, what the suite sent."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from mockkie.harness.curl import curl_lines
from mockkie.harness.sent import body_of, counted, parts_of
from mockkie.harness.session import Exchange

KEY = "the key of $nobody"
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}
LARGE = {
    "same": b"a" * 300_000,
    "numbers": counted(1_000_003),
    "noise": os.urandom(20_000),
}


class Sink(ThreadingHTTPServer):
    """Keeps the last request."""

    last: requests.PreparedRequest


class Handler(BaseHTTPRequestHandler):
    server: Sink

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        request = requests.Request(self.command, f"http://sink{self.path}", dict(self.headers))
        self.server.last = request.prepare()
        self.server.last.body = body
        self.send_response(200)
        self.end_headers()

    do_GET = do_HEAD = do_PUT = do_POST = answer  # noqa: N815 - http.server's names

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    server = Sink(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def replayed(sink: Sink, **request: Any) -> tuple[requests.PreparedRequest, str]:
    """What curl sends of a request, and its line."""
    url = f"http://127.0.0.1:{sink.server_port}/a%20b"
    headers = {**AUTHORIZED, **request.pop("headers", {})}
    prepared = requests.Request(request.pop("method", "POST"), url, headers, **request).prepare()
    (line,) = curl_lines([Exchange(prepared, 200)], KEY)
    assert KEY not in line
    environment = {**os.environ, "KIE_API_KEY": KEY}
    subprocess.run(["bash", "-c", line], check=True, env=environment, capture_output=True)  # noqa: S607 - a shell
    sent = sink.last
    assert (sent.method, sent.path_url) == (prepared.method, "/a%20b")
    assert sent.headers["Authorization"] == AUTHORIZED["Authorization"]
    return sent, line


@pytest.mark.parametrize("content", [b"", b"-n 'a' %d \\ $x `y`", bytes(range(256))])
@pytest.mark.parametrize("name", ["plain.txt", "two words.bin"])
def test_a_form_is_spelled_by_curl(sink: Sink, name: str, content: bytes) -> None:
    data = {"uploadPath": "a/b 'c' @d <e ;f", "fileName": '"n".txt'}
    sent, line = replayed(sink, files={"file": (name, content)}, data=data)
    assert " -F " in line
    found = {part.name: (part.filename, part.content) for part in parts_of(sent)}
    assert found == {
        "uploadPath": (None, data["uploadPath"].encode()),
        "fileName": (None, data["fileName"].encode()),
        "file": (name, content),
    }


@pytest.mark.parametrize("kind", ["same", "numbers"])
def test_a_large_body_is_packed(sink: Sink, kind: str) -> None:
    sent, line = replayed(sink, files={"file": ("large.bin", LARGE[kind])})
    assert len(line) < 5_000
    assert [part.content for part in parts_of(sent)] == [LARGE[kind]]


def test_what_cannot_be_packed_is_said_to_be_a_file() -> None:
    request = requests.Request("POST", "http://a.test/", files={"file": ("n", LARGE["noise"])})
    (line,) = curl_lines([Exchange(request.prepare(), None)], KEY)
    assert line.startswith("cat body.bin | curl -i")
    assert line.endswith("# no answer")


def test_an_unusual_form_is_sent_byte_by_byte(sink: Sink) -> None:
    body = (
        b'--b\r\ncontent-disposition: form-data; name=file; filename="\xc3\xa9"\r\n\r\nx\0\r\n--b--'
    )
    headers = {"Content-Type": 'multipart/form-data; boundary="b"'}
    sent, _ = replayed(sink, data=body, headers=headers)
    assert sent.body == body
    assert sent.headers["Content-Type"] == headers["Content-Type"]


@pytest.mark.parametrize(
    "value", [{"a": "it's"}, {"a": "\u00fc\U0001f600"}, {"a": "x" * 9_000}, ["$HOME", "\n"]]
)
def test_json_is_sent_as_it_is(sink: Sink, value: Any) -> None:
    sent, _ = replayed(sink, json=value)
    assert json.loads(body_of(sent)) == value
    assert sent.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_other_methods(sink: Sink, method: str) -> None:
    replayed(sink, method=method, headers={"Range": "bytes=0-1"})
    assert sink.last.headers["Range"] == "bytes=0-1"
