"""What kind of file some bytes are. Knows nothing of requests or stores.

By the content, then by the name, then by what the sender said (the order is assumed; that the
type is identified automatically is documented).
"""

from __future__ import annotations

import mimetypes
import re
from typing import Final

import filetype

from mockkie.signatures import guess

UNKNOWN: Final = "application/octet-stream"
_TABLE: Final = mimetypes.MimeTypes()  # the tables of Python itself, not those of this machine
for _mime, _suffix in (
    ("application/xml", ".xml"),
    ("application/yaml", ".yaml"),
    ("application/yaml", ".yml"),
    ("audio/flac", ".flac"),
    ("audio/mp4", ".m4a"),
    ("audio/ogg", ".ogg"),
    ("audio/x-wav", ".wav"),
    ("image/avif", ".avif"),
    ("image/heic", ".heic"),
    ("image/vnd.microsoft.icon", ".ico"),
    ("image/webp", ".webp"),
    ("text/javascript", ".js"),
    ("text/javascript", ".mjs"),
    ("text/markdown", ".md"),
    ("video/x-matroska", ".mkv"),
    ("video/x-msvideo", ".avi"),
):
    _TABLE.add_type(_mime, _suffix)  # else it depends on the version of Python
_EXTENSIONS: Final = {
    "application/x-gzip": "gz",
    "application/x-zip-compressed": "zip",
    "application/xml": "xml",
    "audio/mp3": "mp3",
    "audio/wav": "wav",
    "audio/wave": "wav",
    "audio/x-m4a": "m4a",
    "image/jpg": "jpg",
}
"""Of types that the tables do not know, since they are other names, or know as something else."""
_MIME: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}")
_LONGEST: Final = 16  # letters and digits of an extension
_WEAK: Final = 2
"""A signature of so few bytes is outweighed by a name: many a text begins with BM or MZ."""


def identify(head: bytes, name: str | None, declared: str | None) -> str:
    """The MIME type of a file by its first bytes, its name and what it is said to be."""
    kind = guess(head)
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
    if mime == UNKNOWN or mime in _EXTENSIONS:
        return _EXTENSIONS.get(mime, "bin")
    known = filetype.get_type(mime=mime)
    if known is not None:
        return str(known.extension)
    guessed = _TABLE.guess_extension(mime)
    return guessed[1:] if guessed else "bin"


def _extension(name: str | None) -> str:
    stem, dot, extension = (name or "").rpartition(".")
    fits = dot and stem and len(extension) <= _LONGEST and extension.isascii()
    return extension if fits and extension.isalnum() else ""


def _of_name(name: str | None) -> str | None:
    extension = _extension(name).lower()
    if not extension:
        return None
    known = _TABLE.types_map[True].get(f".{extension}")
    if known is not None:
        return known
    kind = filetype.get_type(ext=extension)
    return None if kind is None else str(kind.mime)
