"""What an upload is answered with is true, and agrees with its download."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import pytest
import requests

from mockkie.harness.session import NotJudgedError
from mockkie.harness.target import Target

from .calls import BASE64, ROUTES, STREAM, THREE, accepted, as_stream, expect, instant, reads

SLACK: Final = timedelta(seconds=5)
CONTENTS: Final = {
    "image/png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0\x90wS\xde",
    "image/jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + bytes(30),
    "image/gif": b"GIF89a\1\0\1\0\0\0\0;" + bytes(20),
    "application/pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(30),
    "application/zip": b"PK\3\4\x14\0\0\0\0\0" + bytes(40),
}
EXTENSIONS: Final = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "application/pdf": "pdf",
    "application/zip": "zip",
}
TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+", re.IGNORECASE)


def essence(media: str) -> str:
    """A media type without parameters."""
    return media.partition(";")[0].strip().lower()


def date_of(answer: requests.Response) -> datetime:
    """The moment that an answer itself names; without it nothing can be compared."""
    text = answer.headers.get("Date")
    if text is None:
        raise NotJudgedError("its answers carry no Date to compare with")
    return parsedate_to_datetime(text)


@pytest.mark.clause("metadata.type", "metadata.type-is-served")
@pytest.mark.parametrize("kind", CONTENTS)
@pytest.mark.parametrize("route", THREE)
def test_a_common_type_is_identified(target: Target, route: str, kind: str) -> None:
    """By content and name alike, in the answer and by the link."""
    fields = {"uploadPath": target.folder(), "fileName": f"sample.{EXTENSIONS[kind]}"}
    data = accepted(ROUTES[route](target, CONTENTS[kind], fields))
    found = essence(data["mimeType"])
    right = found == kind or (kind == "application/zip" and found.endswith("zip-compressed"))
    expect(right, f"the mimeType of {fields['fileName']} is {data['mimeType']!r}, not {kind}")
    served = reads(target, data["downloadUrl"], CONTENTS[kind]).headers.get("Content-Type", "")
    same = essence(served) == found
    expect(same, f"a file that was answered as {found} is served as {served!r}")


@pytest.mark.clause("metadata.type", "metadata.type-is-served")
@pytest.mark.parametrize("name", ["a.txt", "a.unknown", "a", "a.html", "a.json"])
def test_any_file_has_a_type(target: Target, name: str) -> None:
    """One that is a media type, and the one that it is served as."""
    fields = {"uploadPath": target.folder(), "fileName": name}
    data = accepted(as_stream(target, b"just some text", fields))
    found = essence(data["mimeType"])
    expect(TYPE.fullmatch(found), f"mimeType is {data['mimeType']!r}")
    served = target.get(data["downloadUrl"]).headers.get("Content-Type", "")
    expect(essence(served) == found, f"answered as {found}, the file is served as {served!r}")


@pytest.mark.clause("metadata.time")
@pytest.mark.parametrize("route", ROUTES)
def test_the_time_of_an_upload(target: Target, route: str) -> None:
    """Is now, and in UTC."""
    folder = target.folder()
    before = date_of(target.get(f"{target.url}/{folder}/none"))
    answer = ROUTES[route](target, b"x", {"uploadPath": folder, "fileName": "now.txt"})
    text = accepted(answer)["uploadedAt"]
    moment, after = instant(text), date_of(answer)
    near = before - SLACK <= moment <= after + SLACK
    expect(near, f"uploadedAt is {text}, between {before} and {after} by its own Date")
    zone = text.endswith(("Z", "+00:00"))
    expect(zone, f"uploadedAt is {text!r}, which is not UTC with Z")


@pytest.mark.clause("metadata.time")
def test_times_do_not_go_back(target: Target) -> None:
    """Of uploads in a row, none is dated before the one before it."""
    folder = target.folder()
    texts = [
        accepted(as_stream(target, b"x", {"uploadPath": folder, "fileName": f"{number}.txt"}))
        for number in range(4)
    ]
    moments = [instant(data["uploadedAt"]) for data in texts]
    expect(moments == sorted(moments), "uploads in a row are dated out of order")


@pytest.mark.clause("metadata.size")
@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 57, 58, 1_000, 65_537])
def test_the_size_of_an_upload(target: Target, size: int) -> None:
    """Counts the bytes of the file, not those of its base64 or its form."""
    content = b"s" * size
    for route in ("stream", "base64") if size else ("stream",):
        fields = {"uploadPath": target.folder(), "fileName": "sized.bin"}
        found = accepted(ROUTES[route](target, content, fields))["fileSize"]
        expect(found == size, f"fileSize of {size:,} bytes by {route} is {found!r}")


@pytest.mark.clause("envelope.success", "envelope.status-is-code")
@pytest.mark.parametrize("route", ROUTES)
def test_a_success_has_its_form(target: Target, route: str) -> None:
    """Six facts of the right kinds, as JSON."""
    answer = ROUTES[route](target, b"x", {"uploadPath": target.folder(), "fileName": "a.txt"})
    data = accepted(answer)
    expect(data["downloadUrl"].startswith(("http://", "https://")), "downloadUrl is no URL")
    kind = essence(answer.headers.get("Content-Type", ""))
    expect(kind == "application/json", f"the answer of an upload is {kind or 'of no type'}")


@pytest.mark.clause("download.head")
def test_head_answers_like_get(target: Target) -> None:
    """With the same headers, without the body."""
    fields = {"uploadPath": target.folder(), "fileName": "head.txt"}
    link = accepted(as_stream(target, b"ten bytes.", fields))["downloadUrl"]
    answer = target.get(link, "HEAD")
    if answer.status_code in (405, 501):
        raise NotJudgedError(f"HEAD is answered {answer.status_code}")
    expect(answer.status_code == requests.codes.ok, f"HEAD is answered {answer.status_code}")
    length = answer.headers.get("Content-Length")
    expect(length in (None, "10"), f"HEAD says that ten bytes are {length}")


@pytest.mark.clause("download.range")
@pytest.mark.parametrize("given", ["bytes=2-4", "bytes=7-", "bytes=-3", "bytes=0-0", "bytes=5-99"])
def test_a_range_is_the_right_part(target: Target, given: str) -> None:
    """Where ranges are understood; the whole file is as good an answer."""
    content = b"0123456789"
    fields = {"uploadPath": target.folder(), "fileName": "range.txt"}
    link = accepted(as_stream(target, content, fields))["downloadUrl"]
    answer = target.get(link, headers={"Range": given})
    first, _, last = given.removeprefix("bytes=").partition("-")
    part = content[int(first) : int(last) + 1 if last else None] if first else content[-int(last) :]
    if answer.status_code == requests.codes.ok:
        expect(answer.content == content, "a range is answered 200 with something else")
        raise NotJudgedError("ranges are answered with the whole file")
    right = (answer.status_code, answer.content) == (requests.codes.partial_content, part)
    expect(right, f"{given} is answered {answer.status_code} with {answer.content[:20]!r}")


@pytest.mark.clause("download.cache-header")
def test_downloads_may_be_cached(target: Target) -> None:
    """As it was logged: for a day."""
    link = accepted(as_stream(target, b"x", {"uploadPath": target.folder()}))["downloadUrl"]
    said = target.get(link).headers.get("Cache-Control", "")
    expect("max-age=86400" in said, f"Cache-Control of a download is {said!r}")


@pytest.mark.clause("hosts.cors")
@pytest.mark.parametrize("path", [STREAM, BASE64])
def test_every_origin_may_upload(target: Target, path: str) -> None:
    """A browser asks first, and is allowed to."""
    asked = {"Origin": "https://example.com", "Access-Control-Request-Method": "POST"}
    answer = target.get(target.url + path, "OPTIONS", headers=asked)
    allowed = answer.headers.get("Access-Control-Allow-Origin")
    expect(allowed in ("*", "https://example.com"), f"a preflight allows {allowed!r}")
