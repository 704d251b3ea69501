"""Mocks on real sockets, a fresh world for each test, and the clients to ask them with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx2
import pytest
from hypothesis import settings

import mockkie
from mockkie.kie import Kie
from mockkie.server import Server
from tests.clients import CLIENTS, Client, Httpx2
from tests.s3_servers import S3, Gateway, missing, moto, radosgw
from tests.visitors import Visitor, serving, visiting

# What a client imports late is there before a test of the plugin, which forgets modules of its own:
# else errors are of classes that nobody knows any more.
httpx2.Client(trust_env=False).close()

# Nothing here asserts how long something takes, not on a busy machine either.
settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """No coverage of the processes that a test starts: it doubles the time of a hundred runs."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


@pytest.fixture(scope="session")
def client_named() -> Iterator[Callable[[str], Client]]:
    """Any client by its name, made when it is first asked for."""
    made: dict[str, Client] = {}

    def named(name: str) -> Client:
        if name not in made:
            made[name] = CLIENTS[name]()
        return made[name]

    yield named
    for client in made.values():
        client.close()


@pytest.fixture(params=list(CLIENTS))
def client(request: pytest.FixtureRequest, client_named: Callable[[str], Client]) -> Client:
    """Every client in turn."""
    return client_named(request.param)


@pytest.fixture(scope="session")
def http() -> Iterator[Client]:
    """The client of the tests that are not about clients."""
    client = Httpx2()
    yield client
    client.close()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Server]]:
    """A mock that keeps files in memory, and one that keeps them on disk."""
    with (
        serving(metrics=True) as memory,
        serving(data=tmp_path_factory.mktemp("disk") / "data") as disk,
    ):
        yield {"memory": memory, "disk": disk}


@pytest.fixture
def memory(servers: Mapping[str, Server]) -> Server:
    return servers["memory"]


@pytest.fixture(params=["memory", "disk"])
def server(request: pytest.FixtureRequest, servers: Mapping[str, Server]) -> Server:
    """Both mocks in turn."""
    return servers[request.param]


@pytest.fixture
def visitor(server: Server, http: Client) -> Iterator[Visitor]:
    """A fresh world, on both stores in turn."""
    with visiting(server, http) as visitor:
        yield visitor


@pytest.fixture(params=["kie", "kie_app", "disk"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kie]:
    """The handle of a fresh world: on a socket, in process, and over a folder."""
    if request.param == "disk":
        with mockkie.serve(data=tmp_path / "data") as kie:
            yield kie
    else:
        yield request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[Gateway]:
    """A real S3 server with an empty bucket; who stops its gateway starts it again."""
    if wanted := missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no real S3 server: {wanted}")
    with radosgw() as server:
        yield server


@pytest.fixture(scope="session")
def moto_server() -> Iterator[S3]:
    """An S3 server in Python, for what needs no real one."""
    with moto() as server:
        yield server


@pytest.fixture
def guest(memory: Server, http: Client) -> Iterator[Visitor]:
    """A fresh world on the memory store, for what no store can change."""
    with visiting(memory, http) as visitor:
        yield visitor
