"""Links behind proxies and mapped ports, on a port of their own, and in the observed style."""

from __future__ import annotations

import json
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from mockkie import links
from mockkie.settings import Settings
from mockkie.worlds import World
from tests.clients import Client, Part, Reply, multipart
from tests.visitors import ROUTES, Visitor, path_of, serving, visitor_of
from tests.vocabulary import NAMES, SEGMENTS


def upload(visitor: Visitor, *lines: str) -> Reply:
    """An upload with exactly these header lines beside what a form demands."""
    body = multipart({"uploadPath": "a", "fileName": "b"}, Part(b"x"))
    known = [f"Authorization: Bearer {visitor.key}", f"Content-Length: {len(body)}"]
    known.append("Content-Type: multipart/form-data; boundary=frontier")
    head = "\r\n".join([f"POST {ROUTES['stream']} HTTP/1.1", *known, *lines, "", ""])
    with visitor.wire() as wire:
        wire.send(head.encode("latin-1") + body)
        return wire.reply()


@pytest.mark.parametrize(
    ("lines", "origin"),
    [
        (["Host: files.test:8080"], "http://files.test:8080"),
        (["Host: files.test"], "http://files.test"),
        (["Host: 10.0.0.1:99"], "http://10.0.0.1:99"),
        (["Host: [::1]:8080"], "http://[::1]:8080"),
        (["Host: [2001:db8::1]"], "http://[2001:db8::1]"),
        (["Host: a", "X-Forwarded-Host: files.test"], "http://files.test"),
        (["Host: a", "X-Forwarded-Host: files.test:8, b, c"], "http://files.test:8"),
        (["Host: a", "X-Forwarded-Proto: https"], "https://a"),
        (["Host: a", "X-Forwarded-Proto: HTTPS, http"], "https://a"),
        (["Host: a", "X-Forwarded-Proto: gopher"], "http://a"),
        (["Host: a", "X-Forwarded-Host: b", "X-Forwarded-Proto: https"], "https://b"),
    ],
)
def test_a_link_has_the_host_that_the_client_sees(
    guest: Visitor, lines: list[str], origin: str
) -> None:
    data = upload(guest, *lines).json["data"]
    assert data["downloadUrl"] == f"{origin}/{guest.account}/a/b"
    assert guest.get(guest.origin + path_of(data["downloadUrl"])).body == b"x"


@pytest.mark.parametrize("host", ["", "a:99999", ":80", "[:::::]", "[....]:80"], ids=ascii)
def test_a_host_that_is_none_gives_way_to_the_address_of_the_mock(
    guest: Visitor, host: str
) -> None:
    expected = f"{guest.origin}/{guest.account}/a/b"
    assert upload(guest, f"Host: {host}").json["data"]["downloadUrl"] == expected


NO_HOSTS = ["a b", "a/b", "user@a", "a?b", 'a"b', "a:b", "a:123456", "[::1", "[::1%25lo]", "\u00e9"]


@pytest.mark.parametrize("host", NO_HOSTS, ids=ascii)
def test_a_host_that_no_client_may_send_is_refused(guest: Visitor, host: str) -> None:
    reply = upload(guest, f"Host: {host}")
    assert (reply.status, reply.json["code"]) == (400, 400)
    assert "Host" in reply.json["msg"] + str(reply.headers)


@pytest.mark.parametrize("host", ["", "a:99999", ":80", "[....]:80", *NO_HOSTS], ids=ascii)
def test_a_forwarded_host_that_is_none_gives_way_to_the_host(guest: Visitor, host: str) -> None:
    forwarded = upload(guest, "Host: a", f"X-Forwarded-Host: {host}").json["data"]["downloadUrl"]
    expected = f"{guest.origin}/{guest.account}/a/b" if host else f"http://a/{guest.account}/a/b"
    assert forwarded == expected


def test_the_origin_of_links_is_a_setting(http: Client) -> None:
    with serving(download_origin="https://tempfile.redpandaai.co") as server:
        visitor = visitor_of(server, http)
        link = visitor.upload("stream", b"x", "a", "b c")["downloadUrl"]
        assert link == f"https://tempfile.redpandaai.co/{visitor.account}/a/b%20c"
        assert visitor.get(server.origin + path_of(link)).body == b"x"
        [file] = visitor.control("GET", "/files").json["files"]
        assert file["downloadUrl"] == link
        body = json.dumps({"fileUrl": link, "uploadPath": "a", "fileName": "copy"}).encode()
        headers = {**visitor.auth, "Content-Type": "application/json"}
        http.fetch("POST", server.origin + ROUTES["url"], headers=headers, body=body)
        assert visitor.paths() == ["a/b c", "a/copy"]


def test_a_second_port_is_for_downloads_and_the_first_for_uploads(http: Client) -> None:
    with serving(download_port=0) as server:
        assert server.download_origin != server.origin
        visitor = visitor_of(server, http)
        link = visitor.upload("stream", b"x", "a", "b")["downloadUrl"]
        assert link == f"{server.download_origin}/{visitor.account}/a/b"
        assert visitor.control("GET", "/files").json["files"][0]["downloadUrl"] == link
        assert (visitor.get(link).status, visitor.get(link).body) == (200, b"x")
        misplaced = visitor.get(server.origin + path_of(link))
        assert (misplaced.status, misplaced.json["code"]) == (404, 404)
        assert "uploads only" in misplaced.why
        url = server.download_origin + ROUTES["stream"]
        astray = visitor.client.fetch("POST", url, headers=visitor.auth, body=b"x")
        assert (astray.status, astray.json["code"]) == (404, 404)
        assert "downloads only" in astray.why
        assert visitor.upload("url", b"own link", "a", "c")["fileSize"] == 8


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_a_second_port_does_not_know_the_routes_of_the_first(http: Client, method: str) -> None:
    with serving(download_port=0) as server:
        headers = {"Origin": "https://app.test", "Access-Control-Request-Method": "POST"}
        reply = http.fetch(method, server.download_origin + ROUTES["stream"], headers=headers)
        assert (reply.status, reply.json["code"]) == (404, 404)


def test_links_of_a_second_port_carry_it_whatever_the_host_header_says(http: Client) -> None:
    with serving(download_port=0) as server:
        visitor = visitor_of(server, http)
        port = server.download_origin.rpartition(":")[2]
        for host in ("files.test", "files.test:8080", "[::1]:1", "[....]:80"):
            link = upload(visitor, f"Host: {host}").json["data"]["downloadUrl"]
            name = "127.0.0.1" if "...." in host else host.rsplit(":1", 1)[0].split(":8")[0]
            assert link == f"http://{name}:{port}/{visitor.account}/a/b"


def test_the_observed_style_has_the_account_in_the_path(http: Client) -> None:
    with serving(profile="observed") as server:
        visitor = visitor_of(server, http)
        for number, name in enumerate(NAMES):
            data = visitor.upload("stream", name.encode(), f"{number}/{name}", name)
            assert data["success"] is True
            assert data["filePath"] == f"kieai/{visitor.account}/{number}/{name}/{name}"
            assert data["downloadUrl"].startswith(f"{server.origin}/kieai/{visitor.account}/")
            assert visitor.get(data["downloadUrl"]).body == name.encode()
        assert visitor.upload("url", b"own link", "a", "c")["fileSize"] == 8


@pytest.mark.parametrize("style", ["documented", "observed"])
@given(path=st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join))
def test_a_link_is_read_back_to_the_path_it_was_made_of(
    style: Literal["documented", "observed"], path: str
) -> None:
    settings = Settings(link_style=style)
    world = World("w", "12345678", ())
    url = "http://files.test:80" + links.link_path(settings, world, path)
    link = links.link_in(url, {"http://files.test"})
    assert link is not None
    assert links.parse_link(link) == ("12345678", path)
    assert url.isascii()


@pytest.mark.parametrize(
    ("url", "origins", "link"),
    [
        ("http://a/b", {"http://a"}, "b"),
        ("http://a:80/b", {"http://a"}, "b"),
        ("http://a/b", {"http://a:80"}, "b"),
        ("https://a/b", {"https://a:443"}, "b"),
        ("HTTP://A/b", {"http://a"}, "b"),
        ("http://a/b", {"http://A"}, "b"),
        ("http://a/b?c#d", {"http://a"}, "b"),
        ("http://[::1]:5430/b", {"http://[::1]:5430"}, "b"),
        ("http://a/%C3%A9", {"http://a"}, "\u00e9"),
        ("http://a/\u00e9", {"http://a"}, "\u00e9"),
        ("http://a/%ff", {"http://a"}, None),
        ("http://a/b", {"https://a"}, None),
        ("http://a:81/b", {"http://a"}, None),
        ("http://b/b", {"http://a"}, None),
        ("http://a.b/b", {"http://a"}, None),
        ("http:///b", {"http://a", "http:///c"}, None),
        ("http://a:x/b", {"http://a"}, None),
        ("http://[::1/b", {"http://a"}, None),
        ("ftp://a/b", {"http://a"}, None),
        ("b", {"http://a"}, None),
    ],
)
def test_a_link_of_ours_is_told_from_others(url: str, origins: set[str], link: str | None) -> None:
    assert links.link_in(url, origins) == link


@given(st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=30))
def test_any_host_header_makes_an_origin_that_can_be_read_back(host: str) -> None:
    scope = {"type": "http", "scheme": "http", "server": ("127.0.0.1", 80)}
    headers = Headers(raw=[(b"host", host.encode("latin-1"))])
    origin = links.request_origin(scope, headers)
    assert links.link_in(f"{origin}/a", {origin}) == "a"
    assert links.with_port(origin, 81).endswith(":81")
