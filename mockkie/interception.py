"""A proxy for a mock, and what programs need to go through it, for the length of a block.

Knows no terminal and no pytest. The folder of certificates goes when the block ends.
"""

from __future__ import annotations

import os
import ssl
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from mockkie.addresses import literal_address, why_not_public
from mockkie.app import Mock
from mockkie.certificates import Authority
from mockkie.contract import Contract
from mockkie.environment import program_environment
from mockkie.hosts import Hosts, Sightings
from mockkie.intercepting import Interceptor
from mockkie.kie_clock import Run
from mockkie.service import Service
from mockkie.worlds import World

_HOW: Final = '`intercept(allow_hosts=["{host}"])` lets it through'


@dataclass(frozen=True, slots=True)
class Interception:
    """A running proxy.

    Its URL, the file of its authority (PEM), the variables that send programs there, and what
    becomes of other hosts.
    """

    proxy: str
    certificate: Path
    env: Mapping[str, str]
    rules: Hosts
    seen: Sightings

    @property
    def hosts(self) -> Sequence[str]:
        """The hosts that the mock answers for."""
        return self.rules.names

    @property
    def refused(self) -> Mapping[str, int]:
        """How often which other `host:port` was asked for, and refused."""
        return dict(self.seen.refused)


@contextmanager
def interception(
    mock: Mock, run: Run, *, allow_hosts: Sequence[str], how: str, before: Mapping[str, str]
) -> Iterator[Interception]:
    """Answer the hosts of the mock's document through a proxy on the loop that `run` leads to.

    `before` is the environment that `env` changes. `UsageError` for a host that is none.
    """
    contract = mock.service.contract
    hosts = Hosts(_hard_coded(contract), mock.service.addresses, allowed=allow_hosts, how=how)
    with tempfile.TemporaryDirectory(prefix="mockkie-") as name:
        folder, authority = Path(name), Authority()
        context = authority.server_context(hosts.names or ["localhost"], folder)
        proxy = Interceptor(mock, hosts, context, _told(contract, hosts))
        env = program_environment(before, proxy.url, authority.certificate, folder)
        run(proxy.open())
        try:
            yield Interception(proxy.url, folder / "ca.pem", env, hosts, proxy.seen)
        finally:
            run(proxy.close())


@contextmanager
def intercepting_here(
    service: Service, world: World, run: Run, env: Mapping[str, str], allow_hosts: Sequence[str]
) -> Iterator[Interception]:
    """The same for the clients of this process and of those that it starts, with one world.

    `env` is set, too. One at a time in a process: the environment is that of all its threads.
    """
    mock = Mock(service.only(world))
    with (
        interception(mock, run, allow_hosts=allow_hosts, how=_HOW, before=os.environ) as found,
        in_this_process({**env, **found.env}),
    ):
        yield found


@contextmanager
def in_this_process(env: Mapping[str, str]) -> Iterator[None]:
    """Have the clients of this process read `env`, and afterwards what they read before.

    Two of them remember what they found first: urllib its opener, aiohttp its trust.
    """
    before = {name: os.environ.get(name) for name in env}
    opener = urllib.request._opener  # type: ignore[attr-defined]  # noqa: SLF001 - no other way
    os.environ.update(env)
    urllib.request.install_opener(None)  # then the next one is made anew
    try:
        with _aiohttp_trusting(env["SSL_CERT_FILE"]):
            yield
    finally:
        urllib.request.install_opener(opener)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _aiohttp_trusting(bundle: str) -> Iterator[None]:
    """Lend aiohttp a context that knows the bundle: its own was made when it was imported."""
    module: Any = sys.modules.get("aiohttp.connector")
    own = getattr(module, "_SSL_CONTEXT_VERIFIED", None)
    if not isinstance(own, ssl.SSLContext):
        yield
        return
    lent = ssl.create_default_context(cafile=bundle)
    lent.set_alpn_protocols(["http/1.1"])
    module._SSL_CONTEXT_VERIFIED = lent  # noqa: SLF001 - nothing else takes another trust
    try:
        yield
    finally:
        module._SSL_CONTEXT_VERIFIED = own  # noqa: SLF001 - as above


def _hard_coded(contract: Contract) -> list[str]:
    """The origins of the document that programs would look for somewhere else than here."""
    found = []
    for origin in contract.origins:
        address = literal_address(urlsplit(origin).hostname or "localhost")
        if address is None or why_not_public(address) != "loopback":
            found.append(origin)
    return found


def _told(contract: Contract, hosts: Hosts) -> Callable[[str], Mapping[str, Any]]:
    """What the mock is told of a request to a host: where links lead, what it serves."""
    links = contract.download_origin
    told: dict[str, dict[str, Any]] = {
        host: {} if links is None else {"download_origin": links} for host in hosts.names
    }
    for origin in contract.origins:
        known = told.setdefault(urlsplit(origin).hostname or "", {})
        known["served"] = known.get("served", set()) | contract.served_at(origin)
    return lambda host: told.get(host, {})
