"""What a connection may take: of time, of memory, and how many there may be. Knows no API.

Nothing of it is known of the real service: these bounds keep one client from holding the mock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import orjson

from mockkie.clock import http_date, real_now

Result = TypeVar("Result")

LINGER_SECONDS: Final = 1.0
"""For how long a connection that was refused is read on, so that its client sees the answer."""
_AHEAD: Final = 1 << 20  # bytes of a body that may wait for the app
_AHEAD_OF_ALL: Final = 1 << 26  # bytes of all bodies together that should
_LEAST_AHEAD: Final = 1 << 16  # as a piece of the network has at most, about
_EXCUSED: Final = 1.0  # seconds until it is looked again


@dataclass(frozen=True, slots=True)
class Bounds:
    """`connections` at a time, of each process; `silence` in seconds, 0 for ever.

    So long may the head of a request take, or nothing come of a body.
    """

    connections: int = 4_000
    silence: float = 60.0


def read_ahead(connections: int) -> int:
    """How many bytes of a body may wait for the app, before no more are read, with so many."""
    return max(_LEAST_AHEAD, min(_AHEAD, _AHEAD_OF_ALL // max(1, connections)))


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why what came is no request, and what is said of it; an empty `msg` is the phrase."""

    why: str
    status: int = 400
    phrase: str = "Bad Request"
    msg: str = ""

    def answer(self) -> bytes:
        """The answer, in the envelope of the API; behind it comes the end of the connection."""
        fields = {"success": False, "code": self.status, "msg": self.msg or self.phrase}
        body = orjson.dumps(fields)
        head = (
            f"HTTP/1.1 {self.status} {self.phrase}\r\n"
            f"date: {http_date(real_now())}\r\n"
            "content-type: application/json\r\n"
            f"content-length: {len(body)}\r\n"
            f"x-mockkie-why: {self.why}\r\n"
            "connection: close\r\n\r\n"
        )
        return head.encode() + body


NO_HTTP: Final = Refusal(
    "this is not a well-formed HTTP/1.1 request", msg="Invalid HTTP request received."
)


async def within(
    seconds: float | None,
    call: Callable[[], Awaitable[Result]],
    excuse: Callable[[], bool] | None,
) -> Result:
    """What a call gives, which may be cancelled and made again; `TimeoutError` if it takes longer.

    It is made once more in any case, for what may have come in the very turn in which it was given
    up, and again while there is an `excuse`: it is not the client that is behind, but this process.
    """
    if seconds is None:
        return await call()
    again = False
    while True:
        try:
            async with asyncio.timeout(_EXCUSED if again else seconds):
                return await call()
        except TimeoutError:
            if again and (excuse is None or not excuse()):
                raise
            again = True


class HeadWatch:
    """Sees to it that the head of a request comes to its end in time.

    `late` is called for one that does not, unless there is an `excuse` as for `within`. A
    connection on which no request ever begins is one.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        seconds: float,
        late: Callable[[], None],
        excuse: Callable[[], bool],
    ) -> None:
        self.begun = False
        """Whether there is a part of a head."""
        self._loop = loop
        self._seconds = seconds
        self._late = late
        self._excuse = excuse
        self._open: float | None = loop.time()  # since when it is waited for
        self._timer: asyncio.TimerHandle | None = None
        if seconds:
            self._timer = loop.call_later(seconds, self._look)

    def begin(self) -> None:
        """The first byte of a head came."""
        self.begun = True
        self._open = self._loop.time()

    def end(self) -> None:
        """The head is complete."""
        self._open, self.begun = None, False

    def stop(self) -> None:
        """The connection is over."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        """Looked at now and then: a timer for each request would cost more than its head."""
        left = self._seconds
        if self._open is not None:
            left -= self._loop.time() - self._open
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        elif self._excuse():
            self._timer = self._loop.call_later(_EXCUSED, self._look)
        else:
            self._late()
