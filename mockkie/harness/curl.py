"""Requests as shell lines that a person can paste. Knows no target; hides its keys."""

from __future__ import annotations

import base64
import gzip
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Final

import requests

from mockkie.harness.plan import CONTROL_SECRET, OTHER_SECRET, SECRET
from mockkie.harness.sent import COUNTING, body_of, counted, parts_of
from mockkie.harness.session import Exchange

_LEFT_OUT: Final = (
    *("content-length", "connection", "accept-encoding", "user-agent", "accept"),
    "x-schemathesis-testcaseid",
)
_LONGEST_BODY: Final = 4_000
_HEAD: Final = re.compile(
    rb'Content-Disposition: form-data; name="[A-Za-z]+"(?:; filename="[^"\\;,=]*")?'
    rb"(?:\r\nContent-Type: (?P<type>[a-z/+.-]+))?"
)
"""Heads of parts that curl spells alike."""


def curl_lines(
    exchanges: Iterable[Exchange],
    key: str,
    other_key: str | None = None,
    control_key: str | None = None,
) -> list[str]:
    """A line for each request, and what it was answered as a comment.

    `$KIE_API_KEY` is the key, `$KIE_OTHER_API_KEY` that of a second account.
    """
    keys = {
        key: f"${SECRET}",
        other_key or "": f"${OTHER_SECRET}",
        control_key or "": f"${CONTROL_SECRET}",
    }
    nearly = {
        key.swapcase(): f'$(echo "${SECRET}" | tr A-Za-z a-zA-Z)',
        key[:-1]: f"${{{SECRET}%?}}",
        key[: len(key) // 2]: f"${{{SECRET}:0:{len(key) // 2}}}",
        key[:8]: f"${{{SECRET}:0:8}}",
        key[:4]: f"${{{SECRET}:0:4}}",
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
    before, body, is_form = _body(request)
    if request.method == "HEAD":
        words.append("--head")
    elif request.method != ("POST" if body else "GET"):
        words += ["-X", str(request.method)]
    for name, value in request.headers.items():
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if name.lower() not in _LEFT_OUT and not (is_form and name.lower() == "content-type"):
            known = nearly if name.lower() == "authorization" else keys
            words += ["-H", _quoted(f"{name}: {text}", known)]
    words += [*body, _quoted(str(request.url), keys)]
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
