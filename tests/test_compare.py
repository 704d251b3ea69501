"""`mockkie compare`: faithful servers are alike, broken ones diverge, and it says where."""

from __future__ import annotations

from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import pytest

from mockkie.harness.compare import Comparer, walks_of
from mockkie.harness.comparison import Comparison
from mockkie.harness.drawn import drawn
from mockkie.harness.plan import Plan
from mockkie.harness.script_input import script_input
from mockkie.harness.sides import Side, open_side
from tests.foreign import FAITHFUL, Foreign, Ways, foreign
from tests.foreign_bugs import ASSUMED
from tests.judging import Run, judge

CLOCKED: Final = FAITHFUL["clock"]
CHOSEN: Final = {
    "clock": (),
    "observed-links": (),
    "download-port": (),
    "gone-403-xml": (),
    "bare": (),
    "far-east": (),
    "trim": ("--only", "input", "--only", "naming"),
    "stale": ("--only", "overwrite.nothing-else", "--only", "input.changes-nothing"),
    "rate-limit": ("--only", "hosts"),
    "live-like": ("--only", "content.stays", "--only", "envelope", "--only", "download"),
}
BROKEN: Final = {
    "auth.case": ("auth.exact", "outcome"),
    "auth.sticky-connection": ("auth.exact", "outcome"),
    "auth.stored-all-the-same": ("auth.exact", "content"),
    "concurrency.answer-of-another": ("concurrency.apart", "told"),
    "concurrency.mixed-bodies": ("concurrency.one-of-them", "meanwhile"),
    "concurrency.readers-see-nothing": ("concurrency.one-of-them", "meanwhile"),
    "content.byte-lost-after-edge": ("metadata.size", "size"),
    "content.cut-at-5-mib": ("metadata.size", "size"),
    "content.eighth-bit-lost": ("content.byte-exact", "content"),
    "content.png-tail-cut": ("metadata.size", "size"),
    "download.second-read-differs": ("content.stays", "content"),
    "envelope.code-of-401-is-400": ("envelope.status-is-code", "code"),
    "envelope.mime-missing-for-url": ("envelope.success", "facts"),
    "expiry.from-server-start": ("expiry.three-days", "outcome"),
    "expiry.hour-early": ("expiry.three-days", "outcome"),
    "expiry.old-version-returns": ("expiry.three-days", "outcome"),
    "expiry.reading-prolongs": ("expiry.reading", "outcome"),
    "expiry.refused-key-prolongs": ("input.changes-nothing", "outcome"),
    "expiry.takes-same-names": ("expiry.of-its-own", "outcome"),
    "input.name-after-file-lost": ("naming.given", "name"),
    "input.refusal-stores-empty": ("input.changes-nothing", "outcome"),
    "metadata.time-of-first": ("metadata.time", "time"),
    "metadata.size-off-above-5-mib": ("metadata.size", "size"),
    "method.put-uploads": ("method.refused", "outcome"),
    "naming.decomposed": ("naming.given", "name"),
    "naming.tenth-repeats-ninth": ("naming.unique", "links"),
    "overwrite.fifth-lost": ("overwrite.latest-bytes", "content"),
    "overwrite.within-one-route": ("overwrite.latest-bytes", "content"),
    "stability.fortieth-is-500": ("stability.many", "outcomes"),
    "stability.hundred-files-only": ("stability.many", "read"),
}
"""What is wrong with a server, and the clause and the aspect in which it differs."""
WALKED: Final = {
    "envelope.code-of-401-is-400": "auth.exact",
    "envelope.mime-missing-for-url": "url.fetched",
    "metadata.size-off-above-5-mib": "content.byte-exact",
    "input.name-after-file-lost": "stream.field-order",
    "content.byte-lost-after-edge": "content.byte-exact",
    "content.cut-at-5-mib": "content.byte-exact",
    "content.png-tail-cut": "content.byte-exact",
}
"""The clause of the walks that show it, where it is not the same one."""
UNCERTAIN: Final = {
    "auth.two-headers": ("auth.exact", "outcome"),
    "content.base64-garbage-skipped": ("base64.strict", "outcome"),
    "download.etag-of-size": ("download.range", "tag"),
    "download.range-of-the-end-wrong": ("download.range", "content"),
    "download.link-ignores-case": ("expiry.answer", "outcome"),
    "input.dot-dot-climbs": ("input.plain-segments", "outcome"),
    "naming.url-plus-becomes-space": ("url.name", "name"),
}


def compare(folder: Path, server: Foreign, *words: str) -> Run:
    keys = ("--key", server.key, "--other-key", server.keys[1])
    return judge(folder, "compare", server.url, *keys, *words)


def found(run: Run, level: str) -> set[tuple[str, str]]:
    return {
        (one["clause"], one["aspect"]) for one in run.report["divergences"] if one["level"] == level
    }


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("name", CHOSEN)
def test_a_faithful_server_is_alike(tmp_path: Path, name: str) -> None:
    ways, only = FAITHFUL[name], CHOSEN[name]
    with foreign(ways) as server:
        run = compare(tmp_path, server, *only)
    assert found(run, "documented") == set(), run.output
    assert run.code == 0
    assert run.output.splitlines()[-1].startswith("alike: ")
    assert run.report["unsteady"] == []
    assert run.report["walks"] > (400 if not only else 2)
    reasons = {each["why"] for each in run.report["leftOut"]}
    assert reasons <= (set() if ways.clock else {f"the clock of {server.url} cannot be moved"})


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("bug", BROKEN)
def test_a_broken_server_diverges(tmp_path: Path, bug: str) -> None:
    clause, aspect = BROKEN[bug]
    only = ["--only", WALKED.get(bug, clause), "--overwrite-delay", "0.3"]
    only += [] if bug.startswith("concurrency.") else ["-x"]  # who wins a race is not known before
    with foreign(CLOCKED, bug) as server:
        run = compare(tmp_path, server, *only)
    assert run.code == 1, run.output
    divergences = [one for one in run.report["divergences"] if one["level"] == "documented"]
    one = next(one for one in divergences if (one["clause"], one["aspect"]) == (clause, aspect))
    assert one["left"] != one["right"]
    assert one["words"]
    assert server.key not in run.output
    assert run.output.splitlines()[-1].startswith("diverged: ")


@pytest.mark.parametrize("bug", UNCERTAIN)
def test_what_breaks_an_assumption_is_shown_and_counts_when_strict(
    tmp_path: Path, bug: str
) -> None:
    assert bug in ASSUMED
    only = ("--only", UNCERTAIN[bug][0])
    with foreign(CLOCKED, bug) as server:
        run = compare(tmp_path, server, *only)
        assert run.code == 0, run.output
        assert UNCERTAIN[bug] in found(run, "assumed")
        assert compare(tmp_path, server, *only, "--strict").code == 1


def test_the_fewest_steps_are_shown(tmp_path: Path) -> None:
    with foreign(CLOCKED, "overwrite.shorter-ignored") as server:
        run = compare(tmp_path, server, "--only", "overwrite", "--overwrite-delay", "0.3", "-x")
    (one,) = (one for one in run.report["divergences"] if one["level"] == "documented")
    assert [step["do"] for step in one["steps"]] == ["upload", "upload", "read"]
    assert (one["left"], one["right"]) == ("as uploaded", "as before an overwrite")
    assert one["reproduce"]["left"] == []  # the mock is gone by then
    assert all(server.url in line for line in one["reproduce"]["right"])
    assert "$KIE_API_KEY" in run.output


def side_by_side(ways: Ways, bug: str, walks: Any) -> Comparison:
    """A comparison in this process."""
    plan = Plan(overwrite_delay=0.1, most_requests=5_000)
    with foreign(ways, bug) as server:
        right = Side(server.url, server.key, server.keys[1])
        with open_side(Side("mock"), plan) as one, open_side(right, plan) as two:
            compared = Comparison("mock", server.url, 0)
            Comparer(one, two, compared).run(list(walks), lambda *_: None, first=True)
    return compared


def test_drawn_walks_are_made_shorter() -> None:
    compared = side_by_side(CLOCKED, "overwrite.works-once", drawn(5430, 8))
    (one,) = compared.counting
    kinds = [type(step).__name__ for step in one.steps]
    assert kinds == ["Upload", "Upload", "Upload", "Read"]


def test_what_differs_once_only_does_not_count() -> None:
    walks = [walk for walk in script_input() if walk.group == "input"]
    compared = side_by_side(CLOCKED, "stability.fortieth-is-500", walks)
    assert compared.counting == []
    assert compared.unsteady
    assert compared.exit_code == 0


def test_profiles_of_the_mock_differ_in_nothing_that_is_documented(tmp_path: Path) -> None:
    words = ("mock", "mock:observed", "--only", "naming", "--only", "envelope")
    run = judge(tmp_path, "compare", *words)
    assert run.code == 0, run.output
    assert (run.report["left"], run.report["right"]) == words[:2]
    differ = {("naming.path", "style"), ("envelope.success", "extra facts")}
    assert {(one["clause"], one["aspect"]) for one in run.report["divergences"]} == differ
    assert found(run, "assumed") == differ
    strict = judge(tmp_path, "compare", *words, "--strict")
    assert strict.code == 1
    assert "naming.path: style" in strict.output


def test_a_key_goes_to_its_own_side_only(tmp_path: Path) -> None:
    with (
        foreign(CLOCKED, keys=("left-key",)) as left,
        foreign(CLOCKED, keys=("right-key",)) as right,
    ):
        words = (left.url, right.url, "--key", "right-key", "--only", "content.stays")
        run = judge(tmp_path, "compare", *words)
        assert {one["left"] for one in run.report["divergences"]} == {"refused"}, run.output
        assert judge(tmp_path, "compare", *words, "--left-key", "left-key").code == 0


def test_an_old_document_is_compared_with_a_new_one(tmp_path: Path) -> None:
    text = (Path(__file__).parent.parent / "openapi.yaml").read_text()
    changed = text.replace("retention: P3D", "retention: P1D").replace(
        "version: 0.1.0", "version: 0.2.0"
    )
    (tmp_path / "new.yaml").write_text(changed)
    run = judge(tmp_path, "compare", "mock:new.yaml", "--only", "expiry.three-days", "-x")
    assert run.code == 1, run.output
    assert ("expiry.three-days", "outcome") in found(run, "documented")


def test_a_budget_is_kept(tmp_path: Path) -> None:
    run = judge(tmp_path, "compare", "mock", "mock", "--only", "auth", "--max-requests", "40")
    assert run.code == 0
    assert run.report["requests"] == {"left": 40, "right": 40}
    assert any("are spent" in each["why"] for each in run.report["leftOut"])


def test_nothing_compared_is_not_alike(tmp_path: Path) -> None:
    with foreign(CLOCKED) as server:
        words = (server.url, "--key", server.key, "--only", "account")
        run = judge(tmp_path, "compare", *words)
    assert run.code == 3
    assert "no key of a second account" in run.output
    assert run.output.splitlines()[-1].startswith("nothing was compared")


class Dying(BaseHTTPRequestHandler):
    """A server that answers a few requests, and hangs up on all others."""

    left = 20

    def do_POST(self) -> None:
        type(self).left -= 1
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.left > 0:
            body = b'{"success": false, "code": 401, "msg": "no"}'
            head = (
                f"HTTP/1.1 401 No\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
            )
            self.wfile.write(head.encode() + b"\r\n\r\n" + body)
        self.close_connection = True

    do_GET = do_POST  # noqa: N815 - the name is the library's

    def log_message(self, *_: object) -> None:
        pass


def test_a_target_that_is_gone_does_not_diverge(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), Dying) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        run = judge(
            tmp_path, "compare", url, url, "--left-key", "k", "--key", "k", "--only", "auth"
        )
        server.shutdown()
    assert run.code == 3, run.output
    assert run.report["divergences"] == []
    assert run.output.splitlines()[-1].startswith(f"broken off: {url} answers no more; ")
    assert run.report["requests"]["left"] < 50


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("http://127.0.0.1:9",), 3, "http://127.0.0.1:9 cannot be reached"),
        (("https://kieai.redpandaai.co",), 2, "is not this machine"),
        (("nonsense",), 2, "'nonsense' is no target"),
        (("mock", "mock:nothing"), 2, "there is no profile 'nothing'"),
        (("mock", "mock:none.yaml"), 2, "none.yaml"),
        (("mock", "mock", "mock"), 2, "more than two targets"),
        (("mock", "mock", "--only", "nothing"), 2, "no walk is about 'nothing'"),
        (("https://kieai.redpandaai.co", "--live"), 2, "set KIE_API_KEY"),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_line(
    tmp_path: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    run = judge(tmp_path, "compare", *words)
    assert run.code == code, run.output
    assert says in run.output
    assert "Traceback" not in run.output


def test_the_mock_beside_itself_is_alike_in_everything() -> None:
    plan = replace(Plan(), most_requests=5_000)
    with open_side(Side("mock"), plan) as one, open_side(Side("mock"), plan) as two:
        compared = Comparison("mock", "mock", 0)
        walks = walks_of(plan)
        Comparer(one, two, compared).run(walks, lambda *_: None)
    assert compared.divergences == {}
    assert (compared.left_out, compared.unsteady) == ({}, [])
    assert compared.walks == len(walks)
