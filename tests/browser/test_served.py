"""The dashboard of a mock that is started as users start it: from the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import BrowserContext, expect

LONGEST = 60.0


@contextmanager
def served(folder: Path, *options: str, **env: str) -> Iterator[dict[str, Any]]:
    """`mockkie serve` on a free port; its facts."""
    ready = folder / "ready.json"
    command: Sequence[str] = [sys.executable, "-m", "mockkie", "serve", "--port", "0", "--quiet"]
    more = ["--data", str(folder / "data"), "--ready-file", str(ready), *options]
    with subprocess.Popen([*command, *more], env={**os.environ, **env}) as process:
        try:
            wait_for(ready, process)
            yield {**json.loads(ready.read_text()), "process": process}
        finally:
            process.terminate()
            process.wait(LONGEST)


def wait_for(file: Path, process: subprocess.Popen[bytes]) -> None:
    for _ in range(round(LONGEST / 0.05)):
        if file.exists():
            return
        assert process.poll() is None
        time.sleep(0.05)
    raise AssertionError(f"{file} never came")


def upload(facts: dict[str, Any], name: str) -> None:
    """On a connection of its own: any process may take it."""
    answer = httpx2.post(
        facts["url"] + "/api/file-stream-upload",
        headers={"Authorization": f"Bearer {facts['key']}", "Connection": "close"},
        files={"file": ("f", name.encode())},
        data={"uploadPath": "w", "fileName": name},
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.skipif(sys.platform != "linux", reason="--workers needs POSIX")
def test_the_page_shows_what_all_processes_do(tmp_path: Path, context: BrowserContext) -> None:
    rounds = 12  # as many fresh connections leave no doubt that both were asked
    with served(tmp_path, "--workers", "2") as facts:
        page = context.new_page()
        page.goto(facts["url"] + "/__mockkie/ui/default/journal")
        page.wait_for_selector('[data-live-state="on"]')
        for number in range(rounds):
            upload(facts, f"{number}.txt")
        expect(page.locator("[data-entries] > li")).to_have_count(rounds)
        control = facts["url"] + "/__mockkie/clock/advance"
        httpx2.post(control, json={"duration": "P1D"}, trust_env=False)
        expect(page.locator("[data-clock-state]")).to_contain_text("+")
        page.goto(facts["url"] + "/__mockkie/")
        expect(page.locator("tbody tr")).to_have_count(rounds)
        httpx2.post(control, json={"duration": "P2D"}, trust_env=False)
        expect(page.locator("#first")).to_be_visible()


def test_a_mock_that_stops_does_not_wait_for_a_page(
    tmp_path: Path, context: BrowserContext
) -> None:
    with served(tmp_path) as facts:
        page = context.new_page()
        page.goto(facts["url"] + "/__mockkie/")
        page.wait_for_selector('[data-live-state="on"]')
        facts["process"].send_signal(signal.SIGTERM)
        assert facts["process"].wait(10) == 0  # open uploads would have 30 s
        expect(page.locator("[data-live-text]")).to_have_text("not connected")


def test_serve_opens_the_page(tmp_path: Path) -> None:
    told = tmp_path / "told"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {told}.part && mv {told}.part {told}\n')
    browser.chmod(0o755)
    with served(tmp_path, "--open", BROWSER=str(browser)) as facts:
        wait_for(told, facts["process"])
        assert told.read_text() == facts["url"] + "/__mockkie/"
