"""Every store behaves like every other: one state machine drives them all against a dictionary."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Coroutine
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path
from typing import Any, TypeVar

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mockkie.clock import Clock
from mockkie.problems import Problem
from mockkie.store import HEAD, PIECE, Draft, FilesSnapshot, Reading, Store, StoredFile
from mockkie.store.disk import DiskStore
from mockkie.store.diskbytes import BATCH, SMALL
from mockkie.store.memory import MemoryStore
from mockkie.worlds import World

T = TypeVar("T")
WORLDS = ("default", "other")
# Pairs that a careless order or comparison confuses: composed and decomposed, upper and lower
# case, UTF-16 units against code points, what LIKE and paths treat as special.
PATHS = (
    *("images/caf\u00e9.png", "images/cafe\u0301.png", "a/B", "a/b", "a", "a/", "a/../b", "%_'\""),
    *("\uffff", "\U0001f600", "\U0001f600/x y", " "),
)
SIZES = (
    0,
    1,
    HEAD,
    SMALL,
    SMALL + 1,
    BATCH - 1,
    BATCH,
    BATCH + 1,
    PIECE - 1,
    PIECE,
    PIECE + 1,
    4 * PIECE + 1,
)
CHUNKS = (1, 1_000, BATCH - 1, BATCH, BATCH + 1, 4 * PIECE + 1)

worlds = st.sampled_from(WORLDS)
known_paths = st.sampled_from(PATHS)  # mostly, so that steps are about the same files
paths = st.one_of(*[known_paths] * 5, st.text(min_size=1, max_size=4))
chunkings = st.lists(st.sampled_from(CHUNKS[1:]), min_size=1, max_size=3)
instants = st.integers(0, 20)
contents = st.builds(
    # 251 is a prime: a piece from the wrong place never looks right.
    lambda size, seed: (bytes((seed + i) % 251 for i in range(251)) * (size // 251 + 1))[:size],
    st.one_of(*[st.sampled_from(SIZES)] * 3, st.integers(0, 3_000)),
    st.integers(0, 250),
)


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends, as some callers rely on."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("a method of a store suspended")


async def gather(pieces: AsyncIterator[bytes]) -> bytes:
    found = [piece async for piece in pieces]
    assert all(0 < len(piece) <= PIECE for piece in found)
    return b"".join(found)


@dataclass
class Upload:
    drafts: list[Draft]
    content: bytes
    done: int = 0


@dataclass
class Held:
    readings: list[Reading]
    content: bytes


@dataclass
class Past:
    """A world's files at some moment, and what each store has of it."""

    world: str
    snapshots: list[FilesSnapshot]
    files: dict[str, tuple[StoredFile, bytes]]


class Stores(RuleBasedStateMachine):
    """The model: `files[world][path] = (file, content)`, and the worlds that are remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = MemoryStore()
        self.files: dict[str, dict[str, tuple[StoredFile, bytes]]] = {w: {} for w in WORLDS}
        self.known: dict[str, tuple[str, tuple[str, ...], tuple[int, int | None]]] = {}
        self.past: list[tuple[str, StoredFile]] = []
        self.uploads: list[Upload] = []
        self.held: list[Held] = []
        self.ids = count(1)

    @property
    def other(self) -> Store:
        """The store that is beside the one in memory."""
        raise NotImplementedError

    @property
    def stores(self) -> tuple[Store, Store]:
        return self.memory, self.other

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Carry out what a store is asked; one that waits for something needs a loop."""
        return drive(coroutine)

    def teardown(self) -> None:
        self.run(self.other.close())

    # Uploads

    @rule(content=contents)
    def begin(self, content: bytes) -> None:
        self.uploads.append(Upload([store.draft() for store in self.stores], content))

    @precondition(lambda self: self.uploads)
    @rule(data=st.data(), chunk=st.sampled_from(CHUNKS), times=st.integers(0, 40))
    def write(self, data: st.DataObject, chunk: int, times: int) -> None:
        upload = data.draw(st.sampled_from(self.uploads))
        for _ in range(times):
            piece = upload.content[upload.done : upload.done + chunk]
            for draft in upload.drafts:
                self.run(draft.write(piece))
            upload.done += len(piece)
        for draft in upload.drafts:
            assert draft.size == upload.done
            assert draft.head == upload.content[: min(HEAD, upload.done)]

    @precondition(lambda self: self.uploads)
    @rule(data=st.data(), world=worlds, path=paths, expires_at=instants)
    def keep(self, data: st.DataObject, world: str, path: str, expires_at: int) -> None:
        self.finish(data.draw(st.sampled_from(self.uploads)), world, path, expires_at)

    @rule(content=contents, chunks=chunkings, world=worlds, path=paths, expires_at=instants)
    def upload_at_once(
        self, content: bytes, chunks: list[int], world: str, path: str, expires_at: int
    ) -> None:
        self.upload(content, chunks, world, path, expires_at)

    def upload(
        self, content: bytes, chunks: list[int], world: str, path: str, expires_at: int
    ) -> None:
        self.begin(content)
        upload = self.uploads[-1]
        sizes = cycle(chunks)
        while upload.done < len(content):
            piece = content[upload.done : upload.done + next(sizes)]
            for draft in upload.drafts:
                self.run(draft.write(piece))
            upload.done += len(piece)
        self.finish(upload, world, path, expires_at)

    @rule(world=worlds, ends=st.dictionaries(paths, instants, min_size=3, max_size=8))
    def plant(self, world: str, ends: dict[str, int]) -> None:
        """Several small files, or a list, a sweep or a clear has little to go wrong with."""
        for path, expires_at in ends.items():
            self.upload(path.encode(), [1_000], world, path, expires_at)

    @rule(
        world=worlds,
        contents=st.dictionaries(paths, contents, min_size=1, max_size=4),
        whole=st.booleans(),
    )
    def keep_all(self, *, world: str, contents: dict[str, bytes], whole: bool) -> None:
        """Several at once; not `whole`: one of them is over already, and none is kept."""
        files: list[StoredFile] = []
        for store in self.stores:
            drafts = [store.draft() for _ in contents]
            for draft, content in zip(drafts, contents.values(), strict=True):
                self.run(draft.write(content))
            files = files or [
                self.describe(*known, 20) for known in zip(contents, drafts, strict=True)
            ]
            with nullcontext() if whole else pytest.raises(ValueError, match="over"):
                if not whole:
                    self.run(drafts[-1].discard())
                self.run(store.keep_all(world, list(zip(drafts, files, strict=True))))
            for draft in drafts:
                self.run(draft.discard())
        if whole:
            for file, content in zip(files, contents.values(), strict=True):
                self.files[world][file.path] = file, content
                self.past.append((world, file))

    def finish(self, upload: Upload, world: str, path: str, expires_at: int) -> None:
        self.uploads.remove(upload)
        content = upload.content[: upload.done]
        memory, other = upload.drafts
        assert memory.digest == other.digest
        file = self.describe(path, other, expires_at)
        for store, draft in zip(self.stores, upload.drafts, strict=True):
            self.run(store.keep_together(world, draft, file))  # nobody to wait for
            self.run(draft.discard())  # what the context manager does: a kept draft stays kept
        self.files[world][path] = file, content
        self.past.append((world, file))

    @rule(
        world=worlds,
        contents=st.dictionaries(paths, contents, min_size=1, max_size=3),
        spare=st.integers(-2, 2),
        several=st.booleans(),
    )
    def keep_within(
        self, *, world: str, contents: dict[str, bytes], spare: int, several: bool
    ) -> None:
        """All or nothing, and to the byte: what is replaced makes room, expired or not."""
        if not several:
            contents = dict([contents.popitem()])
        for store in self.stores:
            self.run(store.count_often())
        others = [f.size for path, (f, _) in self.files[world].items() if path not in contents]
        quota = sum(others) + sum(map(len, contents.values())) + spare
        files: list[StoredFile] = []
        for store in self.stores:
            drafts = [store.draft() for _ in contents]
            for draft, content in zip(drafts, contents.values(), strict=True):
                self.run(draft.write(content))
                draft.quota = quota
            files = files or [
                self.describe(*known, 20) for known in zip(contents, drafts, strict=True)
            ]
            uploads = list(zip(drafts, files, strict=True))
            with pytest.raises(Problem, match="over") if spare < 0 else nullcontext():
                if several:
                    self.run(store.keep_all(world, uploads))
                else:
                    self.run(store.keep(world, *uploads[0]))
            for draft in drafts:
                self.run(draft.discard())
        if spare >= 0:
            for file, content in zip(files, contents.values(), strict=True):
                self.files[world][file.path] = file, content
                self.past.append((world, file))

    def describe(self, path: str, draft: Draft, expires_at: int) -> StoredFile:
        return StoredFile(
            id=f"id-{next(self.ids)}",
            path=path,
            name=path[-3:],
            size=draft.size,
            mime="text/plain",
            digest=draft.digest,
            uploaded_at=1,
            expires_at=expires_at,
        )

    @precondition(lambda self: self.uploads)
    @rule(data=st.data())
    def abandon(self, data: st.DataObject) -> None:
        upload = data.draw(st.sampled_from(self.uploads))
        self.uploads.remove(upload)
        for draft in upload.drafts:
            self.run(draft.discard())
            self.run(draft.discard())

    # Downloads

    @precondition(lambda self: self.past)
    @rule(data=st.data())
    def hold(self, data: st.DataObject) -> None:
        """Some version of the past: only the latest at its path is there."""
        world, file = data.draw(st.sampled_from(self.past))
        now = self.files[world].get(file.path)
        readings = [self.run(store.open(world, file)) for store in self.stores]
        if now is None or now[0] != file:
            assert readings == [None, None]
        else:
            self.held.append(Held([r for r in readings if r is not None], now[1]))
            assert len(self.held[-1].readings) == 2

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        held = data.draw(st.sampled_from(self.held))
        edges = st.sampled_from([0, 1, BATCH, PIECE - 1, PIECE, PIECE + 1, len(held.content)])
        start, stop = data.draw(edges), data.draw(edges)
        for reading in held.readings:
            assert self.run(gather(reading.pieces(start, stop))) == held.content[start:stop]

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def let_go(self, data: st.DataObject) -> None:
        held = data.draw(st.sampled_from(self.held))
        self.held.remove(held)
        for reading in held.readings:
            self.run(reading.close())
            self.run(reading.close())

    # Files

    @rule(world=worlds, path=paths)
    def find(self, world: str, path: str) -> None:
        expected = self.files[world].get(path, (None,))[0]
        assert [self.run(store.find(world, path)) for store in self.stores] == [expected] * 2

    @rule(data=st.data(), world=worlds, after=paths | st.just(""), limit=st.integers(0, 5))
    def page(self, data: st.DataObject, world: str, after: str, limit: int) -> None:
        if self.files[world]:
            after = data.draw(st.sampled_from(sorted(self.files[world])) | st.just(after))
        expected = [self.files[world][p][0] for p in sorted(self.files[world]) if p > after][:limit]
        for store in self.stores:
            assert self.run(store.list(world, after=after, limit=limit)) == expected

    @rule(world=worlds, path=paths)
    def delete(self, world: str, path: str) -> None:
        expected = self.files[world].pop(path, (None,))[0]
        assert [self.run(store.delete(world, path)) for store in self.stores] == [expected] * 2

    @rule(world=worlds)
    def clear(self, world: str) -> None:
        expected = len(self.files[world])
        assert [self.run(store.clear(world)) for store in self.stores] == [expected] * 2
        self.files[world] = {}

    @rule(world=worlds, now=instants, limit=st.integers(0, 4) | st.just(1_000))
    def sweep(self, world: str, now: int, limit: int) -> None:
        expired = [file for file, _ in self.files[world].values() if file.expired(now)]
        expected = sorted(expired, key=lambda file: (file.expires_at, file.path))[:limit]
        for store in self.stores:
            assert self.run(store.sweep(world, now, limit)) == expected
        for file in expected:
            del self.files[world][file.path]

    @rule(world=worlds, now=instants)
    def bury(self, world: str, now: int) -> None:
        """Whatever is kept behind that is not meant: the rules do not know the order of time."""
        for store in self.stores:
            self.run(store.bury(world, now))
        kept = {path: held for path, held in self.files[world].items() if not held[0].expired(now)}
        self.files[world] = kept

    # Worlds

    @rule(
        world=worlds,
        account=st.sampled_from(["1", "2"]),
        keys=st.lists(st.text(max_size=3), max_size=2),
        offset=st.integers(-(10**12), 10**12),
        frozen_at=st.none() | st.integers(0, 10**13),
    )
    def remember(
        self, world: str, account: str, keys: list[str], offset: int, frozen_at: int | None
    ) -> None:
        for store in self.stores:
            self.run(store.remember(World(world, account, tuple(keys), Clock(offset, frozen_at))))
        self.known[world] = account, tuple(keys), (offset, frozen_at)

    @rule(world=worlds)
    def forget(self, world: str) -> None:
        for store in self.stores:
            self.run(store.forget(world))
        self.known.pop(world, None)
        self.files[world] = {}

    @invariant()
    def agree(self) -> None:
        for world in WORLDS:
            files = self.files[world]
            expected = [files[path][0] for path in sorted(files)]
            size = sum(file.size for file in expected)
            for store in self.stores:
                assert self.run(store.list(world)) == expected
                if expected:
                    second = self.run(store.list(world, after=expected[0].path, limit=1))
                    assert second == expected[1:2]
                assert self.run(store.count(world)) == (len(expected), size)
        known = [(name, *facts) for name, facts in self.known.items()]
        for store in self.stores:
            found = self.run(store.worlds())
            assert [(w.id, w.account, w.keys, w.clock.state()) for w in found] == known

    @rule()
    def everything_reads_back(self) -> None:
        for world, files in self.files.items():
            for file, content in files.values():
                for store in self.stores:
                    reading = self.run(store.open(world, file))
                    assert reading is not None
                    assert self.run(gather(reading.pieces(0, file.size))) == content
                    self.run(reading.close())


class DiskStores(Stores):
    """A store in a folder, which is closed and opened again; and snapshots, which it has too."""

    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.TemporaryDirectory()
        self.folder = Path(self.place.name) / "data"
        self.small = 0
        self.moments: list[Past] = []

    @initialize(small=st.sampled_from([-1, 30, SMALL]))
    def open_disk(self, small: int) -> None:
        self.small = small
        self.disk = DiskStore.open_folder(self.folder, small=small)

    @property
    def other(self) -> Store:
        return self.disk

    def teardown(self) -> None:
        super().teardown()
        self.place.cleanup()

    # Snapshots

    @rule(world=worlds)
    def snapshot(self, world: str) -> None:
        taken = [self.run(store.snapshot(world)) for store in self.stores]
        self.moments.append(Past(world, taken, dict(self.files[world])))

    @precondition(lambda self: self.moments)
    @rule(which=st.integers(0, 7))  # not one of them: what is drawn is held on to
    def restore(self, which: int) -> None:
        self.put_back(self.moments[which % len(self.moments)])

    @rule(world=worlds, ends=st.dictionaries(paths, instants, min_size=1, max_size=3))
    def there_and_back(self, world: str, ends: dict[str, int]) -> None:
        """What comes before the next snapshot by chance seldom changes that world."""
        self.snapshot(world)
        self.plant(world, ends)
        self.delete(world, min(self.files[world]))
        self.put_back(self.moments[-1])

    def put_back(self, past: Past) -> None:
        for store, snapshot in zip(self.stores, past.snapshots, strict=True):
            self.run(store.restore(snapshot))
        self.files[past.world] = dict(past.files)
        self.everything_reads_back()

    @precondition(lambda self: self.moments)
    @rule(which=st.integers(0, 7))
    def let_go_of_a_snapshot(self, which: int) -> None:
        del self.moments[which % len(self.moments)]
        self.tidy()

    def tidy(self) -> None:
        """What nobody holds any more is freed when the store is next at it."""
        for world in WORLDS:
            self.run(self.disk.sweep(world, -1))

    @rule()
    def restart(self) -> None:
        """Drafts and readings are lost, files and worlds are not."""
        self.run(self.disk.close())
        assert not [*self.folder.glob("incoming/*")]
        self.disk = DiskStore.open_folder(self.folder, small=self.small)
        self.uploads, self.held, self.moments = [], [], []
        self.everything_reads_back()

    @invariant()
    def no_orphans(self) -> None:
        wanted = [*self.files.values(), *[past.files for past in self.moments]]
        sizes = {file.id: file.size for files in wanted for file, _ in files.values()}
        kept = sorted(sizes.values())
        bytes_kept = [each.stat().st_size for each in self.folder.glob("files/*/*")]
        assert sorted(bytes_kept) == [size for size in kept if size > self.small]
        in_flight = sorted(each.stat().st_size for each in self.folder.glob("incoming/*"))
        assert len(in_flight) <= len(self.uploads)


@pytest.mark.parametrize(
    "chunks", [[1_000], [BATCH - 1], [1_000, BATCH + 1], [4 * PIECE + 1]], ids=str
)
@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_bytes_come_back_whatever_the_chunks(tmp_path: Path, kind: str, chunks: list[int]) -> None:
    store = MemoryStore() if kind == "memory" else DiskStore.open_folder(tmp_path)
    for size in SIZES:
        content = (bytes(range(251)) * (size // 251 + 1))[:size]
        draft = store.draft()
        sizes, done = cycle(chunks), 0
        while done < size:
            piece = content[done : done + next(sizes)]
            drive(draft.write(piece))
            done += len(piece)
        file = StoredFile(f"{size}", f"{size}", "", size, "", draft.digest, 1, 2)
        drive(store.keep("default", draft, file))
        reading = drive(store.open("default", file))
        assert reading is not None
        for start, stop in ((0, size), (BATCH - 1, PIECE + 1), (PIECE, PIECE + 1), (1, 10**9)):
            assert drive(gather(reading.pieces(start, stop))) == content[start:stop]
        drive(reading.close())
    drive(store.close())


def test_a_snapshot_of_another_store_is_refused(tmp_path: Path) -> None:
    memory, other = MemoryStore(), DiskStore.open_folder(tmp_path / "other")
    disk = DiskStore.open_folder(tmp_path / "data")
    for store, foreign in ((memory, disk), (disk, memory), (disk, other)):
        with pytest.raises(TypeError, match="another store"):
            drive(store.restore(drive(foreign.snapshot("default"))))
    taken = drive(disk.snapshot("default"))
    for store in (disk, other):
        drive(store.close())
    with pytest.raises(TypeError, match="another store"):
        drive(disk.restore(taken))


DiskStores.TestCase.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)
TestStores = DiskStores.TestCase
