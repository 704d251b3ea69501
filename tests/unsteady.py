"""A proxy on a real socket that can be slow, busy, silent, torn or gone. Knows nothing of S3."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

_T = TypeVar("_T")
_PIECE: Final = 64 * 1_024
_BUSY: Final = b"""\
<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"""


@dataclass
class Mood:
    """What the proxy does with the requests to come.

    It is about requests whose first line contains `only`, and ends after `times` of them.
    """

    only: str = ""
    times: int | None = None
    busy: bool = False
    silent: bool = False
    delay: float = 0.0
    tear: int | None = None

    def takes(self, line: str) -> bool:
        """Whether it is about this request; counts it."""
        if self.only not in line or self.times == 0:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Unsteady:
    """A proxy to one HTTP server; each connection of it carries one request.

    `requests` are the first lines of all that came through it, in order.
    """

    def __init__(self, upstream: str) -> None:
        address = urlsplit(upstream)
        self._upstream = (str(address.hostname), int(address.port or 80))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._mood = Mood()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._port = 0
        self.requests: list[str] = []
        self._do(self._listen())
        self.endpoint = f"http://127.0.0.1:{self._port}"

    def steady(self) -> None:
        """As if it were not there; listens again after `refuse`."""
        self._mood = Mood()
        self._do(self._listen())

    def refuse(self) -> None:
        """Take no connections, and reset those that are open."""
        self._do(self._leave())

    def slow(self, delay: float, *, only: str = "") -> None:
        """Wait for `delay` seconds before every piece of an answer (at most 64 KiB)."""
        self._mood = Mood(only, delay=delay)

    def busy(self, times: int | None = None, *, only: str = "") -> None:
        """Answer 503 SlowDown, for ever or so many times."""
        self._mood = Mood(only, times, busy=True)

    def silent(self, times: int | None = None, *, only: str = "") -> None:
        """Take requests and never answer."""
        self._mood = Mood(only, times, silent=True)

    def tear(self, after: int, times: int | None = None, *, only: str = "") -> None:
        """Reset the connection when `after` bytes of an answer, head and all, went through.

        After 0 bytes: the request was carried out, and nobody hears of it.
        """
        self._mood = Mood(only, times, tear=after)

    def close(self) -> None:
        """Free the port and end the thread."""
        self._do(self._leave())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def _leave(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._answer(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        line = head.partition(b"\r\n")[0].decode("latin-1")
        self.requests.append(line)
        mood = self._mood if self._mood.takes(line) else Mood()
        if mood.silent:
            await asyncio.Event().wait()
        if mood.busy:
            writer.write(
                b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(_BUSY), _BUSY)
            )
            await self._end(reader, writer)
            return
        up_reader, up_writer = await asyncio.open_connection(*self._upstream)
        try:
            up_writer.write(head[:-2] + b"Connection: close\r\n\r\n")
            sending = asyncio.ensure_future(self._pass_on(reader, up_writer, Mood()))
            try:
                await self._pass_on(up_reader, writer, mood)
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
            if mood.tear is None:
                await self._end(reader, writer)
        finally:
            up_writer.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, mood: Mood
    ) -> None:
        """Until the end, or until the answer is to be torn."""
        left = mood.tear
        while piece := await reader.read(_PIECE):
            await asyncio.sleep(mood.delay)
            writer.write(piece[:left])
            await writer.drain()
            if left is not None:
                left -= len(piece)
                if left <= 0:
                    break

    async def _end(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say that nothing follows, and read until the other side says so: no reset."""
        await writer.drain()
        writer.write_eof()
        while await reader.read(_PIECE):
            pass


@contextmanager
def unsteady(upstream: str) -> Iterator[Unsteady]:
    """A proxy to an origin such as `http://127.0.0.1:9000`; steady at first."""
    proxy = Unsteady(upstream)
    try:
        yield proxy
    finally:
        proxy.close()
