"""The servers that are measured, each a process of its own: mockkie, the sink, plain, Prism."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.uploads import KEY, SUCCESS, small_upload

ROOT = Path(__file__).resolve().parent.parent
PEERS = Path(__file__).resolve().parent / ".peers"
PRISM = PEERS / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
PARSER = PEERS / "python"
_READY_SECONDS = 60
_POLL_SECONDS = 0.002


@dataclass(slots=True)
class Running:
    """A server that answers. `ready` is the time from its start to its first good answer."""

    process: subprocess.Popen[bytes]
    port: int
    ready: float

    @property
    def url(self) -> str:
        """Scheme and host."""
        return f"http://127.0.0.1:{self.port}"

    def peak(self) -> int:
        """The most memory that the process ever had, in bytes (Linux)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1_024

    def cpu(self) -> float:
        """The CPU seconds that the process has used so far, all threads, in steps of 10 ms."""
        status = Path(f"/proc/{self.process.pid}/stat").read_text()
        user, system = status.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def mockkie(data: str | Path) -> list[str]:
    """The command line of mockkie over a store."""
    serve = [sys.executable, "-m", "mockkie", "serve", "--port", "{port}", "--quiet"]
    return [*serve, "--data", str(data), "--key", KEY]


def peer(name: str) -> list[str]:
    """The command line of the sink or of the plain app."""
    return [sys.executable, "-m", "benchmarks.serve_peer", name, "{port}"]


def prism() -> list[str]:
    """The command line of Prism over our document: it judges requests too, and logs nothing."""
    mock = ["node", str(PRISM), "mock", str(ROOT / "openapi.yaml"), "--port", "{port}"]
    return [*mock, "--errors", "--verboseLevel", "silent"]


@contextlib.contextmanager
def running(command: Sequence[str], **environment: str) -> Iterator[Running]:
    """Start a server on a free port, wait for its first good answer, end it."""
    port = _free_port()
    started = time.perf_counter()
    with subprocess.Popen(
        [part.replace("{port}", str(port)) for part in command],
        cwd=ROOT,
        env=_environment(environment),
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            _await_success(process, port, started + _READY_SECONDS)
            yield Running(process, port, time.perf_counter() - started)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def install_prism() -> str | None:
    """Make sure that Prism is there; why not, if it cannot be."""
    if not shutil.which("node"):
        return "node is not installed"
    if PRISM.exists():
        return None
    if not shutil.which("npm"):
        return "npm is not installed"
    PEERS.mkdir(exist_ok=True)
    print("installing @stoplight/prism-cli into benchmarks/.peers ...", file=sys.stderr)
    npm = ["npm", "install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]
    return _install([*npm, "--prefix", str(PEERS)], "npm")


def install_plain() -> str | None:
    """Make sure that the parser behind `request.form()` is there; why not, if it cannot be."""
    check = [sys.executable, "-c", "import python_multipart"]
    if subprocess.run(check, env=_environment({}), capture_output=True, check=False).returncode:
        print("installing python-multipart into benchmarks/.peers ...", file=sys.stderr)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(PARSER)]
        return _install(pip, "pip")
    return None


def _install(command: list[str], name: str) -> str | None:
    wanted = {"npm": "@stoplight/prism-cli@5", "pip": "python-multipart"}[name]
    done = subprocess.run([*command, wanted], capture_output=True, text=True, check=False)
    return f"{name} could not install {wanted}" if done.returncode else None


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(PARSER))), **more}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_success(process: subprocess.Popen[bytes], port: int, until: float) -> None:
    before, behind = small_upload(port)
    while time.perf_counter() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}: {process.args!r}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as asking:
                asking.sendall(before + b"00000000" + behind)
                answer = bytearray()
                while SUCCESS not in answer:
                    data = asking.recv(65_536)
                    answer += data
                    if not data or not answer.startswith(b"HTTP/1.1 200"):
                        raise RuntimeError(f"no success: {bytes(answer[:1_000])!r}")
                return
        except ConnectionError:
            time.sleep(_POLL_SECONDS)
    raise RuntimeError(f"not ready in {_READY_SECONDS} s: {process.args!r}")
