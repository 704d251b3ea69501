"""A data folder in which somebody else has put something: nothing is written to where it leads."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

from mockkie.problems import UsageError
from mockkie.store.disk import DiskStore
from tests.serving_processes import served

pytestmark = pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="POSIX")


def opened(folder: Path) -> None:
    """Open a data folder, and let go of it."""
    asyncio.run(DiskStore.open_folder(folder).close())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder that a mock has used."""
    made = tmp_path / "data"
    opened(made)
    return made


@pytest.mark.parametrize(
    "name", ["lock", "index.sqlite", "index.sqlite-wal", "shared.sqlite", "shared.sqlite-wal"]
)
@pytest.mark.parametrize("how", ["link", "hard link", "pipe"])
def test_a_file_that_leads_elsewhere_is_refused(folder: Path, name: str, how: str) -> None:
    victim = folder.parent / "victim"
    victim.write_bytes(b"precious")
    (folder / name).unlink(missing_ok=True)
    if how == "link":
        (folder / name).symlink_to(victim)
    elif how == "hard link":
        os.link(victim, folder / name)
    else:
        os.mkfifo(folder / name)
    with pytest.raises(UsageError, match=f"^{name} in the data folder .* is no file of its own"):
        DiskStore.open_folder(folder)
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["incoming", "files", "files/00", "journals", "counts"])
def test_a_folder_that_leads_elsewhere_is_refused(folder: Path, name: str) -> None:
    victim = folder.parent / "victim"
    victim.mkdir()
    if (folder / name).exists():
        (folder / name).rmdir()
    (folder / name).symlink_to(victim)
    with pytest.raises(UsageError, match="is no folder of its own"):
        DiskStore.open_folder(folder)
    assert list(victim.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="root gives files away")
def test_a_file_of_another_user_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chown(folder / "index.sqlite", 12_345, 12_345)
    opened(folder)  # root takes what it finds
    monkeypatch.setattr(os, "geteuid", lambda: 5_430)
    with pytest.raises(UsageError, match="belongs to another user"):
        DiskStore.open_folder(folder)


def test_a_folder_that_others_write_to_is_told_of(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.chmod(0o777)
    opened(folder)
    assert "other users" in caplog.text
    caplog.clear()
    folder.chmod(0o1777 if os.geteuid() == folder.stat().st_uid else 0o700)
    opened(folder)
    assert caplog.text == ""


def test_nobody_else_reads_what_is_written(tmp_path: Path) -> None:
    """Whatever the umask of the shell."""
    before = os.umask(0)
    try:
        with served(tmp_path, "--workers", "2", "--tls", said=tmp_path / "errors"):
            loose = [
                path
                for path in [
                    *(tmp_path / "data").rglob("*"),
                    tmp_path.parent / f"{tmp_path.name}.json",
                ]
                if stat.S_IMODE(path.lstat().st_mode) & 0o077
            ]
    finally:
        os.umask(before)
    assert loose == []
