"""The fuzzing of `reliability`: it finds what is planted, and every target holds of its seeds."""

from __future__ import annotations

import random
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from reliability import replay
from reliability.hunting import CORPUS, attempt, mutated, plain, seeds_of, shrunk
from reliability.target import Check, Target, cut, hold, split_off
from reliability.targets import TARGETS

MOST_OF_A_CORPUS = 8_192


def planted() -> Check:
    """A parser that cannot take a certain byte behind another one."""

    def check(data: bytes) -> None:
        hold(b"a\xff" not in data, "planted")

    return check


PLANTED = Target("planted", "nothing is planted", planted, 1, 64, (b"a", b"\xff"))


def test_what_is_planted_is_found_made_small_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plain(PLANTED, Namespace(runs=20_000, seed=1, found=tmp_path)) == 1
    [kept] = tmp_path.iterdir()
    assert kept.read_bytes() == b"a\xff"
    assert f"found {kept}: Broken: 'planted'" in capsys.readouterr().out


def test_only_the_same_failure_counts_when_an_input_is_made_small() -> None:
    def check(data: bytes) -> None:
        if len(data) < 3:
            raise ValueError("too short")
        hold(b"x" not in data, "planted")

    data = b"0123456789x0123456789"
    with pytest.raises(AssertionError) as told:
        check(data)
    small = shrunk(check, data, told.value)
    assert len(small) == 3
    assert b"x" in small


def test_a_hang_of_the_check_itself_is_no_finding(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        attempt(PLANTED, interrupted, b"", tmp_path)
    assert list(tmp_path.iterdir()) == []


def interrupted(data: bytes) -> None:
    del data
    raise KeyboardInterrupt


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_of_its_seeds_and_of_what_is_made_of_them(name: str) -> None:
    target, chance = TARGETS[name], random.Random(name)  # noqa: S311 - to be had again
    check, seeds = target.make(), seeds_of(target)
    assert 0 < sum(map(len, seeds)) < MOST_OF_A_CORPUS
    for data in (*seeds, *(mutated(chance, seeds, target) for _ in range(50))):
        assert len(data) <= target.longest
        check(data)


def test_there_is_no_corpus_without_a_target() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)


def test_a_failure_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept").write_bytes(b"bytes=0-1")
    monkeypatch.setattr(sys, "argv", ["replay", "ranges", str(tmp_path / "kept")])
    assert replay.main() == 0
    assert "it holds" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["replay", "nothing", "kept"])
    assert replay.main() == 2
    assert "Targets: " in capsys.readouterr().err


def test_a_guided_hunt_finds_what_is_planted(tmp_path: Path) -> None:
    """With coverage, four bytes that chance alone would not find in so many tries."""
    pytest.importorskip("atheris")
    program = tmp_path / "planted.py"
    program.write_text(
        "import sys\n"
        "import atheris\n"
        "from argparse import Namespace\n"
        "from pathlib import Path\n"
        "from reliability.hunting import guided\n"
        "from reliability.target import Target, hold\n"
        "@atheris.instrument_func\n"
        "def check(data):\n"
        "    if data[:1] == b'k':\n"
        "        if data[1:2] == b'i':\n"
        "            if data[2:3] == b'e':\n"
        "                hold(data[3:4] != b'!', 'planted')\n"
        "target = Target('planted', 'x', lambda: check, 1, 8)\n"
        "found = Path(sys.argv[1])\n"
        "guided(target, Namespace(runs=500_000, seed=1, found=found, learnt=None))\n"
    )
    found = tmp_path / "found"
    found.mkdir()
    done = subprocess.run(
        [sys.executable, str(program), str(found)], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "found " in done.stdout, done.stderr[-2_000:]
    kept = [one.read_bytes() for one in found.iterdir() if one.name.startswith("planted-")]
    assert kept == [b"kie!"]


def test_bytes_are_cut_into_the_same_bytes() -> None:
    assert b"".join(cut(b"0123456789", b"\x00\x02")) == b"0123456789"
    assert [len(piece) for piece in cut(b"0123456789", b"\x00\x02")] == [3, 1, 3, 1, 2]
    assert cut(b"01", b"") == [b"01"]
    assert split_off(b"a|b|c|d", 3) == [b"a", b"b", b"c|d"]
    assert split_off(b"a", 3) == [b"a", b"", b""]
