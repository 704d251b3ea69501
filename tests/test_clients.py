"""What every client that people really use gets: its bytes back, by the link as it came."""

from __future__ import annotations

import json
import unicodedata

import pytest

from tests.clients import Client, Form, Part
from tests.visitors import ROUTES, WAYS, Visitor
from tests.vocabulary import CONTENTS, NAMES, digest


@pytest.mark.parametrize("way", WAYS)
def test_bytes_in_are_bytes_out(guest: Visitor, client: Client, way: str) -> None:
    for name, content in CONTENTS.items():
        data = guest.upload(way, content, "a/b", name, client=client)
        got = client.fetch("GET", data["downloadUrl"])
        assert (name, got.status, digest(got.body)) == (name, 200, digest(content))
        assert data["fileSize"] == len(content) == int(got.headers["content-length"])


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_is_kept_and_its_link_works_as_it_came(
    guest: Visitor, client: Client, name: str
) -> None:
    data = guest.upload("stream", b"x", f"{name}/b", name, client=client)
    assert data["fileName"] == name
    assert data["filePath"] == f"{name}/b/{name}"
    got = client.fetch("GET", data["downloadUrl"])
    assert (got.status, got.body) == (200, b"x")


def test_composed_and_decomposed_names_are_two_files(guest: Visitor, client: Client) -> None:
    composed, decomposed = (unicodedata.normalize(form, "é.txt") for form in ("NFC", "NFD"))
    assert composed != decomposed
    links = [
        guest.upload("stream", name.encode(), "a", name, client=client)["downloadUrl"]
        for name in (composed, decomposed)
    ]
    assert [client.fetch("GET", link).body.decode() for link in links] == [composed, decomposed]


def test_head_tells_what_get_would_send(guest: Visitor, client: Client) -> None:
    link = guest.upload("stream", b"12345", "a", "b.txt")["downloadUrl"]
    got, head = client.fetch("GET", link), client.fetch("HEAD", link)
    assert (head.status, head.body) == (200, b"")
    same = ("content-length", "content-type", "etag", "last-modified", "cache-control")
    assert [head.headers[name] for name in same] == [got.headers[name] for name in same]


def test_a_range_arrives(guest: Visitor, client: Client) -> None:
    link = guest.upload("stream", b"0123456789", "a", "b.txt")["downloadUrl"]
    got = client.fetch("GET", link, headers={"Range": "bytes=2-4"})
    assert (got.status, got.body) == (206, b"234")
    assert got.headers["content-range"] == "bytes 2-4/10"


@pytest.mark.parametrize("way", WAYS)
def test_a_refusal_arrives(guest: Visitor, client: Client, way: str) -> None:
    headers = guest.auth if way == "stream" else {**guest.auth, "Content-Type": "application/json"}
    form = Form({}, Part(b"x")) if way == "stream" else None
    body = None if form else json.dumps({"base64Data": "", "fileUrl": "http://a.test/"}).encode()
    reply = client.fetch("POST", guest.origin + ROUTES[way], headers=headers, body=body, form=form)
    assert reply.status == 400
    assert reply.json == {
        "success": False,
        "code": 400,
        "msg": "Missing required parameter: uploadPath",
    }


@pytest.mark.parametrize("key", [None, "wrong"])
def test_an_early_401_for_a_large_body_arrives(
    guest: Visitor, client: Client, key: str | None
) -> None:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    form = Form({"uploadPath": "a", "fileName": "b"}, Part(bytes(20 * 1024 * 1024)))
    url = guest.origin + ROUTES["stream"]
    for _ in range(2):
        reply = client.fetch("POST", url, headers=headers, form=form)
        assert reply.status == 401
        assert reply.json["msg"] == "Authentication failed: Invalid API Key"
    assert guest.paths() == []
    assert guest.upload("stream", b"x", client=client)["fileSize"] == 1
