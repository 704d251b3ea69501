"""What a user does with mockkie in a day, with nothing but the loopback. Knows no attack.

As a program (`python -m reliability.offline`): every module is imported, a mock serves the three
uploads, the pages and the control API, and the judge and other commands ask it.
"""

from __future__ import annotations

import base64
import pkgutil
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import mockkie

_CONTENT: Final = b"hello"
_PAGES: Final = ("files", "journal", "clock", "faults", "contract", "claims")
_CLAUSES: Final = ("--quick", "--only", "auth", "--only", "content", "--max-requests", "60")


def main() -> None:
    """Do all of it; whatever fails is an exception. Prints how many modules there are."""
    names = [one.name for one in pkgutil.walk_packages(mockkie.__path__, "mockkie.")]
    modules = [name for name in names if not name.endswith("__main__")]
    for name in modules:
        import_module(name)
    with tempfile.TemporaryDirectory() as folder, mockkie.serve(data=Path(folder) / "data") as kie:
        _use(kie)
        for words in (
            ("--help",),
            ("check", kie.base_url, "--key", kie.key, *_CLAUSES),
            ("replay", "sample", "--quiet"),
            ("run", "--", sys.executable, "-c", ""),
            ("claims",),
        ):
            _command(*words)
    sys.stdout.write(f"{len(modules)}\n")


def _use(kie: mockkie.Kie) -> None:
    """Uploads in all three ways, their downloads, the pages, and a move of the clock."""
    place = {"uploadPath": "docs", "fileName": "a.txt"}
    coded = base64.b64encode(_CONTENT).decode()
    ways: dict[str, Any] = {
        "stream": {"data": place, "files": {"file": ("a.txt", _CONTENT)}},
        "base64": {"json": {**place, "base64Data": coded}},
        "url": {"json": {**place, "fileUrl": "https://example.com/cat.png"}},
    }
    for way, body in ways.items():
        answer = kie.client.post(f"/api/file-{way}-upload", **body).raise_for_status()
        kie.client.get(answer.json()["data"]["downloadUrl"]).raise_for_status()
    for page in _PAGES:
        kie.client.get(f"/__mockkie/ui/default/{page}").raise_for_status()
    kie.clock.advance(days=3)


def _command(*words: str) -> None:
    subprocess.run((sys.executable, "-m", "mockkie", *words), check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
