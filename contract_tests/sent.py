"""What was really sent, read back from the bytes of a request. Knows no target."""

from __future__ import annotations

import base64
import re
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, Final

import jsonschema_rs
import orjson
import requests

from .target import read_document

FORM: Final = (
    "/paths/~1api~1file-stream-upload/post/requestBody/content/multipart~1form-data/schema"
)
PLAIN: Final = re.compile(
    r"https?://[a-z0-9]{1,63}(\.[a-z0-9]{1,63}){0,3}(:[1-9]\d{0,3})?([/?#]|$)", re.IGNORECASE
)

Part = tuple[str, str | None, bytes]
"""Name, filename and content."""


def parts_of(request: requests.PreparedRequest) -> list[Part]:
    """The parts of a multipart request."""
    content_type = request.headers.get("Content-Type", "")
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body_of(request))
    parts = []
    for part in message.iter_parts():
        name = part.get_param("name", "", header="content-disposition")
        content = part.get_payload(decode=True)
        parts.append(
            (str(name), part.get_filename(), content if isinstance(content, bytes) else b"")
        )
    return parts


def body_of(request: requests.PreparedRequest) -> bytes:
    """The body of a request as bytes."""
    body = request.body
    return body.encode() if isinstance(body, str) else bytes(body or b"")


def form_is_valid(request: requests.PreparedRequest) -> bool:
    """Whether a form, as it went over the wire, is what the document asks for.

    A form carries texts only: a `fileName` of null that a generator had in mind is the text
    "null" by the time it is sent, and valid.
    """
    values: dict[str, Any] = {}
    for name, filename, content in parts_of(request):
        if name in values or (filename is not None) != (name == "file"):
            return False
        values[name] = content.decode(errors="replace")
    return form_validator().is_valid(values)


def host_is_plain(url: str) -> bool:
    """Whether the host of a URL is one of the DNS without a doubt: short ASCII labels, a port."""
    return PLAIN.match(url) is not None


def form_validator() -> jsonschema_rs.Validator:
    """A validator of the form's schema, straight from the document."""
    return jsonschema_rs.validator_for(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$ref": f"#{FORM}",
            **read_document(),
        }
    )


def content_of(request: requests.PreparedRequest) -> bytes | None:
    """The file within an upload; None for a URL upload, whose file is elsewhere."""
    if request.headers.get("Content-Type", "").startswith("multipart/"):
        return next(content for name, _, content in parts_of(request) if name == "file")
    text: str | None = orjson.loads(body_of(request)).get("base64Data")
    return None if text is None else base64.b64decode(text.partition(",")[2] or text)
