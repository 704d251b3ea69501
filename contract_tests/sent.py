"""What was really sent, read back from the bytes of a request. Knows no target."""

from __future__ import annotations

import base64
import re
from typing import Final

import jsonschema_rs
import orjson
import requests

from mockkie.harness.document import read_document

NAME: Final = re.compile(rb'[; ]name="([^"]*)"')
FILENAME: Final = re.compile(rb'filename="([^"]*)"')
Part = tuple[str, str | None, bytes]
"""Name, filename and content."""


def parts_of(request: requests.PreparedRequest) -> list[Part]:
    """The parts of a multipart request."""
    boundary = request.headers["Content-Type"].rpartition("boundary=")[2].encode()
    parts = []
    for part in (b"\r\n" + body_of(request)).split(b"\r\n--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name, filename = NAME.search(head), FILENAME.search(head)
        parts.append(
            (
                name[1].decode(errors="replace") if name else "",
                filename[1].decode(errors="replace") if filename else None,
                content,
            )
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
    validator, known = form_validator()
    values: dict[str, str] = {}
    for name, filename, content in parts_of(request):
        if name in known:
            if name in values or (filename is not None) != (name == "file"):
                return False
            values[name] = content.decode(errors="replace")
    return validator.is_valid(values)


def form_validator() -> tuple[jsonschema_rs.Validator, set[str]]:
    """A validator of the form's schema, straight from the document, and the fields it knows."""
    document = read_document()
    media = document["paths"]["/api/file-stream-upload"]["post"]["requestBody"]["content"]
    schema = media["multipart/form-data"]["schema"]
    whole = {"components": document["components"], **schema}
    return jsonschema_rs.Draft202012Validator(whole), set(schema["properties"])


def content_of(request: requests.PreparedRequest) -> bytes | None:
    """The file within an upload; None for a URL upload, whose file is elsewhere."""
    if request.headers.get("Content-Type", "").startswith("multipart/"):
        return next(content for name, _, content in parts_of(request) if name == "file")
    text: str | None = orjson.loads(body_of(request)).get("base64Data")
    return None if text is None else base64.b64decode(text.partition(",")[2] or text)
