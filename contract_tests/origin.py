"""Somewhere on this machine that files can be fetched from. Knows no target."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

TEXT: Final = "gr\u00fc\u00dfe, \u65e5\u672c\r\nand more\n".encode()
MISSING: Final = b"<html>this is no file, it is the page of an error</html>"


class Origin(ThreadingHTTPServer):
    """Counts what it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    """Answers as origins on the web do: without a length, elsewhere, slowly, or not at all."""

    server: Origin
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        path, query = urlsplit(self.path).path, urlsplit(self.path).query
        if path == "/elsewhere.txt":
            self._answer(302, b"", Location="/text.txt?moved")
        elif path == "/missing.txt":
            self._answer(404, MISSING)
        elif path == "/chunked.txt":
            self._chunks(TEXT)
        elif path in ("/late.txt", "/halting.txt"):
            self._slowly(TEXT, float(query), begun=path == "/halting.txt")
        else:
            self._answer(200, TEXT + query.encode(), **{"Content-Type": "text/plain"})

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _chunks(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(body), 7):
            piece = body[at : at + 7]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _slowly(self, body: bytes, seconds: float, *, begun: bool) -> None:
        """Nothing for a while, or half of it, a pause, and the rest."""
        first = len(body) // 2 if begun else 0
        with suppress(OSError):  # nobody waits for ever
            if not begun:
                time.sleep(seconds)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:first])
            if begun:
                time.sleep(seconds)
            self.wfile.write(body[first:])

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def open_origin() -> Iterator[Origin]:
    """An origin for the length of the block."""
    with Origin() as origin:
        thread = threading.Thread(target=origin.serve_forever, daemon=True)
        thread.start()
        try:
            yield origin
        finally:
            origin.shutdown()
            thread.join()
