"""A check that was interrupted goes on where it was, and says so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import mockkie
from mockkie.harness.resuming import Judged
from mockkie.harness.verdicts import Finding, Verdict
from mockkie.problems import UsageError
from tests.judging import check

KEY = "its-secret-key"
ONLY = ("--only", "auth.exact", "--only", "auth.first", "--only", "auth.downloads-open")


@pytest.fixture(scope="module")
def kie() -> Iterator[mockkie.Kie]:
    with mockkie.serve(keys=[KEY]) as running:
        yield running


def interrupted(kie: mockkie.Kie, folder: Path, file: Path, tests: int) -> tuple[int, str]:
    """The exit code and the output of a slow check that is stopped after some tests."""
    words = ["check", kie.base_url, "--key", KEY, "--rate", "25", "--resume", str(file), *ONLY]
    with subprocess.Popen(
        [sys.executable, "-m", "mockkie", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1"},
    ) as running:
        while not file.exists() or len(file.read_bytes().splitlines()) <= tests:
            assert running.poll() is None
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        output = running.communicate()[0]
    return running.returncode, output


def test_an_interrupted_check_goes_on(kie: mockkie.Kie, tmp_path: Path) -> None:
    file = tmp_path / "so-far.jsonl"
    code, output = interrupted(kie, tmp_path, file, 2)
    assert code == 130
    assert f"interrupted: go on with --resume {file}" in output
    assert file.stat().st_mode & 0o777 == 0o600
    assert KEY not in file.read_text()
    before = [json.loads(line) for line in file.read_text().splitlines()[1:]]
    assert before

    whole = check(tmp_path, kie.base_url, "--key", KEY, *ONLY)
    rest = check(tmp_path, kie.base_url, "--key", KEY, *ONLY, "--resume", str(file))
    assert (rest.code, rest.verdicts("upheld")) == (whole.code, whole.verdicts("upheld"))
    assert not file.exists()
    tests = {test for clause in rest.report["clauses"] for test in clause["tests"]}
    assert tests == {test for clause in whole.report["clauses"] for test in clause["tests"]}
    journal = rest.report["requests"] - before[-1]["requests"]
    assert 0 < journal < whole.report["requests"]
    layers, as_one = rest.report["layers"], whole.report["layers"]
    assert [(one["name"], one["tests"]) for one in layers] == [
        (one["name"], one["tests"]) for one in as_one
    ]
    assert sum(one["requests"] for one in layers) == rest.report["requests"]


def test_a_violation_of_the_first_part_counts(kie: mockkie.Kie, tmp_path: Path) -> None:
    file = tmp_path / "so-far.jsonl"
    header = {
        "mockkie": mockkie.__version__,
        "target": kie.base_url,
        "profile": "quick",
        "seed": 5430,
        "only": ["auth.first"],
    }
    judged = Judged(file, header)
    test = "test_auth.py::test_the_key_is_judged_first[/api/file-stream-upload]"
    finding = Finding("t", Verdict.VIOLATED, "it was seen before", ("curl -i",), 0.5, "a.py:1")
    judged.add(test, [("auth.first", finding)], 70)
    words = (kie.base_url, "--key", KEY, "--only", "auth.first")
    run = check(tmp_path, *words, "--resume", str(file))
    assert run.code == 1, run.output
    assert run.report["clauses"][0]["why"] == "it was seen before"
    assert run.report["requests"] > 70


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}\n", "is of another run (of something else"),
        (
            '{"mockkie": "0.0.1", "target": "http://a.test"}\n',
            "is of another run (of http://a.test",
        ),
        ("not json\n", "is no file of an interrupted check"),
        ("[]\n", "is no file of an interrupted check"),
    ],
)
def test_another_file_is_left_alone(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "so-far.jsonl"
    file.write_text(content)
    run = check(tmp_path, "--only", "auth", "--resume", str(file))
    assert run.code == 2
    assert said in " ".join(run.output.split())
    assert file.read_text() == content


def test_a_line_that_was_not_finished_is_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "so-far.jsonl"
    judged = Judged.open(file, "t", "quick", 1, ())
    judged.add("one", [("auth.exact", Finding("one", Verdict.UPHELD))], 3)
    with file.open("ab") as more:
        more.write(b'{"test": "two", "find')
    again = Judged.open(file, "t", "quick", 1, ())
    assert again.findings("two") is None
    assert again.findings("one") == [("auth.exact", Finding("one", Verdict.UPHELD))]
    assert again.requests == 3
    again.add("two", [], 4)
    assert Judged.open(file, "t", "quick", 1, ()).requests == 4
    with pytest.raises(UsageError, match="another run"):
        Judged.open(file, "t", "quick", 2, ())
