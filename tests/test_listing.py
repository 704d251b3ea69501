"""A page of files among expired ones that nobody swept: the same page, and nobody waits for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mockkie.app import Mock
from mockkie.build import build_mock
from mockkie.service import SLICE
from mockkie.store import StoredFile


async def furnished(data: str) -> Mock:
    """A mock with two files that live behind three slices of expired ones, none swept."""
    mock = build_mock(data=data)
    await mock.service.start()
    world = mock.service.worlds.default
    now = world.clock.now()
    for number in range(3 * SLICE):
        await keep(mock, f"a/{number:05d}", now - 1)
    await keep(mock, "b/first", now + 60_000)
    await keep(mock, "b/second", now + 60_000)
    return mock


async def keep(mock: Mock, path: str, expires_at: int) -> None:
    store, world = mock.service.store, mock.service.worlds.default
    async with store.draft() as draft:
        file = StoredFile(path, path, path[2:], 0, "text/plain", draft.digest, 0, expires_at)
        await store.keep(world.id, draft, file)


@pytest.mark.parametrize("store", ["memory", "disk"])
def test_the_page_is_that_of_live_files_and_others_have_their_turn(
    tmp_path: Path, store: str
) -> None:
    async def go() -> None:
        mock = await furnished("memory:" if store == "memory" else str(tmp_path))
        service, world = mock.service, mock.service.worlds.default
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        other = asyncio.create_task(others())
        for after, limit in (("", 1), ("", 2), ("", 2 * SLICE), ("b/first", 5), ("c", 5)):
            turns = 0
            page = await service.live_files(world, after=after, limit=limit, patient=True)
            assert turns >= (3 if not after and limit > 2 else 0)
            assert page == await service.live_files(world, after=after, limit=limit)
        other.cancel()
        await service.close()

    asyncio.run(go())
