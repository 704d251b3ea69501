"""The faults of a world, for the processes of one mock over a folder. Knows no requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import orjson

from mockkie.arming import Armed, Faults
from mockkie.conditions import Facts
from mockkie.faults import Fault, Moment, Shot

if TYPE_CHECKING:
    from mockkie.shared_folder import FolderShared


class FolderFaults(Faults):
    """`Faults` that every process of the mock has, with one count for all of them.

    Which there are is remembered until `reload`; the counts are read and written in the one
    transaction in which a request is decided on.
    """

    def __init__(self, shared: FolderShared, world: str) -> None:
        super().__init__()
        self._shared = shared
        self._world = world
        self._load()

    def __iter__(self) -> Iterator[Armed]:
        self._load()
        return super().__iter__()

    async def arm(self, fault: Fault, now: int) -> Armed:
        with self._shared.transaction():
            self._load()
            armed = await super().arm(fault, now)
            value, state = orjson.dumps(fault.to_json()), orjson.dumps(armed.state())
            self._shared.execute(
                "INSERT INTO fault VALUES (?, ?, ?, ?, ?)",
                (self._world, int(armed.id), value, now, state),
            )
        return armed

    async def disarm(self, fault_id: str) -> bool:
        with self._shared.transaction():
            self._load()
            found = await super().disarm(fault_id)
            if found:
                self._shared.execute(
                    "DELETE FROM fault WHERE world = ? AND number = ?", (self._world, int(fault_id))
                )
        return found

    async def clear(self) -> int:
        with self._shared.transaction():
            self._load()
            self._shared.execute("DELETE FROM fault WHERE world = ?", (self._world,))
        return await super().clear()

    async def reload(self) -> None:
        self._load()

    def _load(self) -> None:
        rows = self._shared.execute(
            "SELECT number, value, added, state FROM fault WHERE world = ? ORDER BY number",
            (self._world,),
        )
        self._armed = []
        for number, value, added, state in rows:
            armed = Armed(str(number), Fault.of(orjson.loads(value)), added)
            armed.set_state(orjson.loads(state))
            self._armed.append(armed)
            self._last = number

    async def shoot(self, facts: Facts, moment: Moment, *, taken: bool = False) -> list[Shot]:
        if not self._armed:
            return []
        with self._shared.transaction():
            self._load()
            shots = await super().shoot(facts, moment, taken=taken)
            for armed in self._armed:
                self._shared.execute(
                    "UPDATE fault SET state = ? WHERE world = ? AND number = ?",
                    (orjson.dumps(armed.state()), self._world, int(armed.id)),
                )
        return shots
