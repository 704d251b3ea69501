"""Files that real runs write are as docs/reference/reports.md and its schemas say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from jsonschema_rs import Draft202012Validator, ValidationError, meta

import mockkie
from docs.pages.schemas import FOLDER

pytestmark = pytest.mark.usefixtures("unmeasured")

PAGE = (FOLDER.parent / "reports.md").read_text()
CODE = " ".join(re.findall(r"`([^`\n]+)`", PAGE))
SCHEMAS = sorted(path.stem for path in FOLDER.glob("*.json"))


def run(folder: Path, *words: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "mockkie", *words]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def validate(name: str, value: Any) -> None:
    schema = json.loads((FOLDER / f"{name}.json").read_text())
    Draft202012Validator(schema).validate(value)


@pytest.fixture(scope="module")
def wrong() -> Iterator[mockkie.Kie]:
    """A server that violates a documented clause: its errors come with HTTP 200."""
    with mockkie.serve(settings={"errorTransport": "body"}) as kie:
        yield kie


@pytest.fixture(scope="module")
def checked(wrong: mockkie.Kie, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checked")
    names = ("auth.downloads-open", "envelope.status-is-code")
    only = [word for name in names for word in ("--only", name)]
    kinds = ("json", "xml", "sarif", "html")
    reports = [word for kind in kinds for word in ("--report", f"check.{kind}")]
    run(folder, "check", wrong.base_url, "--key", wrong.key, *only, *reports, code=1)
    return folder


def report_of(checked: Path) -> Any:
    return json.loads((checked / "check.json").read_text())


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one_and_says_what_each_member_is(name: str) -> None:
    schema = json.loads((FOLDER / f"{name}.json").read_text())
    assert meta.is_valid(schema)
    assert f"](schemas/{name}.json)" in PAGE
    told = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert [line for line in told if line.rstrip(" |").endswith("|")] == []


def test_a_report_is_as_its_schema_says(checked: Path) -> None:
    report = report_of(checked)
    validate("check", report)
    verdicts = {one["id"]: one["verdict"] for one in report["clauses"]}
    chosen = {"auth.downloads-open": "upheld", "envelope.status-is-code": "violated"}
    assert verdicts.items() >= chosen.items()
    broken = [one for one in report["clauses"] if one["verdict"] == "violated"]
    assert len(broken) == len(verdicts) - 1  # what their tests found on the way is told too
    assert all(one["reproduce"] and one["where"] for one in broken)


def test_a_report_with_something_else_is_not(checked: Path) -> None:
    report = report_of(checked)
    for changed in ({**report, "more": 1}, {**report, "at": "yesterday"}, {"target": "x"}):
        with pytest.raises(ValidationError):
            validate("check", changed)


def test_the_example_is_what_a_run_writes(checked: Path) -> None:
    shown = json.loads(re.findall(r"^```text\n(\{.*?\n\})\n```", PAGE, re.MULTILINE | re.DOTALL)[0])
    (found,) = (one for one in report_of(checked)["clauses"] if one["id"] == shown["id"])
    assert {**found, "seconds": 0} == {**shown, "seconds": 0}


def test_junit_has_what_the_page_says(checked: Path) -> None:
    root = ET.parse(checked / "check.xml").getroot()  # noqa: S314 - it is ours
    words = {element.tag for element in root.iter()} - {"properties"}
    words |= {name for element in root.iter() for name in element.keys()}  # noqa: SIM118
    assert words >= {"testsuite", "property", "testcase", "failure", "classname", "message"}
    assert [word for word in sorted(words) if not re.search(rf"\b{word}\b", CODE)] == []


def test_sarif_has_what_the_page_says(checked: Path) -> None:
    value = json.loads((checked / "check.sarif").read_text())
    (found,) = value["runs"]
    assert set(found) == {"tool", "invocations", "results", "properties"}
    results = {result["ruleId"]: result for result in found["results"]}
    result = results["envelope.status-is-code"]
    rule = found["tool"]["driver"]["rules"][result["ruleIndex"]]
    for words in (found["properties"], rule, result, found["invocations"][0]):
        assert [word for word in words if not re.search(rf"\b{word}\b", CODE)] == []
    assert rule["defaultConfiguration"]["level"] == result["level"] == "error"
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 1


def test_a_page_has_an_anchor_for_each_clause(checked: Path) -> None:
    page = (checked / "check.html").read_text()
    assert 'id="auth.downloads-open"' in page
    assert not re.search(r"""<(script|link|img|iframe)[^>]+(src|href)=["']?https?:""", page)


def test_a_ledger_is_as_its_schema_says(checked: Path) -> None:
    run(checked, "claims", "--fold", "check.json", "--ledger", "ledger.json")
    ledger = json.loads((checked / "ledger.json").read_text())
    validate("ledger", ledger)
    assert len(ledger["evidence"]) == len(report_of(checked)["clauses"])


def test_a_comparison_is_as_its_schema_says(tmp_path: Path) -> None:
    words = ("--only", "naming.path", "--only", "expiry.three-days", "--report", "found.json")
    run(tmp_path, "compare", "mock", "mock:observed", *words)
    found = json.loads((tmp_path / "found.json").read_text())
    validate("comparison", found)
    assert found["divergences"]


def test_recordings_and_exchanges_are_as_the_page_says(tmp_path: Path) -> None:
    run(tmp_path, "record", "--only", "auth.downloads-open", "-o", "a.json", "--har", "a.har")
    recording = (tmp_path / "a.json").read_text()
    validate("recording", json.loads(recording))
    assert len(re.findall(r'^ {3}\{"step":', recording, re.MULTILINE)) == recording.count('"step":')
    log = json.loads((tmp_path / "a.har").read_text())["log"]
    assert log["version"] == "1.2"
    asked = [entry["request"]["url"] for entry in log["entries"]]
    assert asked
    known = ("https://target.invalid/", "https://downloads.invalid/link-")
    assert [url for url in asked if not url.startswith(known)] == []
    assert [word for word in known if word not in PAGE] == []


def test_the_sample_recording_is_as_its_schema_says() -> None:
    place = Path(mockkie.__file__).parent / "recordings" / "mock.json"
    validate("recording", json.loads(place.read_text()))


def test_receipts_and_what_is_concluded_from_them(tmp_path: Path) -> None:
    with mockkie.serve() as kie:
        where = ("--receipts", "secret.json")
        run(tmp_path, "probe", "plant", kie.base_url, "--key", kie.key, *where)
        kie.clock.advance(hours=25)
        more = ("--key", kie.key, "--publish", "public.json", "--json")
        said = run(tmp_path, "probe", "collect", *where, *more)
    validate("check", json.loads(said))
    secret = json.loads((tmp_path / "secret.json").read_text())
    public = json.loads((tmp_path / "public.json").read_text())
    validate("receipts", secret)
    validate("receipts", public)
    assert all("link" in one and "linkSha256" not in one for one in secret["receipts"])
    assert all("link" not in one and "linkSha256" in one for one in public["receipts"])
    assert any(one["looks"] for one in public["receipts"])


def test_a_probe_that_is_over(tmp_path: Path) -> None:
    value = json.loads(run(tmp_path, "probe", "run", "--json", "--report", "probe.json"))
    validate("check", value)
    validate("check", json.loads((tmp_path / "probe.json").read_text()))
    assert value["probe"]["next"] is None
    assert any(one["deadLink"] for one in value["probe"]["files"])


def test_a_summary_is_as_its_schema_says(tmp_path: Path) -> None:
    program = (
        "curl -s http://other.example; curl -s $MOCKKIE_URL/api/none;"
        'curl -s -H "Authorization: Bearer $KIE_API_KEY" -H "X-Mockkie-Fault: status=500"'
        " -d {} $MOCKKIE_URL/api/file-url-upload"
    )
    words = ("--summary", "found.json", "--", "sh", "-c", program)
    run(tmp_path, "run", *words)
    found = json.loads((tmp_path / "found.json").read_text())
    validate("summary", found)
    assert [one["outcome"] for one in found["refused"]] == ["404"]
    assert len(found["faults"]) == 1
    assert found["hosts"]["refused"]


def test_an_overlay_has_what_the_page_says(wrong: mockkie.Kie, tmp_path: Path) -> None:
    run(tmp_path, "learn", wrong.base_url, "--key", wrong.key, "-o", "found.yaml")
    found = yaml.safe_load((tmp_path / "found.yaml").read_text())
    part = PAGE[PAGE.index("## An overlay") :]
    members = [found, found["info"], found["x-mockkie-observed"], *found["actions"]]
    assert [word for one in members for word in one if f"`{word}`" not in part] == []
    assert len(found["actions"]) > 0
