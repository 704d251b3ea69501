"""What a call of the control API needs to know of it. Knows no call."""

from __future__ import annotations

from typing import Protocol

from starlette.requests import Request

from mockkie.service import Service
from mockkie.worlds import World


class Caller(Protocol):
    """The control API as its calls see it."""

    service: Service

    def world(self, request: Request) -> World:
        """The world of a request."""
