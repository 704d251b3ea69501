"""What an upload is answered with is true, and agrees with its download."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import pytest
import requests

from mockkie.harness.api import BASE64, STREAM, essence
from mockkie.harness.session import NotJudgedError
from mockkie.harness.target import Target

from .calls import ROUTES, THREE, accepted, as_stream, eventually, expect, instant, reads, sized

SLACK: Final = timedelta(seconds=5)
CONTENTS: Final = {
    "image/png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0\x90wS\xde",
    "image/jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + bytes(30),
    "image/gif": b"GIF89a\1\0\1\0\0\0\0;" + bytes(20),
    "application/pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(30),
    "application/zip": b"PK\3\4\x14\0\0\0\0\0" + bytes(40),
    "image/webp": b"RIFF\x24\0\0\0WEBPVP8 " + bytes(30),
    "video/mp4": b"\0\0\0\x18ftypisom\0\0\2\0isomiso2mp41" + bytes(30),
}
EXTENSIONS: Final = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "image/webp": "webp",
    "video/mp4": "mp4",
}
SOME: Final = ("image/png", "image/jpeg")
TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+", re.IGNORECASE)


def moments(target: Target, answer: requests.Response) -> list[datetime]:
    """What time it is for the target: by its answer, and by its clock where that can be moved.

    A server whose clock was moved may still send the `Date` of the machine that it runs on.
    """
    text = answer.headers.get("Date")
    named = [parsedate_to_datetime(text)] if text else []
    clock = target.clock() if target.has_clock else None
    if clock is not None:
        named.append(clock.now)
    if not named:
        raise NotJudgedError("its answers carry no Date to compare with")
    return named


@pytest.mark.clause("metadata.type", "metadata.type-is-served")
@pytest.mark.parametrize(
    ("route", "kind"),
    [(route, kind) for route in THREE for kind in CONTENTS if route == "stream" or kind in SOME],
)
def test_a_common_type_is_identified(target: Target, route: str, kind: str) -> None:
    """By content and name alike, in the answer and by the link."""
    fields = {"uploadPath": target.folder(), "fileName": f"sample.{EXTENSIONS[kind]}"}
    data = accepted(ROUTES[route](target, CONTENTS[kind], fields))
    found = essence(data["mimeType"])
    right = found == kind or (kind == "application/zip" and found.endswith("zip-compressed"))
    said = f"the mimeType of {fields['fileName']} is {data['mimeType']!r}, not {kind}"
    expect(right, said, "metadata.type")
    served = reads(target, data["downloadUrl"], CONTENTS[kind]).headers.get("Content-Type", "")
    same = essence(served) == found
    said = f"a file that was answered as {found} is served as {served!r}"
    expect(same, said, "metadata.type-is-served")


@pytest.mark.clause("metadata.type", "metadata.type-is-served")
@pytest.mark.parametrize("name", ["a.txt", "a.unknown", "a", "a.html"])
def test_any_file_has_a_type(target: Target, name: str) -> None:
    """One that is a media type, and the one that it is served as."""
    fields = {"uploadPath": target.folder(), "fileName": name}
    content = CONTENTS["image/png"] if name == "a" else b"just some text"
    data = accepted(as_stream(target, content, fields))
    found = essence(data["mimeType"])
    expect(TYPE.fullmatch(found), f"mimeType is {data['mimeType']!r}", "metadata.type")
    served = target.get(data["downloadUrl"]).headers.get("Content-Type", "")
    said = f"answered as {found}, the file is served as {served!r}"
    expect(essence(served) == found, said, "metadata.type-is-served")


@pytest.mark.clause("metadata.type")
def test_a_type_is_of_its_own_file(target: Target) -> None:
    """The upload before has no part in it; nor has the case of an extension."""
    folder, found = target.folder(), []
    for before in ("image/png", "application/pdf"):
        name = f"before.{EXTENSIONS[before]}"
        files = {"file": (name, CONTENTS[before], before)}
        accepted(target.post(STREAM, files=files, data={"uploadPath": folder, "fileName": name}))
        fields = {"uploadPath": folder, "fileName": f"{before[:3]}.unknown"}
        found.append(accepted(as_stream(target, b"\0\xfe\x01\xff none", fields))["mimeType"])
    expect(found[0] == found[1], f"two equal files are of the types {found[0]} and {found[1]}")
    fields = {"uploadPath": folder, "fileName": "CAPITALS.PNG"}
    kind = essence(accepted(as_stream(target, CONTENTS["image/png"], fields))["mimeType"])
    expect(kind == "image/png", f"the mimeType of CAPITALS.PNG is {kind}")


@pytest.mark.clause("metadata.type-is-served")
@pytest.mark.parametrize("route", ["stream", "base64"])
def test_an_overwrite_changes_the_type(target: Target, route: str) -> None:
    """A file of another kind at the same name is served as what it is answered to be."""
    fields = {"uploadPath": target.folder(), "fileName": "no-extension"}
    png, pdf = CONTENTS["image/png"], CONTENTS["application/pdf"]
    reads(target, accepted(as_stream(target, png, fields))["downloadUrl"], png)
    data = accepted(ROUTES[route](target, pdf, fields))
    eventually(target, data["downloadUrl"], pdf, [png])
    served = target.get(data["downloadUrl"]).headers.get("Content-Type", "")
    same = essence(served) == essence(data["mimeType"])
    said = f"an overwrite that was answered as {data['mimeType']} is served as {served!r}"
    expect(same, said)


@pytest.mark.clause("metadata.time")
@pytest.mark.parametrize("route", ROUTES)
def test_the_time_of_an_upload(target: Target, route: str) -> None:
    """Is now, and in UTC; of an overwrite too."""
    fields = {"uploadPath": target.folder(), "fileName": "now.txt"}
    for what in ("an upload", "an overwrite"):
        answer = ROUTES[route](target, b"x", fields)
        text = accepted(answer)["uploadedAt"]
        moment, now = instant(text), moments(target, answer)
        near = any(abs(moment - named) <= SLACK for named in now)
        expect(near, f"uploadedAt of {what} is {text}, when it was {now[0]:%Y-%m-%dT%H:%M:%SZ}")
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
    dated = [instant(data["uploadedAt"]) for data in texts]
    expect(dated == sorted(dated), "uploads in a row are dated out of order")


SIZES: Final = [1, 2, 58, 65_537]


@pytest.mark.clause("metadata.size")
@pytest.mark.parametrize("route", ROUTES)
def test_the_size_of_an_upload(target: Target, route: str) -> None:
    """Counts the bytes of the file, not those of its base64 or its form, nor its characters."""
    for content in (*(b"s" * size for size in SIZES), "\u00fc\u00f6\u4e2d\U0001f600".encode()):
        fields = {"uploadPath": target.folder(), "fileName": "sized.txt"}
        if route != "url" or len(content) in SIZES[:1]:
            sized(accepted(ROUTES[route](target, content, fields)), content)


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
@pytest.mark.parametrize("given", ["bytes=2-4", "bytes=7-", "bytes=-3"])
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
