from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from mockkie.inprocess import Truncated, ask
from mockkie.origin import BLOCK, WAYS, large_body, origin_app
from mockkie.samples import sample_named

pytestmark = pytest.mark.anyio
MOUNT = "/__mockkie/origin"
BASE = f"http://mock.test{MOUNT}"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    app = Starlette(routes=[Mount(MOUNT, origin_app())])
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


def content(name: str) -> bytes:
    sample = sample_named(name)
    assert sample is not None
    return sample.content


@asynccontextmanager
async def asked(path: str) -> AsyncIterator[Any]:
    async with ask(origin_app(), BASE + path, path) as answer:
        yield answer


async def test_the_index_has_a_working_example_of_every_way(client: httpx2.AsyncClient) -> None:
    ways = (await client.get("/")).json()["ways"]
    assert [way["path"] for way in ways] == [way.path for way in WAYS]
    for way in ways:
        assert way["example"].startswith(BASE + "/")
        assert way["does"].endswith(".")
        head = await client.head(way["example"].replace("/2.5/", "/0/"))
        assert head.status_code not in {400, 405, 500}, way
        missing = head.status_code == 404
        assert missing == (way["path"] == "/missing/{name}"), way


@pytest.mark.parametrize(
    ("name", "mime"),
    [
        ("sample.png", "image/png"),
        ("My%20Cat.JPEG", "image/jpeg"),
        ("cat.mp4", "video/mp4"),
        ("notes.txt", "text/plain; charset=utf-8"),
    ],
)
async def test_a_file_comes_with_its_type_and_length(
    client: httpx2.AsyncClient, name: str, mime: str
) -> None:
    got = await client.get(f"/files/{name}")
    head = await client.head(f"/files/{name}")
    assert (got.status_code, got.headers["content-type"]) == (200, mime)
    assert got.content == content(name)
    assert got.headers["content-length"] == str(len(got.content))
    assert (head.content, head.headers) == (b"", got.headers)


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/files/cat", 404, "extension"),
        ("/files/cat.xyz", 404, "cat.xyz"),
        ("/missing/cat.png", 404, "cat.png"),
        ("/nowhere", 404, "GET /"),
        ("/files/", 404, "GET /"),
        ("/status/503", 503, "asked for"),
        ("/status/599", 599, "asked for"),
        ("/status/199", 400, "status"),
        ("/status/600", 400, "status"),
        ("/status/abc", 400, "status"),
        ("/slow/121/cat.png", 400, "seconds"),
        ("/slow/-1/cat.png", 400, "seconds"),
        ("/slow/nan/cat.png", 400, "seconds"),
        ("/slow/1/cat", 404, "extension"),
        ("/dribble/inf/cat.png", 400, "seconds"),
        ("/redirect/x/cat.png", 400, "redirects"),
        ("/redirect/1001/cat.png", 400, "redirects"),
        ("/redirect/2/cat", 404, "extension"),
        ("/redirect-to", 400, "url="),
        ("/large/10737418241", 400, "10 GiB"),
        ("/large/x", 400, "10 GiB"),
        ("/broken/cat", 404, "extension"),
    ],
)
async def test_errors_are_problems_that_say_what_would_be_right(
    client: httpx2.AsyncClient, path: str, status: int, detail: str
) -> None:
    answer = await client.get(path)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail"}
    assert answer.status_code == problem["status"] == status
    assert detail in problem["detail"]


async def test_other_methods_are_refused_as_problems(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/files/cat.png")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("code", "body"), [(200, b"OK\n"), (204, b""), (205, b""), (304, b"")])
async def test_statuses_that_are_no_errors(
    client: httpx2.AsyncClient, code: int, body: bytes
) -> None:
    answer = await client.get(f"/status/{code}")
    assert (answer.status_code, answer.content) == (code, body)


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_redirects_lead_to_the_file(client: httpx2.AsyncClient, count: int) -> None:
    answer = await client.get(f"/redirect/{count}/my%20cat.gif", follow_redirects=True)
    assert [hop.status_code for hop in answer.history] == [302] * count
    assert answer.content == content("cat.gif")
    if count:
        assert str(answer.url) == f"{BASE}/files/my%20cat.gif"


async def test_a_loop_leads_to_itself(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/redirect-loop")
    assert answer.next_request is not None
    assert str(answer.next_request.url) == f"{BASE}/redirect-loop"


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:1/a?b=c#d", "https://example.com/%C3%A4", "ftp://x/", "//x/y", "/z"],
)
async def test_redirects_to_anywhere(client: httpx2.AsyncClient, target: str) -> None:
    answer = await client.get("/redirect-to", params={"url": target})
    assert (answer.status_code, answer.headers["location"]) == (302, target)


async def test_a_redirect_cannot_add_headers(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/redirect-to?url=http%3A%2F%2Fx%2F%0D%0ASet-Cookie%3A%20a%3Db")
    assert answer.headers["location"] == "http://x/%0D%0ASet-Cookie:%20a=b"
    assert "set-cookie" not in answer.headers


async def test_wrong_and_missing_types(client: httpx2.AsyncClient) -> None:
    wrong, missing = await client.get("/mistyped/c.png"), await client.get("/untyped/c.png")
    assert wrong.headers["content-type"] == "text/plain; charset=utf-8"
    assert "content-type" not in missing.headers
    assert wrong.content == missing.content == content("c.png")


async def test_an_empty_file(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/empty")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "0"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("c.png", "attachment; filename=\"c.png\"; filename*=UTF-8''c.png"),
        (
            "c.png?filename=%C3%A4%22.png",
            "attachment; filename=\"__.png\"; filename*=UTF-8''%C3%A4%22.png",
        ),
        ("c.png?filename=a%0D%0Ab", "attachment; filename=\"a__b\"; filename*=UTF-8''a%0D%0Ab"),
    ],
)
async def test_an_attachment_has_a_name(client: httpx2.AsyncClient, path: str, said: str) -> None:
    answer = await client.get(f"/attachment/{path}")
    assert answer.headers["content-disposition"] == said
    assert answer.content == content("c.png")


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 5])
async def test_large_bodies_have_their_size_and_are_always_the_same(size: int) -> None:
    async with asked(f"/large/{size}") as answer:
        body = b"".join([chunk async for chunk in answer.body])
    assert answer.headers["content-length"] == str(len(body)) == str(size)
    assert body == b"".join([chunk async for chunk in large_body(size)])
    numbers = [int.from_bytes(body[at : at + 8], "big") for at in range(0, size - 7, BLOCK)]
    assert numbers == list(range(len(numbers)))


async def test_a_large_body_streams() -> None:
    async with asked("/large/10737418240") as answer:
        assert answer.headers["content-length"] == "10737418240"
        assert len(await anext(answer.body)) == BLOCK


async def test_slow_waits_before_it_answers() -> None:
    began = time.perf_counter()
    async with asked("/slow/0.15/cat.png") as answer:
        assert time.perf_counter() - began > 0.1
        assert b"".join([chunk async for chunk in answer.body]) == content("cat.png")


async def test_dribble_answers_at_once_and_spreads_the_body() -> None:
    began = time.perf_counter()
    async with asked("/dribble/0.3/cat.mp4") as answer:
        first = await anext(answer.body)
        early = time.perf_counter() - began
        rest = [chunk async for chunk in answer.body]
    assert first + b"".join(rest) == content("cat.mp4")
    assert len(rest) >= 3
    assert time.perf_counter() - began > early + 0.15


async def test_a_client_that_hangs_up_ends_the_wait() -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/slow/60/cat.png", "headers": []}
    await asyncio.wait_for(origin_app()(scope, receive, send), 5)


async def test_broken_promises_more_than_it_sends() -> None:
    whole = content("cat.pdf")
    async with asked("/broken/cat.pdf") as answer:
        assert answer.headers["content-length"] == str(len(whole))
        assert await anext(answer.body) == whole[: len(whole) // 2]
        with pytest.raises(Truncated):
            await anext(answer.body)


async def test_head_of_a_broken_file_is_whole(client: httpx2.AsyncClient) -> None:
    head = await client.head("/broken/cat.pdf")
    assert head.headers["content-length"] == str(len(content("cat.pdf")))


async def sent(method: str, path: str) -> list[Any]:
    """The messages of one answer, as a server gets them."""
    messages: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)

    asgi = {"version": "3.0", "spec_version": "2.4"}
    scope = {"type": "http", "asgi": asgi, "method": method, "path": path, "headers": []}
    await origin_app()(scope, receive, send)
    return messages


async def test_broken_never_says_that_it_is_done() -> None:
    # else a server reports a fault of the app, with a traceback, instead of cutting the connection
    assert [message.get("more_body") for message in await sent("GET", "/broken/a.pdf")] == [
        None,
        True,
    ]


@pytest.mark.parametrize("path", ["/large/1000000", "/dribble/60/a.png", "/files/a.png"])
async def test_head_makes_no_body(path: str) -> None:
    messages = await sent("HEAD", path)
    assert b"".join(message.get("body", b"") for message in messages) == b""
