"""A page of the files of a world, while other requests go on. Knows no requests."""

from __future__ import annotations

from typing import Final

import anyio.lowlevel

from mockkie.service import Service
from mockkie.store import StoredFile
from mockkie.worlds import World

SLICE: Final = 500  # files that are looked at before others have their turn: about 2 ms


async def page_of_files(
    service: Service, world: World, *, after: str = "", limit: int
) -> list[StoredFile]:
    """Up to `limit` files that can be read now, by path, behind `after`.

    As `Service.live_files`, which looks at all of them at once, the expired ones that were not
    swept yet included.
    """
    now = world.clock.now()
    found: list[StoredFile] = []
    while len(found) < limit:
        wanted = min(SLICE, limit - len(found))
        page = await service.store.list(world.id, after=after, limit=wanted)
        found += [file for file in page if not file.expired(now)]
        if len(page) < wanted:
            break
        after = page[-1].path
        await anyio.lowlevel.checkpoint()
    return found
