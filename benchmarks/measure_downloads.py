"""Downloads, whole and with Range."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Final

from benchmarks import curl, servers
from benchmarks.bench import MB, Bench, Sample, asking, timing
from benchmarks.dialects import read_link
from benchmarks.load import RefusedError
from benchmarks.report import Refusal
from benchmarks.servers import Running, running

_BARE: Final = {"64 KiB pieces": 1 << 16, "256 KiB pieces": 1 << 18}
_PEERS: Final = ("memory", "disk", "plain", "nginx", "moto", "Azurite", "s3rver")
_TARGETS: Final = {f"disk / {name}": ">= 0.8" for name in _BARE}
_SPAN: Final = 1 << 16


def downloads(bench: Bench) -> None:
    """512 MB whole, its middle half, and many ranges of 64 KB; and 1 KB files."""
    size = 128 if bench.quick else 512
    large, small = bench.file(size), bench.folder / "small.bin"
    small.write_bytes(large.read_bytes()[:1_024])
    with contextlib.ExitStack() as stack:
        up = bench.up(stack, *_PEERS)
        for name, piece in _BARE.items():
            command = [*servers.peer("pieces"), str(large), str(piece)]
            up[name] = stack.enter_context(running(command))
        links = _links(bench, up, f"{size} MB", lambda server: curl.upload(
            server.url, large, "large.bin", server.dialect)[1])  # fmt: skip
        links |= {name: f"{up[name].url}/large.bin" for name in _BARE}
        known = {name: up[name] for name in up if name in links}
        for what, amount, first in (
            (f"{size} MB download", size, 0),
            (f"{size} MB download, Range of the middle half", size // 2, size * MB // 4),
        ):
            span = None if not first else (first, first + amount * MB - 1)
            attempts = {
                name: timing(server, amount, _reading(server, links[name], amount * MB, span))
                for name, server in known.items()
            }
            bench.beside(what, bench.interleave(what, attempts), "MB/s", _TARGETS)
        _many(bench, known, links, size)
        others = {name: server for name, server in up.items() if name not in _BARE}
        links = _links(bench, others, "1 KB", lambda server: curl.upload(
            server.url, small, "small.bin", server.dialect)[1])  # fmt: skip
        what = "1 KB download, 16 connections"
        attempts = {name: _loading(bench, others[name], link, None) for name, link in links.items()}
        bench.beside(what, bench.interleave(what, attempts), "req/s")


def _links(
    bench: Bench, up: Mapping[str, Running], what: str, upload: Callable[[Running], str]
) -> dict[str, str]:
    found = {}
    for name, server in up.items():
        if name in _BARE:
            continue
        try:
            found[name] = upload(server)
        except RefusedError as error:
            bench.outcome.refusals.append(Refusal(f"{what} download", name, str(error)))
    return found


def _many(
    bench: Bench, up: Mapping[str, Running], links: Mapping[str, str], megabytes: int
) -> None:
    """A player that seeks: 64 KB from somewhere in the middle."""
    middle = megabytes * MB // 2
    what = "64 KB download by Range, 16 connections"
    attempts = {
        name: _loading(bench, server, links[name], (middle, middle + _SPAN - 1))
        for name, server in up.items()
    }
    bench.beside(what, bench.interleave(what, attempts), "req/s")


def _reading(
    server: Running, link: str, size: int, span: tuple[int, int] | None
) -> Callable[[], float]:
    words = None if span is None else f"{span[0]}-{span[1]}"

    def once() -> float:
        seconds, received = curl.download(link, server.dialect, span=words)
        if received != size:
            raise RefusedError(f"it sent {received:,} bytes instead of {size:,}")
        return seconds

    return once


def _loading(
    bench: Bench, server: Running, link: str, span: tuple[int, int] | None
) -> Callable[[], Sample]:
    seconds = 0.5 if bench.quick else 1.0
    return asking(server, read_link(link, server.dialect, span), seconds)
