"""Two mocks over one bucket, each of which does what the other does not know of yet."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from mockkie.build import build_mock
from mockkie.clock import SECOND
from mockkie.faults import Fault
from mockkie.journal import Entry
from mockkie.problems import Problem
from mockkie.service import Service
from mockkie.store import Draft, Outdated, StoredFile
from mockkie.store.s3 import S3Store
from mockkie.tasks import Task
from mockkie.worlds import World
from tests.s3_servers import S3
from tests.unsteady import Unsteady, unsteady

HOUR = 3_600 * SECOND


@pytest.fixture
def place(moto_server: S3, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in moto_server.environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://{moto_server.bucket}/{uuid.uuid4().hex}"


@pytest.fixture
def proxy(moto_server: S3) -> Iterator[Unsteady]:
    with unsteady(moto_server.endpoint) as found:
        yield found


Through = Callable[[], None]


@pytest.fixture
def through(proxy: Unsteady, monkeypatch: pytest.MonkeyPatch) -> Through:
    """Have mocks that are made from here on reach the bucket through the proxy."""
    return lambda: monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)


@asynccontextmanager
async def two(
    place: str, through: Through = lambda: None
) -> AsyncIterator[tuple[Service, Service]]:
    """Two mocks over one place, the second one `through` something."""
    one = build_mock(data=place).service
    through()
    services = one, build_mock(data=place).service
    await asyncio.gather(*[service.start() for service in services])
    try:
        yield services
    finally:
        for service in services:
            await service.close()


async def world_of(service: Service, name: str) -> World | None:
    await service.ready()
    return service.worlds.get(name)


async def draft_of(service: Service, path: str, content: bytes) -> tuple[Draft, StoredFile]:
    draft = service.store.draft()
    await draft.write(content)
    file = StoredFile(uuid.uuid4().hex, path, path, len(content), "a/b", draft.digest, 0, HOUR)
    return draft, file


def entry(target: str) -> Entry:
    return Entry(at=0, method="GET", target=target, status=200)


def test_both_start_on_an_empty_bucket(place: str) -> None:
    async def go() -> None:
        async with two(place) as (one, other):
            assert one.worlds.default.account == other.worlds.default.account

    asyncio.run(go())


def test_a_key_opens_one_world(place: str) -> None:
    """Two that are made with one key at the same moment: one at the most stays."""

    async def go() -> None:
        async with two(place) as services:
            made = await asyncio.gather(
                *[service.create_world(keys=["K"]) for service in services], return_exceptions=True
            )
            for service in services:
                await service.ready()
            refused = [one for one in made if isinstance(one, ValueError)]
            assert refused
            assert all("opens another world" in str(one) for one in refused)
            left = [[w.id for w in service.worlds if "K" in w.keys] for service in services]
            assert left[0] == left[1]
            assert len(left[0]) == 2 - len(refused)

    asyncio.run(go())


def test_a_world_made_anew_has_nothing_of_the_old_one(place: str) -> None:
    async def go() -> None:
        async with two(place) as (one, other):
            old = await one.create_world("again", ["K"])
            theirs = await world_of(other, "again")
            assert theirs is not None
            for number in range(5):
                theirs.journal.add(entry(f"/old{number}"))
            await other.store.keep("again", *await draft_of(other, "a", b"old"))
            await theirs.journal.catch_up()
            await one.drop_world(old)
            new = await one.create_world("again", ["K"])
            theirs = await world_of(other, "again")
            assert theirs is not None
            answered = entry("/new")
            new.journal.add(answered)
            new.journal.amend(answered)
            await theirs.journal.catch_up()
            assert [known.target for known in theirs.journal.entries()] == ["/new"]
            assert await other.store.list("again") == []

    asyncio.run(go())


def test_what_is_dropped_is_not_brought_back_by_a_change(place: str) -> None:
    async def go() -> None:
        async with two(place) as (one, other):
            world = await one.create_world("short")
            theirs = await world_of(other, "short")
            assert theirs is not None
            await one.drop_world(world)
            with pytest.raises(OSError, match="was dropped meanwhile"):
                await other.move_clock(theirs, lambda: theirs.clock.advance(HOUR))
            assert await world_of(one, "short") is await world_of(other, "short") is None

    asyncio.run(go())


def test_what_failed_is_in_force_nowhere(place: str, proxy: Unsteady, through: Through) -> None:
    async def go() -> None:
        async with two(place, through) as (near, far):
            world = far.worlds.default
            await far.arm(world, [Fault.of("status=500")])
            await near.ready()
            proxy.busy()
            with pytest.raises(OSError, match="SlowDown"):
                await far.move_clock(world, lambda: world.clock.advance(HOUR))
            with pytest.raises(OSError, match="SlowDown"):
                await far.disarm(world)
            proxy.steady()
            await far.ready()
            assert world.clock.offset == near.worlds.default.clock.offset == 0
            assert await far.disarm(world) == 1  # and not: there was none
            await near.ready()
            assert not near.worlds.default.faults

    asyncio.run(go())


def test_those_who_wait_hear_of_one_failure(
    place: str, proxy: Unsteady, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)

    async def go() -> None:
        service = build_mock(data=place).service
        await service.start()
        await asyncio.sleep(0.3)
        proxy.busy()
        before = len(proxy.requests)
        told = await asyncio.gather(*[service.ready() for _ in range(20)], return_exceptions=True)
        assert all(isinstance(one, OSError) for one in told)
        assert len(proxy.requests) - before <= 5  # one look, tried again
        proxy.steady()
        await service.ready()
        await service.close()

    asyncio.run(go())


def test_one_of_those_who_wait_catches_up(place: str, proxy: Unsteady, through: Through) -> None:
    async def go() -> None:
        async with two(place, through) as (near, far):
            await near.create_world("new")
            before = len(proxy.requests)
            await asyncio.gather(*[far.ready() for _ in range(50)])
            assert far.worlds.get("new") is not None
            assert sum("worlds" in line for line in proxy.requests[before:]) <= 3

    asyncio.run(go())


def test_a_quota_holds_within_one_mock(place: str) -> None:
    async def go() -> None:
        async with two(place) as (one, _):
            await one.ready()  # the other one has started since

            async def keep(number: int) -> bool:
                draft, file = await draft_of(one, f"f{number}", b"x" * 600)
                draft.quota = 1_000
                try:
                    await one.store.keep("default", draft, file)
                except Problem as problem:
                    return problem.name != "storage-full"
                return True

            assert sum(await asyncio.gather(*[keep(number) for number in range(5)])) == 1
            assert await one.store.count("default") == (1, 600)

    asyncio.run(go())


def test_what_a_loop_that_ended_kept_is_swept(place: str) -> None:
    """As `--seed-files` keeps it: in a loop of its own, before the mock is served."""
    service = build_mock(data=place).service
    assert isinstance(service.store, S3Store)

    async def seed() -> None:
        await service.start()
        drafts = [await draft_of(service, f"seed/{number}", b"x") for number in range(3)]
        await service.store.keep_all("default", drafts)

    async def look() -> None:
        ends = [known.key async for known in service.store.bucket.list("ends")]  # type: ignore[attr-defined]  # it is in a bucket
        assert len(ends) == 1
        await service.close()

    asyncio.run(seed())
    asyncio.run(look())


def test_credits_are_spent_once(place: str) -> None:
    async def go() -> None:
        async with two(place) as services:
            tasks = [service.worlds.default.tasks for service in services for _ in range(4)]
            added = await asyncio.gather(
                *[one.add(Task(str(at), "m", "{}", 0, [], {}), 3) for at, one in enumerate(tasks)]
            )
            assert sum(added) == 3
            await tasks[0].clear()
            assert await tasks[-1].add(Task("again", "m", "{}", 0, [], {}), 1)

    asyncio.run(go())


def test_an_upload_under_way_is_kept_by_the_clock_that_is_there_behind_it(place: str) -> None:
    """The store says so when the world may have changed since the upload looked at it."""

    async def go() -> None:
        async with two(place) as (one, other):
            draft, file = await draft_of(other, "a", b"x")
            put = other.store.bucket.put  # type: ignore[attr-defined]

            async def late(key: str, *more: object) -> str:
                if key.startswith("files/"):
                    await one.move_clock(
                        one.worlds.default, lambda: one.worlds.default.clock.advance(HOUR)
                    )
                tag: str = await put(key, *more)
                return tag

            other.store.bucket.put = late  # type: ignore[attr-defined]
            with pytest.raises(Outdated) as raised:
                await other.store.keep("default", draft, file)
            assert raised.value.kept
            other.store.bucket.put = put  # type: ignore[attr-defined]
            await other.ready()
            await other.store.keep("default", draft, file._replace(id="again"))
            kept = await one.store.find("default", "a")
            assert kept is not None
            assert kept.id == "again"

    asyncio.run(go())
