"""The pages that lead somebody step by step, as the first page lists them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent.parent
_PATTERNS: Final = ("tutorial.md", "how-to/*.md", "comparison.md")


def lines() -> Iterator[str]:
    """A link to each, by its title."""
    pages = [page for pattern in _PATTERNS for page in sorted(FOLDER.glob(pattern))]
    if pages:
        yield from ("Step by step:", "")
    for page in pages:
        title = page.read_text().partition("\n")[0].removeprefix("# ")
        yield f"- [{title}]({page.relative_to(FOLDER).as_posix()})"
