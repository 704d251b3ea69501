"""Two processes that serve one mock are, to a client, one mock."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockkie.journal import Entry, Journal
from mockkie.shared import Shared

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts workers in /proc")
SERVE = [sys.executable, "-m", "mockkie", "serve", "--port", "0"]
ROUNDS = 12  # as many fresh connections leave no doubt that both workers were asked


@dataclass
class Running:
    process: subprocess.Popen[Any]
    url: str
    key: str

    def ask(self, method: str, path: str, key: str | None = None, **more: Any) -> httpx2.Response:
        """A request on a connection of its own: any worker may take it."""
        headers = {"Authorization": f"Bearer {key or self.key}", "Connection": "close"}
        return httpx2.request(method, self.url + path, headers=headers, trust_env=False, **more)

    def upload(self, name: str, content: bytes, key: str | None = None) -> str:
        answer = self.ask(
            "POST",
            "/api/file-stream-upload",
            key,
            files={"file": ("f", content)},
            data={"uploadPath": "w", "fileName": name},
        )
        assert answer.status_code == 200, answer.text
        link: str = answer.json()["data"]["downloadUrl"]
        return link.removeprefix(self.url)

    def workers(self) -> list[int]:
        proc = Path("/proc")
        pid = self.process.pid
        children = (proc / f"{pid}/task/{pid}/children").read_text().split()
        return [
            int(child)
            for child in children
            if b"spawn_main" in (proc / child / "cmdline").read_bytes()
        ]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    ready = tmp_path / "ready.json"
    more = ["--workers", "2", "--quiet", "--data", str(tmp_path / "d"), "--ready-file", str(ready)]
    with subprocess.Popen([*SERVE, *more], text=True, stdout=subprocess.PIPE) as process:
        try:
            while not ready.exists():
                assert process.poll() is None
                time.sleep(0.05)
            facts = json.loads(ready.read_text())
            yield Running(process, facts["url"], facts["key"])
        finally:
            process.terminate()
            assert process.wait(60) == 0


def test_what_one_worker_is_told_every_worker_knows(running: Running) -> None:
    assert len(running.workers()) == 2
    links = [running.upload(f"{index}.txt", b"%d" % index) for index in range(ROUNDS)]
    for index, link in enumerate(links):
        assert running.ask("GET", link).content == b"%d" % index
    entries = running.ask("GET", "/__mockkie/journal").json()["entries"]
    assert [entry["seq"] for entry in entries] == list(range(1, 2 * ROUNDS + 1))
    assert all(entry["seconds"] > 0 for entry in entries)

    running.ask("POST", "/__mockkie/clock/advance", json={"duration": "P3D"})
    for link in links:
        assert running.ask("GET", link).status_code == 404
        assert running.ask("GET", "/__mockkie/clock").json()["offset"] == 259_200
    running.ask("POST", "/__mockkie/reset")
    for _ in range(ROUNDS):
        assert running.ask("GET", "/__mockkie/clock").json()["offset"] == 0
        assert running.ask("GET", "/__mockkie/journal").json()["entries"] == []


def test_a_new_world_opens_on_every_worker_and_a_dropped_one_on_none(running: Running) -> None:
    world = running.ask("POST", "/__mockkie/worlds").json()
    links = [running.upload("same.txt", b"%d" % index, world["key"]) for index in range(ROUNDS)]
    assert len(set(links)) == 1
    for _ in range(ROUNDS):
        assert running.ask("GET", links[0]).content == b"%d" % (ROUNDS - 1)
    assert running.ask("DELETE", f"/__mockkie/worlds/{world['id']}").status_code == 204
    for _ in range(ROUNDS):
        assert running.ask("GET", links[0]).status_code == 404
        assert running.ask("GET", "/__mockkie/clock", world["key"]).status_code == 401


def test_a_worker_that_is_killed_is_replaced_and_loses_nothing(running: Running) -> None:
    link = running.upload("kept.txt", b"kept")
    before = running.workers()
    os.kill(before[0], signal.SIGKILL)
    for _ in range(600):
        if len(running.workers()) == 2 and running.workers() != before:
            break
        time.sleep(0.05)
    assert len(running.workers()) == 2
    assert running.workers() != before
    for _ in range(ROUNDS):
        assert running.ask("GET", link).content == b"kept"


def test_workers_need_a_folder_to_share() -> None:
    done = subprocess.run(
        [*SERVE, "--workers", "2", "--data", "memory:"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--data FOLDER" in done.stderr


def entry(text: str) -> Entry:
    return Entry(at=0, method="GET", target=f"/{text}", head="a: b", notes=[text])


@given(
    st.lists(
        st.one_of(st.text(max_size=400), st.just(None), st.integers(0, 12)), min_size=1, max_size=20
    )
)
def test_a_shared_journal_is_a_journal(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str | int | None]
) -> None:
    shared = Shared.create(tmp_path_factory.mktemp("shared"))
    plain, common = Journal(4_000), shared.journal("w")
    common.limit = plain.limit
    for step in steps:
        for journal in (plain, common):
            if step is None:
                journal.clear()
            elif isinstance(step, str):
                written = entry(step)
                journal.add(written)
                written.sent = len(step)
                journal.amend(written)
        after = step if isinstance(step, int) else 0
        for limit in (None, 2):
            assert [known.to_json() for known in common.entries(after=after, limit=limit)] == [
                known.to_json() for known in plain.entries(after=after, limit=limit)
            ]
        assert (common.last, common.evicted) == (plain.last, plain.evicted)
        assert common.bytes == plain.bytes
    shared.close()
