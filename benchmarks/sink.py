"""The least that ASGI can cost: an upload that is thrown away, and a file sent piece by piece."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

ANSWER = (
    b'{"success":true,"code":200,"msg":"File uploaded successfully","data":{"fileName":"a.bin",'
    b'"filePath":"bench/a.bin","downloadUrl":"http://127.0.0.1/12345678/bench/a.bin",'
    b'"fileSize":1024,"mimeType":"application/octet-stream",'
    b'"uploadedAt":"2025-01-01T12:00:00.000Z"}}'
)
HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(ANSWER)).encode()),
]


async def sink(scope: Scope, receive: Receive, send: Send) -> None:
    """Read to the end, keep nothing, answer like the API."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


def pieces(path: str, size: int) -> ASGIApp:
    """An app that answers GET with a file (or the range `bytes=A-B` of it) in pieces of `size`.

    It takes uploads like the sink.
    """
    whole = Path(path).stat().st_size

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await sink(scope, receive, send)
            return
        at, stop, status = 0, whole, 200
        asked = dict(scope["headers"]).get(b"range")
        if asked is not None:
            first, _, last = asked.removeprefix(b"bytes=").partition(b"-")
            at, stop, status = int(first), int(last) + 1, 206
        headers = [
            (b"content-type", b"application/octet-stream"),
            (b"content-length", str(stop - at).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        file = os.open(path, os.O_RDONLY)
        try:
            while at < stop:
                piece = os.pread(file, min(size, stop - at), at)
                at += len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": at < stop})
        finally:
            os.close(file)

    return app
