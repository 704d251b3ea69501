from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
import trustme
import uvicorn
from hypothesis import given
from hypothesis import strategies as st

from mockkie import addresses, dialling
from mockkie.addresses import literal_address, why_not_public
from mockkie.fetching import Fetched, Fetcher
from mockkie.origin import origin_app
from mockkie.problems import Problem
from mockkie.samples import sample_named
from mockkie.urls import LONGEST, SHOWN, checked, file_name, joined, mime_of

ORIGIN = "http://mock.test/__mockkie/origin"
PUBLIC = "93.184.216.34"
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The origin behind a real server in a thread; its URL."""
    config = uvicorn.Config(
        origin_app(), port=0, log_level="critical", lifespan="off", ws="none", log_config=None
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.005)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = server.force_exit = True
    thread.join(5)


@dataclass
class Wire:
    """A server that sends what a test wrote down, and keeps what it was asked."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def wire(
    *answers: bytes, stay: bool = False, listen: bool = True, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Wire]:
    """Answers one connection after the other, the last answer for ever.

    `stay` does not close; without `listen` it does not wait for a request.
    """
    here = Wire()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1") if listen else ""
            answer = answers[min(len(here.asked), len(answers) - 1)]
            here.asked.append(head)
            writer.write(answer.replace(b"{port}", b"%d" % here.port))
            await writer.drain()
            if stay:
                await reader.read()
                here.hung_up.set()
        except (OSError, asyncio.IncompleteReadError):
            here.hung_up.set()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    here.port = server.sockets[0].getsockname()[1]
    try:
        yield here
    finally:
        server.close()


def ok(body: bytes = b"bytes", *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def found(location: str, *headers: str) -> bytes:
    lines = ["HTTP/1.1 302 Found", f"Location: {location}", "Content-Length: 0", *headers, "", ""]
    return "\r\n".join(lines).encode()


def fetcher(mode: Literal["offline", "fetch", "deny"] = "fetch", **settings: Any) -> Fetcher:
    usual: dict[str, Any] = {"timeout": 5_000, "limit": 1_000_000, "redirects": 5}
    usual |= {"origin": origin_app(), "allow_private": mode == "fetch"}
    return Fetcher(mode, **(usual | settings))


async def nobody(_: str) -> Fetched | None:
    return None


def on_origin(url: str) -> str | None:
    return url.removeprefix(ORIGIN) if url.startswith(ORIGIN + "/") else None


async def read(
    fetching: Fetcher,
    url: str,
    own: Callable[[str], Awaitable[Fetched | None]] = nobody,
) -> tuple[Fetched, bytes]:
    async with fetching.fetch(url, own, on_origin) as fetched:
        return fetched, b"".join([chunk async for chunk in fetched.chunks])


async def refused(fetching: Fetcher, url: str, name: str = "url-not-fetched") -> str:
    with pytest.raises(Problem) as caught:
        await read(fetching, url)
    assert (caught.value.name, caught.value.parameter) == (name, "fileUrl")
    assert caught.value.why.isprintable()
    assert not [task for task in asyncio.all_tasks() if "inprocess" in repr(task)]
    return caught.value.why


def content(name: str) -> bytes:
    sample = sample_named(name)
    assert sample is not None
    return sample.content


def resolver(*answers: Sequence[str]) -> tuple[Resolver, list[str]]:
    """Gives one answer after the other, and keeps what it was asked."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        del port
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return resolve, asked


@pytest.fixture
def first_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard takes 127.0.0.1 for a public address, and nothing else of this machine."""
    monkeypatch.setattr(
        addresses,
        "why_not_public",
        lambda address: None if address == "127.0.0.1" else why_not_public(address),
    )


# What the origin does looks the same over a socket and in process.


@pytest.fixture(params=["socket", "in process", "offline"])
def origin(request: pytest.FixtureRequest, served: str) -> tuple[Literal["offline", "fetch"], str]:
    mode: Literal["offline", "fetch"] = "offline" if request.param == "offline" else "fetch"
    return mode, served if request.param == "socket" else ORIGIN


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "mime", "name", "body"),
    [
        ("/files/My%20Cat.PNG", "image/png", "My Cat.PNG", content("a.png")),
        ("/files/notes.txt", "text/plain", "notes.txt", content("a.txt")),
        ("/redirect/5/cat.mp4", "video/mp4", "cat.mp4", content("a.mp4")),
        ("/mistyped/cat.png", "text/plain", "cat.png", content("a.png")),
        ("/untyped/cat.png", None, "cat.png", content("a.png")),
        ("/empty", "application/octet-stream", "empty", b""),
        ("/slow/0.05/cat.png", "image/png", "cat.png", content("a.png")),
        ("/dribble/0.1/cat.png", "image/png", "cat.png", content("a.png")),
        ("/attachment/cat.png?filename=%C3%A4.png", "image/png", "ä.png", content("a.png")),
    ],
)
async def test_what_the_origin_serves(
    origin: tuple[Literal["offline", "fetch"], str],
    path: str,
    mime: str | None,
    name: str | None,
    body: bytes,
) -> None:
    mode, base = origin
    fetched, got = await read(fetcher(mode, allow_private=True), base + path)
    assert (fetched.mime, fetched.name, got) == (mime, name, body)
    assert ("in process" in fetched.told) == (base == ORIGIN)
    assert ("5 redirect(s)" in fetched.told) == path.startswith("/redirect/")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "name", "why"),
    [
        ("/broken/cat.pdf", "url-not-fetched", "broke off"),
        ("/slow/9/cat.png", "url-not-fetched", "longer than 0.3 s"),
        ("/dribble/9/cat.mp4", "url-not-fetched", "longer than 0.3 s"),
        ("/missing/cat.png", "url-not-fetched", "status 404"),
        ("/status/503", "url-not-fetched", "status 503"),
        ("/status/204", "url-not-fetched", "status 204"),
        ("/status/302", "url-not-fetched", "status 302"),
        ("/redirect/6/cat.png", "url-not-fetched", "more than 5 times"),
        ("/redirect-loop", "url-not-fetched", "more than 5 times"),
        ("/redirect-to?url=file%3A%2F%2F%2Fetc%2Fpasswd", "url-not-fetched", "not followed"),
        ("/redirect-to?url=http%3A%2F%2Fa%40b%2F", "url-not-fetched", "user name"),
        ("/redirect-to?url=http%3A%2F%2Fa%3A99999%2F", "url-not-fetched", "port"),
        ("/redirect-to?url=https%3A%2F%2F%2F", "url-not-fetched", "not followed"),
        ("/large/1000001", "file-too-large", "1000001 bytes"),
    ],
)
async def test_how_the_origin_fails(
    origin: tuple[Literal["offline", "fetch"], str], path: str, name: str, why: str
) -> None:
    mode, base = origin
    began = time.perf_counter()
    fetching = fetcher(mode, allow_private=True, timeout=300 if "/9/" in path else 5_000)
    assert why in await refused(fetching, base + path, name)
    assert time.perf_counter() - began < 3


@pytest.mark.anyio
async def test_memory_stays_constant_at_any_size(
    origin: tuple[Literal["offline", "fetch"], str],
) -> None:
    mode, base = origin
    fetching = fetcher(mode, allow_private=True, limit=10**9)
    tracemalloc.start()
    try:
        size = 0
        async with fetching.fetch(f"{base}/large/30000000", nobody, on_origin) as fetched:
            async for chunk in fetched.chunks:
                size += len(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size == 30_000_000
    assert peak < 5_000_000


# The modes.


@pytest.mark.anyio
async def test_deny_asks_nobody() -> None:
    async def own(_: str) -> Fetched | None:
        raise AssertionError

    with pytest.raises(Problem, match="--url-upload=deny"):
        await read(fetcher("deny"), f"{ORIGIN}/files/cat.png", own)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("url", "sample", "name"),
    [
        ("https://example.com/a/cat.jpeg?x=1", "sample.jpg", "cat.jpeg"),
        ("https://example.com/", "sample.png", None),
        ("HTTPS://B\u00fccher.example/%C3%A4.mp4#t=1", "sample.mp4", "ä.mp4"),
        (f"http://{PUBLIC}/cat.gif", "sample.gif", "cat.gif"),
    ],
)
async def test_offline_lets_a_sample_stand_in(url: str, sample: str, name: str | None) -> None:
    fetched, body = await read(fetcher("offline"), url)
    assert body == content(sample)
    assert fetched.name == name
    assert "was not fetched" in fetched.told
    assert sample in fetched.told
    assert "--url-upload=fetch" in fetched.told


@pytest.mark.anyio
async def test_offline_samples_are_under_the_limit_too() -> None:
    assert "10 bytes" in await refused(
        fetcher("offline", limit=10), "https://example.com/a.png", "file-too-large"
    )


def own_file(closed: list[bool]) -> Callable[[str], Awaitable[Fetched | None]]:
    async def chunks() -> AsyncIterator[bytes]:
        try:
            yield b"own "
            yield b"bytes"
        finally:
            closed.append(True)

    async def own(url: str) -> Fetched | None:
        if url.endswith("/expired"):
            raise Problem("url-not-fetched", "it expired", parameter="fileUrl")
        if "/mine" in url:
            return Fetched(url, "text/plain", "mine", chunks(), "from the store")
        return None

    return own


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["offline", "fetch"])
async def test_own_links_come_first_and_redirects_lead_to_them(
    mode: Literal["offline", "fetch"],
) -> None:
    closed: list[bool] = []
    own, fetching = own_file(closed), fetcher(mode)
    fetched, body = await read(fetching, "http://mock.test/mine", own)
    assert (fetched.told, body, closed) == ("from the store", b"own bytes", [True])
    there = f"{ORIGIN}/redirect-to?url=http%3A%2F%2Fmock.test%2F"
    fetched, body = await read(fetching, there + "mine", own)
    assert (fetched.url, fetched.mime, body) == (
        "http://mock.test/mine",
        "text/plain",
        b"own bytes",
    )
    assert "1 redirect(s): from the store" in fetched.told
    with pytest.raises(Problem, match="it expired"):
        await read(fetching, there + "expired", own)
    fetched, body = await read(fetching, f"{there}__mockkie%2Forigin%2Ffiles%2Fa.gif", own)
    assert body == content("a.gif")


@pytest.mark.anyio
async def test_own_files_are_closed_when_left_early() -> None:
    closed: list[bool] = []
    async with fetcher().fetch("http://mock.test/mine", own_file(closed), on_origin) as fetched:
        assert await anext(fetched.chunks) == b"own "
        assert not closed
    assert closed == [True]


@pytest.mark.anyio
async def test_a_failing_store_is_not_dressed_up_as_a_refusal() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"own "
        raise OSError("the disk is gone")

    async def own(url: str) -> Fetched | None:
        return Fetched(url, None, None, chunks(), "")

    with pytest.raises(OSError, match="the disk is gone"):
        await read(fetcher(), "http://mock.test/mine", own)


# URLs.


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["offline", "fetch", "deny"])
@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "absolute"),
        ("/cat.png", "absolute"),
        ("example.com/cat.png", "absolute"),
        ("ftp://example.com/cat.png", "absolute"),
        ("file:///etc/passwd", "absolute"),
        ("data:text/plain,hello", "absolute"),
        ("http:/example.com", "absolute"),
        ("http://", "no host"),
        ("http:///cat.png", "no host"),
        ("http://:80/", "no host"),
        ("http://?x", "no host"),
        ("http://user@example.com/", "user name"),
        ("http://user:secret@example.com/", "user name"),
        ("http://@example.com/", "user name"),
        (" http://example.com/", "space"),
        ("http://example.com/a b", "space"),
        ("http://example.com/a\u00a0b", "space"),
        ("http://example.com/a\u2028b", "space"),
        ("http://example.com\\@evil.test/", "backslash"),
        ("http://example.com/\r\nX: y", "control"),
        ("http://example.com/\t", "control"),
        ("http://example.com/\x00", "control"),
        ("http://example.com/\x85", "control"),
        ("http://example.com/\ud800", "half a character"),
        ("http://example.com:0/", "port"),
        ("http://example.com:65536/", "port"),
        ("http://example.com:+80/", "port"),
        ("http://example.com:8_0/", "port"),
        ("http://example.com:\u0661/", "port"),
        ("http://example.com:http/", "port"),
        ("http://a%2eb/", "host"),
        ("http://a<b/", "host"),
        ("http://[::1/", "host"),
        ("http://[::1]x/", "host"),
        ("http://[:::1]/", "valid URL"),
        ("http://1.2.3.256/", "valid URL"),
        ("http://a..b/", "labels"),
        (f"http://{'a' * 64}.com/", "labels"),
        (f"http://{'a.' * 130}com/", "labels"),
        ("http://xn--a.com/", "valid URL"),
        ("http://-\u00fc-.com/", "valid URL"),
        ("http://\u2488com/", "valid URL"),
        (f"http://example.com/{'a' * LONGEST}", "longer"),
    ],
)
async def test_urls_that_nobody_could_fetch(
    mode: Literal["offline", "fetch", "deny"], url: str, why: str
) -> None:
    assert why in await refused(fetcher(mode), url, "invalid-parameter")


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTP://EXAMPLE.com", "http://example.com"),
        ("https://example.com:443/a?b#c", "https://example.com/a?b"),
        ("http://example.com:/", "http://example.com/"),
        ("http://example.com:8080/", "http://example.com:8080/"),
        ("http://b\u00fccher.example/\u00e4?\u00f6", "http://xn--bcher-kva.example/%C3%A4?%C3%B6"),
        ("http://127\u30020\u30020\u30021/", "http://127.0.0.1/"),
        ("http://[::1]:81/", "http://[::1]:81/"),
        ("http://my_host.test./a%2Fb", "http://my_host.test./a%2Fb"),
        (
            "http://example.com/?u=http://user@host\u200d/",
            "http://example.com/?u=http://user@host%E2%80%8D/",
        ),
    ],
)
def test_the_normal_form_of_a_url(url: str, normal: str) -> None:
    assert checked(url) == normal
    assert checked(normal) == normal


@given(
    st.one_of(st.text(), st.text().map("http://".__add__), st.text().map("https://a.b/".__add__))
)
def test_any_text_is_a_url_or_a_problem(text: str) -> None:
    names, normal = [], "http://a.test"
    try:
        normal = checked(text)
    except Problem as problem:
        names.append(problem.name)
    assert set(names) <= {"invalid-parameter"}
    assert normal.isascii()
    assert normal.isprintable()
    assert checked(normal) == normal


@given(st.one_of(st.text(), st.text().map("http://".__add__), st.text().map("//".__add__)))
def test_any_location_leads_somewhere_or_is_a_problem(location: str) -> None:
    names, target = [], "http://a.test"
    try:
        target = joined("http://a.test/b/c", location)
    except Problem as problem:
        names.append(problem.name)
    assert set(names) <= {"url-not-fetched"}
    assert checked(target) == target


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (None, "c d.png"),
        ("attachment", "c d.png"),
        ('attachment; filename="a;b.png"', "a;b.png"),
        ("attachment; filename=\"_.png\"; filename*=UTF-8''%C3%A4.png", "ä.png"),
        ("attachment; filename*=iso-8859-1'en'%E4.png; filename=x", "ä.png"),
        ("attachment; filename*=UTF-8''%FF; filename=x.png", "x.png"),
        ("attachment; filename*=nonsense''%FF; filename=x.png", "x.png"),
        ("inline; FileName = a b.png ; size=3", "a b.png"),
        ('attachment; x="; filename=no.png"; filename="q\\"x.png"', 'q"x.png'),
        ('attachment; filename="C:\\dir\\f.png"', "f.png"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename=".."', "c d.png"),
        ('attachment; filename="a\x00b\r.png"', "ab.png"),
        ('attachment; filename="open.png', "open.png"),
    ],
)
def test_the_name_a_file_is_offered_under(disposition: str | None, name: str) -> None:
    assert file_name(disposition, "https://x.test/a/b%2Fc%20d.png?e=/f.png") == name


@pytest.mark.parametrize("path", ["", "/", "/a/", "/%2E%2E", "/a%2F", "/%00"])
def test_a_url_without_a_last_segment_names_nothing(path: str) -> None:
    assert file_name(None, f"https://x.test{path}") is None


@given(st.text())
def test_any_disposition_is_read(disposition: str) -> None:
    for header in (
        disposition,
        f"attachment; filename={disposition}",
        f"a; filename*={disposition}",
    ):
        name = file_name(header, "https://x.test/")
        assert name is None or (name and "/" not in name and "\\" not in name)


@pytest.mark.parametrize(
    ("header", "mime"),
    [
        (None, None),
        ("", None),
        ("png", None),
        ("a b/c", None),
        ("Image/PNG; q=1", "image/png"),
        (" text/html", "text/html"),
        ("application/vnd.x+json;charset=utf-8", "application/vnd.x+json"),
    ],
)
def test_the_type_of_a_file(header: str | None, mime: str | None) -> None:
    assert mime_of(header) == mime


# The guard against addresses that are not public.


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("0.0.0.0", "unspecified"),  # noqa: S104 - an address to be refused
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("10.1.2.3", "private"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("169.254.169.254", "cloud metadata"),
        ("169.254.0.1", "link-local"),
        ("100.64.0.1", "carrier-grade NAT"),
        ("192.0.0.8", "protocol assignment"),
        ("198.51.100.7", "documentation"),
        ("192.88.99.1", "6to4 relay"),
        ("198.19.0.1", "benchmarking"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::127.0.0.1", "reserved"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:10.0.0.1", "private"),
        ("::ffff:0:127.0.0.1", "reserved"),
        ("64:ff9b::127.0.0.1", "loopback"),
        ("64:ff9b::a9fe:a9fe", "cloud metadata"),
        ("64:ff9b:1::1", "reserved"),
        ("2002:7f00:1::", "6to4"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"),
        ("2001:20::1", "protocol assignment"),
        ("2001:db8::1", "documentation"),
        ("3fff::1", "documentation"),
        ("fe80::1", "link-local"),
        ("fe80::1%1", "link-local"),
        ("fec0::1", "reserved"),
        ("fd00:ec2::254", "private"),
        ("ff02::1", "multicast"),
        ("5f00::1", "reserved"),
        (PUBLIC, None),
        ("172.32.0.1", None),
        ("100.128.0.1", None),
        ("2606:2800:220:1:248:1893:25c8:1946", None),
        (f"::ffff:{PUBLIC}", None),
        (f"64:ff9b::{PUBLIC}", None),
    ],
)
def test_which_addresses_are_public(address: str, kind: str | None) -> None:
    assert why_not_public(address) == kind


LITERALS = [
    ("0x7f000001", "127.0.0.1"),
    ("2130706433", "127.0.0.1"),
    ("017700000001", "127.0.0.1"),
    ("127.1", "127.0.0.1"),
    ("0177.0.0.0x1", "127.0.0.1"),
    ("127.0.0.1", "127.0.0.1"),
    ("[::1]", "::1"),
    ("[::ffff:127.0.0.1]", "::ffff:7f00:1"),
    ("[64:ff9b::7f00:1]", "64:ff9b::7f00:1"),
    ("[2002:7f00:1::]", "2002:7f00:1::"),
    ("0.0.0.0", "0.0.0.0"),  # noqa: S104 - an address to be refused
    ("0", "0.0.0.0"),  # noqa: S104 - an address to be refused
    ("169.254.169.254", "169.254.169.254"),
    ("10.0.0.1", "10.0.0.1"),
    ("224.0.0.1", "224.0.0.1"),
]


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["offline", "fetch"])
@pytest.mark.parametrize("host", [*(host for host, _ in LITERALS), "localhost", "LOCALHOST"])
async def test_hosts_that_are_not_public_are_never_connected_to(
    mode: Literal["offline", "fetch"], host: str
) -> None:
    async with wire(ok()) as server:
        url = f"http://{host}:{server.port}/cat.png"
        why = await refused(fetcher(mode, allow_private=False), url)
    assert "--url-upload-private" in why
    assert not server.asked


@pytest.mark.parametrize(("host", "address"), [*LITERALS, ("localhost", "127.0.0.1")])
def test_hosts_that_spell_out_an_address(host: str, address: str) -> None:
    assert literal_address(host) == address
    assert literal_address(host.strip("[]") + ".") == address


@pytest.mark.parametrize("host", ["example.com", "localhost.example.com", "1.2.3.4.5", "a1", ""])
def test_hosts_that_are_names(host: str) -> None:
    assert literal_address(host) is None


@pytest.mark.anyio
async def test_the_guard_can_be_switched_off() -> None:
    async with wire(ok()) as server:
        for host in ("127.0.0.1", "0x7f000001", "localhost"):
            _, body = await read(fetcher(), f"http://{host}:{server.port}/cat.png")
            assert body == b"bytes"
    _, body = await read(fetcher("offline", allow_private=True), "http://localhost/a.png")
    assert body == content("a.png")


@pytest.mark.anyio
async def test_a_redirect_into_private_space_is_refused() -> None:
    async with wire(ok()) as server:
        there = f"http%3A%2F%2F127.0.0.1%3A{server.port}%2F"
        for mode in ("fetch", "offline"):
            fetching = fetcher(mode, allow_private=False)
            why = await refused(fetching, f"{ORIGIN}/redirect-to?url={there}")
            assert "127.0.0.1 is a loopback address" in why
        assert not server.asked


@pytest.mark.anyio
@pytest.mark.usefixtures("first_is_public")
async def test_every_hop_is_checked_again() -> None:
    async with wire(found("http://second.test:{port}/"), ok()) as server:
        resolve, asked = resolver(["127.0.0.1"], ["127.0.0.2"])
        fetching = fetcher(allow_private=False, resolve=resolve)
        why = await refused(fetching, f"http://first.test:{server.port}/")
        assert "second.test is 127.0.0.2, a loopback address" in why
        assert asked == ["first.test", "second.test"]
        assert len(server.asked) == 1


@pytest.mark.anyio
@pytest.mark.usefixtures("first_is_public")
async def test_the_address_that_was_checked_is_the_one_connected_to() -> None:
    async with wire(ok()) as server:
        resolve, asked = resolver(["127.0.0.1"], ["127.0.0.2"])
        fetching = fetcher(allow_private=False, resolve=resolve)
        _, body = await read(fetching, f"http://rebinding.test:{server.port}/")
        assert (body, asked) == (b"bytes", ["rebinding.test"])
        assert f"Host: rebinding.test:{server.port}\r\n" in server.asked[0]
        why = await refused(fetching, f"http://rebinding.test:{server.port}/")
        assert "127.0.0.2" in why


@pytest.mark.anyio
@pytest.mark.usefixtures("first_is_public")
@pytest.mark.parametrize("known", [("127.0.0.1", "10.0.0.1"), ("10.0.0.1", "127.0.0.1")])
async def test_one_private_address_among_public_ones_is_enough(known: Sequence[str]) -> None:
    async with wire(ok()) as server:
        resolve, _ = resolver(known)
        why = await refused(
            fetcher(allow_private=False, resolve=resolve), f"http://two.test:{server.port}/"
        )
        assert "two.test is 10.0.0.1, a private address" in why
        assert not server.asked


@pytest.mark.anyio
async def test_the_next_address_is_tried_when_one_refuses() -> None:
    async with wire(ok()) as server:
        resolve, _ = resolver(["127.0.0.3", "127.0.0.1"])
        _, body = await read(fetcher(resolve=resolve), f"http://two.test:{server.port}/")
    assert body == b"bytes"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "failure",
    [OSError("no name server"), UnicodeError("label too long"), None],
)
async def test_names_that_do_not_resolve(failure: Exception | None) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        del host, port
        if failure is None:
            return []
        raise failure

    why = await refused(fetcher(resolve=resolve), "http://nowhere.test/")
    assert "nowhere.test could not be resolved" in why


# What servers do.


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "broke off"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n", "broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", "broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Length: 8\r\n\r\n", "broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "broke off"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, "broke off"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "broke off"),
        (b"HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\n\r\nx", "status 206"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "status 302"),
        (found("http://[::1/"), "not followed"),
        (found("javascript:alert(1)"), "not followed"),
        (found("http://x/\x01"), "control"),
        (ok(b"x", "Content-Encoding: gzip"), "encoding 'gzip'"),
    ],
)
async def test_servers_that_do_not_serve_a_file(answer: bytes, why: str) -> None:
    async with wire(answer) as server:
        assert why in await refused(fetcher(), server.url)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\nto the end", b"to the end"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", b"ab"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + ok(b"later"), b"later"),
        (b"HTTP/1.1 203 Changed\r\nContent-Length: 1\r\n\r\nx", b"x"),
        (ok(b"x", "Content-Encoding: identity"), b"x"),
        (ok(b"x", "Set-Cookie: \xff=\xe4", "X-Name: \u540d"), b"x"),
    ],
)
async def test_servers_that_serve_a_file_oddly(answer: bytes, body: bytes) -> None:
    async with wire(answer) as server:
        assert (await read(fetcher(), server.url))[1] == body


@pytest.mark.anyio
async def test_a_location_may_be_relative_and_sloppy() -> None:
    async with wire(found("../b/my cat \u00e4.png?x=1#y"), ok()) as server:
        fetched, _ = await read(fetcher(), f"{server.url}/a/start")
    assert fetched.url == f"{server.url}/b/my%20cat%20%C3%A4.png?x=1"
    assert fetched.name == "my cat ä.png"


@pytest.mark.anyio
async def test_a_port_where_nobody_listens() -> None:
    async with wire(ok()) as server:
        pass
    assert "127.0.0.1 refused the connection" in await refused(fetcher(), server.url)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "answer",
    [
        ok()[:-1],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
        b"HTTP/1.1 2",
        b"",
    ],
)
async def test_servers_that_fall_silent(answer: bytes) -> None:
    async with wire(answer, stay=True) as server:
        assert "longer than 0.4 s" in await refused(fetcher(timeout=400), server.url)
        await asyncio.wait_for(server.hung_up.wait(), 5)


@pytest.mark.anyio
async def test_loading_certificates_is_not_on_the_time_of_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def slowly() -> ssl.SSLContext:
        time.sleep(0.5)
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    monkeypatch.setattr(dialling, "tls_context", slowly)
    async with wire(ok()) as server:
        assert (await read(fetcher(timeout=400), server.url))[1] == b"bytes"


@pytest.mark.anyio
async def test_a_resolver_that_falls_silent() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        del host, port
        await asyncio.Event().wait()
        return ()

    why = await refused(fetcher(timeout=100, resolve=resolve), "http://slow.test/")
    assert "longer than 0.1 s" in why


@pytest.mark.anyio
async def test_an_own_timeout_error_is_not_taken_for_the_time_limit() -> None:
    async def own(_: str) -> Fetched | None:
        raise TimeoutError("the store is busy")

    with pytest.raises(TimeoutError, match="busy"):
        await read(fetcher(), "http://mock.test/mine", own)


@pytest.mark.anyio
async def test_the_limit_holds_before_and_while_bytes_come() -> None:
    announced = b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n"
    async with wire(announced, stay=True) as server:  # not one byte of the body has to come
        assert "101 bytes" in await refused(fetcher(limit=100), server.url, "file-too-large")
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with wire(chunked + b"32\r\n" + b"x" * 50 + b"\r\n" + b"33\r\n" + b"y" * 51) as server:
        assert "100 bytes" in await refused(fetcher(limit=100), server.url, "file-too-large")
    async with wire(ok(b"x" * 100)) as server:
        assert (await read(fetcher(limit=100), server.url))[1] == b"x" * 100


@pytest.mark.anyio
async def test_what_a_server_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with wire(found("/b?c#d", "Set-Cookie: a=b"), ok()) as server:
        await read(fetcher(), f"{server.url}/a#x")
    first, second = ([*head.split("\r\n")] for head in server.asked)
    assert (first[0], second[0]) == ("GET /a HTTP/1.1", "GET /b?c HTTP/1.1")
    headers = dict(line.lower().split(": ", 1) for line in second[1:] if line)
    assert headers.pop("user-agent").startswith("mockkie/")
    assert headers == {
        "host": f"127.0.0.1:{server.port}",
        "accept": "*/*",
        "accept-encoding": "identity",
        "connection": "close",
    }


@pytest.mark.anyio
async def test_tls_goes_by_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, names = trustme.CA(), []
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("secure.test").configure_cert(tls)
    tls.sni_callback = lambda _socket, name, _context: names.append(name)
    resolve, _ = resolver(["127.0.0.1"])
    async with wire(ok(), tls=tls) as server:
        url = f"https://secure.test:{server.port}/"
        assert "certificate is not valid" in await refused(fetcher(resolve=resolve), url)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        fetching = fetcher(resolve=resolve)
        assert (await read(fetching, url))[1] == b"bytes"
        assert set(names) == {"secure.test"}
        other = url.replace("secure", "other")
        assert "certificate is not valid" in await refused(fetching, other)
        await fetching.close()
    async with wire(b"no TLS here", listen=False) as server:
        url = f"https://secure.test:{server.port}/"
        assert "could not be connected" in await refused(fetching, url)


@pytest.mark.anyio
async def test_leaving_early_hangs_up() -> None:
    async with wire(ok(b"x" * 10_000_000), stay=True) as server:
        async with fetcher(limit=10**8).fetch(server.url, nobody, on_origin) as fetched:
            assert await anext(fetched.chunks)
        await asyncio.wait_for(server.hung_up.wait(), 5)


@pytest.mark.anyio
async def test_leaving_early_ends_the_origin() -> None:
    before = asyncio.all_tasks()
    async with fetcher(limit=10**9).fetch(
        f"{ORIGIN}/large/900000000", nobody, on_origin
    ) as fetched:
        assert await anext(fetched.chunks)
        assert len(asyncio.all_tasks()) == len(before) + 1
    assert asyncio.all_tasks() == before


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/slow/60/cat.png", "/dribble/60/cat.mp4"])
async def test_a_cancelled_fetch_leaves_nothing_behind(path: str) -> None:
    before = asyncio.all_tasks()
    task = asyncio.create_task(read(fetcher(), ORIGIN + path))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == before


@pytest.mark.anyio
async def test_an_error_of_the_reader_passes_unchanged() -> None:
    with pytest.raises(LookupError, match="the reader"):
        async with fetcher().fetch(f"{ORIGIN}/files/a.png", nobody, on_origin):
            raise LookupError("the reader")


@pytest.mark.anyio
async def test_an_origin_that_fails_is_a_refusal() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        del receive
        if scope["path"] == "/late":
            await send({"type": "http.response.start", "status": 200})
        raise RuntimeError("boom")

    for path in ("/early", "/late"):
        assert "broke off" in await refused(fetcher(origin=broken), ORIGIN + path)


@pytest.mark.anyio
async def test_many_fetches_at_once() -> None:
    fetching = fetcher()
    urls = [f"{ORIGIN}/dribble/0.1/{number}.png" for number in range(20)]
    results = await asyncio.gather(*(read(fetching, url) for url in urls))
    assert [fetched.name for fetched, _ in results] == [f"{number}.png" for number in range(20)]
    assert {body for _, body in results} == {content("a.png")}


@pytest.mark.anyio
async def test_messages_do_not_repeat_endless_urls() -> None:
    url = f"{ORIGIN}/missing/{'a' * 4_000}.png"
    assert len(await refused(fetcher(), url)) < SHOWN + 200


def test_the_import_is_light() -> None:
    heavy = "{'httpx2', 'httpcore2', 'h11', 'idna', 'ssl', 'filetype'}"
    code = f"import sys, mockkie.fetching; print({heavy} & set(sys.modules) - {{'ssl'}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
