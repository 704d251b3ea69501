"""Requests as shell lines that a person can paste. Knows no target; hides its keys."""

from __future__ import annotations

import base64
import gzip
import re
import shlex
from collections.abc import Iterable
from typing import Final

import requests

from mockkie.harness.sent import COUNTING, body_of, counted, parts_of
from mockkie.harness.session import Exchange

_LEFT_OUT: Final = (
    *("content-length", "connection", "accept-encoding", "user-agent", "accept"),
    "x-schemathesis-testcaseid",
)
_LONGEST_BODY: Final = 4_000
_KEY: Final = "KIE_API_KEY"
_HEAD: Final = re.compile(
    rb'Content-Disposition: form-data; name="[A-Za-z]+"(?:; filename="[^"\\;,=]*")?'
    rb"(?:\r\nContent-Type: (?P<type>[a-z/+.-]+))?"
)
"""Heads of parts that curl spells alike."""


def curl_lines(exchanges: Iterable[Exchange], key: str) -> list[str]:
    """A line for each request, and what it was answered as a comment; `$KIE_API_KEY` is the key."""
    return [
        f"{_curl(exchange.request, key)}  # {exchange.status or 'no answer'}"
        for exchange in exchanges
    ]


def _curl(request: requests.PreparedRequest, key: str) -> str:
    words = ["curl", "-i"]
    before, body, is_form = _body(request)
    if request.method == "HEAD":
        words.append("--head")
    elif request.method != ("POST" if body else "GET"):
        words += ["-X", str(request.method)]
    for name, value in request.headers.items():
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if name.lower() not in _LEFT_OUT and not (is_form and name.lower() == "content-type"):
            words += ["-H", _quoted(f"{name}: {text}", key)]
    words += [*body, _quoted(str(request.url), key)]
    return before + " ".join(words)


def _body(request: requests.PreparedRequest) -> tuple[str, list[str], bool]:
    """What makes the body and stands before the command, its arguments, and if curl spells it."""
    if request.body is None:
        return "", [], False
    content = body_of(request)
    if not content and not isinstance(request.body, bytes | str):
        return "", ["--data-binary", "@body.bin"], False  # it was sent in pieces
    fields = _fields(request)
    if fields is not None:
        return *fields, True
    if _is_plain(content):
        return "", ["--data-binary", shlex.quote(content.decode())], False
    return _made(content), ["--data-binary", "@-"], False


def _fields(request: requests.PreparedRequest) -> tuple[str, list[str]] | None:
    """A form as curl's `-F`, the file on its standard input; None where that says another thing."""
    if not str(request.headers.get("Content-Type", "")).startswith("multipart/form-data; boundary"):
        return None
    before, words = "", []
    for name, filename, content, head in parts_of(request):
        known = _HEAD.fullmatch(head)
        if known is None or (before and filename is not None):
            return None
        if filename is None:
            if not _is_plain(content):
                return None
            words += ["--form-string", shlex.quote(f"{name}={content.decode()}")]
        else:
            before = _made(content)
            kind = known["type"].decode() if known["type"] else "application/octet-stream"
            words += ["-F", shlex.quote(f'{name}=@-;filename="{filename}";type={kind}')]
    return before, words


def _is_plain(content: bytes) -> bool:
    """Whether it can be pasted as it is."""
    return len(content) <= _LONGEST_BODY and content.isascii() and content.decode().isprintable()


def _made(content: bytes) -> str:
    """The command that writes these bytes, and a pipe."""
    if len(content) > _LONGEST_BODY:
        size = len(content)
        if content == counted(size):
            return COUNTING.format(lines=size // 8 + 1, size=size) + " | "
        packed = base64.b64encode(gzip.compress(content, mtime=0)).decode()
        if len(packed) <= _LONGEST_BODY:
            return f"printf {packed} | base64 -d | gunzip | "
        return "cat body.bin | "  # too long to be pasted; the test that is named makes it again
    octal = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b"\\'%" else f"\\{byte:03o}"  # noqa: PLR2004 - ASCII
        for byte in content
    )
    return f"printf -- '{octal}' | "


def _quoted(text: str, key: str) -> str:
    """A word of the shell; the key of the run becomes the variable that holds it."""
    if key and key in text:
        return '"' + re.sub(r'(["\\$`])', r"\\\1", text).replace(key, f"${_KEY}") + '"'
    return shlex.quote(text)
