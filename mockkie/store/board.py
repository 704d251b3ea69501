"""The one small document that every mock over a bucket looks at. Knows no files' bytes.

S3 tells nobody of changes, and a look at the store for each request would cost as much as the
request. So every mock looks here before it acts, but not more often than every `FRESH` seconds,
and whoever changes something waits `FRESH` seconds before it says that it is done. What is
answered is therefore in force everywhere. Only durations are compared, never the clocks of two
machines.

**Announcements** are for the sweep. S3 has no "delete, if it is still that version" that is
everywhere, and a file may be overwritten between a look at it and its deletion. So a sweep tells
beforehand which paths it is about, and an upload looks at the board behind its PUT, before it is
acknowledged:

- Say that a sweep deletes an upload that it never meant: its last look at the path came before the
  upload's PUT took effect, its DELETE afterwards. The announcement was there `FRESH` before that
  look, and stays for `GRACE` behind the DELETE.
- The upload looks at the board behind its PUT, by a view that is at most `FRESH` old. If that view
  was taken before the announcement was withdrawn, it has it: it was made more than `FRESH`
  before the PUT. The upload then waits until the board says that all deletions of it are done,
  which is soon, and looks whether its file is there.
- Else the announcement was withdrawn before, so `GRACE` passed between the PUT and the look. The
  upload measures that from the begin of its PUT, and after `GRACE - FRESH` it looks at its file.

A sweep that is killed leaves its announcement behind. It deletes nothing from `HOLD` after it
began to announce, so whoever has seen the announcement for `VOID` need not mind it any more.
"""

from __future__ import annotations

import asyncio
import copy
import random
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from blake3 import blake3

from mockkie.clock import stopwatch
from mockkie.store.bucket import Bucket, Unchanged

FRESH: Final = 0.2  # seconds that a view of the board may be old
HOLD: Final = 5.0  # seconds within which a sweep deletes what it has announced
VOID: Final = 30.0  # the same, and as long as a DELETE may be on its way: 8 and 10 seconds
GRACE: Final = 2.0  # seconds for which an announcement stays behind the last DELETE
_KEY: Final = "board"
_MARGIN: Final = 0.05  # seconds that timers may come early, and more
_CHARACTERS: Final = 24  # of the digest of a path
_TRIES: Final = 100


@dataclass(frozen=True, slots=True)
class Announcement:
    """Paths that a sweep is about, and when it began to say so, by `stopwatch`."""

    id: str
    began: float
    paths: frozenset[str]

    def still(self) -> bool:
        """Whether something may be deleted by it now."""
        return stopwatch() - self.began < HOLD


@dataclass(slots=True)
class _View:
    """The document as it was read: `number` changes so far."""

    number: int = 0
    announced: dict[str, list[str]] = field(default_factory=dict)
    finished: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, data: bytes) -> _View:
        value = orjson.loads(data)
        return cls(value["number"], value["announced"], value["finished"])

    def write(self) -> bytes:
        """The document; no two are the same, so that no two ETags are."""
        return orjson.dumps(
            {
                "number": self.number,
                "announced": self.announced,
                "finished": self.finished,
                "nonce": secrets.token_hex(8),
            }
        )


class Board:
    """One process's view of the board. `fresh` and `grace` in seconds, the same for all mocks."""

    def __init__(self, bucket: Bucket, *, fresh: float = FRESH, grace: float = GRACE) -> None:
        self.fresh = fresh
        self.grace = grace
        self._bucket = bucket
        self._view = _View()
        self._etag: str | None = None
        self._seen = float("-inf")  # when the look began that the view is from
        self._first_seen: dict[str, float] = {}
        self._looking = asyncio.Lock()
        self._look: asyncio.Future[None] | None = None

    @property
    def number(self) -> int:
        """How many changes there had been at the last look."""
        return self._view.number

    async def look(self) -> None:
        """Have a view that is at most `fresh` old; `OSError` when there is none to be had."""
        if stopwatch() - self._seen < self.fresh:
            return
        if self._look is None or self._look.done():
            self._look = asyncio.ensure_future(self._look_once())
            self._look.add_done_callback(_retrieve)
        await asyncio.shield(self._look)  # one for all who wait, and its error is for all of them

    async def _look_once(self) -> None:
        async with self._looking:
            if stopwatch() - self._seen >= self.fresh:
                await self._read()

    async def post(self) -> int:
        """Tell that the documents of a world changed; returns the number of the change.

        When this returns, every mock that acts knows of it. `OSError`: perhaps none does.
        """

        def edit(view: _View) -> None:
            view.number += 1

        number = (await self._change(edit)).number
        await self._settle()
        return number

    async def announce(self, paths: Iterable[tuple[str, str]]) -> Announcement:
        """Tell what a sweep is about, pairs of world and path; when this returns, all know."""
        began = stopwatch()
        digests = frozenset(_digest(world, path) for world, path in paths)
        announcement = Announcement(secrets.token_hex(8), began, digests)

        def edit(view: _View) -> None:
            view.announced[announcement.id] = sorted(digests)
            for old in [known for known in view.announced if self._is_void(known)]:
                _take_back(view, old)

        await self._change(edit)
        await self._settle()
        return announcement

    async def finish(self, announcement: Announcement) -> None:
        """Tell that all deletions of an announcement are done."""

        def edit(view: _View) -> None:
            if announcement.id in view.announced:
                view.finished.append(announcement.id)

        await self._change(edit)

    async def withdraw(self, announcement: Announcement) -> None:
        """Take an announcement back, `grace` after the last deletion; when not, it gets void."""
        await asyncio.sleep(self.grace + _MARGIN)
        await self._change(lambda view: _take_back(view, announcement.id))

    def is_announced(self, world: str, path: str) -> bool:
        """Whether a sweep is about a path, or was until a moment ago, as of the last look."""
        return bool(self._about(world, path))

    async def until_finished(self, world: str, path: str) -> None:
        """Wait until no sweep deletes at a path any more: some seconds, `VOID` at the most."""
        while self._about(world, path) - set(self._view.finished):
            await asyncio.sleep(self.fresh)
            await self.look()

    def _about(self, world: str, path: str) -> set[str]:
        """The announcements that a path is in."""
        announced = self._view.announced
        if not announced:
            return set()
        digest = _digest(world, path)
        return {known for known in announced if digest in announced[known]} - self._void()

    def _void(self) -> set[str]:
        return {known for known in self._view.announced if self._is_void(known)}

    def _is_void(self, announcement: str) -> bool:
        first = self._first_seen.get(announcement)
        return first is not None and stopwatch() - first > VOID

    async def _settle(self) -> None:
        await asyncio.sleep(self.fresh + _MARGIN)

    async def _read(self) -> None:
        began = stopwatch()
        try:
            got = await self._bucket.get(_KEY, unless=self._etag)
        except Unchanged:
            self._seen = began
            return
        if got is not None:
            self._take(_View.of(await got.read()), got.etag)
            self._seen = began
            return
        # The first mock of all, or somebody has emptied the bucket: then nothing is as it was.
        self._etag = None
        view = _View(self._view.number + 1)
        etag = await self._bucket.create(_KEY, view.write())
        if etag is None:
            await self._read()
        else:
            self._take(view, etag)
            self._seen = began

    async def _change(self, edit: Callable[[_View], Any]) -> _View:
        """Carry a change out on the latest document; tried again when another came in between."""
        for attempt in range(_TRIES):
            async with self._looking:
                if attempt or self._etag is None:
                    await self._read()
                began = stopwatch()
                view = copy.deepcopy(self._view)
                edit(view)
                etag = await self._bucket.replace(_KEY, view.write(), self._etag or "")
                if etag is not None:
                    self._take(view, etag)
                    self._seen = began
                    return view
            await asyncio.sleep(random.uniform(0, 0.01 * (attempt + 1)))  # noqa: S311 - no secret
        raise OSError(f"{self._bucket.where} is changed by too many at a time: try again")

    def _take(self, view: _View, etag: str) -> None:
        now = stopwatch()
        self._view, self._etag = view, etag
        self._first_seen = {known: self._first_seen.get(known, now) for known in view.announced}


def _take_back(view: _View, announcement: str) -> None:
    view.announced.pop(announcement, None)
    view.finished = [known for known in view.finished if known != announcement]


def _retrieve(look: asyncio.Future[None]) -> None:
    """Nobody may be waiting any more."""
    if not look.cancelled():
        look.exception()


def _digest(world: str, path: str) -> str:
    return blake3(f"{world}\0{path}".encode()).hexdigest()[:_CHARACTERS]
