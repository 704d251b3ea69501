"""What is known of a kept file. Knows neither where its bytes are nor who asked for it."""

from __future__ import annotations

from typing import NamedTuple


class StoredFile(NamedTuple):
    """An immutable fact about a kept file.

    `path` is its identity in its world: `<uploadPath>/<fileName>`. `id` names this version:
    an overwrite makes a new one. `digest` is BLAKE3 in hex. Instants as in `mockkie.clock`.
    """

    id: str
    path: str
    name: str
    size: int
    mime: str
    digest: str
    uploaded_at: int
    expires_at: int

    def expired(self, now: int) -> bool:
        """Whether the file is gone for every reader: from `expires_at` on, inclusive."""
        return now >= self.expires_at
