"""Requests as shell lines that a person can paste. Knows no target; hides its keys."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Final

import requests

from mockkie.harness.session import Exchange

_LEFT_OUT: Final = (
    *("content-length", "connection", "accept-encoding", "user-agent", "accept"),
    "x-schemathesis-testcaseid",
)
_LONGEST_BODY: Final = 4_000
_KEY: Final = "KIE_API_KEY"
_OTHER_KEY: Final = "KIE_OTHER_API_KEY"


def curl_lines(exchanges: Iterable[Exchange], key: str, other_key: str | None = None) -> list[str]:
    """A line for each request, and what it was answered as a comment.

    `$KIE_API_KEY` is the key, `$KIE_OTHER_API_KEY` that of a second account.
    """
    keys = {key: f"${_KEY}", other_key or "": f"${_OTHER_KEY}"}
    nearly = {
        key.swapcase(): f'$(echo "${_KEY}" | tr A-Za-z a-zA-Z)',
        key[:-1]: f"${{{_KEY}%?}}",
        key[:8]: f"${{{_KEY}:0:8}}",
        key[:4]: f"${{{_KEY}:0:4}}",
    }
    return [
        f"{_curl(exchange.request, keys, {**nearly, **keys})}  # {exchange.status or 'no answer'}"
        for exchange in exchanges
    ]


def _curl(
    request: requests.PreparedRequest, keys: Mapping[str, str], nearly: Mapping[str, str]
) -> str:
    """The line; `nearly` are keys that are not quite right, for the header that carries them."""
    words = ["curl", "-i"]
    if request.method == "HEAD":
        words.append("--head")
    elif request.method != ("GET" if request.body is None else "POST"):
        words += ["-X", str(request.method)]
    for name, value in request.headers.items():
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if name.lower() not in _LEFT_OUT:
            known = nearly if name.lower() == "authorization" else keys
            words += ["-H", _quoted(f"{name}: {text}", known)]
    before = ""
    if request.body is not None:
        before, body = _body(request.body)
        words += ["--data-binary", body]
    words.append(_quoted(str(request.url), keys))
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


def _quoted(text: str, keys: Mapping[str, str]) -> str:
    """A word of the shell; each key of the run becomes the variable that holds it."""
    known = sorted(filter(None, keys), key=len, reverse=True)
    parts = re.split(f"({'|'.join(map(re.escape, known))})", text) if known else [text]
    if len(parts) == 1:
        return shlex.quote(text)
    words = [
        keys[part] if at % 2 else re.sub(r'(["\\$`])', r"\\\1", part)
        for at, part in enumerate(parts)
    ]
    return '"' + re.sub(r"\$(KIE_\w+?_KEY)(?=\w)", r"${\1}", "".join(words)) + '"'
