"""One request on its way through the mock: what is known of it so far. Knows no bodies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mockkie import links
from mockkie.clock import isoformat
from mockkie.journal import Entry
from mockkie.operation import Operation
from mockkie.service import Service
from mockkie.settings import Settings
from mockkie.store import Draft, Reading, StoredFile
from mockkie.wire import Request
from mockkie.worlds import World

if TYPE_CHECKING:
    from mockkie.breaking import Breaker


class Shelf(Protocol):
    """What operations ask of a store: see `mockkie.store`."""

    async def keep_together(self, world: str, draft: Draft, file: StoredFile) -> None:
        """Make the draft the file at its path."""

    async def find(self, world: str, path: str) -> StoredFile | None:
        """The file at a path."""

    async def open(
        self, world: str, file: StoredFile, start: int = 0, stop: int | None = None
    ) -> Reading | None:
        """Hold a version open."""


@dataclass(slots=True)
class Exchange:
    """The request, what it matched, and the journal entry that grows with it."""

    service: Service
    request: Request
    world: World
    entry: Entry
    matched: Operation | None = None
    values: tuple[str, ...] = ()
    breaker: Breaker | None = None
    shelf: Shelf | None = None
    guest: World | None = None
    """Whose key or link came with a request that is refused before it is anybody's: the answer is
    as that world has it."""

    @property
    def store(self) -> Shelf:
        """Where files are: the store, unless a fault stands in front of it."""
        return self.service.store if self.shelf is None else self.shelf

    @property
    def operation(self) -> Operation:
        """The operation that the request matched; `LookupError` before it did."""
        if self.matched is None:
            raise LookupError("the request has not been routed yet")
        return self.matched

    @property
    def settings(self) -> Settings:
        """The settings of the world."""
        return (self.guest or self.world).settings or self.service.settings

    @property
    def rules(self) -> Settings:
        """The settings of the world, or of the document beside that has the operation."""
        return self.service.settings_of(self.guest or self.world, self.matched)

    @property
    def downloads(self) -> bool:
        """Whether it is about a link."""
        return self.matched is not None and self.matched.is_download

    @property
    def allowed_origin(self) -> str | None:
        """`Access-Control-Allow-Origin` of the answer, if it has that."""
        rules = self.rules
        return rules.download_cors if self.downloads else rules.upload_cors

    @property
    def origin(self) -> str:
        """Scheme and host of the links that this request is answered with."""
        request, port = self.request, self.service.download_port
        return links.link_origin(self.settings, port, request.scope, request.headers)

    @property
    def origins(self) -> set[str]:
        """Where links of this mock lead, as far as it can be known."""
        own = links.request_origin(self.request.scope, self.request.headers)
        return {self.origin, own, *self.service.addresses}

    def describe(self, file: StoredFile) -> dict[str, object]:
        """The six facts about a file (documented), and what the profile adds (observed)."""
        settings, world = self.settings, self.world
        return {
            "fileName": file.name,
            "filePath": links.file_path(settings, world, file.path),
            "downloadUrl": self.origin + links.link_path(settings, world, file.path),
            "fileSize": file.size,
            "mimeType": file.mime,
            "uploadedAt": isoformat(file.uploaded_at),
            **settings.extra_data,
        }
