"""What is learnt of a server, written as an overlay, makes the mock answer as that server does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import jsonschema_rs
import pytest
import yaml

import mockkie
from mockkie.contract import shipped
from mockkie.document import Document
from mockkie.harness.document import read_document
from mockkie.harness.facts import Outcome
from mockkie.harness.learn import Learnt, learn
from mockkie.harness.learn_time import Evidence
from mockkie.harness.overlay import overlaid, overlay_of, write_overlay
from mockkie.harness.plan import Plan
from mockkie.problems import UsageError
from tests.foreign import FAITHFUL, Ways, foreign
from tests.judging import check

DAY: Final = 86_400
CONSTANT: Final = {"links.style", "extraData"}
TEXTS: Final = {
    f"texts.{name}"
    for name in """
        uploaded missing-parameter invalid-parameter malformed-body unsupported-media-type
        invalid-base64 url-not-fetched invalid-api-key method-not-allowed route-not-found
        range-not-satisfiable link-not-found
    """.split()
}
DIFFERING: Final[dict[str, set[str]]] = {
    "observed-links": CONSTANT,
    "extra-keys": {"extraData"},
    "other-texts": TEXTS,
    "chinese": TEXTS,
    "random-url-names": {"urlName"},
    "no-head": {"HEAD"},
    "gone-403-xml": {"expiredLink.status", "unknownLink.status"},
    "gone-410-html": {"expiredLink.status"},
    "unknown-403": {"unknownLink.status"},
    "trim": {"edgeSlashes"},
    "no-cors": {"cors.uploads"},
    "live-like": {*CONSTANT, "unknownLink.status"},
    "bare": {*TEXTS, "urlName", "HEAD", "cors.uploads"}
    - {"texts.range-not-satisfiable", "texts.link-not-found"},
    "far-east": {*TEXTS, "edgeSlashes", "expiredLink.status"} - {"texts.link-not-found"},
}
"""The settings of the mock that a faithful server has otherwise; none where it is not listed."""
BEYOND: Final[dict[str, set[str]]] = {
    "observed-links": {"extraData.fileId", "members.uploaded.traceId"},
    "extra-keys": {"extraData.fileId", "members.uploaded.traceId"},
    "charset": {"contentType"},
    "seconds": {"uploadedAt"},
    "microseconds": {"uploadedAt"},
    "uuid-names": {"generatedName"},
    "no-ranges": {"ranges"},
    "gone-403-xml": {"texts.link-not-found", "texts.link-expired"},
    "gone-410-html": {"texts.link-not-found", "texts.link-expired"},
    "gone-empty": {"texts.link-not-found", "texts.link-expired"},
    "mime-by-extension": {"mimeType"},
    "live-like": {
        *("extraData.fileId", "members.uploaded.traceId", "ranges", "texts.link-not-found")
    },
    "bare": {"generatedName", "ranges", "texts.link-not-found", "texts.link-expired"},
    "far-east": {
        *("contentType", "uploadedAt", "mimeType", "texts.link-not-found", "texts.link-expired")
    },
}
"""What else is seen to differ, and no setting of the mock says."""
NEVER_SEEN: Final = {
    "limits",
    "urlUpload",
    "texts.file-too-large",
    "texts.storage-full",
    "texts.internal-error",
}
TIME: Final = {"retention", "expiredLink.status", "texts.link-expired"}

EXTENSIBLE: Final = {"patternProperties": {"^x-": True}, "additionalProperties": False}
OVERLAY_1_0: Final = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["overlay", "info", "actions"],
    "properties": {
        "overlay": {"type": "string", "pattern": r"^1\.0\.\d+$"},
        "info": {
            "type": "object",
            "required": ["title", "version"],
            "properties": {"title": {"type": "string"}, "version": {"type": "string"}},
            **EXTENSIBLE,
        },
        "extends": {"type": "string", "format": "uri-reference"},
        "actions": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {
                "type": "object",
                "required": ["target"],
                "properties": {
                    "target": {"type": "string", "pattern": r"^\$"},
                    "description": {"type": "string"},
                    "update": True,
                    "remove": {"type": "boolean"},
                },
                **EXTENSIBLE,
            },
        },
    },
    **EXTENSIBLE,
}
"""What version 1.0 of the standard says of an overlay."""


def names(learnt: Learnt, *outcomes: Outcome) -> set[str]:
    return {fact.setting for fact in learnt.of(*outcomes)}


def ask(url: str, *overlays: Path, most: int = 120, **more: Any) -> Learnt:
    plan = Plan(url=url, most_requests=most)
    return learn(plan, overlaid(read_document(), overlays), **more)


def write(learnt: Learnt, folder: Path) -> Path:
    """The overlay of what was learnt; the standard, and both readers of ours, take it alike."""
    path = folder / "learnt.yaml"
    write_overlay(overlay_of(learnt.facts, learnt.target, learnt.at), path, "kie-mock-key")
    jsonschema_rs.validate(OVERLAY_1_0, yaml.safe_load(path.read_text()))
    assert Document.read(shipped(), [path]).root == overlaid(read_document(), [path])
    return path


def holds(learnt: Learnt, folder: Path, **options: Any) -> Path:
    """A mock with the overlay shows all that was adopted, and nothing else differs."""
    path = write(learnt, folder)
    with mockkie.serve(overlay=path, **options) as kie:
        again = ask(kie.base_url, path)
        shown = {fact.setting: fact.target for fact in ask(kie.base_url).facts}
    assert names(again, Outcome.DIFFERS, Outcome.BEYOND) == set()
    for fact in learnt.of(Outcome.DIFFERS):
        assert shown[fact.setting] == fact.target
    return path


@pytest.mark.parametrize("name", FAITHFUL)
def test_a_mock_behaves_as_a_foreign_server_was_seen_to(tmp_path: Path, name: str) -> None:
    """And what was not seen, or cannot be said, is listed as such."""
    with foreign(FAITHFUL[name]) as server:
        learnt = ask(server.url, most=60)
    assert names(learnt, Outcome.DIFFERS) == DIFFERING.get(name, set())
    assert names(learnt, Outcome.BEYOND) == BEYOND.get(name, set())
    left = {"links.origin"} if FAITHFUL[name].download_port else set()
    assert names(learnt, Outcome.LEFT_OUT) == left
    no_clock = set() if FAITHFUL[name].clock else TIME
    no_ranges = set() if FAITHFUL[name].ranges else {"texts.range-not-satisfiable"}
    assert names(learnt, Outcome.UNSEEN) == NEVER_SEEN | no_clock | no_ranges
    if name in DIFFERING:
        path = holds(learnt, tmp_path)
        observed = yaml.safe_load(path.read_text())["x-mockkie-observed"]
        assert set(observed["cannotBeExpressed"]) == BEYOND.get(name, set()) | left
        assert set(observed["notSeen"]) == names(learnt, Outcome.UNSEEN)


def test_the_mock_with_an_overlay_keeps_the_contract(tmp_path: Path) -> None:
    """What is adopted breaks no documented clause."""
    ways = Ways(
        *("observed", False, True, "chinese"),
        url_name="random",
        unknown_status=403,
        gone_status=410,
        edge_slashes="trim",
        clock=True,
    )
    with foreign(ways) as server:
        path = holds(ask(server.url), tmp_path)
    with mockkie.serve(overlay=path) as kie:
        run = check(tmp_path, kie.base_url)
    assert run.code == 0, run.output
    assert run.verdicts("violated", "documented") == set()


@pytest.mark.parametrize(
    ("settings", "differing"),
    [
        ({"errorTransport": "body"}, {"errorTransport": "body"}),
        ({"cacheControl": "no-store"}, {"cacheControl": "no-store"}),
        ({"cors": {"uploads": "https://a.example"}}, {"cors.uploads": "https://a.example"}),
        (
            {"extraData": {"a": [1], "b": {"c": None}}},
            {"extraData": '{"a": [1], "b": {"c": null}}'},
        ),
        ({"retention": "PT24H"}, {"retention": "P1D"}),
        ({"retention": "PT16H40M"}, {"retention": "PT16H40M"}),
        ({"retention": "P30D"}, {"retention": "P30D"}),
        (
            {"retention": "PT1H", "expiredLink": {"status": 410}},
            {"retention": "PT1H", "expiredLink.status": "410"},
        ),
    ],
)
def test_a_setting_of_the_mock_is_found_out(
    tmp_path: Path, settings: Any, differing: Mapping[str, str]
) -> None:
    before = tmp_path / "before.yaml"
    action = {"target": "$", "update": {"x-mockkie": settings}}
    head = {"overlay": "1.0.0", "info": {"title": "", "version": ""}}
    before.write_text(yaml.safe_dump({**head, "actions": [action]}))
    with mockkie.serve(overlay=before) as kie:
        learnt = ask(kie.base_url)
        assert names(ask(kie.base_url, before), Outcome.DIFFERS, Outcome.BEYOND) == set()
    seen = {fact.setting: fact.target for fact in learnt.of(Outcome.DIFFERS)}
    assert seen == differing
    assert names(learnt, Outcome.BEYOND, Outcome.UNSEEN) == NEVER_SEEN
    path = holds(learnt, tmp_path)
    with mockkie.serve() as kie:
        back = ask(kie.base_url, path)  # a plain mock differs from the overlaid document
        assert names(back, Outcome.DIFFERS) == set(differing)
        both = tmp_path / "back"
        both.mkdir()
        undone = overlaid(read_document(), [path, write(back, both)])
    assert undone["x-mockkie"] == {**read_document()["x-mockkie"], **retold(undone, differing)}


def retold(document: Any, differing: Mapping[str, str]) -> dict[str, Any]:
    """The life may be spelled otherwise."""
    return {"retention": document["x-mockkie"]["retention"]} if "retention" in differing else {}


@pytest.mark.parametrize(
    ("bug", "setting", "target"),
    [
        ("expiry.one-day", "retention", "P1D"),
        ("expiry.hour-early", "retention", "P2DT23H"),
        ("envelope.errors-in-200", "errorTransport", "body"),
        ("download.cache-header-missing", "cacheControl", "none"),
        ("input.long-path-refused", "FileName.maxLength", "100"),
    ],
)
def test_what_is_no_faithful_way_is_learnt_too(
    tmp_path: Path, bug: str, setting: str, target: str
) -> None:
    with foreign(FAITHFUL["clock"], bug) as server:
        learnt = ask(server.url)
    assert {fact.setting: fact.target for fact in learnt.of(Outcome.DIFFERS)} == {setting: target}
    holds(learnt, tmp_path)


@pytest.mark.parametrize(
    ("bug", "setting", "target"),
    [
        ("envelope.bad-request-in-200", "errorTransport", "mixed"),
        ("auth.status-403", "code.invalid-api-key", "403"),
        ("method.plain-405", "texts.method-not-allowed", "405, another form"),
        ("expiry.never", "retention", "more than 720 h 1 min"),
        ("download.unknown-is-empty-200", "unknownLink.status", "200"),
    ],
)
def test_what_the_mock_cannot_do_is_never_written_as_if_it_could(
    bug: str, setting: str, target: str
) -> None:
    with foreign(FAITHFUL["clock"], bug) as server:
        learnt = ask(server.url)
    assert (setting, target) in {(fact.setting, fact.target) for fact in learnt.of(Outcome.BEYOND)}
    assert names(learnt, Outcome.DIFFERS) == set()


def test_a_name_that_is_kept_as_another_says_nothing_of_lengths() -> None:
    with foreign(bug="naming.truncated-at-64") as server:
        (fact,) = [one for one in ask(server.url).facts if one.setting == "FileName.maxLength"]
    assert (fact.outcome, fact.how) == (
        Outcome.UNSEEN,
        "a name of 255 characters is kept as another one",
    )


def test_the_budget_is_held_and_what_it_left_open_is_not_guessed() -> None:
    with mockkie.serve(retention="PT16H40M") as kie:
        learnt = ask(kie.base_url, most=45)
    assert learnt.requests == 45
    assert "retention" in names(learnt, Outcome.BEYOND)
    assert names(learnt, Outcome.DIFFERS) == set()
    with mockkie.serve() as kie:
        learnt = ask(kie.base_url, most=10)
    assert learnt.requests == 10
    assert {"cacheControl", "retention"} <= names(learnt, Outcome.UNSEEN)


def test_links_to_another_machine_are_not_read() -> None:
    """Without --live nothing but this machine is asked, whatever a target answers."""
    with mockkie.serve(download_origin="https://files.example") as kie:
        learnt = ask(kie.base_url)
    reasons = {fact.setting: fact.how for fact in learnt.of(Outcome.UNSEEN)}
    why = "its links lead to files.example, which is not this machine: add --live to read them"
    for setting in ("cacheControl", "HEAD", "ranges", "unknownLink.status", "retention"):
        assert reasons[setting] == why


def test_the_host_of_links_is_adopted_when_asked_for(tmp_path: Path) -> None:
    with foreign(FAITHFUL["download-port"]) as server:
        learnt = ask(server.url, adopt_origin=True)
        assert names(learnt, Outcome.DIFFERS) == {"links.origin"}
        path = write(learnt, tmp_path)
        with mockkie.serve(overlay=path) as kie:
            answer = kie.client.post(
                "/api/file-stream-upload",
                files={"file": ("a.txt", b"x")},
                data={"uploadPath": "a"},
            )
            assert answer.json()["data"]["downloadUrl"].startswith(f"{server.downloads}/")


def test_two_readers_of_overlays_agree(tmp_path: Path) -> None:
    """The judge applies overlays by code of its own."""
    path = tmp_path / "all.yaml"
    path.write_text(
        "overlay: 1.1.0\ninfo: {title: a, version: b}\nactions:\n"
        "  - {target: '$.tags[*]', remove: true}\n"
        "  - {target: $.tags, update: [{name: a}, {name: b}, {name: c}]}\n"
        "  - {target: \"$.tags[?@.name != 'b']\", remove: true}\n"
        "  - {target: $.paths.*.post, update: {description: Told., tags: [a]}}\n"
        "  - {target: $.info.title, update: Another}\n"
        "  - {target: $.servers, copy: '$.servers[0]'}\n"
    )
    document = overlaid(read_document(), [path])
    assert document["tags"] == [{"name": "b"}]
    assert document == Document.read(shipped(), [path]).root
    assert document["servers"][0] == document["servers"][1]


# ------------------------------------------------------------------------------ what a probe saw


def evidence(folder: Path, text: str) -> Path:
    path = folder / "probe.json"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("alive", "gone", "target"),
    [
        (86_000, 86_900, "P1D"),
        (259_000, 259_400, None),  # three days lie between: as documented
        (80_000, 270_000, "22 h 13 min 20 s to 75 h"),
        (90_000, 172_000, "25 h to 47 h 46 min 40 s"),
        (100_000, 100_050, "P1DT3H47M"),
    ],
)
def test_what_a_probe_saw_is_taken_for_what_it_shows(
    tmp_path: Path, alive: float, gone: float, target: str | None
) -> None:
    """A plain life within narrow bounds, else nothing unless these are a minute or two."""
    path = evidence(tmp_path, json.dumps({"retention_seconds": [alive, gone], "dead_status": 403}))
    with foreign() as server:
        learnt = ask(server.url, evidence=(Evidence.read(path), "probe.json"))
    told = {fact.setting: fact.target for fact in learnt.of(Outcome.DIFFERS, Outcome.BEYOND)}
    assert told.pop("expiredLink.status") == "403"
    assert told == ({} if target is None else {"retention": target})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"retention_seconds": 5}',
        '{"retention_seconds": [5]}',
        '{"retention_seconds": [5, 4]}',
        '{"retention_seconds": [1, 1e999]}',
        '{"retention_seconds": [1, 2], "dead_status": 200}',
        '{"retention_seconds": [1, 2], "dead_status": "404"}',
    ],
)
def test_what_is_no_evidence_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="retention_seconds"):
        Evidence.read(evidence(tmp_path, text))


# ------------------------------------------------------------------------------------ the command


def run(*words: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mockkie", "learn", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", **variables},
        timeout=60,
    )


def test_the_command_writes_what_differs(tmp_path: Path) -> None:
    ways = replace(FAITHFUL["live-like"], clock=True)
    with foreign(ways, keys=("its-secret-key", "another")) as server:
        done = run(server.url, "-o", "learnt.yaml", cwd=tmp_path, KIE_API_KEY="its-secret-key")
        assert done.returncode == 0, done.stderr
        again = run(
            *(server.url, "--overlay", "learnt.yaml", "-o", "none.yaml", "--quiet"),
            cwd=tmp_path,
            MOCKKIE_RATE="1000",
            KIE_API_KEY="its-secret-key",
        )
    text = (tmp_path / "learnt.yaml").read_text()
    assert text.startswith(f"# How {server.url} answered on 20")
    assert "observed, not documented" in text.splitlines()[0]
    last = done.stdout.splitlines()[-1]
    assert last.startswith("learnt: 4 settings differ (")
    assert last.endswith("; now: mockkie serve --overlay learnt.yaml")
    row = next(line for line in done.stdout.splitlines() if "links.style" in line)
    assert row.split()[:3] == ["links.style", "documented", "observed"]
    assert "its-secret-key" not in done.stdout + done.stderr + text
    assert "\x1b" not in done.stdout
    assert again.returncode == 0
    assert again.stdout.startswith("nothing differs that the mock could do: no overlay is written")
    assert len(again.stdout.splitlines()) == 1
    assert not (tmp_path / "none.yaml").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["http://127.0.0.1:9"], 3, "cannot be reached"),
        (["https://kieai.redpandaai.co"], 2, "--live"),
        (["https://kieai.redpandaai.co", "--live"], 2, "set KIE_API_KEY"),
        (["nonsense"], 2, "no base URL"),
        (["http://127.0.0.1:9", "-o", "no/where.yaml"], 2, "there is no folder no"),
        (
            ["http://127.0.0.1:9", "--overlay", "none.yaml"],
            2,
            "none.yaml: cannot be read as an overlay",
        ),
        (["http://127.0.0.1:9", "--overlay", "bad.yaml"], 2, "bad.yaml: an overlay is a mapping"),
        (["http://127.0.0.1:9", "--overlay", "setting.yaml"], 2, "setting.yaml:3:44: 'soon' is"),
        (["http://127.0.0.1:9", "--evidence", "none.json"], 2, "none.json cannot be read"),
        (["http://127.0.0.1:9", "--evidence", "bad.yaml"], 2, "bad.yaml is not like"),
    ],
)
def test_what_cannot_be_learnt_is_said(
    tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    (tmp_path / "bad.yaml").write_text("- 1\n")
    (tmp_path / "setting.yaml").write_text(
        "overlay: 1.0.0\ninfo: {title: a, version: b}\n"
        "actions: [{target: $, update: {x-mockkie: {retention: soon}}}]\n"
    )
    done = run(*words, cwd=tmp_path)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


# ------------------------------------------------------------------------------- strange targets


@contextmanager
def strange(body: bytes, status: int = 200) -> Iterator[str]:
    """A server that answers everything alike."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "caf\xe9 \x1b[31m")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_OPTIONS = do_POST  # noqa: N815 - names of the library

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


SUCCESS: Final = {
    "success": True,
    "code": 200,
    "msg": "\x1b[31m\ud800 kie-mock-key no: [",
    "data": {
        "fileName": "f",
        "filePath": "a/f",
        "downloadUrl": "http://127.0.0.1:1/x/a/f",
        "fileSize": 1,
        "mimeType": "a/b",
        "uploadedAt": "now",
        "nan": float("nan"),
        "key": "kie-mock-key",
    },
}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (json.dumps(SUCCESS).encode(), 200, 0),
        (
            json.dumps(SUCCESS).replace("NaN", '["1e3", "0o7", "no", "1:30", "=", ""]').encode(),
            200,
            0,
        ),
        (b'{"success": false, "code": 400, "msg": "\\u001b[31m1e3\\n# x: {"}', 400, 3),
        (b'{"success": false, "code": true, "msg": []}', 400, 3),
        (b"[" * 100_000, 200, 3),
        (json.dumps(SUCCESS).replace("http://127.0.0.1:1/", "http://[").encode(), 200, 3),
        (json.dumps(SUCCESS).replace("127.0.0.1:1", "127.0.0.1:99999").encode(), 200, 0),
        (json.dumps(SUCCESS).replace('"a/b"', '"\\ud800\\u001b"').encode(), 200, 0),
        (b"", 204, 3),
        (b"null", 401, 3),
    ],
)
def test_a_strange_target_is_survived(tmp_path: Path, body: bytes, status: int, code: int) -> None:
    """What it says is never obeyed: not by the terminal, not by readers of the overlay."""
    with strange(body, status) as url:
        done = run(url, "-o", "learnt.yaml", cwd=tmp_path)
    assert "Traceback" not in done.stderr
    assert (done.returncode, "\x1b" in done.stdout) == (code, False), done.stdout + done.stderr
    assert "kie-mock-key" not in done.stdout
    path = tmp_path / "learnt.yaml"
    if path.exists():
        jsonschema_rs.validate(OVERLAY_1_0, yaml.safe_load(path.read_text()))
        Document.read(shipped(), [path])
        assert "kie-mock-key" not in path.read_text()
