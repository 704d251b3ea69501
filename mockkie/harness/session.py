"""Requests of a run: counted, paced, written down, patient with a busy service."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter

from mockkie.clock import stopwatch

PATIENCE: Final = 30.0  # seconds that an answer may take
_TRIES: Final = 5
_LONGEST_PAUSE: Final = 60.0
_BUSY: Final = 429
_REMEMBERED: Final = 12


class NotJudgedError(Exception):
    """Nothing can be said about a clause; the text is a sentence that says why."""


class NoAnswerError(AssertionError):
    """The target hung up instead of answering."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and the status of its answer; None: there was no answer."""

    request: requests.PreparedRequest
    status: int | None


@dataclass(slots=True)
class Budget:
    """How many requests a run may send, and how many a second; None: as fast as they go."""

    requests: int
    rate: float | None = None
    spent: int = 0
    _next: float = 0.0

    def spend(self) -> None:
        """Take one request out, when it is its time; raises `NotJudgedError` when none is left."""
        if self.spent >= self.requests:
            raise NotJudgedError(
                f"the {self.requests:,} requests of this run are spent (--max-requests)"
            )
        self.spent += 1
        if self.rate:
            now = stopwatch()
            time.sleep(max(self._next - now, 0.0))
            self._next = max(self._next, now) + 1 / self.rate


@dataclass(eq=False)
class Wire(HTTPAdapter):
    """How requests travel: within the budget, and once more when the service is busy.

    An answer of 429 was not carried out, so it is asked for again, after the pause that it names.
    A connection that breaks is tried again once: every upload goes to a name of this run.
    """

    budget: Budget
    log: deque[Exchange] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def __post_init__(self) -> None:
        super().__init__(pool_maxsize=32)

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        broken: Exception | None = None
        for attempt in range(_TRIES):
            self.budget.spend()
            try:
                response = super().send(request, *args, **more)
            except requests.Timeout as error:
                raise NotJudgedError(f"no answer came within {PATIENCE:.0f} s") from error
            except requests.ConnectionError as error:
                self.log.append(Exchange(request, None))
                if attempt:
                    raise NoAnswerError(
                        f"the connection broke without an answer: {error}"
                    ) from error
                broken = error
                continue
            self.log.append(Exchange(request, response.status_code))
            if response.status_code != _BUSY:
                return response
            response.close()
            time.sleep(_pause(response))
        raise NotJudgedError(f"the service stayed busy (429) {_TRIES} times") from broken


def _pause(response: requests.Response) -> float:
    named = response.headers.get("Retry-After", "")
    return min(float(named), _LONGEST_PAUSE) if named.isdecimal() else 1.0


def new_session(budget: Budget) -> tuple[requests.Session, Wire]:
    """A session whose every request goes through a `Wire`."""
    wire = Wire(budget)
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", wire)
    session.mount("https://", wire)
    return session, wire
