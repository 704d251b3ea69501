"""How many writes an answer takes. Knows nothing of HTTP."""

from __future__ import annotations

import asyncio
from typing import Any, Final

_SMALL: Final = 16_384


class Gathering(asyncio.Transport):
    """A transport that sends the head of an answer and a small body at once, not one by one.

    uvicorn writes them apart, and a write wakes the other side: on a loopback it costs more than
    all the rest of a small answer. What is held goes out when the loop comes round.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._held = b""
        self._ended = False

    def write(self, data: Any) -> None:
        if self._ended:  # an app that was not told yet
            return
        if self._held:
            self._held += data
            if len(self._held) > _SMALL:
                self._flush()
        elif len(data) > _SMALL:
            self._transport.write(data)
        else:
            self._held = bytes(data)
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        self._held = b""
        self._transport.abort()

    def can_write_eof(self) -> bool:
        return self._transport.can_write_eof()

    def write_eof(self) -> None:
        self._flush()
        self._ended = True
        self._transport.write_eof()

    def get_write_buffer_size(self) -> int:
        return len(self._held) + self._transport.get_write_buffer_size()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def _flush(self) -> None:
        held, self._held = self._held, b""
        if held and not self._transport.is_closing():
            self._transport.write(held)
