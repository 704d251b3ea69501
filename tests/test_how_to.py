"""The how-to pages: files written, commands typed, what they print held against what is shown."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from mockkie.cli import main
from mockkie.kie import Kie
from mockkie.serving import serve
from tests.clients import tool
from tests.installed import ROOT, environment
from tests.test_deploying import ACTION, only
from tests.walkthrough import Block, Reader, blocks_of, step_of_a_job

pytestmark = pytest.mark.usefixtures("unmeasured")

FOLDER: Final = ROOT / "docs" / "how-to"
PAGES: Final = sorted(FOLDER.glob("*.md"))
SHOWN_MOCK: Final = "127.0.0.1:5430"
SHOWN_FAKE: Final = "127.0.0.1:8000"
NEEDED: Final[Mapping[str, Sequence[str]]] = {
    "vitest.md": ("node", "npm"),
    "curl.md": ("curl",),
    "metrics.md": ("curl",),
    "limits.md": ("curl",),
}
NOT_RUN: Final = ("pip install ", "npm ci")
ACTIONS: Final = {
    *("actions/checkout@v4", "actions/setup-python@v5", "actions/upload-artifact@v4"),
    "OWNER/mockkie@COMMIT",
}


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return str(taken.getsockname()[1])


def as_in_the_wheel(folder: Path) -> None:
    """The package with document and suite in it, as it is where it was installed."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"][
        "targets"
    ]
    beside = wheel["wheel"]["force-include"] | wheel["wheel"]["sources"]
    names = {f"mockkie/{path.name}": path for path in (ROOT / "mockkie").iterdir()}
    names |= {name: ROOT / source for source, name in beside.items()}
    (folder / "mockkie").mkdir(parents=True)
    for name, source in names.items():
        (folder / name).symlink_to(source)


@pytest.fixture
def kie() -> Iterator[Kie]:
    with serve(metrics=True) as kie:
        yield kie


@pytest.fixture
def reader(kie: Kie, tmp_path: Path) -> Iterator[Reader]:
    """One with a mock on port 5430, this Python, and the program of the tutorial."""
    folder = tmp_path / "home"
    folder.mkdir()
    program = next(b for b in blocks_of(ROOT / "docs/tutorial.md") if b.file == "upload.py")
    (folder / "upload.py").write_text(program.content.replace("upload_path", "uploadPath"))
    (folder / "hello.txt").write_text("Hello, file.\n")
    wheel = tmp_path / "wheel"
    as_in_the_wheel(wheel)
    env = environment(
        PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        PYTHONPATH=str(wheel),
        PYTHONDONTWRITEBYTECODE="1",
        PYTEST_ADDOPTS="-p no:cacheprovider",
        MOCKKIE_URL=kie.base_url,
        KIE_API_KEY=kie.key,
        npm_config_audit="false",
    )
    fake = f"127.0.0.1:{free_port()}"
    known = {SHOWN_MOCK: kie.base_url.removeprefix("http://"), SHOWN_FAKE: fake, "8000": fake[10:]}
    with Reader(folder, env, known) as reader:
        yield reader


def page(name: str) -> list[Block]:
    return blocks_of(FOLDER / name)


def block_of(name: str, file: str) -> Block:
    (found,) = (block for block in page(name) if block.file == file)
    return found


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_works(path: Path, reader: Reader) -> None:
    for name in NEEDED.get(path.name, ()):
        tool(name)
    blocks = page(path.name)
    assert blocks
    for block in blocks:
        if block.kind == "console":
            reader.carry_out(block)
        elif block.kind == "text":
            assert "never" in (FOLDER / path.name).read_text(), "the page says that it was not run"
        else:
            assert f"`{block.file}`" in block.above, block.content
            reader.write(block)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_is_short_and_leads_on(path: Path) -> None:
    text = path.read_text()
    assert text.startswith("# ")
    assert len(text.splitlines()) < 140
    assert re.search(r"\]\(\.\./\w+\.md\)", text), "it leads to a page that says more"


# ------------------------------------------------------------------------- what CI would do


def carry_out(script: str, reader: Reader) -> None:
    """A step as runners do it, but for what brings packages here."""
    if script.startswith(NOT_RUN):
        return
    port = free_port()
    actual = reader.actual(script.replace(SHOWN_MOCK, f"127.0.0.1:{port}"))
    step_of_a_job(actual, reader.home, {**reader.env, "MOCKKIE_PORT": port})


def steps(name: str, file: str) -> list[Mapping[str, Any]]:
    """Those of all jobs of a workflow."""
    workflow = block_of(name, file).document()
    assert set(workflow) == {"name", True, "jobs"}  # `on` is a truth to YAML 1.1
    found = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert {step["uses"] for step in found if "uses" in step} <= ACTIONS
    return found


@pytest.fixture
def project(reader: Reader) -> Reader:
    """A project with a test, a server and a package of Node."""
    for name in ("conftest.py", "test_upload.py"):
        reader.write(block_of("pytest.md", name))
    reader.write(block_of("check-your-fake.md", "fake.py"))
    (reader.home / "package.json").write_text('{"scripts": {"test": "node --version"}}')
    return reader


def test_the_workflow_of_github_runs_tests(project: Reader) -> None:
    tool("npm")
    for step in steps("github-actions.md", ".github/workflows/tests.yml"):
        if "run" in step:
            carry_out(step["run"], project)
    assert (project.home / "mockkie.json").exists()


def test_the_workflow_of_github_calls_the_action(project: Reader) -> None:
    found = steps("github-actions.md", ".github/workflows/contract.yml")
    (start,) = (step["run"] for step in found if "run" in step)
    carry_out(start, project)
    (action,) = (step for step in found if step.get("uses", "").startswith("OWNER/"))
    assert set(action["with"]) <= set(ACTION["inputs"])


def test_the_pipeline_of_gitlab_runs_and_reports(project: Reader) -> None:
    pipeline = block_of("gitlab-ci.md", ".gitlab-ci.yml").document()
    assert pipeline["default"]["before_script"][0].startswith(NOT_RUN)
    jobs = [job for name, job in pipeline.items() if name != "default"]
    assert len(jobs) == 2
    for job in jobs:
        carry_out("\n".join(job["script"]), project)
        assert (project.home / job["artifacts"]["reports"]["junit"]).exists()


# --------------------------------------------------------------------------------- compose


@pytest.fixture
def services() -> Mapping[str, Any]:
    found: Mapping[str, Any] = block_of("docker-compose.md", "compose.yaml").document()["services"]
    return found


def test_compose_serves_with_variables_that_there_are(services: Mapping[str, Any]) -> None:
    mock = services["mockkie"]
    assert set(mock["environment"]) <= {str(one.envvar) for one in main.commands["serve"].params}
    assert mock["ports"] == [f"127.0.0.1:5430:{only('EXPOSE')}"]
    assert only("HEALTHCHECK")
    assert services["tests"]["depends_on"] == {"mockkie": {"condition": "service_healthy"}}


def test_compose_leads_the_tests_to_the_mock_by_its_name(services: Mapping[str, Any]) -> None:
    given = services["tests"]["environment"]
    with serve() as kie:
        assert given["KIE_API_KEY"] == kie.key
        assert set(given) <= {*kie.env, "MOCKKIE_URL"}
        port = kie.base_url.rpartition(":")[2]
        name = given["KIE_UPLOAD_BASE_URL"].replace("5430", port)
        where = f"mockkie:{port}:127.0.0.1"
        words = ["-sS", "--noproxy", "*", "--resolve", where, "-X", "POST"]
        done = subprocess.run(
            [tool("curl"), *words, f"{name}/__mockkie/worlds"], capture_output=True, check=True
        )
    assert yaml.safe_load(done.stdout)["key"]


def test_the_commands_that_nobody_ran_have_options_that_there_are() -> None:
    lines = [b.content for path in PAGES for b in blocks_of(path) if b.kind == "text"]
    found = re.findall(r"\bmockkie (probe) (\w+)(.*)", "\n".join(lines))
    assert len(found) == 2
    for group, name, rest in found:
        command = getattr(main.commands[group], "commands")[name]  # noqa: B009 - a group has them
        known = {option for param in command.params for option in param.opts}
        assert {word for word in shlex.split(rest) if word.startswith("--")} <= known
