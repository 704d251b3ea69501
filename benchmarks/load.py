"""A load of 1 KB uploads on 16 connections, by one thread and raw sockets.

About 15 µs a request, so that it leaves a core to the server; how busy it was is reported.
Every answer is read to its end and must be a success.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from dataclasses import dataclass, field
from itertools import count

from benchmarks.uploads import SUCCESS, small_upload

CONNECTIONS = 16
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_SILENCE_SECONDS = 30
_numbers = count()


@dataclass(slots=True)
class Result:
    """Requests and seconds of one run, and which part of the time the generator itself worked."""

    requests: int
    seconds: float
    busy: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    answer: bytearray = field(default_factory=bytearray)


def run_load(port: int, seconds: float) -> Result:
    """Send as fast as answers come; an error for an answer that is no success."""
    before, behind = small_upload(port)
    with selectors.DefaultSelector() as selector:
        connections = [_connect(port) for _ in range(CONNECTIONS)]
        for known in connections:
            selector.register(known.socket, selectors.EVENT_READ, known)
        worked = time.thread_time()
        started = time.perf_counter()
        until = started + seconds
        for known in connections:
            known.socket.send(b"%s%08d%s" % (before, next(_numbers), behind))
        done, open_requests = 0, len(connections)
        while open_requests:
            ready = selector.select(_SILENCE_SECONDS)
            if not ready:
                raise RuntimeError("the server does not answer any more")
            for key, _ in ready:
                known = key.data
                if not _receive(known):
                    continue
                done += 1
                if time.perf_counter() < until:
                    known.socket.send(b"%s%08d%s" % (before, next(_numbers), behind))
                else:
                    open_requests -= 1
        took = time.perf_counter() - started
        worked = time.thread_time() - worked
        for known in connections:
            known.socket.close()
    return Result(done, took, worked / took)


def _connect(port: int) -> _Connection:
    connected = socket.create_connection(("127.0.0.1", port), timeout=_SILENCE_SECONDS)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _Connection(connected)


def _receive(known: _Connection) -> bool:
    """Whether the answer is complete now."""
    data = known.socket.recv(65_536)
    if not data:
        raise RuntimeError(f"the server hung up: {bytes(known.answer[:200])!r}")
    known.answer += data
    end = known.answer.find(b"\r\n\r\n")
    length = _LENGTH.search(known.answer, 0, end + 2) if end >= 0 else None
    if length is None or len(known.answer) < end + 4 + int(length[1]):
        return False
    if not known.answer.startswith(b"HTTP/1.1 200") or SUCCESS not in known.answer:
        raise RuntimeError(f"an upload failed: {bytes(known.answer[:500])!r}")
    known.answer.clear()
    return True
