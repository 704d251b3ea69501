"""The commands that judge, as processes of their own, on whatever server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Run:
    code: int
    output: str
    report: dict[str, Any]

    def verdicts(self, verdict: str, level: str = "") -> set[str]:
        """The clauses of a verdict, of a level if one is given."""
        return {
            clause["id"]
            for clause in self.report.get("clauses", ())
            if clause["verdict"] == verdict and level in ("", clause["level"])
        }


def check(folder: Path, *words: str, **variables: str) -> Run:
    """One run of `mockkie check`, with its JSON report."""
    return judge(folder, "check", *words, **variables)


def judge(folder: Path, command: str, *words: str, **variables: str) -> Run:
    """One run of a command that takes `--report`."""
    at = folder / "report.json"
    at.unlink(missing_ok=True)
    done = mockkie(folder, command, *words, "--report", str(at), **variables)
    report = json.loads(at.read_bytes()) if at.exists() else {}
    return Run(done.returncode, done.stdout + done.stderr, report)


def mockkie(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """One run of any command."""
    environment: Mapping[str, str] = {**os.environ, "NO_COLOR": "1", **variables}
    return subprocess.run(
        [sys.executable, "-m", "mockkie", *words],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=folder,
    )
