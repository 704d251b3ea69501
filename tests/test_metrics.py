"""What a mock counts: asked for as Prometheus asks, and read with its own parsers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from prometheus_client import REGISTRY
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as read_text

import mockkie
from mockkie.server import Server
from tests.clients import Client
from tests.inside import inside
from tests.serving_processes import served, told_without, visitor_at
from tests.visitors import WAYS, Visitor, serving, visiting

OPENMETRICS = "application/openmetrics-text; version=1.0.0, text/plain; q=0.5"
LABELS = {"operation", "outcome", "status", "problem", "clause", "action", "le"}
Counted = Mapping[tuple[str, ...], float]


def scrape(origin: str) -> Counted:
    """Every value by its name and the values of its labels, in the order of their names."""
    answer = httpx2.get(f"{origin}/metrics", trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return counted(list(read_text(answer.text)))


def counted(families: list[Metric]) -> Counted:
    return {
        (one.name, *[value for _, value in sorted(one.labels.items())]): one.value
        for family in families
        for one in family.samples
        if not one.name.endswith(("_created", "_bucket", "_info"))
    }


@pytest.fixture
def counting() -> Iterator[Server]:
    with serving(metrics=True) as server:
        yield server


@pytest.fixture
def guest(counting: Server, http: Client) -> Iterator[Visitor]:
    with visiting(counting, http) as visitor:
        yield visitor


@pytest.mark.parametrize("way", WAYS)
def test_uploads_by_operation_and_outcome(guest: Visitor, way: str) -> None:
    name = f"upload-file-{way}"
    before = scrape(guest.origin)
    for _ in range(3):
        guest.upload(way, b"x" * 100)
    guest.post(way, b"x", "../a")
    now = scrape(guest.origin)
    assert now["mockkie_uploads_total", name, "accepted"] == 3
    assert now["mockkie_uploads_total", name, "refused"] == 1
    assert now["mockkie_requests_total", name, "accepted", "200"] == 3
    assert now["mockkie_requests_total", name, "refused", "400"] == 1
    assert now["mockkie_refusals_total", "invalid-parameter"] == 1
    assert now["mockkie_refused_clauses_total", "input.plain-segments"] == 1
    assert now["mockkie_request_duration_seconds_count", name] == 4
    assert now["mockkie_request_duration_seconds_sum", name] > 0
    entries = [entry for entry in guest.journal() if entry["operation"] == name]
    assert now["mockkie_received_bytes_total", name] == sum(e["received"] for e in entries)
    assert now["mockkie_sent_bytes_total", name] == sum(e["sent"] for e in entries)
    assert ("mockkie_uploads_total", name, "accepted") not in before


def test_downloads_and_what_is_nothing_of_the_api(guest: Visitor) -> None:
    link = guest.upload("stream", b"x" * 1_000)["downloadUrl"]
    for target in (link, link, f"{link}x", f"{guest.origin}/api/nothing"):
        guest.get(target)
    guest.ask("POST", f"{guest.origin}/api/nothing")
    now = scrape(guest.origin)
    assert now["mockkie_requests_total", "download-file", "accepted", "200"] == 2
    assert now["mockkie_requests_total", "download-file", "refused", "404"] == 2
    assert now["mockkie_requests_total", "unmatched", "refused", "404"] == 1
    assert now["mockkie_sent_bytes_total", "download-file"] > 2_000
    assert now["mockkie_refusals_total", "link-not-found"] == 2
    assert now["mockkie_refused_clauses_total", "expiry.answer"] == 2


def test_faults_by_what_they_do(guest: Visitor) -> None:
    for fault in ("status=503", "latency=PT0.001S", "status=500"):
        guest.control("POST", "/faults", {"then": {fault.split("=")[0]: _value(fault)}, "times": 1})
    for _ in range(3):
        guest.post("stream", b"x")
    now = scrape(guest.origin)
    assert now["mockkie_faults_fired_total", "status"] == 2
    assert now["mockkie_faults_fired_total", "latency"] == 1


def _value(fault: str) -> int | str:
    text = fault.partition("=")[2]
    return int(text) if text.isdecimal() else text


def test_what_lives_and_what_was_swept(guest: Visitor) -> None:
    for number in range(3):
        guest.upload("stream", b"x" * 50_000, name=f"{number}")
    guest.upload("stream", b"x" * 10, name="0")
    now = scrape(guest.origin)
    assert (now["mockkie_files",], now["mockkie_stored_bytes",]) == (3, 100_010)
    assert now["mockkie_worlds",] == 2
    assert now["mockkie_swept_files_total",] == 0
    guest.set_clock()
    guest.upload("stream", b"y" * 7, name="new")
    guest.advance(3 * 86_400)
    now = scrape(guest.origin)
    assert (now["mockkie_files",], now["mockkie_stored_bytes",]) == (3, 100_010)
    assert (now["mockkie_swept_files_total",], now["mockkie_swept_bytes_total",]) == (1, 7)
    assert now["mockkie_sweeps_total",] == 1


def test_entries_that_a_journal_lacks() -> None:
    with mockkie.serve(metrics=True) as kie:
        kie.world.journal.limit = 2_000
        for _ in range(9):
            kie.client.get("/nothing")
        evicted = scrape(kie.base_url)["mockkie_journal_evicted_entries",]
        assert evicted == kie.world.journal.evicted > 5


def test_labels_are_few_and_tell_no_secret(guest: Visitor) -> None:
    """Whatever clients send, there are not more series: no path, key, world or method is one."""
    data = guest.upload("stream", b"x", "secret-path", "secret-name")

    def series() -> set[tuple[str, ...]]:
        answer = httpx2.get(f"{guest.origin}/metrics", trust_env=False)
        for word in ("secret", guest.key, guest.id, guest.account, data["downloadUrl"]):
            assert word not in answer.text
        families = list(read_text(answer.text))
        names = {name for family in families for one in family.samples for name in one.labels}
        assert names <= LABELS | {"version", "profile"}
        return set(counted(families))

    def round_of(number: int) -> None:
        for method, path in (("PURGE", "x"), (f"X{number}", "y"), ("GET", f"secret/{number}")):
            guest.ask(method, f"{guest.origin}/{path}{number}?{number}")
        guest.post("stream", b"x", f"secret-{number}/..", f"secret-{number}")

    round_of(0)
    before = series()
    for number in range(1, 8):
        round_of(number)
    assert series() == before


def test_openmetrics_for_who_asks_for_it(guest: Visitor) -> None:
    guest.upload("stream", b"x")
    url = f"{guest.origin}/metrics"
    answer = httpx2.get(url, headers={"Accept": OPENMETRICS}, trust_env=False)
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")
    families: list[Metric] = list(read_openmetrics(answer.text))  # type: ignore[no-untyped-call] # theirs
    names = {family.name for family in families}
    assert {"mockkie_uploads", "mockkie_request_duration_seconds", "mockkie_info"} <= names
    head = httpx2.head(url, trust_env=False)
    assert (head.status_code, head.content) == (200, b"")
    refused = httpx2.post(url, trust_env=False)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


def test_a_scrape_is_no_request_of_the_api(guest: Visitor) -> None:
    before = scrape(guest.origin)
    assert scrape(guest.origin) == before
    assert guest.journal() == []


def test_each_mock_counts_for_itself_and_never_globally(guest: Visitor) -> None:
    with mockkie.serve(metrics=True) as other:
        guest.upload("stream", b"x")
        assert not [name for name in scrape(other.base_url) if name[0] == "mockkie_uploads_total"]
    assert not [one for one in REGISTRY.collect() if one.name.startswith("mockkie")]


def test_without_the_option_the_path_is_the_api_s_own() -> None:
    with mockkie.serve() as kie:
        answer = kie.client.get(f"{kie.base_url}/metrics")
        assert (answer.status_code, answer.json()["code"]) == (404, 404)
        assert kie.journal[-1].target == "/metrics"


def test_who_did_not_ask_does_not_load_the_library() -> None:
    program = (
        "import sys, mockkie\n"
        "with mockkie.serve() as kie:\n"
        "    assert kie.client.get('/metrics').status_code == 404\n"
        "assert 'prometheus_client' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path) -> None:
    said = told_without(tmp_path, "prometheus_client", "--metrics")
    assert "prometheus_client is missing: pip install 'mockkie[metrics]'" in said


def test_several_processes_count_together_and_over_a_death(tmp_path: Path, http: Client) -> None:
    with served(tmp_path, "--metrics", "--workers", "2") as facts:
        visitor = visitor_at(facts, http)

        def upload(number: int) -> int:
            files, data = {"file": (f"{number}", b"x" * 100)}, {"uploadPath": "w"}
            url = f"{facts['url']}/api/file-stream-upload"
            sent = httpx2.post(url, headers=visitor.auth, files=files, data=data, trust_env=False)
            return sent.status_code

        def round_of(times: int) -> None:
            with ThreadPoolExecutor(4) as pool:
                assert set(pool.map(upload, range(times))) == {200}

        round_of(40)
        for _ in range(8):  # whichever of them is asked
            now = scrape(facts["url"])
            assert now["mockkie_uploads_total", "upload-file-stream", "accepted"] == 40
            assert now["mockkie_files",] == 40
            assert now["mockkie_request_duration_seconds_count", "upload-file-stream"] == 40
        first, second = workers_of(facts["pid"])
        os.kill(first, signal.SIGKILL)
        while len(workers_of(facts["pid"])) < 2 or first in workers_of(facts["pid"]):
            time.sleep(0.05)
        round_of(20)
        now = scrape(facts["url"])
        assert now["mockkie_uploads_total", "upload-file-stream", "accepted"] == 60
        assert second in workers_of(facts["pid"])


def workers_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [
        int(child)
        for child in children
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def test_a_mock_in_process_counts_too() -> None:
    with inside(metrics=True) as mock:
        assert mock.form().status_code == 200
        assert (
            'mockkie_uploads_total{operation="upload-file-stream"'
            in mock.ask("GET", "/metrics").text
        )
