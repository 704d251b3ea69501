"""The least an upload can cost: an ASGI app that throws the body away and answers like the API."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

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


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Read to the end, keep nothing."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})
