"""What must not be written down of a request: keys, and what others sign their links with.

Values are judged by the names they stand under. Knows no requests.
"""

from __future__ import annotations

import re
from collections.abc import Container
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_plus

REDACTED: Final = "[redacted]"
CONTROL_HEADER: Final = "X-Mockkie-Control-Key"
"""What a control call has its key in, where the mock asks for one."""

_SECRET: Final = re.compile(
    r"auth|cookie|credential|key|passw|policy|secret|session|sig(?:nature)?$|signed|token",
    re.IGNORECASE,
)
_OPEN: Final = frozenset(("sec-websocket-key", "idempotency-key"))
_SCHEMES: Final = ("basic", "bearer", "digest", "negotiate", "token")
_URL: Final = re.compile(
    r"(?P<scheme>(?:[a-z][a-z0-9+.-]{0,20}:)?//)(?P<user>[^\s/?#\"']*@)?"
    r"(?P<path>[^\s?#\"']*+)(?P<query>\?[^\s#\"']*+)?",
    re.IGNORECASE,
)


def can_be_key(text: str) -> bool:
    """Whether it is printable ASCII without spaces, as headers carry it."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


@lru_cache(maxsize=1_024)
def is_secret(name: str) -> bool:
    """Whether what is called so is probably a secret, in a header or a query."""
    return name.lower() not in _OPEN and _SECRET.search(name) is not None


def redact_header(name: str, value: str, secrets: Container[str] = ()) -> str:
    """The value of a header as it may be written down; `secrets` are further names of keys.

    Of a secret its scheme stays, if it has one; of an address its query goes.
    """
    if name in secrets or is_secret(name):
        scheme, space, _ = value.strip().partition(" ")
        return f"{scheme} {REDACTED}" if space and scheme.lower() in _SCHEMES else REDACTED
    return redact_urls(value) if name == "referer" else value


def redact_target(target: str, secrets: Container[str] = ()) -> str:
    """Path and query without the secret values of the query."""
    path, mark, query = target.partition("?")
    if not mark:
        return target
    return f"{path}?" + "&".join([_redact_pair(pair, secrets) for pair in query.split("&")])


def _redact_pair(pair: str, secrets: Container[str]) -> str:
    name, given, _ = pair.partition("=")
    plain = unquote_plus(name)
    secret = plain.lower() in secrets or is_secret(plain)
    return f"{name}={REDACTED}" if given and secret else pair


def redact_urls(text: str) -> str:
    """A text without the queries and users of the addresses in it: links are signed there."""
    return _URL.sub(_redact_url, text) if "//" in text else text


def _redact_url(url: re.Match[str]) -> str:
    user = f"{REDACTED}@" if url["user"] else ""
    return url["scheme"] + user + url["path"] + (f"?{REDACTED}" if url["query"] else "")
