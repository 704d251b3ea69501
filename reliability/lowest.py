"""The lowest versions that `pyproject.toml` allows: whether they are there, and whether they work.

They are installed into an environment of their own, what they need in turn as it comes, and tests
of every part are run there. uv does it, for pip tries for hours which of the newest versions of all
else go with them. Knows no attack.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

ROOT: Final = Path(__file__).parent.parent
TESTS: Final = (
    *("uploads", "downloads", "gate", "auth", "form", "jsonbody", "document", "overlay", "links"),
    *("fetching", "disk_store", "s3_store", "tracing", "metrics", "plugin", "check", "tls"),
    *("wire", "control", "report_formats", "own_clauses"),
)
"""What is run with them, `tests/test_*.py`: something of every library that is imported."""
_BESIDE: Final = (
    *("aiohttp", "flask", "httpx", "jsonschema", "moto[server]>=5", "openapi-spec-validator"),
    "pytest-xdist",
)
"""What the tests need, in whichever version."""
_PATIENCE: Final = 3_600.0
_COUNTED: Final = re.compile(r"(\d+) (passed|failed|error)")


@dataclass(frozen=True, slots=True)
class Tried:
    """How many tests passed, and the end of what was said when one did not."""

    passed: int
    wrong: str = ""


def lowest(asked: Mapping[str, Sequence[Requirement]]) -> list[str]:
    """`name==1.0` for everything that is asked for on this machine."""
    found = {}
    for one in (one for group in asked.values() for one in group):
        if one.marker is None or one.marker.evaluate({"extra": ""}):
            (bound,) = (bound for bound in one.specifier if bound.operator in (">=", "=="))
            found[one.name] = f"{one.name}=={bound.version}"
    return sorted(found.values())


def install(pins: Sequence[str], wheel: Path, folder: Path) -> Path:
    """The Python of an environment with these versions; `CalledProcessError` says why not."""
    home = folder / "lowest"
    _run(sys.executable, "-m", "venv", str(home))
    python = home / "bin" / "python"
    _run(str(python), "-m", "pip", "install", "--quiet", "uv")
    uv = (str(home / "bin" / "uv"), "pip", "install", "--quiet", "--python", str(python))
    _run(*uv, *pins, *_BESIDE, str(wheel))
    return python


def try_out(python: Path, folder: Path) -> Tried:
    """Run the tests in an environment."""
    files = [f"tests/test_{name}.py" for name in TESTS]
    words = (str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp")
    done = subprocess.run(
        [*words, str(folder / "tried"), *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    counts = {kind: int(number) for number, kind in _COUNTED.findall(done.stdout)}
    wrong = "" if done.returncode == 0 else "\n".join(done.stdout.splitlines()[-20:])
    return Tried(counts.get("passed", 0), wrong)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True, timeout=_PATIENCE)
