"""What each setting does, as a client sees it: one look with it, and the same without it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.clients import Form, Part, Reply
from tests.visitors import Visitor

STREAM: Final = "/api/file-stream-upload"
_UUID: Final = re.compile(r"[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}\.bin")


@dataclass(frozen=True)
class Case:
    """A value, what is looked at, and what is seen without it and with it."""

    value: Any
    look: Callable[[Visitor], Any]
    usual: Any
    other: Any
    beside: Mapping[str, Any] | None = None
    """Settings that have to be there for this one to show."""


def form(visitor: Visitor, file: Part | None = None, /, **texts: str) -> Reply:
    """Send a form to a world."""
    sent = Form({"uploadPath": "a/b", **texts}, file or Part(b"content"))
    return visitor.client.fetch("POST", visitor.origin + STREAM, headers=visitor.auth, form=sent)


def by_url(visitor: Visitor, url: str) -> Reply:
    """Have a file fetched; a path is one of the built-in origin."""
    where = url if "://" in url else f"{visitor.origin}/__mockkie/origin{url}"
    body = json.dumps({"fileUrl": where, "uploadPath": "a"}).encode()
    headers = {**visitor.auth, "Content-Type": "application/json"}
    url = f"{visitor.origin}/api/file-url-upload"
    return visitor.client.fetch("POST", url, headers=headers, body=body)


def link(visitor: Visitor) -> str:
    url: str = visitor.upload("stream", b"content", "a", "x.bin")["downloadUrl"]
    return url


def ended(visitor: Visitor) -> str:
    url = link(visitor)
    visitor.advance(3 * 86_400)
    return url


def never(visitor: Visitor) -> str:
    return link(visitor).replace("x.bin", "never.bin")


def after_an_hour(visitor: Visitor) -> int:
    url = link(visitor)
    visitor.advance(3_600)
    return visitor.get(url).status


def dead(where: Callable[[Visitor], str]) -> Callable[[Visitor], tuple[str | None, bool]]:
    def look(visitor: Visitor) -> tuple[str | None, bool]:
        reply = visitor.get(where(visitor))
        assert reply.status == 404
        assert reply.why
        return reply.headers.get("content-type"), bool(reply.body)

    return look


def data(name: str) -> Callable[[Visitor], Any]:
    return lambda visitor: visitor.upload("stream", b"content", "a", "x.bin").get(name)


def status(**texts: str) -> Callable[[Visitor], int]:
    return lambda visitor: form(visitor, **texts).status


def header(name: str, method: str = "GET") -> Callable[[Visitor], str | None]:
    return lambda visitor: visitor.ask(method, link(visitor)).headers.get(name)


def host_of_link(visitor: Visitor) -> str:
    at: str = visitor.upload("stream", b"content", "a", "x.bin")["downloadUrl"]
    return "here" if at.startswith(visitor.downloads) else "/".join(at.split("/")[:3])


def generated(visitor: Visitor) -> str:
    name = visitor.upload("stream", b"content", filename="x.bin")["fileName"]
    return "uuid" if _UUID.fullmatch(name) else "another"


def name_of_url(visitor: Visitor) -> str:
    reply = by_url(visitor, "https://example.com/cat.png")
    return "cat.png" if reply.json["data"]["fileName"] == "cat.png" else "another"


def path_of(path: str) -> Callable[[Visitor], Any]:
    def look(visitor: Visitor) -> Any:
        reply = form(visitor, uploadPath=path, fileName="x")
        return reply.json["data"]["filePath"] if reply.status == 200 else reply.status

    return look


def agent(visitor: Visitor) -> list[int]:
    url, headers = link(visitor), {"User-Agent": "A RoBot/1.0"}
    sent = Form({"uploadPath": "a"}, Part(b"x"))
    upload = visitor.client.fetch(
        "POST", visitor.origin + STREAM, headers={**headers, **visitor.auth}, form=sent
    )
    return [upload.status, visitor.get(url, **headers).status]


def json_size(visitor: Visitor) -> int:
    body = json.dumps({"base64Data": "AAAA", "uploadPath": "a", "fileName": "b" * 100}).encode()
    headers = {**visitor.auth, "Content-Type": "application/json"}
    url = f"{visitor.origin}/api/file-base64-upload"
    return visitor.client.fetch("POST", url, headers=headers, body=body).status


def ranged(visitor: Visitor) -> tuple[int, str | None, bytes]:
    reply = visitor.get(link(visitor), range="bytes=0-0")
    return reply.status, reply.headers.get("accept-ranges"), reply.body


def tagged(visitor: Visitor) -> tuple[bool, int]:
    url = link(visitor)
    reply = visitor.get(url)
    tag = reply.headers.get("etag")
    return tag is not None, visitor.get(url, if_none_match=tag or "*").status


def fetched(url: str) -> Callable[[Visitor], int]:
    return lambda visitor: by_url(visitor, url).status


JSON: Final = "application/json"
HTML: Final = "text/html; charset=utf-8"
CASES: Final[Mapping[str, Case]] = {
    "retention": Case("PT1H", after_an_hour, 200, 404),
    "links.origin": Case("https://files.example", host_of_link, "here", "https://files.example"),
    "links.style": Case("observed", lambda v: data("filePath")(v).partition("/")[0], "a", "kieai"),
    "expiredLink.status": Case(410, lambda v: v.get(ended(v)).status, 404, 410),
    "expiredLink.body": Case("empty", dead(ended), (JSON, True), (None, False)),
    "unknownLink.status": Case(403, lambda v: v.get(never(v)).status, 404, 403),
    "unknownLink.body": Case("html", dead(never), (JSON, True), (HTML, True)),
    "errorTransport": Case("body", status(uploadPath=""), 400, 200),
    "edgeSlashes": Case("trim", path_of("/a/b/"), 400, "a/b/x"),
    "innerSlashes": Case("resolve", path_of("a//./b/../c"), 400, "a/c/x"),
    "urlName": Case("random", name_of_url, "cat.png", "another"),
    "generatedName": Case("uuid", generated, "another", "uuid"),
    "emptyFile": Case("refuse", lambda v: form(v, Part(b"")).status, 200, 400),
    "unknownFields": Case("refuse", status(colour="red"), 200, 400),
    "extraData": Case({"region": "eu"}, data("region"), None, "eu"),
    "cacheControl": Case("no-store", header("cache-control"), "public, max-age=86400", "no-store"),
    "cors.uploads": Case(
        None, lambda v: form(v).headers.get("access-control-allow-origin"), "*", None
    ),
    "cors.downloads": Case("*", header("access-control-allow-origin"), None, "*"),
    "userAgents.refuse": Case(["robot"], agent, [200, 200], [403, 403]),
    "userAgents.status": Case(
        429, agent, [403, 403], [429, 429], {"userAgents": {"refuse": ["robot"]}}
    ),
    "head": Case("refuse", lambda v: v.ask("HEAD", link(v)).status, 200, 405),
    "ranges": Case("ignore", ranged, (206, "bytes", b"c"), (200, "none", b"content")),
    "etags": Case("omit", tagged, (True, 304), (False, 200)),
    "limits.fileSize": Case(3, status(), 200, 400),
    "limits.totalSize": Case(3, status(), 200, 400),
    "limits.fieldSize": Case(4, status(uploadPath="a/b/c"), 200, 400),
    "limits.jsonSize": Case(90, json_size, 200, 400),
    "limits.parts": Case(1, status(), 200, 400),
    "urlUpload.mode": Case("deny", fetched("/files/cat.png"), 200, 400),
    "urlUpload.timeout": Case("PT0.1S", fetched("/slow/0.5/cat.png"), 200, 400),
    "urlUpload.size": Case(10, fetched("/files/cat.png"), 200, 400),
    "urlUpload.redirects": Case(0, fetched("/redirect/1/cat.png"), 200, 400),
}
