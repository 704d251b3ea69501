"""How much a mock takes: of a file, of a world, of the disk; and that refusing changes nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import mockkie
from mockkie.cli import main
from mockkie.problems import UsageError
from mockkie.sizes import UNITS, parse_size
from tests.clients import Client, Httpx2, Reply
from tests.serving_processes import served, visitor_at
from tests.visitors import WAYS, Visitor, serving, visiting, visitor_of

FULL = {"success": False, "code": 400, "msg": "Storage limit exceeded"}
LARGE = {"success": False, "code": 400, "msg": "File too large"}
BROKEN = {"success": False, "code": 500, "msg": "Internal server error"}

# --------------------------------------------------------------------------------------- sizes


@given(st.integers(0, 10**6), st.sampled_from(sorted(UNITS)), st.sampled_from(["", " "]))
def test_a_size_is_a_number_of_units(number: int, unit: str, space: str) -> None:
    for written in (unit, unit.upper(), unit.title()):
        assert parse_size(f"{number}{space}{written}") == number * UNITS[unit]
    assert parse_size(number) == parse_size(str(number)) == number


@pytest.mark.parametrize(
    ("text", "size"),
    [("100MB", 100_000_000), ("1GiB", 1 << 30), ("1.5kB", 1_500), ("0.5 MiB", 524_288)],
)
def test_sizes_that_people_write(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no size like"),
        ("5 apples", "no size like 100MB, 1GiB or 500000"),
        ("10K", "no size like"),
        ("-1", "no size like"),
        ("1e6", "no size like"),
        ("\u0663MB", "no size like"),
        ("1" * 5_000, "no size like"),
        ("0.3B", "not a whole number of bytes"),
        ("1.0001kB", "not a whole number of bytes"),
        ("99999999999TB", "more than can be counted"),
    ],
)
def test_what_is_no_size(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_size(text)


@pytest.mark.parametrize("option", ["--max-file-size", "--max-total-size", "--min-free-disk"])
def test_a_wrong_size_is_said_before_anything_is_served(option: str, tmp_path: Path) -> None:
    name = option[2:].replace("-", "_")
    for environment, words in (({}, [option, "much"]), ({f"MOCKKIE_{name.upper()}": "much"}, [])):
        data = ["--port", "0", "--data", str(tmp_path / "data")]
        done = CliRunner().invoke(main, ["serve", *data, *words], env=environment)
        assert done.exit_code == 2
        assert option in done.output
        assert "'much' is no size like 100MB" in " ".join(done.output.split())
    with pytest.raises(UsageError, match=f"{option}: 'much' is no size"):
        mockkie.build_mock(**{name: "much"})  # type: ignore[arg-type] # one of the options
    assert not (tmp_path / "data").exists()


def test_an_option_that_there_is_not() -> None:
    with pytest.raises(TypeError, match="no option 'max_size'"):
        mockkie.build_mock(max_size=1)  # type: ignore[call-arg] # that is the point


# --------------------------------------------------------------------------------- one file


@pytest.fixture(params=["memory", "disk"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "memory:" if request.param == "memory" else str(tmp_path / "data")


@pytest.mark.parametrize("way", WAYS)
def test_a_file_over_the_option(way: str, place: str, http: Client) -> None:
    with serving(data=place, max_file_size="20kB") as server, visiting(server, http) as visitor:
        visitor.upload(way, b"x" * 20_000, name="kept")
        before = visitor.paths()
        reply = refused_by(visitor, lambda: visitor.post("stream", b"y" * 20_001, name="kept"))
        assert (reply.status, reply.json) == (400, LARGE)
        assert "over 20,000 bytes (x-mockkie.limits.fileSize)" in reply.why
        assert visitor.paths() == before


def test_the_option_is_the_setting(http: Client) -> None:
    with serving(max_file_size=10, max_total_size="1kB") as server:
        settings = server.mock.service.settings
        assert (settings.limits.file, settings.limits.total) == (10, 1_000)
        other = visitor_of(server, http, settings={"limits": {"fileSize": 30, "totalSize": None}})
        for _ in range(50):
            other.upload("stream", b"x" * 30)
        assert other.post("stream", b"x" * 31).status == 400


# ---------------------------------------------------------------------------- all of a world


def refused_by(visitor: Visitor, ask: Callable[[], Reply]) -> Reply:
    """What a refusal says, after it was seen to be in the journal and to have kept nothing."""
    reply = ask()
    entry = visitor.journal()[-1]
    assert entry["why"] == reply.why
    assert entry["status"] == reply.status
    assert entry["file"] is None
    return reply


@pytest.mark.parametrize("way", WAYS)
def test_a_world_has_room_for_so_many_bytes(way: str, place: str, http: Client) -> None:
    with serving(data=place, max_total_size=100_000) as server, visiting(server, http) as visitor:
        first = visitor.upload(way, b"1" * 40_000, "r", "one", client=http)
        if way == "url":  # its source is a file of the world as well
            visitor.control("DELETE", "/files?path=source/blob.bin")
        visitor.upload("stream", b"2" * 60_000, "r", "two")
        for name in ("three", "two"):
            size = 1 if name == "three" else 60_001
            reply = refused_by(visitor, lambda: visitor.post("stream", b"3" * size, "r", name))  # noqa: B023 - asked at once
            assert (reply.status, reply.json) == (400, FULL)
            assert "over 100,000 (x-mockkie.limits.totalSize)" in reply.why
        assert visitor.get(first["downloadUrl"]).body == b"1" * 40_000
        assert visitor.paths() == ["r/one", "r/two"]
        visitor.upload("stream", b"4" * 60_000, "r", "two")  # replaced: nothing is added
        visitor.upload("stream", b"5" * 50_000, "r", "two")
        visitor.upload("stream", b"6" * 10_000, "r", "three")
        assert refused_by(visitor, lambda: visitor.post("base64", b"7", "r")).json == FULL
        visitor.upload("stream", b"", "r", "empty")


def test_a_file_larger_than_all_the_room_is_refused_on_the_way(place: str, http: Client) -> None:
    """It never fits, whatever it replaces: nobody waits for its end."""
    with serving(data=place, max_total_size=1_000) as server, visiting(server, http) as visitor:
        reply = visitor.post("stream", b"x" * 3_000_000)
        assert (reply.status, reply.json) == (400, LARGE)
        assert "over 1,000 bytes (x-mockkie.limits.totalSize)" in reply.why


def test_each_world_has_room_of_its_own(place: str, http: Client) -> None:
    with serving(data=place, max_total_size="10kB") as server:
        for _ in range(3):
            visitor_of(server, http).upload("stream", b"x" * 10_000)


def test_the_expired_make_room_at_that_instant(place: str, http: Client) -> None:
    with serving(data=place, max_total_size=100) as server, visiting(server, http) as visitor:
        visitor.set_clock()
        for number in range(10):
            visitor.upload("stream", b"0123456789", "a", f"{number}")
        visitor.advance(3 * 86_400 - 0.001)
        assert visitor.post("stream", b"x", "a", "new").json == FULL
        visitor.advance(0.001)
        visitor.upload("stream", b"y" * 100, "a", "new")
        assert visitor.paths() == ["a/new"]


def test_deleted_and_reset_files_make_room(place: str, http: Client) -> None:
    with serving(data=place, max_total_size=10) as server, visiting(server, http) as visitor:
        for clear in ("DELETE /files?path=a/b/x", "DELETE /files", "POST /reset"):
            visitor.upload("stream", b"0123456789", name="x")
            assert visitor.post("stream", b"y").json == FULL
            assert visitor.control(*clear.split()).status < 300
        visitor.upload("stream", b"0123456789", name="x")


def test_a_limit_that_is_set_later_drops_nothing(place: str) -> None:
    with mockkie.serve(data=place) as kie:
        kie.files.seed({"a/1": b"x" * 100})
        kie.settings.update(limits={"totalSize": 100})
        with pytest.raises(ValueError, match=r"nothing was seeded.*over 100 \(x-mockkie"):
            kie.files.seed({"a/2": b"y", "a/3": b"z"})
        assert list(kie.files) == ["a/1"]
        kie.files.seed({"a/1": b"", "a/2": b"y" * 99, "a/3": b"z"})
        kie.settings.update(limits={"totalSize": 5})
        assert len(kie.files) == 3
        with pytest.raises(ValueError, match="over"):
            kie.files.seed({"a/4": b"y"})


def test_uploads_at_the_same_time_are_never_too_many(place: str, http: Client) -> None:
    with serving(data=place, max_total_size=50_000) as server, visiting(server, http) as visitor:
        assert at_once(lambda number: visitor.post("stream", b"x" * 20_000, "a", f"{number}")) == 2
        assert len(visitor.paths()) == 2


def test_two_processes_never_take_too_many(tmp_path: Path, http: Client) -> None:
    with served(tmp_path, "--workers", "2", "--max-total-size", "100kB") as facts:
        visitor = visitor_at(facts, http)

        def post(number: int) -> Reply:
            with contextlib.closing(Httpx2()) as own:  # a connection of its own: to any of them
                return visitor.post("stream", b"x" * 30_000, "a", f"{number}", client=own)

        assert at_once(post) == 3
        assert len(visitor.paths()) == 3


def at_once(post: Callable[[int], Reply], times: int = 12) -> int:
    """How many of so many uploads were kept; all others were refused for want of room."""
    with ThreadPoolExecutor(times) as pool:
        replies = list(pool.map(post, range(times)))
    kept = [reply for reply in replies if reply.status == 200]
    assert all(reply.json == FULL for reply in replies if reply not in kept)
    return len(kept)


def test_a_folder_is_counted_when_that_is_needed_and_only_then(tmp_path: Path) -> None:
    def counted() -> bool:
        with contextlib.closing(sqlite3.connect(tmp_path / "index.sqlite")) as index:
            [(found,)] = index.execute("SELECT count(*) FROM sqlite_master WHERE name = 'held'")
            return bool(found)

    with mockkie.serve(data=tmp_path) as kie:
        kie.files.seed({f"a/{number}": b"x" * number for number in range(100)})
        assert not counted()
    for more in (0, 7):
        with mockkie.serve(data=tmp_path, max_total_size=4_950 + more) as kie:
            assert len(kie.files) == 100
            kie.files.seed({"a/0": b"y" * more})
            with pytest.raises(ValueError, match=f"over {4_950 + more:,} "):
                kie.files.seed({"b/1": b"y"})
            assert counted()
    with mockkie.serve(data=tmp_path) as kie:
        kie.files.seed({"c/1": b"z"})
        assert not counted()
    with (
        mockkie.serve(data=tmp_path, max_total_size=4_958) as kie,
        pytest.raises(ValueError, match="over 4,958 "),
    ):
        kie.files.seed({"b/1": b"y"})


# ---------------------------------------------------------------------------- the disk itself


def test_a_disk_with_too_little_left(tmp_path: Path, http: Client) -> None:
    more = shutil.disk_usage(tmp_path).total
    with serving(data=tmp_path / "data", min_free_disk=more) as server:
        visitor = visitor_of(server, http)
        for way in ("stream", "base64"):
            for size in (0, 1, 100_000):
                reply = refused_by(visitor, lambda: visitor.post(way, b"y" * size))  # noqa: B023 - asked at once
                assert (reply.status, reply.json) == (500, BROKEN)
                assert "are free on the disk of" in reply.why
                assert f"{more:,} stay free (--min-free-disk)" in reply.why
        assert visitor.paths() == []
        assert not [*(tmp_path / "data" / "incoming").iterdir()]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 40 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(place)]
    if sys.platform != "linux" or subprocess.run(command, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)  # noqa: S607 - as above


def fill(visitor: Visitor, size: int) -> tuple[dict[str, bytes], Reply]:
    """Upload files of so many bytes until one is refused; the links of the others."""
    kept: dict[str, bytes] = {}
    while True:
        content = os.urandom(size)
        reply = visitor.post("stream", content, "f", f"{len(kept)}")
        if reply.status != 200:
            return kept, reply
        kept[reply.json["data"]["downloadUrl"]] = content


@pytest.mark.parametrize("size", [16_000, 3_000_000])
def test_the_disk_is_never_full(size: int, small_disk: Path, http: Client) -> None:
    least, log = 22 << 20, 16 << 20  # the index takes as much as its log has when it is full
    with served(small_disk, "--min-free-disk", "22MiB") as facts:
        visitor = visitor_at(facts, http)
        kept, reply = fill(visitor, size)
        assert (reply.status, reply.json) == (500, BROKEN)
        assert "stay free (--min-free-disk)" in reply.why
        assert least - log < shutil.disk_usage(small_disk).free < least + 2 * size + (1 << 20)
        assert len(kept) > 3
        assert all(visitor.get(link).body == content for link, content in kept.items())
        assert visitor.control("DELETE", "/files").json["deleted"] == len(kept)
        assert len(fill(visitor, size)[0]) > len(kept) * 0.8


@pytest.mark.parametrize(("size", "workers"), [(16_000, 1), (3_000_000, 1), (3_000_000, 2)])
def test_a_full_disk_is_survived(size: int, workers: int, small_disk: Path, http: Client) -> None:
    more = ["--min-free-disk", "0", "--workers", str(workers)]
    with served(small_disk, *more) as facts:
        visitor = visitor_at(facts, http)
        kept, reply = fill(visitor, size)
        for _ in range(4):
            assert (reply.status, reply.json) == (500, BROKEN), reply
            assert "the disk is full, nothing was kept" in reply.why
            assert http.fetch("GET", f"{facts['url']}/livez").status == 200
            reply = visitor.post("stream", b"x" * 3_000_000, "f", "0")
        assert all(visitor.get(link).body == content for link, content in kept.items())
        visitor.control("DELETE", "/files?path=f/0")
    with served(small_disk, *more) as facts:
        assert len(visitor_at(facts, http).paths()) >= min(len(kept), 1_000) - 1


def test_a_file_that_the_system_refuses_is_survived(tmp_path: Path, http: Client) -> None:
    """`ulimit -f`, as a quota of the file system would: needs no root."""

    with served(tmp_path, limit="ulimit -f 80000;") as facts:  # blocks of 512 bytes
        visitor = visitor_at(facts, http)
        for _ in range(2):
            reply = refused_by(visitor, lambda: visitor.post("stream", b"x" * 41_000_000))
            assert (reply.status, reply.json) == (500, BROKEN)
            assert "the disk is full, nothing was kept: File too large" in reply.why
            visitor.upload("stream", b"x" * 1_000_000)
        assert not [*(tmp_path / "data" / "incoming").iterdir()]
