"""Small and middling stream uploads, many connections, and several workers: requests a second."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import Final

from benchmarks import servers
from benchmarks.bench import Bench, Sample, loading, on_linux
from benchmarks.load import CONNECTIONS
from benchmarks.peers import PEERS
from benchmarks.servers import running
from benchmarks.uploads import KEY

SMALL: Final = {
    "memory / Prism": ">= 6",
    "memory / sink": ">= 0.35",
    "disk / Prism": ">= 2.5",
    "disk / moto": ">= 8",
}
KB: Final = 1_024


def small(bench: Bench) -> None:
    """1 KB stream uploads on 16 connections, beside everybody."""
    with contextlib.ExitStack() as stack:
        up = bench.up(stack, *PEERS)
        what = f"1 KB upload, {CONNECTIONS} connections"
        seconds = 0.5 if bench.quick else 1.0
        attempts = {name: loading(server, KB, seconds) for name, server in up.items()}
        bench.beside(what, bench.interleave(what, attempts), "req/s", SMALL)


def middle(bench: Bench) -> None:
    """Stream uploads of 100 KB and 10 MB, beside everybody."""
    bench.note(
        "uploads of 100 KB and 10 MB go over the same 655 and 8 names again and again: "
        "to free the older file is part of each"
    )
    with contextlib.ExitStack() as stack:
        up = bench.up(stack, *PEERS)
        for what, size, connections in (
            ("100 KB upload", 100 * KB, CONNECTIONS),
            ("10 MB upload", 10 * KB * KB, 4),
        ):
            told = f"{what}, {connections} connections"
            seconds = 0.5 if bench.quick else 0.7
            attempts = {
                name: loading(server, size, seconds, connections) for name, server in up.items()
            }
            bench.beside(told, bench.interleave(told, attempts), "req/s")


def connections(bench: Bench) -> None:
    """1 KB uploads on one connection, and on 256."""
    with contextlib.ExitStack() as stack:
        up = bench.up(stack, "memory", "disk", "sink", "plain", "Prism", "moto")
        for number in (1, 256):
            what = f"1 KB upload, {number} connection{'s' if number > 1 else ''}"
            seconds = 0.5 if bench.quick else 0.7
            attempts = {name: loading(server, KB, seconds, number) for name, server in up.items()}
            bench.beside(what, bench.interleave(what, attempts), "req/s")


def workers(bench: Bench) -> None:
    """Two processes over one folder beside one; and the whole contract against the two."""
    what = f"1 KB upload, {CONNECTIONS} connections, disk"
    with contextlib.ExitStack() as stack:
        up = {
            count: stack.enter_context(
                running(
                    servers.mockkie(bench.folder / f"by-{count}", "--workers", str(count)),
                )
            )
            for count in (1, 2)
        }
        seconds = 0.5 if bench.quick else 2.0
        samples: dict[str, list[Sample]] = bench.interleave(
            what, {str(count): loading(server, KB, seconds) for count, server in up.items()}
        )
        two, one = samples["2"], samples["1"]
        rates = [sample.rate for sample in two], [sample.rate for sample in one]
        costs = [sample.cpu * 1e6 for sample in two], [sample.cpu * 1e6 for sample in one]
        bench.compare(f"{what}, 2 workers / 1 worker", rates, "req/s", ">= 1.6")
        if on_linux(bench):
            bench.compare(f"{what}, CPU, 2 workers / 1 worker", costs, "µs")
        busy = max(sample.busy for sample in two)
        bench.note(
            f"the client needs a core of its own too, {busy:.0%} of it: on two cores two workers "
            "cannot be twice as fast, so the CPU time of a request is what counts here"
        )
        check = [sys.executable, "-m", "mockkie", "check", up[2].url, "--key", KEY, "--quiet"]
        form = () if bench.quick else ("--full",)
        done = subprocess.run(
            [*check, *form], capture_output=True, text=True, check=False, cwd=servers.ROOT
        )
        said = (done.stdout.strip() or done.stderr.strip() or "nothing").splitlines()[-1]
        name = f"mockkie check {' '.join(form)}".strip()
        bench.values(f"exit code of `{name}` against 2 workers", [done.returncode], "", "<= 0")
        bench.note(f"`{name}` against two workers said: {said}")
