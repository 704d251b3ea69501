"""The attack on who is let in can find something: bugs that are planted are found."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from reliability import intrusion_fetch, intrusion_web
from reliability.intrusion_traces import attack_names
from reliability.run import Outcome, Run


def counted(attack: Callable[[Run, Path], None], folder: Path) -> Outcome:
    """What one part of the attack counts."""
    outcome = Outcome("intrusion", "", "", 1, short=True)
    attack(Run(outcome, folder, random.Random(1)), folder)  # noqa: S311 - chances
    return outcome


def planted(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Have every process that is started from here on carry out a line of code first."""
    (folder / "sitecustomize.py").write_text(code)
    monkeypatch.syspath_prepend(str(folder))
    root = Path(__file__).parent.parent
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{root}")


def test_pages_that_are_let_in_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted(tmp_path, monkeypatch, "import mockkie.gate as g; g.judge_host = lambda *_: None")
    failures = counted(intrusion_web.attack_pages, tmp_path).failures
    assert any("Host evil.example was answered with 2" in failure for failure in failures)
    assert not any("Sec-Fetch-Site" in failure for failure in failures)


def test_a_guard_that_is_asleep_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import mockkie.addresses as a; a.refuse_private = lambda *_: None"
    planted(tmp_path, monkeypatch, code)
    monkeypatch.setattr(intrusion_fetch, "_HOSTS", ("127.0.0.1", "127.1"))
    monkeypatch.setattr(intrusion_fetch, "_SCHEMES", ())
    monkeypatch.setattr(intrusion_fetch, "_fickle", lambda *_: None)
    failures = counted(intrusion_fetch.attack_fetching, tmp_path).failures
    assert any("this machine was asked for" in failure for failure in failures)


def test_a_terminal_that_obeys_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted(tmp_path, monkeypatch, "import mockkie.lines as l; l.plain = lambda text: text")
    assert any("a terminal was sent" in one for one in counted(attack_names, tmp_path).failures)
