"""After a loss of power, what is listed is there, and what is there is listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockkie.store import blackout
from mockkie.store.disk import DiskStore
from tests.test_disk_store import LARGE, SMALL, assert_tidy, download, drive, upload

FILES = {"cut": LARGE, "gone": LARGE, "other": LARGE, "small": SMALL, "whole": LARGE}


@pytest.fixture
def boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the system says of its start."""
    at = tmp_path / "boot_id"
    at.write_text("first\n")
    monkeypatch.setattr(blackout, "_BOOT", at)
    return at


@pytest.fixture
def folder(tmp_path: Path, boot: Path) -> Path:
    """A folder whose bytes were not on the platter when power was lost, or not all."""
    del boot
    folder = tmp_path / "data"
    store = DiskStore.open_folder(folder)
    bytes_of = {}
    for path, content in FILES.items():
        before = {*folder.glob("files/*/*")}
        upload(store, path, content)
        bytes_of[path] = [*{*folder.glob("files/*/*")} - before]
    drive(store.close())
    [cut], [gone], [other] = (bytes_of[path] for path in ("cut", "gone", "other"))
    cut.write_bytes(LARGE[:100])
    gone.unlink()
    other.write_bytes(b"?" + LARGE[1:])
    (folder / "files" / "00").mkdir(exist_ok=True)
    (folder / "files" / "00" / f"{0x700:016x}").write_bytes(b"of nobody")
    return folder


def listed(folder: Path) -> dict[str, bytes | None]:
    store = DiskStore.open_folder(folder)
    found = {file.path: download(store, file.path) for file in drive(store.list("default"))}
    drive(store.close())
    return found


def test_what_power_took_is_dropped(folder: Path, boot: Path) -> None:
    boot.write_text("second\n")
    assert listed(folder) == {"small": SMALL, "whole": LARGE}
    assert_tidy(folder)


@pytest.mark.parametrize("says", ["first\n", "", None])
def test_nobody_looks_where_the_system_went_on(folder: Path, boot: Path, says: str | None) -> None:
    """Or where it does not say whether it did."""
    if says is None:
        boot.unlink()
    else:
        boot.write_text(says)
    store = DiskStore.open_folder(folder)
    assert [file.path for file in drive(store.list("default"))] == list(FILES)
    drive(store.close())


def test_once_is_enough(folder: Path, boot: Path) -> None:
    boot.write_text("second\n")
    listed(folder)
    store = DiskStore.open_folder(folder)
    upload(store, "new", LARGE)
    drive(store.close())
    for at in folder.glob("files/*/*"):
        at.write_bytes(LARGE[:-1] + b"?")
    assert {*listed(folder)} == {"small", "whole", "new"}
    boot.write_text("third\n")  # what was looked at after the second start is on the platter
    assert {*listed(folder)} == {"small", "whole"}


def test_a_neighbour_does_not_look(folder: Path, boot: Path) -> None:
    store = DiskStore.open_folder(folder)
    boot.write_text("second\n")
    neighbour = DiskStore.open_folder(folder, lock=False)
    assert len(drive(neighbour.list("default"))) == len(FILES)
    drive(neighbour.close())
    drive(store.close())
