"""Wheel and sdist, built of a copy of this checkout in surroundings of its own.

Knows no attack. The build tool is put into a folder by pip; nothing else is asked of a network.
"""

from __future__ import annotations

import getpass
import hashlib
import io
import os
import random
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
_PATIENCE: Final = 300.0
_MADE: Final = ("__pycache__", "build", "dist", "node_modules")
_CLUTTER: Final = (
    *(".env", ".coverage.host.1", ".DS_Store", ".gate.py.swp", "gate.py~", "gate.py.orig"),
    *("gate.py.rej", "__pycache__/gate.cpython-311.pyc", ".hypothesis/examples/1", ".idea/a.xml"),
    *(".mypy_cache/3.11/a.json", ".pytest_cache/v/lastfailed", ".ruff_cache/0/1"),
)
"""What people and tools leave beside code."""
_CLUTTERED: Final = ("", "mockkie", "mockkie/store", "contract_tests", "docs", "tests", ".ci")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where and when a build happens. `epoch` is `SOURCE_DATE_EPOCH`; None is without."""

    folder: Path
    mask: int
    locale: str
    zone: str
    touched: int
    epoch: int | None


@dataclass(frozen=True, slots=True)
class Pair:
    """The bytes of a wheel and of an sdist."""

    wheel: bytes
    sdist: bytes

    @property
    def digests(self) -> tuple[str, str]:
        """SHA-256 of both."""
        return hashlib.sha256(self.wheel).hexdigest(), hashlib.sha256(self.sdist).hexdigest()

    @property
    def contents(self) -> str:
        """SHA-256 of all that is in both, without dates and modes."""
        digest = hashlib.sha256()
        for files in (in_wheel(self.wheel), in_sdist(self.sdist)):
            for name, content in sorted(files.items()):
                digest.update(f"{name}\n{len(content)}\n".encode() + content)
        return digest.hexdigest()


def sources(root: Path = ROOT) -> list[str]:
    """The files of a checkout, or, of an unpacked sdist, those that nothing made."""
    if (root / ".git").exists():
        words = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        told = subprocess.run(words, cwd=root, check=True, capture_output=True).stdout
        names = {name for name in told.decode().split("\0") if (root / name).is_file()}
        return sorted(names)
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return sorted(
        path.as_posix()
        for path in found
        if not any(part in _MADE or part.startswith(".") for part in path.parts[:-1])
    )


def surroundings(
    chances: random.Random, folder: Path, epochs: Sequence[int | None]
) -> Iterator[Surroundings]:
    """Surroundings that have nothing in common, one for each epoch."""
    for number, epoch in enumerate(epochs):
        yield Surroundings(
            folder=folder / f"{chances.randrange(16**8):08x}" / ("a b" if number % 2 else "\u00e4"),
            mask=chances.choice((0o000, 0o022, 0o027, 0o077)),
            locale=chances.choice(("C", "C.UTF-8", "tr_TR.UTF-8", "de_DE.ISO-8859-1")),
            zone=chances.choice(("UTC", "Asia/Kathmandu", "America/St_Johns")),
            touched=chances.randrange(315_532_800, 4_102_444_800),  # 1980 to 2100
            epoch=epoch,
        )


def copy(names: Sequence[str], around: Surroundings, chances: random.Random) -> Path:
    """The sources there, in any order, with the clutter of one who works there."""
    place = around.folder / "source"
    for name in chances.sample(names, len(names)):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, place / name)
        mode = (ROOT / name).stat().st_mode & 0o777 & ~around.mask
        (place / name).chmod(mode | 0o600)
        os.utime(place / name, (around.touched, around.touched))
    for folder in _CLUTTERED:
        for name in _CLUTTER:
            (place / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (place / folder / name).write_text(f"left in {around.folder}")
    return place


def fetch_tool(into: Path) -> str:
    """Put the build tool into a folder; returns its version."""
    words = (sys.executable, "-m", "pip", "install", "--quiet", "--target", str(into), "hatchling")
    run(words, cwd=into.parent)
    (found,) = [path.name for path in into.glob("hatchling-*.dist-info")]
    return found.removeprefix("hatchling-").removesuffix(".dist-info")


def build(place: Path, tool: Path, around: Surroundings, *, wheel_only: bool = False) -> Pair:
    """Build what is in a folder there; the sdist is empty when only the wheel is wanted."""
    made = around.folder / f"made-{place.name}"
    env = {"PYTHONPATH": str(tool), "LC_ALL": around.locale, "TZ": around.zone}
    env |= {"PYTHONHASHSEED": str(around.touched % 4_294_967_295), "HOME": str(around.folder)}
    if around.epoch is not None:
        env["SOURCE_DATE_EPOCH"] = str(around.epoch)
    words = [sys.executable, "-m", "hatchling", "build", "--directory", str(made)]
    run([*words, *(("-t", "wheel") if wheel_only else ())], place, env, mask=around.mask)
    (wheel,) = made.glob("*.whl")
    sdist = b"" if wheel_only else next(made.glob("*.tar.gz")).read_bytes()
    return Pair(wheel.read_bytes(), sdist)


def unpack(sdist: bytes, into: Path) -> Path:
    """Where the one folder of an sdist is now."""
    with tarfile.open(fileobj=io.BytesIO(sdist)) as archive:
        archive.extractall(into, filter="data")
    (place,) = into.iterdir()
    return place


def in_wheel(wheel: bytes) -> dict[str, bytes]:
    """The files of a wheel by name."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def in_sdist(sdist: bytes) -> dict[str, bytes]:
    """The files of an sdist, below its one folder."""
    with tarfile.open(fileobj=io.BytesIO(sdist)) as archive:
        files = ((one.name.partition("/")[2], archive.extractfile(one)) for one in archive)
        return {name: file.read() for name, file in files if file is not None}


def expected(names: Sequence[str]) -> set[str]:
    """What a wheel of these sources has, beside its own metadata."""
    beside = {name: f"mockkie/{name}" for name in ("openapi.yaml", "jobs.yaml")}
    inside = {name for name in names if name.startswith("mockkie/")}
    suite = {f"mockkie/{name}" for name in names if name.startswith("contract_tests/")}
    return inside | suite | set(beside.values())


def told_of(files: Mapping[str, bytes], around: Surroundings) -> Iterator[str]:
    """What files tell of who built them and where: `name: word`."""
    words = {
        str(around.folder),
        str(ROOT),
        str(Path.home()),
        os.uname().nodename,
        getpass.getuser(),
    }
    words = {word for word in words if len(word) > len("/root")}  # shorter ones are words of texts
    for name, content in files.items():
        for word in words:
            if re.search(rb"(?<!\w)" + re.escape(word.encode()) + rb"(?!\w)", content):
                yield f"{name}: {word}"


def run(
    words: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None, *, mask: int = -1
) -> str:
    """What a command says; `subprocess.CalledProcessError` when it fails."""
    here = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    done = subprocess.run(
        words,
        cwd=cwd,
        env={**here, **(env or {})},
        umask=mask,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=_PATIENCE,
        check=False,
    )
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, words, done.stdout)
    return done.stdout
