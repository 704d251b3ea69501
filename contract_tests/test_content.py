"""What was uploaded is what is read, whichever way it came: the simplest promise of the API."""

from __future__ import annotations

import base64
import gzip
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, example, given, seed, settings
from hypothesis import strategies as st

from mockkie.harness import forms
from mockkie.harness.plan import Plan
from mockkie.harness.sent import counted
from mockkie.harness.target import Target

from .calls import ROUTES, Fields, accepted, as_stream, expect, reads, sized

PLAN: Final = Plan.of_environment()
FULL: Final = PLAN.full
KIB: Final = 1_024
MIB: Final = 1_024 * KIB
EVERY_BYTE: Final = bytes(range(256))
PIXEL: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
CONTENTS: Final = {
    "empty": b"",
    "one-byte": b"a",
    "nul": b"\0",
    "nul-inside": b"before\0behind",
    "text-with-nul": b"a text\0 with more behind it\n",
    "cr": b"\r",
    "lf": b"\n",
    "crlf": b"\r\n",
    "crlf-at-the-end": b"text\r\n",
    "two-line-ends": b"text\r\n\r\n",
    "lone-lf": b"one\ntwo\nthree\n",
    "crlf-dashes": b"\r\n--",
    "nearly-boundary": b"\r\n--" + forms.BOUNDARY[:-1].encode() + b"\r\n",
    "every-byte": EVERY_BYTE * 3,
    "utf-8": "grüße, 日本語, 😀".encode(),
    "utf-16": "grüße".encode("utf-16"),
    "latin-1": "grüße".encode("latin-1"),
    "bom": b"\xef\xbb\xbftext",
    "spaces": b"  text  ",
    "base64-text": b"aGVsbG8=",
    "data-url-text": b"data:text/plain;base64,aGVsbG8=",
    "json": b'{"success": false, "code": 500}',
    "html": b"<script>alert(1)</script>",
    "gzip": gzip.compress(b"packed", mtime=0),
    "zip": b"PK\x05\x06" + bytes(18),
    "png-and-more": PIXEL + b"behind the end",
    "jpeg-and-more": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xd9behind the end",
    "pdf-and-more": b"%PDF-1.7\n%%EOF\n\0behind the end",
    "mp3": b"ID3\4\0\0\0\0\0\0" + EVERY_BYTE,
    "nuls-at-the-end": b"text" + bytes(5),
    "white-space": b" \t\r\n\x0b\x0c ",
    "ctrl-z": b"before\x1abehind",
    "percent-and-plus": b"a=1&b=%00+c",
}
WITHOUT_BASE64: Final = frozenset(
    "one-byte cr lf crlf-dashes nearly-boundary lone-lf "
    "percent-and-plus zip mp3 json html ctrl-z spaces crlf gzip "
    "base64-text utf-16 latin-1 text-with-nul bom utf-8 crlf-at-the-end "
    "two-line-ends nul-inside pdf-and-more".split()
)
"""What only a form could misread: in a quick run it is not sent as base64."""
EDGES: Final = [4 * KIB, 8 * KIB, 64 * KIB, MIB]
FURTHER_EDGES: Final = [KIB, 16 * KIB, 32 * KIB, 128 * KIB, 256 * KIB, 512 * KIB, 2 * MIB]
SIZES: Final = sorted(
    {edge + more for edge in EDGES + FURTHER_EDGES * FULL for more in (-1, 0, 1)} | {5 * MIB + 1}
)
LARGE: Final = [10 * MIB + 1, 32 * MIB + 7]
SIZED: Final = [
    (route, size)
    for route in ROUTES
    for size in (*SIZES, *LARGE)
    if FULL or (size not in LARGE and (route == "stream" or size in (64 * KIB + 1, 5 * MIB + 1)))
]


def fields_in(target: Target, name: str = "content.bin") -> Fields:
    """A new folder, and a name in it."""
    return {"uploadPath": target.folder(), "fileName": name}


@pytest.mark.clause("content.byte-exact", "metadata.size")
@pytest.mark.parametrize(
    ("route", "kind"),
    [
        (route, kind)
        for route in (ROUTES if FULL else ("stream", "base64"))
        for kind in CONTENTS
        if CONTENTS[kind] and (FULL or route == "stream" or kind not in WITHOUT_BASE64)
    ],
)
def test_contents_come_back(target: Target, route: str, kind: str) -> None:
    """Contents that somebody could take for something else, by every route."""
    content = CONTENTS[kind]
    name = "content.bin" if route == "base64" else "content.txt"
    data = accepted(ROUTES[route](target, content, fields_in(target, name)))
    reads(target, data["downloadUrl"], content)
    sized(data, content)


@pytest.mark.clause("content.zero-byte")
@pytest.mark.parametrize("route", ["stream", "url"])
def test_an_empty_file_is_a_file(target: Target, route: str) -> None:
    """It has a link, and the size 0."""
    data = accepted(ROUTES[route](target, b"", fields_in(target)))
    reads(target, data["downloadUrl"], b"")
    sized(data, b"")


@pytest.mark.clause("content.byte-exact", "metadata.size")
@pytest.mark.parametrize(("route", "size"), SIZED)
def test_sizes_come_back(target: Target, route: str, size: int) -> None:
    """Every size around the edge of a buffer."""
    content = counted(size)
    data = accepted(ROUTES[route](target, content, fields_in(target)))
    reads(target, data["downloadUrl"], content, f"a link of {size:,} bytes")
    sized(data, content)


@pytest.mark.clause("content.stays")
def test_a_link_leads_to_the_same_each_time(target: Target) -> None:
    """Whoever reads it, and however often."""
    content = counted(10_000)
    link = accepted(as_stream(target, content, fields_in(target)))["downloadUrl"]
    for _ in range(4):
        reads(target, link, content, "a link that is read again")
    accepted(as_stream(target, b"other", fields_in(target)))
    reads(target, link, content, "a link that is read again after another upload")


READERS: Final = {
    "json": {"Accept": "application/json"},
    "browser": {"Accept": "text/html,application/xhtml+xml,image/avif,*/*;q=0.8"},
    "identity": {"Accept-Encoding": "identity"},
    "gzip": {"Accept-Encoding": "gzip, br"},
    "curl": {"User-Agent": "curl/8.5.0", "Accept": "*/*"},
    "page": {"Origin": "https://example.com", "Referer": "https://example.com/a"},
}


@pytest.mark.clause("content.stays")
def test_whoever_reads_gets_the_same(target: Target) -> None:
    """Whatever a client says that it likes."""
    content = b"just some text, and the same again\n" * 200
    link = accepted(as_stream(target, content, fields_in(target, "read.txt")))["downloadUrl"]
    for kind, headers in READERS.items():
        answer = target.get(link, headers=headers)
        same = answer.content == content
        expect(same, f"a reader ({kind}) is answered {answer.status_code} with other bytes")
        packed = answer.headers.get("Content-Encoding", "identity") != "identity"
        refused = packed and kind == "identity"
        expect(not refused, "who refuses packed bytes is given packed ones")


@seed(PLAN.seed)
@settings(
    max_examples=300 if FULL else 4,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    content=st.binary(max_size=400)
    | st.lists(st.sampled_from(list(CONTENTS.values()))).map(b"".join),
    route=st.sampled_from(list(ROUTES)),
)
@example(content=b"\r\n--" + forms.BOUNDARY.encode()[:20], route="stream")
@pytest.mark.clause("content.byte-exact", "metadata.size")
def test_any_content_comes_back(target: Target, content: bytes, route: str) -> None:
    """What nobody thought of, by every route."""
    target.begin()
    content = content or b"-"
    data = accepted(ROUTES[route](target, content, fields_in(target)))
    reads(target, data["downloadUrl"], content)
    sized(data, content)
