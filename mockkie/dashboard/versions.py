"""Which uploads made the files of a world, from its journal. Knows no pages."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from mockkie.journal import Entry, Journal

_BLOCK = 2_000
_MOST = 100_000


class Versions:
    """The entries that kept a file, by its path: read once, and from then on what is new.

    What the journal has evicted or forgotten is forgotten here when it is asked for.
    """

    def __init__(self) -> None:
        self._by_path: OrderedDict[str, list[int]] = OrderedDict()
        self._seen = 0
        self._count = 0

    def read(self, journal: Journal) -> None:
        """Catch up with the journal."""
        if journal.last < self._seen:
            self._by_path.clear()
            self._seen = self._count = 0
        while entries := journal.entries(after=self._seen, limit=_BLOCK):
            for entry in entries:
                if entry.file is not None:
                    self._by_path.setdefault(entry.file.path, []).append(entry.seq)
                    self._count += 1
            self._seen = entries[-1].seq
        while self._count > _MOST:
            self._count -= len(self._by_path.popitem(last=False)[1])

    def count(self, path: str, first: int) -> int:
        """How many uploads to a path the journal has, which begins at `first`."""
        return sum(seq >= first for seq in self._by_path.get(path, ()))

    def of(self, journal: Journal, path: str) -> Sequence[Entry]:
        """The entries that kept a file at a path, the latest first."""
        entries = (entry_at(journal, seq) for seq in reversed(self._by_path.get(path, ())))
        return [entry for entry in entries if entry is not None]


def entry_at(journal: Journal, seq: int) -> Entry | None:
    """The entry of a number, as long as the journal has it."""
    found = next(iter(journal.entries(after=seq - 1, limit=1)), None)
    return found if found is not None and found.seq == seq else None


def first_of(journal: Journal) -> int:
    """The number of the oldest entry that a journal has; of an empty one, that of the next."""
    oldest = journal.entries(limit=1)
    return oldest[0].seq if oldest else journal.last + 1
