"""A team runs clauses in its own pytest, and adds some of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mockkie
from mockkie.harness.document import suite_folder

CONFTEST = """
from mockkie.harness.verdicts import Clause, Level

pytest_plugins = ["mockkie.harness.plugin"]


def pytest_mockkie_clauses():
    return [Clause("ours.pdf", Level.DOCUMENTED, "A PDF is kept.", "our own agreement")]
"""
TEST = """
import pytest


@pytest.mark.clause("ours.pdf")
def test_a_pdf_is_kept(target):
    fields = {"uploadPath": target.folder(), "fileName": "a.pdf"}
    files = {"file": ("a.pdf", b"%PDF-1.7")}
    data = target.post("/api/file-stream-upload", files=files, data=fields).json()["data"]
    assert target.get(data["downloadUrl"]).content == CONTENT, "the PDF is another one"
"""


def pytest_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "KIE_API_KEY": "team-key"},
    )


@pytest.mark.parametrize("content", [b"%PDF-1.7", b"%PDF-1.4"])
def test_a_clause_of_ones_own(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_ours.py").write_text(f"CONTENT = {content!r}\n{TEST}")
    suite = str(suite_folder() / "test_auth.py")
    with mockkie.serve(keys=["team-key"]) as kie:
        words = ("--mockkie-target", kie.base_url, "-m", "ours or auth", "--mockkie-seed", "3")
        done = pytest_in(tmp_path, ".", suite, *words, "--mockkie-report", "out.json")
    kept = content == b"%PDF-1.7"
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


def test_a_clause_that_nobody_knows_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["mockkie.harness.plugin"]\n')
    (tmp_path / "test_ours.py").write_text(TEST)
    done = pytest_in(tmp_path, ".")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "is about 'ours.pdf', which is no clause" in done.stdout + done.stderr
