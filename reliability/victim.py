"""`mockkie serve` as processes of its own, to be killed. Knows no attack."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
READY_SECONDS: Final = 60.0
_GONE_SECONDS: Final = 20.0


class Victim:
    """A mock over a data folder, with its workers if it has some. Made means started.

    `said` gets what it says on stderr, behind what was said before.
    """

    def __init__(
        self, data: Path, *words: str, said: Path, env: Mapping[str, str] | None = None
    ) -> None:
        command = [sys.executable, "-m", "mockkie", "serve", "--port", "0", "--json", "--quiet"]
        command += ["--data", str(data), *words]
        path = {"PYTHONPATH": str(ROOT)}
        with said.open("ab") as errors:
            self._process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **path, **(env or {})},
                start_new_session=True,
            )
        self.url = self.key = ""

    @property
    def pid(self) -> int:
        """Of the process that was started, and of its group."""
        return self._process.pid

    def is_ready(self, seconds: float = READY_SECONDS) -> bool:
        """Wait until it answers; False when it ended before."""
        end, line = time.monotonic() + seconds, b""
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        while not line.endswith(b"\n"):
            left = max(0.0, end - time.monotonic())
            if not select.select([self._process.stdout], [], [], left)[0]:
                raise TimeoutError(f"the mock was not ready within {seconds:.0f} s")
            piece = os.read(self._process.stdout.fileno(), 65_536)
            if not piece:
                return False
            line += piece
        told = json.loads(line.splitlines()[0])
        self.url, self.key = told["url"], told["key"]
        return True

    def workers(self) -> Sequence[int]:
        """The processes of its group beside the first one that are not dead yet."""
        return [pid for pid in group(self.pid) if pid != self.pid]

    def kill(self, pid: int | None = None) -> None:
        """Kill -9 one process, else all at once."""
        try:
            if pid is None:
                os.killpg(self.pid, signal.SIGKILL)
            else:
                os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it has been faster

    def terminate(self) -> None:
        """Ask it to end well."""
        self._process.terminate()

    def wait(self, seconds: float = _GONE_SECONDS) -> int:
        """Until all of its processes are gone; the exit code. `TimeoutError` when some stay."""
        end = time.monotonic() + seconds
        try:
            code = self._process.wait(seconds)
            while group(self.pid):
                if time.monotonic() > end:
                    raise TimeoutError(f"{len(group(self.pid))} processes of the mock stay")
                time.sleep(0.01)
        except subprocess.TimeoutExpired:
            raise TimeoutError("the mock does not end") from None
        finally:
            if self._process.stdout is not None and self._process.poll() is not None:
                self._process.stdout.close()
        return code


def group(leader: int) -> Sequence[int]:
    """The processes of a group that are not dead; POSIX systems with `/proc`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                told = (entry / "stat").read_text().rpartition(")")[2].split()
            except (OSError, ValueError):
                continue  # it has gone meanwhile
            if int(told[2]) == leader and told[0] not in "ZX":
                found.append(int(entry.name))
    return found
