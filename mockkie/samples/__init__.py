"""One small, real file of each common type. Knows nothing of URLs beyond their extension.

All were made for this project (plain colours, a short 440 Hz tone, a line of text), and every
one opens in the programs of its type. They lie beside this module as `sample.<extension>` and
are read when first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final
from urllib.parse import unquote, urlsplit

_OOXML: Final = "application/vnd.openxmlformats-officedocument."

# Binary types as `filetype` names them by content, so that a sample is stored under the same
# type whether it was declared or recognised.
MIMES: Final[Mapping[str, str]] = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "bmp": "image/bmp",
    "ico": "image/x-icon",
    "tiff": "image/tiff",
    "avif": "image/avif",
    "heic": "image/heic",
    "svg": "image/svg+xml",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "avi": "video/x-msvideo",
    "mkv": "video/x-matroska",
    "mp3": "audio/mpeg",
    "wav": "audio/x-wav",
    "ogg": "audio/ogg",
    "m4a": "audio/mp4",
    "flac": "audio/x-flac",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "json": "application/json",
    "xml": "application/xml",
    "html": "text/html",
    "zip": "application/zip",
    "gz": "application/gzip",
    "docx": _OOXML + "wordprocessingml.document",
    "xlsx": _OOXML + "spreadsheetml.sheet",
    "pptx": _OOXML + "presentationml.presentation",
    "bin": "application/octet-stream",
}
_ALIASES: Final[Mapping[str, str]] = {
    "jpeg": "jpg",
    "tif": "tiff",
    "heif": "heic",
    "m4v": "mp4",
    "oga": "ogg",
    "htm": "html",
    "markdown": "md",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """A file: `sample.<extension>`, its MIME type without parameters, its bytes."""

    name: str
    mime: str
    content: bytes


def sample_named(name: str) -> Sample | None:
    """The sample of the type that a file name's extension says, in any case: `Cat.JPEG`.

    None for a name without an extension and for one that is not known.
    """
    stem, dot, extension = name.rpartition(".")
    extension = extension.lower()
    extension = _ALIASES.get(extension, extension)
    return _read(extension) if stem and dot and extension in MIMES else None


def sample_for(url: str) -> Sample:
    """The sample that stands in for the file at a URL; a PNG when its path names no known type.

    Only the last segment of the path decides: never the query, never the host.
    """
    try:
        path = urlsplit(url).path
    except ValueError:  # brackets that are no IPv6 address; whoever fetches it will say so
        path = ""
    return sample_named(unquote(path).rpartition("/")[2]) or _read("png")


@cache  # 33 files, 33 KB
def _read(extension: str) -> Sample:
    name = f"sample.{extension}"
    return Sample(name, MIMES[extension], files(__name__).joinpath(name).read_bytes())
