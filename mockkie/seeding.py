"""Files that a world has without a request. Knows no requests and no handles.

The rules are those of an upload: what that would refuse is refused here, before anything is kept.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from mockkie.clock import FIRST
from mockkie.keeping import largest, stored_file
from mockkie.naming import read_path
from mockkie.problems import Problem
from mockkie.service import Service
from mockkie.settings import Settings
from mockkie.store import Draft, Outdated, StoredFile
from mockkie.worlds import World

Content = bytes | bytearray | memoryview | os.PathLike[str]
"""A content to seed: bytes, or a `Path` to a file that has it."""
Sources = Mapping[str, Content] | os.PathLike[str]
"""Contents by path, or a folder whose files are seeded at their paths below it."""

Tell = Callable[[int, int, str], object]

_UPLOADS: Final = ("upload-file-stream", "upload-file-base64", "upload-file-url")
_PIECE: Final = 1024 * 1024
_SHOWN: Final = 10
_TOLD: Final = 50  # files between two words on how far it is


async def seed(  # noqa: PLR0913 - whose files, which, where, how old, and who waits for them
    service: Service,
    world: World,
    sources: Sources,
    *,
    under: str = "",
    age: int = 0,
    tell: Tell = lambda *_: None,
) -> list[StoredFile]:
    """Keep files as if they had been uploaded `age` milliseconds ago: all of them, or none.

    Their paths are those of `sources`, below `under`. A file that is there is overwritten, one
    that is older than files live is expired at once. `tell` hears now and then how many are read,
    of how many, and the path of one; in the end, however it comes, that all are. `ValueError` says
    which paths are refused, and why; `TypeError` for what is no content; `OSError` for a file that
    cannot be read.
    """
    contents = dict(_contents(sources))
    settings = service.settings_of(world)
    judge = _Judge(service, settings)
    places = _places(judge, settings, contents, under)
    uploaded_at = world.clock.now() - age
    if age < 0 or uploaded_at < FIRST:
        raise ValueError("age is how long ago the files were uploaded: 0 or more, since year 1")
    async with AsyncExitStack() as opened:
        uploads: list[tuple[Draft, StoredFile]] = []
        opened.callback(tell, len(places), len(places), "")
        for number, (path, (folder, name)) in enumerate(places.items()):
            if number % _TOLD == 0:
                tell(number, len(places), path)
            draft = await opened.enter_async_context(service.store.draft())
            await judge.write(draft, path, contents[path])
            try:
                file = stored_file(
                    draft, world, settings, folder=folder, name=name, uploaded_at=uploaded_at
                )
            except Problem as problem:
                raise ValueError(f"nothing was seeded. {path!r}: {problem.why}") from problem
            uploads.append((draft, file))
        await _keep_all(service, world, uploads)
    for _, file in uploads:
        world.graves.pop(file.path, None)
    return [file for _, file in uploads]


async def _keep_all(
    service: Service, world: World, uploads: Sequence[tuple[Draft, StoredFile]]
) -> None:
    quota = service.settings_of(world).limits.total
    if quota is not None:
        size = sum(file.size for _, file in uploads)
        await service.sweeper.make_room(world, quota, size)
        for draft, _ in uploads:
            draft.quota = quota
    while True:
        try:
            await service.store.keep_all(world.id, uploads)
        except Outdated:  # another process has changed the world in this very moment
            await service.ready()
            continue
        except Problem as problem:
            raise ValueError(f"nothing was seeded. {problem.why}") from problem
        return


def _contents(sources: Sources) -> Iterator[tuple[str, Content]]:
    """Every path as it is written, and its content, in the order of the paths of a folder."""
    if isinstance(sources, Mapping):
        for path, content in sources.items():
            if not isinstance(content, bytes | bytearray | memoryview | os.PathLike):
                kind = type(content).__name__
                raise TypeError(f"{path}: seed bytes or a Path to a file, not {kind}")
            yield path, content
        return
    folder = Path(sources)
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder; seed one, or contents by path")
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield file.relative_to(folder).as_posix(), file


def _places(
    judge: _Judge, settings: Settings, paths: Iterable[str], under: str
) -> dict[str, tuple[str, str]]:
    """`(uploadPath, fileName)` of every path; `ValueError` tells all that are refused."""
    places, wrong = dict[str, tuple[str, str]](), list[str]()
    for path in paths:
        folder, _, name = (f"{under}/{path}" if under else path).rpartition("/")
        try:
            folder = read_path(settings, folder)
        except Problem as problem:
            wrong.append(f"{path!r}: {problem.why}")
            continue
        places[path] = folder, name
        wrong += [f"{path!r}: {why}" for why in judge.reasons(folder, name)]
    often = Counter(places.values())
    twice = [path for path, place in places.items() if often[place] > 1]
    wrong += [f"{path!r}: another one is seeded to the same place" for path in twice]
    if wrong:
        more = [f"and {len(wrong) - _SHOWN:,} more"] if len(wrong) > _SHOWN else []
        raise ValueError("nothing was seeded. " + "\n".join([*wrong[:_SHOWN], *more]))
    return places


class _Judge:
    """What the contract says of the names and the size of an upload: by a form, if there is one."""

    def __init__(self, service: Service, settings: Settings) -> None:
        known = service.contract.operations
        found = next((known[name] for name in _UPLOADS if name in known), None)
        self._media = next(iter(found.media_types.values()), None) if found else None
        self._largest = largest(found, settings, self._media) if found else None

    def reasons(self, folder: str, name: str) -> Iterator[str]:
        """What is wrong with the names."""
        if not folder:
            yield "it has no folder, which an upload needs: put it below one"
        elif not _is_utf8(folder + name):
            yield "it is no text in UTF-8"
        elif self._media is not None and self._media.schema is not None:
            for error in self._media.schema.errors({"uploadPath": folder, "fileName": name}):
                if error.path[:1] in (("uploadPath",), ("fileName",)):
                    yield str(error)

    async def write(self, draft: Draft, path: str, content: Content) -> None:
        """Fill a draft; `ValueError` for a content of a size that is refused."""
        draft.limit = self._largest
        try:
            for piece in _pieces(content):
                await draft.write(piece)
        except Problem as problem:
            raise ValueError(f"nothing was seeded. {path!r}: {problem.why}") from problem
        streamed = None if self._media is None else self._media.streamed
        if streamed is not None and draft.size < streamed.shortest:
            raise ValueError(
                f"nothing was seeded. {path!r}: {streamed.name} has a length of {draft.size:,}, "
                f"the contract asks for {streamed.shortest:,}"
            )


def _pieces(content: Content) -> Iterator[bytes]:
    if not isinstance(content, os.PathLike):
        yield bytes(content)
        return
    with Path(content).open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
