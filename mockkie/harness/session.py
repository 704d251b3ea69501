"""Requests of a run: counted, paced, written down, patient with a busy service."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter

from mockkie.clock import stopwatch
from mockkie.harness.answered import summary

PATIENCE: Final = 30.0  # seconds that an answer may take
_TRIES: Final = 5
_LONGEST_PAUSE: Final = 60.0
_MOST_WAITING: Final = 600.0  # seconds that a run waits in all for a service that says it is busy
_FIRST_PAUSE: Final = 0.25  # seconds, where an answer names none; doubled each time
BUSY: Final = 429
GATEWAY: Final = (502, 503, 504)
_REMEMBERED: Final = 12


class NotJudgedError(Exception):
    """Nothing can be said about a clause; the text is a sentence that says why."""


class NoAnswerError(AssertionError):
    """The target hung up instead of answering."""


@dataclass(slots=True)
class Exchange:
    """A request and the status of its answer; None: there was no answer.

    `answer` is kept until the next request is sent, what it said from then on: bodies may be large.
    """

    request: requests.PreparedRequest
    status: int | None
    answer: requests.Response | None = None
    thread: int = field(default_factory=threading.get_ident)
    _said: str = ""

    @property
    def said(self) -> str:
        """What was answered, shortened."""
        answer = self.answer  # other threads of a race let go of it, too
        if answer is not None:
            return summary(answer)
        return self._said or f"{self.request.method} {self.request.url}\nno answer"

    def settle(self) -> None:
        """Let go of the answer."""
        self._said, self.answer = self.said, None


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

    An answer of 429 was not carried out, so it is asked for again, after the pause that it names;
    so is the page of a gateway in between (502, 503, 504), which says nothing about the service.
    A connection that breaks is tried again once: every upload goes to a name of this run.
    """

    budget: Budget
    log: deque[Exchange] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    waited: float = 0.0

    def __post_init__(self) -> None:
        super().__init__(pool_maxsize=32)

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        said, broken = "", False
        for attempt in range(_TRIES):
            response = self._send(request, args, more, last=broken)
            if response is None:
                broken = True
                continue
            if response.status_code != BUSY and not _is_intermediary(response):
                return response
            said = str(response.status_code)
            response.close()
            self._wait(_pause(response, attempt))
        raise NotJudgedError(f"the service answered {said} {_TRIES} times")

    def _send(
        self, request: requests.PreparedRequest, args: Any, more: Any, *, last: bool
    ) -> requests.Response | None:
        """The answer; None when the connection broke, unless this was the `last` try."""
        self.budget.spend()
        # Another thread of a race may still be reading its own answer.
        mine = threading.get_ident()
        for known in list(self.log):
            if known.answer is not None and known.thread == mine:
                known.settle()
        try:
            response = super().send(request, *args, **more)
        except requests.Timeout as error:
            raise NotJudgedError(f"no answer came within {more['timeout']:.0f} s") from error
        except requests.ConnectionError as error:
            self.log.append(Exchange(request, None))
            if last:
                raise NoAnswerError(f"the connection broke without an answer: {error}") from error
            return None
        self.log.append(Exchange(request, response.status_code, response))
        return response

    def _wait(self, seconds: float) -> None:
        """Leave a busy service alone for a while, within what a run waits in all."""
        if self.waited + seconds > _MOST_WAITING:
            raise NotJudgedError(f"the service was busy for {self.waited:,.0f} s of this run")
        self.waited += seconds
        time.sleep(seconds)


def _is_intermediary(response: requests.Response) -> bool:
    """Whether a gateway in between answered, in a page of its own."""
    kind = str(response.headers.get("Content-Type", ""))
    return response.status_code in GATEWAY and "json" not in kind


def _pause(response: requests.Response, attempt: int) -> float:
    named = response.headers.get("Retry-After", "")
    return min(float(named), _LONGEST_PAUSE) if named.isdecimal() else _FIRST_PAUSE * 2**attempt


def new_session(budget: Budget) -> tuple[requests.Session, Wire]:
    """A session whose every request goes through a `Wire`."""
    wire = Wire(budget)
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", wire)
    session.mount("https://", wire)
    return session, wire
