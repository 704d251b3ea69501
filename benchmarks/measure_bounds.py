"""What bounds uploads: the parts that none can leave out, each alone; and where the time goes."""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import Final

from blake3 import blake3

from benchmarks import curl
from benchmarks.bench import MB, Bench, on_linux
from benchmarks.dialects import KIE
from benchmarks.load import run_load
from benchmarks.servers import Running, running
from benchmarks.uploads import content

_PIECE: Final = 1 << 18
_MANY: Final = 1_000
_SHOWN: Final = 8
_NEEDED: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    "512 MB": {
        "memory": ("received by the sink", "searched", "hashed", "given pages of memory"),
        "disk": ("received by the sink", "searched", "hashed", "written to a new file"),
    },
    "1 KB": {
        "memory": ("received by the sink", "hashed"),
        "disk": ("received by the sink", "hashed", "committed to an SQLite index"),
    },
}
"""The parts of an upload that can only be done, in so far as they are not mockkie's own work."""


def bounds(bench: Bench) -> None:
    """CPU time of each part of an upload alone, beside that of an upload; and a profile."""
    if not on_linux(bench):
        return
    large = 128 if bench.quick else 512
    file = bench.file(large)
    numbers = count()
    alone: Mapping[str, Mapping[str, Callable[[], float]]] = {
        "512 MB": {
            "searched": partial(_search, large),
            "hashed": partial(_hash, large),
            "given pages of memory": partial(_touch, large),
            "written to a new file": partial(_write, large, bench.folder / "written.bin"),
        },
        "1 KB": {
            "hashed": _hash_small,
            "committed to an SQLite index": lambda: _commit(bench.folder / f"{next(numbers)}.db"),
        },
    }
    with contextlib.ExitStack() as stack:
        up = bench.up(stack, "sink", "memory", "disk")
        for what, parts in alone.items():
            send = partial(_send, file) if what == "512 MB" else partial(_load, bench)
            served = {f"received by the {name}": partial(send, up[name]) for name in up}
            _show(bench, what if what == "1 KB" else f"{large} MB", what, {**served, **parts})
    for store in ("memory", "disk"):
        _profile(bench, store)


def _show(bench: Bench, what: str, needed: str, parts: Mapping[str, Callable[[], float]]) -> None:
    unit, scale = ("µs", 1e6) if needed == "1 KB" else ("ms", 1e3)
    found: dict[str, list[float]] = {name: [] for name in parts}
    for number in range(bench.rounds + 1):
        for name, once in parts.items():
            cost = once() * scale
            if number:
                found[name].append(cost)
    for name, values in found.items():
        bench.values(f"CPU, {what} {name}", values, unit)
    for store, names in _NEEDED[needed].items():
        least = sum(median(found[name]) for name in names)
        ours = found[f"received by the {store}"]
        both = ours, [least] * len(ours)
        bench.compare(f"CPU, {what} upload, {store} / its parts alone", both, unit)
        bench.note(f"the parts of a {what} upload, {store}: {', '.join(names)}")


def _send(file: Path, server: Running) -> float:
    used = server.cpu()
    curl.upload(server.url, file, "a.bin")
    used = server.cpu() - used
    curl.timed(*KIE.forget(server.url, ""))
    return used


def _load(bench: Bench, server: Running) -> float:
    used = server.cpu()
    request = KIE.upload(server.port, content(1_024))
    result = run_load(server.port, request, 0.5 if bench.quick else 1.5)
    return (server.cpu() - used) / result.requests


def _cpu(do: Callable[[], object], times: int = 1) -> float:
    started = time.process_time()
    for _ in range(times):
        do()
    return time.process_time() - started


def _search(megabytes: int) -> float:
    piece = content(_PIECE)
    boundary = b"\r\n--" + 24 * b"-" + b"7MA4YWxkTrZu0gWq3kXyZ1"  # as curl makes them
    return _cpu(lambda: piece.find(boundary), megabytes * MB // _PIECE)


def _hash(megabytes: int) -> float:
    piece, known = content(_PIECE), blake3()
    return _cpu(lambda: known.update(piece), megabytes * MB // _PIECE)


def _hash_small() -> float:
    data = content(1_024)
    return _cpu(lambda: blake3(data).hexdigest(), _MANY) / _MANY


def _touch(megabytes: int) -> float:
    """Have the system give every page, as it does for bytes that stay."""
    size = megabytes * MB
    with mmap.mmap(-1, size) as memory:
        ones = b"1" * (size // mmap.PAGESIZE)

        def touch() -> None:
            memory[:: mmap.PAGESIZE] = ones

        return _cpu(touch)


def _write(megabytes: int, at: Path) -> float:
    piece = content(_PIECE)
    at.unlink(missing_ok=True)
    os.sync()
    file = os.open(at, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        return _cpu(lambda: os.write(file, piece), megabytes * MB // _PIECE)
    finally:
        os.close(file)


def _commit(at: Path) -> float:
    """A row with its content, by its path and by its end, as safe against a kill as the store."""
    numbers, data = count(), content(1_024)
    with contextlib.closing(sqlite3.connect(at, isolation_level=None)) as index:
        index.execute("PRAGMA journal_mode = WAL").fetchall()
        index.execute("PRAGMA synchronous = NORMAL")
        index.execute("CREATE TABLE file (path TEXT UNIQUE, expires INTEGER, content BLOB)")
        index.execute("CREATE INDEX ends ON file (expires)")

        def commit() -> None:
            number = next(numbers)
            index.execute("INSERT INTO file VALUES (?, ?, ?)", (f"a/{number}", number, data))

        return _cpu(commit, _MANY) / _MANY


def _profile(bench: Bench, store: str) -> None:
    """Which modules the time of 1 KB uploads is spent in: a sample each ms of CPU time."""
    told = bench.folder / f"{store}.json"
    data = "memory:" if store == "memory" else str(bench.folder / "profiled")
    command = [sys.executable, "-m", "benchmarks.profiled", data, "{port}", str(told)]
    with running(command) as server:
        request = KIE.upload(server.port, content(1_024))
        run_load(server.port, request, 1.0 if bench.quick else 5.0)
    found: dict[str, int] = json.loads(told.read_text())
    total = sum(found.values())
    largest = sorted(found.items(), key=lambda one: -one[1])[:_SHOWN]
    shares = [f"{name} {number / total:.0%}" for name, number in largest]
    bench.note(f"where the CPU time of 1 KB uploads goes, {store}, by module: {', '.join(shares)}")
