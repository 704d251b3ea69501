"""How pages are carried out: what is let pass, and what is not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installed import environment
from tests.walkthrough import Block, Reader, blocks_of, prints, step_of_a_job


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\nb", "a\nb\n", True),
        ("a\nb", "a\nc\n", False),
        ("a", "a\nb\n", False),
        ("", "a\n", False),
        ("", "", True),
        ("...\nb", "b\n", True),
        ("...\nb", "1\n2\nb\n", True),
        ("a\n...\nd\n...", "a\nb\nc\nd\ne\n", True),
        ("a\n...\nd", "a\nb\nc\n", False),
        ("1 passed in 0.44s", "1 passed in 12.30s\n", True),
        ("1 passed in 0.44s", "2 passed in 0.44s\n", False),
        ("2026-11-28T12:00:00.000Z, real time", "2031-01-01T00:00:00.001Z, real time", True),
        ("data", "data.", False),
    ],
)
def test_what_differs_from_run_to_run_is_let_pass(shown: str, printed: str, same: bool) -> None:  # noqa: FBT001 - a column of a table
    assert prints(shown, printed) == same


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    home = tmp_path / "home"
    home.mkdir()
    with Reader(home, environment(), {"DIR": "/somewhere"}) as reader:
        yield reader


def transcript(content: str) -> Block:
    return Block("console", content, "")


def test_a_terminal_goes_on_from_command_to_command(reader: Reader) -> None:
    reader.carry_out(transcript("$ mkdir a\n$ cd a\n$ x=1\n$ echo $x DIR > b\n$ cat b\n1 DIR\n"))
    assert (reader.home / "a" / "b").read_text() == "1 /somewhere\n"
    assert reader.folder == reader.home / "a"
    reader.open_terminal()
    assert reader.folder == reader.home
    reader.turn_to_the_other()
    assert reader.folder == reader.home / "a"


def test_a_command_that_fails_is_told_by_its_exit_code(reader: Reader) -> None:
    reader.carry_out(transcript("$ false\n$ echo $?\n1\n"))
    with pytest.raises(AssertionError, match="false: 1"):
        reader.carry_out(transcript("$ false\n"))
    with pytest.raises(AssertionError, match=r"printed:\n1"):
        reader.carry_out(transcript("$ false\n$ echo $?\n0\n"))


def test_what_a_page_shows_is_learned_for_the_next_command(reader: Reader) -> None:
    said = "http://127.0.0.1:4000/87654321/a.txt"
    reader.carry_out(
        transcript(
            f"$ echo {said}\nhttp://127.0.0.1:5430/16142809/a.txt\n"
            "$ echo got http://127.0.0.1:5430/16142809/a.txt\n"
            "got http://127.0.0.1:5430/16142809/a.txt\n"
        )
    )
    assert reader.actual("http://127.0.0.1:5430/16142809/a.txt") == said


def test_a_file_is_written_where_the_terminal_is(reader: Reader) -> None:
    reader.carry_out(transcript("$ mkdir a\n$ cd a\n"))
    block = Block("yaml", "# .github/a.yml\nbuild: DIR\n", "")
    reader.write(block)
    assert (reader.home / "a/.github/a.yml").read_text() == "# .github/a.yml\nbuild: /somewhere\n"
    assert block.document() == {"build": "DIR"}


def test_a_program_is_left_running_and_interrupted(reader: Reader) -> None:
    program = (
        "trap 'echo bye; exit 0' INT; echo ready; while :; do read -r -t 1; done < <(sleep 60)"
    )
    (reader.home / "program.sh").write_text(program)
    reader.start("bash program.sh", "ready\n")
    reader.terminal.interrupt("bye\n")


def test_the_blocks_of_a_page_know_what_stands_above_them(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A\n\nIn `a.py`:\n\n```python\n# a.py\nx = 1\n```\n\nThen\n\n```text\nno\n```\n"
    )
    first, second = blocks_of(page)
    assert (first.kind, first.file, "`a.py`" in first.above) == ("python", "a.py", True)
    assert (second.kind, second.file, second.above.strip()) == ("text", "", "Then")


def test_a_step_of_a_job_takes_along_what_it_started(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "held")
    reading = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    step_of_a_job("exec 3> held; sleep 600 &", tmp_path, environment())
    os.set_blocking(reading, True)
    assert os.read(reading, 1) == b"", "nobody holds it any more"
    os.close(reading)
    with pytest.raises(AssertionError, match=r"^1: false"):
        step_of_a_job("false | true", tmp_path, environment())
