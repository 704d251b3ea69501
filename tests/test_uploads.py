"""The three uploads: bytes, names and facts, on every store."""

from __future__ import annotations

import base64
import json
import re
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockkie.clock import from_datetime, parse_instant
from mockkie.samples import MIMES, sample_named
from mockkie.server import Server
from tests.clients import Client
from tests.visitors import FROZEN, ROUTES, WAYS, Visitor, visiting
from tests.vocabulary import CONTENTS, NAMES, SEGMENTS, digest

in_one_world = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
PATHS = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_bytes_in_are_bytes_out(visitor: Visitor, way: str, content: bytes) -> None:
    data = visitor.upload(way, content)
    got = visitor.get(data["downloadUrl"])
    assert digest(got.body) == digest(content)
    assert data["fileSize"] == len(content)


@pytest.mark.parametrize("way", WAYS)
def test_names_and_paths_are_kept_as_they_are(visitor: Visitor, way: str) -> None:
    for number, name in enumerate(NAMES):
        data = visitor.upload(way, name.encode(), f"{number}/{name}", name)
        assert (data["fileName"], data["filePath"]) == (name, f"{number}/{name}/{name}")
        assert visitor.get(data["downloadUrl"]).body == name.encode()


@pytest.mark.parametrize("way", WAYS)
def test_each_common_type_keeps_its_bytes_and_gets_its_type(visitor: Visitor, way: str) -> None:
    for extension, mime in MIMES.items():
        sample = sample_named(f"x.{extension}")
        assert sample is not None
        data = visitor.upload(way, sample.content, "a", f"x.{extension}", mime=mime)
        got = visitor.get(data["downloadUrl"])
        assert (extension, data["mimeType"]) == (extension, mime)
        assert (extension, got.headers["content-type"]) == (extension, mime)
        assert digest(got.body) == digest(sample.content)


@in_one_world
@given(
    way=st.sampled_from(WAYS),
    content=st.binary(max_size=2_000),
    path=PATHS,
    name=st.none() | SEGMENTS,
)
def test_what_is_told_of_an_upload_is_true(
    visitor: Visitor, way: str, content: bytes, path: str, name: str | None
) -> None:
    data = visitor.upload(way, content, path, name)
    got = visitor.get(data["downloadUrl"])
    assert got.body == content
    assert data["fileSize"] == len(content)
    assert name in (None, data["fileName"])
    assert data["filePath"] == f"{path}/{data['fileName']}"
    assert data["mimeType"] == got.headers["content-type"]
    uploaded = parse_instant(data["uploadedAt"]) // 1_000 * 1_000
    assert from_datetime(parsedate_to_datetime(got.headers["last-modified"])) == uploaded
    assert from_datetime(parsedate_to_datetime(got.headers["date"])) >= uploaded


@pytest.mark.parametrize("way", WAYS)
def test_the_time_of_an_upload_is_the_worlds(visitor: Visitor, way: str) -> None:
    visitor.set_clock("2031-05-06T07:08:09.123Z")
    reply = visitor.post(way, b"x")
    assert reply.json["data"]["uploadedAt"] == "2031-05-06T07:08:09.123Z"
    assert reply.headers["date"] == "Tue, 06 May 2031 07:08:09 GMT"
    assert visitor.get(reply.json["data"]["downloadUrl"]).headers["date"] == reply.headers["date"]


@pytest.mark.parametrize("way", WAYS)
def test_the_answer_has_the_six_facts_and_nothing_else(visitor: Visitor, way: str) -> None:
    visitor.set_clock()
    reply = visitor.post(way, b"GIF89a", "images/cats", "my cat.gif")
    link = f"{visitor.downloads}/{visitor.account}/images/cats/my%20cat.gif"
    assert reply.headers["content-type"] == "application/json"
    assert reply.json == {
        "success": True,
        "code": 200,
        "msg": "File uploaded successfully",
        "data": {
            "fileName": "my cat.gif",
            "filePath": "images/cats/my cat.gif",
            "downloadUrl": link,
            "fileSize": 6,
            "mimeType": "image/gif",
            "uploadedAt": FROZEN,
        },
    }


def test_a_generated_name_is_time_letters_extension(visitor: Visitor) -> None:
    visitor.set_clock()
    data = visitor.upload("stream", b"x", filename="My Photo.final.JPEG")
    epoch = parse_instant(FROZEN)
    assert re.fullmatch(rf"{epoch}-[0-9a-z]{{9,12}}\.JPEG", data["fileName"])


def test_generated_names_never_collide(guest: Visitor) -> None:
    guest.set_clock()
    names = {guest.upload("base64", b"x")["fileName"] for _ in range(200)}
    assert len(names) == 200
    assert sorted(guest.paths()) == sorted(f"a/b/{name}" for name in names)


@pytest.mark.parametrize(
    ("filename", "mime", "content", "extension"),
    [
        ("a.tar.gz", "application/gzip", b"x", "gz"),
        ("../../etc/passwd.txt", "text/plain", b"x", "txt"),
        ("C:\\a\\cat.PnG", "image/png", b"x", "PnG"),
        ("photo.jpg", "image/jpeg", b"GIF89a", "jpg"),
        ("photo", "image/jpeg", b"x", "jpg"),
        ("photo", "image/jpeg", b"GIF89a", "gif"),
        (".hidden", "text/plain", b"x", "txt"),
        ("photo.", "application/pdf", b"x", "pdf"),
        ("a.b c", "application/octet-stream", b"x", "bin"),
        ("a.\u00e9", "application/octet-stream", b"%PDF-1.7", "pdf"),
        ("a", "no type at all", b"x", "bin"),
    ],
)
def test_a_generated_name_takes_its_extension_from_the_filename_then_the_content(
    guest: Visitor, filename: str, mime: str, content: bytes, extension: str
) -> None:
    data = guest.upload("stream", content, filename=filename, mime=mime)
    assert data["fileName"].rpartition(".")[2] == extension


@pytest.mark.parametrize(
    ("header", "content", "extension"),
    [
        ("data:image/gif;base64,", b"x", "gif"),
        ("data:image/jpeg;base64,", b"x", "jpg"),
        ("data:image/jpg;base64,", b"x", "jpg"),
        ("data:image/jpeg;base64,", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "png"),
        ("data:text/plain;charset=utf-8;base64,", b"x", "txt"),
        ("data:application/xml;base64,", b"<a/>", "xml"),
        ("data:audio/wav;base64,", b"x", "wav"),
        ("data:;base64,", b"x", "bin"),
        ("", b"%PDF-1.7", "pdf"),
        ("", b"x", "bin"),
        ("", b"", "bin"),
    ],
)
def test_a_generated_name_takes_its_extension_from_the_content_then_the_data_url(
    guest: Visitor, header: str, content: bytes, extension: str
) -> None:
    body = {"base64Data": header + base64.b64encode(content).decode(), "uploadPath": "a"}
    headers = {**guest.auth, "Content-Type": "application/json"}
    url = guest.origin + ROUTES["base64"]
    reply = guest.client.fetch("POST", url, headers=headers, body=json.dumps(body).encode())
    assert reply.json["data"]["fileName"].rpartition(".")[2] == extension


def test_a_type_that_contradicts_the_name_is_told_by_the_content(visitor: Visitor) -> None:
    data = visitor.upload("stream", b"%PDF-1.7\n", "a", "cat.png", mime="image/png")
    assert data["mimeType"] == "application/pdf"
    assert data["fileName"] == "cat.png"
    assert visitor.get(data["downloadUrl"]).headers["content-type"] == "application/pdf"


def test_worlds_do_not_see_one_another(server: Server, http: Client) -> None:
    with visiting(server, http) as ours, visiting(server, http) as theirs:
        our, their = (
            world.upload("stream", world.id.encode(), "a", "b.txt") for world in (ours, theirs)
        )
        assert our["filePath"] == their["filePath"]
        assert our["downloadUrl"] != their["downloadUrl"]
        assert ours.get(our["downloadUrl"]).body == ours.id.encode()
        assert ours.get(their["downloadUrl"]).body == theirs.id.encode()
        assert ours.paths() == theirs.paths() == ["a/b.txt"]
        ours.control("DELETE", "/files")
        assert theirs.paths() == ["a/b.txt"]
