"""`mockkie claims`: generated from document and suite, and honest about what nobody has seen."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mockkie
from mockkie.harness.claims import Ledger, claims, suite_tests, without_secrets
from mockkie.harness.document import clauses, suite_folder
from mockkie.harness.verdicts import Level, Verdict
from tests.judging import check
from tests.test_probe import Done, probe

LEDGER: Final = "mockkie-claims.json"
LIVE: Final = "https://kieai.redpandaai.co"
COLLECT: Final = """
import json, sys
import pytest
from mockkie.harness.plugin import clause_ids

class Collector:
    def pytest_collection_finish(self, session):
        self.found = {}
        for item in session.items:
            name = item.nodeid.partition("[")[0]
            for clause in clause_ids(item):
                self.found.setdefault(clause, set()).add(name)

collector = Collector()
folder = sys.argv[1]
plugins = ["-p", "no:cacheprovider", "-p", "no:terminal"]
code = pytest.main([folder, "--rootdir", folder, "-c", "/dev/null", "--collect-only", *plugins],
                   plugins=[collector])
assert code == 0, code
print(json.dumps({name: sorted(tests) for name, tests in collector.found.items()}))
"""


def test_the_tests_of_a_clause_are_those_that_pytest_collects() -> None:
    """Marks that only running code adds would be missed by reading the source: there are none."""
    folder = suite_folder()
    done = subprocess.run(
        [sys.executable, "-c", COLLECT, str(folder)], capture_output=True, text=True, check=True
    )
    collected = json.loads(done.stdout)
    read = suite_tests(folder)
    assert {name: sorted(tests) for name, tests in read.items()} == collected


def test_every_clause_is_there_with_its_tests() -> None:
    found = claims(Ledger(), probed=["expiry.three-days"])
    assert [claim.clause for claim in found] == clauses()
    (expiry,) = [claim for claim in found if claim.clause.id == "expiry.three-days"]
    assert "test_expiry.py::test_every_kind_of_file_lives_as_long" in expiry.tests
    assert "mockkie probe" in expiry.tests
    assert {claim.verified for claim in found} == {"never"}
    assert not [claim for claim in found if claim.attempted]


def report(at: str, verdict: str = "upheld", *, live: bool = True, **more: Any) -> dict[str, Any]:
    clause = {"id": "auth.bearer", "verdict": verdict, "why": "", **more.pop("clause", {})}
    facts = {"target": LIVE, "at": at, "live": live, "profile": "quick"}
    return {**facts, "clauses": [clause], **more}


def auth_bearer(ledger: Ledger) -> Any:
    return next(claim for claim in claims(ledger) if claim.clause.id == "auth.bearer")


def test_a_mock_verifies_nothing() -> None:
    ledger = Ledger()
    mock = report("2026-11-01T00:00:00Z", live=False, target="http://127.0.0.1:5430")
    assert ledger.fold(mock) == 1
    assert (auth_bearer(ledger).attempted, auth_bearer(ledger).verified) == (True, "never")
    ledger.fold(report("2026-11-02T00:00:00Z", "violated"))
    assert auth_bearer(ledger).verified == "never"
    ledger.fold(report("2026-11-03T00:00:00Z"))
    assert auth_bearer(ledger).verified == "2026-11-03T00:00:00.000Z"
    assert auth_bearer(ledger).last(Verdict.VIOLATED, live=True).target == LIVE


def test_the_mocks_of_this_machine_are_one_target() -> None:
    """Each run has a port of its own: the ledger would grow for ever."""
    ledger = Ledger()
    for port, day in ((5430, 1), (5431, 3), (5432, 2)):
        at, target = f"2026-11-0{day}T00:00:00Z", f"http://127.0.0.1:{port}"
        ledger.fold(report(at, live=False, target=target))
        ledger.fold(report(at, target=f"https://live-{port}.example"))
    here, *others = sorted(ledger.evidence, key=lambda one: one.live)
    assert (here.target, len(others)) == ("http://127.0.0.1:5431", 3)


REPORTS: Final = st.lists(
    st.builds(
        lambda day, verdict, live: report(f"2026-11-{day:02}T00:00:00Z", verdict, live=live),
        st.integers(1, 28),
        st.sampled_from(["upheld", "violated", "not judged", "deferred"]),
        st.booleans(),
    ),
    unique_by=lambda one: one["at"],
)


@given(REPORTS, st.randoms())
def test_the_order_in_which_reports_come_does_not_matter(
    reports: list[dict[str, Any]], dice: Any
) -> None:
    """Nor does it how often: the latest of each kind is kept."""
    ledger, shuffled = Ledger(), Ledger()
    for one in reports:
        ledger.fold(one)
    again = [*reports, *reports]
    dice.shuffle(again)
    for one in again:
        shuffled.fold(one)
    assert sorted(shuffled.evidence, key=str) == sorted(ledger.evidence, key=str)
    told = [one["at"][:10] for one in reports if one["clauses"][0]["verdict"] == "upheld"]
    kept = [one.at[:10] for one in ledger.evidence if one.verdict == Verdict.UPHELD]
    assert max(kept, default="") == max(told, default="")


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        ("https://me:secret@host:8443/api/?key=secret#secret", "https://host:8443/api"),
        ("http://127.0.0.1:5430", "http://127.0.0.1:5430"),
        ("a mock in this process", "a mock in this process"),
    ],
)
def test_a_target_is_kept_without_secrets(target: str, kept: str) -> None:
    assert without_secrets(target) == kept


# ------------------------------------------------------------------------------------ command


def test_runs_are_folded_in(tmp_path: Path) -> None:
    """A check and a probe of a mock; then what a live run would write."""
    with mockkie.serve(keys=["its-key"]) as kie:
        check(tmp_path, kie.base_url, "--key", "its-key", "--only", "auth.bearer")
        ran = probe(tmp_path, "probe", "run", kie.base_url, "--key", "its-key", "--json")
    (tmp_path / "probe.json").write_text(ran.output)
    folded = probe(tmp_path, "claims", "--fold", "report.json", "--fold", "probe.json")
    assert folded.code == 0, folded.output
    assert "folded in: 8 verdicts" in folded.output
    count = len(clauses())
    assert folded.last == (
        f"{count} clauses: 0 upheld by a live target, 8 tried on this machine only, "
        f"{count - 8} never tried"
    )
    (row,) = [line for line in folded.output.splitlines() if line.startswith("auth.bearer ")]
    assert row.split()[3:5] == ["never", "upheld"]
    assert "its-key" not in (tmp_path / LEDGER).read_text()
    (tmp_path / "live.json").write_bytes(orjson.dumps(report("2026-11-20T10:00:00Z")))
    live = probe(tmp_path, "claims", "--fold", "live.json", "--group", "auth", "--long")
    assert f"upheld 2026-11-20T10:00:00.000Z by {LIVE} (quick)" in live.output
    assert live.last.startswith("5 clauses: 1 upheld by a live target, 0 tried on this machine")
    value = json.loads(probe(tmp_path, "claims", "--json", "--group", "auth").output)
    assert [one["verified"] for one in value["claims"]][:2] == ["2026-11-20T10:00:00.000Z", "never"]


def test_it_shows_what_is_asked_for(tmp_path: Path) -> None:
    observed = [clause.id for clause in clauses() if clause.level == Level.OBSERVED]
    value = json.loads(probe(tmp_path, "claims", "--json", "--level", "observed").output)
    assert [one["id"] for one in value["claims"]] == observed
    (tmp_path / "one.json").write_bytes(orjson.dumps(report("2026-11-20T10:00:00Z")))
    probe(tmp_path, "claims", "--fold", "one.json")
    value = json.loads(probe(tmp_path, "claims", "--json", "--never").output)
    never = [one["id"] for one in value["claims"]]
    assert never == [clause.id for clause in clauses() if clause.id != "auth.bearer"]


def test_what_is_folded_of_a_clause_that_is_gone_is_kept(tmp_path: Path) -> None:
    stranger = report("2026-11-20T10:00:00Z", clause={"id": "auth.forgotten"})
    (tmp_path / "old.json").write_bytes(orjson.dumps(stranger))
    probe(tmp_path, "claims", "--fold", "old.json")
    (tmp_path / "new.json").write_bytes(orjson.dumps(report("2026-11-21T10:00:00Z")))
    probe(tmp_path, "claims", "--fold", "new.json")
    assert "auth.forgotten" in (tmp_path / LEDGER).read_text()


def refused(done: Done, said: str) -> None:
    assert (done.code, said in done.output) == (2, True), done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    "content", [b"", b"{", b"null", b"[]", b'{"version": 2}', b'{"version": 1, "evidence": [1]}']
)
def test_a_damaged_ledger_is_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / LEDGER).write_bytes(content)
    (tmp_path / "one.json").write_bytes(orjson.dumps(report("2026-11-20T10:00:00Z")))
    refused(probe(tmp_path, "claims", "--fold", "one.json"), "is damaged")
    assert (tmp_path / LEDGER).read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"[]", b'{"clauses": [{"verdict": "upheld"}]}', b"null"])
def test_what_is_no_report_is_not_folded_in(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "one.json").write_bytes(content)
    refused(probe(tmp_path, "claims", "--fold", "one.json"), "is no JSON report")
    refused(probe(tmp_path, "claims", "--fold", "none.json"), "cannot be read")
    assert not (tmp_path / LEDGER).exists()


def test_a_group_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    refused(probe(tmp_path, "claims", "--group", "nonsense"), "no group is named 'nonsense'")
