"""The attack on linearizability finds what is planted in a real mock, and nothing in ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from mockkie.build import build_mock
from mockkie.server import Server
from mockkie.service import Service
from mockkie.store import Draft, StoredFile
from reliability.drawn_history import drawn, smallest
from reliability.history import Call, File, judge, loosened
from reliability.linear import KINDS, history

MEMORY = KINDS[0]
DAY = 86_400_000


@contextmanager
def serving() -> Iterator[Server]:
    server = Server(build_mock(data="memory:"))
    server.start()
    try:
        yield server
    finally:
        server.stop(grace=0)


def overwrite_in_two_steps(service: Service, patch: pytest.MonkeyPatch) -> None:
    store = service.store

    async def keep(world: str, draft: Draft, file: StoredFile) -> None:
        await store.delete(world, file.path)
        await asyncio.sleep(0.002)
        await store.keep(world, draft, file)

    patch.setattr(store, "keep_together", keep)


def find_for_a_day_too_long(service: Service, patch: pytest.MonkeyPatch) -> None:
    store, find = service.store, service.store.find
    patch.setattr(service.sweeper, "wake", lambda: None)  # nor does the sweep come by

    async def late(world: str, path: str) -> StoredFile | None:
        file = await find(world, path)
        return None if file is None else file._replace(expires_at=file.expires_at + DAY)

    patch.setattr(store, "find", late)


def remember_a_listing(service: Service, patch: pytest.MonkeyPatch) -> None:
    store = service.store
    real, known = store.list, dict[str, list[Sequence[StoredFile]]]()

    async def cached(world: str, *, after: str = "", limit: int = 1_000) -> Sequence[StoredFile]:
        listed = known.setdefault(world, [])
        if not listed:  # each is told twice
            listed += [await real(world, after=after, limit=limit)] * 2
        return listed.pop()

    patch.setattr(store, "list", cached)


PLANTED: dict[str, Callable[[Service, pytest.MonkeyPatch], None]] = {
    "an overwrite in two steps": overwrite_in_two_steps,
    "a file that is found after its end": find_for_a_day_too_long,
    "a listing from a cache": remember_a_listing,
}


def wrong_one(server: Server, tries: int) -> list[Call] | None:
    for seed in range(tries):
        calls, torn = history([server.origin], MEMORY, seed)
        assert torn == []
        if judge(calls) is not None:
            return calls
    return None


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_found_and_drawn(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        PLANTED[name](server.mock.service, monkeypatch)
        wrong = wrong_one(server, 40)
    assert wrong is not None
    small = smallest(wrong)
    assert len(small) < len(wrong)
    assert "<-- this answer" in drawn(small)


def test_nothing_is_found_in_ours() -> None:
    with serving() as server:
        assert wrong_one(server, 5) is None


def upload(began: float, ended: float, value: int, at: int) -> Call:
    return Call(1, "upload", began, ended, name="a", value=value, at=at)


def seen(began: float, ended: float, value: int, at: int) -> Call:
    return Call(2, "read", began, ended, name="a", seen=(value, at))


def test_over_a_bucket_a_clock_moves_for_one_after_the_other() -> None:
    """But not any more once it is answered, and nothing that was acknowledged is lost by it."""
    start, move = Call(0, "set", 0, 1, at=DAY), Call(0, "advance", 2, 9, at=DAY, now=2 * DAY)
    both = [upload(3, 4, 1, 2 * DAY), upload(5, 6, 2, DAY)]
    assert judge([start, move, *both]) is not None
    assert judge(loosened([start, move, *both], "a")) is None
    late = [*both, upload(10, 11, 3, DAY)]
    assert judge(loosened([start, move, *late], "a")) is not None
    lost = [*both, upload(10, 11, 3, 2 * DAY), seen(12, 13, 2, DAY)]
    assert judge(loosened([start, move, *lost], "a")) is not None


def test_a_listing_is_judged_as_what_it_says_of_a_name() -> None:
    listed = Call(2, "list", 4, 5, files=(File("a", 1, DAY), File("b", 9, DAY)))
    assert (
        judge(loosened([Call(0, "set", 0, 1, at=DAY), upload(2, 3, 1, DAY), listed], "a")) is None
    )
    assert judge([Call(0, "set", 0, 1, at=DAY), upload(2, 3, 1, DAY), listed]) is not None
