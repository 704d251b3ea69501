"""What a load leaves behind in a mock: no task, no descriptor, no thread."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mockkie.build import build_mock
from mockkie.server import Server
from reliability.many_clients import Talk, get, open_many, upload, upload_whole
from reliability.watching import Sample, left_over, sample, slope

KEY = "kie-mock-key"
COUNT = 40
QUIET = 5  # tasks of a server that nobody asks anything
Load = Callable[[list[Talk]], Coroutine[Any, Any, None]]


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    server = Server(build_mock(data=folder, client_timeout=0.5))
    server.start()
    try:
        yield server
    finally:
        server.stop(grace=0)


async def idle(talks: list[Talk]) -> None:
    for talk in talks[::2]:
        await talk.send(get("/livez"))
        assert (await talk.answer()).status == 200


async def hang_up_in_an_upload(talks: list[Talk]) -> None:
    for number, talk in enumerate(talks):
        await talk.send(upload(KEY, f"{number}", 300_000)[0] + b"x" * 200_000)


async def hang_up_in_a_download(talks: list[Talk]) -> None:
    data = await upload_whole(talks[0], KEY, "large", 8_000_000)
    link = "/" + data["downloadUrl"].split("/", 3)[3]
    for talk in talks:
        await talk.send(get(link))


async def never_end(talks: list[Talk]) -> None:
    for talk in talks:
        await talk.send(upload(KEY, "never", 1_000)[0])
    assert {(await talk.answer()).status for talk in talks} == {408}


LOADS: list[Load] = [
    idle,
    hang_up_in_an_upload,
    hang_up_in_a_download,
    never_end,
]


async def tasks() -> int:
    return len(asyncio.all_tasks())


@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.__name__)
def test_nothing_is_left(load: Load, tmp_path: Path) -> None:
    async def go(url: str) -> None:
        async with open_many(url, COUNT) as talks:
            await load(talks)

    with serving(tmp_path) as server:
        asyncio.run(go(server.origin))  # what is made once is there
        incoming = tmp_path / "incoming"
        for _ in range(300):
            before, running = sample(os.getpid(), incoming), server.call(tasks())
            if not before.files and running <= QUIET:
                break
            server.call(asyncio.sleep(0.1))
        asyncio.run(go(server.origin))
        for _ in range(300):
            now = sample(os.getpid(), incoming)
            if not left_over(now, before) and server.call(tasks()) <= running:
                break
            server.call(asyncio.sleep(0.1))
        assert left_over(now, before) == []
        assert server.call(tasks()) <= running <= QUIET
        assert now.files == 0


def test_a_leak_is_seen(tmp_path: Path) -> None:
    before = sample(os.getpid(), tmp_path)
    (tmp_path / "left").write_text("x")
    with (tmp_path / "left").open():
        now = sample(os.getpid(), tmp_path)
    assert left_over(now, before) == ["1 descriptors more than before", "1 files more than before"]
    assert left_over(before, before) == []


def test_the_slope_of_what_grows() -> None:
    samples = [Sample(at, 1_000 + 10 * at, 1, 1, 0) for at in range(100)]
    assert round(slope(samples)) == 36_000
    assert slope([Sample(at, 1_000 + at % 2, 1, 1, 0) for at in range(100)]) < 40
    assert slope(samples[:1]) == 0
