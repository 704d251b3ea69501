"""Requests that name their host in full, as plain HTTP by a proxy does: ours, forwarded or refused.

Judged one by one: clients use one connection for all hosts that they reach by a proxy.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from mockkie.hosts import PLAIN, SECURE, Hosts, Sightings, join_authority, split_authority
from mockkie.passing import UnusableProxyError, Upstream
from mockkie.protocol import Protocol
from mockkie.wire import printable

Told = Callable[[str], Mapping[str, Any]]
"""What an app is told of a request to a host, for the `state` of ASGI."""

_PORTS: Final = {"http": PLAIN, "https": SECURE}
_HOP_BY_HOP: Final = frozenset(
    (
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization"),
        *(b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    )
)
_SECONDS: Final = 30.0


class Proxied(Protocol):
    """HTTP to a proxy: what the request line says of scheme and host is not lost.

    It is what counts: `Host` becomes what the target says (RFC 9112, 3.2.2).
    """

    connects = True

    def on_headers_complete(self) -> None:
        url = urlsplit(self.url.decode("latin-1"))
        if url.scheme in _PORTS and url.netloc:
            authority = url.netloc.rpartition("@")[2]
            self.scope["state"]["target"] = (url.scheme, authority)
            path = url._replace(scheme="", netloc="", fragment="").geturl() or "/"
            self.url = (path if path.startswith("/") else f"/{path}").encode("latin-1")
            if sum(name == b"host" for name, _ in self.headers) < 2:  # noqa: PLR2004 - two are refused
                others = [header for header in self.headers if header[0] != b"host"]
                self.headers[:] = [(b"host", authority.encode("latin-1")), *others]
        elif url.scheme or self.parser.get_method() == b"CONNECT":
            self.url = b"/"
        super().on_headers_complete()


class ProxyApp:
    """The app behind `Proxied`: hands on to the mock what is for one of our hosts."""

    def __init__(
        self, app: ASGIApp, hosts: Hosts, seen: Sightings, upstream: Upstream, told: Told
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._seen = seen
        self._upstream = upstream
        self._told = told
        self._clients: dict[str | None, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scheme, authority = scope["state"].pop("target", ("http", ""))
        target = split_authority(authority, _PORTS[scheme])
        if target is None:
            why = "this is a proxy: it takes CONNECT, as the first of a connection, and whole URLs"
            await _say(send, 400, why)
            return
        where = join_authority(*target)
        verdict = self._hosts.judge(*target)
        if verdict == "ours":
            scope["scheme"] = scheme
            scope["state"].update(self._told(target[0]))
            await self._app(scope, receive, send)
        elif verdict == "refused":
            self._seen.refused[where] += 1
            await _say(send, 403, self._hosts.refusal(*target))
        else:
            await self._forward(scope, receive, send, f"{scheme}://{where}")

    async def close(self) -> None:
        """Let go of connections to other hosts."""
        for client in self._clients.values():
            await client.aclose()

    async def _forward(self, scope: Scope, receive: Receive, send: Send, origin: str) -> None:
        """Ask a host that was allowed, and hand its answer back as it comes."""
        import httpx2  # noqa: PLC0415 - mostly nothing is let through

        where = origin.partition("://")[2]
        answered = False
        try:
            client = self._client(origin)
            # Not by the client, which would add headers and cookies that nobody here has sent.
            request = httpx2.Request(
                scope["method"],
                origin + _target(scope),
                headers=_kept(scope["headers"]),
                content=_body(receive) if _has_body(scope) else None,
                extensions={"timeout": httpx2.Timeout(_SECONDS).as_dict()},
            )
            answer = await client.send(request, stream=True)
            answered = True
            self._seen.passed[where] += 1
            async with contextlib.aclosing(answer):
                head = {"type": "http.response.start", "status": answer.status_code}
                await send({**head, "headers": _kept(answer.headers.raw)})
                async for piece in answer.aiter_raw():
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except (httpx2.HTTPError, UnusableProxyError) as error:
            if answered:
                raise  # the answer is cut short, as it was to us
            self._seen.failed[where] += 1
            await _say(send, 502, f"{where} was allowed, but could not be reached: {error}")

    def _client(self, origin: str) -> Any:
        import httpx2  # noqa: PLC0415 - as above

        scheme, _, authority = origin.partition("://")
        known = split_authority(authority)
        proxy = None if known is None else self._upstream.proxy_for(scheme, known[0])
        if proxy not in self._clients:
            self._clients[proxy] = httpx2.AsyncClient(proxy=proxy, trust_env=False)
        return self._clients[proxy]


def _target(scope: Scope) -> str:
    query: bytes = scope["query_string"]
    raw: bytes = scope["raw_path"] + (b"?" + query if query else b"")
    return raw.decode("latin-1")


def _kept(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers that are for the other end, not for the next one."""
    lower = [(name.lower(), value) for name, value in headers]
    return [(name, value) for name, value in lower if name not in _HOP_BY_HOP]


def _has_body(scope: Scope) -> bool:
    names = {name for name, _ in scope["headers"]}
    return b"content-length" in names or b"transfer-encoding" in names


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client hung up")
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def _say(send: Send, status: int, why: str) -> None:
    """Answer in the name of the proxy."""
    body = f"{why}\n".encode()
    headers = {
        "content-type": "text/plain; charset=utf-8",
        "content-length": str(len(body)),
        "x-mockkie-why": printable(why),
        "connection": "close",
    }
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
