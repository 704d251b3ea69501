"""How long it takes until something can be done: cold starts, imports, a judgement."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from itertools import count
from typing import Final

from benchmarks import servers
from benchmarks.bench import Bench, Sample
from benchmarks.peers import PEERS, Peer
from benchmarks.servers import Running

_LIBRARIES: Final = "import starlette.applications, uvicorn"
_OURS: Final = "import mockkie; [getattr(mockkie, name) for name in mockkie.__all__]"


def startup(bench: Bench) -> None:
    """From the start of the process to the first good answer, beside everybody."""
    known = {}
    for name, peer in PEERS.items():
        why = peer.install()
        if why is None:
            known[name] = peer
        else:
            bench.note(f"{name} was not measured: {why}")
    versions = [f"{name} {peer.version()}" for name, peer in known.items() if peer.version()]
    bench.note(f"beside it: {', '.join(versions)}")
    numbers = count()

    def start(peer: Peer) -> Sample:
        with peer.running(bench.folder / str(next(numbers))) as server:
            return Sample(server.ready, server.cpu())

    what = "cold start to the first answer"
    samples = bench.interleave(what, {name: partial(start, peer) for name, peer in known.items()})
    targets = {f"{ours} / Prism": "<= 0.4" for ours in ("memory", "disk")}
    bench.beside(what, samples, "s", targets)
    bench.note(
        "the first answer is that to an upload; that of moto and Azurite to the making of a "
        "bucket, without which they take none"
    )


def imports(bench: Bench) -> None:
    """What `import mockkie` and `--help` cost in CPU time, beside the libraries below."""
    commands = {
        "import mockkie": "import mockkie",
        "import all that mockkie offers": _OURS,
        "import starlette and uvicorn": _LIBRARIES,
    }
    costs: dict[str, list[float]] = {name: [] for name in [*commands, "help"]}
    for number in range(bench.rounds + 1):
        words = {name: ["-c", text] for name, text in commands.items()}
        words["help"] = ["-m", "mockkie", "--help"]
        for name, command in words.items():
            cost = _cpu_seconds([sys.executable, *command])
            if number:
                costs[name].append(cost * 1e3)
    theirs = costs["import starlette and uvicorn"]
    for name, target in (("import mockkie", "<= 1.3"), ("import all that mockkie offers", "")):
        bench.compare(f"CPU, {name} / starlette and uvicorn", (costs[name], theirs), "ms", target)
    bench.values("CPU, mockkie --help", costs["help"], "ms", "<= 300")


def check(bench: Bench) -> None:
    """`mockkie check --quick` of a mock of its own, and of one that is served."""
    took: dict[str, list[float]] = {"its own mock": [], "a served mock": []}
    rounds = 1 if bench.quick else min(bench.rounds, 3)
    with PEERS["memory"].running(bench.folder / "served") as server:
        for _ in range(rounds):
            for name, words in (("its own mock", ()), ("a served mock", _address(server))):
                started = time.perf_counter()
                command = [sys.executable, "-m", "mockkie", "check", *words, "--quick", "--quiet"]
                done = subprocess.run(
                    command,
                    cwd=servers.ROOT,
                    env=servers.with_peers({}),
                    capture_output=True,
                    text=True,
                    check=False,
                )
                took[name].append(time.perf_counter() - started)
                if done.returncode:
                    said = (done.stdout + done.stderr).strip().splitlines()[-1:]
                    bench.note(f"the check of {name} ended with {done.returncode}: {said}")
    for name, seconds in took.items():
        bench.values(f"mockkie check --quick of {name}", seconds, "s")


def _address(server: Running) -> Sequence[str]:
    return (server.url, "--key", "kie-mock-key")


def _cpu_seconds(command: Sequence[str]) -> float:
    """What a command costs in CPU time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = servers.with_peers({})
    subprocess.run(command, cwd=servers.ROOT, env=env, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
