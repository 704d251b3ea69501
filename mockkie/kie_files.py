"""The live files of one world, for whoever holds its handle. Knows nothing of requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from mockkie import links
from mockkie.clock import parse_duration, to_datetime
from mockkie.content_hints import LARGEST
from mockkie.kie_clock import Run
from mockkie.seeding import Sources, seed
from mockkie.service import Service
from mockkie.store import StoredFile
from mockkie.worlds import World


@dataclass(frozen=True, slots=True)
class File:
    """A live file of a world. `size` in bytes, `digest` BLAKE3 in hex, times in UTC."""

    path: str
    name: str
    size: int
    mime: str
    digest: str
    uploaded_at: datetime
    expires_at: datetime
    download_url: str


class KieFiles(Mapping[str, File]):
    """The live files of the world by path, `<uploadPath>/<fileName>`."""

    def __init__(self, service: Service, world: World, run: Run, origin: Callable[[], str]) -> None:
        self._service = service
        self._world = world
        self._run = run
        self._origin = origin

    def __getitem__(self, path: str) -> File:
        return self.describe(self._find(path))

    def __iter__(self) -> Iterator[str]:
        return iter([file.path for file in self._all()])

    def __len__(self) -> int:
        return len(self._all())

    def read(self, path: str) -> bytes:
        """The bytes of a file; `KeyError` when there is none."""
        file = self._find(path)
        content: bytes = self._run(self._read(file))
        return content

    def seed(
        self, sources: Sources, *, under: str = "", age: timedelta | str = timedelta()
    ) -> dict[str, File]:
        """Have files without uploading them, all or none; returns them by path.

        `sources` are contents by path, bytes or a `Path` to a file, or a folder whose files are
        taken at their paths below it; `under` is put in front of every path. `age` is how long
        ago they were uploaded: a timedelta, or an ISO 8601 duration like `PT71H`. A path that an
        upload could not have is refused, all of them with their reasons: `ValueError`. The
        journal says nothing of seeds.
        """
        span = parse_duration(age) if isinstance(age, str) else age // timedelta(milliseconds=1)
        seeding = seed(self._service, self._world, sources, under=under, age=span)
        seeded: list[StoredFile] = self._run(seeding)
        return {file.path: self.describe(file) for file in seeded}

    def delete(self, path: str) -> None:
        """Take a file away; `KeyError` when there is none."""
        self._find(path)
        self._run(self._service.store.delete(self._world.id, path))

    def clear(self) -> None:
        """Take all files away."""
        self._run(self._service.store.clear(self._world.id))

    def _find(self, path: str) -> StoredFile:
        found = self._service.store.find(self._world.id, path)
        file: StoredFile | None = self._run(found)
        if file is None or file.expired(self._world.clock.now()):
            known = ", ".join(self) or "none"
            raise KeyError(f"{path!r} is not among the live files: {known}")
        return file

    def _all(self) -> list[StoredFile]:
        files: list[StoredFile] = []
        while True:
            after = files[-1].path if files else ""
            page = self._run(self._service.live_files(self._world, after=after))
            files += page
            if not page:
                return files

    async def _read(self, file: StoredFile) -> bytes:
        reading = await self._service.store.open(self._world.id, file)
        if reading is None:
            raise KeyError(file.path)
        async with reading:
            return b"".join([piece async for piece in reading.pieces(0, file.size)])

    def read_version(self, file: StoredFile) -> bytes | None:
        """The bytes of this very version of a file; None when they are gone, or over 32 MiB."""
        if file.size > LARGEST or file.expired(self._world.clock.now()):
            return None
        try:
            content: bytes = self._run(self._read(file))
        except KeyError:
            return None
        return content

    def describe(self, file: StoredFile) -> File:
        """A file, live or not, as users see it."""
        return File(
            path=file.path,
            name=file.name,
            size=file.size,
            mime=file.mime,
            digest=file.digest,
            uploaded_at=to_datetime(file.uploaded_at),
            expires_at=to_datetime(file.expires_at),
            download_url=self._origin()
            + links.link_path(self._service.settings_of(self._world), self._world, file.path),
        )
