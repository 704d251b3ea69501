"""The socket side of a fetch: connects to public addresses only. Knows nothing of uploads.

A name is resolved once per connection, all its addresses are checked, and it is these that are
connected to: a name server that changes its mind in between changes nothing. The Host header,
the TLS server name and the certificate still go by the name. Imported late: httpcore2 is slow.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from importlib.metadata import version

import httpcore2
import httpx2

from mockkie.addresses import refuse_private
from mockkie.inprocess import Answer, header_map
from mockkie.urls import host_of, not_fetched, shown

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """TCP to addresses that were checked; `allow_private=True` checks none."""

    def __init__(self, resolve: Resolver, *, allow_private: bool) -> None:
        self._resolve = resolve
        self._allow_private = allow_private
        self._anyio = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore2's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        addresses = await self._addresses(host, port)
        share = None if timeout is None else timeout / len(addresses)
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._anyio.connect_tcp(
                    address, port, share, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = failure or error
        raise failure or httpcore2.ConnectError(f"{host} has no address")

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        """Where the name leads; refused as a whole when any of it is not public."""
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise not_fetched(f"the host {host} could not be resolved ({error})") from error
        if not addresses:
            raise not_fetched(f"the host {host} could not be resolved: it has no address")
        if not self._allow_private:
            for address in addresses:
                refuse_private(host, address)
        return addresses


async def system_resolver(host: str, port: int) -> list[str]:
    """What this machine makes of a host: addresses, each once, the one to try first first."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def tls_context() -> ssl.SSLContext:
    """The machine's certificates, or those of `SSL_CERT_FILE` where somebody has a CA of theirs."""
    return httpcore2.default_ssl_context()


@asynccontextmanager
async def dial(
    url: str, backend: GuardedBackend, tls: ssl.SSLContext, seconds: float
) -> AsyncIterator[Answer]:
    """GET the URL over a connection of its own, closed on leaving. Follows no redirect.

    `seconds` bounds the connecting; the caller bounds the whole. No cookies, no proxies, no
    decompression. Raises `Problem`, here and from the body, for all that can go wrong.
    """
    target = httpx2.URL(url)
    place = httpcore2.URL(
        scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path
    )
    headers = [
        ("Host", target.netloc.decode("ascii")),
        ("User-Agent", f"mockkie/{version('mockkie')}"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
    ]
    async with AsyncExitStack() as stack:
        with _reasons(url):
            pool = await stack.enter_async_context(
                httpcore2.AsyncConnectionPool(
                    tls, max_connections=1, max_keepalive_connections=0, network_backend=backend
                )
            )
            response = await stack.enter_async_context(
                pool.stream(
                    "GET", place, headers=headers, extensions={"timeout": {"connect": seconds}}
                )
            )
        body = await stack.enter_async_context(aclosing(_body(response, url)))
        yield Answer(response.status, header_map(response.headers), body)


async def _body(response: httpcore2.Response, url: str) -> AsyncGenerator[bytes, None]:
    with _reasons(url):
        async with aclosing(response.aiter_stream()) as chunks:
            async for chunk in chunks:
                yield chunk


@contextmanager
def _reasons(url: str) -> Iterator[None]:
    """Whatever a network and a server can do, as a sentence."""
    try:
        yield
    except (httpcore2.TimeoutException, httpcore2.ConnectError) as error:
        raise not_fetched(f"{shown(url)} could not be connected to: {_root(url, error)}") from error
    except (httpcore2.RemoteProtocolError, httpcore2.NetworkError) as error:
        why = f"{shown(url)} broke off: {_root(url, error)}"
        raise not_fetched(
            f"{why}. It closed the connection early or spoke no valid HTTP"
        ) from error
    except (httpcore2.ProtocolError, OSError, ValueError) as error:
        raise not_fetched(f"{shown(url)} could not be fetched: {_root(url, error)}") from error


def _root(url: str, error: BaseException) -> str:
    """The innermost reason: libraries wrap what the system said in words of their own."""
    seen = error
    while (below := seen.__cause__ or seen.__context__) is not None:
        seen = below
    if isinstance(seen, ConnectionRefusedError):
        return f"{host_of(url)} refused the connection; is a server running there?"
    if isinstance(seen, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({seen.verify_message}); SSL_CERT_FILE adds a CA"
    if isinstance(seen, ssl.SSLError):
        return f"the TLS handshake failed ({seen.reason})"
    if isinstance(seen, TimeoutError):
        return "no answer in time"
    return str(seen) or str(error) or type(seen).__name__
