"""Where the bytes of a URL upload come from. Knows nothing of worlds, stores or requests.

A URL is resolved in this order, and so is every redirect: a link of this very mock (`own`), the
built-in origin (asked in process, never over a socket), then the mode decides: `offline` lets a
sample stand in, `fetch` goes out to public addresses. `deny` refuses everything at once.

Documented: the API gives up after 30 s and recommends 100 MB at most. Assumed: all the rest,
that is which redirects are followed, which statuses are files and how a refusal reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal

from starlette.types import ASGIApp

from mockkie.addresses import literal_address, refuse_private
from mockkie.clock import SECOND
from mockkie.inprocess import Answer, Truncated, ask
from mockkie.problems import Problem
from mockkie.samples import sample_for
from mockkie.urls import checked, file_name, host_of, joined, mime_of, not_fetched, shown

if TYPE_CHECKING:
    import ssl

    from mockkie.dialling import Resolver

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
# The content of the resource, and nothing less: 202 and 204 have none yet or at all, 206 a part.
CONTENT: Final = frozenset({HTTPStatus.OK, HTTPStatus.NON_AUTHORITATIVE_INFORMATION})


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file on its way here.

    `url` is the final one, after redirects; `mime` its Content-Type without parameters; `name`
    the name it is offered under (`urls.file_name`), the last segment of a path at most; `told`
    one sentence for the journal on where the bytes come from.
    """

    url: str
    mime: str | None
    name: str | None
    chunks: AsyncIterator[bytes]
    told: str


Own = Callable[[str], Awaitable[Fetched | None]]
OriginPath = Callable[[str], str | None]


class Fetcher:
    """Fetches the files of URL uploads, in one of three modes.

    `timeout` is for a whole fetch, in milliseconds of real time; `limit` in bytes; `redirects`
    how many are followed. `origin` is the ASGI app of the built-in origin. `allow_private` lets
    URLs lead to addresses that are not public; `resolve` stands in for the system's resolver.
    """

    def __init__(  # noqa: PLR0913 - each is a setting of its own
        self,
        mode: Literal["offline", "fetch", "deny"],
        *,
        timeout: int,
        limit: int,
        redirects: int,
        origin: ASGIApp,
        allow_private: bool = False,
        resolve: Resolver | None = None,
    ) -> None:
        self._mode = mode
        self._timeout = timeout
        self._limit = limit
        self._redirects = redirects
        self._origin = origin
        self._allow_private = allow_private
        self._resolve = resolve
        self._tls: ssl.SSLContext | None = None

    @asynccontextmanager
    async def fetch(self, url: str, own: Own, origin_path: OriginPath) -> AsyncIterator[Fetched]:
        """The file at a URL; its chunks come from the wire as they are read.

        `own` answers for a link of this mock, and raises the `Problem` of one that is gone; it
        and `origin_path` (the path and query below the built-in origin) are given URLs in
        normal form and say None to all others. On leaving, everything is closed, `own`'s chunks
        too when they have an `aclose`.

        Raises `Problem`, here and while chunks are read: `invalid-parameter` for a URL that
        nobody could fetch, `file-too-large` over the limit, else `url-not-fetched`.
        """
        url = checked(url)
        if self._mode == "deny":
            raise not_fetched(
                f"{shown(url)} was not fetched: this mock refuses URL uploads (--url-upload=deny); "
                "start it with --url-upload=offline or --url-upload=fetch"
            )
        if self._mode == "fetch" and self._tls is None:
            # Neither the server's fault nor quick: not on its time, and not on the event loop's.
            self._tls = await asyncio.to_thread(_load_tls)
        deadline = asyncio.get_running_loop().time() + self._timeout / SECOND
        async with AsyncExitStack() as stack:
            async with self._in_time(url, deadline):
                fetched = await self._follow(url, own, origin_path, stack)
            source = fetched.chunks
            if isinstance(source, AsyncGenerator):
                await stack.enter_async_context(aclosing(source))
            chunks = self._measured(url, source, deadline)
            yield replace(fetched, chunks=await stack.enter_async_context(aclosing(chunks)))

    async def close(self) -> None:
        """Let go of what fetches share. Connections end with their fetch: none is left to close."""
        self._tls = None

    async def _follow(
        self, url: str, own: Own, origin_path: OriginPath, stack: AsyncExitStack
    ) -> Fetched:
        first = url
        for followed in range(self._redirects + 1):
            found = await own(url) or await self._look(url, origin_path, stack)
            if isinstance(found, Fetched):
                if not followed:
                    return found
                told = f"{shown(first)} led here over {followed} redirect(s): {found.told}"
                return replace(found, told=told)
            url = found
        raise not_fetched(
            f"{shown(first)} redirects more than {self._redirects} times, at last to {shown(url)}; "
            "give the URL of the file itself"
        )

    async def _look(
        self, url: str, origin_path: OriginPath, stack: AsyncExitStack
    ) -> Fetched | str:
        """The file at exactly this URL, or the URL that it redirects to."""
        path = origin_path(url)
        if path is None and self._mode == "offline":
            return self._stand_in(url)
        asked = self._dial(url) if path is None else ask_origin(self._origin, url, path)
        async with AsyncExitStack() as hop:
            answer = await hop.enter_async_context(asked)
            location = answer.headers.get("location")
            if answer.status in REDIRECTS and location:
                return joined(url, location)
            self._accept(url, answer)
            stack.push_async_exit(hop.pop_all())
            return Fetched(
                url=url,
                mime=mime_of(answer.headers.get("content-type")),
                name=file_name(answer.headers.get("content-disposition"), url),
                chunks=answer.body,
                told=f"{shown(url)} was fetched"
                if path is None
                else f"{shown(url)} was answered by the built-in origin, in process",
            )

    def _stand_in(self, url: str) -> Fetched:
        address = literal_address(host_of(url))
        if address is not None and not self._allow_private:
            refuse_private(host_of(url), address)
        sample = sample_for(url)
        return Fetched(
            url=url,
            mime=sample.mime,
            name=file_name(None, url),
            chunks=_once(sample.content),
            told=f"offline: {shown(url)} was not fetched, {sample.name} stands in for it; "
            "--url-upload=fetch really fetches",
        )

    def _dial(self, url: str) -> AbstractAsyncContextManager[Answer]:
        from mockkie import dialling  # noqa: PLC0415 - httpcore2 is slow to import

        if self._tls is None:  # closed since the fetch began
            self._tls = dialling.tls_context()
        resolve = self._resolve or dialling.system_resolver
        backend = dialling.GuardedBackend(resolve, allow_private=self._allow_private)
        return dialling.dial(url, backend, self._tls, self._timeout / SECOND)

    def _accept(self, url: str, answer: Answer) -> None:
        """`Problem` for an answer that is not the file, before any of its bytes is read."""
        if answer.status not in CONTENT:
            raise not_fetched(
                f"{shown(url)} answered with status {answer.status}; "
                "a file comes with 200, without a login and without a page in between"
            )
        coding = answer.headers.get("content-encoding", "identity").lower()
        if coding not in {"", "identity"}:
            raise not_fetched(
                f"{shown(url)} answered in the encoding {coding!a}, though it was asked not to; "
                "the file's own bytes are needed, so serve it without compression"
            )
        size = answer.headers.get("content-length", "")
        if size.isdecimal() and int(size) > self._limit:
            raise self._too_large(url, f"{size} bytes")

    async def _measured(
        self, url: str, source: AsyncIterator[bytes], deadline: float
    ) -> AsyncGenerator[bytes, None]:
        """The bytes of a source within the limit and the time."""
        size = 0
        while True:
            async with self._in_time(url, deadline):
                chunk = await anext(source, None)
            if chunk is None:
                return
            size += len(chunk)
            if size > self._limit:
                raise self._too_large(url, "longer")
            yield chunk

    @asynccontextmanager
    async def _in_time(self, url: str, deadline: float) -> AsyncIterator[None]:
        scope = asyncio.timeout_at(deadline)
        try:
            async with scope:
                yield
        except TimeoutError:
            if not scope.expired():
                raise
            raise not_fetched(
                f"{shown(url)} took longer than {self._timeout / SECOND:g} s, the time for a "
                "whole fetch (30 s are documented); serve it faster or from nearer"
            ) from None

    def _too_large(self, url: str, found: str) -> Problem:
        why = (
            f"the file at {shown(url)} is {found}, and {self._limit} bytes are the most that a URL "
            "upload takes (100 MB are documented); upload it as a stream instead"
        )
        return Problem("file-too-large", why, parameter="fileUrl")


def _load_tls() -> ssl.SSLContext:
    from mockkie import dialling  # noqa: PLC0415 - httpcore2 is slow to import

    return dialling.tls_context()


@asynccontextmanager
async def ask_origin(origin: ASGIApp, url: str, path: str) -> AsyncIterator[Answer]:
    """The built-in origin's answer, which comes to grief as one from a socket does."""
    async with AsyncExitStack() as stack:
        try:
            answer = await stack.enter_async_context(ask(origin, url, path))
        except Truncated as error:
            raise _broke_off(url, error) from error
        body = _to_the_end(url, answer.body)
        yield replace(answer, body=await stack.enter_async_context(aclosing(body)))


async def _to_the_end(url: str, body: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    try:
        async for chunk in body:
            yield chunk
    except Truncated as error:
        raise _broke_off(url, error) from error


def _broke_off(url: str, error: Truncated) -> Problem:
    return not_fetched(f"{shown(url)} broke off: {error}, then the connection was closed")


async def _once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content
