"""What a test pays for a world of its own."""

from __future__ import annotations

import http.client
import re
import resource
import subprocess
import sys
import time
from http import HTTPStatus
from pathlib import Path
from typing import Final

from benchmarks.bench import Bench
from benchmarks.peers import PEERS
from benchmarks.servers import with_peers
from mockkie import serve

_TESTS: Final = """
import pytest

@pytest.mark.parametrize("number", range({count}))
def test_nothing(number{fixture}):
    pass
"""
_PASSED: Final = re.compile(r"(\d+) passed")


def worlds(bench: Bench) -> None:
    """A fresh world: over the control API, and as the fixture makes and drops it."""
    over_http: list[float] = []
    in_tests: list[float] = []
    with PEERS["memory"].running(bench.folder / "served") as server, serve() as kie:
        asking = http.client.HTTPConnection("127.0.0.1", server.port)
        for _ in range(20 * bench.rounds):
            started = time.perf_counter()
            asking.request("POST", "/__mockkie/worlds")
            answer = asking.getresponse()
            answer.read()
            over_http.append((time.perf_counter() - started) * 1_000)
            if answer.status != HTTPStatus.CREATED:
                raise RuntimeError(f"a world was answered {answer.status}")
            started = time.perf_counter()
            kie.new_world().drop()
            in_tests.append((time.perf_counter() - started) * 1_000)
        asking.close()
    bench.values("a fresh world over the control API", over_http, "ms")
    bench.values("a fresh world made and dropped as by the fixture", in_tests, "ms", "<= 0.5")


def fixture(bench: Bench) -> None:
    """1,000 tests that do nothing, with the fixture `kie` and without."""
    count = 200 if bench.quick else 1_000
    added: list[float] = []
    cost: list[float] = []
    for _ in range(bench.rounds):
        took, used = _run(bench.folder, count, "")
        longer, more = _run(bench.folder, count, ", kie")
        added.append(longer - took)
        cost.append(more - used)
    target = "<= 1" if count == 1_000 else ""  # noqa: PLR2004 - that many
    bench.values(f"{count:,} tests with a fresh world each take longer by", added, "s", target)
    bench.values(f"{count:,} tests with a fresh world each take more CPU by", cost, "s", target)
    bench.note("what tests take longer by includes the start of one mock for all of them")


def _run(folder: Path, count: int, fixture: str) -> tuple[float, float]:
    """Seconds and CPU seconds of a run of pytest."""
    file = folder / "test_nothing.py"
    file.write_text(_TESTS.format(count=count, fixture=fixture))
    used, started = _children(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file.name],
        cwd=folder,
        env=with_peers({}),
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - started
    passed = _PASSED.search(done.stdout)
    if passed is None or int(passed[1]) != count:
        raise RuntimeError(f"pytest: {done.stdout[-500:]} {done.stderr[-500:]}")
    return took, _children() - used


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
