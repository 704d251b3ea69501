"""`mockkie record` and `replay`: what was seen is seen again, or it is said what changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import jsonschema_rs
import pytest

import mockkie
from mockkie.clock import isoformat, real_now
from mockkie.harness.compare import walks_of
from mockkie.harness.plan import Plan
from mockkie.harness.recording import Recording, sample_path
from mockkie.harness.replay import record
from mockkie.harness.sides import Side, open_side
from tests.foreign import FAITHFUL, foreign
from tests.har import HAR
from tests.judging import judge
from tests.judging import mockkie as run

ONLY: Final = ("--only", "overwrite.latest-bytes", "--only", "auth")
DAY: Final = 86_400_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of the mock."""
    path = tmp_path_factory.mktemp("recording") / "mock.json"
    done = run(path.parent, "record", "-o", str(path), *ONLY)
    assert done.returncode == 0, done.stderr
    assert "recorded: " in done.stdout
    return path


def changed(made: Path, folder: Path, change: Callable[[dict[str, Any]], object]) -> str:
    value = json.loads(made.read_bytes())
    change(value)
    at = folder / "changed.json"
    at.write_text(json.dumps(value))
    return str(at)


@pytest.mark.parametrize("store", ["in process", "memory", "disk"])
def test_the_mock_answers_as_it_was_recorded(made: Path, tmp_path: Path, store: str) -> None:
    if store == "in process":
        replayed = judge(tmp_path, "replay", str(made))
    else:
        data = "memory:" if store == "memory" else tmp_path / "data"
        with mockkie.serve(data=data) as kie:
            keys = ("--key", kie.key, "--other-key", kie.new_world().key)
            replayed = judge(tmp_path, "replay", str(made), kie.base_url, *keys)
    assert replayed.code == 0, replayed.output
    assert replayed.report["divergences"] == []
    assert replayed.report["leftOut"] == []
    assert replayed.report["walks"] == len(json.loads(made.read_bytes())["walks"]) > 40
    assert replayed.output.splitlines()[-1].startswith("alike: ")


def test_another_server_is_held_against_the_recording(made: Path, tmp_path: Path) -> None:
    for bug, code in ((None, 0), ("overwrite.same-size-ignored", 1)):
        with foreign(FAITHFUL["observed-links"], bug) as server:
            words = (server.url, "--key", server.key, "--overwrite-delay", "0.3")
            replayed = judge(tmp_path, "replay", str(made), *words)
        assert replayed.code == code, replayed.output
        assert "cannot be moved" in replayed.output
        shown = {(one["clause"], one["aspect"]) for one in replayed.report["divergences"]}
        assert ("naming.path", "style") in shown
        assert (("overwrite.latest-bytes", "content") in shown) == bool(code)


def test_what_was_tampered_with_is_found(made: Path, tmp_path: Path) -> None:
    def lie(value: dict[str, Any]) -> None:
        value["walks"][0]["steps"][1]["saw"]["outcome"] = "accepted"

    replayed = judge(tmp_path, "replay", changed(made, tmp_path, lie))
    assert replayed.code == 1
    (one,) = replayed.report["divergences"]
    assert (one["clause"], one["aspect"]) == ("auth.exact", "outcome")
    assert (one["left"], one["right"]) == ("accepted", "refused")
    assert len(one["words"]) == 2


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (lambda value: value.update(walks=[]), 3, "nothing was compared"),
        (lambda value: value.update(version=99), 2, "a recording of version 99"),
        (lambda value: value.update(format="x"), 2, "is no recording"),
        (lambda value: value.update(made="yesterday"), 2, "made: 'yesterday' is not a time"),
        (lambda value: value.pop("target"), 2, '"target" is a required property'),
        (lambda value: value.update(extra=1), 2, "extra"),
        (
            lambda value: value["walks"][1]["steps"][2]["step"].update(route="ftp"),
            2,
            "step 3 of walk 2 (key: wrong): route: ",
        ),
        (lambda value: value["walks"][1]["steps"][2].pop("saw"), 2, "walk 2 steps 3"),
    ],
)
def test_what_is_wrong_with_a_recording_is_said(
    made: Path, tmp_path: Path, change: Callable[[dict[str, Any]], object], code: int, says: str
) -> None:
    replayed = judge(tmp_path, "replay", changed(made, tmp_path, change))
    assert replayed.code == code, replayed.output
    assert says in replayed.output.replace("walk 2 step 3", "walk 2 steps 3")
    assert "Traceback" not in replayed.output


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\x00\xff", b'{"walks": '])
def test_a_damaged_file_is_no_recording(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "damaged.json").write_bytes(content)
    replayed = judge(tmp_path, "replay", "damaged.json")
    assert replayed.code == 2
    assert "damaged.json is no recording" in replayed.output


def test_a_recording_of_no_known_document_is_written_as_it_was_read(tmp_path: Path) -> None:
    path, again = tmp_path / "a.json", tmp_path / "b.json"
    value = json.loads(sample_path().read_bytes())
    del value["document"]
    path.write_text(json.dumps(value))
    again.write_bytes(Recording.read(path).to_json())
    assert Recording.read(again) == Recording.read(path)


def test_evidence_that_is_too_old_is_none(made: Path, tmp_path: Path) -> None:
    def age(value: dict[str, Any]) -> None:
        value["made"] = isoformat(real_now() - 31 * DAY)

    def age_and_lie(value: dict[str, Any]) -> None:
        age(value)
        value["walks"][0]["steps"][0]["saw"]["size"] = 1

    old = changed(made, tmp_path, age)
    assert judge(tmp_path, "replay", old, "--max-age", "P60D").code == 0
    replayed = judge(tmp_path, "replay", old, "--max-age", "P30D")
    assert replayed.code == 4
    assert replayed.output.splitlines()[-1].startswith("too old: alike, but the recording is 31.0")
    assert judge(tmp_path, "replay", old, MOCKKIE_MAX_AGE="P30D").code == 4
    wrong = changed(made, tmp_path, age_and_lie)
    assert judge(tmp_path, "replay", wrong, "--max-age", "P30D").code == 1
    assert judge(tmp_path, "replay", wrong, "--max-age", "soon").code == 2


def test_no_secret_is_in_a_recording_or_a_har(tmp_path: Path) -> None:
    """Not the keys, the hosts, the accounts, or the links, which are as good as keys."""
    keys = ("key-of-somebody-1", "key-of-somebody-2")
    ways = replace(FAITHFUL["live-like"], stale_seconds=0.0, clock=True)
    with foreign(ways, keys=keys) as server:
        words = (server.url, "--key", keys[0], "--other-key", keys[1], *ONLY)
        more = ("--only", "metadata", "--only", "input", "--only", "account")
        done = run(tmp_path, "record", *words, *more, "-o", "all.json", "--har", "all.har")
        assert done.returncode == 0, done.stderr
        hosts = {url.partition("//")[2] for url in (server.url, server.downloads)}
    texts = {name: (tmp_path / name).read_text() for name in ("all.json", "all.har")}
    for name, text in texts.items():
        for secret in (*keys, *hosts, "127.0.0.1", "4200017", "4201026", "kieai/"):
            assert secret not in text, (name, secret)
    recorded = json.loads(texts["all.json"])
    assert recorded["target"] == "a server of this machine"
    assert recorded["clock"] is True
    har = json.loads(texts["all.har"])
    jsonschema_rs.Draft202012Validator(HAR).validate(har)
    entries = har["log"]["entries"]
    assert len(entries) > 300
    sent = {
        h["value"] for e in entries for h in e["request"]["headers"] if h["name"] == "Authorization"
    }
    assert sent == {"[left out]"}
    reads = {e["request"]["url"] for e in entries if e["request"]["method"] == "GET"}
    assert "https://downloads.invalid/link-1" in reads
    told = [
        json.loads(e["response"]["content"]["text"])
        for e in entries
        if e["request"]["method"] == "POST" and "text" in e["response"]["content"]
    ]
    assert {"https://downloads.invalid/link-1"} <= {
        t.get("data", {}).get("downloadUrl") for t in told
    }


def test_a_har_that_breaks_the_rules_is_found() -> None:
    broken = {"log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "entries": [{}]}}
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.Draft202012Validator(HAR).validate(broken)


def test_the_sample_is_up_to_date(tmp_path: Path) -> None:
    """It says what the mock does today; if it does not: `mockkie record -o` that file again."""
    sample = json.loads(sample_path().read_bytes())
    assert sample["target"] == "a mock, not the live service"
    plan = Plan(most_requests=5_000)
    with open_side(Side("mock"), plan) as target:
        fresh = Recording("x", clock=True, seed=plan.seed)
        walks = walks_of(plan, ("overwrite", "expiry"))
        record(target, walks, fresh, lambda *_: None)
    (tmp_path / "fresh.json").write_bytes(fresh.to_json())
    assert sample["walks"] == json.loads(fresh.to_json())["walks"]
    assert Recording.read(sample_path()).to_json() == sample_path().read_bytes()
    assert judge(tmp_path, "replay", "sample").code == 0


def test_where_a_recording_goes_is_checked_before_a_long_run(tmp_path: Path) -> None:
    for words in (("-o", "none/x.json"), ("-o", "x.json", "--har", "none/x.har"), ("-o", ".")):
        done = run(tmp_path, "record", *words)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
    assert run(tmp_path, "record", "http://127.0.0.1:9", "-o", "x.json").returncode == 3
    assert list(tmp_path.iterdir()) == []


class Talkative(BaseHTTPRequestHandler):
    """A server that repeats everything it is told, and names what it knows."""

    def do_POST(self) -> None:
        key = self.headers["Authorization"] or ""
        account = "acct-4f2a9c1b7d3e8f60, number 7731002"
        host = self.headers["Host"]
        told = f"{key} {key.swapcase()} {host} http://{host}/x {account}"
        body = json.dumps({"success": f"no, {told}", "code": told, "msg": told, told: 1}).encode()
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.send_response(400)
        for name in ("Content-Type", "Access-Control-Allow-Origin", "ETag", "X-Account", "Server"):
            self.send_header(name, f"application/json; {told}" if name == "Content-Type" else told)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815 - the names are the library's

    def log_message(self, *_: object) -> None:
        pass


def test_what_a_server_gives_away_is_not_recorded(tmp_path: Path) -> None:
    key = "key-of-somebody-1"
    with HTTPServer(("127.0.0.1", 0), Talkative) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        port = str(server.server_port)
        words = (f"http://127.0.0.1:{port}", "--key", key, "--only", "auth", "--only", "input")
        done = run(tmp_path, "record", *words, "-o", "all.json", "--har", "all.har")
        server.shutdown()
    assert done.returncode == 0, done.stderr
    for name in ("all.json", "all.har"):
        text = (tmp_path / name).read_text()
        assert "refused" in text or "response" in text
        for secret in (key, key.swapcase(), port, "127.0.0.1", "4f2a9c1b7d3e8f60", "7731002"):
            assert secret not in text, (name, secret)
