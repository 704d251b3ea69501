"""Uploads as base64 and by URL: how fast, and what they take in memory."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks import curl, servers
from benchmarks.bench import MB, Bench, Sample, asking, on_linux, timing
from benchmarks.dialects import HOLE, request
from benchmarks.peers import PEERS
from benchmarks.servers import Running, running
from benchmarks.uploads import KEY, SUCCESS, content

BASE64: Final = "/api/file-base64-upload"
URL: Final = "/api/file-url-upload"
_HEADERS: Final = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
_LARGE: Final = 50


def base64_uploads(bench: Bench) -> None:
    """1 MB and 50 MB as base64 in JSON, beside `json` and `b64decode` and beside Prism."""
    body = bench.folder / "body.json"
    with contextlib.ExitStack() as stack:
        up = bench.up(stack, "memory", "disk", "plain", "Prism")
        what = "1 MB base64 upload, 4 connections"
        seconds = 0.5 if bench.quick else 1.0
        attempts = {name: _loading(server, _as_base64(1), seconds) for name, server in up.items()}
        bench.beside(what, bench.interleave(what, attempts), "req/s")
        body.write_bytes(_as_base64(_LARGE))
        what = f"{_LARGE} MB base64 upload"
        attempts = {name: _posting(server, BASE64, body) for name, server in up.items()}
        targets = {"disk / plain": ">= 2", "memory / plain": ">= 2"}
        bench.beside(what, bench.interleave(what, attempts), "MB/s", targets)
    _peaks(bench, "base64", body, BASE64)


def url_uploads(bench: Bench) -> None:
    """1 MB and 50 MB by URL from a bare app, beside httpx2's `get`."""
    with contextlib.ExitStack() as stack:
        up = bench.up(stack, "plain")
        fetching = ("--url-upload", "fetch", "--url-upload-private")
        ours = servers.mockkie(bench.folder / "data", *fetching)
        up = {"disk": stack.enter_context(running(ours)), **up}
        peaks = []
        for size in (1, _LARGE):
            origin = [*servers.peer("pieces"), str(bench.file(size)), str(1 << 16)]
            source = stack.enter_context(running(origin))
            body = bench.folder / f"{size}.json"
            body.write_bytes(_as_url(f"{source.url}/a.bin"))
            what = f"{size} MB URL upload"
            attempts = {name: _posting(server, URL, body, size) for name, server in up.items()}
            bench.beside(what, bench.interleave(what, attempts), "MB/s")
            peaks.append(up["disk"].peak() if on_linux(bench) else 0)
        grown = (peaks[1] - peaks[0]) / MB
        if peaks[0]:
            what = f"{_LARGE} MB URL uploads, growth of peak memory over that of 1 MB, disk"
            bench.values(what, [grown], "MB", "<= 16")


def _peaks(bench: Bench, kind: str, body: Path, path: str) -> None:
    """By how many bodies the peak of a fresh server grows over one large upload."""
    if not on_linux(bench):
        return
    first = bench.folder / "first.json"
    first.write_bytes(_as_base64(1))
    for name in ("disk", "plain"):
        grown = []
        for number in range(min(bench.rounds, 3)):
            with PEERS[name].running(bench.folder / f"peak-{number}") as server:
                _post(server, path, first)
                before = server.peak()
                _post(server, path, body)
                grown.append((server.peak() - before) / body.stat().st_size)
        target = "<= 1.6" if name == "disk" else ""
        what = f"{_LARGE} MB {kind} upload, growth of peak memory, {name}"
        bench.values(what, grown, "bodies", target)


def _as_base64(megabytes: int) -> bytes:
    text = base64.b64encode(content(megabytes * MB)).decode()
    return json.dumps({"uploadPath": "bench", "fileName": _name(), "base64Data": text}).encode()


def _as_url(url: str) -> bytes:
    return json.dumps({"uploadPath": "bench", "fileName": _name(), "fileUrl": url}).encode()


def _name() -> str:
    return f"{HOLE.decode()}.bin"


def _loading(server: Running, body: bytes, seconds: float) -> Callable[[], Sample]:
    wanted = request(server.port, f"POST {BASE64}", _HEADERS, body, told=SUCCESS)
    return asking(server, wanted, seconds, 4)


def _posting(
    server: Running, path: str, body: Path, megabytes: float = _LARGE
) -> Callable[[], Sample]:
    return timing(server, megabytes, lambda: _post(server, path, body))


def _post(server: Running, path: str, body: Path) -> float:
    headers = [word for pair in _HEADERS.items() for word in ("--header", ": ".join(pair))]
    words = ("--request", "POST", "--upload-file", str(body), server.url + path)
    seconds, _ = curl.timed(*headers, *words)
    return seconds
