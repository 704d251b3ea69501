"""The API under test. Knows its address, its keys and what it can do; nothing of how it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import count
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

import requests

from mockkie.harness.answered import hiding
from mockkie.harness.api import STREAM
from mockkie.harness.curl import curl_lines
from mockkie.harness.plan import CONTROL_SECRET, OTHER_SECRET, SECRET, Plan, checked_address
from mockkie.harness.session import (
    PATIENCE,
    Budget,
    Exchange,
    NoAnswerError,
    NotJudgedError,
    Wire,
    new_session,
)

_REAL_TIME: Final = 2.0  # seconds by which a clock may differ from ours, and be real still
_TIDYING: Final = 3  # requests that leave a target as it was, beside those of the plan
_ENOUGH_PROOF: Final = 2
_LITTLE_PATIENCE: Final = 1.0


class ClockState(NamedTuple):
    """What a clock says: the time, and by how many seconds it differs from real time."""

    now: datetime
    offset: float


@dataclass(slots=True)
class Staleness:
    """How long old bytes were served after an overwrite, in seconds, as far as a run has seen.

    A target that was given all the time of the plan twice gets less from then on: it is known
    what it does, and the run has other things to ask.
    """

    longest: float = 0.0
    _exceeded: int = 0

    def patience(self, delay: float) -> float:
        """How long to wait for new bytes, of the `delay` that the plan allows."""
        return delay if self._exceeded < _ENOUGH_PROOF else min(delay, _LITTLE_PATIENCE)

    def exceed(self) -> None:
        """Old bytes were served for longer than the plan allows."""
        self._exceeded += 1


@dataclass(frozen=True)
class Target:
    """An API under test: uploads go to `url`, `headers` open an account of it."""

    url: str
    key: str
    session: requests.Session
    wire: Wire
    plan: Plan
    headers: Mapping[str, str | None]
    other_key: str | None = None
    staleness: Staleness = field(default_factory=Staleness)
    _before: list[ClockState | None] = field(default_factory=list)
    _moved: list[float] = field(default_factory=list)
    _folders: Iterator[int] = field(default_factory=count)
    _name: str = field(default_factory=lambda: f"mockkie-{uuid4().hex[:12]}")

    def with_authorization(self, value: str | None) -> Target:
        """The same target for somebody who sends another header, or none."""
        return replace(self, headers={"Authorization": value})

    def of_other_account(self) -> Target:
        """The same target for another account; raises `NotJudgedError` when none is known."""
        if self.other_key is None:
            raise NotJudgedError(f"no key of a second account is known (set {OTHER_SECRET})")
        return self.with_authorization(f"Bearer {self.other_key}")

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be written down of it: keys, whole and nearly, and its host."""
        host = urlsplit(self.url)
        known = (
            self.key,
            self.key.swapcase(),
            self.key[:-1],
            self.other_key,
            self.plan.control_key,
        )
        return tuple(filter(None, (*known, host.netloc, host.hostname)))

    def folder(self) -> str:
        """A path that nobody has uploaded to yet."""
        return f"{self._name}/{next(self._folders)}"

    def post(self, path: str, **more: Any) -> requests.Response:
        """Upload to a path, with the key."""
        headers = {**self.headers, **more.pop("headers", {})}
        more.setdefault("timeout", PATIENCE)
        return self.session.post(self.url + path, headers=headers, allow_redirects=False, **more)

    def get(self, url: str, method: str = "GET", **more: Any) -> requests.Response:
        """Read a link as anybody would: without a key, and following where it leads."""
        return self.session.request(method, url, timeout=PATIENCE, **more)

    @property
    def has_clock(self) -> bool:
        """Whether the target's clock can be moved: it speaks the clock protocol."""
        return self._first_clock is not None

    @cached_property
    def _first_clock(self) -> ClockState | None:
        return self.clock()

    def clock(self) -> ClockState | None:
        """What its clock says; None where the clock protocol is not spoken."""
        answer = self.session.get(self._clock_url, headers=self._control, timeout=PATIENCE)
        try:
            told = answer.json()
            found = ClockState(datetime.fromisoformat(told["now"]), float(told["offset"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        return found if answer.status_code == requests.codes.ok else None

    @property
    def _control(self) -> dict[str, str | None]:
        """The headers of a call of the clock protocol."""
        key = self.plan.control_key
        return {**self.headers, **({"X-Mockkie-Control-Key": key} if key else {})}

    @property
    def _clock_url(self) -> str:
        return f"{self.url}/__mockkie/clock"

    def advance(self, seconds: float) -> None:
        """Let time pass; raises `NotJudgedError` where it cannot be moved."""
        if not self.has_clock:
            raise NotJudgedError("its clock cannot be moved; plant a probe and collect it later")
        if not self._before:
            self._before.append(self._first_clock)
        self._moved.append(seconds)
        answer = self.session.post(
            f"{self._clock_url}/advance",
            headers=self._control,
            json={"seconds": seconds},
            timeout=PATIENCE,
        )
        if answer.status_code != requests.codes.ok:
            raise NotJudgedError(f"its clock did not move: it answered {answer.status_code}")

    @property
    def ahead(self) -> float:
        """By how many seconds its clock is before that of the machine it runs on."""
        first = self._first_clock
        return (first.offset if first else 0.0) + sum(self._moved)

    def restore_clock(self) -> None:
        """Have the clock be as far from real time as it was before it was moved."""
        for before in filter(None, self._before):
            now = self.clock()
            if now is None:
                return
            if abs(before.offset) < _REAL_TIME:
                self.session.delete(self._clock_url, headers=self._control, timeout=PATIENCE)
                return
            aim = now.now - timedelta(seconds=now.offset - before.offset)
            self.session.put(
                self._clock_url,
                headers=self._control,
                json={"now": aim.isoformat(timespec="milliseconds").replace("+00:00", "Z")},
                timeout=PATIENCE,
            )

    def begin(self) -> None:
        """Forget the requests so far: what follows is another attempt."""
        self.wire.log.clear()

    def reproduce(self, last: int = 6) -> Sequence[str]:
        """The last requests as shell lines."""
        known: list[Exchange] = list(self.wire.log)[-last:]
        return curl_lines(known, self.key, self.other_key, self.plan.control_key)

    def answers(self, last: int = 6) -> Sequence[str]:
        """What these requests were answered, shortened, without keys."""
        hide = self.hide_keys
        return [hide(exchange.said) for exchange in list(self.wire.log)[-last:]]

    @cached_property
    def hide_keys(self) -> Callable[[str], str]:
        """Puts `$KIE_API_KEY` in place of the key, wherever a text has it."""
        known = (
            (self.key, SECRET),
            (self.other_key, OTHER_SECRET),
            (self.plan.control_key, CONTROL_SECRET),
        )
        return hiding([(key, f"${name}") for key, name in known])


@contextmanager
def open_target(plan: Plan) -> Iterator[Target]:
    """The target of a plan; `UsageError` for an address that must not be tried."""
    session, wire = new_session(Budget(plan.most_requests, plan.rate))
    with ExitStack() as stack:
        stack.enter_context(session)
        url, key, other = plan.url, plan.key, plan.other_key
        if url is None:
            import mockkie  # noqa: PLC0415 - not needed for a target that runs already

            kie = stack.enter_context(mockkie.serve())
            url, key, other = kie.base_url, kie.key, kie.new_world().key
        checked = checked_address(url, live=plan.live)
        headers = {"Authorization": f"Bearer {key}"}
        target = Target(checked, key, session, wire, plan, headers, other)
        try:
            yield target
        finally:
            asked, wire.budget = wire.budget, Budget(_TIDYING)
            with suppress(NotJudgedError, NoAnswerError):
                target.restore_clock()
            wire.budget = asked


def reach(plan: Plan) -> str | None:
    """Why a target cannot be checked at all; None when a first upload is answered.

    Raises `UsageError` like `open_target`.
    """
    with open_target(replace(plan, most_requests=10)) as target:
        try:
            answer = target.post(STREAM)
        except (NotJudgedError, NoAnswerError) as error:
            return f"{target.url} cannot be reached: {error}"
    if answer.status_code == requests.codes.not_found:
        return f"{target.url} has no {STREAM} (404): is it the base URL of the API?"
    if answer.status_code >= requests.codes.internal_server_error:
        return f"{target.url} answers {answer.status_code} to an empty upload"
    return None
