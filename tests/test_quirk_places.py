"""Where settings are set: marks of a suite, the command line, many processes at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mockkie.quirks import QUIRKS
from mockkie.server import Server
from tests.clients import Client
from tests.test_cli import Serving, environment
from tests.test_plugin import LEAN
from tests.test_workers import ROUNDS, Running, running
from tests.visitors import visiting

__all__ = ["running"]  # a fixture is known where its name is
pytest_plugins = ["pytester"]

MARKED = """
    import pytest

    pytestmark = pytest.mark.kie(etags="omit", retention="PT1H")

    @pytest.mark.kie(retention="PT2H", expired_link={"status": 410})
    class TestClass:
        @pytest.mark.kie(expired_link={"body": "html"}, profile="observed")
        def test_closest_wins(self, kie):
            assert kie.settings["retention"] == "PT2H"
            assert kie.settings["etags"] == "omit"
            assert kie.settings["expiredLink.status"] == 410
            assert kie.settings["expiredLink.body"] == "html"
            assert kie.settings.profile == "observed"
            kie.settings.clear()
            kie.reset()
            assert kie.settings["retention"] == "PT2H"
            assert kie.new_world(etags="send").settings["retention"] == "PT2H"

        def test_in_process(self, kie_app):
            assert kie_app.settings["retention"] == "PT2H"
            kie_app.reset()
            assert kie_app.settings.changed["retention"] == "PT2H"

    def test_module(kie, kie_server):
        assert kie.settings["retention"] == "PT1H"
        assert kie_server.settings["retention"] == "P3D"
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = --strict-markers\n")
    return pytester


def test_the_closest_mark_wins(suite: pytest.Pytester) -> None:
    suite.makepyfile(MARKED)
    suite.runpytest(*LEAN).assert_outcomes(passed=3)


def test_the_mark_is_listed(suite: pytest.Pytester) -> None:
    suite.runpytest(*LEAN, "--markers").stdout.fnmatch_lines(["@pytest.mark.kie(*settings*"])


@pytest.mark.parametrize(
    ("mark", "why"),
    [
        ("retentoin='PT1H'", "'retentoin' is no setting; did you mean 'retention'?"),
        ("error_transport='boddy'", "error_transport: 'boddy' is not status or body"),
        ("'observed'", "takes keywords, such as retention='PT24H', not ('observed',)"),
        ("aliases={}", "aliases is of the mock as a whole"),
    ],
)
def test_a_wrong_mark_is_a_usage_error(suite: pytest.Pytester, mark: str, why: str) -> None:
    suite.makepyfile(f"import pytest\n@pytest.mark.kie({mark})\ndef test_it(kie): pass")
    result = suite.runpytest(*LEAN)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert why in result.stderr.str()
    assert "test_a_wrong_mark_is_a_usage_error.py::test_it: " in result.stderr.str()


@pytest.mark.parametrize("fixture", ["kie", "kie_app"])
def test_a_worker_of_xdist_says_it_by_the_test(suite: pytest.Pytester, fixture: str) -> None:
    suite.makepyfile(
        f"import pytest\n@pytest.mark.kie(retentoin='PT1H')\ndef test_it({fixture}): pass\n"
        f"@pytest.mark.kie(retention='PT1H')\ndef test_other({fixture}): pass"
    )
    result = suite.runpytest_subprocess(*LEAN, "-n", "1")
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(["*::test_it: @pytest.mark.kie: 'retentoin' is no setting*"])


def test_a_profile_that_is_none_ends_the_test_in_words(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        "import pytest\n@pytest.mark.kie(profile='imagined')\ndef test_it(kie): pass\n"
        "@pytest.mark.kie(profile='imagined')\ndef test_inside(kie_app): pass"
    )
    result = suite.runpytest(*LEAN)
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(
        ["*.py::test_it: @pytest.mark.kie: there is no profile 'imagined'*"]
    )


def test_a_failing_test_says_what_was_set(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        "import pytest\n@pytest.mark.kie(retention='PT1H', cache_control=None)\n"
        "def test_it(kie): assert False\ndef test_plain(kie): assert False"
    )
    shown = suite.runpytest(*LEAN).stdout.str()
    assert "setting retention: PT1H (the mock has P3D)" in shown
    assert "setting cacheControl: none (the mock has public, max-age=86400)" in shown
    assert shown.count("setting ") == 2


def test_all_processes_have_a_world_s_settings(running: Running) -> None:
    running.upload("a", b"content")
    made = running.ask("POST", "/__mockkie/worlds", json={"settings": {"errorTransport": "body"}})
    key = made.json()["key"]

    def answers(of: str | None) -> set[int]:
        return {
            running.ask("POST", "/api/file-stream-upload", of).status_code for _ in range(ROUNDS)
        }

    assert answers(key) == {200}
    assert answers(None) == {400}
    running.ask("PATCH", "/__mockkie/settings", json={"errorTransport": "body"})
    assert answers(None) == {200}
    running.ask("DELETE", "/__mockkie/settings")
    running.ask("DELETE", "/__mockkie/settings", key)
    assert (answers(None), answers(key)) == ({400}, {400})
    running.ask("POST", "/__mockkie/reset", key)
    assert answers(key) == {200}


def mockkie(home: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mockkie", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
        env=environment(home, PYTHONPATH=os.pathsep.join(sys.path), **env),
    )


def test_serve_takes_settings(tmp_path: Path) -> None:
    more = ("--set", "links.style=observed", "--retention", "PT2H", "--data", "memory:")
    lines = "retention=PT1H\nextraData={success: true, region: eu}\n\nlinks.style=documented\n"
    with Serving(tmp_path, *more, MOCKKIE_SET=lines) as serving:  # the option, not the environment
        shown = mockkie(tmp_path, "settings", "--url", serving.url, "--json").stdout
        values = {one["name"]: one["value"] for one in map(json.loads, shown.splitlines())}
        assert values["links.style"] == "observed"
        assert values["retention"] == "PT2H"
        assert values["extraData"] == {}
    with Serving(tmp_path, "--data", "memory:", MOCKKIE_SET=lines) as serving:
        shown = mockkie(tmp_path, "settings", "--url", serving.url, "--json").stdout
        values = {one["name"]: one["value"] for one in map(json.loads, shown.splitlines())}
        assert values["retention"] == "PT1H"
        assert values["extraData"] == {"success": True, "region": "eu"}


@pytest.mark.parametrize("command", [("serve",), ("run", "--", "true"), ("settings",)])
def test_a_wrong_setting_is_said_in_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = mockkie(tmp_path, command[0], "--set", "retention=3", *command[1:])
    assert done.returncode == 2
    assert "--set: retention: 3 is not an ISO 8601 duration such as PT24H" in done.stderr


def test_settings_lists_all(tmp_path: Path) -> None:
    done = mockkie(tmp_path, "settings", "--set", "etags=omit", "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["name"] for one in found] == [*QUIRKS]
    for one in found:
        quirk = QUIRKS[one["name"]]
        assert one["value"] == ("omit" if quirk.name == "etags" else quirk.default)
        assert (one["level"], one["does"]) == (quirk.level, quirk.does)
    plain = mockkie(tmp_path, "settings", "--profile", "observed").stdout
    assert plain.count("\n") == len(QUIRKS)
    assert "observed (default documented)" in plain


def test_settings_of_a_running_mock(tmp_path: Path, memory: Server, http: Client) -> None:
    with visiting(memory, http) as visitor:
        there = ("settings", "--url", memory.origin, "--key", visitor.key)
        more = ("--set", "etags=omit", "--profile", "observed")
        changed = mockkie(tmp_path, *there, *more).stdout
        assert [line.split()[1] for line in changed.splitlines() if line[0] == "*"] == ["etags"]
        state = visitor.control("GET", "/settings").json
        assert state["changed"] == {"etags": "omit", "profile": "observed"}
        # What the environment says is for mocks that are started.
        mockkie(tmp_path, *there, MOCKKIE_SET="head=refuse", MOCKKIE_PROFILE="documented")
        assert visitor.control("GET", "/settings").json == state
        assert "*" not in {
            line[0] for line in mockkie(tmp_path, *there, "--reset").stdout.splitlines()
        }
        assert visitor.control("GET", "/settings").json["changed"] == {}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--reset",), "name it with --url"),
        (("--key", "k"), "name it with --url"),
        (("--url", "http://127.0.0.1:1", "--contract", "x.yaml"), "leave out --url"),
        (("--url", "http://127.0.0.1:1"), "no mock answers"),
    ],
)
def test_settings_says_what_is_in_the_way(tmp_path: Path, words: tuple[str, ...], why: str) -> None:
    done = mockkie(tmp_path, "settings", *words)
    assert done.returncode == 2
    assert why in done.stderr


def test_an_old_folder_with_settings_says_so_at_the_start(tmp_path: Path) -> None:
    folder = ("--data", str(tmp_path / "data"))
    with Serving(tmp_path, *folder) as serving:
        mockkie(tmp_path, "settings", "--url", serving.url, "--set", "retention=PT1H")
    with Serving(tmp_path, *folder) as serving:
        assert serving.facts["url"]
        serving.until("ready on")
        assert 'settings of its own: {"retention":"PT1H"}' in serving.output.replace("\n", " ")
        assert "each for PT1H" in serving.output
