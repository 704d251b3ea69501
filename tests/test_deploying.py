"""Dockerfile, compose, action and hook, held against the code: what of them runs without theirs."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click
import pytest
import yaml

from mockkie.cli import main
from mockkie.options import DEFAULT_PORT
from mockkie.server import Server
from tests.installed import ROOT, environment, run

DOCKERFILE: Final = (ROOT / "Dockerfile").read_text()
ACTION: Final[Mapping[str, Any]] = yaml.safe_load((ROOT / "action.yml").read_text())
INPUT: Final = re.compile(r"\$\{\{ inputs\.([\w-]+) \}\}")


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's, each in one line."""
    lines = [line for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
    whole = "\n".join(lines).replace("\\\n", " ")
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in whole.split("\n"))]


def only(name: str) -> str:
    (found,) = (rest for known, rest in instructions() if known == name)
    return found


def image_variables() -> dict[str, str]:
    return dict(word.split("=", 1) for word in shlex.split(only("ENV")))


def copied() -> list[str]:
    """What the Dockerfile takes from here."""
    return [word for name, rest in instructions() if name == "COPY" for word in rest.split()[:-1]]


def variables_of(command: str) -> set[str]:
    """The `MOCKKIE_*` that a command reads."""
    return {str(param.envvar) for param in main.commands[command].params}


def options_of(command: str) -> set[str]:
    return {option for param in main.commands[command].params for option in param.opts}


# ------------------------------------------------------------------------------- the image


def test_the_image_copies_what_is_there_and_nothing_else_is_sent() -> None:
    assert [name for name in copied() if not (ROOT / name).exists()] == []
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    assert rules == ["*", *(f"!{name}" for name in copied()), "**/__pycache__"]


def test_the_image_serves_with_options_that_there_are() -> None:
    variables = image_variables()
    assert set(variables) <= variables_of("serve")
    assert json.loads(only("ENTRYPOINT")) == ["mockkie"]
    (command,) = json.loads(only("CMD"))
    assert command in main.commands
    assert variables["MOCKKIE_PORT"] == only("EXPOSE") == str(DEFAULT_PORT)
    assert variables["MOCKKIE_DATA"] == only("VOLUME")
    assert variables["MOCKKIE_HOST"] == "0.0.0.0"  # noqa: S104 - inside of a container


def test_the_image_serves_with_a_control_key_only() -> None:
    words = [sys.executable, "-m", "mockkie", "serve"]
    env = environment(**image_variables() | {"MOCKKIE_PORT": "0", "MOCKKIE_DATA": "memory:"})
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "MOCKKIE_CONTROL_KEY" in done.stderr) == (2, True)


def test_the_image_runs_as_nobody_special() -> None:
    user = only("USER")
    made = next(rest for name, rest in instructions() if name == "RUN" and "useradd" in rest)
    assert f"--uid {user} " in made
    assert made.endswith(f"--owner=mockkie --group=mockkie {only('VOLUME')}")
    names = [name for name, _ in instructions()]
    assert names.index("USER") > max(at for at, name in enumerate(names) if name == "RUN")


def healthcheck(port: int, **env: str) -> int:
    _, _, words = only("HEALTHCHECK").partition(" CMD ")
    python, *rest = json.loads(words)
    assert python == "python"
    return subprocess.run(
        [sys.executable, *rest],
        env=environment(MOCKKIE_PORT=str(port), **env),
        stderr=subprocess.DEVNULL,
        check=False,
    ).returncode


def test_the_health_check_sees_a_mock_and_none(memory: Server) -> None:
    assert healthcheck(urlsplit(memory.origin).port or 0, HTTP_PROXY="http://127.0.0.1:9") == 0
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        free = deaf.getsockname()[1]
    assert healthcheck(free) != 0


# ----------------------------------------------------------------------------------- compose


def test_compose_publishes_the_port_here_only_and_keeps_the_volume() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    service = compose["services"]["mockkie"]
    assert service["ports"] == [f"127.0.0.1:{DEFAULT_PORT}:{only('EXPOSE')}"]
    (wanted,) = service["environment"].items()
    assert wanted[0] in variables_of("serve")
    assert wanted[1].startswith("${MOCKKIE_CONTROL_KEY:?")  # compose refuses to start without one
    (volume,) = service["volumes"]
    name, _, place = volume.partition(":")
    assert place == only("VOLUME")
    assert set(compose["volumes"]) == {name}


# ------------------------------------------------------------------------------- the action


def step(number: int, **inputs: str) -> tuple[str, dict[str, str]]:
    """A step's script and variables, inputs put in as the runner does."""
    found = ACTION["runs"]["steps"][number]
    assert found["shell"] == "bash"
    given = {name: value["default"] for name, value in ACTION["inputs"].items()} | inputs
    script: str = found["run"]
    assert "${{" not in script
    return script, {
        name: INPUT.sub(lambda match: given[match[1]], value)
        for name, value in found["env"].items()
    }


def bash(script: str, cwd: Path, env: Mapping[str, str], code: int = 0) -> str:
    """As runners call it."""
    (cwd / "step.sh").write_text(script)
    words = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "step.sh")
    return run(*words, cwd=cwd, code=code, env=environment(**env))


def program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    """What the first step leaves behind, with this mockkie in it."""
    command = f"PYTHONPATH={shlex.quote(str(ROOT))} exec {shlex.quote(sys.executable)} -m mockkie"
    program(tmp_path / "mockkie/bin/mockkie", f'{command} "$@"')
    return tmp_path


def check(runner: Path, code: int = 0, **inputs: str) -> str:
    script, env = step(1, **inputs)
    github = {"RUNNER_TEMP": str(runner), "GITHUB_ACTIONS": "true"}
    return bash(script, runner, {**github, **env}, code)


def test_the_action_checks_a_server_and_writes_reports(runner: Path, memory: Server) -> None:
    said = check(runner, url=memory.origin, args="--only auth --quiet", report="a.json deep.sarif")
    assert ", 0 violated" in said
    report = json.loads((runner / "a.json").read_text())
    assert report["target"] == memory.origin
    assert json.loads((runner / "deep.sarif").read_text())["version"] == "2.1.0"


def test_the_action_uses_the_key_and_annotates_what_is_violated(
    runner: Path, memory: Server
) -> None:
    key = "a-key-of-nobody"
    said = check(runner, url=memory.origin, key=key, args="--only auth -x", code=1)
    assert re.search(r"^::error .*auth\.", said, re.MULTILINE)


def test_the_action_checks_a_mock_without_a_server(runner: Path) -> None:
    assert ", 0 violated" in check(runner, args="--only auth --quiet")


def test_the_action_reads_no_input_as_shell(runner: Path) -> None:
    evil = "$(touch pwned)`touch pwned`;touch pwned"
    check(runner, url=evil, args=evil, report=evil, key="x", code=2)
    assert not (runner / "pwned").exists()


@pytest.mark.parametrize(
    ("version", "wanted"),
    [("", "{action}[check]"), ("0.1.0", "mockkie[check]==0.1.0")],
)
def test_the_action_installs_itself_or_a_version(tmp_path: Path, version: str, wanted: str) -> None:
    program(
        tmp_path / "bin/python3", 'echo "$@" > venv; mkdir -p "$3/bin"; cp "$PIP" "$3/bin/python"'
    )
    program(tmp_path / "pip", 'for word; do echo "$word"; done > words')
    script, env = step(0, version=version)
    more = {
        "GITHUB_ACTION_PATH": "/action",
        "RUNNER_TEMP": str(tmp_path),
        "PIP": str(tmp_path / "pip"),
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
    }
    bash(script, tmp_path, {**more, **env})
    words = (tmp_path / "words").read_text().split()
    assert words == [*"-m pip install --quiet".split(), wanted.format(action="/action")]


# --------------------------------------------------------------------------------- the hook


def hook(*args: str, cwd: Path, code: int = 0) -> str:
    """The hook's command as pre-commit makes it, without file names."""
    (found,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert found["pass_filenames"] is False
    name, *words = shlex.split(found["entry"])
    assert name == "mockkie"
    assert words[0] in main.commands
    env = environment(PYTHONPATH=str(ROOT))
    return run(sys.executable, "-m", name, *words, *args, cwd=cwd, code=code, env=env)


def test_the_hook_replays_a_recording(tmp_path: Path) -> None:
    recording = json.loads((ROOT / "mockkie/recordings/mock.json").read_text())
    (tmp_path / "live.json").write_text(json.dumps(recording))
    assert hook("live.json", cwd=tmp_path).startswith("alike: ")
    assert "live.txt" in hook("live.txt", cwd=tmp_path, code=2)


# --------------------------------------------------------------------------------- the pages


def commands_in(page: Path) -> Sequence[tuple[click.Command, Sequence[str]]]:
    """Every `mockkie ...` in a page's blocks, with its words."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    found = re.findall(r"(?<![\w/.\[-])mockkie ([a-z]+)(.*)", "\n".join(blocks))
    return [(main.commands[name], rest.split()) for name, rest in found if name in main.commands]


def test_the_page_on_installing_names_options_that_there_are() -> None:
    page = ROOT / "docs" / "install.md"
    found = commands_in(page)
    assert [command.name for command, _ in found] == ["serve", "check"]
    for command, words in found:
        known = {option for param in command.params for option in param.opts}
        assert {word for word in words if word.startswith("-")} <= known, command.name


def test_the_page_on_installing_shows_inputs_of_the_action() -> None:
    text = (ROOT / "docs" / "install.md").read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    shown = [yaml.safe_load(block) for block in blocks]
    steps = [step for block in shown for step in (block if isinstance(block, list) else [])]
    (used,) = (step for step in steps if step.get("uses", "").startswith("OWNER/mockkie@"))
    assert set(used["with"]) <= set(ACTION["inputs"])
    assert {f"`{name}`" for name in ACTION["inputs"]} <= set(re.findall(r"`[a-z]+`", text))
