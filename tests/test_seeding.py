"""Files that are there without an upload: by the handle, from a folder, from the start."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from blake3 import blake3

import mockkie
from mockkie.kie import Kie
from mockkie.store.memory import MemoryStore
from tests.handles import PNG, ask, send
from tests.inside import edited, form_schema


def test_contents_by_path(world: Kie, tmp_path: Path) -> None:
    path = tmp_path / "anything"
    path.write_bytes(b"hello" * 300_000)
    seeded = world.files.seed(
        {
            "images/a.png": PNG,
            "docs/b c.txt": path,
            "a/b/c": bytearray(b""),
            "m/v": memoryview(b"v"),
        }
    )
    assert list(seeded) == ["images/a.png", "docs/b c.txt", "a/b/c", "m/v"]
    assert dict(world.files) == {name: seeded[name] for name in sorted(seeded)}
    assert world.files.read("docs/b c.txt") == path.read_bytes()
    assert world.files.read("a/b/c") == b""
    png = seeded["images/a.png"]
    assert (png.name, png.size, png.mime) == ("a.png", len(PNG), "image/png")
    assert png.digest == blake3(PNG).hexdigest()
    assert png.expires_at - png.uploaded_at == timedelta(days=3)
    answer = ask(world, "GET", png.download_url)
    assert (answer.content, answer.headers["content-type"]) == (PNG, "image/png")
    world.journal.assert_not_uploaded("**")


def test_a_folder(world: Kie, tmp_path: Path) -> None:
    for name in ("b/2.txt", "b/1.txt", "a/deep/x.bin", "b/.hidden"):
        file = tmp_path / "some" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    (tmp_path / "some" / "empty").mkdir()
    seeded = world.files.seed(tmp_path / "some")
    assert list(seeded) == ["a/deep/x.bin", "b/.hidden", "b/1.txt", "b/2.txt"]
    assert world.files.read("b/1.txt") == b"b/1.txt"
    below = world.files.seed(tmp_path / "some" / "b", under="images/mine")
    assert list(below) == [f"images/mine/{name}" for name in (".hidden", "1.txt", "2.txt")]
    assert list(world.files.seed({"x": b""}, under="images")) == ["images/x"]
    assert world.files.seed({}) == {}


def test_age(world: Kie) -> None:
    now = world.clock.freeze("2026-03-04T12:00:00Z")
    seeded = world.files.seed({"a/old": b"1", "a/b": b"2"}, age=timedelta(hours=71))
    assert seeded["a/old"].uploaded_at == now - timedelta(hours=71)
    assert seeded["a/old"].expires_at == now + timedelta(hours=1)
    assert world.files.seed({"a/new": b"3"}, age="PT1H")["a/new"].expires_at.day == 7
    gone = world.files.seed({"a/gone": b"4"}, age="P4D")["a/gone"]
    answer = ask(world, "GET", gone.download_url)
    assert answer.status_code == 404
    assert "expired 1 days ago, 3 days after its upload" in answer.headers["x-mockkie-why"]
    assert "a/gone" not in world.files
    world.clock.advance(hours=1)
    assert list(world.files) == ["a/new"]
    for wrong in (timedelta(milliseconds=-1), "P9999999D"):
        with pytest.raises(ValueError, match="age is how long ago"):
            world.files.seed({"a/b": b""}, age=wrong)
    with pytest.raises(ValueError, match="ISO 8601"):
        world.files.seed({"a/b": b""}, age="three days")


def test_a_seed_overwrites_and_is_overwritten(world: Kie) -> None:
    send(world, "a/b.txt", b"uploaded")
    link = world.files.seed({"a/b.txt": b"seeded"})["a/b.txt"].download_url
    assert ask(world, "GET", link).content == b"seeded"
    send(world, "a/b.txt", b"again")
    assert ask(world, "GET", link).content == b"again"
    world.clock.advance(days=3)
    world.clock.advance(days=0)  # the file is swept, and has a grave
    assert "expired" in ask(world, "GET", link).headers["x-mockkie-why"]
    world.files.seed({"a/b.txt": b"seeded"})
    assert ask(world, "GET", link).content == b"seeded"
    world.files.delete("a/b.txt")
    assert "never uploaded, or deleted" in ask(world, "GET", link).headers["x-mockkie-why"]


@pytest.mark.parametrize(
    "path", ["/a.png", "a//b", "../b", "a/..", "a/", "a/./b", "a/b\x00", "a/" + "n" * 256]
)
def test_what_an_upload_would_refuse_is_refused(world: Kie, path: str) -> None:
    world.files.seed({"a/there": b"before"})
    with pytest.raises(ValueError, match=r"^nothing was seeded\. ") as caught:
        world.files.seed({"a/there": b"after", path: b"", "a/new": b""})
    assert repr(path) in str(caught.value)
    assert list(world.files) == ["a/there"]
    assert world.files.read("a/there") == b"before"
    assert send(world, path).status_code == 400 or not path.rpartition("/")[2]


def test_every_refusal_is_told(world: Kie) -> None:
    with pytest.raises(ValueError, match="nothing") as caught:
        world.files.seed({"top.txt": b"", "a/../b": b"", "a/\ud800": b"", "a/fine": b""})
    told = str(caught.value).splitlines()
    assert len(told) == 3
    assert told[0].startswith("nothing was seeded. 'top.txt': it has no folder, which an upload")
    assert re.match(r"'a/\.\./b': uploadPath: .*openapi\.yaml:\d+", told[1])
    assert told[2] == r"'a/\ud800': it is no text in UTF-8"
    many = {f"{number}": b"" for number in range(12)}
    with pytest.raises(ValueError, match="nothing") as caught:
        world.files.seed(many)
    assert str(caught.value).splitlines()[10:] == ["and 2 more"]


def test_what_is_no_content(world: Kie, tmp_path: Path) -> None:
    for wrong in ("text", None, 5):
        with pytest.raises(TypeError, match="a/b: seed bytes or a Path"):
            world.files.seed({"a/a": b"", "a/b": wrong})  # type: ignore[dict-item]
    with pytest.raises(FileNotFoundError):
        world.files.seed({"a/a": b"", "a/b": tmp_path / "none"})
    for folder in (tmp_path / "none", Path(__file__)):
        with pytest.raises(NotADirectoryError, match="is no folder; seed one"):
            world.files.seed(folder)
    assert len(world.files) == 0


def test_the_settings_of_the_contract_count(tmp_path: Path) -> None:
    def limits(document: dict[str, Any]) -> None:
        document["x-mockkie"] |= {"edgeSlashes": "trim", "limits": {"fileSize": 4}}
        form_schema(document)["properties"]["file"]["minLength"] = 2

    with mockkie.serve(contract=edited(tmp_path, limits)) as kie:
        assert list(kie.files.seed({"/a/b": b"1234"})) == ["a/b"]
        with pytest.raises(ValueError, match=r"'a/c': the file is over 4 bytes \(x-mockkie"):
            kie.files.seed({"a/a": b"123", "a/c": b"12345"})
        with pytest.raises(ValueError, match=r"'a/c': file has a length of 1, .* asks for 2"):
            kie.files.seed({"a/a": b"123", "a/c": b"1"})
        with pytest.raises(ValueError, match="'a/c': another one is seeded to the same place"):
            kie.files.seed({"a/c": b"123", "/a/c": b"123"})
        assert list(kie.files) == ["a/b"]


def only_downloads(document: dict[str, Any]) -> None:
    for path in [path for path in document["paths"] if "upload" in path]:
        del document["paths"][path]


def only_url_uploads(document: dict[str, Any]) -> None:
    for path in [path for path in document["paths"] if "stream" in path or "base64" in path]:
        del document["paths"][path]


@pytest.mark.parametrize(("change", "refused"), [(only_downloads, False), (only_url_uploads, True)])
def test_documents_without_a_form(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], *, refused: bool
) -> None:
    with mockkie.serve(contract=edited(tmp_path, change)) as kie:
        assert list(kie.files.seed({"a/b": b"1"})) == ["a/b"]
        if refused:
            with pytest.raises(ValueError, match="uploadPath"):
                kie.files.seed({"../b": b"1"})


def test_a_store_that_fails_keeps_none(world: Kie, monkeypatch: pytest.MonkeyPatch) -> None:
    store = world._service.store  # noqa: SLF001 - what fails has to be told to
    before = world.files.seed({"a/b": b"before"})

    async def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "keep_all", fail)
    with pytest.raises(OSError, match="No space"):
        world.files.seed({"a/b": b"after", "a/c": b""})
    assert dict(world.files) == before
    if not isinstance(store, MemoryStore):
        assert list(Path(store.where).glob("incoming/*")) == []


def test_within_a_running_loop(world: Kie) -> None:
    async def go() -> Mapping[str, object]:
        return world.files.seed({"a/b": b"1"})

    assert list(asyncio.run(go())) == ["a/b"]


# -------------------------------------------------------------------------- from the start


def test_files_that_are_there_from_the_start(tmp_path: Path) -> None:
    folder, data = tmp_path / "fixtures", tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "a.png").write_bytes(PNG)
    for _ in range(2):
        with mockkie.serve(data=data, seed_files=folder) as kie:
            assert list(kie.files) == ["images/a.png"]
            assert httpx2.get(kie.files["images/a.png"].download_url).content == PNG
            kie.clock.advance(days=2)
        with mockkie.serve(data=data) as kie:
            kie.clock.reset()
    with mockkie.serve(seed_files={"docs/a.txt": b"hello"}) as kie:
        assert kie.files.read("docs/a.txt") == b"hello"


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ({"a.txt": b""}, "--seed-files: nothing was seeded. 'a.txt': it has no folder"),
        ({"a/b": 1}, "--seed-files: a/b: seed bytes or a Path"),
        (Path("none"), "--seed-files: none is no folder"),
    ],
)
def test_a_wrong_seed_is_a_wrong_option(tmp_path: Path, seeds: Any, message: str) -> None:
    for _ in range(2):  # the folder is let go of
        with pytest.raises(mockkie.UsageError, match=re.escape(message)):
            mockkie.serve(data=tmp_path / "data", seed_files=seeds).__enter__()
