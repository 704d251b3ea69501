"""However a client spells a form, the file in it is the same."""

from __future__ import annotations

import gzip
from itertools import permutations
from typing import Any, Final

import pytest
import requests

from mockkie.harness import forms
from mockkie.harness.api import STREAM
from mockkie.harness.sent import counted
from mockkie.harness.session import NotJudgedError
from mockkie.harness.target import Target

from .calls import accepted, expect, reads, sized
from .test_content import EVERY_BYTE, PIXEL, fields_in

TYPED: Final = {
    "text": ("text/plain", "t.txt", b"one\ntwo\r\nthree \x80\xff\n\n"),
    "text-cut": ("text/plain", "t.txt", b"one\0two\x1athree"),
    "text-without-end": ("text/plain", "t.txt", b"one\ntwo \xe9"),
    "html": ("text/html; charset=utf-8", "t.html", b"<p>\xe9<script>1</script></p>\n"),
    "json": ("application/json", "t.json", b'{"a": 1}\n'),
    "png": ("image/png", "t.png", PIXEL + b"\n"),
    "gzip": ("application/gzip", "t.gz", gzip.compress(b"packed", mtime=0) + b"\n"),
}


@pytest.mark.clause("content.byte-exact", "metadata.size")
@pytest.mark.parametrize("kind", TYPED)
def test_typed_parts_come_back(target: Target, kind: str) -> None:
    """What a client says of the type of a part changes nothing in its bytes."""
    media, name, content = TYPED[kind]
    files = {"file": (name, content, media)}
    data = accepted(target.post(STREAM, files=files, data=fields_in(target, name)))
    reads(target, data["downloadUrl"], content)
    sized(data, content)


@pytest.mark.clause("stream.field-order")
@pytest.mark.parametrize(
    "order", list(permutations(("file", "uploadPath", "fileName"))), ids="-".join
)
def test_fields_come_in_any_order(target: Target, order: tuple[str, ...]) -> None:
    """The file first, last, or between the others; texts may say that they are texts."""
    folder = target.folder()
    kind = "text/plain; charset=utf-8" if order[0] == "file" else ""
    known = {
        "file": forms.file(b"in any order"),
        "uploadPath": forms.text("uploadPath", folder, kind),
        "fileName": forms.text("fileName", "n.txt", kind),
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
    parts = [forms.text("uploadPath", target.folder()), forms.file(b"inside")]
    before = b"This is a form.\r\n" if kind == "preamble" else b""
    behind = {"epilogue": b"\r\nand this is behind it", "no-line-at-the-end": b""}.get(
        kind, b"\r\n"
    )
    data = send(target, forms.form(parts, before, behind))
    reads(target, str(data["downloadUrl"]), b"inside")


LOOK_ALIKES: Final = {
    "shorter": b"\r\n--" + forms.BOUNDARY[:-1].encode() + b"\r\n",
    "shorter-and-closed": b"\r\n--" + forms.BOUNDARY[:-1].encode() + b"--\r\n",
    "one-dash": b"\r\n-" + forms.BOUNDARY.encode() + b"\r\n",
    "inside-a-line": b"x--" + forms.BOUNDARY.encode() + b"--\r\n",
    "another-case": b"\r\n--" + forms.BOUNDARY.upper().encode() + b"\r\n",
    "head-look-alike": b'\r\nContent-Disposition: form-data; name="uploadPath"\r\n\r\nx',
}


@pytest.mark.clause("content.byte-exact")
@pytest.mark.parametrize("kind", LOOK_ALIKES)
def test_what_looks_like_the_boundary_is_content(target: Target, kind: str) -> None:
    """Lines that are nearly the boundary of their own form, at the end of it and within."""
    content = b"before" + LOOK_ALIKES[kind] + b"behind" + LOOK_ALIKES[kind][:-2]
    parts = [forms.text("uploadPath", target.folder()), forms.file(content)]
    data = send(target, forms.form(parts))
    reads(target, str(data["downloadUrl"]), content)
    sized(data, content)


@pytest.mark.clause("content.byte-exact")
@pytest.mark.parametrize("size", [10, 100_000])
def test_a_client_that_asks_first_may_go_on(target: Target, size: int) -> None:
    """`Expect: 100-continue`, as curl sends it with larger bodies."""
    content, fields = counted(size), fields_in(target)
    answer = target.post(
        STREAM,
        files={"file": ("upload.dat", content)},
        data=dict(fields),
        headers={"Expect": "100-continue"},
    )
    reads(target, accepted(answer)["downloadUrl"], content)


@pytest.mark.clause("content.byte-exact", "metadata.size")
@pytest.mark.parametrize("size", [1, 7, 1_000, 65_536])
def test_chunked_bodies(target: Target, size: int) -> None:
    """A body whose length nobody knows before, in pieces of any size."""
    content = counted(300 if size < 1_000 else 150_000)
    parts = [forms.text("uploadPath", target.folder()), forms.file(content)]
    body = forms.form(parts)
    headers = {"Content-Type": forms.content_type()}
    answer = target.post(STREAM, data=forms.pieces(body, size), headers=headers)
    if answer.status_code == requests.codes.length_required:
        raise NotJudgedError("it wants to know the length of a body before (411)")
    data = accepted(answer)
    reads(target, data["downloadUrl"], content)
    sized(data, content)
