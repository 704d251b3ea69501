"""In what a content differs from the one that was expected. Knows nothing but bytes.

Of what arrived, often only size and digest are known: the journal keeps no contents. That is
enough to tell whether it is the expected content under some well-known change.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blake3 import blake3

LARGEST: Final = 32 * 1024 * 1024
"""Larger contents are told apart by size and digest only."""
_SHOWN: Final = 24  # bytes of either content from the first difference on
_PIECE: Final = 65_536  # bytes that are compared at a time
_BOM: Final = b"\xef\xbb\xbf"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_DATA_URL: Final = re.compile(rb"data:[^,]{0,200},")


@dataclass(frozen=True, slots=True)
class Content:
    """A content as far as it is known: BLAKE3 `digest` in hex, `size` in bytes, the `data`."""

    digest: str
    size: int | None = None
    data: bytes | None = None

    @classmethod
    def of(cls, source: bytes | bytearray | memoryview | os.PathLike[str] | str) -> Content:
        """Bytes, the content of a file at a `Path`, or a BLAKE3 digest in hex.

        `ValueError` for other texts, `TypeError` for other values, `OSError` from the file.
        """
        if isinstance(source, str):
            if not _DIGEST.fullmatch(source):
                raise ValueError(
                    "content is bytes, a Path or a BLAKE3 digest of 64 hex digits; "
                    "encode a text first: 'text'.encode()"
                )
            return cls(source)
        if isinstance(source, os.PathLike):
            path = Path(source)
            size = path.stat().st_size
            if size > LARGEST:
                return cls(blake3().update_mmap(path).hexdigest(), size)
            return cls._whole(path.read_bytes())
        if not isinstance(source, bytes | bytearray | memoryview):
            raise TypeError(f"content is bytes, a Path or a digest, not {type(source).__name__}")
        return cls._whole(bytes(source))

    @classmethod
    def _whole(cls, data: bytes) -> Content:
        return cls(blake3(data).hexdigest(), len(data), data)

    def is_like(self, data: bytes) -> bool:
        """Whether this is the content `data`."""
        return self.size in (None, len(data)) and blake3(data).hexdigest() == self.digest

    def __str__(self) -> str:
        """Size and digest, and the bytes where they are few."""
        size = "" if self.size is None else f"{self.size:,} bytes, "
        shown = "" if self.data is None or len(self.data) > _SHOWN else f", {self.data!r}"
        return f"{size}BLAKE3 {self.digest[:16]}…{shown}"


def content_hints(expected: Content, got: Content) -> Iterator[str]:
    """What is to be said about a content that is not the expected one, the telling things first."""
    if got.size == 0:
        yield "nothing arrived: the file is empty"
        return
    if expected.data is not None:
        yield from _changed(expected.data, got)
    if got.data is not None:
        yield from _undone(got.data, expected)
    if expected.data is not None and got.data is not None:
        yield first_difference(expected.data, got.data)


def _changed(data: bytes, got: Content) -> Iterator[str]:
    size = got.size or 0
    if size < len(data) and got.is_like(data[:size]):
        yield f"it was truncated at {size:,} bytes"
        return
    for hint, change in _CHANGES:
        if got.is_like(change(data)):
            yield hint.format("what arrived is")
            return


def _undone(data: bytes, expected: Content) -> Iterator[str]:
    """What can be seen in the bytes that arrived only."""
    for name in ("sha256", "sha3_256", "blake2s"):
        if hashlib.new(name, data).hexdigest() == expected.digest:
            yield f"the digest is its {name}; mockkie's digests are BLAKE3"
            return
    header = _DATA_URL.match(data)
    if header is not None:
        yield f"the `data:` prefix was kept: it begins with {header[0][:_SHOWN]!r}"
        return
    if expected.is_like(_gunzipped(data)):
        yield "it arrived compressed with gzip"
        return
    wanted = expected.data
    if wanted and data.startswith(wanted):
        yield f"{len(data) - len(wanted):,} bytes more arrived behind it"
    elif wanted and wanted in data:
        at = data.find(wanted)
        yield f"it is there from byte {at:,} on, among other bytes (a form within the form?)"
    else:
        for hint, change in _CHANGES[:6]:
            if expected.is_like(change(data)):
                yield hint.format("what was expected is")
                return


def first_difference(expected: bytes, got: bytes) -> str:
    """Where two contents part, with the bytes from there on."""
    at = _parting(expected, got)
    left, right = (data[at : at + _SHOWN] for data in (expected, got))
    return f"they part at byte {at:,}: {left!r} was expected, {right!r} arrived"


def _parting(one: bytes, other: bytes) -> int:
    """As many bytes are the same at the beginning of both."""
    shorter = min(len(one), len(other))
    for at in range(0, shorter, _PIECE):
        if one[at : at + _PIECE] != other[at : at + _PIECE]:
            stop = min(at + _PIECE, shorter)
            return next((place for place in range(at, stop) if one[place] != other[place]), stop)
    return shorter


def _gunzipped(data: bytes) -> bytes:
    """What is in a gzip file, up to `LARGEST` bytes; nothing if it is none."""
    if not data.startswith(b"\x1f\x8b"):
        return b""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, LARGEST)
    except zlib.error:
        return b""


def _lf(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n")


def _recoded(data: bytes) -> bytes:
    return data.decode("latin-1").encode()


_CHANGES: Final[Sequence[tuple[str, Callable[[bytes], bytes]]]] = (
    ("{} the base64 text, undecoded", base64.b64encode),
    ("{} the base64 text, undecoded", lambda data: base64.b64encode(data).rstrip(b"=")),
    ("{} the base64 text (for URLs), undecoded", base64.urlsafe_b64encode),
    ("{} the base64 text (in lines), undecoded", base64.encodebytes),
    ("{} the text of hexadecimal digits", binascii.hexlify),
    ("{} the text that Python prints for bytes: str(data)", lambda data: str(data).encode()),
    ("line ends were changed from LF to CRLF", lambda data: _lf(data).replace(b"\n", b"\r\n")),
    ("line ends were changed from CRLF to LF", _lf),
    ("bytes were read as Latin-1 text and written as UTF-8", _recoded),
    (
        "bytes that are no UTF-8 were replaced: a binary file was read as text",
        lambda data: data.decode(errors="replace").encode(),
    ),
    ("a line end was added at the end", lambda data: data + b"\n"),
    ("the line end at the end was lost", lambda data: data.rstrip(b"\r\n")),
    ("blanks at the ends were lost", bytes.strip),
    ("a byte order mark was added", lambda data: _BOM + data),
    ("the byte order mark was lost", lambda data: data.removeprefix(_BOM)),
)
"""What changes an upload on its way, and what to say when it did. Each gives the changed bytes."""
