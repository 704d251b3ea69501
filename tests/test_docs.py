"""Every code block of the README and of docs/ does what it says."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from mockkie.build import build_mock
from mockkie.certificates import Authority
from mockkie.contract import Contract
from mockkie.document import Document
from mockkie.environment import program_environment
from mockkie.quirks import QUIRKS
from mockkie.server import Server
from mockkie.serving import serve
from mockkie.settings import Settings
from mockkie.tasks import TaskLife

pytestmark = pytest.mark.usefixtures("unmeasured")

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent
FOLLOWED = (ROOT / "docs" / "tutorial.md", ROOT / "docs" / "how-to")  # by tests of their own
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
SHOWN_ORIGIN = "http://127.0.0.1:5430"
SHOWN_ACCOUNT = "16142809"


def blocks(kind: str) -> list[tuple[str, str]]:
    return [
        (page.name, content)
        for page in PAGES
        if not any(page.is_relative_to(followed) for followed in FOLLOWED)
        for name, content in BLOCK.findall(page.read_text())
        if name == kind
    ]


def block_with(kind: str, text: str) -> str:
    found = [content for _, content in blocks(kind) if text in content]
    assert len(found) == 1, f"one {kind} block has {text!r}"
    return found[0]


@pytest.fixture
def server() -> Iterator[Server]:
    started = Server(build_mock())
    started.start()
    yield started
    started.stop()


def plain(text: str) -> str:
    """A transcript without what differs from run to run."""
    for pattern, stand_in in (
        (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>"),
        (r"\w{3}, \d\d \w{3} \d{4} [\d:]+ GMT", "<date>"),
        (r"expired [\d.]+ s ago", "expired <span> ago"),
        (r'"offset":-?[\d.]+', '"offset":<offset>'),
        (r"[+-][\d,]+ s from", "<offset> s from"),
        (r"world-[0-9a-f]{12}", "<world>"),
        (r"tempfile\.redpandaai\.co/\d{8}/", "tempfile.redpandaai.co/<account>/"),
        (r"-{5,}", "---"),
        (r"\S*openapi\.yaml:\d+:\d+", "openapi.yaml:<place>"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "<time>"),
    ):
        text = re.sub(pattern, stand_in, text)
    return text.replace("\r\n", "\n").strip()


@pytest.mark.parametrize(("page", "transcript"), blocks("console"))
def test_a_transcript_shows_what_the_commands_print(
    page: str, transcript: str, server: Server
) -> None:
    account = server.mock.service.worlds.default.account
    here = ((SHOWN_ORIGIN, server.origin), (SHOWN_ACCOUNT, account))
    env = {**os.environ, "MOCKKIE_URL": server.origin, "NO_COLOR": "1"}
    steps = re.split(r"^\$ ", transcript, flags=re.MULTILINE)[1:]
    assert steps, page
    for step in steps:
        command, _, expected = step.partition("\n")
        python = shlex.quote(sys.executable)
        shell = re.sub(r"(?<![\w/.-])mockkie (?=[a-z])", f"{python} -m mockkie ", command)
        for shown, actual in here:
            shell = shell.replace(shown, actual)
        done = subprocess.run(  # noqa: S602 - the documentation is ours
            shell, shell=True, capture_output=True, text=True, env=env, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        printed = done.stdout
        for shown, actual in here:
            printed = printed.replace(actual, shown)
        assert plain(printed) == plain(expected), command


def test_the_readme_shows_a_test_that_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        my_program="""
            import os
            import httpx2

            def upload(path, content):
                folder, _, name = path.rpartition("/")
                answer = httpx2.post(
                    os.environ["KIE_UPLOAD_BASE_URL"] + "/api/file-stream-upload",
                    headers={"Authorization": "Bearer " + os.environ["KIE_API_KEY"]},
                    files={"file": (name, content)},
                    data={"uploadPath": folder, "fileName": name},
                )
                return answer.json()["data"]["downloadUrl"]
        """,
        test_report=block_with("python", "import my_program"),
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_the_readme_shows_the_report_of_a_failing_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_two_uploads(kie):
            file = {"file": ("today.pdf", b"%PDF-1.7 ...")}
            for path in ("reports", ""):
                kie.client.post(
                    "/api/file-stream-upload",
                    files=file,
                    data={"uploadPath": path, "fileName": "today.pdf"},
                )
            assert False
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    shown = plain(block_with("text", "mockkie: journal")).splitlines()
    printed = plain(result.stdout.str()).splitlines()
    assert shown == [line for line in printed if line in shown]


def test_the_page_on_runs_shows_a_test_that_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_link=block_with("python", "kie_intercept"))
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_the_page_on_runs_names_all_that_is_set(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "run.md").read_text()
    env = program_environment({}, "http://127.0.0.1:1", Authority().certificate, tmp_path)
    with serve() as kie:
        names = {*env, *kie.env, "MOCKKIE_URL"}
    assert [name for name in names if f"`{name.upper()}" not in page] == []
    assert "in lower case" in page


def test_the_testing_page_shows_tests_that_pass(pytester: pytest.Pytester) -> None:
    shown = [content for page, content in blocks("python") if page == "testing.md"]
    pytester.makepyfile(**{f"test_{number}": content for number, content in enumerate(shown)})
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=sum(content.count("def test_") for content in shown))
    assert len(shown) > 3


def test_the_testing_page_shows_how_an_assertion_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import base64

        PNG = b"\\x89PNG\\r\\n\\x1a\\n...."

        def test_it(kie):
            file = {"file": ("cat.png", base64.b64encode(PNG))}
            data = {"uploadPath": "Images", "fileName": "cat.png"}
            kie.client.post("/api/file-stream-upload", files=file, data=data)
            kie.client.post("/api/file-base64-upload", json={"base64Data": ""})
            headers = {"Authorization": "Bearer mine"}
            kie.client.post("/api/file-stream-upload", files=file, data=data, headers=headers)
            kie.journal.assert_uploaded("images/cat.png", content=PNG)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    shown = plain(block_with("text", "What was uploaded instead"))
    printed = re.sub(r"^E {7}", "", plain(result.stdout.str()), flags=re.MULTILINE)
    assert shown in printed


def test_the_readme_shows_a_script_that_runs() -> None:
    script = block_with("python", "with mockkie.serve()")
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_the_page_on_tasks_shows_a_test_that_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(block_with("python", "createTask"))
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_the_page_on_tasks_shows_all_settings_of_its_document() -> None:
    shown = yaml.safe_load(block_with("yaml", "resultLink"))["x-mockkie"]
    written = dict(Document.read(ROOT / "jobs.yaml").root["x-mockkie"])
    assert len(written.pop("claims")) > 20
    assert shown == written
    assert TaskLife.of(shown["tasks"]) == TaskLife()


def test_the_page_on_settings_shows_tests_that_pass(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(block_with("python", "class TestOurClient"))
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=3)


def test_the_page_on_settings_shows_a_part_of_a_document(tmp_path: Path) -> None:
    shown = yaml.safe_load(block_with("yaml", "body: html"))
    overlay = tmp_path / "overlay.yaml"
    action = {"target": "$", "update": shown}
    root = {"overlay": "1.0.0", "info": {"title": "x", "version": "1"}, "actions": [action]}
    overlay.write_text(yaml.safe_dump(root))
    settings = build_mock(overlay=overlay).service.settings
    found = settings.error_transport, settings.expired_status, settings.expired_body
    assert found == ("body", 410, "html")


def said(value: object) -> str:
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def test_the_page_on_settings_has_the_table_of_all() -> None:
    page = (ROOT / "docs" / "quirks.md").read_text()
    rows = [
        f"| `{one.name}` | {one.kind.right} | {said(one.default)} | {one.level} | {one.does} "
        f"| {one.known} |"
        for one in QUIRKS.values()
    ]
    assert [row for row in page.splitlines() if row.startswith("| `")] == rows


def test_the_contract_page_quotes_the_document() -> None:
    quoted = yaml.safe_load(block_with("yaml", "missing-parameter"))
    document = Document.read(ROOT / "openapi.yaml")
    examples = document.at(
        ("components", "responses", "BadRequest", "content", "application/json", "examples")
    )
    assert quoted["missing-parameter"] == examples["missing-parameter"]


def test_the_contract_page_names_every_setting() -> None:
    pages = ("contract.md", "quirks.md")
    page = "\n".join((ROOT / "docs" / name).read_text() for name in pages)
    written = Contract.read().document.root["x-mockkie"]
    assert [name for name in written if f"`{name}" not in page] == []
    assert Settings().retention == Contract.read().settings.retention


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [link for link in targets if not (page.parent / link).exists()] == []


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    kinds = {name for page in PAGES for name, _ in BLOCK.findall(page.read_text())}
    in_cluster = {"json", "nginx"}  # by tests/test_cluster.py
    assert kinds - in_cluster <= {"console", "js", "python", "sh", "text", "yaml"}
    assert {content.split()[0] for _, content in blocks("sh")} <= {"make"}
