"""`mockkie probe` as people run it: in processes of its own, on servers of all kinds."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

import mockkie
from mockkie.clock import parse_duration
from mockkie.harness.conclusions import outcome
from mockkie.harness.lifespan import DAY
from mockkie.harness.plan import Plan
from mockkie.harness.probe import run
from mockkie.harness.receipts import Planting, Role, read_receipts
from mockkie.harness.target import open_target
from mockkie.harness.verdicts import Report, Verdict
from mockkie.kie import Kie
from tests.foreign import FAITHFUL, Ways, foreign

ALL: Final = {
    *("expiry.three-days", "expiry.reading", "expiry.of-its-own", "expiry.answer"),
    *("overwrite.restarts-life", "overwrite.latest-bytes", "content.stays"),
}
SECRET: Final = "a-key-that-nobody-may-see"  # noqa: S105 - of a mock


@dataclass
class Done:
    code: int
    output: str

    @property
    def last(self) -> str:
        return self.output.strip().splitlines()[-1]


def probe(folder: Path, *words: str, **variables: str) -> Done:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOCKKIE_")}
    done = subprocess.run(
        [sys.executable, "-m", "mockkie", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**kept, "NO_COLOR": "1", **variables},
        cwd=folder,
    )
    return Done(done.returncode, done.stdout + done.stderr)


def probed(ways: Ways, bug: str | None = None) -> Report:
    """What a whole probe of a foreign server finds, by its clock."""
    with foreign(replace(ways, clock=True), bug) as server:
        plan = Plan(url=server.url, key=server.key)
        with open_target(plan) as target:
            planting, now = run(target, 3 * DAY, lambda _: None)
    return outcome(planting, now, requests=0, seconds=0.0)


def clauses(found: Report, verdict: Verdict) -> dict[str, str]:
    return {judged.clause.id: judged.why for judged in found.with_verdict(verdict)}


# ----------------------------------------------------------------------------- foreign servers


@pytest.mark.parametrize(
    "name",
    "clock gone-410-html gone-403-xml no-head stale live-like bare download-port".split(),
)
def test_a_faithful_server_keeps_its_promises(name: str) -> None:
    found = probed(FAITHFUL[name])
    assert set(clauses(found, Verdict.UPHELD)) == ALL
    assert (found.command_code, found.too_late) == (0, ())


def test_a_busy_server_is_no_dead_one() -> None:
    """Every seventh request is refused; each look is repeated until it is answered."""
    found = probed(replace(FAITHFUL["rate-limit"], rate_limit=40))
    assert set(clauses(found, Verdict.UPHELD)) == ALL


BROKEN: Final = {
    "expiry.one-day": ("expiry.three-days", "between 22 h 59 min and 25 h 1 min"),
    "expiry.two-days": ("expiry.three-days", "between 46 h 59 min and 49 h 1 min"),
    "expiry.hour-early": ("expiry.three-days", "and 71 h 3 min"),
    "expiry.hour-late": ("expiry.three-days", "between 72 h 29 min and 73 h 1 min"),
    "expiry.four-days": ("expiry.three-days", "between 72 h 59 min and 96 h 1 min"),
    "expiry.never": ("expiry.three-days", "stream: ended later than 95 h 59 min"),
    "expiry.base64-one-day": ("expiry.three-days", "base64: ended between 22 h 59 min"),
    "expiry.url-never": ("expiry.three-days", "url: ended later than 95 h 59 min"),
    "expiry.one-more-read": ("expiry.three-days", "ended between 72 h 1 min"),
    "expiry.siblings-prolonged": ("expiry.three-days", "stream: ended later than 95 h 59 min"),
    "expiry.empty-200": ("expiry.three-days", "answered 200 at 72 h 2 min, with no bytes"),
    "expiry.refusal-in-200": ("expiry.three-days", "answered 200 at 72 h 2 min, with a refusal"),
    "expiry.reading-prolongs": ("expiry.reading", "a file that was read again and again"),
    "expiry.head-prolongs": ("expiry.reading", "a file that was asked for with HEAD"),
    "expiry.takes-a-neighbour": ("expiry.of-its-own", "a younger file was gone"),
    "expiry.takes-the-folder": ("expiry.of-its-own", "a younger file was gone"),
    "expiry.takes-same-names": ("expiry.of-its-own", "a namesake file was gone"),
    "expiry.from-server-start": ("expiry.of-its-own", "a younger file was gone"),
    "expiry.old-version-returns": ("overwrite.latest-bytes", "the former bytes are served"),
    "overwrite.does-not-restart-life": ("overwrite.restarts-life", "and 36 h 3 min"),
    "overwrite.lives-for-ever": ("overwrite.restarts-life", "ended later than 95 h 59 min"),
    "stability.fifth-read-empty": ("content.stays", "with no bytes"),
    "stability.tenth-read-gone": ("expiry.three-days", "stream: ended between"),
}
"""What is wrong with a server, the one documented clause that it breaks, and what is said of it."""


@pytest.mark.parametrize("bug", BROKEN)
def test_what_is_wrong_is_named(bug: str) -> None:
    clause, why = BROKEN[bug]
    found = probed(FAITHFUL["clock"], bug)
    wrong = clauses(found, Verdict.VIOLATED)
    assert why in wrong.pop(clause)
    assert set(wrong) <= {"expiry.answer"}
    assert found.command_code == 1


@pytest.mark.parametrize(
    ("bug", "why"),
    [("expiry.status-500", "GET 500, HEAD 500"), ("expiry.head-still-200", "HEAD 200")],
)
def test_an_odd_answer_after_the_end_is_told_but_decides_nothing(bug: str, why: str) -> None:
    """Nothing documented says what an ended link is answered; 404 is assumed."""
    found = probed(FAITHFUL["clock"], bug)
    assert clauses(found, Verdict.VIOLATED) == {"expiry.answer": f"after the end: {why}"}
    assert "expiry.three-days" in clauses(found, Verdict.UPHELD)
    assert found.command_code == 0


@pytest.mark.parametrize("retention", ["PT1H", "PT24H", "P30D"])
def test_the_ages_follow_from_the_life_that_is_expected(retention: str) -> None:
    with mockkie.serve(retention=retention, profile="observed") as kie:
        with open_target(Plan(kie.base_url, kie.key)) as target:
            planting, now = run(target, parse_duration(retention), lambda _: None)
        found = outcome(planting, now, requests=0, seconds=0.0)
    assert set(clauses(found, Verdict.UPHELD)) == ALL


# ---------------------------------------------------------------------------------- processes


def test_plant_wait_and_collect_as_separate_processes(tmp_path: Path) -> None:
    """The whole way of a cron job, the clock of the mock in place of days."""
    with mockkie.serve(keys=[SECRET]) as kie:
        planted = probe(tmp_path, "probe", "plant", kie.base_url, "--key", SECRET)
        assert planted.code == 0, planted.output
        assert "planted 8 files" in planted.output
        receipts = tmp_path / "mockkie-receipts.json"
        assert stat.S_IMODE(receipts.stat().st_mode) == 0o600
        too_early = probe(tmp_path, "probe", "collect", "--key", SECRET)
        assert (too_early.code, too_early.last[:25]) == (3, "nothing can be judged yet")
        # After a while the bytes of what lives are judged, of its end nothing is known.
        codes = [collect_after(tmp_path, kie, hours) for hours in (36, 35.2, 1, 35, 1, 24)]
        assert codes == [0, 0, 0, 0, 0, 0]
        more = ("--json", "--ledger", "l.json", "--report", "r.html", "--publish", "p.json")
        done = probe(tmp_path, "probe", "collect", "--key", SECRET, *more)
    value = json.loads(done.output)
    assert (done.code, value["exitCode"]) == (0, 0)
    assert {one["id"] for one in value["clauses"] if one["verdict"] == "upheld"} == ALL
    assert value["probe"]["next"] is None
    files = {one["role"]: one for one in value["probe"]["files"]}
    assert files["late"]["livedAtMost"] < 73 * 3_600 < 75 * 3_600
    assert (files["late"]["deadLink"]["status"], files["late"]["deadLinkHead"]["status"]) == (
        404,
        404,
    )
    assert files["overwritten"]["overwritten"] is not None
    check_that_nothing_leaks(tmp_path, done.output)


def test_who_comes_a_moment_too_early_finds_the_second_half_due(tmp_path: Path) -> None:
    """Clocks differ by seconds, and after the only collect at 36 h nobody may come for a day."""
    with mockkie.serve(keys=[SECRET]) as kie:
        probe(tmp_path, "probe", "plant", kie.base_url, "--key", SECRET)
        assert collect_after(tmp_path, kie, 35.98) == 0
        known = read_receipts(tmp_path / "mockkie-receipts.json")
    victim = known.of(Role.OVERWRITTEN)
    assert known.of(Role.YOUNGER) is not None
    assert victim is not None
    assert victim.overwritten is not None


def collect_after(folder: Path, kie: Kie, hours: float) -> int:
    kie.clock.advance(hours=hours)
    return probe(folder, "probe", "collect", "--key", SECRET).code


def check_that_nothing_leaks(folder: Path, output: str) -> None:
    """The key is in no file, the links in that of the receipts only."""
    written = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(written) == {"mockkie-receipts.json", "l.json", "r.html", "p.json"}
    assert not [name for name, text in written.items() if SECRET in text]
    links = [receipt.link for receipt in read_receipts(folder / "mockkie-receipts.json").receipts]
    del written["mockkie-receipts.json"]
    for text in (output, *written.values()):
        assert not [link for link in links if link in text]


def test_a_probe_by_the_clock_takes_no_time(tmp_path: Path) -> None:
    done = probe(tmp_path, "probe", "run", "--timeline", "life.svg")
    assert (done.code, done.last) == (
        0,
        "upheld: 6 of 6 documented clauses hold; the probe is over",
    )
    lines = {line.split()[0]: line for line in done.output.splitlines() if "|" in line}
    assert lines["stream"].count("=") == 36
    assert "71 h 30 min  72 h 2 min   404" in lines["stream"]
    assert "(overwritten at 36 h)" in lines["overwritten"]
    assert [path.name for path in tmp_path.iterdir()] == ["life.svg"]
    assert b"between 71 h 29 min and 72 h 3 min" in (tmp_path / "life.svg").read_bytes()


def test_a_violation_has_exit_code_1(tmp_path: Path) -> None:
    with mockkie.serve(retention="PT24H") as kie:
        done = probe(tmp_path, "probe", "run", kie.base_url, GITHUB_ACTIONS="true")
        right = probe(tmp_path, "probe", "run", kie.base_url, "--retention", "PT24H")
    assert done.code == 1
    assert done.last.startswith("violated: expiry.three-days")
    assert "::error title=expiry.three-days" in done.output
    assert right.code == 0, right.output


def test_looks_that_came_too_seldom_have_exit_code_4(tmp_path: Path) -> None:
    with mockkie.serve(keys=[SECRET]) as kie:
        probe(tmp_path, "probe", "plant", kie.base_url, "--key", SECRET)
        assert collect_after(tmp_path, kie, 47) == 0
        kie.clock.advance(hours=60)
        done = probe(tmp_path, "probe", "collect", "--key", SECRET, "--report", "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "Exit code 4: it was looked at too rarely" in page
    assert '<h1 class="still">' in page
    assert (done.code, done.last[:52]) == (
        4,
        "looked at too rarely to tell: expiry.three-days; loo",
    )
    assert "between 46 h 59 min and 107 h 1 min" in done.output


def test_what_cannot_be_reached_keeps_its_receipts(tmp_path: Path) -> None:
    """An interrupted or failing collect takes nothing away."""
    with mockkie.serve() as kie:
        probe(tmp_path, "probe", "plant", kie.base_url)
        again = probe(tmp_path, "probe", "plant", kie.base_url)
        assert again.code == 2
        assert "has receipts already" in again.output
        kie.clock.advance(hours=24)
        probe(tmp_path, "probe", "collect")
        kie.clock.reset()
        back = probe(tmp_path, "probe", "collect")
        assert (back.code, "clock went back" in back.output) == (3, True)
    before = (tmp_path / "mockkie-receipts.json").read_bytes()
    done = probe(tmp_path, "probe", "collect")
    assert (done.code, "cannot be reached" in done.output) == (3, True)
    assert (tmp_path / "mockkie-receipts.json").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["plant", "https://kieai.redpandaai.co"], 2, "--live"),
        (["plant", "https://kieai.redpandaai.co", "--live"], 2, "KIE_API_KEY"),
        (["plant", "http://me:secret@127.0.0.1"], 2, "a user or a password"),
        (["plant", "http://127.0.0.1:9"], 3, "cannot be reached"),
        (["plant", "http://127.0.0.1:9", "--retention", "PT5M"], 2, "less than an hour"),
        (["plant", "http://127.0.0.1:9", "--retention", "3 days"], 2, "--retention"),
        (["collect"], 2, "begin with `mockkie probe plant`"),
        (["run", "--report", "a.docx"], 2, ".sarif"),
        (["run", "--timeline", "a.png"], 2, "use .svg"),
        (["run", "--timeline", "none/a.svg"], 2, "there is no folder none"),
    ],
)
def test_wrong_use_is_said_in_a_line(
    tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    done = probe(tmp_path, "probe", *words)
    assert done.code == code, done.output
    assert said in done.output
    assert "Traceback" not in done.output
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_is_refused_plants_nothing(tmp_path: Path) -> None:
    with mockkie.serve(keys=[SECRET]) as kie:
        done = probe(tmp_path, "probe", "plant", kie.base_url, "--key", "another")
    assert (done.code, "401" in done.output) == (3, True)
    assert list(tmp_path.iterdir()) == []


def test_a_target_without_a_clock_is_planted_and_not_run(tmp_path: Path) -> None:
    with foreign(FAITHFUL["plain"]) as server:
        done = probe(tmp_path, "probe", "run", server.url, "--key", server.key)
        planted = probe(tmp_path, "probe", "plant", server.url, "--key", server.key)
    assert (done.code, "plant a probe" in done.output) == (3, True)
    assert planted.code == 0


def test_a_server_whose_links_lead_nowhere_is_warned_of(tmp_path: Path) -> None:
    with foreign(FAITHFUL["plain"], "auth.downloads-need-a-key") as server:
        done = probe(tmp_path, "probe", "plant", server.url, "--key", server.key)
    assert "warning: the link of a planted file is answered 401" in done.output


# ----------------------------------------------------------------------------------- receipts


@pytest.fixture(scope="module")
def receipts() -> bytes:
    with mockkie.serve() as kie, open_target(Plan(kie.base_url, kie.key)) as target:
        planting, _ = run(target, 3 * DAY, lambda _: None)
    return json.dumps(planting.to_json()).encode()


def test_receipts_come_back_as_they_were(receipts: bytes) -> None:
    value = json.loads(receipts)
    assert Planting.from_json(value).to_json() == value


def damaged(receipts: bytes) -> dict[str, Any]:
    value = json.loads(receipts)
    return {
        "cut": receipts[: len(receipts) // 2],
        "empty": b"",
        "null": b"null",
        "list": b"[]",
        "newer": json.dumps({**value, "version": 2}).encode(),
        "no target": json.dumps({**value, "target": None, "planted": 5}).encode(),
        "no looks": json.dumps({**value, "receipts": [{"role": "stream"}]}).encode(),
        "strange role": receipts.replace(b'"stream"', b'"strange"'),
        "strange time": receipts.replace(b'Z"', b'"'),
    }


@pytest.mark.parametrize("how", damaged(b'{"receipts": []}'))
def test_damaged_receipts_are_left_alone(tmp_path: Path, receipts: bytes, how: str) -> None:
    path = tmp_path / "mockkie-receipts.json"
    content = damaged(receipts)[how]
    path.write_bytes(content)
    done = probe(tmp_path, "probe", "collect")
    assert (done.code, "damaged" in done.output) == (2, True)
    assert "Traceback" not in done.output
    assert path.read_bytes() == content


# --------------------------------------------------------------------------------------- docs


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the schedule encrypts with openssl")
def test_the_schedule_of_the_docs_plants_and_collects(tmp_path: Path) -> None:
    """Its script as it is written there, in a fresh checkout each time but for what it caches."""
    page = (Path(__file__).parent.parent / "docs" / "probe.md").read_text()
    block = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert block is not None
    steps = yaml.safe_load(block[1])["jobs"]["probe"]["steps"]
    (script,) = [step["run"] for step in steps if "mockkie probe" in step.get("run", "")]
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with mockkie.serve(keys=[SECRET]) as kie:
        script = script.replace("https://kieai.redpandaai.co --live", kie.base_url)
        script = script.replace(" --live", "")
        words = {"PATH": tools, "KIE_API_KEY": SECRET, "PASSWORD": "password", "NO_COLOR": "1"}
        said = []
        for number, hours in enumerate((0, 0, 71.5, 1)):
            kie.clock.advance(hours=hours)
            checkout = tmp_path / str(number)
            checkout.mkdir()
            if number:
                shutil.copytree(tmp_path / str(number - 1) / "kept", checkout / "kept")
            done = subprocess.run(
                ["bash", "-e", "-c", script],  # noqa: S607 - as CI finds it
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, **words},
                cwd=checkout,
            )
            said.append((done.returncode, done.stdout.strip().splitlines()[-1][:20]))
    # It was not overwritten in time: nobody came between 36 and 71 hours.
    assert said == [
        (0, "collect them with `m"),
        (0, "too early, or not re"),
        (4, "looked at too rarely"),
        (4, "looked at too rarely"),
    ]
    kept = tmp_path / "3" / "kept"
    assert SECRET.encode() not in (kept / "receipts").read_bytes()
    assert json.loads((kept / "claims.json").read_bytes())["evidence"]
