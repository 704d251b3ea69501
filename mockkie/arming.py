"""The faults of a world, how often each fired, and which fire next. Knows no server, no store.

Who changes or counts them waits where several processes share them, and never otherwise.

Of several faults the first that fires is carried out, in the order in which they were added;
latencies come on top. A fault counts every request that it is about, whatever others do, and draws
from a stream of its own: the same requests in the same order break in the same way, always.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mockkie.clock import SECOND, isoformat
from mockkie.conditions import Facts
from mockkie.faults import Fault, Moment, Shot

_MOST_WINDOWS: Final = 10_000


@dataclass(slots=True)
class Armed:
    """A fault of a world: since when, how many requests it was about, how often it fired.

    `windows` are those of a quota by what they are counted for: `(begin, requests)`.
    """

    id: str
    fault: Fault
    added_at: int
    matched: int = 0
    shots: int = 0
    windows: dict[str, tuple[int, int]] = field(default_factory=dict)

    def aim(self, facts: Facts, *, taken: bool = False) -> Shot | None:
        """Count a request; the shot, if it fires. `taken`: another fault does already."""
        fault = self.fault
        if not fault.concerns(facts, self.added_at):
            return None
        self.matched += 1
        identity = json.dumps(fault.to_json(), sort_keys=True)
        draws = random.Random(f"{fault.seed}/{identity}/{self.matched}")  # noqa: S311 - no secret
        delays = fault.then.way.stage == "delay"
        retry_after = self._over(facts) if fault.then.name == "quota" else 0
        if not fault.when.hits(self.matched, draws.random()) or (taken and not delays):
            return None
        if retry_after is None or (fault.times is not None and self.shots >= fault.times):
            return None
        self.shots += 1
        delay = _delay(fault.then.values, draws) if delays else 0
        return Shot(self.id, fault.then, self.shots, delay, retry_after)

    def _over(self, facts: Facts) -> int | None:
        """The seconds until the window ends, when there were too many requests in it."""
        values = self.fault.then.values
        subject = {"key": facts.key, "link": facts.link, "world": ""}[values["per"]]
        begin, count = self.windows.pop(subject, (facts.now, 0))
        if not begin <= facts.now < begin + values["window"]:
            begin, count = facts.now, 0
        self.windows[subject] = begin, count + 1
        if len(self.windows) > _MOST_WINDOWS:
            del self.windows[next(iter(self.windows))]
        if count < values["limit"]:
            return None
        left: int = begin + values["window"] - facts.now
        return max(1, -(-left // SECOND))

    def state(self) -> dict[str, Any]:
        """What changes of it, for `set_state`."""
        return {"matched": self.matched, "shots": self.shots, "windows": self.windows}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`, which may have been JSON."""
        self.matched, self.shots = state["matched"], state["shots"]
        self.windows = {key: (begin, count) for key, (begin, count) in state["windows"].items()}

    def to_json(self) -> dict[str, Any]:
        """The fault with its id and counts, for the control API."""
        return {
            "id": self.id,
            **self.fault.to_json(),
            "addedAt": isoformat(self.added_at),
            "matched": self.matched,
            "shots": self.shots,
        }


def _delay(values: Mapping[str, Any], draws: random.Random) -> int:
    if values["uniform"] is not None:
        return round(draws.uniform(*values["uniform"]))
    if values["normal"] is not None:
        return max(0, round(draws.gauss(*values["normal"])))
    if values["exponential"] is not None:
        return round(draws.expovariate(1 / values["exponential"]))
    fixed: int = values["fixed"]
    return fixed


FaultsState = tuple[int, Sequence[tuple[str, Fault, int, Any]]]
"""The faults of a world at some moment: the last number, then id, fault, when, and counts."""


class Faults:
    """The faults of one world, in order; `prefix` is what their ids begin with."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._armed: list[Armed] = []
        self._last = 0

    def __bool__(self) -> bool:
        return bool(self._armed)

    def __iter__(self) -> Iterator[Armed]:
        return iter(list(self._armed))

    def get(self, fault_id: str) -> Armed | None:
        """The fault of an id."""
        return next((armed for armed in self if armed.id == fault_id), None)

    async def arm(self, fault: Fault, now: int) -> Armed:
        """Add a fault behind the others."""
        self._last += 1
        armed = Armed(f"{self._prefix}{self._last}", fault, now)
        self._armed.append(armed)
        return armed

    async def disarm(self, fault_id: str) -> bool:
        """Take a fault away; whether there was one of this id."""
        kept = [armed for armed in self._armed if armed.id != fault_id]
        found, self._armed = len(kept) < len(self._armed), kept
        return found

    def state(self) -> FaultsState:
        """What `put_back` needs to have these faults again, with their counts."""
        known = [(one.id, one.fault, one.added_at, copy.deepcopy(one.state())) for one in self]
        return self._last, known

    def put_back(self, state: FaultsState) -> None:
        """Have the faults of that moment."""
        self._last, known = state
        self._armed = []
        for fault_id, fault, added, counts in known:
            armed = Armed(fault_id, fault, added)
            armed.set_state(counts)
            self._armed.append(armed)

    async def clear(self) -> int:
        """Take all faults away, and number anew; how many there were."""
        count, self._armed, self._last = len(self._armed), [], 0
        return count

    async def reload(self) -> None:
        """Be as other processes left it."""

    async def shoot(self, facts: Facts, moment: Moment, *, taken: bool = False) -> list[Shot]:
        """What fires for a request: latencies, and one other unless it is `taken` already."""
        shots: list[Shot] = []
        for armed in self._armed:
            if armed.fault.moment == moment:
                shot = armed.aim(facts, taken=taken)
                if shot is not None:
                    shots.append(shot)
                    taken = taken or shot.action.way.stage != "delay"
        return shots

    @property
    def looks(self) -> bool:
        """Whether a fault wants to know more of the file that is read."""
        return any(armed.fault.when.looks for armed in self._armed)

    @property
    def stale_for(self) -> int:
        """How long overwritten content is to be kept for faults; 0 without such a one."""
        spans = [
            armed.fault.then.values["span"]
            for armed in self._armed
            if armed.fault.then.name == "stale"
        ]
        return max(spans, default=0)
