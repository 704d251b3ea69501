"""What users get: the files of the wheel and of the sdist, and a mockkie installed elsewhere."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.installed import ROOT, Built, Installed, build, names_in, run, wheel_of
from tests.test_deploying import copied, image_variables

MADE = ("__pycache__", ".pyc")
IN_SDIST = set(
    ".ci .gitignore CHANGELOG.md CONTRIBUTING.md LICENSE Makefile PKG-INFO README.md SECURITY.md "
    "benchmarks contract_tests docs jobs.yaml mockkie openapi.yaml pyproject.toml reliability "
    "tests".split()
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def bare(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Installed without extras, as long as no test below has asked for `installed`."""
    return Installed(tmp_path_factory.mktemp("installed"), built.wheel)


@pytest.fixture(scope="module")
def installed(bare: Installed) -> Installed:
    bare.add("test,check")
    return bare


@pytest.fixture
def mock(bare: Installed) -> Iterator[dict[str, Any]]:
    with bare.serving("--port", "0", "--data", "memory:") as ready:
        yield dict(ready)


def below(folder: str) -> set[str]:
    """The files of a folder of this checkout, without what running them made."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not any(made in str(path.relative_to(ROOT)) for made in MADE)
    }


def test_the_wheel_is_the_package_with_document_and_suite(built: Built) -> None:
    beside = {"openapi.yaml", "jobs.yaml", *below("contract_tests")}
    found = {name for name in built.in_wheel if ".dist-info/" not in name}
    assert found == below("mockkie") | {f"mockkie/{name}" for name in beside}


@pytest.mark.parametrize(
    "name",
    [
        *("py.typed", "openapi.yaml", "jobs.yaml", "node_proxy.cjs", "recordings/mock.json"),
        *("contract_tests/conftest.py", "contract_tests/test_model.py"),
        *("dashboard/templates/base.html", "dashboard/assets/htmx.min.js"),
        *("dashboard/assets/htmx.LICENSE.txt", "scenarios/outage.yaml", "samples/__init__.py"),
        "control.openapi.yaml",
    ],
)
def test_the_wheel_has(built: Built, name: str) -> None:
    assert f"mockkie/{name}" in built.in_wheel


def test_the_sdist_has_the_sources_and_nothing_that_was_made(built: Built) -> None:
    names = built.in_sdist
    assert {name.partition("/")[0] for name in names} == IN_SDIST
    hidden = {name for name in names if "/." in f"/{name}"}
    assert hidden == {".ci/run", ".gitignore"}
    assert [name for name in names if any(made in name for made in MADE)] == []


def test_the_sdist_makes_the_same_wheel(built: Built, tmp_path: Path) -> None:
    assert names_in(wheel_of(built.sdist, built, tmp_path)) == built.in_wheel


def test_the_image_makes_the_same_wheel(built: Built, tmp_path: Path) -> None:
    """From nothing but what its Dockerfile copies."""
    source = tmp_path / "src"
    source.mkdir()
    for name in copied():
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns(*MADE))
        else:
            shutil.copy(ROOT / name, source)
    assert names_in(wheel_of(source, built, tmp_path)) == built.in_wheel


def test_what_was_installed_fits_together(bare: Installed) -> None:
    said = bare("python", "-c", "import mockkie; print(mockkie.__file__)")
    assert said.startswith(str(bare.venv))
    assert "No broken requirements" in bare("python", "-m", "pip", "check")


def test_the_command_says_what_it_is(bare: Installed) -> None:
    assert bare("mockkie", "--version").startswith("mockkie, version ")
    assert "serve" in bare("mockkie", "--help")
    assert bare("python", "-m", "mockkie", "--help") == bare("mockkie", "--help")


def test_a_command_of_an_extra_says_how_to_get_it(bare: Installed) -> None:
    assert "pip install 'mockkie[check]'" in bare("mockkie", "check", code=2)


def test_a_file_is_uploaded_and_downloaded(bare: Installed, mock: dict[str, Any]) -> None:
    content = bytes(range(256)) * 300
    (bare.elsewhere / "a.bin").write_bytes(content)
    form = ("-F", "file=@a.bin", "-F", "uploadPath=docs", "-F", "fileName=a.bin")
    key = ("-H", f"Authorization: Bearer {mock['key']}")
    url = f"{mock['url']}/api/file-stream-upload"
    said = json.loads(run("curl", "-sS", *key, *form, url, cwd=bare.elsewhere))
    run("curl", "-sS", "-o", "b.bin", said["data"]["downloadUrl"], cwd=bare.elsewhere)
    assert (bare.elsewhere / "b.bin").read_bytes() == content


def test_the_dashboard_has_its_pages_and_assets(bare: Installed, mock: dict[str, Any]) -> None:
    page = run("curl", "-sSfL", f"{mock['url']}/__mockkie/", cwd=bare.elsewhere)
    assert "<title>" in page
    (asset,) = re.findall(r'href="([^"]+\.css)"', page)
    style = run("curl", "-sSf", f"{mock['url']}{asset}", cwd=bare.elsewhere)
    assert style == (ROOT / "mockkie/dashboard/assets/dashboard.css").read_text()


def test_a_scenario_and_the_tasks_come_along(bare: Installed) -> None:
    with bare.serving("--port", "0", "--data", "memory:", "--faults", "outage") as ready:
        url = f"{ready['url']}/__mockkie/faults"
        assert json.loads(run("curl", "-sSf", url, cwd=bare.elsewhere))["faults"]
        task = f"{ready['url']}/api/v1/jobs/createTask"
        told = run("curl", "-sS", "-X", "POST", task, cwd=bare.elsewhere)
        assert json.loads(told)["code"] == 401


def test_the_variables_of_the_image_serve_whoever_asks_by_its_name(
    bare: Installed, tmp_path: Path
) -> None:
    options = ("--port", "0", "--data", str(tmp_path / "data"))
    word = "a-control-key-of-16"
    with bare.serving(*options, **image_variables(), MOCKKIE_CONTROL_KEY=word) as ready:
        port = urlsplit(ready["url"]).port
        asked = ("curl", "-sS", "--noproxy", "*", "--resolve", f"mockkie:{port}:127.0.0.1")
        form = ("-F", "file=hello;filename=a.txt", "-F", "uploadPath=a", "-F", "fileName=a.txt")
        key = ("-H", f"Authorization: Bearer {ready['key']}")
        name = f"http://mockkie:{port}"
        said = run(*asked, *key, *form, f"{name}/api/file-stream-upload", cwd=tmp_path)
        link = json.loads(said)["data"]["downloadUrl"]
        assert link.startswith(f"{name}/")
        assert run(*asked, link, cwd=tmp_path) == "hello"
        control = ("-H", f"X-Mockkie-Control-Key: {word}")
        clock = json.loads(run(*asked, *control, f"{name}/__mockkie/clock", cwd=tmp_path))
        assert clock["offset"] == 0


def test_the_fixtures_are_there_without_set_up(installed: Installed) -> None:
    (installed.elsewhere / "test_it.py").write_text(
        "def test_it(kie):\n"
        "    kie.files.seed({'docs/a.txt': b'hello'})\n"
        "    assert kie.files.read('docs/a.txt') == b'hello'\n"
        "    kie.clock.advance(days=3)\n"
        "    assert list(kie.files) == []\n"
    )
    assert "1 passed" in installed("pytest", "-q", "-p", "no:cacheprovider", "test_it.py")


def test_the_judge_comes_along(installed: Installed, mock: dict[str, Any]) -> None:
    words = ("check", str(mock["url"]), "--quick", "--max-requests", "400", "--quiet")
    assert ", 0 violated" in installed("mockkie", *words)


def test_the_recording_comes_along(installed: Installed) -> None:
    assert installed("mockkie", "replay", "--quiet", "sample").startswith("alike: ")
