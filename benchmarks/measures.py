"""What is measured. A function each: rounds go A B C A B C, so that noise meets all alike."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks import servers
from benchmarks.load import CONNECTIONS, run_load
from benchmarks.report import Row, ratio, spread
from benchmarks.servers import Running, running
from benchmarks.uploads import KEY, curl_download, curl_upload
from mockkie import serve

MB = 1 << 20


@dataclass(slots=True)
class Bench:
    """How much is measured, where, and what could not be."""

    folder: Path
    rounds: int = 5
    quick: bool = False
    notes: list[str] = field(default_factory=list)

    def skip(self, name: str, why: str) -> None:
        """Say what was not measured."""
        self.notes.append(f"{name} was not measured: {why}")

    def file(self, megabytes: int) -> Path:
        """A file of that size; its content repeats itself every MB."""
        path = self.folder / "large.bin"
        block = random.Random(megabytes).randbytes(MB)  # noqa: S311 - any bytes do
        with path.open("wb") as out:
            for _ in range(megabytes):
                out.write(block)
        return path


def large(bench: Bench) -> list[Row]:
    """Stream uploads of 512 MB by curl: MB a second beside the sink and the plain app."""
    size = 128 if bench.quick else 512
    bench.file(8 * size).unlink()  # a virtual machine is slow where it never wrote before
    file = bench.file(size)
    kept = bench.folder / "plain"
    commands = {"mockkie": servers.mockkie(bench.folder / "data"), "sink": servers.peer("sink")}
    missing = servers.install_plain()
    if missing:
        bench.skip("the plain Starlette app", missing)
    else:
        commands["plain"] = servers.peer("plain")
    rates: dict[str, list[float]] = {name: [] for name in commands}
    with contextlib.ExitStack() as stack:
        up = {
            name: stack.enter_context(
                running(command, PLAIN_FOLDER=str(kept), TMPDIR=str(bench.folder))
            )
            for name, command in commands.items()
        }
        for server in up.values():
            curl_upload(server.url, file, "warm-up.bin")
        for number in range(bench.rounds):
            for name, server in up.items():
                os.sync()
                seconds, _ = curl_upload(server.url, file, f"{number}.bin")
                rates[name].append(size / seconds)
            _forget_files(up["mockkie"])
            for path in kept.rglob("*.bin"):
                path.unlink()
    file.unlink()
    what = f"{size} MB upload, disk store / "
    rows = []
    if not missing:
        rows.append(
            ratio("large", what + "plain app", (rates["mockkie"], rates["plain"]), "MB/s", ">= 2.5")
        )
    return [
        *rows,
        ratio("large", what + "sink", (rates["mockkie"], rates["sink"]), "MB/s", ">= 0.6"),
    ]


def memory(bench: Bench) -> list[Row]:
    """By how much the peak of the server's memory grows over uploads and downloads of 2 GB."""
    if not Path("/proc/self/status").exists():
        bench.skip("memory", "there is no /proc here")
        return []
    size = 256 if bench.quick else 2_048
    rounds = 1 if bench.quick else 2
    grown: dict[str, list[float]] = {"upload": [], "download": []}
    peak = 0
    for _ in range(rounds):
        with running(servers.mockkie(bench.folder / "data")) as server:
            _, link = curl_upload(server.url, bench.file(16), "warm-up.bin")
            curl_download(link)
            file = bench.file(size)
            before = server.peak()
            _, link = curl_upload(server.url, file, "large.bin")
            uploaded = server.peak()
            file.unlink()
            _, received = curl_download(link)
            downloaded = server.peak()
            peak = max(peak, downloaded)
            _forget_files(server)
        if received != size * MB:
            raise RuntimeError(f"{received} bytes came back")
        grown["upload"].append((uploaded - before) / MB)
        grown["download"].append((downloaded - before) / MB)
    bench.notes.append(f"the most memory that the server had in all was {peak / MB:.0f} MB")
    return [
        spread("memory", f"peak growth, {size} MB {name}", values, "MB", "<= 32")
        for name, values in grown.items()
    ]


def small(bench: Bench) -> list[Row]:
    """1 KB stream uploads on 16 connections, one worker: requests a second."""
    commands = {
        "memory": servers.mockkie("memory:"),
        "disk": servers.mockkie(bench.folder / "data"),
        "sink": servers.peer("sink"),
    }
    missing = servers.install_prism()
    if missing:
        bench.skip("Prism", missing)
    else:
        commands["prism"] = servers.prism()
    rates: dict[str, list[float]] = {name: [] for name in commands}
    costs: dict[str, list[float]] = {name: [] for name in commands}
    linux = Path("/proc/self/stat").exists()
    busiest = 0.0
    with contextlib.ExitStack() as stack:
        up = {name: stack.enter_context(running(command)) for name, command in commands.items()}
        for server in up.values():
            run_load(server.port, 3.0)
        for _ in range(bench.rounds):
            for name, server in up.items():
                used = server.cpu() if linux else 0.0
                result = run_load(server.port, 1.0 if bench.quick else 3.0)
                rates[name].append(result.rate)
                if linux:
                    costs[name].append((server.cpu() - used) / result.requests * 1e6)
                busiest = max(busiest, result.busy)
    bench.notes.append(
        f"the load of 1 KB uploads came from our own generator on {CONNECTIONS} connections, "
        f"busy for at most {busiest:.0%} of the time"
    )
    targets = {"memory": ">= 3", "disk": ">= 1.2"}
    rows = []
    for name, target in targets.items():
        for other in ("prism", "sink"):
            if other in rates:
                wanted = target if other == "prism" else ""
                what = f"1 KB uploads, {name} / {other}"
                rows.append(ratio("small", what, (rates[name], rates[other]), "req/s", wanted))
            if other in rates and linux:  # noise from other programs hardly shows in these
                what = f"1 KB uploads, CPU, {name} / {other}"
                rows.append(ratio("small", what, (costs[name], costs[other]), "µs", ""))
    return rows


def startup(bench: Bench) -> list[Row]:
    """From the start of the process to the first good answer; and what `--help` costs."""
    commands = {"mockkie": servers.mockkie("memory:")}
    missing = servers.install_prism()
    if missing:
        bench.skip("Prism", missing)
    else:
        commands["prism"] = servers.prism()
    ready: dict[str, list[float]] = {name: [] for name in commands}
    costs: list[float] = []
    for number in range(bench.rounds + 1):
        for name, command in commands.items():
            with running(command) as server:
                if number:  # the first one fills the caches
                    ready[name].append(server.ready)
        costs.append(_cpu_seconds([sys.executable, "-m", "mockkie", "--help"]))
    rows = [spread("startup", "serve: ready", ready["mockkie"], "s", None)]
    if not missing:
        what = "serve: ready / Prism"
        rows = [ratio("startup", what, (ready["mockkie"], ready["prism"]), "s", "<= 0.5")]
    return [*rows, spread("startup", "mockkie --help, CPU", costs[1:], "s", "<= 0.3")]


def worlds(bench: Bench) -> list[Row]:
    """A fresh world for a test: over the control API, and as the pytest fixture makes it."""
    over_http: list[float] = []
    in_tests: list[float] = []
    with running(servers.mockkie("memory:")) as server, serve() as kie:
        asking = http.client.HTTPConnection("127.0.0.1", server.port)
        for _ in range(20 * bench.rounds):
            started = time.perf_counter()
            asking.request("POST", "/__mockkie/worlds")
            answer = asking.getresponse()
            answer.read()
            over_http.append((time.perf_counter() - started) * 1_000)
            if answer.status != http.HTTPStatus.CREATED:
                raise RuntimeError(f"a world was answered {answer.status}")
            started = time.perf_counter()
            kie.new_world()
            in_tests.append((time.perf_counter() - started) * 1_000)
        asking.close()
    return [
        spread("worlds", "a fresh world, control API", over_http, "ms", "<= 2"),
        spread("worlds", "a fresh world, fixture", in_tests, "ms", "<= 2"),
    ]


def crowd(bench: Bench) -> list[Row]:
    """What 200,000 live files make of the cost of uploads and of expiry, in process."""
    alive = 20_000 if bench.quick else 200_000
    each = 500 if bench.quick else 2_000
    rows = []
    for store in ("memory", "disk"):
        with contextlib.ExitStack() as stack:
            ask = {
                files: stack.enter_context(
                    _crowd("memory:" if store == "memory" else bench.folder / f"of-{files}", files)
                )
                for files in (alive, 0)
            }
            costs: dict[int, list[tuple[float, float]]] = {files: [] for files in ask}
            for number in range(bench.rounds + 1):
                for files, cost in ask.items():
                    measured = cost(each)
                    if number:  # the first one fills the caches
                        costs[files].append(measured)
        parts = {"upload + expire": (0, 1), "upload": (0,), "expire": (1,)}
        for doing, which in parts.items():
            crowded, empty = (
                [sum(cost[index] for index in which) / each * 1e6 for cost in costs[files]]
                for files in (alive, 0)
            )
            what = f"{doing} among {alive:,} / none, {store}"
            rows.append(ratio("crowd", what, (crowded, empty), "µs", "<= 1.3"))
    return rows


@contextlib.contextmanager
def _crowd(data: str | Path, files: int) -> Iterator[Callable[[int], tuple[float, float]]]:
    command = [sys.executable, "-m", "benchmarks.crowd", str(data), str(files)]
    with subprocess.Popen(
        command, cwd=servers.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        asking, answers = process.stdin, process.stdout

        def cost(number: int) -> tuple[float, float]:
            print(number, file=asking, flush=True)
            uploading, expiring = answers.readline().split()
            return float(uploading), float(expiring)

        try:
            if answers.readline() != "ready\n":
                raise RuntimeError(f"{files} files could not be planted")
            yield cost
        finally:
            asking.close()


def _forget_files(server: Running) -> None:
    asking = http.client.HTTPConnection("127.0.0.1", server.port)
    asking.request("DELETE", "/__mockkie/files", headers={"Authorization": f"Bearer {KEY}"})
    asking.getresponse().read()
    asking.close()


def _cpu_seconds(command: list[str]) -> float:
    """What a command costs in CPU time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=servers.ROOT, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


MEASURES: Final[dict[str, Callable[[Bench], list[Row]]]] = {
    "small": small,
    "large": large,
    "memory": memory,
    "startup": startup,
    "worlds": worlds,
    "crowd": crowd,
}
