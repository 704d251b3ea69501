"""What many live files make of the cost of uploads, downloads, lists, expiry and a restart."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks import servers
from benchmarks.bench import Bench
from benchmarks.dialects import KIE
from benchmarks.load import waits
from benchmarks.servers import running
from benchmarks.uploads import KEY, content

Ask = Callable[[str], str]
_DOING: Final = ("upload", "download", "expire")
_PAGES: Final = 20
_NAMES: Final = 64  # as many files there are of those that wait


def crowd(bench: Bench) -> None:
    """0, 10,000 and 1,000,000 live files, in process through the app: CPU seconds."""
    some, many = (1_000, 20_000) if bench.quick else (10_000, 1_000_000)
    for store in ("memory", "disk"):
        with contextlib.ExitStack() as stack:
            asked = {
                files: stack.enter_context(
                    started("memory:" if store == "memory" else bench.folder / f"{files}", files)
                )[0]
                for files in (many, some, 0)
            }
            _compare(bench, store, asked)
            _absolute(bench, f"{many:,} live files, {store}", asked[many])
    _restart(bench, many)
    bench.note("with many files: CPU time in one process, through the app but without a socket")


def waiting(bench: Bench) -> None:
    """How long a request waits while many files are swept in a served mock."""
    alive, ending = (20_000, 5_000) if bench.quick else (1_000_000, 100_000)
    for store in ("memory", "disk"):
        data = "memory:" if store == "memory" else bench.folder / "waiting"
        longest: dict[str, list[float]] = {"without a sweep": [], "during the sweep": []}
        with started(data, alive, "serve") as (ask, port):
            for number in range(bench.rounds):
                ask(f"plant {ending}")
                longest["without a sweep"].append(_longest(port, 2))
                moving = threading.Timer(0.5, _advance, (port,))
                moving.start()
                longest["during the sweep"].append(_longest(port, 2 if bench.quick else 4))
                moving.join()
                left = int(ask("left")) - alive - _NAMES
                if left > 0:
                    bench.note(f"round {number + 1}, {store}: {left:,} expired files were left")
        for when, found in longest.items():
            what = f"longest wait for an upload {when} of {ending:,} files among {alive:,}, {store}"
            target = "<= 20" if when == "during the sweep" else ""
            bench.values(what, [1_000 * one for one in found], "ms", target)


@contextlib.contextmanager
def started(data: str | Path, files: int, *words: str) -> Iterator[tuple[Ask, int]]:
    """`(ask, port)` of a process of `benchmarks.crowd`; the port is 0 unless it serves."""
    command = [sys.executable, "-m", "benchmarks.crowd", str(data), str(files), *words]
    with subprocess.Popen(
        command, cwd=servers.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        asking, answers = process.stdin, process.stdout

        def ask(line: str) -> str:
            print(line, file=asking, flush=True)
            answer = answers.readline().strip()
            if not answer:
                raise RuntimeError(f"the process of many files ended at {line!r}")
            return answer

        try:
            ready, _, port = answers.readline().strip().partition(" ")
            if ready != "ready":
                raise RuntimeError(f"{files} files could not be planted")
            yield ask, int(port or 0)
        finally:
            asking.close()


def _compare(bench: Bench, store: str, asked: Mapping[int, Ask]) -> None:
    each = 500 if bench.quick else 2_000
    costs: dict[int, dict[str, list[float]]] = {
        files: {doing: [] for doing in _DOING} for files in asked
    }
    for number in range(bench.rounds + 1):
        for files, ask in asked.items():
            for doing in _DOING:
                cost = float(ask(f"{doing} {each}").split()[0]) / each * 1e6
                if number:  # the first one fills the caches
                    costs[files][doing].append(cost)
    for doing in _DOING:
        for files in sorted(costs)[1:]:
            both = costs[files][doing], costs[0][doing]
            what = f"{doing}, {store}, among {files:,} files / no files"
            target = "<= 1.2" if doing == "upload" and files == max(costs) else ""
            bench.compare(what, both, "µs", target)


def _absolute(bench: Bench, among: str, ask: Ask) -> None:
    """What has a bound of its own."""
    ending = 5_000 if bench.quick else 100_000
    expiring: list[float] = []
    slices: list[float] = []
    listing: dict[int, list[float]] = {1_000: [], 100: []}
    for _ in range(bench.rounds):
        ask(f"plant {ending}")
        took, longest = ask(f"expire {ending}").split()
        expiring.append(float(took))
        slices.append(float(longest) * 1_000)
        for limit, found in listing.items():
            found.append(float(ask(f"list {_PAGES} {limit}")) / _PAGES * 1_000)
    bench.values(f"expiring {ending:,} among {among}", expiring, "s", "<= 2")
    bench.values(f"the longest slice of it, {among}", slices, "ms", "<= 20")
    for limit, found in listing.items():
        bench.values(f"listing a page of {limit:,} among {among}", found, "ms", "<= 5")


def _restart(bench: Bench, many: int) -> None:
    """From the start of the process to the first good answer, over the folder of many files."""
    ready: dict[int, list[float]] = {many: [], 0: []}
    for number in range(bench.rounds + 1):
        for files, found in ready.items():
            with running(servers.mockkie(bench.folder / f"{files}"), KIE) as server:
                if number:
                    found.append(server.ready)
    both: tuple[Sequence[float], Sequence[float]] = ready[many], ready[0]
    bench.compare(f"restart, disk, over {many:,} files / no files", both, "s", "<= 1.5")


def _longest(port: int, seconds: float) -> float:
    request = replace(KIE.upload(port, content(1_024)), names=_NAMES)
    return max(waits(port, request, seconds))


def _advance(port: int) -> None:
    """Let two days pass: what was planted ends."""
    asking = http.client.HTTPConnection("127.0.0.1", port)
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    body = json.dumps({"duration": "P2D"})
    asking.request("POST", "/__mockkie/clock/advance", body, headers)
    answer = asking.getresponse()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"the clock was not moved: {answer.read()!r}")
    asking.close()
