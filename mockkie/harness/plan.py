"""What a run was asked for, and which addresses it may ask. Sends nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, Self
from urllib.parse import urlsplit

from mockkie.problems import UsageError

ADDRESS: Final = "MOCKKIE_TARGET"
SECRET: Final = "KIE_API_KEY"  # noqa: S105 - the variable's name
OTHER_SECRET: Final = "KIE_OTHER_API_KEY"  # noqa: S105 - the same
CONTROL_SECRET: Final = "MOCKKIE_CONTROL_KEY"  # noqa: S105 - the same
MOCK: Final = "mock"
"""The word for a mock in this process."""
MOCK_KEY: Final = "kie-mock-key"
DAY: Final = 86_400.0
_GENTLE: Final = 5.0  # requests a second that a real service is asked, unless others are named


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run was asked for; from the environment, so that any way to start pytest sets it.

    `url` None: a mock in this process. `overwrite_delay` is how many seconds old bytes may be
    served after an overwrite, `rate` requests a second. `control_key` is what a mock's clock may
    ask for.
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
    control_key: str | None = field(
        default_factory=lambda: os.environ.get(CONTROL_SECRET) or None, repr=False
    )

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


def known_key(url: str | None, key: str | None, *, live: bool) -> str:
    """The key of a run; `UsageError` when that of a real service is not in the environment."""
    if live and SECRET not in os.environ:
        if url is not None and key is None:
            raise UsageError(f"no key: set {SECRET} to a key of the service")
        raise UsageError(f"the key of a real service comes from the environment: set {SECRET}")
    return key or MOCK_KEY


def pace(rate: float | None, *, live: bool) -> float | None:
    """Requests a second: as many as somebody named, else few for a real service; None: no bound."""
    return rate or (_GENTLE if live else None)


def checked_address(url: str, *, live: bool) -> str:
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


def is_live(url: str | None) -> bool:
    """Whether an address is not of this machine; None is a mock in this process."""
    return url is not None and not is_loopback(urlsplit(url).hostname or "")


def is_loopback(host: str) -> bool:
    """Whether a host is this very machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
