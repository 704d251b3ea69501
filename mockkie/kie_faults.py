"""The faults of one world, for whoever holds its handle. Knows not what faults do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from mockkie.arming import Armed
from mockkie.faults import Fault
from mockkie.journal import Entry
from mockkie.kie_clock import Run
from mockkie.scenarios import Script, read_script
from mockkie.service import Service
from mockkie.worlds import World


class KieFault:
    """A fault of a world. As a context manager, it goes at the end of the block."""

    def __init__(self, faults: KieFaults, armed: Armed) -> None:
        self._faults = faults
        self._armed = armed
        self.id = armed.id
        self.fault = armed.fault

    @property
    def shots(self) -> int:
        """How often it fired."""
        return self._now().shots

    @property
    def matched(self) -> int:
        """How many requests it was about."""
        return self._now().matched

    def remove(self) -> None:
        """Take it away; nothing happens when it is gone already."""
        self._faults.remove(self.id)

    def _now(self) -> Armed:
        found = self._faults.world.faults.get(self.id)
        return self._armed if found is None else found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"<fault {self.id}: {self.fault}, {self.shots} shots>"


class KieFaults:
    """The faults of the world, in order."""

    def __init__(self, service: Service, world: World, run: Run) -> None:
        self._service = service
        self._run = run
        self.world = world

    def add(self, fault: Fault | Mapping[str, Any] | str, **more: Any) -> KieFault:
        """Add a fault: `add("status=500", nth=3)`, `add({"then": {"reset": 65536}})`.

        `UsageError` names the place that is wrong, and what would be right.
        """
        return self._arm([Fault.of(fault, **more)])[0]

    def scenario(self, name: str | Path, *, seed: int | None = None) -> list[KieFault]:
        """Add the faults of a scenario that comes along, or of a script's file."""
        script = Script.named(name)
        root = script.root if seed is None else {**script.root, "seed": seed}
        return self._arm(read_script(root)[1])

    def _arm(self, faults: Sequence[Fault]) -> list[KieFault]:
        armed = self._run(self._service.arm(self.world, faults))
        return [KieFault(self, one) for one in armed]

    def remove(self, fault_id: str) -> None:
        """Take a fault away; nothing happens when it is gone already."""
        self._run(self._service.disarm(self.world, fault_id))

    def clear(self) -> None:
        """Take all faults away."""
        self._run(self._service.disarm(self.world))

    def __iter__(self) -> Iterator[KieFault]:
        return iter([KieFault(self, armed) for armed in self.world.faults])

    def __len__(self) -> int:
        return len(list(self.world.faults))

    @property
    def shots(self) -> list[Entry]:
        """The entries of the journal that faults hit, oldest first; `Entry.shots` says by what."""
        return [entry for entry in self.world.journal.entries() if entry.shots]
