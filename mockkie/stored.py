"""What is known of a kept file. Knows neither where its bytes are nor who asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from mockkie.clock import isoformat, parse_instant


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

    def to_json(self) -> dict[str, Any]:
        """The fact for the control API, in its words; `version` is the `id`."""
        return {
            "version": self.id,
            "path": self.path,
            "fileName": self.name,
            "fileSize": self.size,
            "mimeType": self.mime,
            "digest": self.digest,
            "uploadedAt": isoformat(self.uploaded_at),
            "expiresAt": isoformat(self.expires_at),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The fact that `to_json` wrote."""
        return cls(
            value["version"],
            value["path"],
            value["fileName"],
            value["fileSize"],
            value["mimeType"],
            value["digest"],
            parse_instant(value["uploadedAt"]),
            parse_instant(value["expiresAt"]),
        )
