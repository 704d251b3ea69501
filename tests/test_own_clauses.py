"""A team runs clauses in its own pytest, and adds some of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mockkie
from mockkie.harness.document import suite_folder

CONFTEST, TEST = re.findall(
    r"^```python\n# (?:conftest|test_ours)\.py\n(.*?)^```",
    (Path(__file__).parent.parent / "docs" / "check.md").read_text(),
    re.MULTILINE | re.DOTALL,
)
"""As docs/check.md shows them."""
KEPT = '.content == b"%PDF-1.7"'


def pytest_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "KIE_API_KEY": "team-key"},
    )


@pytest.mark.parametrize("kept", [True, False])
def test_a_clause_of_ones_own(tmp_path: Path, kept: bool) -> None:  # noqa: FBT001 - a parameter
    (tmp_path / "conftest.py").write_text(CONFTEST)
    assert KEPT in TEST
    other = '.content == b"%PDF-1.4", "the PDF is another one"'
    (tmp_path / "test_ours.py").write_text(TEST if kept else TEST.replace(KEPT, other))
    suite = str(suite_folder() / "test_auth.py")
    with mockkie.serve(keys=["team-key"]) as kie:
        words = ("--mockkie-target", kie.base_url, "-m", "ours or auth", "--mockkie-seed", "3")
        done = pytest_in(tmp_path, ".", suite, *words, "--mockkie-report", "out.json")
    assert done.returncode == (0 if kept else 1), done.stdout
    report = json.loads((tmp_path / "out.json").read_text())
    verdicts = {clause["id"]: clause["verdict"] for clause in report["clauses"]}
    assert verdicts["ours.pdf"] == ("upheld" if kept else "violated")
    assert {name for name in verdicts if name.startswith("auth.")} == {
        *("auth.bearer", "auth.exact", "auth.changes-nothing", "auth.first", "auth.downloads-open")
    }
    assert report["seed"] == 3
    assert report["requests"] > 50
    last = "upheld: 6 documented" if kept else "documented ours.pdf: the PDF is another one"
    assert last in done.stdout
    assert "team-key" not in json.dumps(report)


UNSTEADY = """
import pytest
from hypothesis import given, settings, strategies as st

asked = []


@pytest.mark.clause("ours.pdf")
@settings(database=None, deadline=None)
@given(number=st.integers(0, 9))
def test_it(target, number):
    {body}
"""
ONCE = "asked.append(number); assert len(asked) != 3, 'the third was wrong'"


def test_what_a_server_does_once_only_is_not_judged(tmp_path: Path) -> None:
    """As for the tests whose data is not generated; Hypothesis has words of its own for it."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_ours.py").write_text(UNSTEADY.format(body=ONCE))
    with mockkie.serve(keys=["team-key"]) as kie:
        words = ("--mockkie-target", kie.base_url, "--mockkie-report", "out.json")
        done = pytest_in(tmp_path, ".", *words)
    (clause,) = json.loads((tmp_path / "out.json").read_text())["clauses"]
    assert (clause["id"], clause["verdict"]) == ("ours.pdf", "not judged"), done.stdout
    assert clause["why"] == "it failed once (the third was wrong) and held the second time"


def test_a_clause_that_nobody_knows_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["mockkie.harness.plugin"]\n')
    (tmp_path / "test_ours.py").write_text(TEST)
    done = pytest_in(tmp_path, ".")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "is about 'ours.pdf', which is no clause" in done.stdout + done.stderr
