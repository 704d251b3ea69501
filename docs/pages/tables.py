"""How rows become a table in Markdown, for GitHub and for the site alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table, without columns that would be empty."""
    known = list(rows)
    filled = [number for number, _ in enumerate(heads) if any(row[number] for row in known)]
    yield _row([heads[number] for number in filled])
    yield "|" + "---|" * len(filled)
    for row in known:
        yield _row([row[number] for number in filled])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", r"\|") for cell in cells) + " |"


def code(text: object) -> str:
    """As code; nothing at all for nothing."""
    return f"`{text}`" if text not in (None, "") else ""
