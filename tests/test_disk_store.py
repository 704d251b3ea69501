"""What only the disk store promises: it survives kills, full disks, neighbours and damage."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import pytest
from blake3 import blake3

from mockkie import serve
from mockkie.problems import UsageError
from mockkie.store import PIECE, FilesSnapshot, Reading, StoredFile, diskbytes
from mockkie.store import folder as opening
from mockkie.store.disk import TRASH, DiskStore
from mockkie.worlds import World

T = TypeVar("T")
SMALL, LARGE = b"small" * 10, bytes(range(256)) * 1_024
versions = count(1)


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("a method of a store suspended")


def upload(store: DiskStore, path: str, content: bytes, expires_at: int = 100) -> StoredFile:
    async def go() -> StoredFile:
        async with store.draft() as draft:
            await draft.write(content)
            file = StoredFile(
                id=f"id-{next(versions)}",
                path=path,
                name=path,
                size=draft.size,
                mime="text/plain",
                digest=draft.digest,
                uploaded_at=1,
                expires_at=expires_at,
            )
            await store.keep("default", draft, file)
        return file

    return drive(go())


def upload_all(store: DiskStore, contents: dict[str, bytes]) -> None:
    async def go() -> None:
        async with contextlib.AsyncExitStack() as opened:
            uploads = []
            for path, content in contents.items():
                draft = await opened.enter_async_context(store.draft())
                await draft.write(content)
                facts = (path, path, draft.size, "text/plain", draft.digest, 1, 100)
                uploads.append((draft, StoredFile(f"id-{next(versions)}", *facts)))
            await store.keep_all("default", uploads)

    drive(go())


PAST: WeakKeyDictionary[DiskStore, FilesSnapshot] = WeakKeyDictionary()
"""Of each store a moment when `old` was large, and nothing else was there."""


def furnish(folder: Path, small: int) -> DiskStore:
    """A store with a past, and two files."""
    store = DiskStore.open_folder(folder, small=small)
    upload(store, "old", LARGE)
    PAST[store] = drive(store.snapshot("default"))
    upload(store, "old", SMALL)
    upload(store, "short", LARGE[:1_000], expires_at=50)
    return store


def read(reading: Reading, size: int) -> bytes:
    async def go() -> bytes:
        return b"".join([piece async for piece in reading.pieces(0, size)])

    return drive(go())


def download(store: DiskStore, path: str) -> bytes | None:
    file = drive(store.find("default", path))
    if file is None:
        return None
    reading = drive(store.open("default", file))
    if reading is None:
        return None
    try:
        return read(reading, file.size)
    finally:
        drive(reading.close())


def assert_tidy(folder: Path) -> None:
    """The folder holds the bytes of what the index says, and nothing else."""
    with contextlib.closing(sqlite3.connect(folder / "index.sqlite")) as index:
        rows = index.execute("SELECT blob, size FROM file WHERE content IS NULL")
        kept = {f"{blob:016x}": size for blob, size in rows}
        lengths = "SELECT count(*) FROM file WHERE length(content) != size"
        assert index.execute(lengths).fetchall() == [(0,)]
        assert index.execute("SELECT count(*) FROM trash").fetchall() == [(0,)]
        assert index.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    found = {each.name: each.stat().st_size for each in folder.glob("files/*/*")}
    assert found == kept
    assert not [*folder.glob("incoming/*")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "some" / "data"


@pytest.fixture
def store(folder: Path) -> Iterator[DiskStore]:
    """A store that keeps every content in a file, however small it is."""
    store = DiskStore.open_folder(folder, small=-1)
    yield store
    drive(store.close())


class System:
    """Stands before `os` in the store: is told the name of each call that touches the disk."""

    def __init__(
        self, before: Callable[[str], None], after: Callable[[str], None] | None = None
    ) -> None:
        self.before = before
        self.after = after

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in ("open", "write", "close", "replace", "unlink", "fsync"):
            return real

        def call(*values: Any) -> Any:
            self.before(name)
            result = real(*values)
            if self.after:
                self.after(name)
            return result

        return call


def stand_before_os(patch: pytest.MonkeyPatch, system: System) -> None:
    """Have every module of the store call `system` in place of `os`."""
    for module in (diskbytes, opening):
        patch.setattr(module, "os", system)


# A crash, photographed: a copy of the folder is what a kill at that moment would leave behind.


def stand_before_index(patch: pytest.MonkeyPatch, store: DiskStore, system: System) -> None:
    """Tell `system` of each statement, too."""
    real = store._execute  # noqa: SLF001 - the one way to the index

    def execute(sql: str, values: Sequence[Any] = ()) -> Any:
        system.before("execute")
        rows = real(sql, values)
        if system.after:
            system.after("execute")
        return rows

    patch.setattr(store, "_execute", execute)


def steps(
    monkeypatch: pytest.MonkeyPatch, store: DiskStore, act: Callable[[DiskStore], object]
) -> list[Path]:
    """Copies of the folder from before and behind each call to system and index, and the end."""
    folder = Path(store.where)
    photos: list[Path] = []

    def photograph(name: str) -> None:
        photos.append(folder.parent / f"{len(photos)}-{name}")
        shutil.copytree(folder, photos[-1])

    with monkeypatch.context() as patch:
        system = System(photograph, photograph)
        stand_before_os(patch, system)
        stand_before_index(patch, store, system)
        act(store)
        photograph("end")
    return photos


ACTS: dict[str, tuple[Callable[[DiskStore], object], dict[str, bytes | None]]] = {
    "first upload": (lambda store: upload(store, "new", SMALL), {"new": SMALL}),
    "large upload": (lambda store: upload(store, "new", LARGE), {"new": LARGE}),
    "nothing uploaded": (lambda store: upload(store, "new", b""), {"new": b""}),
    "overwrite": (lambda store: upload(store, "old", LARGE), {"old": LARGE}),
    "delete": (lambda store: drive(store.delete("default", "old")), {"old": None}),
    "sweep": (lambda store: drive(store.sweep("default", 50)), {"short": None}),
    "clear": (lambda store: drive(store.clear("default")), {"old": None, "short": None}),
    "several at once": (
        lambda store: upload_all(store, {"old": LARGE, "new": SMALL}),
        {"old": LARGE, "new": SMALL},
    ),
    "restore": (lambda store: drive(store.restore(PAST[store])), {"old": LARGE, "short": None}),
    "forget": (lambda store: drive(store.forget("default")), {"old": None, "short": None}),
}


SMALLS = (-1, 500, 2_000)
"""Up to how many bytes are kept in the index: none, `SMALL` but not `short`, both."""


@pytest.mark.parametrize("small", SMALLS)
@pytest.mark.parametrize("name", ACTS)
def test_a_crash_between_any_two_steps_leaves_the_old_or_the_new(
    monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, small: int
) -> None:
    act, changes = ACTS[name]
    store = furnish(folder, small)
    before = {"old": SMALL, "short": LARGE[:1_000], "new": None}
    after = before | changes
    photos = steps(monkeypatch, store, act)
    drive(store.close())
    assert len(photos) > 2
    is_new = False
    for photo in photos:
        reopened = DiskStore.open_folder(photo)
        assert_tidy(photo)
        found = {path: download(reopened, path) for path in before}
        drive(reopened.close())
        assert found in (before, after), photo.name
        assert found == after or not is_new, f"{photo.name}: what was new is old again"
        is_new = found == after
    assert is_new


def test_the_bytes_are_in_place_before_anybody_can_find_them(
    monkeypatch: pytest.MonkeyPatch, store: DiskStore
) -> None:
    """A reader who shares the folder, and does not put it right, never sees half a file."""
    upload(store, "path", SMALL)
    for photo in steps(monkeypatch, store, lambda store: upload(store, "path", LARGE)):
        neighbour = DiskStore.open_folder(photo, lock=False)
        assert download(neighbour, "path") in (SMALL, LARGE), photo.name
        drive(neighbour.close())


# Calls that fail


class Interrupted(BaseException):
    """Like KeyboardInterrupt: nobody expects it, and it comes anywhere."""


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), Interrupted()])
@pytest.mark.parametrize("small", SMALLS)
@pytest.mark.parametrize("name", ACTS)
def test_any_call_may_fail(
    monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, small: int, error: BaseException
) -> None:
    """The n-th call fails, for every n: old or new, and the store goes on."""
    act, changes = ACTS[name]
    for failing in count():
        place = folder / str(failing)
        store = furnish(place, small)
        calls: list[str] = []

        def fail(call: str, calls: list[str] = calls, failing: int = failing) -> None:
            calls.append(call)
            if len(calls) == failing + 1:
                raise error

        before = {"old": SMALL, "short": LARGE[:1_000], "new": None}
        after = before | changes
        raised = False
        with monkeypatch.context() as patch:
            stand_before_os(patch, System(fail))
            stand_before_index(patch, store, System(fail))
            try:
                act(store)
            except (OSError, Interrupted) as caught:
                assert caught is error  # noqa: PT017 - whether it is raised depends on the call
                raised = True
        found = {path: download(store, path) for path in before}
        assert found in (before, after) if raised else found == after
        upload(store, "next", LARGE)
        assert download(store, "next") == LARGE
        drive(store.close())
        drive(DiskStore.open_folder(place).close())
        assert_tidy(place)
        if len(calls) <= failing:
            return


def test_a_draft_that_failed_is_over(monkeypatch: pytest.MonkeyPatch, store: DiskStore) -> None:
    def fail(name: str) -> None:
        if name == "write":
            raise OSError(errno.ENOSPC, "full")

    draft = store.draft()
    with monkeypatch.context() as patch:
        stand_before_os(patch, System(fail))
        with pytest.raises(OSError, match="full"):
            drive(draft.write(LARGE))
    with pytest.raises(ValueError, match="over"):
        drive(draft.write(SMALL))
    file = StoredFile("id", "path", "path", 0, "text/plain", "", 1, 2)
    with pytest.raises(ValueError, match="over"):
        drive(store.keep("default", draft, file))
    assert drive(store.count("default")) == (0, 0)


def test_what_the_index_refuses_leaves_nothing(store: DiskStore, folder: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        upload(store, "\ud800", SMALL)
    assert_tidy(folder)
    upload(store, "path", SMALL)
    assert download(store, "path") == SMALL


def test_an_interrupt_right_behind_the_commit(
    monkeypatch: pytest.MonkeyPatch, store: DiskStore, folder: Path
) -> None:
    real = store._execute  # noqa: SLF001 - no call to the system marks this moment

    def interrupt(sql: str, values: Sequence[Any] = ()) -> Any:
        rows = real(sql, values)
        if "INSERT" in sql:
            raise Interrupted
        return rows

    upload(store, "path", SMALL)
    with monkeypatch.context() as patch:
        patch.setattr(store, "_execute", interrupt)
        with pytest.raises(Interrupted):
            upload(store, "path", LARGE)
    assert download(store, "path") == LARGE
    drive(store.sweep("default", 0))
    assert_tidy(folder)


def test_a_write_may_take_only_a_part(monkeypatch: pytest.MonkeyPatch, store: DiskStore) -> None:
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: real(fd, data[:1_000]))
        upload(store, "path", LARGE)
    assert download(store, "path") == LARGE


def test_a_full_disk(tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", tmp_path],  # noqa: S607 - where it is
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk takes root")
    try:
        store = DiskStore.open_folder(tmp_path / "data")
        kept = 0
        with pytest.raises(OSError, match=r".") as caught:  # noqa: PT012 - which one fails is open
            while True:
                upload(store, f"{kept}", LARGE[: 50_000 + kept])
                kept += 1
        assert caught.value.errno == errno.ENOSPC
        assert kept > 3
        assert drive(store.count("default"))[0] == kept
        assert all(download(store, f"{n}") == LARGE[: 50_000 + n] for n in range(kept))
        assert drive(store.clear("default")) == kept
        upload(store, "again", LARGE)
        drive(store.close())
        assert_tidy(tmp_path / "data")
    finally:
        subprocess.run(["umount", tmp_path], check=True)  # noqa: S607 - as above


def test_durable_waits_for_the_disk_before_the_commit(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    store = DiskStore.open_folder(folder, durable=True, small=-1)
    calls: list[str] = []
    with monkeypatch.context() as patch:
        stand_before_os(patch, System(calls.append))
        upload(store, "path", SMALL)
    assert calls.count("fsync") == 2  # the bytes, and their name in `incoming`
    assert "fsync" not in calls[calls.index("replace") :]
    assert download(store, "path") == SMALL
    drive(store.close())


# Kills

CHILD = """
import os, random, sys
from pathlib import Path
from mockkie.store import StoredFile
from mockkie.store.disk import DiskStore

def drive(coroutine):
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value

def say(*words):
    os.write(1, (" ".join(words) + "\\n").encode())

folder, seed, shared = sys.argv[1:]
chance = random.Random(seed)
store = DiskStore.open_folder(Path(folder), lock=not shared)
say("ready")
for number in range(150 if shared else 10**9):
    world, path = chance.choice(["default", "default", "short"]), f"p{chance.randrange(6)}"
    content = chance.randbytes(chance.choice([0, 10, 1_000, 70_000, 300_000]))
    draft = store.draft()
    for at in range(0, len(content), 40_000):
        drive(draft.write(content[at : at + 40_000]))
    if chance.random() < 0.1:
        drive(draft.discard())
        continue
    file = StoredFile(f"{seed}-{number}", path, path, draft.size, "", draft.digest, 1, number)
    say("try", world, path, file.digest)
    drive(store.keep(world, draft, file))
    say("done", world, path, file.digest)
    if chance.random() < 0.2:
        drive(store.sweep("short", number - 2))
    if chance.random() < 0.05:
        drive(store.clear("short"))
drive(store.close())
"""


def start(folder: Path, seed: str, *, shared: bool = False) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, folder, seed, "shared" if shared else ""],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def test_kill_9_loses_no_acknowledged_file(folder: Path) -> None:
    chance = random.Random(9)  # noqa: S311 - no secret
    tried: dict[str, list[str]] = {}  # digests by path, from the last acknowledged one on
    acknowledged = 0
    for number in range(15):
        child = start(folder, f"{number}")
        time.sleep(chance.uniform(0.0, 0.25))
        child.kill()
        lines, _ = child.communicate()
        for line in lines.splitlines():
            word, world, path, digest = line.split(" ")
            if world == "default":
                tried[path] = [*tried.get(path, ["none"]), digest] if word == "try" else [digest]
                acknowledged += word == "done"
        store = DiskStore.open_folder(folder)
        for path, digests in tried.items():
            content = download(store, path)
            digest = "none" if content is None else blake3(content).hexdigest()
            assert digest in digests, f"round {number}, {path}"
            tried[path] = [digest]
        drive(store.close())
        assert_tidy(folder)
    assert acknowledged > 100


def test_several_processes_share_a_folder(folder: Path, store: DiskStore) -> None:
    children = [start(folder, f"{seed}", shared=True) for seed in range(2)]
    looks = 0
    while any(child.poll() is None for child in children):
        for number in range(6):
            file = drive(store.find("default", f"p{number}"))
            reading = file and drive(store.open("default", file))
            if file and reading:
                assert blake3(read(reading, file.size)).hexdigest() == file.digest
                drive(reading.close())
                looks += 1
    for child in children:
        child.communicate()
        assert child.returncode == 0
    assert looks > 10
    assert drive(store.count("default"))[0] == 6
    assert_tidy(folder)


def leave_in_incoming(patch: pytest.MonkeyPatch, store: DiskStore, path: str) -> StoredFile:
    """A file as it is between the commit and the rename."""

    def fail(name: str) -> None:
        if name == "replace":
            raise OSError(errno.EIO, "not now")

    with patch.context() as context:
        stand_before_os(context, System(fail))
        return upload(store, path, SMALL)


def test_a_neighbour_that_opens_leaves_uploads_in_flight_alone(
    store: DiskStore, folder: Path
) -> None:
    async def go() -> None:
        async with store.draft() as draft:
            await draft.write(LARGE)
            await DiskStore.open_folder(folder, lock=False).close()
            file = StoredFile("id", "path", "path", draft.size, "", draft.digest, 1, 2)
            await store.keep("default", draft, file)

    drive(go())
    assert download(store, "path") == LARGE


def test_a_neighbour_may_shelve_the_bytes_between_two_looks(
    monkeypatch: pytest.MonkeyPatch, store: DiskStore, folder: Path
) -> None:
    def shelve_before(second: str) -> Callable[[str], None]:
        calls: list[str] = []

        def hook(name: str) -> None:
            calls.append(name)
            if calls == [second, second]:
                for at in folder.glob("incoming/*"):
                    at.rename(next(folder.glob("files/??")).with_name(at.name[-2:]) / at.name)

        return hook

    for number in range(256):  # a file on each shelf
        upload(store, f"{number}", b"")
    file = leave_in_incoming(monkeypatch, store, "path")
    with monkeypatch.context() as patch:
        stand_before_os(patch, System(shelve_before("open")))
        reading = drive(store.open("default", file))
    assert reading is not None
    assert read(reading, file.size) == SMALL
    drive(reading.close())
    assert_tidy(folder)
    leave_in_incoming(monkeypatch, store, "other")
    with monkeypatch.context() as patch:
        stand_before_os(patch, System(shelve_before("unlink")))
        drive(store.delete("default", "other"))
    assert_tidy(folder)


# Opening


def test_a_second_mock_is_told_who_holds_the_folder(folder: Path) -> None:
    child = start(folder, "1")
    with pytest.raises(UsageError, match=f"process {child.pid}.*stop it, or choose another"):
        DiskStore.open_folder(folder)
    drive(DiskStore.open_folder(folder, lock=False).close())
    child.kill()
    child.communicate()
    drive(DiskStore.open_folder(folder).close())


def test_closing_lets_go_of_the_folder_and_may_be_repeated(folder: Path) -> None:
    store = DiskStore.open_folder(folder, small=-1)
    upload(store, "path", LARGE)
    reading = drive(store.open("default", upload(store, "other", SMALL)))
    draft = store.draft()
    drive(draft.write(LARGE))
    assert reading is not None
    drive(store.close())
    drive(store.close())
    with pytest.raises(OSError, match="file descriptor"):
        read(reading, len(SMALL))
    with pytest.raises(ValueError, match="over"):
        drive(draft.write(SMALL))
    with pytest.raises(OSError, match="closed"):
        drive(store.find("default", "path"))
    assert_tidy(folder)
    assert not [*folder.glob("*-wal")]
    again = DiskStore.open_folder(folder)
    assert download(again, "path") == LARGE
    drive(again.close())


def damage(folder: Path, how: str) -> None:
    index = folder / "index.sqlite"
    if how == "file":
        shutil.rmtree(folder)
        folder.write_text("a file")
    elif how == "below":
        shutil.rmtree(folder.parent)
        folder.parent.write_text("a file")
    elif how == "garbage":
        index.write_bytes(b"no database, but as long as one" * 1_000)
    elif how == "half":
        os.truncate(index, 4_096)
    elif how == "lost":
        index.unlink()
    else:
        with contextlib.closing(sqlite3.connect(index)) as connection:
            connection.execute(f"PRAGMA user_version = {how}")


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("file", "a folder|exists"),
        ("below", "Not a directory.*choose a folder"),
        ("garbage", "not a database.*move the folder away"),
        ("half", "malformed.*move the folder away"),
        ("lost", "files but no index"),
        ("1", "schema 1.*use that version"),
        ("4", "schema 4.*use that version"),
        ("0", "schema 0.*use that version"),
    ],
)
def test_a_folder_that_cannot_be_used(folder: Path, how: str, text: str) -> None:
    store = DiskStore.open_folder(folder, small=-1)
    for number in range(50):
        upload(store, f"{number}", SMALL)
    drive(store.close())
    damage(folder, how)
    for _ in range(2):  # the lock was let go
        with pytest.raises(UsageError, match=text) as caught:
            DiskStore.open_folder(folder)
        assert str(folder) in str(caught.value)
    if how not in {"file", "below"}:
        assert len([*folder.glob("files/*/*")]) == 50


def test_only_the_owner_may_look(folder: Path) -> None:
    mask = os.umask(0)
    try:
        store = DiskStore.open_folder(folder)
        upload(store, "path", LARGE)
        draft = store.draft()
        drive(draft.write(LARGE))
        modes = {each: stat.S_IMODE(each.stat().st_mode) for each in (folder, *folder.rglob("*"))}
    finally:
        os.umask(mask)
    assert {mode for each, mode in modes.items() if each.is_dir()} == {0o700}
    assert {mode for each, mode in modes.items() if each.is_file()} == {0o600}
    assert {"index.sqlite-wal", "index.sqlite-shm", "lock"} <= {each.name for each in modes}
    drive(store.close())


def test_a_full_disk_does_not_keep_a_mock_from_starting(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    store = DiskStore.open_folder(folder)
    upload(store, "before", LARGE)
    drive(store.close())

    def full(index: sqlite3.Connection, where: str, sql: str, values: Sequence[Any]) -> Any:
        if sql.startswith("UPDATE session"):
            raise OSError(errno.ENOSPC, "full")
        return opening_execute(index, where, sql, values)

    opening_execute = opening.execute
    monkeypatch.setattr(opening, "execute", full)
    store = DiskStore.open_folder(folder)
    assert download(store, "before") == LARGE
    upload(store, "after", LARGE)
    drive(store.close())
    monkeypatch.undo()
    store = DiskStore.open_folder(folder)
    upload(store, "later", LARGE)
    drive(store.close())
    assert_tidy(folder)


def test_a_folder_that_is_away_is_not_written_to(folder: Path) -> None:
    """SQLite would go on with an index that has no name any more."""
    store = DiskStore.open_folder(folder)
    upload(store, "before", SMALL)
    away = folder.rename(folder.with_name("away"))
    for content in (SMALL, LARGE):
        with pytest.raises(OSError, match="was deleted, moved or replaced; bring it back, or"):
            upload(store, "meanwhile", content)
    world = World("other", "1", ())
    for change in (
        lambda: store.remember(world),
        lambda: store.renew(world),
        lambda: store.forget("default"),
        lambda: store.delete("default", "before"),
        lambda: store.clear("default"),
    ):
        with pytest.raises(OSError, match="was deleted, moved or replaced"):
            drive(change())
    drive(DiskStore.open_folder(folder).close())  # another one at its place
    with pytest.raises(OSError, match="was deleted, moved or replaced"):
        upload(store, "meanwhile", SMALL)
    shutil.rmtree(folder)
    away.rename(folder)
    upload(store, "after", LARGE)
    assert [file.path for file in drive(store.list("default"))] == ["after", "before"]
    drive(store.close())
    assert_tidy(folder)


def test_what_is_of_no_world_goes(folder: Path) -> None:
    """A worker may keep a file in a world that another one has just dropped."""
    store = DiskStore.open_folder(folder)
    for path in ("a", "b"):
        upload(store, path, LARGE)
    drive(store.remember(World("other", "1", ())))
    drive(store.drop_strays())
    assert drive(store.count("default")) == (0, 0)
    upload(store, "c", LARGE)
    drive(store.remember(World("default", "2", ())))
    drive(store.drop_strays())
    assert download(store, "c") == LARGE
    drive(store.close())
    assert_tidy(folder)


def test_a_start_drops_what_is_of_no_world(folder: Path) -> None:
    store = DiskStore.open_folder(folder)
    upload(store, "stray", LARGE)
    drive(store.close())
    with serve(data=folder) as kie:
        assert [*kie.files] == []
    assert_tidy(folder)


def test_what_is_not_ours_in_incoming_stays(folder: Path) -> None:
    drive(DiskStore.open_folder(folder).close())
    strangers = [folder / "incoming" / name for name in ("notes.txt", "cafe", "f" * 16, "f" * 17)]
    for stranger in strangers:
        stranger.write_text("mine")
    drive(DiskStore.open_folder(folder).close())
    assert all(stranger.exists() for stranger in strangers)


# Bytes


def test_bytes_that_somebody_took_away(store: DiskStore, folder: Path) -> None:
    file = upload(store, "path", LARGE)
    (at,) = folder.glob("files/*/*")
    reading = drive(store.open("default", file))
    assert reading is not None
    os.truncate(at, PIECE - 1)
    with pytest.raises(OSError, match=f"lost its bytes from {PIECE - 1} on"):
        read(reading, file.size)
    drive(reading.close())
    at.unlink()
    assert drive(store.open("default", file)) is None
    assert drive(store.find("default", "path")) == file


@pytest.mark.parametrize("gone", ["replaced", "deleted", "swept"])
def test_what_cannot_be_freed_yet_is_freed_later(
    monkeypatch: pytest.MonkeyPatch, store: DiskStore, folder: Path, gone: str
) -> None:
    """As on Windows, where an open file keeps its name."""

    def fail(name: str) -> None:
        if name == "unlink":
            raise PermissionError(errno.EACCES, "in use")

    upload(store, "path", SMALL, expires_at=5)
    with monkeypatch.context() as patch:
        stand_before_os(patch, System(fail))
        if gone == "replaced":
            upload(store, "path", LARGE)
        elif gone == "deleted":
            drive(store.delete("default", "path"))
        else:
            drive(store.sweep("default", 5))
    assert download(store, "path") == (LARGE if gone == "replaced" else None)
    assert len([*folder.glob("files/*/*")]) == (2 if gone == "replaced" else 1)
    drive(store.sweep("default", 5))
    assert_tidy(folder)


def test_a_large_clear_frees_the_rest_bit_by_bit(store: DiskStore, folder: Path) -> None:
    for number in range(TRASH + 5):
        upload(store, f"{number}", b"")
    assert drive(store.clear("default")) == TRASH + 5
    assert drive(store.count("default")) == (0, 0)
    assert len([*folder.glob("files/*/*")]) == 5
    assert drive(store.sweep("default", 0)) == []
    assert_tidy(folder)


def test_a_small_content_has_no_file(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    store = DiskStore.open_folder(folder)
    calls: list[str] = []
    with monkeypatch.context() as patch:
        stand_before_os(patch, System(calls.append))
        for size in (diskbytes.SMALL + 1, diskbytes.SMALL, 0):  # the last one replaces the first
            upload(store, f"{size}" if size else f"{diskbytes.SMALL + 1}", LARGE[:size])
            assert ("open" in calls) == (size > diskbytes.SMALL)
            calls.clear()
    assert download(store, f"{diskbytes.SMALL}") == LARGE[: diskbytes.SMALL]
    assert download(store, f"{diskbytes.SMALL + 1}") == b""
    assert not [*folder.glob("files/*/*")]
    assert_tidy(folder)
    drive(store.close())


def test_small_uploads_and_small_chunks_cost_few_calls(
    monkeypatch: pytest.MonkeyPatch, store: DiskStore
) -> None:
    upload(store, "warm", SMALL)
    calls: list[str] = []
    stand_before_os(monkeypatch, System(calls.append))
    draft = store.draft()
    drive(draft.write(SMALL))
    assert calls == []
    drive(draft.discard())
    calls.clear()
    draft = store.draft()
    for _ in range(1_000):
        drive(draft.write(LARGE[:1_000]))
    assert calls.count("write") == 1_000_000 // 66_000  # 66 chunks are the first to reach BATCH
    drive(draft.discard())


def test_expiry_looks_at_what_expired_only(store: DiskStore, folder: Path) -> None:
    """The plan of the sweep as SQLite tells it: an index gives the order, nothing is sorted."""
    upload(store, "path", SMALL)
    with contextlib.closing(sqlite3.connect(folder / "index.sqlite")) as index:
        plan = index.execute(
            "EXPLAIN QUERY PLAN SELECT blob FROM file WHERE world = ? AND expires_at <= ? "
            "ORDER BY expires_at, path LIMIT ?",
            ("default", 1, 1),
        ).fetchall()
    assert "USING COVERING INDEX ends (world=? AND expires_at<?)" in plan[0][-1]
    assert len(plan) == 1


def test_a_neighbour_waits_until_the_index_is_free(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = DiskStore.open_folder(folder)
    neighbour = DiskStore.open_folder(folder, lock=False)
    with contextlib.closing(
        sqlite3.connect(folder / "index.sqlite", isolation_level=None, check_same_thread=False)
    ) as other:
        changes: list[Callable[[], object]] = [
            lambda: upload(neighbour, "waited", SMALL),
            lambda: drive(neighbour.count_often()),
            lambda: drive(neighbour.clear("another")),
            lambda: drive(neighbour.sweep("default", 1)),
        ]
        for change in changes:
            other.execute("BEGIN IMMEDIATE")
            leaving = threading.Timer(0.1, other.execute, ["COMMIT"])
            leaving.start()
            change()
            assert not other.in_transaction
            leaving.join()
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(opening, "PATIENCE", 0.1)
        for change in (changes[0], *changes[2:]):  # it counts along already
            with pytest.raises(OSError, match="database is locked"):
                change()
        other.execute("COMMIT")
    upload(neighbour, "after", SMALL)
    assert [file.path for file in drive(store.list("default"))] == ["after", "waited"]
    drive(neighbour.close())
    drive(store.close())
    assert_tidy(folder)


def test_who_alone_has_a_folder_is_patient_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite waits itself there: what it gave up is not tried again."""
    monkeypatch.setattr(opening, "PATIENCE", 0.2)
    store = DiskStore.open_folder(folder)
    asked = list[str]()
    store._index.set_trace_callback(asked.append)  # noqa: SLF001 - nobody else sees what is tried
    with contextlib.closing(
        sqlite3.connect(folder / "index.sqlite", isolation_level=None)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OSError, match="database is locked"):
            drive(store.clear("another"))
        other.execute("COMMIT")
    assert len(asked) == 1
    drive(store.close())
