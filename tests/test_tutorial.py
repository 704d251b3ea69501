"""The tutorial, line by line, in a virtual environment that it makes itself."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installed import ROOT, environment, run
from tests.walkthrough import Block, Reader, blocks_of, step_of_a_job

PAGE = ROOT / "docs" / "tutorial.md"
PAGES_TO_LOOK_AT = re.compile(r"<(http://127\.0\.0\.1[^>]+)>")
NOT_RUN = ("pip install ",)
ACTIONS = {"actions/checkout@v4", "actions/setup-python@v5", "actions/upload-artifact@v4"}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    home = tmp_path / "home"
    home.mkdir()
    # Port 5430 may be taken here: the mock takes a free one, and the page's is read as that.
    env = environment(MOCKKIE_PORT="0", HOME=str(home), PIP_NO_INPUT="1")
    with Reader(home, env, {"DIR": str(ROOT)}) as reader:
        yield reader


def follow(reader: Reader, block: Block) -> None:
    """Do what the page says with a block and in the text above it."""
    if "**second terminal**" in block.above:
        (url,) = (url for url in reader.known.values() if url.startswith("127.0.0.1:"))
        reader.env["MOCKKIE_URL"] = f"http://{url}"
        reader.open_terminal()
    for page in PAGES_TO_LOOK_AT.findall(block.above):
        run("curl", "-sSfL", "-o", "page.html", reader.actual(page), cwd=reader.home)
        assert "docs/hello.txt" in (reader.home / "page.html").read_text()
    if block.file:
        assert f"`{block.file}`" in block.above
        reader.write(block)
    elif block.content.startswith("^C\n"):
        reader.turn_to_the_other()
        reader.terminal.interrupt(block.content.removeprefix("^C\n"))
        reader.turn_to_the_other()
    elif block.content.startswith("$ mockkie serve"):
        ((command, shown),) = block.commands
        reader.start(command, shown)
    else:
        reader.carry_out(block)


def carry_out_the_job(reader: Reader, block: Block) -> None:
    """As a runner does: each step by a shell of its own, on a machine with the tools."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    steps = block.document()["jobs"]["contract"]["steps"]
    assert {step["uses"] for step in steps if "uses" in step} == ACTIONS
    folder = reader.folder
    env = {
        **reader.env,
        "MOCKKIE_PORT": port,
        "PATH": f"{folder / '.venv/bin'}:{reader.env['PATH']}",
    }
    left_out = []
    for script in (step["run"] for step in steps if "run" in step):
        if script.startswith(NOT_RUN):
            left_out.append(script)
            continue
        step_of_a_job(script.replace("5430", port), folder, env)
    assert len(left_out) == 1
    assert "<html" in (folder / "check.html").read_text()


def test_the_tutorial_works_line_by_line(reader: Reader) -> None:
    blocks = blocks_of(PAGE)
    for block in blocks:
        assert block.kind in ("console", "python", "yaml")
        follow(reader, block)
    carry_out_the_job(reader, blocks[-1])
