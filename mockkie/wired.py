"""The `Connection` of a request that came over a socket: what HTTP has no words for."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mockkie.protocol import Protocol

_AT_ONCE: Final = struct.pack("ii", 1, 0)  # SO_LINGER: whatever is still to be sent is dropped
_READABLE: Final = getattr(select, "POLLIN", 0)
_WRITABLE: Final = getattr(select, "POLLOUT", 0)
_HUNG_UP: Final = getattr(select, "POLLRDHUP", 0)
_FLUSH_SECONDS: Final = 0.005


class Wire:
    """The `Connection` of a protocol: what HTTP has no words for."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    def reset(self) -> None:
        """End the connection by a RST."""
        transport = self._protocol.transport
        found = transport.get_extra_info("socket")
        with contextlib.suppress(OSError, AttributeError):  # closed already, or no TCP
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self._leave()
        transport.abort()

    def close(self) -> None:
        """End the connection by a FIN, behind what is still to be sent."""
        self._leave()
        self._protocol.transport.close()

    def pause(self) -> None:
        """Read no more, whatever else may want to."""
        self._protocol.deaf = True
        self._protocol.flow.pause_reading()

    def gone(self) -> bool:
        """Whether the other side is, as far as can be known, or this side is about to be.

        Who has sent all and hangs up is noticed on Linux only, who waits to send more nowhere.
        """
        if self._protocol.stopping or self._protocol.transport.is_closing():
            return True
        events = self._polled(_HUNG_UP)
        return events is None or bool(_HUNG_UP and events)

    def arrived(self) -> bool:
        """Whether more of the body of the request is here already, or its end.

        The request that was read last is asked: one before it has its end.
        """
        cycle = self._protocol.cycle
        return bool(cycle.body) or not cycle.more_body

    def speaks(self) -> bool:
        """Whether bytes have come that were not read."""
        return bool((self._polled(_READABLE) or 0) & _READABLE)

    def listens(self) -> bool:
        """Whether bytes can be sent."""
        return bool((self._polled(_WRITABLE) or 0) & _WRITABLE)

    def _polled(self, wanted: int) -> int | None:
        """The events that there are of those, and errors; None: there is no socket any more."""
        found = self._protocol.transport.get_extra_info("socket")
        if found is None or found.fileno() < 0:
            return None
        if not hasattr(select, "poll"):  # Windows
            return 0
        poll = select.poll()
        poll.register(found.fileno(), wanted)
        return next((events for _, events in poll.poll(0)), 0)

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._protocol.cycle.response_started = True
        self._protocol.transport.write(data)

    async def flush(self) -> None:
        """Wait until the operating system has everything."""
        transport = self._protocol.transport
        while not transport.is_closing() and transport.get_write_buffer_size():  # noqa: ASYNC110
            await asyncio.sleep(_FLUSH_SECONDS)

    def _leave(self) -> None:
        """Have nothing more be sent: not even that the app ended without an answer."""
        self._protocol.cycle.disconnected = True
