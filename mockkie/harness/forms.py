"""Multipart forms, spelled in every way that means the same. Knows no target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

BOUNDARY: Final = "----mockkie-suite-5d41402abc4b2a76"
_CRLF: Final = b"\r\n"

Parts = Sequence[tuple[str, bytes]]
"""The lines of a part's head, and its content."""


def text(name: str, value: str, kind: str = "") -> tuple[str, bytes]:
    """A text field; `kind` is the media type that its part names, if any."""
    named = f"\r\nContent-Type: {kind}" if kind else ""
    return f'Content-Disposition: form-data; name="{name}"{named}', value.encode()


def file(content: bytes, head: str = "") -> tuple[str, bytes]:
    """The file."""
    usual = 'Content-Disposition: form-data; name="file"; filename="upload.dat"'
    return head or f"{usual}\r\nContent-Type: application/octet-stream", content


def form(parts: Parts, before: bytes = b"", behind: bytes = _CRLF) -> bytes:
    """The body of a form."""
    boundary = BOUNDARY.encode()
    whole = b"".join(
        b"--" + boundary + _CRLF + head.encode() + _CRLF + _CRLF + content + _CRLF
        for head, content in parts
    )
    return before + whole + b"--" + boundary + b"--" + behind


def content_type(spelling: str = 'multipart/form-data; boundary="{boundary}"') -> str:
    """The media type of `form`."""
    return spelling.format(boundary=BOUNDARY)


HEADS: Final = {
    "type-first": "Content-Type: application/octet-stream\r\n"
    'Content-Disposition: form-data; name="file"; filename="upload.dat"',
    "filename-first": 'Content-Disposition: form-data; filename="upload.dat"; name="file"',
    "lower-case": 'content-disposition: form-data; name="file"; filename="upload.dat"',
    "upper-case": 'CONTENT-DISPOSITION: form-data; name="file"; filename="upload.dat"',
    "unquoted": "Content-Disposition: form-data; name=file; filename=upload.dat",
    "extended": 'Content-Disposition: form-data; name="file"; filename="upload.dat"; '
    "filename*=UTF-8''upl%C3%B6ad.dat",
    "no-type": 'Content-Disposition: form-data; name="file"; filename="upload.dat"',
    "charset": 'Content-Disposition: form-data; name="file"; filename="upload.dat"\r\n'
    "Content-Type: text/plain; charset=iso-8859-1",
    "unicode": 'Content-Disposition: form-data; name="file"; filename="\u00fcber.dat"',
    "quotes": 'Content-Disposition: form-data; name="file"; filename="a%22b.dat"',
}
"""Heads of the file's part that mean the same."""

MEDIA: Final = {
    "unquoted": "multipart/form-data; boundary={boundary}",
    "upper-case": 'Multipart/Form-Data; Boundary="{boundary}"',
    "charset-before": "multipart/form-data; charset=utf-8; boundary={boundary}",
    "no-space": "multipart/form-data;boundary={boundary}",
}
"""Media types that mean the same."""


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    """A body that is sent chunked, as nobody knows its length before."""
    for at in range(0, len(body), size):
        yield body[at : at + size]
