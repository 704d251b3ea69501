"""What the journal knows of a request, as far as it can be sent again. Knows no pages.

Bodies are not kept: a file is `@NAME`, the key is `$KIE_API_KEY`. What an upload was called is in
the journal, and the digests of its fields tell which part of it each of them was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from blake3 import blake3

from mockkie.journal import Entry, Field
from mockkie.secrecy import REDACTED

KEY: Final = "KIE_API_KEY"
NAME: Final = "NAME"
_MADE: Final = frozenset(
    "host content-length transfer-encoding connection accept-encoding user-agent expect "
    "sec-fetch-site sec-fetch-mode sec-fetch-dest sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform "
    "origin referer accept-language priority traceparent dnt pragma cache-control".split()
)
"""What clients and browsers say by themselves: it would be wrong of another one."""
_ANYTHING: Final = ("accept", "*/*")
_LONGEST: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Part:
    """A field of the body to be sent: a `text`, or a file from the disk (`text` None)."""

    name: str
    text: str | None
    filename: str | None = None
    content_type: str | None = None
    is_json: bool = False


def sent_headers(entry: Entry) -> list[tuple[str, str]]:
    """The headers that its sender chose; secrets are `$KIE_API_KEY`."""
    kept = []
    for name, value in entry.headers:
        if name in _MADE or (name, value) == _ANYTHING:
            continue
        if name == "content-type" and (entry.fields or is_form(entry)):
            continue  # the client sets it, with a boundary of its own
        kept.append((name, value.replace(REDACTED, f"${KEY}")))
    return kept


def is_form(entry: Entry) -> bool:
    """Whether the body was a form; else it was JSON, if there was one."""
    return dict(entry.headers).get("content-type", "").lower().startswith("multipart/")


def sent_parts(entry: Entry) -> list[Part]:
    """The fields of the body, as it was understood."""
    return [_part(entry, field) for field in entry.fields]


def _part(entry: Entry, field: Field) -> Part:
    if field.kind == "file":
        return Part(field.name, None, field.filename, field.content_type)
    is_json = field.kind == "json"
    for candidate in _candidates(entry, field):
        written = orjson.dumps(candidate) if is_json else str(candidate).encode()
        if len(written) == field.size and blake3(written).hexdigest() == field.digest:
            text = None if candidate is None else str(candidate)
            return Part(field.name, "null" if text is None else text, is_json=candidate is None)
    return Part(field.name, f"<{field.name}, {field.size:,} bytes>")


def _candidates(entry: Entry, field: Field) -> Sequence[Any]:
    """What a field may have been: a part of the path that was asked for, a name, or nothing."""
    steps = (entry.path or "").split("/")
    halves = [
        half
        for cut in range(len(steps) + 1)
        for half in ("/".join(steps[:cut]), "/".join(steps[cut:]))
    ]
    names = [known.filename for known in entry.fields if known.filename]
    return [*halves, *names, "", None] if field.size < _LONGEST else []
