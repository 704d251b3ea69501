"""The upload that is measured: a form of the API, as bytes."""

from __future__ import annotations

import random
from typing import Final

KEY: Final = "kie-mock-key"
PATH: Final = "/api/file-stream-upload"
SUCCESS: Final = b'"success":true'
_BOUNDARY: Final = b"----mockkie-benchmark-7MA4YWxkTrZu0gW"
FORM_TYPE: Final = f"multipart/form-data; boundary={_BOUNDARY.decode()}"
_NAME: Final = b"NNNNNNNN.bin"


def content(size: int) -> bytes:
    """Bytes of no known type: identifying them costs more than an image would."""
    block = random.Random(7).randbytes(min(size, 1 << 20))  # noqa: S311 - any, the same each time
    return (block * -(-size // max(len(block), 1)))[:size]


def form(file: bytes) -> bytes:
    """A form with the fields of a stream upload; its name has eight N to be replaced."""
    parts = [
        (b'name="uploadPath"', b"", b"bench/small"),
        (b'name="fileName"', b"", _NAME),
        (b'name="file"; filename="a.bin"', b"Content-Type: application/octet-stream\r\n", file),
    ]
    body = b"".join(
        b"--%s\r\nContent-Disposition: form-data; %s\r\n%s\r\n%s\r\n" % (_BOUNDARY, *part)
        for part in parts
    )
    return body + b"--%s--\r\n" % _BOUNDARY


def small_upload(port: int, size: int = 1_024) -> tuple[bytes, bytes]:
    """What goes before and behind the eight digits in the name of a stream upload."""
    body = form(content(size))
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: mockkie-benchmark\r\n"
        f"Accept: */*\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Type: {FORM_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    before, _, behind = (head.encode() + body).partition(_NAME[:8])
    return before, behind
