"""Who may ask what is below `/__mockkie`, and who is told why not."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from mockkie.build import build_mock
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


@pytest.mark.parametrize("mime", ["text/html", "image/svg+xml"])
def test_a_file_that_can_run_is_of_no_origin(guest: Visitor, mime: str) -> None:
    """Links are of the control API's origin, unless downloads have one of their own."""
    contents = {"text/html": b"<!doctype html><script></script>", "image/svg+xml": b"<svg/>"}
    name = {"text/html": "a.html", "image/svg+xml": "a.svg"}[mime]
    data = guest.upload("stream", contents[mime], "a", name, mime=mime)
    assert data["mimeType"] == mime
    headers: Any = guest.get(data["downloadUrl"]).headers
    assert headers["content-security-policy"] == "sandbox allow-scripts"
    plain = guest.upload("stream", b"x", "a", "b.txt", mime="text/plain")
    assert "content-security-policy" not in guest.get(plain["downloadUrl"]).headers
    assert urlsplit(data["downloadUrl"]).netloc == urlsplit(guest.origin).netloc
