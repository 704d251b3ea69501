"""Large stream uploads by curl: MB a second, and what they take in memory."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks import curl
from benchmarks.bench import MB, Bench, Sample, on_linux, timing
from benchmarks.peers import PEERS
from benchmarks.servers import Running

LARGE: Final = {
    "disk / plain": ">= 3",
    "disk / sink": ">= 0.75",
    "disk / nginx": ">= 0.9",
    "memory / sink": ">= 0.85",
}


def large(bench: Bench) -> None:
    """Stream uploads of 512 MB, beside everybody."""
    size = 128 if bench.quick else 512
    bench.file(8 * size).unlink()  # a virtual machine is slow where it never wrote before
    file = bench.file(size)
    with contextlib.ExitStack() as stack:
        up = bench.up(stack, *PEERS)
        attempts = {name: _sending(server, file, size) for name, server in up.items()}
        what = f"{size} MB upload"
        bench.beside(what, bench.interleave(what, attempts), "MB/s", LARGE)


def huge(bench: Bench) -> None:
    """Stream uploads of 2 GB, and by how much memory grows over them and over a download.

    One round: what counts is the memory, and slow peers take a minute.
    """
    size = 256 if bench.quick else 2_048
    first, file = bench.file(16), bench.file(size)
    with contextlib.ExitStack() as stack:
        up = bench.up(stack, *(name for name in PEERS if name not in {"memory", "Prism"}))
        for server in up.values():
            curl.upload(server.url, first, "first.bin", server.dialect)
        linux = on_linux(bench)
        before = {name: server.peak() for name, server in up.items()} if linux else {}
        attempts = {name: _sending(server, file, size) for name, server in up.items()}
        what = f"{size / 1_024:g} GB upload"
        samples = bench.interleave(what, attempts, rounds=1, warm=False)
        bench.beside(what, samples, "MB/s")
        for name in samples:
            if linux and name != "sink":
                grown = max(up[name].peak() - before[name], 0) / MB
                target = "<= 32" if name == "disk" else ""
                bench.values(f"{what}, growth of peak memory, {name}", [grown], "MB", target)
        if linux:
            _download(bench, up["disk"], file, before["disk"])


def _download(bench: Bench, server: Running, file: Path, before: int) -> None:
    _, link = curl.upload(server.url, file, "download.bin")
    _, received = curl.download(link)
    if received != file.stat().st_size:
        raise RuntimeError(f"{received} bytes came back of {file.stat().st_size}")
    grown = (server.peak() - before) / MB
    what = f"{received / MB / 1_024:g} GB download, growth of peak memory, disk"
    bench.values(what, [grown], "MB", "<= 32")
    bench.note(f"the most memory that the server over a folder had was {server.peak() / MB:.0f} MB")


def _sending(server: Running, file: Path, megabytes: int) -> Callable[[], Sample]:
    """An upload when the disk has nothing else to do; its file is deleted behind the clock."""
    dialect = server.dialect
    links: list[str] = []

    def once() -> float:
        seconds, link = curl.upload(server.url, file, "a.bin", dialect)
        links.append(link)
        return seconds

    timed = timing(server, megabytes, once)

    def attempt() -> Sample:
        os.sync()
        sample = timed()
        curl.timed(*dialect.forget(server.url, links.pop()))
        return sample

    return attempt
