"""Writes the parts of pages that are made from the code; says which pages changed."""

from __future__ import annotations

import sys

from docs.pages.made import FOLDER, made


def main() -> None:
    """Bring all pages up to date."""
    for page in sorted(FOLDER.rglob("*.md")):
        before = page.read_text()
        after = made(before)
        if after != before:
            page.write_text(after)
            sys.stdout.write(f"wrote {page.relative_to(FOLDER.parent)}\n")


main()
