"""Who may ask what is below `/__mockkie`, and who is told why not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from mockkie.build import build_mock
from mockkie.problems import UsageError
from mockkie.server import Server
from tests.visitors import FROZEN, Visitor, serving

CALLS = [
    ("GET", "/clock"),
    ("GET", "/files"),
    ("GET", "/ui/default/files"),
    ("GET", "/"),
    ("POST", "/reset"),
    ("POST", "/ui/worlds"),
]


def ask(server: Server, method: str, path: str, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with httpx2.Client(base_url=server.origin, trust_env=False) as client:
        return client.request(method, f"/__mockkie{path}", headers=named)


def detail_of(answer: httpx2.Response) -> str:
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    detail: str = answer.json()["detail"]
    return detail


@pytest.mark.parametrize("host", ["evil.example", "evil.example:5430", "127.0.0.1.evil.example"])
@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_name_that_leads_here_from_elsewhere_is_refused(
    memory: Server, host: str, method: str, path: str
) -> None:
    assert "--control-host" in detail_of(ask(memory, method, path, Host=host))


@pytest.mark.parametrize(
    "host",
    "localhost localhost:1 127.0.0.1 [::1]:80 10.1.2.3:5430 mockkie:5430 a.localhost "
    "host.docker.internal LOCALHOST".split(),
)
def test_the_mock_s_own_names_are_let_in(memory: Server, host: str) -> None:
    assert ask(memory, "GET", "/clock", Host=host).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[::1"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"},
    ],
)
def test_a_page_of_another_origin_changes_nothing(guest: Visitor, headers: dict[str, str]) -> None:
    guest.set_clock()
    for method, path in (("POST", "/reset"), ("PUT", "/clock"), ("DELETE", "/clock")):
        url = f"{guest.origin}/__mockkie{path}"
        answer = guest.client.fetch(method, url, headers={**guest.auth, **headers})
        assert answer.status == 403
        assert "another origin" in answer.json["detail"] or "a page of" in answer.json["detail"]
    assert guest.control("GET", "/clock").json["now"] == FROZEN


@pytest.mark.parametrize("site", [{}, {"Sec-Fetch-Site": "same-origin"}])
def test_a_page_of_the_mock_is_let_in(guest: Visitor, site: dict[str, str]) -> None:
    headers = {**guest.auth, "Origin": guest.origin, **site}
    url = f"{guest.origin}/__mockkie/clock"
    assert guest.client.fetch("DELETE", url, headers=headers).status == 200


def test_more_names_are_let_in_when_they_are_named() -> None:
    with serving(control_hosts=["Mock.Example"]) as server:
        assert ask(server, "GET", "/clock", Host="mock.example:443").status_code == 200
        assert ask(server, "GET", "/clock", Host="other.example").status_code == 403


def test_the_api_and_its_links_have_any_name(memory: Server) -> None:
    with httpx2.Client(base_url=memory.origin, trust_env=False) as client:
        for path in ("/livez", "/readyz"):
            assert client.get(path, headers={"Host": "evil.example"}).status_code == 200
        answer = client.post("/api/file-stream-upload", headers={"Host": "kieai.example"})
        assert answer.status_code == 401


def test_in_process_any_name_is_the_mock_s() -> None:
    async def statuses() -> list[int]:
        mock = build_mock()
        await mock.service.start()
        transport = httpx2.ASGITransport(app=mock)
        async with httpx2.AsyncClient(transport=transport, base_url="http://kie.test") as client:
            got = await client.get("/__mockkie/clock")
            moved = await client.post("/__mockkie/clock/advance", json={"seconds": 1})
            return [got.status_code, moved.status_code]

    assert asyncio.run(statuses()) == [200, 200]


@pytest.mark.parametrize(
    "mime",
    "text/html image/svg+xml application/xhtml+xml text/xml text/xsl application/unknown "
    "unknown/unknown application/atom+xml multipart/x-mixed-replace a/b".split(),
)
def test_a_file_that_can_run_is_of_no_origin(guest: Visitor, mime: str) -> None:
    """Links are of the control API's origin, unless downloads have one of their own."""
    content = b"<!doctype html><script></script>" if mime == "text/html" else b"<svg/>"
    name = "a.svg" if mime == "image/svg+xml" else "a"
    data = guest.upload("stream", content, "a", name, mime=mime)
    assert data["mimeType"] == mime
    headers: Any = guest.get(data["downloadUrl"]).headers
    assert headers["content-security-policy"] == "sandbox allow-scripts"
    assert headers["x-content-type-options"] == "nosniff"
    assert urlsplit(data["downloadUrl"]).netloc == urlsplit(guest.origin).netloc


@pytest.mark.parametrize(
    "mime",
    "text/plain image/png video/mp4 audio/mpeg application/pdf application/octet-stream "
    "application/json application/vnd.openxmlformats-officedocument.presentationml.slide".split(),
)
def test_a_file_that_cannot_run_comes_as_it_is(guest: Visitor, mime: str) -> None:
    data = guest.upload("stream", b"x", "a", "b", mime=mime)
    assert data["mimeType"] == mime
    headers: Any = guest.get(data["downloadUrl"]).headers
    assert "content-security-policy" not in headers


CONTROL_KEY = "a-control-key-of-24-char"


@pytest.fixture(scope="module")
def locked() -> Iterator[Server]:
    """A mock with a control key."""
    with serving(control_key=CONTROL_KEY) as server:
        yield server


def test_the_control_key_is_asked_for(locked: Server) -> None:
    for method, path in CALLS:
        for headers in (
            {},
            {"X-Mockkie-Control-Key": CONTROL_KEY[:-1]},
            {"Cookie": f"a={CONTROL_KEY}"},
        ):
            answer = ask(locked, method, path, **headers)
            assert answer.status_code == 403
            assert "control key" in answer.text
            assert CONTROL_KEY not in answer.text
    assert ask(locked, "GET", "/clock", X_Mockkie_Control_Key=CONTROL_KEY).status_code == 200
    assert ask(locked, "GET", "/origin/files/a.png").status_code == 403
    with httpx2.Client(base_url=locked.origin, trust_env=False) as client:
        assert [client.get(path).status_code for path in ("/livez", "/readyz")] == [200, 200]
        assert client.post("/api/file-stream-upload").status_code == 401


def test_a_world_s_key_is_no_control_key(locked: Server) -> None:
    key = locked.mock.service.keys[0]
    assert ask(locked, "GET", "/clock", Authorization=f"Bearer {key}").status_code == 403


def test_a_browser_enters_by_a_form(locked: Server) -> None:
    with httpx2.Client(base_url=locked.origin, trust_env=False) as browser:
        page = browser.get("/__mockkie/ui/default/files")
        assert (page.status_code, page.headers["cache-control"]) == (403, "no-store")
        assert 'action="/__mockkie/enter"' in page.text
        refused = browser.post("/__mockkie/enter", data={"key": "kie-mock-key"})
        assert (refused.status_code, "That is not the key" in refused.text) == (403, True)
        assert not browser.cookies
        entered = browser.post("/__mockkie/enter", data={"key": CONTROL_KEY})
        assert (entered.status_code, entered.headers["location"]) == (303, "/__mockkie/")
        cookie = entered.headers["set-cookie"]
        assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Path=/__mockkie"))
        assert CONTROL_KEY not in cookie
        assert browser.get("/__mockkie/ui/default/files").status_code == 200
        assert browser.get("/__mockkie/clock").status_code == 200


def test_a_form_of_a_stranger_lets_nobody_in(locked: Server) -> None:
    with httpx2.Client(base_url=locked.origin, trust_env=False) as browser:
        headers = {"Origin": "https://evil.example"}
        answer = browser.post("/__mockkie/enter", data={"key": CONTROL_KEY}, headers=headers)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
        long = browser.post("/__mockkie/enter", content=b"key=" + b"a" * 5_000)
        assert (long.status_code, "too long" in long.text) == (403, True)


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("short", "at least 16"),
        ("with spaces in between", "printable ASCII"),
        ("kéy-that-is-no-ascii", "printable ASCII"),
        ("the-key-of-a-world-itself", "also a --key"),
    ],
)
def test_a_control_key_that_is_none(key: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        build_mock(control_key=key, keys=["the-key-of-a-world-itself"])


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "::ffff:0.0.0.0"])  # noqa: S104 - refused
def test_who_lets_other_machines_in_says_a_control_key(host: str) -> None:
    with pytest.raises(UsageError, match=r"--control-key or MOCKKIE_CONTROL_KEY"):
        Server(build_mock(), host)
    server = Server(build_mock(control_key=CONTROL_KEY), host)
    server.stop()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.5.5.5"])
def test_who_lets_nobody_else_in_need_not(host: str) -> None:
    Server(build_mock(), host).stop()


def test_what_a_name_leads_to_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: Any, **__: Any) -> list[Any]:
        kind = socket.AF_INET, socket.SOCK_STREAM, 6
        return [(*kind, "", ("0.0.0.0", 0))]  # noqa: S104 - refused

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(UsageError, match="--host localhost listens on"):
        Server(build_mock(), "localhost")


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp"]
)
def test_a_change_is_said_to_be_json(guest: Visitor, kind: str | None) -> None:
    """What is not may come from any page: browsers ask nobody before they send it."""
    guest.set_clock()
    headers = guest.auth | ({} if kind is None else {"Content-Type": kind})
    url = f"{guest.origin}/__mockkie/clock/advance"
    answer = guest.client.fetch("POST", url, headers=headers, body=b'{"seconds": 5}')
    assert (answer.status, "application/json" in answer.json["detail"]) == (400, True)
    assert guest.control("GET", "/clock").json["now"] == FROZEN


def test_a_page_of_a_stranger_embeds_nothing(memory: Server) -> None:
    cross = {"Sec-Fetch-Site": "cross-site"}
    for how in (
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    ):
        for path in ("/ui/default/files", "/worlds", "/ui/default/events"):
            assert ask(memory, "GET", path, **cross, **how).status_code == 403
        assert ask(memory, "GET", "/origin/files/a.png", **cross, **how).status_code == 200
    opened = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert ask(memory, "GET", "/ui/default/files", **cross, **opened).status_code == 200
