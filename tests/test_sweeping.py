"""A sweep of many files, and whoever asks meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mockkie.build import MEMORY, build_mock
from mockkie.clock import parse_duration
from mockkie.store import StoredFile
from mockkie.sweeping import SLICE

DAY = parse_duration("P1D")


@pytest.mark.parametrize("on_disk", [False, True], ids=["memory", "disk"])
@pytest.mark.parametrize("moved", [False, True], ids=["by itself", "by a move of the clock"])
def test_others_have_many_turns_between_the_slices(
    tmp_path: Path, *, on_disk: bool, moved: bool
) -> None:
    """A request takes several turns of the loop, and is not to wait for as many slices."""

    async def go() -> tuple[int, int]:
        service = build_mock(data=tmp_path if on_disk else MEMORY).service
        await service.start()
        world, store = service.worlds.default, service.store
        now = world.clock.now()
        for number in range(20 * SLICE):
            draft = store.draft()
            await draft.write(b"x")
            facts = ("a/b", draft.digest, now, now + DAY)
            file = StoredFile(f"{number}", f"f/{number}", "f", 1, *facts)
            await store.keep(world.id, draft, file)
        world.clock.advance(2 * DAY)
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        turning = asyncio.create_task(turn())
        if moved:
            await service.move_clock(world, world.clock.reset, patient=True)
        else:
            await service.sweeper.sweep_patiently(world)
        turning.cancel()
        left = (await store.count(world.id))[0]
        await service.close()
        return turns, left

    turns, left = asyncio.run(go())
    assert left == 0
    assert turns > 20 * 5
