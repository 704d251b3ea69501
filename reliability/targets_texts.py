"""What comes in headers: ranges, conditions, keys, hosts."""

from __future__ import annotations

import re
from functools import partial
from typing import Any, Final

from starlette.datastructures import Headers

from mockkie import links
from mockkie.auth import credential
from mockkie.downloads import etag, not_modified, requested_span
from mockkie.gate import judge_host, judge_page
from mockkie.hosts import join_authority, split_authority
from mockkie.jsonapi import Refused
from mockkie.problems import Problem
from mockkie.security import Scheme
from mockkie.store import StoredFile
from mockkie.wire import Request
from mockkie.worlds import DEFAULT_KEY
from reliability.target import Check, Target, hold, line_of, split_off, text_of

_FILE: Final = StoredFile("1", "a/b", "b", 0, "x/y", "0" * 64, 1_735_732_800_123, 1_735_999_999_999)
_RANGE: Final = re.compile(r"(?i)[ \t]*bytes[ \t]*=[ \t]*([0-9]*)[ \t]*-[ \t]*([0-9]*)[ \t]*")
_ORIGIN: Final = re.compile(r"https?://(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")


def ranges() -> Check:
    """`Range` against a slice of Python."""

    def check(data: bytes) -> None:
        size, header = data[0] if data else 0, line_of(data[1:])
        file, content = replace_size(size), bytes(range(size))
        request = Headers(raw=[(b"range", header.encode("latin-1"))])
        wanted = _slice(header, content)
        try:
            span = requested_span(file, request)
        except Problem as problem:
            hold(problem.name == "range-not-satisfiable", problem.name)
            hold(wanted == b"", "refused", header, size)
            hold(problem.headers["content-range"] == f"bytes */{size}", problem.headers)
            return
        if span is None:
            hold(wanted is None or (wanted == b"" and size == 0), "the whole file", header, size)
        else:
            hold(0 <= span.start < span.stop <= size == span.size, "outside of it", header, size)
            hold(content[span.start : span.stop] == wanted, "other bytes", header, size, span)

    return check


def replace_size(size: int) -> StoredFile:
    """A file of so many bytes."""
    return _FILE._replace(size=size)


def _slice(header: str, content: bytes) -> bytes | None:
    """The bytes that a range means, none for one that cannot be had; None: it means nothing."""
    match = _RANGE.fullmatch(header)
    if match is None or match[1] == match[2] == "":
        return None
    first, last = (match[1].lstrip("0") or "0"), (match[2].lstrip("0") or "0")
    if not match[1]:
        return content[-min(int(last[:9]), len(content)) :] if last != "0" else b""
    if match[2] and (len(last), last) < (len(first), first):
        return None
    start = int(first[:9]) if len(first) < 9 else 10**9  # noqa: PLR2004 - more than any has
    stop = (int(last) if len(last) < 9 else 10**9) + 1 if match[2] else None  # noqa: PLR2004 - the same
    return content[start:stop]


def conditions() -> Check:
    """`If-None-Match`, `If-Modified-Since` and `If-Range`."""
    names = (b"if-none-match", b"if-modified-since", b"if-range", b"if-none-match")
    ours = etag(_FILE)

    def check(data: bytes) -> None:
        values = [line_of(piece) for piece in split_off(data, 4)]
        raw = [
            (name, value.encode("latin-1"))
            for name, value in zip(names, values, strict=True)
            if value
        ]
        request = Headers(raw=[*raw, (b"range", b"bytes=0-1")])
        file = replace_size(9)
        for tagged in (True, False):
            unchanged = not_modified(file, request, tagged=tagged)
            listed = [values[0], values[3]]
            if (
                tagged
                and any(listed)
                and not any(ours[1:-1] in one or "*" in one for one in listed)
            ):
                hold(not unchanged, "a copy is good that is another file's", raw)
            span = requested_span(file, request, tagged=tagged)
            if span is None:
                hold(values[2], "the range was passed over")

    return check


def keys() -> Check:
    """Which key a request carries."""
    schemes = [
        Scheme("bearer", "header", "authorization"),
        Scheme("apiKey", "header", "authorization"),
        Scheme("apiKey", "query", "key"),
        Scheme("apiKey", "cookie", "key"),
    ]

    def check(data: bytes) -> None:
        first, second, query = (line_of(piece) for piece in split_off(data, 3))
        raw = [(b"authorization", first.encode("latin-1")), (b"cookie", query.encode("latin-1"))]
        raw += [(b"authorization", second.encode("latin-1"))] if second else []
        request = _request(raw, query.encode("latin-1"))
        for scheme in schemes:
            key, why = credential(scheme, request)
            hold((key is None) == bool(why), key, why)
            if scheme.where == "header":
                hold(key is None or (not second and key in first), "of nowhere", key)
            else:
                hold(key is None or key, "an empty key")

    return check


def _request(raw: list[tuple[bytes, bytes]], query: bytes = b"") -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": "/", "raw_path": b"/", "headers": raw}
    return Request({**scope, "query_string": query}, receive)


def hosts() -> Check:
    """Whom a request says it is for, and what comes of it."""
    names = (b"host", b"x-forwarded-host", b"x-forwarded-proto", b"origin", b"sec-fetch-site")

    def check(data: bytes) -> None:
        values = [line_of(piece).encode("latin-1") for piece in split_off(data, len(names))]
        raw = [(name, value) for name, value in zip(names, values, strict=True) if value]
        scope = {"type": "http", "method": "POST", "headers": raw, "server": ("127.0.0.1", 80)}
        origin = links.request_origin(scope, Headers(raw=raw))
        hold(_ORIGIN.fullmatch(origin), "no origin", origin)
        hold(links.with_port(origin, 443), origin)
        for judge in (partial(judge_host, scope, ()), partial(judge_page, scope)):
            try:
                judge()
            except Refused as refused:
                hold(refused.status in (400, 403), refused.status)
        known = split_authority(text_of(values[0]), 80)
        if known is not None:
            hold(split_authority(join_authority(*known)) == known, "another host", known)

    return check


_PIPES: Final = (b"|", b"\xc3\xa9", b"%", b"\\", b'"')
LINES: Final = (
    Target(
        "ranges",
        "a Range is the slice that RFC 9110 says, or the whole file, or refused",
        *(ranges, 1900, 60, (b"bytes=", b"-", b"0", b"9999999999999999999", b" ", b",")),
    ),
    Target(
        "conditions",
        "conditional headers of strangers never make another file's copy good",
        *(
            conditions,
            400,
            200,
            (*_PIPES, b'W/"', b"*", b"Wed, 01 Jan 2025 12:00:00 GMT", b"0" * 32),
        ),
    ),
    Target(
        "keys",
        "a key is what one header, parameter or cookie carries, or there is none",
        *(keys, 400, 120, (*_PIPES, b"Bearer ", b"key=", b"; ", b"&", DEFAULT_KEY.encode())),
    ),
    Target(
        "hosts",
        "a link has a host that can be one, whatever the headers say",
        *(hosts, 200, 200, (*_PIPES, b"localhost:80", b"[::1]", b"https", b"@", b"same-origin")),
    ),
)
