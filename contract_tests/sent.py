"""What is asked for by generated requests, and what was really sent. Knows no target."""

from __future__ import annotations

import base64
import copy
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests

from mockkie.harness.api import SOURCES, STREAM, essence
from mockkie.harness.document import read_document
from mockkie.harness.sent import Part, body_of, parts_of


def asked_for() -> dict[str, Any]:
    """The document as requests are made from it: what every faithful server accepts.

    Plain names, since which strange ones are legal is known of a few only (naming has its own
    tests); no fields but the documented ones; short texts, and no empty ones. Answers are not
    held to the precision of our own times, and may say 413 and 415, of which nothing is known.
    """
    document = copy.deepcopy(read_document())
    schemas = document["components"]["schemas"]
    del schemas["UploadedFile"]["properties"]["uploadedAt"]["pattern"]
    del schemas["UploadedFile"]["properties"]["filePath"]["minLength"]
    for name in ("UploadPath", "FileName", "NullableFileName"):
        slash = "(?:/[A-Za-z0-9_-]{1,9}){0,2}" if name == "UploadPath" else r"(?:\.[a-z]{1,4})?"
        del schemas[name]["maxLength"]
        schemas[name]["pattern"] = f"^[A-Za-z0-9_-]{{1,20}}{slash}$"
    unknown = copy.deepcopy(document["components"]["responses"]["BadRequest"])
    refusal = copy.deepcopy(schemas["Refusal"])
    del refusal["properties"]["code"]["enum"]
    unknown["content"]["application/json"]["schema"] = refusal
    del document["paths"]["/{link}"]["get"]["parameters"]
    for path in SOURCES:
        operation = document["paths"][path]["post"]
        (media,) = operation["requestBody"]["content"].values()
        media["schema"]["additionalProperties"] = False
        known = media["schema"]["properties"]
        if "fileUrl" in known:
            pattern = r"^https?://[a-z]{3,9}\.(com|org)/[a-z0-9./-]*$"
            known["fileUrl"] |= {"maxLength": 60, "pattern": pattern}
        if "base64Data" in known:
            known["base64Data"]["minLength"] = 4
        operation["responses"] |= {"413": unknown, "415": unknown}
    return document


def is_wrong(request: requests.PreparedRequest) -> bool:
    """Whether the vendor's pages alone say that an upload must be refused, as it was sent.

    A field that is required is missing or empty, or one is of another type. Everything else that
    the document refuses (long names, strange signs, further fields) is our assumption.
    """
    path = urlsplit(str(request.url)).path
    kind = essence(str(request.headers.get("Content-Type", "")))
    if path == STREAM and kind == "multipart/form-data":
        return _is_wrong_form(parts_of(request))
    if path in SOURCES and kind == "application/json":
        return _is_wrong_json(body_of(request), SOURCES[path])
    return False


def _is_wrong_form(parts: Sequence[Part]) -> bool:
    texts = {part.name: part.content for part in parts if part.filename is None}
    files = [part.name for part in parts if part.filename is not None]
    return SOURCES[STREAM] not in files or not texts.get("uploadPath")


def _is_wrong_json(text: bytes, source: str) -> bool:
    try:
        body = orjson.loads(text)
    except ValueError:
        return True
    if not isinstance(body, dict):
        return True
    needed = {name: body.get(name) for name in (source, "uploadPath")}
    may_be_empty = "base64Data"  # of a file without bytes, of which the pages say nothing
    return not all(
        isinstance(value, str) and (value or name == may_be_empty) for name, value in needed.items()
    )


def content_of(request: requests.PreparedRequest) -> bytes | None:
    """The file within an upload; None where it is elsewhere, or where nobody can decode it."""
    if request.headers.get("Content-Type", "").startswith("multipart/"):
        files = [part.content for part in parts_of(request) if part.name == "file"]
        return files[0] if len(files) == 1 else None
    try:
        text = orjson.loads(body_of(request))["base64Data"]
        return base64.b64decode(text.partition(",")[2] or text, validate=True)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None  # a lenient server took it for something
