"""Two processes of a mock over one folder: each does what the other does not know of yet."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mockkie.build import build_mock
from mockkie.clock import SECOND
from mockkie.service import Service
from mockkie.shared_folder import FolderShared
from mockkie.store import Draft, Outdated, StoredFile
from mockkie.store.disk import DiskStore
from mockkie.tasks import Task

DAY = 86_400 * SECOND


@asynccontextmanager
async def two(folder: Path) -> AsyncIterator[tuple[Service, Service]]:
    """Two siblings over a folder, as the workers of a mock are."""
    holder = DiskStore.open_folder(folder)
    await FolderShared.create(folder).close()
    services = [build_mock(data=folder, sibling=True).service for _ in range(2)]
    for service in services:
        await service.start()
    for service in services:
        await service.ready()
    try:
        yield services[0], services[1]
    finally:
        for service in services:
            await service.close()
        await holder.close()


async def ready(service: Service) -> None:
    """As a request does, which comes in a turn of the loop of its own."""
    await asyncio.sleep(0)
    await service.ready()


async def draft_of(service: Service, content: bytes) -> tuple[Draft, StoredFile]:
    """As an upload at this moment makes it, by what the process knows of the clock."""
    draft = service.store.draft()
    await draft.write(content)
    now = service.worlds.default.clock.now()
    file = StoredFile(
        uuid.uuid4().hex, "a", "a", len(content), "a/b", draft.digest, now, now + 3 * DAY
    )
    return draft, file


async def advance(service: Service, duration: int) -> None:
    await service.move_clock(
        service.worlds.default, lambda: service.worlds.default.clock.advance(duration)
    )


async def freeze(*services: Service) -> None:
    await services[0].move_clock(
        services[0].worlds.default, lambda: services[0].worlds.default.clock.set(frozen=True)
    )
    for service in services:
        await service.ready()


@pytest.mark.parametrize("size", [10, 100_000], ids=["in the index", "in a file"])
def test_nothing_is_kept_by_a_clock_of_before(tmp_path: Path, size: int) -> None:
    """It would replace what came since then, and be gone before its end."""

    async def go() -> None:
        async with two(tmp_path) as (one, other):
            draft, file = await draft_of(other, b"x" * size)
            await advance(one, 4 * DAY)
            for keep in (other.store.keep, other.store.keep_together):
                with pytest.raises(Outdated):
                    await keep("default", draft, file)
            with pytest.raises(Outdated):
                await other.store.keep_all("default", [(draft, file)])
            assert await one.live_files(one.worlds.default) == []
            await ready(other)
            now = other.worlds.default.clock.now()
            await other.store.keep(
                "default", draft, file._replace(uploaded_at=now, expires_at=now + 3 * DAY)
            )
            [kept] = await one.live_files(one.worlds.default)
            reading = await one.store.open("default", kept)
            assert reading is not None
            async with reading:
                assert b"".join([one async for one in reading.pieces(0, size)]) == b"x" * size

    asyncio.run(go())


def test_nothing_is_swept_by_a_clock_of_before(tmp_path: Path) -> None:
    """A worker that nobody asks anything knows of no clock that was set back."""

    async def go() -> None:
        async with two(tmp_path) as (one, other):
            await advance(one, 10 * DAY)
            await ready(other)
            await one.move_clock(one.worlds.default, one.worlds.default.clock.reset)
            await one.store.keep("default", *await draft_of(one, b"alive"))
            await other.sweeper.sweep_patiently(other.worlds.default)
            assert len(await one.live_files(one.worlds.default)) == 1

    asyncio.run(go())


def test_moves_from_two_sides_add_up(tmp_path: Path) -> None:
    async def go() -> None:
        async with two(tmp_path) as (one, other):
            await freeze(one, other)
            before = one.worlds.default.clock.now()
            for _ in range(3):
                await advance(one, DAY)
                await advance(other, 2 * DAY)
            await ready(one)
            assert one.worlds.default.clock.now() == before + 9 * DAY

    asyncio.run(go())


def test_what_is_kept_across_a_reset_is_of_the_new_world(tmp_path: Path) -> None:
    async def go() -> None:
        async with two(tmp_path) as (one, other):
            await advance(one, 10 * DAY)
            await ready(other)
            draft, file = await draft_of(other, b"x")
            await one.reset(one.worlds.default)
            with pytest.raises(Outdated):
                await other.store.keep("default", draft, file)

    asyncio.run(go())


def test_an_id_is_of_one_world(tmp_path: Path) -> None:
    async def go() -> None:
        async with two(tmp_path) as (one, other):
            await one.create_world("mine", ["K1"])
            with pytest.raises(ValueError, match="there is a world with the id 'mine' already"):
                await other.create_world("mine", ["K2"])

    asyncio.run(go())


def test_a_change_is_known_at_the_moment_in_which_it_is_written(tmp_path: Path) -> None:
    """Not only when it is told: two requests would see the new clock, and then the old one."""

    async def go() -> None:
        async with two(tmp_path) as (one, other):
            world = one.worlds.default
            world.clock.advance(10 * DAY)
            await one.store.remember(world)
            await ready(other)
            assert other.worlds.default.clock.state() == world.clock.state()

    asyncio.run(go())


def test_credits_are_spent_once(tmp_path: Path) -> None:
    async def go() -> None:
        async with two(tmp_path) as services:
            tasks = [service.worlds.default.tasks for service in services for _ in range(2)]
            added = [
                await one.add(Task(str(at), "m", "{}", 0, [], {}), 3)
                for at, one in enumerate(tasks)
            ]
            assert added == [True, True, True, False]

    asyncio.run(go())
