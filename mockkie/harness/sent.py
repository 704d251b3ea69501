"""What is sent, and what was, read back from the bytes of a request. Knows no target."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import requests

_NAME: Final = re.compile(rb'[; ]name="([^"]*)"')
_FILENAME: Final = re.compile(rb'filename="([^"]*)"')


class Part(NamedTuple):
    """A part of a form: its head as it stands, and what that says."""

    name: str
    filename: str | None
    content: bytes
    head: bytes


COUNTING: Final = "seq -f %07.0f 1 {lines} | head -c {size}"
"""The shell line that writes what `counted` returns."""


def counted(size: int) -> bytes:
    """So many bytes, in which a piece that is lost, repeated or moved is seen: counting lines."""
    lines = size // 8 + 1
    return ((b"%07d\n" * lines) % tuple(range(1, lines + 1)))[:size]


def body_of(request: requests.PreparedRequest) -> bytes:
    """The body of a request as bytes; none of one that was sent in pieces."""
    body = request.body
    if isinstance(body, str):
        return body.encode()
    return bytes(body) if isinstance(body, bytes | bytearray) else b""


def parts_of(request: requests.PreparedRequest) -> list[Part]:
    """The parts of a multipart request."""
    boundary = _text(request.headers["Content-Type"]).rpartition("boundary=")[2].strip('"').encode()
    parts = []
    for part in (b"\r\n" + body_of(request)).split(b"\r\n--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name, filename = _NAME.search(head), _FILENAME.search(head)
        parts.append(
            Part(
                name[1].decode(errors="replace") if name else "",
                filename[1].decode(errors="replace") if filename else None,
                content,
                head.strip(),
            )
        )
    return parts


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
