"""`mockkie run` as people call it, in a process of its own. Knows no mock inside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

PATIENCE: Final = 60.0
_OURS: Final = ("MOCKKIE_", "KIE_", "NODE_OPTIONS", "JAVA_TOOL_OPTIONS")


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a run: the command's output, all of stderr, and the summary."""

    code: int
    output: bytes
    errors: str
    summary: Mapping[str, Any]

    @property
    def refused_hosts(self) -> dict[str, int]:
        hosts: dict[str, int] = self.summary["hosts"]["refused"]
        return hosts


class Running:
    """A run that goes on; its home takes temporary files, the summary is `summary.json`."""

    def __init__(self, home: Path, command: Sequence[str], options: Sequence[str] = ()) -> None:
        self._summary = home / "summary.json"
        temporary = home / "tmp"
        temporary.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "mockkie", "run", "--summary", str(self._summary)),
                *(*options, "--", *command),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=home,
            env={**clean_environment(), "TMPDIR": str(temporary)},
        )

    def line(self) -> str:
        """The next line that the command prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().rstrip("\n")

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def done(self, sent: bytes = b"") -> Done:
        output, errors = self.process.communicate(sent, PATIENCE)
        text = self._summary.read_text() if self._summary.exists() else ""
        summary = json.loads(text) if text else {}
        return Done(self.process.returncode, output, errors.decode(), summary)


def run(home: Path, *command: str, options: Sequence[str] = (), sent: bytes = b"") -> Done:
    """Run a command to its end."""
    return Running(home, command, options).done(sent)


def clean_environment() -> dict[str, str]:
    """This process's, without what speaks to mockkie or to its clients."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_OURS) and "proxy" not in name.lower()
    }
