"""A mock in a process of its own, whose memory can be read. Knows nothing of requests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

_PROGRAM: Final = """
import sys
from mockkie.build import build_mock
from mockkie.server import Server

server = Server(build_mock(data=sys.argv[1], keys=["key"]))
server.run(lambda: print(server.origin, flush=True))
"""


class Separate:
    """A running process; `origin` takes requests, the key is `key`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.origin = process.stdout.readline().strip()
        self._status = Path(f"/proc/{process.pid}/status")

    def peak(self) -> int:
        """The most bytes of memory that the process ever had; Linux only."""
        if not self._status.exists():
            (pytest.fail if os.environ.get("CI") else pytest.skip)("no /proc to read memory from")
        lines = self._status.read_text().splitlines()
        return next(int(line.split()[1]) * 1_024 for line in lines if line.startswith("VmHWM:"))


@contextmanager
def separate(folder: Path) -> Iterator[Separate]:
    """A mock with a disk store; it is asked to stop at the end."""
    command = [sys.executable, "-c", _PROGRAM, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield Separate(process)
        process.terminate()
        assert process.wait() == 0
