"""The words of the API that every part of the judge uses. Knows no target."""

from __future__ import annotations

from typing import Final

STREAM: Final = "/api/file-stream-upload"
BASE64: Final = "/api/file-base64-upload"
URL: Final = "/api/file-url-upload"
SOURCES: Final = {STREAM: "file", BASE64: "base64Data", URL: "fileUrl"}
"""What each operation makes a file of."""
GONE: Final = (403, 404, 410)
"""How a link is answered that leads to no file."""
FACTS: Final = {
    "fileName": str,
    "filePath": str,
    "downloadUrl": str,
    "fileSize": int,
    "mimeType": str,
    "uploadedAt": str,
}
"""The six facts of an accepted upload."""


def essence(media: str) -> str:
    """A media type without its parameters."""
    return media.partition(";")[0].strip().lower()
