"""`mockkie.serve()`: a mock on a socket for the length of a `with` block. Knows no pytest."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Unpack

from mockkie.app import Mock
from mockkie.build import MockOptions, build_mock
from mockkie.certificates import Tls
from mockkie.kie import Kie, Runner
from mockkie.kie_clock import Run
from mockkie.problems import UsageError
from mockkie.protocol import GRACE_SECONDS
from mockkie.seeding import Sources, Tell, seed
from mockkie.server import Server


@contextmanager
def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    download_port: int | None = None,
    seed_files: Sources | None = None,
    **options: Unpack[MockOptions],
) -> Iterator[Kie]:
    """Serve a mock from a thread; yields a handle on its default world.

    The defaults differ from the command line's: a free port, and files in memory. `seed_files`,
    a folder or contents by path, are there from the start, as by `kie.files.seed`. `settings` are
    those of `x-mockkie` in its form: `{"expiredLink": {"status": 410}}`. Sizes are a number of
    bytes, or a text such as `100MB` or `1GiB`.
    Raises `UsageError` when an option is wrong or the port is taken.
    """
    mock = build_mock(**options)
    server = open_server(mock, host, port, download_port, seed_files=seed_files)
    with running_server(server) as kie:
        yield kie


@contextmanager
def running_server(server: Server, grace: int = GRACE_SECONDS) -> Iterator[Kie]:
    """Serve from a thread; yields a handle on the default world. `grace` is as for `stop`."""
    mock = server.mock
    try:
        server.start()
        with Kie(
            mock.service,
            mock.service.worlds.default,
            base_url=server.origin,
            download_origin=server.download_origin,
            run=server.call,
        ) as kie:
            yield kie
    finally:
        server.stop(grace)


@contextmanager
def closing_store(mock: Mock) -> Iterator[None]:
    """Let go of a mock's store at the end, for a mock that is not served itself."""
    try:
        yield
    finally:
        runner_for(mock)(mock.service.close())


def open_server(  # noqa: PLR0913 - what a server is made of
    mock: Mock,
    host: str,
    port: int,
    download_port: int | None,
    *,
    tls: Tls | None = None,
    seed_files: Sources | None = None,
    tell: Tell = lambda *_: None,
) -> Server:
    """A server whose worlds are back and whose sockets are bound; `run` or `start` it.

    `tell` hears how far the seeding is. `UsageError` tells what is in the way; the mock has let go
    of its store then.
    """
    run = runner_for(mock)
    try:
        run(mock.service.start())
        if seed_files is not None:
            run(_seed(mock, seed_files, tell))
        return Server(mock, host, port, download_port, tls=tls)
    except UsageError:
        run(mock.service.close())
        raise
    except OSError as error:
        run(mock.service.close())
        raise UsageError(f"--data: {error.strerror or error}") from error


def runner_for(mock: Mock) -> Run:
    """What runs a coroutine of a mock that is not served yet, or no more."""
    return _run_elsewhere if mock.service.store.waits else Runner()


def _run_elsewhere(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """In a thread of its own: there may be a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


async def _seed(mock: Mock, sources: Sources, tell: Tell) -> None:
    try:
        await seed(mock.service, mock.service.worlds.default, sources, tell=tell)
    except (OSError, TypeError, ValueError) as error:
        said = "; ".join(str(error).splitlines())
        raise UsageError(f"--seed-files: {said}") from error
