"""`mockkie.serve()`: a mock on a socket for the length of a `with` block. Knows no pytest."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mockkie.app import Mock
from mockkie.build import MEMORY, build_mock
from mockkie.certificates import Tls
from mockkie.kie import Kie, Runner
from mockkie.kie_clock import Run
from mockkie.problems import UsageError
from mockkie.protocol import GRACE_SECONDS
from mockkie.seeding import Sources, seed
from mockkie.server import Server
from mockkie.settings import DOCUMENTED


@contextmanager
def serve(  # noqa: PLR0913 - the options of `mockkie serve`
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    download_port: int | None = None,
    contract: str | Path | Sequence[str | Path] | None = None,
    overlay: str | Path | Sequence[str | Path] = (),
    data: str | Path = MEMORY,
    keys: Sequence[str] = (),
    any_key: bool = False,
    profile: str = DOCUMENTED,
    settings: Mapping[str, Any] | None = None,
    retention: str | None = None,
    download_origin: str | None = None,
    url_upload: str | None = None,
    url_upload_private: bool = False,
    faults: str | Path | None = None,
    seed_files: Sources | None = None,
) -> Iterator[Kie]:
    """Serve a mock from a thread; yields a handle on its default world.

    The defaults differ from the command line's: a free port, and files in memory. `seed_files`,
    a folder or contents by path, are there from the start, as by `kie.files.seed`. `settings` are
    those of `x-mockkie` in its form: `{"expiredLink": {"status": 410}}`.
    Raises `UsageError` when an option is wrong or the port is taken.
    """
    mock = build_mock(
        contract=contract,
        overlay=overlay,
        data=data,
        keys=keys,
        any_key=any_key,
        profile=profile,
        settings=settings,
        retention=retention,
        download_origin=download_origin,
        url_upload=url_upload,
        url_upload_private=url_upload_private,
        faults=faults,
    )
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
) -> Server:
    """A server whose worlds are back and whose sockets are bound; `run` or `start` it.

    `UsageError` tells what is in the way; the mock has let go of its store then.
    """
    run = runner_for(mock)
    try:
        run(mock.service.start())
        if seed_files is not None:
            run(_seed(mock, seed_files))
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


async def _seed(mock: Mock, sources: Sources) -> None:
    try:
        await seed(mock.service, mock.service.worlds.default, sources)
    except (OSError, TypeError, ValueError) as error:
        said = "; ".join(str(error).splitlines())
        raise UsageError(f"--seed-files: {said}") from error
