"""One measure while it runs: how much is measured, and what came of it so far.

Rounds go A B C A B C, so that noise meets all alike.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.dialects import Request
from benchmarks.load import CONNECTIONS, RefusedError, run_load
from benchmarks.peers import OURS, PEERS
from benchmarks.report import Outcome, Refusal, Row, ratio, said, spread
from benchmarks.servers import LINUX, Running
from benchmarks.uploads import content

MB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Sample:
    """One attempt: its rate, the CPU seconds of each request, how busy the client was."""

    rate: float
    cpu: float = 0.0
    busy: float = 0.0


Samples = Mapping[str, Sequence[Sample]]


@dataclass(slots=True)
class Bench:
    """The measure `name`; `folder` is for files of up to some GB, and is deleted afterwards."""

    name: str
    folder: Path
    outcome: Outcome

    @property
    def rounds(self) -> int:
        """How often each load is measured."""
        return self.outcome.rounds

    @property
    def quick(self) -> bool:
        """Whether a short form is wanted."""
        return self.outcome.quick

    def note(self, text: str) -> None:
        """Say something beside the table, once."""
        if text not in self.outcome.notes:
            self.outcome.notes.append(text)

    def file(self, megabytes: int) -> Path:
        """A file of that size; its content repeats itself every MB."""
        path = self.folder / f"{megabytes}.bin"
        block = content(MB)
        with path.open("wb") as out:
            for _ in range(megabytes):
                out.write(block)
        return path

    def up(self, stack: contextlib.ExitStack, *names: str) -> dict[str, Running]:
        """Start these of `PEERS`; what cannot be there is told in a note."""
        found = {}
        told = []
        for name in names:
            peer = PEERS[name]
            why = peer.install()
            if why is None:
                try:
                    found[name] = stack.enter_context(peer.running(self.folder / name))
                except RefusedError as error:
                    why = str(error)
            if why is not None:
                self.note(f"{name} was not measured: {why}")
                continue
            if version := peer.version():
                told.append(f"{name} {version}")
            if peer.dialect.note:
                self.note(peer.dialect.note)
        if told:
            self.note(f"beside it: {', '.join(told)}")
        return found

    def interleave(
        self,
        what: str,
        attempts: Mapping[str, Callable[[], Sample]],
        *,
        rounds: int | None = None,
        warm: bool = True,
    ) -> dict[str, list[Sample]]:
        """The samples of all rounds; what a server refuses is noted, and it is left out.

        The first round fills the caches and does not count, unless the servers are `warm` already.
        """
        samples: dict[str, list[Sample]] = {name: [] for name in attempts}
        for number in range((rounds or self.rounds) + warm):
            for name in list(samples):
                try:
                    sample = attempts[name]()
                except RefusedError as error:
                    self.outcome.refusals.append(Refusal(what, name, str(error)))
                    del samples[name]
                    continue
                if number or not warm:
                    samples[name].append(sample)
        return samples

    def beside(
        self, what: str, samples: Samples, unit: str, targets: Mapping[str, str] | None = None
    ) -> None:
        """A row for each of ours beside each that is not; `targets` by `ours / other`.

        `unit` is of the rate, such as `MB/s`.
        """
        for ours in (name for name in samples if name in OURS):
            for other in (name for name in samples if name not in OURS):
                both = samples[ours], samples[other]
                target = (targets or {}).get(f"{ours} / {other}", "")
                self.outcome.rows.append(self._row(f"{what}, {ours} / {other}", both, unit, target))
        busy = max((one.busy for known in samples.values() for one in known), default=0.0)
        if busy:
            self.note(f"{what}: our own generator was busy for at most {busy:.0%} of the time")

    def _row(
        self, what: str, both: tuple[Sequence[Sample], Sequence[Sample]], unit: str, target: str
    ) -> Row:
        mine, theirs = both
        row = ratio(
            self.name,
            what,
            ([one.rate for one in mine], [one.rate for one in theirs]),
            unit,
            target,
        )
        if not all(one.cpu for one in (*mine, *theirs)):
            return row
        costs = [median(one.cpu for one in known) for known in both]
        short = max(costs) < 0.01  # noqa: PLR2004 - seconds
        scale, name = (1e6, "µs") if short else (1e3, "ms")
        detail = f"{row.detail}; CPU {said(costs[0] * scale)} : {said(costs[1] * scale)} {name}"
        cpu = median(one.cpu / other.cpu for one, other in zip(mine, theirs, strict=True))
        return Row(
            *(row.name, row.what, row.value, row.low, row.high, row.unit, row.target),
            *(detail, cpu),
        )

    def compare(
        self, what: str, both: tuple[Sequence[float], Sequence[float]], unit: str, target: str = ""
    ) -> None:
        """A row of the ratios of two series."""
        self.add(ratio(self.name, what, both, unit, target))

    def add(self, row: Row) -> None:
        """A row of another kind."""
        self.outcome.rows.append(row)

    def values(self, what: str, values: Sequence[float], unit: str, target: str = "") -> None:
        """A row of values of our own."""
        self.add(spread(self.name, what, values, unit, target or None))


def loading(
    server: Running, size: int, seconds: float, connections: int = CONNECTIONS
) -> Callable[[], Sample]:
    """Uploads of so many bytes in the server's dialect, for so many seconds."""
    request = server.dialect.upload(server.port, content(size))
    return asking(server, request, seconds, connections)


def asking(
    server: Running, request: Request, seconds: float, connections: int = CONNECTIONS
) -> Callable[[], Sample]:
    """A load of this request; three times as long the first time, for those who compile as they go.

    `seconds` at a time.
    """
    length = 3 * seconds

    def attempt() -> Sample:
        nonlocal length
        used = server.cpu()
        result = run_load(server.port, request, length, connections)
        length = seconds
        return Sample(result.rate, (server.cpu() - used) / result.requests, result.busy)

    return attempt


def timing(server: Running, amount: float, once: Callable[[], float]) -> Callable[[], Sample]:
    """`once` takes some seconds for `amount`; CPU seconds are those of one request."""

    def attempt() -> Sample:
        used = server.cpu()
        seconds = once()
        return Sample(amount / seconds, server.cpu() - used)

    return attempt


def on_linux(bench: Bench) -> bool:
    """Whether memory and CPU time of other processes can be read; a note when not."""
    if not LINUX:
        bench.note("memory and CPU time of servers are measured on Linux only")
    return LINUX
