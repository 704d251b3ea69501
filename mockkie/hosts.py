"""Which hosts a proxy answers for, lets pass or refuses, and what came of it. Opens nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from ipaddress import AddressValueError, IPv6Address
from typing import Final, Literal
from urllib.parse import urlsplit

from mockkie.problems import UsageError

SECURE: Final = 443
PLAIN: Final = 80
Verdict = Literal["ours", "allowed", "refused"]


class Hosts:
    """The hosts of some origins are ours, by https and by http; others pass if they are allowed.

    `addresses` are ours too, as they stand there. `allowed` are names, perhaps with `*`; `how` is
    what a person writes to allow one more.
    """

    def __init__(
        self,
        origins: Iterable[str],
        addresses: Iterable[str] = (),
        *,
        allowed: Sequence[str] = (),
        how: str = "",
    ) -> None:
        self._secure: dict[tuple[str, int], bool] = {}
        for origin in origins:
            parts = urlsplit(origin)
            host = plain_host(parts.hostname or "")
            if parts.port is not None:
                self._secure[host, parts.port] = parts.scheme == "https"
            else:
                self._secure[host, SECURE] = True
                self._secure[host, PLAIN] = False
        self.names = list(dict.fromkeys(host for host, _ in self._secure))
        for address in addresses:
            parts = urlsplit(address)
            secure = parts.scheme == "https"
            port = parts.port or (SECURE if secure else PLAIN)
            self._secure[plain_host(parts.hostname or ""), port] = secure
        if isinstance(allowed, str):
            raise UsageError(f"{allowed!r} is one host; say [{allowed!r}], a list of them")
        for pattern in allowed:
            if not pattern or set(pattern) & set("/ @?#") or pattern.count(":") == 1:
                why = "is not the name of a host, like example.com, '*.example.com' or '*'"
                raise UsageError(f"{pattern!r} {why}")
        self._allowed = [plain_host(pattern) for pattern in allowed]
        self._how = how

    def judge(self, host: str, port: int) -> Verdict:
        """What becomes of a connection to a host in its plain form."""
        if (host, port) in self._secure:
            return "ours"
        passes = any(fnmatchcase(host, pattern) for pattern in self._allowed)
        return "allowed" if passes else "refused"

    def is_secure(self, host: str, port: int) -> bool:
        """Whether what is ours speaks TLS."""
        return self._secure[host, port]

    def refusal(self, host: str, port: int) -> str:
        """That a host is refused, and what to do about it."""
        if host in self.names:  # to allow it would lead to the real one
            ports = " and ".join(str(known) for name, known in self._secure if name == host)
            where = join_authority(host, port)
            return f"mockkie refuses {where}: it stands in for this host at port {ports} only"
        return f"mockkie refuses {host}: {self._how.format(host=host)}"


@dataclass(slots=True)
class Sightings:
    """How often a proxy met which `host:port`."""

    refused: Counter[str] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    """Allowed, but not reached."""
    distrusted: Counter[str] = field(default_factory=Counter)
    """Ours, but the client hung up on our certificate."""

    def counts(self) -> dict[str, Counter[str]]:
        """All of them by name."""
        return {known.name: getattr(self, known.name) for known in fields(self)}


def plain_host(text: str) -> str:
    """A host in its one spelling: lower case, no brackets, no dot at the end."""
    return text.strip("[]").rstrip(".").lower()


def split_authority(text: str, port: int | None = None) -> tuple[str, int] | None:
    """`(host, port)` of `host:port`; a missing port is `port`; None for what is neither."""
    try:
        parts = urlsplit(f"//{text}")
        found = parts.port if parts.port is not None else port
    except ValueError:
        return None
    host = plain_host(parts.hostname or "")
    if not host or found is None or "@" in text or parts.path or parts.query or parts.fragment:
        return None
    return None if ":" in host and not is_ipv6(host) else (host, found)


def is_ipv6(text: str) -> bool:
    """Whether it is an IPv6 address, without brackets."""
    try:
        return bool(str(IPv6Address(text)))
    except AddressValueError:
        return False


def join_authority(host: str, port: int) -> str:
    """`host:port`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
