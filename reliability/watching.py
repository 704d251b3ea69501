"""What a process has of memory, descriptors and threads, by Linux's /proc. Knows no mock."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_KIB: Final = 1_024
_HOUR: Final = 3_600.0
_PATIENCE: Final = 30.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What a process has at a moment, `at` in seconds; `memory` in bytes, `files` left behind."""

    at: float
    memory: int
    descriptors: int
    threads: int
    files: int


def sample(pid: int, *folders: Path) -> Sample:
    """What a process has now; `files` are those below folders."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    said = dict(line.split(":", 1) for line in lines)
    return Sample(
        time.monotonic(),
        int(said["VmRSS"].split()[0]) * _KIB,
        len(list(Path(f"/proc/{pid}/fd").iterdir())),
        int(said["Threads"]),
        sum(path.is_file() for folder in folders for path in folder.rglob("*")),
    )


def settled(look: Callable[[], Sample], than: Sample) -> Sample:
    """What there is once there is no more of anything than there was, or after some patience."""
    until = time.monotonic() + _PATIENCE
    while True:
        now = look()
        fewer = now.descriptors <= than.descriptors and now.files <= than.files
        if (fewer and now.threads <= than.threads) or time.monotonic() > until:
            return now
        time.sleep(0.2)


def left_over(now: Sample, before: Sample) -> list[str]:
    """What there is more of than before, in words; memory is another matter."""
    found = []
    for name in ("descriptors", "threads", "files"):
        more = getattr(now, name) - getattr(before, name)
        if more > 0:
            found.append(f"{more} {name} more than before")
    return found


def slope(samples: Sequence[Sample]) -> float:
    """By how many bytes an hour the memory grows, as a straight line through all samples."""
    if len(samples) < 2:  # noqa: PLR2004 - a line has two points
        return 0.0
    at = sum(one.at for one in samples) / len(samples)
    memory = sum(one.memory for one in samples) / len(samples)
    spread = sum((one.at - at) ** 2 for one in samples)
    return _HOUR * sum((one.at - at) * (one.memory - memory) for one in samples) / spread
