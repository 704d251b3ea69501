"""What kind of file some bytes are. Knows nothing of requests or stores.

By the content, then by the name, then by what the sender said (the order is assumed; that the
type is identified automatically is documented).
"""

from __future__ import annotations

import mimetypes
import re
from typing import Final

import filetype

UNKNOWN: Final = "application/octet-stream"
_TABLE: Final = mimetypes.MimeTypes()  # the tables of Python itself, not those of this machine
for _mime, _suffix in (
    ("image/webp", ".webp"),
    ("image/avif", ".avif"),
    ("image/heic", ".heic"),
    ("text/markdown", ".md"),
    ("audio/mp4", ".m4a"),
    ("audio/flac", ".flac"),
    ("audio/ogg", ".ogg"),
    ("video/x-matroska", ".mkv"),
    ("application/yaml", ".yaml"),
):
    _TABLE.add_type(_mime, _suffix)  # younger than the oldest Python that mockkie runs on
_MIME: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}")
_EXTENSION: Final = re.compile(r"[A-Za-z0-9]{1,16}")
_WEAK: Final = 2
"""A signature of so few bytes is outweighed by a name: many a text begins with BM or MZ."""


def identify(head: bytes, name: str | None, declared: str | None) -> str:
    """The MIME type of a file by its first bytes, its name and what it is said to be."""
    kind = filetype.guess(head) if head else None
    named = _of_name(name)
    if kind is not None and not (named and kind.match(bytearray(head[:_WEAK]))):
        return str(kind.mime)
    declared = (declared or "").lower()
    return named or (declared if _MIME.fullmatch(declared) else UNKNOWN)


def extension_for(mime: str, *names: str | None) -> str:
    """The extension that a generated name gets: of the first name that has one, else of the type.

    Without dot, as it was written: of a multipart filename only the extension survives (observed).
    """
    for name in names:
        extension = _extension(name)
        if extension:
            return extension
    if mime == UNKNOWN:
        return "bin"
    known = filetype.get_type(mime=mime)
    if known is not None:
        return str(known.extension)
    guessed = _TABLE.guess_extension(mime)
    return guessed[1:] if guessed else "bin"


def _extension(name: str | None) -> str:
    stem, dot, extension = (name or "").rpartition(".")
    return extension if dot and stem and _EXTENSION.fullmatch(extension) else ""


def _of_name(name: str | None) -> str | None:
    extension = _extension(name).lower()
    if not extension:
        return None
    known = _TABLE.types_map[True].get(f".{extension}")
    if known is not None:
        return known
    kind = filetype.get_type(ext=extension)
    return None if kind is None else str(kind.mime)
