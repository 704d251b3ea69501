"""A world is put back to where it was: whatever was done to it in between."""

from __future__ import annotations

import gc
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import mockkie
from mockkie.build import build_mock
from mockkie.kie import Kie, Runner
from mockkie.service import Snapshot
from mockkie.shared_folder import FolderShared
from tests.handles import ask, send
from tests.inside import Inside

pytest_plugins = ["pytester"]

PATHS = ("a/b", "a/c", "b/c/d.txt")
CONTENTS = {"empty": b"", "small": b"small", "large": b"large" * 10_000}
Picture = dict[str, Any]

which = st.sampled_from(PATHS)
contents = st.sampled_from(list(CONTENTS))


def picture(kie: Kie) -> Picture:
    """Everything that can be told of a world whose clock is frozen."""
    return {
        "files": dict(kie.files),
        "contents": {path: kie.files.read(path) for path in kie.files},
        "clock": kie.world.clock.state(),
        "journal": list(kie.journal),
        "evicted": kie.journal.evicted,
        "graves": dict(kie.world.graves),
    }


class Restored(RuleBasedStateMachine):
    """After `restore`, a world is what it was when the snapshot was taken; and no other is."""

    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.TemporaryDirectory()
        self.taken: list[tuple[int, Snapshot, Picture]] = []

    @initialize(disk=st.booleans())
    def begin(self, *, disk: bool) -> None:
        data = Path(self.place.name) / "data" if disk else "memory:"
        self.inside = Inside(build_mock(data=data))
        self.inside.run(self.inside.mock.service.start())
        service = self.inside.mock.service
        default = Kie(
            service, service.worlds.default, base_url="http://mock.test", run=self.inside.run
        )
        self.worlds = [default, default.new_world()]
        for kie in self.worlds:
            kie.world.journal.limit = 12_000  # some entries
            kie.clock.freeze("2026-01-01T00:00:00Z")

    def teardown(self) -> None:
        self.inside.close()
        self.place.cleanup()

    @rule(number=st.integers(0, 1), path=which, content=contents)
    def upload(self, number: int, path: str, content: str) -> None:
        folder, _, name = path.rpartition("/")
        fields = {"uploadPath": folder, "fileName": name}
        answer = self.inside.form(fields, CONTENTS[content], key=self.worlds[number].key)
        assert answer.status_code == 200

    @rule(number=st.integers(0, 1))
    def be_refused(self, number: int) -> None:
        assert self.inside.form({"uploadPath": "/"}, key=self.worlds[number].key).status_code == 400

    @rule(
        number=st.integers(0, 1), seeds=st.dictionaries(which, contents), hours=st.integers(0, 80)
    )
    def seed(self, number: int, seeds: dict[str, str], hours: int) -> None:
        known = {path: CONTENTS[name] for path, name in seeds.items()}
        self.worlds[number].files.seed(known, age=timedelta(hours=hours))

    @rule(number=st.integers(0, 1), path=which)
    def delete(self, number: int, path: str) -> None:
        if path in self.worlds[number].files:
            self.worlds[number].files.delete(path)

    @rule(number=st.integers(0, 1), hours=st.sampled_from([1, 30, 72]))
    def advance(self, number: int, hours: int) -> None:
        self.worlds[number].clock.advance(hours=hours)

    @rule(number=st.integers(0, 1), day=st.integers(1, 9))
    def set_clock(self, number: int, day: int) -> None:
        self.worlds[number].clock.set(f"2026-01-0{day}T00:00:00Z")

    @rule(number=st.integers(0, 1), what=st.sampled_from(["files", "journal", "all"]))
    def forget(self, number: int, what: str) -> None:
        kie = self.worlds[number]
        if what == "all":
            kie.reset()
            kie.clock.freeze("2026-01-02T00:00:00Z")
        else:
            (kie.files if what == "files" else kie.journal).clear()

    @rule(number=st.integers(0, 1))
    def snapshot(self, number: int) -> None:
        snapshot = self.worlds[number].snapshot()
        self.taken.append((number, snapshot, picture(self.worlds[number])))

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        number, snapshot, before = data.draw(st.sampled_from(self.taken))
        other = picture(self.worlds[1 - number])
        self.worlds[number].restore(snapshot)
        assert picture(self.worlds[number]) == before
        assert picture(self.worlds[1 - number]) == other

    @rule(number=st.integers(0, 1), path=which, content=contents, again=st.booleans())
    def there_and_back(self, number: int, path: str, content: str, *, again: bool) -> None:
        kie = self.worlds[number]
        with kie.restored():
            before = picture(kie)
            self.upload(number, path, content)
            self.advance(number, 72 if again else 1)
            self.forget(number, "files")
            if again:
                self.upload(number, path, "empty")
        assert picture(kie) == before

    @precondition(lambda self: self.taken)
    @rule()
    def let_go(self) -> None:
        del self.taken[0]

    @invariant()
    def numbers_are_never_used_twice(self) -> None:
        for kie in self.worlds:
            seen = [entry.seq for entry in kie.journal]
            assert seen == sorted(set(seen))
            assert not seen or seen[-1] <= kie.world.journal.last


Restored.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestRestored = Restored.TestCase


def test_a_world_is_put_back(world: Kie) -> None:
    world.clock.freeze("2026-01-01T00:00:00Z")
    send(world, "a/b.txt", b"one")
    link = world.files["a/b.txt"].download_url
    etag = ask(world, "GET", link).headers["etag"]
    before = world.snapshot()
    for _ in range(2):
        send(world, "a/b.txt", b"two")
        send(world, "a/c.txt")
        other = world.files["a/c.txt"].download_url
        world.clock.advance(days=3)
        assert ask(world, "GET", link).status_code == 404
        world.restore(before)
        assert list(world.files) == ["a/b.txt"]
        assert world.clock.now.isoformat() == "2026-01-01T00:00:00+00:00"
        assert [entry.method for entry in world.journal] == ["POST", "GET"]
        answer = ask(world, "GET", link)
        assert (answer.content, answer.headers["etag"]) == (b"one", etag)
        assert ask(world, "GET", other).status_code == 404
        world.restore(before)
    assert repr(before).startswith("Snapshot(world=World(id=")


def test_a_clock_that_flows_flows_on(world: Kie) -> None:
    world.clock.advance(days=1)
    before = world.snapshot()
    offset = world.clock.offset
    world.clock.freeze("2030-01-01T00:00:00Z")
    world.restore(before)
    assert (world.clock.offset, world.clock.frozen) == (offset, False)


def test_what_was_expired_is_gone_for_good(world: Kie) -> None:
    world.clock.freeze("2026-01-01T00:00:00Z")
    link = world.files.seed({"a/b": b"1"}, age="PT73H")["a/b"].download_url
    before = world.snapshot()
    world.clock.set("2025-12-31T00:00:00Z")
    assert ask(world, "GET", link).status_code == 404
    world.restore(before)
    world.clock.set("2025-12-31T00:00:00Z")
    answer = ask(world, "GET", link)
    assert (answer.status_code, "expired" in answer.headers["x-mockkie-why"]) == (404, True)


def test_a_world_is_put_back_behind_a_block(world: Kie) -> None:
    world.files.seed({"a/b": b"1"})
    for number in range(3):
        with world.restored() as before:
            assert send(world, "a/b", b"23").status_code == 200
            assert send(world, "/a").status_code == 400
            world.journal.assert_uploaded("a/b")
            world.restore(before)
            assert world.files.read("a/b") == b"1"
            send(world, f"c/{number}")
            send(world, "a/b", headers={"Authorization": "Bearer unknown"})
        assert list(world.files) == ["a/b"]
        world.journal.assert_no_refused()
        world.journal.assert_not_uploaded("**")


def test_an_error_takes_the_journal_of_the_block_along(world: Kie) -> None:
    send(world, "a/before")
    with pytest.raises(AssertionError, match="mine") as caught, world.restored():  # noqa: PT012 - the block
        send(world, "a/b", b"1")
        send(world, "/a")
        raise AssertionError("mine")
    [note] = caught.value.__notes__
    lines = note.splitlines()
    assert lines[0] == f"mockkie: journal of the block, before {world.world.id} was put back:"
    assert lines[1].startswith("   2  POST /api/file-stream-upload 200  [kept a/b, 1 bytes, ")
    assert "uploadPath" in lines[2]
    assert len(lines) == 3
    assert list(world.files) == ["a/before"]
    with pytest.raises(KeyError) as empty, world.restored():
        raise KeyError
    assert empty.value.__notes__[0].splitlines()[1:] == ["      nothing was asked"]


def test_a_failing_block_explains_itself(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        def test_fails(kie):
            with kie.restored():
                file = {"file": ("a.txt", b"x")}
                kie.client.post("/api/file-stream-upload", files=file, data={"uploadPath": "/"})
                pytest.fail("mine")
        """
    )
    text = pytester.runpytest().stdout.str()
    assert "mockkie: journal of the block, before world-" in text
    assert "POST /api/file-stream-upload 400  uploadPath" in text


def test_a_snapshot_is_of_one_world(world: Kie) -> None:
    nested = world.new_world()
    snapshot = nested.snapshot()
    with pytest.raises(ValueError, match=f"this snapshot is of the world '{nested.world.id}'"):
        world.restore(snapshot)
    nested.drop()
    with pytest.raises(ValueError, match="is not there any more"):
        nested.restore(snapshot)


def test_several_processes_take_no_snapshots(kie: Kie, tmp_path: Path) -> None:
    service = kie._service  # noqa: SLF001 - no handle is on several processes
    service.shared = FolderShared.create(tmp_path)
    try:
        with pytest.raises(RuntimeError, match="several processes"):
            kie.snapshot()
    finally:
        Runner()(service.shared.close())
        service.shared = None


def test_bytes_are_shared_and_freed(tmp_path: Path) -> None:
    def stored() -> int:
        return len(list((tmp_path / "files").glob("*/*")))

    with mockkie.serve(data=tmp_path) as kie:
        kie.files.seed({f"a/{number}": b"x" * 20_000 for number in range(20)})
        before = kie.snapshot()
        assert stored() == 20, "nothing is copied"
        kie.files.clear()
        assert stored() == 20, "what a snapshot holds is not freed"
        kie.restore(before)
        assert stored() == 20
        kie.files.clear()
        del before
        gc.collect()
        kie.clock.advance(days=0)
        assert stored() == 0


def test_a_restored_world_survives_a_restart(tmp_path: Path) -> None:
    with mockkie.serve(data=tmp_path) as kie:
        kie.clock.freeze("2026-01-01T00:00:00Z")
        kie.files.seed({"a/small": b"1", "a/large": b"x" * 20_000})
        with kie.restored():
            kie.clock.advance(days=30)
            kie.files.seed({"a/other": b"2"})
    with mockkie.serve(data=tmp_path) as kie:
        assert kie.clock.frozen
        assert list(kie.files) == ["a/large", "a/small"]
        assert kie.files.read("a/large") == b"x" * 20_000


def test_tasks_and_faults_are_put_back_too(kie: Kie) -> None:
    """With their counts: the third upload breaks, counted from the beginning."""
    headers = kie.headers
    kie.faults.add("status=500", operation="upload-*", nth=3)
    task = {"model": "m", "input": {"image_urls": []}}
    create = f"{kie.base_url}/api/v1/jobs/createTask"
    kie.client.post(create, headers=headers, json=task)
    assert send(kie, "a/b", b"1").status_code == 200
    with kie.restored():
        kie.faults.clear()
        kie.client.post(create, headers=headers, json=task)
        assert Runner()(kie.world.tasks.count()) == 2
        for _ in range(3):
            assert send(kie, "a/b", b"2").status_code == 200
    assert Runner()(kie.world.tasks.count()) == 1
    assert [send(kie, "a/b", b"3").status_code for _ in range(3)] == [200, 500, 200]
