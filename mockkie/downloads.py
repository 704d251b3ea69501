"""Reading a file back: ranges and conditions (RFC 9110). Knows nothing of the document."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final, Self

from starlette.datastructures import Headers

from mockkie.clock import SECOND, from_datetime, http_date
from mockkie.problems import Problem
from mockkie.settings import Settings
from mockkie.store import Reading, StoredFile
from mockkie.wire import Answer

_RANGE: Final = re.compile(r"\s*bytes\s*=\s*+(\d*)\s*+-\s*+(\d*)\s*", re.IGNORECASE | re.ASCII)
_DIGITS: Final = 18  # of an offset: more than any file has, fewer than an int can be read from
_TAGS: Final = re.compile(r'(W/)?"([^"]*)"')

_INERT: Final = re.compile(
    r"(?:image|audio|video|font)/(?!.*xml)[\w.+-]+|text/(?:plain|css|csv|markdown|javascript)"
    r"|application/(?:octet-stream|json|pdf|zip|gzip|msword|vnd\.(?!.*xml\b)[\w.+-]+)"
)
"""What browsers run no scripts of, nor look into to see whether it is HTML after all."""
_ALONE: Final[Mapping[str, str]] = {
    "content-security-policy": "sandbox allow-scripts",
    "x-content-type-options": "nosniff",
}
"""Links may be of the mock's own origin, where the control API is: a page gets one of its own.

Assumed: nothing is known of what the API sends here; clients that are no browsers pass it over.
"""


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from `start` up to `stop` of a file of `size`."""

    start: int
    stop: int
    size: int

    @property
    def whole(self) -> bool:
        """Whether it is all of the file."""
        return self.start == 0 and self.stop == self.size


def etag(file: StoredFile) -> str:
    """A strong validator: equal for equal bytes, different for different ones."""
    return f'"{file.digest[:32]}"'


def answer(
    file: StoredFile, request: Headers, method: str, settings: Settings
) -> tuple[Answer, Span | None]:
    """The answer to GET or HEAD of a live file, and which of its bytes are still to be put in.

    Raises `range-not-satisfiable`.
    """
    tagged, ranges = settings.etags == "send", settings.ranges == "serve"
    headers = {
        **({"etag": etag(file)} if tagged else {}),
        "last-modified": http_date(file.uploaded_at),
        "accept-ranges": "bytes" if ranges else "none",
    }
    if settings.cache_control:
        headers["cache-control"] = settings.cache_control
    if not_modified(file, request, tagged=tagged):
        return Answer(304, headers), None
    headers["content-type"] = file.mime
    if not _INERT.fullmatch(file.mime):
        headers |= _ALONE
    span = Span(0, file.size, file.size)
    ranged = requested_span(file, request, tagged=tagged) if ranges and method == "GET" else None
    if ranged is not None:
        span = ranged
        headers["content-range"] = f"bytes {span.start}-{span.stop - 1}/{span.size}"
    known = Answer(206 if ranged else 200, headers, length=span.stop - span.start)
    return known, None if method == "HEAD" else span


def not_modified(file: StoredFile, request: Headers, *, tagged: bool = True) -> bool:
    """Whether the client's copy is good: If-None-Match, or else If-Modified-Since.

    Who sends no ETag (not `tagged`) knows none of the former.
    """
    tags = request.getlist("if-none-match") if tagged else []
    if tags:
        ours = etag(file)[1:-1]
        listed = ", ".join(tags)
        return listed.strip() == "*" or any(tag == ours for _, tag in _TAGS.findall(listed))
    since = _parse_date(request.get("if-modified-since"))
    return since is not None and file.uploaded_at // SECOND * SECOND <= since


def requested_span(file: StoredFile, request: Headers, *, tagged: bool = True) -> Span | None:
    """The one range that is asked for; None to answer with the whole file."""
    match = _RANGE.fullmatch(", ".join(request.getlist("range")))
    if match is None or not (match[1] or match[2]) or not _if_range(file, request, tagged=tagged):
        return None
    first, last = _offset(match[1]), _offset(match[2])
    if first is None:
        if last and not file.size:
            return None  # the last bytes of nothing: satisfiable, but no Content-Range can say so
        start, stop = max(file.size - (last or 0), 0), file.size
    elif last is not None and _order(match[2]) < _order(match[1]):
        return None
    else:
        start, stop = first, file.size if last is None else min(last + 1, file.size)
    if start >= stop:
        why = f"the file has {file.size:,} bytes, the range starts at {start:,}"
        raise Problem(
            "range-not-satisfiable", why, headers={"content-range": f"bytes */{file.size}"}
        )
    return Span(start, stop, file.size)


def _if_range(file: StoredFile, request: Headers, *, tagged: bool) -> bool:
    condition = request.get("if-range")
    if condition is None or (tagged and condition.strip() == etag(file)):
        return True
    return _parse_date(condition) == file.uploaded_at // SECOND * SECOND


def _offset(digits: str) -> int | None:
    significant = digits.lstrip("0")
    if len(significant) > _DIGITS:
        return 10**_DIGITS
    return int(significant or "0") if digits else None


def _order(digits: str) -> tuple[int, str]:
    """What sorts numbers of any length."""
    significant = digits.lstrip("0")
    return len(significant), significant


def _parse_date(text: str | None) -> int | None:
    """The instant of a date in any of the three forms of HTTP; None for what is none."""
    try:
        moment = None if text is None else parsedate_to_datetime(text)
        if moment is None:
            return None
        return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


class FilePieces:
    """The bytes of a span of a file; closes the reading."""

    def __init__(self, reading: Reading, span: Span) -> None:
        self._reading = reading
        self._pieces = reading.pieces(span.start, span.stop)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        """Let go of the version."""
        if isinstance(self._pieces, AsyncGenerator):
            await self._pieces.aclose()
        await self._reading.close()
