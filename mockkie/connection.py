"""What can be done to a connection past HTTP, by whoever breaks it. Knows no server."""

from __future__ import annotations

from typing import Final, Protocol

WIRE: Final = "mockkie.wire"
"""The extension of an ASGI scope that gives the `Connection` of a request."""


class Connection(Protocol):
    """What a server that allows it lets be done to a connection, past HTTP."""

    def reset(self) -> None:
        """End it at once (a real RST), whatever is still to be sent."""

    def close(self) -> None:
        """End it in good order, behind what is still to be sent."""

    def pause(self) -> None:
        """Read no more of it, ever: it is about to end."""

    def gone(self) -> bool:
        """Whether it has ended or is about to, as far as this can be known."""

    def arrived(self) -> bool:
        """Whether more of the body of the request is here already, or its end."""

    def speaks(self) -> bool:
        """Whether there are bytes of the other side that nobody here has read yet."""

    def listens(self) -> bool:
        """Whether the other side takes bytes that nobody here has sent yet."""

    def write(self, data: bytes) -> None:
        """Send bytes that need not be HTTP; what is sent by HTTP later is lost."""

    async def flush(self) -> None:
        """Wait until everything is with the operating system, or the connection is gone."""
