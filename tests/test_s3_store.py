"""Files in a bucket: as every other store, whatever the store elsewhere and its neighbours do."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import uuid
from collections.abc import AsyncGenerator, Awaitable, Coroutine
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, TypeVar

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test

from mockkie.problems import Problem
from mockkie.store import HEAD, PIECE, Draft, FilesSnapshot, Store, StoredFile
from mockkie.store.board import Board
from mockkie.store.bucket import Bucket
from mockkie.store.s3 import S3Store
from mockkie.store.s3bytes import Incoming, Slots
from mockkie.store.s3ends import Ends
from mockkie.store.s3facts import Burials, Kept
from mockkie.worlds import World
from tests.s3_servers import S3, missing
from tests.test_stores import CHUNKS, Held, Stores, gather, instants, known_paths, worlds

T = TypeVar("T")
FRESH, GRACE = 0.01, 0.05  # seconds: a sweep takes as long as a view may be old, and longer
PART = 5 * 1_024 * 1_024  # the smallest part that S3 takes


@pytest.fixture(params=["moto_server", "s3_server"])
def s3(request: pytest.FixtureRequest) -> S3:
    """Both servers in turn."""
    server: S3 = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def url(s3: S3, monkeypatch: pytest.MonkeyPatch) -> str:
    """A place of its own in the bucket, and the environment that leads there."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://{s3.bucket}/{uuid.uuid4().hex[:8]}"


def opened(url: str) -> S3Store:
    return S3Store.open_bucket(url, fresh=FRESH, grace=GRACE, part=PART)


@asynccontextmanager
async def using(*stores: S3Store) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        for store in stores:
            await store.close()


def prefix(url: str) -> str:
    return url.rpartition("/")[2]


ids = count(1)


def described(draft: Draft, path: str, expires_at: int = 10) -> StoredFile:
    name = path.rpartition("/")[2]
    version = f"version-{next(ids)}"
    return StoredFile(version, path, name, draft.size, "text/plain", draft.digest, 1, expires_at)


async def keep(
    store: S3Store, path: str, content: bytes = b"content", expires_at: int = 10
) -> StoredFile:
    async with store.draft() as draft:
        for at in range(0, len(content), PIECE):
            await draft.write(content[at : at + PIECE])
        file = described(draft, path, expires_at)
        await store.keep("default", draft, file)
    return file


async def read(store: S3Store, file: StoredFile) -> bytes | None:
    reading = await store.open("default", file)
    if reading is None:
        return None
    async with reading:
        return await gather(reading.pieces(0, file.size))


def large(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


# ------------------------------------------------------------------------------ like every store


class S3Stores(Stores):
    """A store in a bucket, which is closed and opened again."""

    bucket: str

    @initialize()
    def open_bucket(self) -> None:
        self.runner = asyncio.Runner()
        self.url = f"s3://{self.bucket}/{uuid.uuid4().hex[:8]}"
        self.s3 = opened(self.url)

    @property
    def other(self) -> Store:
        return self.s3

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    def teardown(self) -> None:
        super().teardown()
        self.runner.close()

    @rule(world=worlds, path=known_paths, expires_at=instants, more=st.sampled_from([0, 1, PART]))
    def upload_large(self, world: str, path: str, expires_at: int, more: int) -> None:
        content = (bytes(range(251)) * (2 * PART // 251 + 1))[: PART + more]
        self.upload(content, [CHUNKS[-1]], world, path, expires_at)

    @rule()
    def agree(self) -> None:
        """A look at everything costs some requests for each file: now and then will do."""
        super().agree()

    @precondition(lambda self: self.past)
    @rule(data=st.data())
    def hold(self, data: st.DataObject) -> None:
        """A span is told before, and sure to be there for one reading only."""
        world, file = data.draw(st.sampled_from(self.past))
        now = self.files[world].get(file.path)
        edges = [0, 1, HEAD, PIECE + 1, file.size - 1, file.size]
        start, stop = data.draw(st.sampled_from(edges)), data.draw(st.sampled_from(edges))
        reading = self.run(self.s3.open(world, file, start, stop))
        if now is None or now[0] != file:
            assert reading is None
        else:
            assert reading is not None
            self.held.append(Held([reading], now[1][start:stop]))
            self.spans[id(reading)] = start, stop

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        held = data.draw(st.sampled_from(self.held))
        self.held.remove(held)
        start, stop = self.spans[id(held.readings[0])]
        assert self.run(gather(held.readings[0].pieces(start, stop))) == held.content
        self.run(held.readings[0].close())

    @rule()
    def restart(self) -> None:
        """Drafts and readings are lost, files and worlds are not."""
        self.run(self.s3.close())
        self.s3 = opened(self.url)
        self.run(self.s3.worlds())
        self.uploads, self.held = [], []
        self.everything_reads_back()

    def __init__(self) -> None:
        super().__init__()
        self.spans: dict[int, tuple[int, int]] = {}


def test_a_bucket_behaves_like_every_other_store(s3: S3, url: str) -> None:
    del url  # which has set the environment

    class Here(S3Stores):
        bucket = s3.bucket

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=6 if type(s3) is S3 else 12,  # the one in Python is the slower one
            stateful_step_count=25,
            deadline=None,
            phases=[Phase.reuse, Phase.generate],  # a smaller example takes minutes to find
            suppress_health_check=list(HealthCheck),
        ),
    )


# --------------------------------------------------------------------------- sweeps and uploads


class GatedBucket(Bucket):
    """A bucket whose deletions wait until they may."""

    def wait_for(self) -> None:
        self.reached, self.go = asyncio.Event(), asyncio.Event()

    async def delete(self, *keys: str) -> None:
        if hasattr(self, "go"):
            self.reached.set()
            await self.go.wait()
        await super().delete(*keys)


class SlowBucket(Bucket):
    """A bucket that is asked and answers when it likes."""

    def __init__(self, known: Bucket, seed: int) -> None:
        super().__init__(known.store, known.where)
        self.quotes = known.quotes
        self.random = random.Random(seed)  # noqa: S311 - delays

    async def slowly(self, call: Awaitable[T]) -> T:
        await asyncio.sleep(self.random.uniform(0, 0.06))
        result = await call
        await asyncio.sleep(self.random.uniform(0, 0.06))
        return result

    async def head(self, key: str) -> Any:
        return await self.slowly(super().head(key))

    async def put(self, key: str, data: bytes, attributes: Any = None) -> str:
        return await self.slowly(super().put(key, data, attributes))

    async def delete(self, *keys: str) -> None:
        await self.slowly(super().delete(*keys))


def over(bucket: Bucket, fresh: float = FRESH, grace: float = GRACE) -> S3Store:
    board = Board(bucket, fresh=fresh, grace=grace)
    return S3Store(bucket, board, Incoming(bucket, PART), Ends(bucket, 60))


async def is_there(store: S3Store, path: str, size: int) -> bool:
    """Whether a file of that size is at a path by now."""
    try:
        now = await store.find("default", path)
    except OSError:  # moto has an object for a moment before its metadata
        return False
    return now is not None and now.size == size


def test_an_upload_that_a_sweep_takes_is_not_acknowledged(url: str) -> None:
    async def scene() -> None:
        other = over(opened(url).bucket, FRESH, 60)  # the board alone can tell it
        bucket = GatedBucket(other.bucket.store, other.bucket.where)
        bucket.quotes = other.bucket.quotes
        sweeper = over(bucket, FRESH, 60)  # nobody waits for an announcement to be withdrawn
        async with using(sweeper, other):
            await keep(sweeper, "a/b")
            bucket.wait_for()
            sweep = asyncio.create_task(sweeper.sweep("default", 10))
            await bucket.reached.wait()  # the last look is behind it
            upload = asyncio.create_task(keep(other, "a/b", b"newer", 20))
            while not await is_there(other, "a/b", 5):  # noqa: ASYNC110 - the bucket tells nobody
                await asyncio.sleep(0)
            assert not upload.done()
            bucket.go.set()
            with pytest.raises(OSError, match=r"a/b was swept or taken away .* upload it again"):
                await upload
            assert [file.path for file in await sweep] == ["a/b"]
            again = await keep(other, "a/b", b"again", 20)
            assert await read(sweeper, again) == b"again"

    asyncio.run(scene())


def test_an_upload_that_is_acknowledged_is_there_whatever_is_swept(url: str) -> None:
    async def scene() -> None:
        plain = opened(url).bucket
        fresh, grace = 0.05, 0.15
        sweeper = over(SlowBucket(plain, 1), fresh, grace)
        others = [over(SlowBucket(plain, seed), fresh, grace) for seed in (2, 3)]
        acknowledged: dict[str, StoredFile] = {}
        lost = 0

        async def upload(path: str, store: S3Store, seed: int) -> None:
            nonlocal lost
            await asyncio.sleep(random.Random(seed).uniform(0, 0.8))  # noqa: S311 - as above
            try:
                acknowledged[path] = await keep(store, path, b"newer", 1_000)
            except OSError:
                lost += 1

        async with using(sweeper, *others):
            for turn in range(2):
                paths = [f"{turn}/{number}" for number in range(20)]
                await asyncio.gather(*[keep(sweeper, path) for path in paths])
                await asyncio.gather(
                    sweeper.sweep("default", 10),
                    others[0].sweep("default", 10),
                    *[upload(path, others[at % 2], at) for at, path in enumerate(paths)],
                )
            for path, file in acknowledged.items():
                assert await sweeper.find("default", path) == file
        assert len(acknowledged) + lost == 2 * 20
        assert len(acknowledged) > lost

    asyncio.run(scene())


def test_what_one_mock_kept_another_one_sweeps(s3: S3, url: str) -> None:
    async def scene() -> None:
        one, other = opened(url), opened(url)
        await keep(one, "late", expires_at=120_000)
        ended = [await keep(one, "b", large(PART + 1), 20), await keep(one, "a", b"", 60_000)]
        replaced = await keep(one, "b", b"newer", 70_000)
        await one.close()
        async with using(other):
            assert await other.sweep("default", 20) == []
            assert await other.sweep("default", 60_000) == ended[1:]
            assert await other.sweep("default", 119_999) == [replaced]
            left = [key.split("/")[1] for key in s3.keys(prefix(url))]
            assert left == ["board", "ends", "files"]  # the bytes of what was replaced are gone
            await other.forget("default")
        assert s3.keys(f"{prefix(url)}/files") == s3.keys(f"{prefix(url)}/ends") == []

    asyncio.run(scene())


def test_when_a_file_ends_is_written_while_the_mock_goes_on(s3: S3, url: str) -> None:
    async def scene() -> None:
        one, other = opened(url), opened(url)
        async with using(one, other):
            file = await keep(one, "a")
            while not s3.keys(f"{prefix(url)}/ends"):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)
            assert await other.sweep("default", 10) == [file]
            assert s3.keys(f"{prefix(url)}/ends") == []

    asyncio.run(scene())


def test_a_large_sweep_is_done_in_slices(url: str) -> None:
    async def scene() -> None:
        store = opened(url)
        async with using(store):
            files = [await keep(store, f"{number:02}", expires_at=number) for number in range(12)]
            found = []
            while slice_ := await store.sweep("default", 9, 4):
                found.append(slice_)
            assert found == [files[:4], files[4:8], files[8:10]]
            assert await store.list("default") == files[10:]

    asyncio.run(scene())


# ------------------------------------------------------------------------------- clocks that move


@given(
    moves=st.lists(st.integers(0, 9), max_size=12),
    files=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9)), max_size=5),
)
def test_what_is_buried_is_told_by_few_pairs(
    moves: list[int], files: list[tuple[int, int]]
) -> None:
    burials = Burials()
    for now in moves:
        burials = burials.with_one(now, 1_000)
    assert burials.moves == len(moves)
    assert len(burials.pairs) <= 10
    assert burials.until == (max(moves) if moves else None)
    for kept_at, ends in files:
        file = StoredFile("", "", "", 0, "", "", 0, ends)
        gone = any(now >= ends for number, now in enumerate(moves) if number >= kept_at)
        assert burials.cover(Kept(file, kept_at, "")) == gone


def test_what_one_mock_buried_is_gone_for_others(s3: S3, url: str) -> None:
    async def scene() -> None:
        one, other = opened(url), opened(url)
        async with using(one, other):
            await one.remember(World("default", "1", ("key",)))
            await other.worlds()
            old = await keep(other, "old", large(PART + 1), 10)
            before = len(s3.keys(prefix(url)))
            await one.bury("default", 10)
            assert len(s3.keys(prefix(url))) == before
            await other.worlds()
            young = await keep(other, "young", expires_at=5)
            for store in (one, other):
                assert await store.find("default", "old") is None
                assert await store.open("default", old) is None
                assert await store.list("default") == [young]
                assert await store.count("default") == (1, young.size)
                assert await store.delete("default", "old") is None
            assert await other.sweep("default", 4) == []
            assert [key for key in s3.keys(prefix(url)) if "old" in key or "bytes" in key] == []
            assert await one.clear("default") == 1

    asyncio.run(scene())


# ------------------------------------------------------------------------------------ large files


def test_an_upload_that_is_given_up_leaves_nothing(s3: S3, url: str) -> None:
    async def scene() -> None:
        store = opened(url)
        async with using(store):
            for size in (1, PART, PART + 1, 4 * PART):
                async with store.draft() as given_up:
                    await given_up.write(large(size))
            draft = store.draft()
            writing = asyncio.create_task(draft.write(large(3 * PART)))
            await asyncio.sleep(0)
            writing.cancel()  # at the first part
            with pytest.raises(asyncio.CancelledError):
                await writing
            while not s3.uploads(prefix(url)):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
            with pytest.raises(OSError, match="begin again"):
                await store.keep("default", draft, described(draft, "a"))
            await draft.discard()
            draft = store.draft()
            await draft.write(large(3 * PART))
            keeping = asyncio.create_task(store.keep("default", draft, described(draft, "a")))
            await asyncio.sleep(0)
            keeping.cancel()
            with pytest.raises(asyncio.CancelledError):
                await keeping
            await draft.discard()
            lost = store.draft()
            await lost.write(large(3 * PART))  # and is lost when the store is closed
        assert s3.uploads(prefix(url)) == []
        assert [key for key in s3.keys(prefix(url)) if not key.endswith("board")] == []

    asyncio.run(scene())


@pytest.mark.parametrize("size", [PART, 4 * PART], ids=["one object", "parts"])
def test_a_reader_goes_on_with_the_version_that_it_has(url: str, size: int) -> None:
    async def scene() -> None:
        store, other = opened(url), opened(url)
        async with using(store, other):
            old = await keep(store, "a", large(size), 10)
            reading = await store.open("default", old)
            assert reading is not None
            async with reading:
                pieces = reading.pieces(0, size)
                found = [await anext(pieces)]
                newer = await keep(other, "a", b"newer", 20)
                await store.sweep("default", 10)
                found += [piece async for piece in pieces]
                assert b"".join(found) == large(size)
                assert await store.open("default", old) is None
            assert await read(store, newer) == b"newer"

    asyncio.run(scene())


@pytest.mark.parametrize("newer", [b"", b"new", large(PART + 1)], ids=len)
def test_a_span_of_a_version_that_was_replaced_is_not_opened(url: str, newer: bytes) -> None:
    async def scene() -> None:
        store = opened(url)
        async with using(store):
            old = await keep(store, "a", large(10))
            kept = await keep(store, "a", newer)
            for start, stop in ((0, 10), (0, 5), (5, 10), (9, 10), (3, 3)):
                assert await store.open("default", old, start, stop) is None
            for start, stop in ((0, len(newer)), (0, 1), (2, len(newer) - 1)):
                reading = await store.open("default", kept, start, stop)
                assert reading is not None
                async with reading:
                    assert await gather(reading.pieces(start, stop)) == newer[start:stop]

    asyncio.run(scene())


def test_a_version_that_is_gone_is_not_read_twice(url: str) -> None:
    async def scene() -> None:
        store = opened(url)
        async with using(store):
            file = await keep(store, "a", b"content")
            reading = await store.open("default", file)
            assert reading is not None
            for _ in range(2):
                assert await gather(reading.pieces(0, 7)) == b"content"
            await keep(store, "a", b"another")
            with pytest.raises(OSError, match="replaced or taken away"):
                await gather(reading.pieces(0, 7))
            await reading.close()
            with pytest.raises(OSError, match="closed"):
                await gather(reading.pieces(0, 7))

    asyncio.run(scene())


MEMORY = """
import asyncio, resource, sys
from mockkie.store import StoredFile
from mockkie.store.s3 import S3Store
from mockkie.store.s3bytes import Incoming, Slots
from mockkie.store.s3ends import Ends

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

async def upload(store, name, pieces):
    async with store.draft() as draft:
        for _ in range(pieces):
            await draft.write(bytes(65536))
            await asyncio.sleep(0)
        file = StoredFile(name, name, name, draft.size, "", draft.digest, 1, 2)
        await store.keep("default", draft, file)
    async with await store.open("default", file) as reading:
        size = 0
        async for piece in reading.pieces(0, file.size):
            size += len(piece)
        assert size == file.size

async def main():
    store = S3Store.open_bucket(sys.argv[1])
    await upload(store, "first", 16)
    before = peak()
    await upload(store, "large", 300 * 16)
    print(peak() - before)
    few = Incoming(store.bucket, slots=Slots(2))
    waiting = S3Store(store.bucket, store.board, few, Ends(store.bucket))
    await asyncio.gather(*[upload(waiting, f"{number}", 12 * 16) for number in range(40)])
    print(peak() - before)
    await store.close()
    await waiting.close()

asyncio.run(main())
"""


def test_a_large_file_takes_little_memory(s3: S3, url: str) -> None:
    if type(s3) is S3 and not missing():
        pytest.skip("the other server is the faster one, and it is about neither")
    command = [sys.executable, "-c", MEMORY, url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    alone, together = map(int, done.stdout.split())
    assert alone < 60 * 1_024  # KiB, of 300 MiB
    assert together < 200 * 1_024  # of 480 MiB


def test_many_large_uploads_wait_for_each_other(url: str) -> None:
    async def scene() -> None:
        bucket = opened(url).bucket
        patient, hasty = [
            S3Store(bucket, Board(bucket), Incoming(bucket, PART, slots), Ends(bucket))
            for slots in (Slots(2), Slots(2, 0.1))
        ]
        async with using(patient, hasty):
            await asyncio.gather(*[keep(patient, f"{n}", large(2 * PART)) for n in range(5)])
            assert await patient.count("default") == (5, 10 * PART)
            drafts = [hasty.draft() for _ in range(3)]
            tasks = [asyncio.create_task(draft.write(large(PART))) for draft in drafts]
            await asyncio.wait(tasks[:2])
            with pytest.raises(OSError, match="2 large uploads are under way"):
                await tasks[2]
            await drafts[2].write(b"small enough")
            await drafts[0].discard()
            await drafts[2].write(large(PART))
            # One task may load many, which are kept at the end.
            await drafts[1].discard()
            for _ in range(4):
                await hasty.draft().write(large(PART))

    asyncio.run(scene())


# ----------------------------------------------------------------------------------- what is odd


def test_a_path_that_no_object_can_tell_is_refused(s3: S3, url: str) -> None:
    async def scene() -> None:
        store = opened(url)
        async with using(store):
            for path in ("é" * 500 + "/x.png", "a/" * 400 + "x"):
                file = await keep(store, path)
                assert await store.list("default") == [file]
                assert await store.delete("default", path) == file
            with pytest.raises(Problem, match=r"1,606 bytes .* use a shorter uploadPath") as caught:
                await keep(store, "é" * 800 + "/x.png")
            assert (caught.value.name, caught.value.parameter) == (
                "invalid-parameter",
                "uploadPath",
            )
        assert s3.keys(f"{prefix(url)}/files") == []

    asyncio.run(scene())


def test_all_or_none_are_kept(s3: S3, url: str) -> None:
    class FullBucket(Bucket):
        async def put(self, key: str, data: bytes, attributes: Any = None) -> str:
            if key.endswith("_c"):
                raise OSError("full")
            return await super().put(key, data, attributes)

    async def scene() -> None:
        plain = opened(url).bucket
        bucket = FullBucket(plain.store, plain.where)
        bucket.quotes = plain.quotes
        store = over(bucket)
        async with using(store):
            uploads: list[tuple[Draft, StoredFile]] = []
            for path, size in (("a", 1), ("b", 3 * PART), ("c", 3 * PART), ("d", 1)):
                one = store.draft()
                await one.write(large(size))
                uploads.append((one, described(one, path)))
            with pytest.raises(OSError, match="full"):
                await store.keep_all("default", uploads)
            assert await store.list("default") == []
            for draft, _ in uploads:
                await draft.discard()
            assert await store.sweep("default", 10) == []  # but the bytes of `c` are freed
        assert s3.uploads(prefix(url)) == []
        assert [key for key in s3.keys(prefix(url)) if not key.endswith("board")] == []

    asyncio.run(scene())


def test_a_bucket_has_no_snapshots(url: str) -> None:
    async def scene() -> None:
        store = opened(url)
        assert store.where == url
        async with using(store):
            with pytest.raises(RuntimeError, match="in memory or in a folder"):
                await store.snapshot("default")
            with pytest.raises(RuntimeError, match="in memory or in a folder"):
                await store.restore(FilesSnapshot("default"))

    asyncio.run(scene())
