"""Requests as shell lines that a person can paste. Knows no target; hides its keys."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import Final

import requests

from mockkie.harness.session import Exchange

_LEFT_OUT: Final = (
    *("content-length", "connection", "accept-encoding", "user-agent", "accept"),
    "x-schemathesis-testcaseid",
)
_LONGEST_BODY: Final = 4_000
_KEY: Final = "KIE_API_KEY"


def curl_lines(exchanges: Iterable[Exchange], key: str) -> list[str]:
    """A line for each request, and what it was answered as a comment; `$KIE_API_KEY` is the key."""
    return [
        f"{_curl(exchange.request, key)}  # {exchange.status or 'no answer'}"
        for exchange in exchanges
    ]


def _curl(request: requests.PreparedRequest, key: str) -> str:
    words = ["curl", "-i"]
    if request.method == "HEAD":
        words.append("--head")
    elif request.method != ("GET" if request.body is None else "POST"):
        words += ["-X", str(request.method)]
    for name, value in request.headers.items():
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if name.lower() not in _LEFT_OUT:
            words += ["-H", _quoted(f"{name}: {text}", key)]
    before = ""
    if request.body is not None:
        before, body = _body(request.body)
        words += ["--data-binary", body]
    words.append(_quoted(str(request.url), key))
    return before + " ".join(words)


def _body(body: bytes | str | Iterable[bytes]) -> tuple[str, str]:
    """What stands before the command, and the argument of `--data-binary`."""
    content = body.encode() if isinstance(body, str) else body
    if not isinstance(content, bytes) or len(content) > _LONGEST_BODY:
        return "", "@body.bin"  # too long to be pasted; the test that is named makes it again
    if content.isascii() and content.decode().isprintable():
        return "", shlex.quote(content.decode())
    octal = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b"\\'%" else f"\\{byte:03o}"  # noqa: PLR2004 - ASCII
        for byte in content
    )
    return f"printf '{octal}' | ", "@-"


def _quoted(text: str, key: str) -> str:
    """A word of the shell; the key of the run becomes the variable that holds it."""
    if key and key in text:
        return '"' + re.sub(r'(["\\$`])', r"\\\1", text).replace(key, f"${_KEY}") + '"'
    return shlex.quote(text)
