"""Hostile bytes: coverage-guided fuzzing of everything that reads what strangers send."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from reliability.hunting import COUNTED
from reliability.run import Run
from reliability.target import Target
from reliability.targets import TARGETS

TITLE: Final = "Hostile bytes"
WHOLE: Final = 10_400_000
SHORT: Final = 40_000
_LIST: Final = "\n".join(f"- `{target.name}`: {target.holds}" for target in TARGETS.values())
ABOUT: Final = f"""\
Everything that reads what strangers send is fed with inputs that a coverage-guided fuzzer
(atheris, on libFuzzer) breeds from a small corpus in `reliability/corpus`, to reach as much of the
code as it can. It is not enough that nothing crashes. Held at every execution, for each target:

{_LIST}

Any exception but the refusal that the module documents is a failure, so is an execution of more
than 20 seconds. What fails is made smaller, kept, and done again by
`python -m reliability.replay TARGET FILE`. The short form, and platforms without atheris, take
inputs that are made from the corpus by seeded chance.
"""
FOUND: Final = (
    "An `Origin` that is no URL made the control API answer 500; such a page is refused now.",
    "A range that is turned around, of numbers beyond 10^18, was answered 416, not passed over.",
    "A recording that names no document was written as one that could not be read any more.",
    "A host of dots alone was taken for one, with an empty name.",
    "A host with a user before it was taken for one, and could be no address in brackets.",
)
_DONE: Final = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_COUNTED: Final = re.compile(rf"^(\S+) {COUNTED} (\d+)$", re.MULTILINE)
_KEPT: Final = re.compile(r"^found (\S+): (.*)", re.MULTILINE)
_RAW: Final = re.compile(r"Test unit written to (\S+)")
_AT_A_TIME: Final = 500_000  # executions of one process: another one has another chance
_LAST_LINES: Final = 1_500


@dataclass(frozen=True, slots=True)
class Job:
    """One process: which targets, how often, by what chance."""

    targets: Sequence[str]
    runs: int
    seed: int
    guided: bool


def attack(run: Run) -> None:
    """Hunt in as many processes as there are CPUs."""
    guided = not run.short and find_spec("atheris") is not None
    if not guided and not run.short:
        run.note("There is no atheris for this Python: inputs were made by seeded chance.")
    kept = Path(tempfile.gettempdir()) / "mockkie-fuzz"
    kept.mkdir(exist_ok=True)
    jobs = list(_jobs(run, guided=guided))
    learnt = {name: run.folder / name for name in TARGETS}
    for folder in learnt.values():
        folder.mkdir()
    counts = dict.fromkeys(TARGETS, 0)
    with _folder() as temporary, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        pending = {pool.submit(_hunt, job, learnt, kept, temporary): job for job in jobs}
        for done in as_completed(pending):
            told, code = done.result()
            _account(run, pending[done], told, code, counts)
            run.tell(lambda: f"{sum(counts.values()):,} executions")
    for name, count in counts.items():
        run.figure(f"executions of `{name}`", count)
    run.figure("executions in all", sum(counts.values()))


def _jobs(run: Run, *, guided: bool) -> Iterator[Job]:
    whole, shares = run.size(WHOLE, SHORT), sum(target.share for target in TARGETS.values())

    def own(target: Target) -> int:
        return max(20, whole * target.share // shares)

    if not guided:
        for name, target in TARGETS.items():
            if run.short:
                break
            yield Job([name], own(target), run.outcome.seed, guided=False)
        else:
            return
        yield Job(list(TARGETS), whole // len(TARGETS), run.outcome.seed, guided=False)
        return
    for name, target in sorted(TARGETS.items(), key=lambda one: -one[1].share):
        left, number = own(target), 0
        while left > 0:
            yield Job([name], min(left, _AT_A_TIME), run.outcome.seed + number, guided=True)
            left, number = left - _AT_A_TIME, number + 1


def _folder() -> tempfile.TemporaryDirectory[str]:
    """Where targets have files: in memory, where there is a file system for it."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    return tempfile.TemporaryDirectory(
        prefix="mockkie-fuzz-", dir=memory if memory.is_dir() else None
    )


def _hunt(job: Job, learnt: dict[str, Path], kept: Path, temporary: str) -> tuple[str, int]:
    command = [sys.executable, "-m", "reliability.hunting", *job.targets]
    command += ["--runs", str(job.runs), "--seed", str(job.seed), "--found", str(kept)]
    command += ["--learnt", str(learnt[job.targets[0]])] if job.guided else ["--plain"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env={**os.environ, "TMPDIR": temporary},
    )
    return done.stdout + done.stderr, done.returncode


def _account(run: Run, job: Job, told: str, code: int, counts: dict[str, int]) -> None:
    for name, count in _COUNTED.findall(told):
        counts[name] += int(count)
    guided = _DONE.search(told)
    if guided:
        counts[job.targets[0]] += int(guided[1])
    if code == 0:
        return
    found = _KEPT.search(told)
    if found:
        name = Path(found[1]).name.rpartition("-")[0]
        run.fail(f"{name}: {found[2]}", f"python -m reliability.replay {name} {found[1]}")
        return
    raw = _RAW.search(told)
    again = f"python -m reliability.replay {job.targets[0]} {raw[1]}" if raw else None
    run.fail(f"{', '.join(job.targets)}: {told[-_LAST_LINES:]}", again)
