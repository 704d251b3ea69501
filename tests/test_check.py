"""`mockkie check` as people run it: in a process of its own, on servers of all kinds."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import mockkie
from mockkie.harness.document import clauses, suite_folder
from mockkie.harness.plugin import LAYERS
from mockkie.harness.verdicts import Level
from tests.judging import Run, check


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("profile", ["documented", "observed"])
@pytest.mark.parametrize("store", ["memory", "disk"])
def test_the_mock_keeps_the_contract(tmp_path: Path, store: str, profile: str) -> None:
    data = "memory:" if store == "memory" else tmp_path / "data"
    with mockkie.serve(data=data, profile=profile, keys=["its-key"]) as kie:
        other = kie.new_world().key
        run = check(tmp_path, kie.base_url, "--key", "its-key", "--other-key", other)
    assert run.code == 0, run.output
    assert run.verdicts("violated") == set()
    # Who shows a clause not to be judged takes it from the ledger of what the suite can do.
    assert run.verdicts("not judged") | run.verdicts("deferred") == {"url.limits"}
    assert run.report["requests"] <= 1_500
    layers = run.report["layers"]
    assert [layer["name"] for layer in layers] == list(LAYERS)
    assert sum(layer["requests"] for layer in layers) == run.report["requests"]
    assert run.report["target"] == kie.base_url
    assert "its-key" not in json.dumps(run.report)
    assert "upheld: " in run.output


def test_a_violation_is_named_and_can_be_reproduced(tmp_path: Path) -> None:
    with mockkie.serve(retention="PT24H") as kie:
        run = check(tmp_path, kie.base_url, "--only", "expiry", "--seed", "7")
        assert run.code == 1
        assert "expiry.three-days" in run.verdicts("violated")
        (broken,) = [c for c in run.report["clauses"] if c["id"] == "expiry.three-days"]
        assert broken["why"]
        assert any(line.startswith("curl ") for line in broken["reproduce"])
        assert len(broken["answers"]) == len(broken["reproduce"])
        assert broken["answers"][-1].startswith("GET http://127.0.0.1:")
        assert kie.key not in json.dumps(run.report)
        assert kie.key not in run.output
        assert "$KIE_API_KEY" in run.output
        assert f"again: mockkie check {kie.base_url} --seed 7" in run.output
        link = [line for line in broken["reproduce"] if line.startswith("curl -i http")][-1]
        again = subprocess.run(["bash", "-c", link], capture_output=True, text=True, check=True)  # noqa: S607 - a shell
        assert again.stdout.startswith(f"HTTP/1.1 {link.rpartition('# ')[2]} ")
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_mock_that_fetches_is_asked_to(tmp_path: Path) -> None:
    """From an origin of the suite's own: queries, redirects, pages of errors."""
    with mockkie.serve(url_upload="fetch", url_upload_private=True) as kie:
        run = check(tmp_path, kie.base_url, "--key", kie.key, "--only", "url.fetched")
    assert run.code == 0, run.output
    (fetched,) = run.report["clauses"]
    assert fetched["verdict"] == "upheld"
    assert {test.partition("[")[0] for test in fetched["tests"]} >= {
        "test_what_an_origin_has_is_fetched",
        "test_the_page_of_an_error_is_no_file",
    }


def test_a_fetch_that_never_ends_is_found(tmp_path: Path) -> None:
    """Half a minute is what a fetch has; both are judged at once, since that is what it takes."""
    kinds = ("PT30S", "PT60S")
    contracts = {kind: contract_with_timeout(tmp_path, kind) for kind in kinds}

    def judge(kind: str) -> Run:
        folder = tmp_path / kind
        folder.mkdir()
        with mockkie.serve(
            contract=contracts[kind], url_upload="fetch", url_upload_private=True
        ) as kie:
            words = (kie.base_url, "--key", kie.key, "--only", "url.limits", "--full")
            return check(folder, *words)

    with ThreadPoolExecutor() as pool:
        right, endless = pool.map(judge, kinds)
    assert right.code == 0, right.output
    assert right.verdicts("upheld") == {"url.limits"}
    assert endless.code == 1, endless.output
    assert endless.verdicts("violated") == {"url.limits"}
    assert "takes 45 s was accepted" in endless.output


def contract_with_timeout(folder: Path, duration: str) -> Path:
    path = folder / f"{duration}.yaml"
    text = (Path(mockkie.__file__).parent.parent / "openapi.yaml").read_text()
    assert "timeout: PT30S" in text
    path.write_text(text.replace("timeout: PT30S", f"timeout: {duration}"))
    return path


def test_the_clock_of_a_target_is_left_as_it_was(tmp_path: Path) -> None:
    with mockkie.serve(keys=["k"]) as kie:
        kie.clock.advance(days=5)
        run = check(tmp_path, kie.base_url, "--key", "k", "--only", "expiry")
        assert run.code == 0, run.output
        assert abs(kie.clock.offset.total_seconds() - 5 * 86_400) < 60


def test_only_what_is_wanted_is_judged(tmp_path: Path) -> None:
    with mockkie.serve(keys=["k"]) as kie:
        run = check(tmp_path, kie.base_url, "--key", "k", "--only", "naming")
    assert run.code == 0
    assert {clause["id"].partition(".")[0] for clause in run.report["clauses"]} == {"naming"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["http://127.0.0.1:9"], 3, "cannot be reached"),
        (["https://kieai.redpandaai.co"], 2, "--live"),
        (["nonsense"], 2, "no base URL"),
        (["--only", "nonsense"], 2, "no clause and no group is named 'nonsense'"),
        (["https://kieai.redpandaai.co", "--live"], 2, "KIE_API_KEY"),
    ],
)
def test_what_cannot_be_checked_is_not_upheld(
    tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    run = check(tmp_path, *words)
    assert run.code == code, run.output
    assert said in run.output
    assert "Traceback" not in run.output
    assert run.report == {}


def test_a_budget_that_is_spent_judges_nothing(tmp_path: Path) -> None:
    with mockkie.serve() as kie:
        run = check(tmp_path, kie.base_url, "--max-requests", "1", "--only", "content")
    assert run.code == 3, run.output
    assert run.verdicts("upheld") == set()
    assert "--max-requests" in run.output


def test_every_documented_clause_has_a_test() -> None:
    text = "".join(path.read_text() for path in suite_folder().glob("*.py"))
    documented = [clause.id for clause in clauses() if clause.level == Level.DOCUMENTED]
    assert [name for name in documented if f'"{name}"' not in text] == []
