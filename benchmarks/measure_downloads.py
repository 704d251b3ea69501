"""Downloads, whole and with Range."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from benchmarks import curl, servers
from benchmarks.bench import MB, Bench, asking, timing
from benchmarks.dialects import read_link
from benchmarks.load import CONNECTIONS, RefusedError
from benchmarks.report import Refusal
from benchmarks.servers import Running, running
from benchmarks.uploads import content

_BARE: Final = {"64 KiB pieces": 1 << 16, "256 KiB pieces": 1 << 18}
_PEERS: Final = ("disk", "plain", "nginx", "moto", "Azurite", "s3rver")
_TARGETS: Final = {f"disk / {name}": ">= 0.8" for name in _BARE}
_SPAN: Final = (8 * MB, 8 * MB + (1 << 16) - 1)


def downloads(bench: Bench) -> None:
    """512 MB whole, its middle half, and many ranges of 64 KB; and 1 KB files."""
    size = 128 if bench.quick else 512
    large, middle, small = bench.file(size), bench.file(16), bench.folder / "small.bin"
    small.write_bytes(content(1_024))
    with contextlib.ExitStack() as stack:
        up = bench.up(stack, *_PEERS)
        bare = {name: _bare(stack, large, piece) for name, piece in _BARE.items()}
        links = _uploaded(bench, up, large) | {
            name: f"{server.url}/" for name, server in bare.items()
        }
        both = {**up, **bare}
        for what, amount, first in (
            (f"{size} MB download", size, 0),
            (f"{size} MB download, Range of the middle half", size // 2, size * MB // 4),
        ):
            span = None if not first else (first, first + amount * MB - 1)
            attempts = {
                name: timing(both[name], amount, _reading(both[name], link, amount * MB, span))
                for name, link in links.items()
            }
            bench.beside(what, bench.interleave(what, attempts), "MB/s", _TARGETS)
        bare = {name: _bare(stack, middle, piece) for name, piece in _BARE.items()}
        _many(bench, {**up, **bare}, middle, _SPAN)
        bare = {name: _bare(stack, small, piece) for name, piece in _BARE.items()}
        _many(bench, {**up, **bare}, small, None)


def _bare(stack: contextlib.ExitStack, file: Path, piece: int) -> Running:
    return stack.enter_context(running([*servers.peer("pieces"), str(file), str(piece)]))


def _uploaded(bench: Bench, up: Mapping[str, Running], file: Path) -> dict[str, str]:
    """Where the file is read from everybody who takes it."""
    found = {}
    for name, server in up.items():
        try:
            _, found[name] = curl.upload(server.url, file, file.name, server.dialect)
        except RefusedError as error:
            what = f"download of {file.stat().st_size:,} bytes"
            bench.outcome.refusals.append(Refusal(what, name, str(error)))
    return found


def _many(
    bench: Bench, up: Mapping[str, Running], file: Path, span: tuple[int, int] | None
) -> None:
    """Small downloads: whole ones, or those of a player that seeks."""
    known = {name: server for name, server in up.items() if name not in _BARE}
    bare = {name: f"{up[name].url}/" for name in up if name in _BARE}
    what = "1 KB download" if span is None else "64 KB download by Range of a 16 MB file"
    seconds = 0.4 if bench.quick else 0.6
    attempts = {
        name: asking(up[name], read_link(link, up[name].dialect, span), seconds)
        for name, link in (_uploaded(bench, known, file) | bare).items()
    }
    what += f", {CONNECTIONS} connections"
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
