"""Connections to other hosts that were allowed: bytes there and back. Knows nothing of HTTP bodies.

What the environment says about proxies holds for them: behind a company's proxy they go through it.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from typing import Final, Self, cast
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass_environment  # type: ignore[attr-defined]

from mockkie.hosts import join_authority

DIAL_SECONDS: Final = 30.0
_LONGEST_HEAD: Final = 65_536


class UnusableProxyError(OSError):
    """The environment names a proxy that is none by HTTP, such as one for SOCKS."""


class Upstream:
    """The proxies that connections to other hosts go through themselves, if any."""

    def __init__(self, proxies: Mapping[str, str]) -> None:
        self._proxies = dict(proxies)

    @classmethod
    def of_environment(cls) -> Self:
        """Those that this process was told of."""
        return cls(getproxies())

    def proxy_for(self, scheme: str, host: str) -> str | None:
        """The URL of the proxy for a host; None: directly. Raises `UnusableProxyError`."""
        if proxy_bypass_environment(host, self._proxies):
            return None
        found = self._proxies.get(scheme) or self._proxies.get("all")
        if found is None:
            return None
        url = found if "://" in found else f"http://{found}"
        if not _speaks_http(url):
            raise UnusableProxyError("the proxy of the environment is no http:// or https:// URL")
        return url


def _speaks_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of the port, or of brackets without an end
        return False


class Relay(asyncio.Protocol):
    """One end of a tunnel: what comes in here goes out at the other end, at its pace.

    What comes in before there is another end is held. `lost` is called when the connection ends.
    """

    def __init__(self, lost: Callable[[], None] = lambda: None) -> None:
        self.transport: asyncio.Transport | None = None
        self.ended = False
        self._lost = lost
        self._other: Relay | None = None
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def join(self, other: Relay) -> None:
        """Have another relay for the other end; both have their connections."""
        self._take(other)
        other._take(self)

    def data_received(self, data: bytes) -> None:
        if self._far is None:
            self._held += data
        else:
            self._far.write(data)

    def eof_received(self) -> bool:
        """Half a connection may close: the answer may still be on its way."""
        self.ended = True
        if self._far is None or self._other is None:
            return True
        if self._far.can_write_eof():
            self._far.write_eof()
        return not self._other.ended

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._lost()
        if self._far is not None:
            self._far.close()

    def pause_writing(self) -> None:
        if self._far is not None:
            self._far.pause_reading()

    def resume_writing(self) -> None:
        if self._far is not None:
            self._far.resume_reading()

    @property
    def _far(self) -> asyncio.Transport | None:
        return None if self._other is None else self._other.transport

    def _take(self, other: Relay) -> None:
        self._other = other
        if self._held:
            self.data_received(self._held)
            self._held = b""
        if self.ended:
            self.eof_received()


class _Greeting(asyncio.Protocol):
    """Waits for the answer of a proxy to our CONNECT."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.head = b""

    def data_received(self, data: bytes) -> None:
        self.head += data
        if self.answered.done():
            return
        if b"\r\n\r\n" in self.head or len(self.head) > _LONGEST_HEAD:
            self.answered.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if not self.answered.done():
            self.answered.set_exception(ConnectionResetError("the proxy hung up"))


async def dial(upstream: Upstream, host: str, port: int) -> Relay:
    """A connection to a host; `OSError` (`TimeoutError` is one) when there is none."""
    proxy = upstream.proxy_for("https", host)
    async with asyncio.timeout(DIAL_SECONDS):
        if proxy is not None:
            return await _dial_through(proxy, join_authority(host, port))
        loop = asyncio.get_running_loop()
        _, relay = await loop.create_connection(Relay, host, port)
        return relay


async def _dial_through(proxy: str, authority: str) -> Relay:
    parts = urlsplit(proxy)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    transport, greeting = await asyncio.get_running_loop().create_connection(
        _Greeting, parts.hostname or "", port, ssl=secure or None
    )
    request = f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n"
    if parts.username is not None:
        known = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        request += f"Proxy-Authorization: Basic {base64.b64encode(known).decode()}\r\n"
    transport.write(f"{request}\r\n".encode())
    relay = Relay()
    try:
        await greeting.answered
        head, _, rest = greeting.head.partition(b"\r\n\r\n")
        line = head.split(b"\r\n")[0].decode("latin-1")
        if line.split(" ")[1:2] != ["200"]:
            raise ConnectionRefusedError(f"the proxy of the environment answered {line!r}")
    except BaseException:
        transport.abort()
        raise
    relay.connection_made(transport)
    transport.set_protocol(relay)
    relay.data_received(rest)
    return relay
