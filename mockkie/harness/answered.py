"""What a request was answered, short enough to be shown. Knows no target; hides its keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import quote

import requests

_LONGEST_BODY: Final = 1_200
_MOST_HEADERS: Final = 30
_LEAST_PREFIX: Final = 8
"""So much of the beginning of a key is hidden too: the suite sends such, and texts are cut."""
_TEXTS: Final = ("text/", "json", "xml", "javascript", "x-www-form-urlencoded")


def hiding(secrets: Iterable[tuple[str | None, str]]) -> Callable[[str], str]:
    """What puts the name of each `(secret, name)` in its place, wherever the secret stands.

    In any case of its letters, as an address spells it, and the beginning of it too.
    """
    names: dict[str, str] = {}
    for secret, name in secrets:
        if secret:
            for spelt in (secret, quote(secret), quote(secret, safe="")):
                lengths = range(min(_LEAST_PREFIX, len(spelt)), len(spelt) + 1)
                for length in lengths:
                    names.setdefault(spelt[:length].lower(), name)
    if not names:
        return lambda text: text
    words = sorted(names, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, words)), re.IGNORECASE)
    return lambda text: pattern.sub(lambda found: names.get(found[0].lower(), "[key]"), text)


def summary(answer: requests.Response) -> str:
    """Request line, status, headers and the beginning of the body, as far as that was read."""
    lines = [
        f"{answer.request.method} {answer.request.url}",
        f"{answer.status_code} {answer.reason or ''}".rstrip(),
        *(
            f"{name.lower()}: {value}"
            for name, value in list(answer.headers.items())[:_MOST_HEADERS]
        ),
    ]
    body = _body(answer)
    return "\n".join([*lines, *(["", body] if body else [])])


def _body(answer: requests.Response) -> str:
    """The beginning of a text, the size of anything else; empty where it was not read to its end.

    To read it here would wait for an answer that somebody left on purpose.
    """
    if not getattr(answer.raw, "isclosed", lambda: False)():
        return ""
    try:
        content = answer.content
    except RuntimeError:  # it was read piece by piece, and is gone
        return ""
    kind = answer.headers.get("content-type", "")
    if not content or (not any(word in kind for word in _TEXTS) and b"\0" in content[:512]):
        return f"({len(content):,} bytes)" if content else ""
    text = content[: 4 * _LONGEST_BODY].decode("utf-8", "backslashreplace")
    if len(text) <= _LONGEST_BODY:
        return text
    return f"{text[:_LONGEST_BODY]}\n({len(content):,} bytes in all)"
