"""Requests, right ones and such that are wrong in one place. Knows no sockets."""

from __future__ import annotations

from typing import Final, NamedTuple

import orjson

KEY: Final = "kie-mock-key"


LINE: Final = b"POST /api/file-base64-upload HTTP/1.1"


HOST: Final = b"Host: localhost"


CHUNKED: Final = b"Transfer-Encoding: chunked"


class Case(NamedTuple):
    """Bytes for one connection; `statuses` are those of the answers, `files` what is kept.

    `closed`: whether the connection ends behind the last answer; else another request is answered.
    """

    name: str
    sent: bytes
    statuses: tuple[int, ...] = (400,)
    files: tuple[str, ...] = ()
    closed: bool = True


def content(name: str) -> bytes:
    """The body of an upload."""
    return orjson.dumps({"base64Data": "aGk=", "uploadPath": "a", "fileName": name})


def upload(  # noqa: PLR0913 - what a request is made of
    *headers: bytes,
    name: str = "kept",
    body: bytes | None = None,
    line: bytes = LINE,
    host: bytes | None = HOST,
    sized: bool = True,
    key: str = KEY,
) -> bytes:
    """An upload with further headers, a length unless it is told otherwise, and a body."""
    sent = content(name) if body is None else body
    lines = [line, *([] if host is None else [host]), b"Authorization: Bearer " + key.encode()]
    lines += [b"Content-Type: application/json", *headers]
    lines += [b"Content-Length: %d" % len(sent)] if sized else []
    return b"\r\n".join([*lines, b"", b""]) + sent


def chunks(
    name: str = "kept", *, size: bytes = b"", behind: bytes = b"\r\n", end: bytes = b""
) -> bytes:
    """A body of one chunk; `size` in place of the right one, `behind` it, `end` of all."""
    sent = content(name)
    return (size or b"%x" % len(sent)) + behind + sent + b"\r\n" + (end or b"0\r\n\r\n")


def get(target: bytes = b"/livez", version: bytes = b"HTTP/1.1", *headers: bytes) -> bytes:
    """A request without a body."""
    return b"\r\n".join([b"GET " + target + b" " + version, HOST, *headers, b"", b""])


SMUGGLED: Final = upload(name="smuggled")


def served(name: str, sent: bytes, files: tuple[str, ...] = ("kept",)) -> Case:
    """A request that can be read in one way only, strange as it is."""
    return Case(name, sent, (200,), files, closed=False)
