"""Asks a database of advisories about all that is installed, where one can be reached.

By pip-audit, which is put into a folder by pip. It says "no known vulnerabilities" and ends with 0
also when it could look up nothing at all: so what it skipped is counted. Knows no attack.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

NO_NETWORK: Final = "not audited: no network"
_PATIENCE: Final = 300.0


@dataclass(slots=True)
class Audit:
    """How many distributions were looked up, how many not, and `name 1.0: id, mended in 1.1`."""

    audited: int = 0
    skipped: int = 0
    vulnerable: list[str] = field(default_factory=list)


def audit(names: Sequence[str], folder: Path) -> Audit | None:
    """What is known of distributions as they are installed here; `name==1.0` each.

    None when the tool cannot be had or reaches nobody.
    """
    tool, asked = folder / "pip-audit", folder / "installed.txt"
    asked.write_text("".join(f"{name}\n" for name in names))
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--target", str(tool), "pip-audit")
    words = ("pip_audit", "--format", "json", "--no-deps", "--disable-pip", "--progress-spinner")
    ask = (sys.executable, "-m", *words, "off", "--requirement", str(asked))
    try:
        subprocess.run(pip, check=True, capture_output=True, timeout=_PATIENCE)
        done = subprocess.run(
            ask,
            check=False,
            capture_output=True,
            env={"PYTHONPATH": str(tool), "HOME": str(folder), "PATH": "/usr/bin:/bin"},
            timeout=_PATIENCE,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    return read(done.stdout)


def read(told: bytes) -> Audit | None:
    """What a report of pip-audit says; None for what is none, or one that looked up nothing."""
    try:
        known = json.loads(told)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return None
    found = Audit()
    for one in known:
        if "skip_reason" in one:
            found.skipped += 1
            continue
        found.audited += 1
        for hole in one["vulns"]:
            mended = ", ".join(hole["fix_versions"]) or "no release yet"
            found.vulnerable.append(
                f"{one['name']} {one['version']}: {hole['id']}, mended in {mended}"
            )
    return found if found.audited else None
