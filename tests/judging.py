"""`mockkie check` as a process of its own, on whatever server."""

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
    """One run of the command, with its JSON report."""
    at = folder / "report.json"
    environment: Mapping[str, str] = {**os.environ, "NO_COLOR": "1", **variables}
    done = subprocess.run(
        [sys.executable, "-m", "mockkie", "check", *words, "--report", str(at)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=folder,
    )
    report = json.loads(at.read_bytes()) if at.exists() else {}
    return Run(done.returncode, done.stdout + done.stderr, report)
