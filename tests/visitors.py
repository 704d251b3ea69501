"""Who uploads and reads: the world of a test on a mock on a real socket, by HTTP only."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from mockkie.build import build_mock
from mockkie.server import Server
from tests.clients import Client, Form, Part, Reply, Wire

WAYS: Final = ("stream", "base64", "url")
ROUTES: Final = {way: f"/api/file-{way}-upload" for way in WAYS}
JSON_TYPE: Final = {"Content-Type": "application/json"}
FROZEN: Final = "2025-01-01T12:00:00.000Z"


class Visitor:
    """Who knows the key of one world, and asks by HTTP only."""

    def __init__(self, origin: str, downloads: str, client: Client, state: dict[str, Any]) -> None:
        self.origin = origin
        self.downloads = downloads
        self.id: str = state["id"]
        self.key: str = state["key"]
        self.account: str = state["account"]
        self.client = client

    @property
    def auth(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def wire(self) -> Wire:
        return Wire(self.origin)

    def post(  # noqa: PLR0913 - what an upload can be made of
        self,
        way: str,
        content: bytes,
        path: str = "a/b",
        name: str | None = None,
        *,
        client: Client | None = None,
        filename: str = "blob.bin",
        mime: str = "application/octet-stream",
    ) -> Reply:
        """Upload by one of the three ways; for `url` the bytes are uploaded by `stream` first."""
        url, client = self.origin + ROUTES[way], client or self.client
        names = {"uploadPath": path} | ({} if name is None else {"fileName": name})
        if way == "stream":
            form = Form(names, Part(content, filename, mime))
            return client.fetch("POST", url, headers=self.auth, form=form)
        if way == "base64":
            names["base64Data"] = base64.b64encode(content).decode()
        else:
            names["fileUrl"] = self.upload("stream", content, "source", "blob.bin")["downloadUrl"]
        headers = {**self.auth, "Content-Type": "application/json"}
        return client.fetch("POST", url, headers=headers, body=json.dumps(names).encode())

    def upload(
        self, way: str, content: bytes, path: str = "a/b", name: str | None = None, **more: Any
    ) -> dict[str, Any]:
        """The `data` of an upload that has to succeed."""
        reply = self.post(way, content, path, name, **more)
        assert reply.status == 200, (reply.json, reply.why)
        data: dict[str, Any] = reply.json["data"]
        return data

    def get(self, url: str, **headers: str) -> Reply:
        """Read a link, without a key; `if_range` is sent as `if-range`."""
        return self.ask("GET", url, **headers)

    def ask(self, method: str, url: str, **headers: str) -> Reply:
        known = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.fetch(method, url, headers=known)

    def control(self, method: str, path: str, value: Any = None) -> Reply:
        """Ask the control API about this world."""
        body = None if value is None else json.dumps(value).encode()
        url = f"{self.origin}/__mockkie{path}"
        kind = {} if body is None else JSON_TYPE
        return self.client.fetch(method, url, headers={**self.auth, **kind}, body=body)

    def set_clock(self, now: str = FROZEN, *, frozen: bool = True) -> None:
        reply = self.control("PUT", "/clock", {"now": now, "frozen": frozen})
        assert reply.status == 200, reply.json

    def advance(self, seconds: float) -> None:
        reply = self.control("POST", "/clock/advance", {"seconds": seconds})
        assert reply.status == 200, reply.json

    def journal(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.control("GET", "/journal").json["entries"]
        return entries

    def paths(self) -> list[str]:
        return [file["path"] for file in self.control("GET", "/files").json["files"]]


@contextmanager
def serving(download_port: int | None = None, **options: Any) -> Iterator[Server]:
    """A mock of its own on a free port."""
    server = Server(build_mock(**options), download_port=download_port)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def visitor_of(server: Server, client: Client, **wanted: Any) -> Visitor:
    """A world of its own on a server, for as long as that runs."""
    url = f"{server.origin}/__mockkie/worlds"
    reply = client.fetch("POST", url, headers=JSON_TYPE, body=json.dumps(wanted).encode())
    assert reply.status == 201, reply.json
    return Visitor(server.origin, server.download_origin, client, reply.json)


@contextmanager
def visiting(server: Server, client: Client, **wanted: Any) -> Iterator[Visitor]:
    """A world of its own on a server, dropped at the end."""
    visitor = visitor_of(server, client, **wanted)
    try:
        yield visitor
    finally:
        client.fetch("DELETE", f"{visitor.origin}/__mockkie/worlds/{visitor.id}")


def path_of(url: str) -> str:
    """The target of a request for a URL, as it stands there."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")
