"""A load of equal requests on some connections, by one thread and raw sockets.

About 15 µs a request of 1 KB, so that it leaves a core to the server; how busy it was is
reported. Every answer is read to its end and must be a good one.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from benchmarks.dialects import Request

CONNECTIONS: Final = 16
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_CLOSE: Final = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_SILENCE_SECONDS: Final = 60
_LOOKED_AT: Final = 1 << 16  # bytes of an answer that are kept to be judged
_AT_ONCE: Final = 1 << 16  # a longer body is sent apart from its head, and not copied
_numbers = count()


class RefusedError(Exception):
    """A server did not do what was asked of it; in words, with what it answered."""


@dataclass(slots=True)
class Result:
    """Requests and seconds of one run, and which part of the time the generator itself worked."""

    requests: int
    seconds: float
    busy: float
    waits: Sequence[float] = ()

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


@dataclass(slots=True)
class _Connection:
    """One that is asked; `total` are the bytes of the answer, None as long as nobody knows."""

    socket: socket.socket
    answer: bytearray = field(default_factory=bytearray)
    size: int = 0
    total: int | None = None
    chunked: bool = False


def run_load(port: int, request: Request, seconds: float, connections: int = CONNECTIONS) -> Result:
    """Send as fast as answers come; `RefusedError` for an answer that is not good."""
    with selectors.DefaultSelector() as selector:
        try:
            return _run(selector, port, request, (seconds, connections))
        except (ConnectionError, TimeoutError) as error:
            raise RefusedError(f"the connection broke: {error}") from error
        finally:
            for key in list(selector.get_map().values()):
                key.data.socket.close()


def _run(
    selector: selectors.BaseSelector, port: int, request: Request, how: tuple[float, int]
) -> Result:
    seconds, connections = how
    for _ in range(connections):
        _open(selector, port)
    worked = time.thread_time()
    started = time.perf_counter()
    until = started + seconds
    for key in list(selector.get_map().values()):
        _send(key.data, request)
    done, open_requests = 0, connections
    while open_requests:
        ready = selector.select(_SILENCE_SECONDS)
        if not ready:
            raise RefusedError(f"no answer in {_SILENCE_SECONDS} s")
        for key, _ in ready:
            known = key.data
            if not _receive(known, request):
                continue
            done += 1
            if time.perf_counter() >= until:
                open_requests -= 1
                selector.unregister(known.socket)
                known.socket.close()
            else:
                again = _again(selector, port, known)
                _send(again, request)
    took = time.perf_counter() - started
    return Result(done, took, (time.thread_time() - worked) / took)


def ask(port: int, request: Request) -> None:
    """Send one request over a connection of its own; `RefusedError`, `OSError`."""
    with socket.create_connection(("127.0.0.1", port), timeout=_SILENCE_SECONDS) as asking:
        known = _Connection(asking)
        _send(known, request)
        while not _receive(known, request):
            pass


def waits(port: int, request: Request, seconds: float) -> list[float]:
    """How long each of the requests on one connection waited for its answer, in seconds."""
    found = []
    until = time.perf_counter() + seconds
    with socket.create_connection(("127.0.0.1", port), timeout=_SILENCE_SECONDS) as asking:
        asking.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        known = _Connection(asking)
        while (started := time.perf_counter()) < until:
            _send(known, request)
            while not _receive(known, request):
                pass
            found.append(time.perf_counter() - started)
            known.answer, known.size, known.total = bytearray(), 0, None
    return found


def _open(selector: selectors.BaseSelector, port: int) -> _Connection:
    connected = socket.create_connection(("127.0.0.1", port), timeout=_SILENCE_SECONDS)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    known = _Connection(connected)
    selector.register(connected, selectors.EVENT_READ, known)
    return known


def _again(selector: selectors.BaseSelector, port: int, known: _Connection) -> _Connection:
    """The connection, or a new one where the server wants none to go on."""
    if _CLOSE.search(known.answer):
        selector.unregister(known.socket)
        known.socket.close()
        return _open(selector, port)
    known.answer.clear()
    known.size, known.total, known.chunked = 0, None, False
    return known


def _send(known: _Connection, request: Request) -> None:
    head = b"%s%08d" % (request.before, next(_numbers) % request.names)
    if len(request.behind) <= _AT_ONCE:
        known.socket.sendall(head + request.behind)
    else:
        known.socket.sendall(head)
        known.socket.sendall(request.behind)


def _receive(known: _Connection, request: Request) -> bool:
    """Whether the answer is complete now; `RefusedError` when it is not a good one."""
    data = known.socket.recv(1 << 18)
    if not data:
        raise RefusedError(f"it hung up {_shown(known)}")
    known.size += len(data)
    if len(known.answer) < _LOOKED_AT:
        known.answer += data
    if known.total is None and not known.chunked:
        _measure(known)
    if known.chunked:
        complete = data.endswith(b"0\r\n\r\n")
    else:
        complete = known.total is not None and known.size >= known.total
    if complete and (
        known.answer[9:12] not in request.good
        or request.told not in known.answer.replace(b": ", b":")
    ):
        raise RefusedError(f"it answered {_shown(known)}")
    return complete


def _measure(known: _Connection) -> None:
    """Find out where the answer ends, once its head is there."""
    end = known.answer.find(b"\r\n\r\n")
    if end < 0:
        return
    length = _LENGTH.search(known.answer, 0, end + 2)
    if length:
        known.total = end + 4 + int(length[1])
    elif known.answer[9:12] == b"204":
        known.total = end + 4
    elif _CHUNKED.search(known.answer, 0, end + 2):
        known.chunked = True
    else:
        raise RefusedError(f"nothing says where this ends: {_shown(known)}")


def _shown(known: _Connection) -> str:
    """The status and the beginning of the body, on one line."""
    head, _, body = bytes(known.answer[:4_000]).partition(b"\r\n\r\n")
    told = b" ".join(body.split())[:160].decode("latin-1")
    return f"{head[9:12].decode('latin-1') or 'nothing'} {told}".strip()
