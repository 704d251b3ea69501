"""The attacks of `make reliability` in their short form, and the page made of the long one."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from reliability import __main__ as command
from reliability import page
from reliability.attacks import ATTACKS, Attack, load
from reliability.run import Run

pytestmark = pytest.mark.usefixtures("unmeasured")
ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reliability.md"


@pytest.mark.parametrize("name", ATTACKS)
def test_what_must_hold_holds(tmp_path: Path, name: str) -> None:
    words = ["--only", name, "--short", "--seed", "5430", "--folder", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "reliability", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, (done.stdout, done.stderr[-20_000:])
    assert list(tmp_path.iterdir()) == []


def test_the_page_is_made_of_the_figures() -> None:
    outcomes = page.read(PAGE.with_suffix(".json"))
    assert list(outcomes) == list(ATTACKS)
    assert PAGE.read_text() == page.page(load(), outcomes)
    assert not any(outcome.failures for outcome in outcomes.values())


def test_what_does_not_hold_is_told_with_the_line_that_does_it_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def attack(run: Run) -> None:
        for _ in range(run.size(100, 2)):
            run.count("tries")
        run.figure("slowest", "3 ms")
        run.note("a note")
        run.fail("it fell over")
        run.fail("it fell, too", "python -m this")
        (run.folder / "left").write_text("")

    broken = Attack("bang", "A bang", "What is done.", ("a hole; closed",), attack)
    options = argparse.Namespace(seed=7, short=True, scale=1.5, folder=tmp_path)
    outcome = command.run(broken, options)
    assert outcome.figures == {"tries": 3, "slowest": "3 ms"}
    assert list(tmp_path.iterdir()) == []
    told = capsys.readouterr()
    assert "again: python -m reliability --only bang --seed 7 --short" in told.err
    assert "what did not hold: 2" in told.out
    text = page.page({"bang": broken}, {"bang": outcome})
    for part in (
        "## A bang",
        "| tries | 3 |",
        "**2**",
        "- a note",
        "- a hole; closed",
        "short form",
    ):
        assert part in text
    file = tmp_path / "figures.json"
    page.write(file, {"bang": outcome})
    assert page.read(file) == {"bang": outcome}
    file.write_text("{}")
    with pytest.raises(ValueError, match="move it away"):
        page.read(file)
