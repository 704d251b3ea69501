"""What the API says no to. Knows nothing of HTTP servers, worlds or the document.

A `Problem` is named after the example of an answer in `openapi.yaml`; status, `code` and `msg`
come from there (`Contract.refusal`). The values below serve documents that lack the example.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FALLBACKS: Final[Mapping[str, tuple[int, str]]] = {
    "missing-parameter": (400, "Missing required parameter: {parameter}"),
    "invalid-parameter": (400, "Invalid parameter: {parameter}"),
    "malformed-body": (400, "Malformed request body"),
    "unsupported-media-type": (400, "Unsupported content type"),
    "invalid-base64": (400, "Base64 decoding failed: Invalid Base64 format"),
    "file-too-large": (400, "File too large"),
    "storage-full": (400, "Storage limit exceeded"),
    "url-not-fetched": (400, "The file URL could not be fetched"),
    "invalid-api-key": (401, "Authentication failed: Invalid API Key"),
    "user-agent-refused": (403, "Forbidden"),
    "route-not-found": (404, "Not found"),
    "link-not-found": (404, "File not found"),
    "link-expired": (404, "File not found"),
    "insufficient-credits": (402, "Insufficient credits"),
    "task-not-found": (404, "Task not found"),
    "url-not-generated": (422, "Invalid URL"),
    "method-not-allowed": (405, "Method not allowed"),
    "request-timeout": (408, "Request Timeout"),
    "range-not-satisfiable": (416, "Range not satisfiable"),
    "internal-error": (500, "Internal server error"),
}


class Problem(Exception):  # noqa: N818 - the word of RFC 9457 and of this project
    """A refusal: the name of a documented answer, and the diagnosis for whoever debugs it.

    `why` is shown in the `X-Mockkie-Why` header and the journal and says what to do about it.
    `parameter` is the request field it is about; `status` insists on an HTTP status.
    """

    def __init__(
        self,
        name: str,
        why: str,
        *,
        parameter: str = "",
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(why)
        self.name = name
        self.why = why
        self.parameter = parameter
        self.status = status
        self.headers = dict(headers or {})

    @property
    def fallback(self) -> tuple[int, str]:
        """`(status, msg)` where the document has no example of this name."""
        status, msg = FALLBACKS[self.name]
        return self.status or status, msg.format(parameter=self.parameter)


class UsageError(Exception):
    """A setting, an option or a document is wrong; the text says where, and what to do."""


INTERRUPTED_CODE: Final = 130
"""What a command ends with that somebody stopped, as shells have it: 128 and SIGINT's number."""
