"""What an install brings: distributions and megabytes, with and without extras, as Markdown.

`python benchmarks/install_size.py [EXTRA ...]` installs this checkout into folders of
their own. A distribution counts with all files that it records, without bytecode; pip does not
count. MB are 1,000,000 bytes.
"""

from __future__ import annotations

import datetime as dt
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
_SHOWN: Final = 8
_SIZES: Final = """
import json, sys
from importlib.metadata import distributions
sizes = {}
for found in distributions(path=[sys.argv[1]]):
    files = [found.locate_file(file) for file in found.files or () if file.suffix != ".pyc"]
    sizes[found.name] = sum(file.stat().st_size for file in files if file.is_file())
print(json.dumps(sizes))
"""


def sizes_of(wanted: str) -> Mapping[str, int]:
    """Bytes by distribution, of what pip installs for this."""
    with tempfile.TemporaryDirectory() as folder:
        quiet = (sys.executable, "-m", "pip", "install", "-qq", "--no-compile")
        subprocess.run([*quiet, "--target", folder, wanted], check=True)
        words = (sys.executable, "-c", _SIZES, folder)
        sizes: dict[str, int] = json.loads(subprocess.check_output(words))
    return dict(sorted(sizes.items(), key=lambda one: -one[1]))


def row(name: str, sizes: Mapping[str, int]) -> str:
    """One line of the table: how many, how much, and what weighs most."""
    largest = ", ".join(f"{one} {size / 1e6:.1f}" for one, size in list(sizes.items())[:_SHOWN])
    total = sum(sizes.values()) / 1e6
    return f"| `{name}` | {len(sizes)} | {total:.1f} | {largest} |"


def main() -> None:
    """Measure the core, then each extra that the command line names."""
    now = dt.datetime.now(dt.UTC)
    print(f"{now:%Y-%m-%d}, Python {platform.python_version()}, {platform.machine()}\n")
    print("| install | distributions | MB | the largest |\n|---|---|---|---|")
    print(row("mockkie", sizes_of(str(ROOT))))
    for extra in sys.argv[1:]:
        print(row(f"mockkie[{extra}]", sizes_of(f"{ROOT}[{extra}]")))


if __name__ == "__main__":
    main()
