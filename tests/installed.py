"""The wheel and the sdist, and a mockkie that was installed from them, far from this checkout."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

ROOT: Final = Path(__file__).parent.parent
PATIENCE: Final = 120.0
_OURS: Final = ("MOCKKIE_", "KIE_", "COVERAGE", "COV_", "PYTEST_", "GITHUB_")


def environment(**more: str) -> dict[str, str]:
    """That of a user: nothing in it leads to this checkout or to a mock."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    mine.pop("PYTHONPATH", None)
    return {**mine, "NO_COLOR": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **more}


def run(*words: str | Path, cwd: Path, code: int = 0, env: Mapping[str, str] | None = None) -> str:
    """Run a command that ends with `code`; returns all that it says."""
    done = subprocess.run(
        words,
        cwd=cwd,
        env=environment() if env is None else env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}"
    return done.stdout


@dataclass(frozen=True, slots=True)
class Built:
    """A wheel and an sdist, and a folder with the build tool for `PYTHONPATH`."""

    wheel: Path
    sdist: Path
    tools: Path

    @property
    def in_wheel(self) -> set[str]:
        """The names of the wheel's files."""
        return names_in(self.wheel)

    @property
    def in_sdist(self) -> set[str]:
        """Those of the sdist, below its one folder."""
        with tarfile.open(self.sdist) as archive:
            files = [member.name for member in archive.getmembers() if member.isfile()]
        return {name.partition("/")[2] for name in files}


def names_in(wheel: Path) -> set[str]:
    """The names of a wheel's files."""
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def build(home: Path) -> Built:
    """Build both as an index of packages would get them; needs no more than pip."""
    tools, made = home / "tools", home / "made"
    pip = (sys.executable, "-m", "pip")
    run(*pip, "install", "--quiet", "--target", tools, "hatchling", cwd=home)
    hatchling = (sys.executable, "-m", "hatchling", "build", "--directory", made)
    run(*hatchling, cwd=ROOT, env=environment(PYTHONPATH=str(tools)))
    (wheel,), (sdist,) = made.glob("*.whl"), made.glob("*.tar.gz")
    return Built(wheel, sdist, tools)


def wheel_of(source: Path, built: Built, home: Path) -> Path:
    """The wheel that pip makes of an sdist or a folder."""
    into = home / "again"
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    env = environment(PYTHONPATH=str(built.tools))
    run(*pip, "--wheel-dir", into, source, cwd=home, env=env)
    (wheel,) = into.glob("*.whl")
    return wheel


class Installed:
    """A virtual environment of its own, used from a folder of its own."""

    def __init__(self, home: Path, wheel: Path) -> None:
        self.home = home
        self.venv = home / "venv"
        self._wheel = wheel
        self.elsewhere = home / "elsewhere"
        self.elsewhere.mkdir()
        run(sys.executable, "-m", "venv", self.venv, cwd=home)
        self.pip(str(wheel))

    def program(self, name: str) -> Path:
        return self.venv / "bin" / name

    def pip(self, *words: str) -> None:
        """Install what the words say."""
        python = self.program("python")
        run(python, "-m", "pip", "install", "--quiet", *words, cwd=self.elsewhere)

    def add(self, extras: str) -> None:
        """Install extras of the wheel too."""
        self.pip(f"mockkie[{extras}] @ {self._wheel.as_uri()}")

    def __call__(self, name: str, *words: str | Path, code: int = 0) -> str:
        """Run one of its programs."""
        return run(self.program(name), *words, cwd=self.elsewhere, code=code)

    @contextmanager
    def serving(self, *options: str, **env: str) -> Iterator[Mapping[str, Any]]:
        """`mockkie serve` on a free port; yields what is in its ready file."""
        ready = self.elsewhere / "ready.json"
        words = ("serve", "--json", "--quiet", "--ready-file", str(ready), *options)
        with subprocess.Popen(
            [self.program("mockkie"), *words],
            cwd=self.elsewhere,
            env=environment(**env),
            stdout=subprocess.PIPE,
        ) as process:
            try:
                assert process.stdout is not None
                process.stdout.readline()  # it says that it is ready, and wrote the file before
                value: Mapping[str, Any] = json.loads(ready.read_text())
                yield value
            finally:
                process.send_signal(signal.SIGTERM)
