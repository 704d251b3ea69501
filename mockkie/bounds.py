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

HEAD_BYTES: Final = 65_536
"""The most bytes of a request's first line and headers."""
LINGER_SECONDS: Final = 1.0
"""For how long a connection that was refused is read on, so that its client sees the answer."""


_EXCUSED: Final = 1.0  # seconds until it is looked again


@dataclass(frozen=True, slots=True)
class Bounds:
    """`connections` at a time, of each process; `silence` in seconds, 0 for ever.

    So long may the head of a request take, or nothing come of a body.
    """

    connections: int = 4_000
    silence: float = 60.0


def refusal(status: int, phrase: str, why: str, msg: str | None = None) -> bytes:
    """An answer in the envelope of the API to what is no request yet; behind it comes the end."""
    body = orjson.dumps({"success": False, "code": status, "msg": msg or phrase})
    head = (
        f"HTTP/1.1 {status} {phrase}\r\n"
        f"date: {http_date(real_now())}\r\n"
        "content-type: application/json\r\n"
        f"content-length: {len(body)}\r\n"
        f"x-mockkie-why: {why}\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + body


async def within(
    seconds: float | None,
    call: Callable[[], Awaitable[Result]],
    excuse: Callable[[], bool] | None,
) -> Result:
    """What a call gives, which may be cancelled and made again; `TimeoutError` if it takes longer.

    It is made once more in any case, for what may have come in the very turn in which it was given
    up, and again while there is an `excuse`: it is not the client that is behind, but this process.
    """
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
    """Sees to it that the head of a request comes to its end: in time, and not too long.

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
        self.size = 0
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

    @property
    def waits(self) -> bool:
        """Whether the head is not complete."""
        return self._open is not None

    def begin(self) -> None:
        """The first byte of a head came."""
        self.size, self.begun = 0, True
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
