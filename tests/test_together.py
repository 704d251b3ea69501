"""Uploads that come at the same moment share a commit, and nobody can tell but by the cost."""

from __future__ import annotations

import asyncio
import errno
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from mockkie.store import StoredFile
from mockkie.store.disk import DiskStore

SMALL, LARGE = b"small" * 10, bytes(range(256)) * 1_024
versions = count(1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DiskStore]:
    opened = DiskStore.open_folder(tmp_path / "data")
    yield opened
    asyncio.run(opened.close())


async def upload(store: DiskStore, path: str, content: bytes) -> None:
    async with store.draft() as draft:
        await draft.write(content)
        facts = (path, path, draft.size, "text/plain", draft.digest, 1, 100)
        file = StoredFile(f"id-{next(versions)}", *facts)
        await store.keep_together("default", draft, file)


async def contents(store: DiskStore) -> dict[str, bytes]:
    found = {}
    for file in await store.list("default"):
        reading = await store.open("default", file)
        assert reading is not None
        async with reading:
            found[file.path] = b"".join([piece async for piece in reading.pieces(0, file.size)])
    return found


def watch_index(
    patch: pytest.MonkeyPatch, store: DiskStore, before: Callable[[str, Sequence[Any]], None]
) -> None:
    real = store._execute  # noqa: SLF001 - the one way to the index

    def execute(sql: str, values: Sequence[Any] = ()) -> Any:
        before(sql, values)
        return real(sql, values)

    patch.setattr(store, "_execute", execute)


def statements(patch: pytest.MonkeyPatch, store: DiskStore) -> list[str]:
    seen: list[str] = []
    watch_index(patch, store, lambda sql, _: seen.append(sql.split()[0]))
    return seen


async def all_at_once(*uploads: Awaitable[None]) -> list[BaseException | None]:
    return await asyncio.gather(*uploads, return_exceptions=True)


def test_one_commit_for_all(monkeypatch: pytest.MonkeyPatch, store: DiskStore) -> None:
    wanted = {f"{number}": SMALL if number % 2 else LARGE for number in range(10)}
    seen = statements(monkeypatch, store)
    asyncio.run(all_at_once(*(upload(store, *item) for item in wanted.items())))
    assert seen == ["BEGIN", *["INSERT"] * 10, "COMMIT"]
    assert asyncio.run(contents(store)) == wanted


def test_the_last_of_a_path_wins_and_frees_the_others(store: DiskStore, tmp_path: Path) -> None:
    sizes = [LARGE, SMALL, LARGE * 2, LARGE[:99_999]]
    asyncio.run(all_at_once(*(upload(store, "path", content) for content in sizes)))
    assert asyncio.run(contents(store)) == {"path": sizes[-1]}
    kept = [at for at in (tmp_path / "data" / "files").rglob("*") if at.is_file()]
    assert [at.stat().st_size for at in kept] == [99_999]


def test_who_asks_meanwhile_finds_it_kept(store: DiskStore) -> None:
    async def go() -> None:
        asked = [asyncio.create_task(upload(store, path, LARGE)) for path in "ab"]
        await asyncio.sleep(0)  # both wait now, or will in this turn
        assert await store.count("default") == (2, 2 * len(LARGE))
        assert await store.clear("default") == 2
        await asyncio.gather(*asked)
        assert await store.count("default") == (0, 0)

    asyncio.run(go())


def test_closing_keeps_what_waits(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    async def go() -> None:
        store = DiskStore.open_folder(folder)
        asked = asyncio.create_task(upload(store, "path", LARGE))
        await asyncio.sleep(0)
        await store.close()
        await asked
        again = DiskStore.open_folder(folder)
        assert await contents(again) == {"path": LARGE}
        await again.close()

    asyncio.run(go())


def test_one_that_cannot_be_kept_does_not_take_the_others_with_it(store: DiskStore) -> None:
    async def go() -> None:
        good, bad, fine = await all_at_once(
            upload(store, "a", LARGE), upload(store, "\ud800", LARGE), upload(store, "c", SMALL)
        )
        assert (good, fine) == (None, None)
        assert isinstance(bad, UnicodeEncodeError)
        assert await contents(store) == {"a": LARGE, "c": SMALL}

    asyncio.run(go())


@pytest.mark.parametrize("failing", range(9))
def test_whatever_fails_is_told_to_whom_it_hit(
    monkeypatch: pytest.MonkeyPatch, store: DiskStore, tmp_path: Path, failing: int
) -> None:
    """The n-th statement fails, then all of them for a while: kept is what was said to be."""
    seen = count()

    def fail(sql: str, values: Sequence[Any]) -> None:
        del sql, values
        if failing <= next(seen) < failing + 3:
            raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        watch_index(patch, store, fail)
        told = asyncio.run(all_at_once(*(upload(store, path, LARGE) for path in "abc")))
    kept = {path: LARGE for path, error in zip("abc", told, strict=True) if error is None}
    assert all(error is None or isinstance(error, OSError) for error in told)
    assert asyncio.run(contents(store)) == kept
    asyncio.run(store.close())
    asyncio.run(DiskStore.open_folder(tmp_path / "data").close())
    assert list((tmp_path / "data" / "incoming").iterdir()) == []
    assert len([at for at in (tmp_path / "data" / "files").rglob("*") if at.is_file()]) == len(kept)


def test_one_who_gives_up_does_not_disturb_the_others(store: DiskStore) -> None:
    async def go() -> None:
        asked = [asyncio.create_task(upload(store, path, SMALL)) for path in "abc"]
        await asyncio.sleep(0)
        asked[1].cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        assert {"a", "c"} <= set(await contents(store))

    asyncio.run(go())


CHILD = """
import asyncio, os, random, sys
from pathlib import Path
from mockkie.store import StoredFile
from mockkie.store.disk import DiskStore

def say(*words):
    os.write(1, (" ".join(words) + "\\n").encode())

async def upload(store, number, path, content):
    async with store.draft() as draft:
        await draft.write(content)
        file = StoredFile(f"{seed}-{number}", path, path, draft.size, "", draft.digest, 1, 9)
        say("try", path, file.digest)
        await store.keep_together("default", draft, file)
        say("done", path, file.digest)

async def main():
    store = DiskStore.open_folder(Path(folder))
    say("ready")
    for number in range(10**9):
        paths = chance.sample("abcdef", chance.randrange(1, 6))
        sizes = [chance.choice([0, 1_000, 70_000, 300_000]) for _ in paths]
        await asyncio.gather(
            *(
                upload(store, f"{number}-{path}", path, chance.randbytes(size))
                for path, size in zip(paths, sizes)
            )
        )

folder, seed = sys.argv[1:]
chance = random.Random(seed)
asyncio.run(main())
"""


def test_kill_9_loses_no_acknowledged_file(tmp_path: Path) -> None:
    chance = random.Random(9)  # noqa: S311 - no secret
    tried: dict[str, list[str]] = {}  # digests by path, from the last acknowledged one on
    acknowledged = 0
    for number in range(10):
        command = [sys.executable, "-c", CHILD, str(tmp_path / "data"), f"{number}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0.0, 0.25))
            child.kill()
            lines = child.stdout.read().splitlines()
        for line in lines:
            word, path, digest = line.split(" ")
            tried[path] = [*tried.get(path, ["none"]), digest] if word == "try" else [digest]
            acknowledged += word == "done"
        store = DiskStore.open_folder(tmp_path / "data")
        found = asyncio.run(contents(store))
        for path, digests in tried.items():
            digest = blake3(found[path]).hexdigest() if path in found else "none"
            assert digest in digests, f"round {number}, {path}"
            tried[path] = [digest]
        asyncio.run(store.close())
        assert list((tmp_path / "data" / "incoming").iterdir()) == []
    assert acknowledged > 50
