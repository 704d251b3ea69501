"""Whose key opens what; and that a refusal reaches whoever sends before they read."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx2
import pytest
import requests

from tests.clients import (
    PATIENCE,
    Client,
    Form,
    Part,
    Reply,
    Wire,
    close_aiohttp,
    multipart,
    open_aiohttp,
    tool,
)
from tests.separate import Separate, separate
from tests.visitors import JSON_TYPE, ROUTES, WAYS, Visitor, serving, visiting
from tests.vocabulary import KIB

DENIED = {"success": False, "code": 401, "msg": "Authentication failed: Invalid API Key"}
FORM = {"Content-Type": "multipart/form-data; boundary=frontier"}
TEXTS = {"uploadPath": "a", "fileName": "b"}


def post(visitor: Visitor, *lines: str, way: str = "stream", body: bytes = b"") -> Reply:
    """An upload with exactly these header lines beside what HTTP demands."""
    kind = FORM["Content-Type"] if way == "stream" else "application/json"
    body = body or multipart(TEXTS, Part(b"x"))
    known = ["Host: a", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    head = "\r\n".join([f"POST {ROUTES[way]} HTTP/1.1", *known, *lines, "", ""])
    with visitor.wire() as wire:
        wire.send(head.encode("latin-1") + body)
        return wire.reply()


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([], "there is no Authorization header"),
        (["Authorization:"], "another scheme"),
        (["Authorization: Bearer"], "no key behind Bearer"),
        (["Authorization: Bearer "], "no key behind Bearer"),
        (["Authorization: {key}"], "another scheme"),
        (["Authorization: Bearer {prefix}"], "no world has this key"),
        (["Authorization: Bearer {key}x"], "no world has this key"),
        (["Authorization: Bearer {key} x"], "no world has this key"),
        (["Authorization: Bearer {upper}"], "no world has this key"),
        (["Authorization: Bearer {key},{key}"], "no world has this key"),
        (["Authorization: Bearer \u00e9"], "no world has this key"),
        (['Authorization: Bearer "{key}"'], "no world has this key"),
        (["Authorization: Basic {key}"], "another scheme"),
        (["Authorization: Token {key}"], "another scheme"),
        (["Authorization: Bearer:{key}"], "another scheme"),
        (["Authorization: Bearer{key}"], "another scheme"),
        (["X-API-Key: {key}"], "there is no Authorization header"),
        (["Cookie: Authorization={key}"], "there is no Authorization header"),
        (["Authorization: Bearer {key}", "Authorization: Bearer {key}"], "2 Authorization headers"),
        (["Authorization: Bearer {key}", "Authorization: Basic a"], "2 Authorization headers"),
        (["Authorization: Bearer wrong", "Authorization: Bearer {key}"], "2 Authorization headers"),
    ],
    ids=ascii,
)
def test_without_exactly_its_key_a_world_stays_closed(
    guest: Visitor, lines: list[str], why: str
) -> None:
    keys = {"key": guest.key, "prefix": guest.key[:-1], "upper": guest.key.upper()}
    reply = post(guest, *(line.format(**keys) for line in lines))
    assert (reply.status, reply.json) == (401, DENIED)
    assert why in reply.why
    assert guest.key not in reply.why
    assert guest.paths() == []


@pytest.mark.parametrize(
    "line",
    [
        "Authorization: Bearer {key}",
        "AUTHORIZATION: BEARER {key}",
        "authorization: bearer {key}",
        "Authorization: bEaReR  {key}  ",
        "Authorization:Bearer {key}",
    ],
)
def test_scheme_and_header_are_read_in_any_case(guest: Visitor, line: str) -> None:
    assert post(guest, line.format(key=guest.key)).status == 200
    assert guest.paths() == ["a/b"]


@pytest.mark.parametrize("way", WAYS)
def test_all_three_uploads_ask_for_a_key(guest: Visitor, way: str) -> None:
    reply = post(guest, way=way, body=b"{}")
    assert (reply.status, reply.json) == (401, DENIED)


def test_each_key_of_a_world_opens_it(memory_origin: Callable[..., Visitor]) -> None:
    world = memory_origin(keys=["key-a", "key-b", "key with spaces"])
    for key in ("key-a", "key-b", "key with spaces"):
        assert post(world, f"Authorization: Bearer {key}").status == 200
    assert world.key == "key-a"


@pytest.fixture
def memory_origin(guest: Visitor, http: Client) -> Iterator[Callable[..., Visitor]]:
    """Makes worlds beside the guest's."""
    made: list[Visitor] = []

    def make(**wanted: object) -> Visitor:
        body = json.dumps(wanted).encode()
        url = f"{guest.origin}/__mockkie/worlds"
        reply = http.fetch("POST", url, headers=JSON_TYPE, body=body)
        made.append(Visitor(guest.origin, guest.downloads, http, reply.json))
        return made[-1]

    yield make
    for world in made:
        http.fetch("DELETE", f"{guest.origin}/__mockkie/worlds/{world.id}")


def test_a_key_opens_its_world_and_no_other(
    guest: Visitor, memory_origin: Callable[..., Visitor]
) -> None:
    other = memory_origin()
    guest.upload("stream", b"x", "mine", "x")
    assert (guest.paths(), other.paths()) == (["mine/x"], [])


def test_a_key_of_a_dropped_world_opens_nothing(
    guest: Visitor, memory_origin: Callable[..., Visitor]
) -> None:
    other = memory_origin()
    assert guest.control("DELETE", f"/worlds/{other.id}").status == 204
    assert post(guest, f"Authorization: Bearer {other.key}").status == 401


def test_any_key_opens_the_default_world_but_none_does_not(http: Client) -> None:
    with serving(any_key=True, keys=["own"]) as server, visiting(server, http) as world:
        default = Visitor(
            server.origin, server.origin, http, {"id": "", "key": "own", "account": ""}
        )
        assert post(default, "Authorization: Bearer whatever").status == 200
        assert post(default, f"Authorization: Bearer {world.key}").status == 200
        assert default.paths() == world.paths() == ["a/b"]
        assert post(default).status == 401
        assert post(default, "Authorization: Bearer").status == 401


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("POST", "/api/nothing", 404),
        ("POST", "/api/file-stream-upload/", 404),
        ("POST", "/API/file-stream-upload", 404),
        ("GET", ROUTES["stream"], 405),
        ("PUT", ROUTES["base64"], 405),
        ("DELETE", ROUTES["url"], 405),
    ],
)
def test_an_unknown_route_or_method_is_told_before_a_wrong_key(
    guest: Visitor, method: str, target: str, status: int
) -> None:
    reply = guest.ask(method, guest.origin + target, authorization="Bearer wrong")
    assert (reply.status, reply.json["code"]) == (status, status)
    assert ("allow" in reply.headers) == (status == 405)
    assert reply.headers.get("allow", "POST") == "POST"


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "multipart/form-data"])
@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_key_is_told_before_anything_wrong_with_the_body(
    guest: Visitor, way: str, kind: str
) -> None:
    headers = {"Authorization": "Bearer wrong", "Content-Type": kind}
    reply = guest.client.fetch(
        "POST", guest.origin + ROUTES[way], headers=headers, body=b"{nonsense"
    )
    assert (reply.status, reply.json) == (401, DENIED)


# What follows sends 200 MB to a mock in another process, most of it before reading a byte.

SIZE = 200 * KIB * KIB
BLOCK = bytes(KIB * KIB)
ALLOWED = 24 * KIB * KIB  # growth of the server's memory over all of these


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Separate]:
    with separate(tmp_path_factory.mktemp("apart") / "data") as mock:
        yield mock


@pytest.fixture
def unmoved(apart: Separate, http: Client) -> Iterator[Separate]:
    """After the test the mock's memory has not grown, nothing is stored, and it serves on."""
    auth, url = {"Authorization": "Bearer key"}, apart.origin + ROUTES["stream"]
    form = Form({"uploadPath": "a", "fileName": "b"}, Part(b"x"))
    assert http.fetch("POST", url, headers=auth, form=form).status == 200
    assert http.fetch("DELETE", f"{apart.origin}/__mockkie/files", headers=auth).status == 200
    before = apart.peak()
    yield apart
    assert apart.peak() - before < ALLOWED
    files = http.fetch("GET", f"{apart.origin}/__mockkie/files", headers=auth)
    assert files.json["files"] == []
    assert http.fetch("POST", url, headers=auth, form=form).status == 200


def blocks() -> Iterator[bytes]:
    yield multipart(TEXTS, Part(b""))[: -len(b"\r\n--frontier--\r\n")]
    for _ in range(SIZE // len(BLOCK)):
        yield BLOCK


HEADERS = {**FORM, "Authorization": "Bearer wrong"}


def test_requests_hears_a_401_for_200_mb(unmoved: Separate) -> None:
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(2):
            url = unmoved.origin + ROUTES["stream"]
            got = session.post(url, headers=HEADERS, data=blocks(), timeout=PATIENCE)
            assert (got.status_code, got.json()) == (401, DENIED)


def test_httpx2_hears_a_401_for_200_mb(unmoved: Separate) -> None:
    with httpx2.Client(trust_env=False, timeout=PATIENCE) as client:
        for _ in range(2):
            url = unmoved.origin + ROUTES["stream"]
            got = client.post(url, headers=HEADERS, content=blocks())
            assert (got.status_code, got.json()) == (401, DENIED)


def test_aiohttp_hears_a_401_for_200_mb(unmoved: Separate) -> None:
    async def content() -> AsyncIterator[bytes]:
        for block in blocks():
            yield block

    async def ask() -> None:
        session = await open_aiohttp()
        for _ in range(2):
            url = unmoved.origin + ROUTES["stream"]
            async with session.post(url, headers=HEADERS, data=content()) as got:
                assert (got.status, await got.json()) == (401, DENIED)
        await close_aiohttp(session)

    asyncio.run(ask())


@pytest.mark.parametrize("expect", ["Expect: 100-continue", "Expect:"])
def test_curl_hears_a_401_for_200_mb(unmoved: Separate, expect: str, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(SIZE)
    url = unmoved.origin + ROUTES["stream"]
    command = [tool("curl"), "-q", "-sS", "--noproxy", "*", "-m", str(PATIENCE), "-H", expect]
    command += ["-F", f"file=@{large}", "-F", "uploadPath=a", "-w", " %{http_code}"]
    done = subprocess.run(
        [*command, "-H", "Authorization: Bearer wrong", url, url], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b'"code":401') == 2


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("connection", ["close", "keep-alive"])
def test_a_bare_socket_that_sends_all_before_it_reads_hears_a_401_for_200_mb(
    unmoved: Separate, version: str, connection: str
) -> None:
    closes = connection == "close" or version == "1.0"
    with Wire(unmoved.origin) as wire:
        sent = {"Content-Length": str(SIZE), "Connection": connection}
        wire.head(f"POST {ROUTES['stream']}", {**HEADERS, **sent}, version)
        for _ in range(SIZE // len(BLOCK)):
            wire.send(BLOCK)
        reply = wire.reply()
        assert (reply.status, reply.json) == (401, DENIED)
        assert (reply.headers.get("connection") == "close") == closes
        if closes:
            assert wire.read_to_end() == b""
        else:
            wire.head("GET /livez", {})
            assert wire.reply("GET").status == 200


def test_who_expects_100_is_told_401_before_sending_anything(unmoved: Separate) -> None:
    with Wire(unmoved.origin) as wire:
        sent = {"Content-Length": str(SIZE), "Expect": "100-continue"}
        wire.head(f"POST {ROUTES['stream']}", {**HEADERS, **sent})
        head = wire.reply_head()
        assert (head.status, head.headers["connection"]) == (401, "close")


def test_who_expects_100_and_has_the_key_is_told_to_go_on(guest: Visitor) -> None:
    body = multipart(TEXTS, Part(b"x"))
    sent = {**guest.auth, **FORM, "Content-Length": str(len(body)), "Expect": "100-continue"}
    with guest.wire() as wire:
        wire.head(f"POST {ROUTES['stream']}", sent)
        assert wire.reply_head().status == 100
        wire.send(body)
        assert wire.reply().status == 200


def test_a_large_base64_upload_is_never_held_in_memory(apart: Separate) -> None:
    size = 48 * KIB * KIB
    with Wire(apart.origin) as wire:
        start, end = b'{"uploadPath":"large","fileName":"b64","base64Data":"', b'"}'
        length = str(len(start) + size + len(end))
        headers = {"Authorization": "Bearer key", "Content-Type": "application/json"}
        before = apart.peak()
        wire.head(f"POST {ROUTES['base64']}", {**headers, "Content-Length": length})
        wire.send(start, *(b"QUJD" * (KIB * KIB // 4) for _ in range(48)), end)
        reply = wire.reply()
        assert reply.json["data"]["fileSize"] == size // 4 * 3
        assert apart.peak() - before < 16 * KIB * KIB
