"""Servers that are measured, each a process of its own: started, awaited, watched, ended."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.dialects import KIE, Dialect
from benchmarks.load import RefusedError, ask
from benchmarks.uploads import KEY, content

ROOT: Final = Path(__file__).resolve().parent.parent
PEERS: Final = Path(__file__).resolve().parent / ".peers"
PARSER: Final = PEERS / "python"
LINUX: Final = sys.platform == "linux"
_READY_SECONDS: Final = 60
_POLL_SECONDS: Final = 0.002
_NOTHING_KEPT: Final = "PYTHONDONTWRITEBYTECODE"


@dataclass(slots=True)
class Running:
    """A server that answers. `ready` is the time from its start to its first good answer."""

    process: subprocess.Popen[bytes]
    port: int
    ready: float
    dialect: Dialect = KIE

    @property
    def url(self) -> str:
        """Scheme and host."""
        return f"http://127.0.0.1:{self.port}"

    def peak(self) -> int:
        """The most memory that its processes ever had, in bytes (Linux)."""
        found = [Path(f"/proc/{pid}/status").read_text() for pid in self._family()]
        return sum(int(one.partition("VmHWM:")[2].split()[0]) * 1_024 for one in found)

    def cpu(self) -> float:
        """The CPU seconds that its processes used so far, in steps of 10 ms; 0 but on Linux."""
        if not LINUX:
            return 0.0
        ticks = 0
        for pid in self._family():
            user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
            ticks += int(user) + int(system)
        return ticks / os.sysconf("SC_CLK_TCK")

    def _family(self) -> list[int]:
        """The process and those that it started."""
        found = [self.process.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread ended
                    found += map(int, children.read_text().split())
        return found


def mockkie(data: str | Path, *more: str) -> list[str]:
    """The command line of mockkie over a store."""
    serve = [sys.executable, "-m", "mockkie", "serve", "--port", "{port}", "--quiet"]
    return [*serve, "--data", str(data), "--key", KEY, *more]


def peer(name: str) -> list[str]:
    """The command line of one of the apps of `serve_peer`."""
    return [sys.executable, "-m", "benchmarks.serve_peer", name, "{port}"]


@contextlib.contextmanager
def running(
    command: Sequence[str], dialect: Dialect = KIE, **environment: str
) -> Iterator[Running]:
    """Start a server on a free port, wait for its first good answer, end it.

    `{port}` in its words is the port. `RefusedError` when it does not answer well.
    """
    port = free_port()
    started = time.perf_counter()
    with subprocess.Popen(
        [part.replace("{port}", str(port)) for part in command],
        cwd=ROOT,
        env=with_peers(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            _await_success(process, port, dialect, started + _READY_SECONDS)
            yield Running(process, port, time.perf_counter() - started, dialect)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def with_peers(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that may import this checkout and what peers need.

    Python keeps what it has compiled there, as it does wherever nobody forbids it.
    """
    known = {name: value for name, value in os.environ.items() if name != _NOTHING_KEPT}
    return {**known, "PYTHONPATH": os.pathsep.join((str(ROOT), str(PARSER))), **more}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_success(
    process: subprocess.Popen[bytes], port: int, dialect: Dialect, until: float
) -> None:
    wanted = [*dialect.opening(port), dialect.upload(port, content(1_024))]
    while time.perf_counter() < until:
        if process.poll() is not None:
            raise RefusedError(f"it ended with {process.returncode}: {process.args!r}")
        try:
            ask(port, wanted[0])
        except ConnectionError:
            time.sleep(_POLL_SECONDS)
        else:
            for request in wanted[1:]:
                ask(port, request)
            return
    raise RefusedError(f"it was not ready in {_READY_SECONDS} s: {process.args!r}")
