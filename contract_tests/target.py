"""The API under test. Knows its address and a key, nothing of how it is made."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import yaml

ADDRESS: Final = "MOCKKIE_TARGET"
"""Variable with the base URL of a running target; without it the suite serves a mock."""
SECRET: Final = "KIE_API_KEY"  # noqa: S105 - the variable's name
MOCK_KEY: Final = "kie-mock-key"
DOCUMENT: Final = Path(__file__).parent.parent / "openapi.yaml"
PATIENCE: Final = 30.0


class NoTargetError(Exception):
    """The environment names a target that this suite does not touch."""


@dataclass(frozen=True, slots=True)
class Target:
    """An API under test: uploads go to `url`, `key` opens an account of it."""

    url: str
    key: str
    session: requests.Session
    headers: Mapping[str, str | None]
    """What opens the account; of the form `Authorization: Bearer <key>` unless a test says else."""

    def with_authorization(self, value: str | None) -> Target:
        """The same target for somebody who sends another header, or none."""
        return replace(self, headers={"Authorization": value})

    def post(self, path: str, **more: Any) -> requests.Response:
        """Upload to a path, with the key."""
        return self.session.post(
            self.url + path, headers=self.headers, timeout=PATIENCE, allow_redirects=False, **more
        )

    def get(self, url: str, **more: Any) -> requests.Response:
        """Read a link as anybody would: without a key."""
        return self.session.get(url, timeout=PATIENCE, allow_redirects=False, **more)


def given_key() -> str:
    """The key of the target: the environment's for a target that it names, else the mock's."""
    return os.environ.get(SECRET, MOCK_KEY) if os.environ.get(ADDRESS) else MOCK_KEY


@contextmanager
def open_target() -> Iterator[Target]:
    """The target of this run: the one that the environment names, else a mock for its length."""
    address = os.environ.get(ADDRESS)
    with requests.Session() as session:
        session.trust_env = False
        if address:
            yield _target(loopback(address), given_key(), session)
            return
        import mockkie  # noqa: PLC0415 - not needed for a target that runs already

        with mockkie.serve() as kie:
            yield _target(kie.base_url, kie.key, session)


def _target(url: str, key: str, session: requests.Session) -> Target:
    return Target(url, key, session, {"Authorization": f"Bearer {key}"})


def loopback(address: str) -> str:
    """The address without a slash at its end, if it is on this machine; else `NoTargetError`.

    A suite that uploads by the hundred is not let loose on a real service by a variable alone.
    """
    parts = urlsplit(address)
    try:
        local = parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        local = False
    if parts.scheme not in ("http", "https") or not local:
        raise NoTargetError(f"{ADDRESS}={address!r}: only loopback URLs are tested")
    return address.rstrip("/")


def read_document() -> dict[str, Any]:
    """The contract, read with the suite's own eyes."""
    value: dict[str, Any] = yaml.safe_load(DOCUMENT.read_bytes())
    return value
