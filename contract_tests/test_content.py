"""What was uploaded is what is read, whichever way it came: the simplest promise of the API."""

from __future__ import annotations

import base64
from itertools import permutations
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, example, given, seed, settings
from hypothesis import strategies as st

from mockkie.harness import forms
from mockkie.harness.target import Plan, Target

from .calls import BASE64, ROUTES, STREAM, URL, Fields, accepted, as_stream, expect, reads

KIB: Final = 1_024
MIB: Final = 1_024 * KIB
EVERY_BYTE: Final = bytes(range(256))
CONTENTS: Final = {
    "empty": b"",
    "one-byte": b"a",
    "nul": b"\0",
    "nul-inside": b"before\0behind",
    "cr": b"\r",
    "lf": b"\n",
    "crlf": b"\r\n",
    "crlf-at-the-end": b"text\r\n",
    "two-line-ends": b"text\r\n\r\n",
    "lone-lf": b"one\ntwo\nthree\n",
    "dashes": b"--",
    "crlf-dashes": b"\r\n--",
    "nearly-boundary": b"\r\n--" + forms.BOUNDARY[:-1].encode() + b"\r\n",
    "boundary-without-line": b"x--" + forms.BOUNDARY.encode() + b"--",
    "another-boundary": b"\r\n--another-boundary--\r\n",
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
    "percent": b"%41%0D%0A+",
    "gzip": b"\x1f\x8b\x08\x00" + bytes(20),
}
EDGES: Final = [4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB, 256 * KIB, MIB]
SIZES: Final = sorted({edge + more for edge in EDGES for more in (-1, 0, 1)} | {5 * MIB + 1})
LARGE: Final = [10 * MIB + 1, 32 * MIB + 7]
PLAN: Final = Plan.of_environment()
FULL: Final = PLAN.full
SIZED: Final = [
    (route, size)
    for route in ROUTES
    for size in (*SIZES, *LARGE)
    if FULL or (size not in LARGE and (route == "stream" or size in (64 * KIB + 1, 5 * MIB + 1)))
]


def many(size: int) -> bytes:
    """Bytes of that number in which every place differs from those around it."""
    block = b"".join(number.to_bytes(4, "big") for number in range(16_411))
    return (block * (size // len(block) + 1))[:size]


def fields_in(target: Target, name: str = "content.bin") -> Fields:
    """A new folder, and a name in it."""
    return {"uploadPath": target.folder(), "fileName": name}


@pytest.mark.clause("content.byte-exact", "metadata.size")
@pytest.mark.parametrize("kind", [kind for kind in CONTENTS if CONTENTS[kind]])
@pytest.mark.parametrize("route", ROUTES if FULL else ("stream", "base64"))
def test_contents_come_back(target: Target, route: str, kind: str) -> None:
    """Contents that somebody could take for something else, by every route."""
    content = CONTENTS[kind]
    data = accepted(ROUTES[route](target, content, fields_in(target)))
    size = len(content)
    expect(data["fileSize"] == size, f"fileSize of {size} bytes is {data['fileSize']}")
    reads(target, data["downloadUrl"], content)


@pytest.mark.clause("content.zero-byte")
@pytest.mark.parametrize("route", ["stream", "url"])
def test_an_empty_file_is_a_file(target: Target, route: str) -> None:
    """It has a link, and the size 0."""
    data = accepted(ROUTES[route](target, b"", fields_in(target)))
    expect(data["fileSize"] == 0, f"fileSize of an empty file is {data['fileSize']}")
    reads(target, data["downloadUrl"], b"")


@pytest.mark.clause("content.byte-exact", "metadata.size")
@pytest.mark.parametrize(("route", "size"), SIZED)
def test_sizes_come_back(target: Target, route: str, size: int) -> None:
    """Every size around the edge of a buffer."""
    content = many(size)
    data = accepted(ROUTES[route](target, content, fields_in(target)))
    expect(data["fileSize"] == size, f"fileSize of {size:,} bytes is {data['fileSize']:,}")
    answer = reads(target, data["downloadUrl"], content, f"a link of {size:,} bytes")
    length = answer.headers.get("Content-Length")
    expect(length in (None, str(size)), f"Content-Length of {size:,} bytes is {length}")


@pytest.mark.clause("content.stays")
def test_a_link_leads_to_the_same_each_time(target: Target) -> None:
    """Whoever reads it, and however often."""
    content = many(10_000)
    link = accepted(as_stream(target, content, fields_in(target)))["downloadUrl"]
    for _ in range(4):
        reads(target, link, content, "a link that is read again")
    accepted(as_stream(target, b"other", fields_in(target)))
    reads(target, link, content, "a link that is read again after another upload")


@pytest.mark.clause("stream.field-order")
@pytest.mark.parametrize(
    "order", list(permutations(("file", "uploadPath", "fileName"))), ids="-".join
)
def test_fields_come_in_any_order(target: Target, order: tuple[str, ...]) -> None:
    """The file first, last, or between the others."""
    folder = target.folder()
    known = {
        "file": forms.file(b"in any order"),
        "uploadPath": forms.text("uploadPath", folder),
        "fileName": forms.text("fileName", "n.txt"),
    }
    data = send(target, forms.form([known[name] for name in order]))
    expect(data["fileName"] == "n.txt", f"fileName became {data['fileName']!r}")
    ends = data["filePath"].endswith(f"{folder}/n.txt")
    expect(ends, f"filePath is {data['filePath']!r}, not in the folder of the request")
    reads(target, data["downloadUrl"], b"in any order")


def send(target: Target, body: bytes, media: str = "") -> dict[str, Any]:
    """The facts of an upload whose form was spelled here."""
    kind = forms.content_type(media) if media else forms.content_type()
    return accepted(target.post(STREAM, data=body, headers={"Content-Type": kind}))


@pytest.mark.clause("content.byte-exact")
@pytest.mark.parametrize("head", forms.HEADS)
def test_heads_of_the_file_mean_the_same(target: Target, head: str) -> None:
    """However a client spells the head of the file's part."""
    content = "grüße\r\n".encode("latin-1")
    parts = [forms.text("uploadPath", target.folder()), forms.file(content, forms.HEADS[head])]
    reads(target, str(send(target, forms.form(parts))["downloadUrl"]), content)


@pytest.mark.clause("content.byte-exact")
@pytest.mark.parametrize("media", forms.MEDIA)
def test_media_types_mean_the_same(target: Target, media: str) -> None:
    """However a client spells the media type of the form."""
    parts = [forms.text("uploadPath", target.folder()), forms.file(EVERY_BYTE)]
    data = send(target, forms.form(parts), forms.MEDIA[media])
    reads(target, str(data["downloadUrl"]), EVERY_BYTE)


@pytest.mark.clause("content.byte-exact")
@pytest.mark.parametrize("kind", ["preamble", "epilogue", "no-line-at-the-end"])
def test_what_stands_around_a_form_does_not_matter(target: Target, kind: str) -> None:
    """It is in no file."""
    parts = [forms.file(b"inside"), forms.text("uploadPath", target.folder())]
    before = b"This is a form.\r\n" if kind == "preamble" else b""
    behind = {"epilogue": b"\r\nand this is behind it", "no-line-at-the-end": b""}.get(
        kind, b"\r\n"
    )
    data = send(target, forms.form(parts, before, behind))
    reads(target, str(data["downloadUrl"]), b"inside")


@pytest.mark.clause("content.byte-exact")
@pytest.mark.parametrize("size", [1, 7, 1_000, 65_536])
def test_chunked_bodies(target: Target, size: int) -> None:
    """A body whose length nobody knows before, in pieces of any size."""
    content = many(300 if size < 1_000 else 150_000)
    parts = [forms.text("uploadPath", target.folder()), forms.file(content)]
    body = forms.form(parts)
    headers = {"Content-Type": forms.content_type()}
    answer = target.post(STREAM, data=forms.pieces(body, size), headers=headers)
    reads(target, accepted(answer)["downloadUrl"], content)


DATA_URLS: Final = {
    "type": "data:image/png;base64,",
    "charset": "data:text/plain;charset=utf-8;base64,",
    "long-type": "data:application/vnd.oasis.opendocument.text-template;base64,",
}


@pytest.mark.clause("base64.data-url", "content.byte-exact", "metadata.size")
@pytest.mark.parametrize("kind", DATA_URLS)
def test_data_urls(target: Target, kind: str) -> None:
    """What stands before the comma is no content."""
    content = EVERY_BYTE + b"data"
    text = DATA_URLS[kind] + base64.b64encode(content).decode()
    data = accepted(target.post(BASE64, json={"base64Data": text, **fields_in(target)}))
    size = len(content)
    expect(
        data["fileSize"] == size, f"fileSize of {size} bytes in a data URL is {data['fileSize']}"
    )
    reads(target, data["downloadUrl"], content)


@pytest.mark.clause("base64.data-url", "content.byte-exact")
@pytest.mark.parametrize("size", range(7))
def test_base64_of_every_padding(target: Target, size: int) -> None:
    """Contents whose base64 ends with none, one and two signs of padding."""
    content = b"\xfb\xff\xfe\xfa\xf0/+"[: size + 1]
    reads(
        target,
        accepted(ROUTES["base64"](target, content, fields_in(target)))["downloadUrl"],
        content,
    )


@pytest.mark.clause("url.fetched", "metadata.size")
@pytest.mark.parametrize("name", ["a b.txt", "ä#?.txt", "plain.bin"])
def test_a_link_is_fetched_by_its_url(target: Target, name: str) -> None:
    """Of files with any name; the copy stays when the source changes."""
    fields = fields_in(target, name)
    link = accepted(as_stream(target, b"source", fields))["downloadUrl"]
    copy = {"fileUrl": link, "uploadPath": target.folder(), "fileName": "copy.txt"}
    data = accepted(target.post(URL, json=copy))
    reads(target, data["downloadUrl"], b"source", "the link of a copy")
    accepted(as_stream(target, b"changed", fields))
    reads(target, data["downloadUrl"], b"source", "the link of a copy whose source has changed")


@seed(PLAN.seed)
@settings(
    max_examples=300 if FULL else 25,
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
    expect(data["fileSize"] == len(content), f"fileSize of {len(content)} is {data['fileSize']}")
    reads(target, data["downloadUrl"], content)
