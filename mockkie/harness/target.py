"""The API under test. Knows its address, its keys and what it can do; nothing of how it is made."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from ipaddress import ip_address
from itertools import count
from typing import Any, Final, Self
from urllib.parse import urlsplit
from uuid import uuid4

import requests

from mockkie.harness.curl import curl_lines
from mockkie.harness.session import (
    PATIENCE,
    Budget,
    Exchange,
    NoAnswerError,
    NotJudgedError,
    Wire,
    new_session,
)
from mockkie.problems import UsageError

ADDRESS: Final = "MOCKKIE_TARGET"
SECRET: Final = "KIE_API_KEY"  # noqa: S105 - the variable's name
OTHER_SECRET: Final = "KIE_OTHER_API_KEY"  # noqa: S105 - the same
MOCK: Final = "mock"
"""The word for a mock in this process."""
MOCK_KEY: Final = "kie-mock-key"
DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run was asked for; from the environment, so that any way to start pytest sets it.

    `url` None: a mock in this process. `overwrite_delay` is how many seconds old bytes may be
    served after an overwrite, `rate` requests a second.
    """

    url: str | None = None
    key: str = MOCK_KEY
    other_key: str | None = None
    profile: str = "quick"
    seed: int = 5430
    most_requests: int = 1_500
    rate: float | None = None
    live: bool = False
    overwrite_delay: float = 10.0

    @classmethod
    def of_environment(cls) -> Self:
        """The plan that `to_environment` wrote; what is not set is as above."""
        known = os.environ
        url = known.get(ADDRESS) or None
        rate = known.get("MOCKKIE_RATE")
        return cls(
            url=url,
            key=known.get(SECRET, MOCK_KEY) if url else MOCK_KEY,
            other_key=known.get(OTHER_SECRET) if url else None,
            profile=known.get("MOCKKIE_CHECK_PROFILE", "quick"),
            seed=int(known.get("MOCKKIE_SEED", "5430")),
            most_requests=int(known.get("MOCKKIE_MAX_REQUESTS", "1500")),
            rate=float(rate) if rate else None,
            live=known.get("MOCKKIE_LIVE") == "1",
            overwrite_delay=float(known.get("MOCKKIE_OVERWRITE_DELAY", "10")),
        )

    def to_environment(self) -> dict[str, str]:
        """The variables that say all this."""
        found = {
            ADDRESS: self.url or "",
            SECRET: self.key,
            OTHER_SECRET: self.other_key or "",
            "MOCKKIE_CHECK_PROFILE": self.profile,
            "MOCKKIE_SEED": str(self.seed),
            "MOCKKIE_MAX_REQUESTS": str(self.most_requests),
            "MOCKKIE_RATE": str(self.rate or ""),
            "MOCKKIE_LIVE": "1" if self.live else "",
            "MOCKKIE_OVERWRITE_DELAY": str(self.overwrite_delay),
        }
        return {name: value for name, value in found.items() if value}

    @property
    def full(self) -> bool:
        """Whether everything is tried, not only what fits into half a minute."""
        return self.profile == "full"


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
        known = (self.key, self.key.swapcase(), self.key[:-1], self.other_key)
        return tuple(filter(None, (*known, host.netloc, host.hostname)))

    def folder(self) -> str:
        """A path that nobody has uploaded to yet."""
        return f"{self._name}/{next(self._folders)}"

    def post(self, path: str, **more: Any) -> requests.Response:
        """Upload to a path, with the key."""
        headers = {**self.headers, **more.pop("headers", {})}
        return self.session.post(
            self.url + path, headers=headers, timeout=PATIENCE, allow_redirects=False, **more
        )

    def get(self, url: str, method: str = "GET", **more: Any) -> requests.Response:
        """Read a link as anybody would: without a key."""
        return self.session.request(method, url, timeout=PATIENCE, allow_redirects=False, **more)

    @cached_property
    def has_clock(self) -> bool:
        """Whether the target's clock can be moved: it speaks the clock protocol."""
        answer = self.session.get(
            f"{self.url}/__mockkie/clock", headers=self.headers, timeout=PATIENCE
        )
        try:
            return answer.status_code == requests.codes.ok and "offset" in answer.json()
        except ValueError:
            return False

    def advance(self, seconds: float) -> None:
        """Let time pass; raises `NotJudgedError` where it cannot be moved."""
        if not self.has_clock:
            raise NotJudgedError("its clock cannot be moved; plant a probe and collect it later")
        answer = self.session.post(
            f"{self.url}/__mockkie/clock/advance",
            headers=self.headers,
            json={"seconds": seconds},
            timeout=PATIENCE,
        )
        if answer.status_code != requests.codes.ok:
            raise NotJudgedError(f"its clock did not move: it answered {answer.status_code}")

    def begin(self) -> None:
        """Forget the requests so far: what follows is another attempt."""
        self.wire.log.clear()

    def reproduce(self, last: int = 6) -> Sequence[str]:
        """The last requests as shell lines."""
        known: list[Exchange] = list(self.wire.log)[-last:]
        return curl_lines(known, self.key, self.other_key)


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
        checked = _checked(url, live=plan.live)
        headers = {"Authorization": f"Bearer {key}"}
        yield Target(checked, key, session, wire, plan, headers, other)


def reach(plan: Plan) -> str | None:
    """Why a target cannot be checked at all; None when a first upload is answered.

    Raises `UsageError` like `open_target`.
    """
    with open_target(replace(plan, most_requests=10)) as target:
        try:
            answer = target.post("/api/file-stream-upload")
        except (NotJudgedError, NoAnswerError) as error:
            return f"{target.url} cannot be reached: {error}"
    if answer.status_code == requests.codes.not_found:
        return f"{target.url} has no /api/file-stream-upload (404): is it the base URL of the API?"
    if answer.status_code >= requests.codes.internal_server_error:
        return f"{target.url} answers {answer.status_code} to an empty upload"
    return None


def _checked(url: str, *, live: bool) -> str:
    """The address without a slash at its end; a real service is not tried by accident."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"{url!r} is no base URL: give scheme and host, like http://127.0.0.1:5430"
        )
    if not live and not is_loopback(parts.hostname):
        raise UsageError(
            f"{parts.hostname} is not this machine: uploads by the hundred are sent to a real "
            "service only with --live"
        )
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
