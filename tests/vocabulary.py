"""Names and contents that uploads have to survive. Knows nothing of the mock."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from typing import Final

from hypothesis import strategies as st

KIB: Final = 1024
SIZES: Final = (
    0,
    1,
    *(64 * KIB + step for step in (-1, 0, 1)),
    *(256 * KIB + step for step in (-1, 0, 1)),
    KIB * KIB + 1,
    5 * KIB * KIB + 1,
)
NAMES: Final = (
    "%41",
    "%",
    "%zz.txt",
    "%2F",
    "a%20b.txt",
    "a+b",
    "a b.txt",
    " a.txt",
    "a.txt ",
    " ",
    "\u00e9.txt",
    "e\u0301.txt",
    "n" * 60,
    "n" * 255,
    "\U0001f600" * 255,
    "#",
    "?",
    "&",
    ";",
    '"',
    "'",
    "#?&;\"'=,.txt",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467.png",
    "a\\b.txt",
    "C:\\a\\b",
    "CAT.PNG",
    ".bashrc",
    "noextension",
    "...",
    "a..b",
    "..a",
    "a.",
    "~",
    "-rf",
    "*",
    "[1]{2}.jpg",
    "<a>|^`",
    "$HOME",
    "a:b@c!",
    "\u65e5\u672c\u8a9e.txt",
    "\u202egnp.exe",
    "\u2028",
    "\ufeffa",
    "CON",
    "index.html",
)
"""Each is legal as a `fileName` and as a segment of an `uploadPath`."""

_NO: Final = "".join(map(chr, [*range(0x20), 0x7F])) + "/"
SEGMENTS: Final = st.text(
    st.characters(exclude_characters=_NO, exclude_categories=["Cs"]), min_size=1, max_size=40
).filter(lambda name: name not in (".", ".."))


def content_of(size: int) -> bytes:
    """So many bytes, always the same, of all values."""
    return random.Random(size).randbytes(size)  # noqa: S311 - not a secret


def digest(content: bytes) -> str:
    """What is compared of large contents: a difference can be shown."""
    return f"{len(content)} bytes, {hashlib.sha256(content).hexdigest()}"


def _contents() -> Mapping[str, bytes]:
    texts = {
        "NUL": b"\0" * 3_000,
        "CRLF": b"\r\n" * 3_000,
        "lone LF": b"\n" * 3_000,
        "lone CR": b"\r" * 3_000,
        "CRLF at the ends": b"\r\nabc\r\n",
        "boundary look-alikes": b"\r\n--frontie\r\n-frontier\n--frontier\r\n--\r\n--fr\r\n---\r\n-",
        "look-alikes around 64 KiB": (b"x" * (64 * KIB - 7) + b"\r\n--frontie") * 3,
        "form inside": b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--',
        "every byte": bytes(range(256)) * 3,
        "base64 look-alike": b"data:image/png;base64,AAAA",
    }
    return {f"{size} bytes": content_of(size) for size in SIZES} | texts


CONTENTS: Final = _contents()
