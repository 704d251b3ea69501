"""Faults as people use them: scenarios, replays, fixtures, commands, several processes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mockkie
from mockkie.kie import Kie
from mockkie.scenarios import Script, scenarios
from tests.inside import BASE64, Inside, file_part, form_of, inside, text_part
from tests.test_cli import Serving
from tests.test_cli import mockkie as command
from tests.test_docs import ROOT, block_with, plain
from tests.test_workers import ROUNDS, Running

pytest_plugins = ["pytester"]


@pytest.fixture(scope="module")
def server() -> Iterator[Kie]:
    with mockkie.serve() as kie:
        yield kie


@pytest.fixture
def kie(server: Kie) -> Iterator[Kie]:
    """A world of its own, with a client that waits for nothing long."""
    world = server.new_world()
    yield world
    world.drop()


def upload(kie: Kie, path: str = "docs/a.txt", content: bytes = b"hello") -> httpx2.Response:
    folder, _, name = path.rpartition("/")
    return kie.client.post(
        "/api/file-stream-upload",
        files={"file": (name, content)},
        data={"uploadPath": folder, "fileName": name},
    )


def link_of(answer: httpx2.Response) -> str:
    link: str = answer.json()["data"]["downloadUrl"]
    return link


# --------------------------------------------------------------------------------- scenarios


def retrying(ask: Callable[[], httpx2.Response]) -> httpx2.Response:
    """What a well-behaved client does: ask again when the connection or the server fails."""
    for _ in range(2):
        try:
            answer = ask()
        except httpx2.TransportError:
            continue
        if answer.status_code < 500:
            return answer
    return ask()


def test_who_asks_again_gets_through_a_flaky_network(kie: Kie) -> None:
    kie.faults.scenario("flaky-network")
    for number in range(25):
        content = bytes([number]) * 40_000
        answer = retrying(lambda: upload(kie, f"docs/{number}.bin", content))  # noqa: B023
        assert answer.status_code == 200
        assert retrying(lambda: kie.client.get(link_of(answer))).content == content  # noqa: B023
    assert len(kie.files) == 25
    fired = {fault.fault.then.name: fault.shots for fault in kie.faults}
    assert min(fired.values()) >= 5
    assert set(fired) == {"latency", "reset", "dropAnswer", "truncate", "answer"}
    assert len(kie.journal) > 60


def test_too_much_is_refused_for_a_while(kie: Kie) -> None:
    kie.clock.freeze()
    kie.faults.scenario("rate-limited")
    answers = [upload(kie) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    kie.clock.advance(seconds=int(answers[-1].headers["retry-after"]))
    link = link_of(upload(kie))
    assert [kie.client.get(link).status_code for _ in range(4)] == [200] * 3 + [429]
    kie.clock.advance("PT1M")
    assert kie.client.get(link).status_code == 200


def test_a_cache_is_behind(kie: Kie) -> None:
    kie.clock.freeze()
    kie.faults.scenario("stale-cdn")
    upload(kie, content=b"old")
    link = link_of(upload(kie, content=b"new"))
    assert kie.client.get(link).content == b"old"
    assert kie.client.head(link).headers["content-length"] == "3"
    kie.clock.advance("PT10M")
    assert kie.client.get(link).content == b"new"
    assert kie.files.read("docs/a.txt") == b"new"


def test_links_end_in_the_middle_of_things(kie: Kie) -> None:
    kie.clock.freeze()
    kie.faults.scenario("expiring-links")
    links = [link_of(upload(kie, f"docs/{number}")) for number in range(3)]
    assert [kie.client.get(link).status_code for link in links] == [200, 200, 404]
    kie.clock.advance("PT10M")
    assert [kie.client.get(link).status_code for link in links] == [404, 404, 404]


def test_an_outage_ends(kie: Kie) -> None:
    kie.clock.freeze()
    kie.faults.scenario("outage")
    answer = upload(kie)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    kie.clock.advance("PT5M")
    assert upload(kie).status_code == 200


# ------------------------------------------------------------------------------------ replays

ALWAYS_THE_SAME = "2026-01-01T12:00:00Z"
FAULTS = [
    "status=500 probability=0.3",
    "status=503 every=3",
    "reset=50 probability=0.2 operation=upload-*",
    "drop-answer probability=0.2",
    "latency=uniform:PT0S:PT0.001S",
    "truncate=5 probability=0.3 operation=download-file",
    "without=/data/fileName probability=0.5",
    "malformed nth=2",
    "not-stored probability=0.3 file=*.txt",
    "lifetime=PT1M probability=0.5",
    "stale=PT10M probability=0.5",
    "quota=3 times=2",
    "read-error=2 probability=0.5",
    "early=413 larger-than=300 probability=0.5",
    "error-in-200=500 since=PT1M probability=0.5",
]
STEPS = ["form", "base64", "read", "advance", "refused"]


def take(mock: Inside, key: str, account: str, number: int, step: str) -> None:
    name = f"{number % 2}.txt"
    try:
        if step == "form":
            parts = [text_part("uploadPath", "a"), text_part("fileName", name)]
            body = form_of(*parts, file_part(b"x" * 100 * (number + 1)))
            mock.ask("POST", "/api/file-stream-upload", body, FORM, key=key)
        elif step == "base64":
            value = {"base64Data": "eHh4eA==", "uploadPath": "a", "fileName": name}
            mock.json(BASE64, value, key=key)
        elif step == "refused":
            mock.json(BASE64, {"base64Data": "eHh4eA=="}, key=key)
        elif step == "read":
            mock.ask("GET", f"/{account}/a/{name}", key=None)
        else:
            mock.json("/__mockkie/clock/advance", {"seconds": 40}, key=key)
    except ConnectionResetError:
        pass  # what a reset is in process


FORM = "multipart/form-data; boundary=a-boundary"


@pytest.fixture(scope="module")
def mock() -> Iterator[Inside]:
    with inside() as mock:
        mock.run(mock.mock.service.start())
        yield mock


def rehearsed(mock: Inside, seed: int, words: list[str], steps: list[str]) -> str:
    """The journal of a new world in which faults hit some requests."""
    service = mock.mock.service
    world = mock.run(service.create_world())
    handle = Kie(service, world, base_url="http://mock.test")
    handle.clock.freeze(ALWAYS_THE_SAME)
    for text in words:
        handle.faults.add(text, seed=seed)
    for number, step in enumerate(steps):
        take(mock, world.keys[0], world.account, number, step)
    entries = [{**entry.to_json(), "seconds": 0, "file": None} for entry in handle.journal]
    assert len(entries) == len(steps) - steps.count("advance")
    handle.drop()
    return json.dumps(entries).replace(world.account, "ACCOUNT")


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 1_000),
    words=st.lists(st.sampled_from(FAULTS), min_size=1, max_size=5, unique=True),
    steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=20),
)
def test_with_one_seed_the_same_requests_break_in_the_same_way(
    mock: Inside, seed: int, words: list[str], steps: list[str]
) -> None:
    assert rehearsed(mock, seed, words, steps) == rehearsed(mock, seed, words, steps)


def test_with_other_seeds_others_break(mock: Inside) -> None:
    steps = ["base64"] * 20
    journals = {rehearsed(mock, seed, FAULTS[:1], steps) for seed in range(5)}
    assert len(journals) == 5


# ------------------------------------------------------------------------------------ in Python


def test_faults_in_a_block(kie: Kie) -> None:
    with kie.faults.add("status=500", times=1, operation="upload-*") as fault:
        assert [upload(kie).status_code for _ in range(2)] == [500, 200]
        assert (fault.shots, fault.matched, len(kie.faults)) == (1, 2, 1)
        assert "status=500" in repr(fault)
    assert list(kie.faults) == []
    [entry] = kie.faults.shots
    assert entry.shots == ["fault 1: status=500 (shot 1)"]
    assert str(entry) == "POST /api/file-stream-upload 500  [fault 1: status=500 (shot 1)]"
    fault.remove()
    kie.faults.add(mockkie.Fault.of({"then": {"status": 401}}, nth=2))
    kie.faults.clear()
    assert upload(kie).status_code == 200
    with pytest.raises(mockkie.UsageError, match="did you mean 'nth'"):
        kie.faults.add("status=500", nht=2)
    with pytest.raises(mockkie.UsageError, match="did you mean 'outage'"):
        kie.faults.scenario("outrage")
    kie.faults.add("status=500")
    kie.reset()
    assert upload(kie).status_code == 200


def test_a_script_of_one_s_own(kie: Kie, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("seed: 5\nfaults:\n- {when: {nth: 2}, then: {status: 500}}\n")
    [fault] = kie.faults.scenario(path, seed=6)
    assert fault.fault.seed == 6
    assert [upload(kie).status_code for _ in range(3)] == [200, 500, 200]


def test_in_process_a_reset_is_an_error_of_the_client(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import asyncio
        import httpx2
        import pytest

        def ask(kie, method="POST", target="/api/file-stream-upload", **more):
            async def run():
                return await kie.async_client.request(method, target, **more)
            return asyncio.run(run())

        def upload(kie):
            data = {"uploadPath": "a", "fileName": "b"}
            return ask(kie, files={"file": ("f", b"x" * 1000)}, data=data)

        @pytest.mark.parametrize(
            "fault", ["reset=10", "drop-answer", "truncate=10", "reset-answer=10"]
        )
        def test_cut(kie_app, fault):
            kie_app.faults.add(fault, times=1)
            with pytest.raises(httpx2.ReadError, match="fault 1: "):
                upload(kie_app)
            assert kie_app.journal[0].decision == "broken"
            assert upload(kie_app).status_code == 200

        @pytest.mark.parametrize(
            "fault", ["stall", "wrong-length=1", "garbage-chunk", "close-after"]
        )
        def test_needs_a_wire(kie_app, fault):
            kie_app.faults.add(fault, times=1)
            answer = upload(kie_app)
            assert answer.status_code == 500
            assert "use the `kie` fixture" in answer.headers["x-mockkie-why"]

        def test_all_else(kie_app):
            kie_app.clock.freeze()
            kie_app.faults.add("stale=PT1M")
            kie_app.faults.add("latency=PT0.01S")
            link = [upload(kie_app), upload(kie_app)][0].json()["data"]["downloadUrl"]
            assert ask(kie_app, "GET", link).status_code == 200
            kie_app.faults.add("read-error=10", nth=2)
            assert kie_app.faults.shots
        """
    )
    pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=9)


def test_the_page_shows_tests_that_pass(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_page=block_with("python", 'with kie.faults.add("not-stored")'))
    pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=2)


def test_the_page_shows_a_script_and_every_scenario() -> None:
    assert len(Script(block_with("yaml", "nightly import"), "page.yaml").faults) == 2
    page = (ROOT / "docs" / "faults.md").read_text()
    assert [name for name in scenarios() if f"| `{name}` |" not in page] == []


def test_a_failing_test_shows_the_faults(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_it(kie):
            kie.faults.add("status=500", operation="upload-*", nth=1)
            kie.client.post(
                "/api/file-stream-upload", files={"file": ("f", b"x")}, data={"uploadPath": "a"}
            )
            assert False
        """
    )
    result = pytester.runpytest("-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(
        [
            "   1  POST /api/file-stream-upload 500  [[]fault 1: status=500 (shot 1)[]]",
            "      clock: *",
            "      fault 1: status=500 operation=upload-* nth=1, 1 shots",
        ]
    )


# -------------------------------------------------------------------------------- the commands


def run(home: Path, url: str, *words: str) -> subprocess.CompletedProcess[str]:
    return command(home, *words, env={"MOCKKIE_URL": url, "NO_COLOR": "1"})


def test_the_commands(server: Kie, kie: Kie, tmp_path: Path) -> None:
    def ask(*words: str) -> str:
        done = run(tmp_path, server.base_url, "faults", *words, "--key", kie.key)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    added = ask("add", "status=500", "nth=2", "times=1")
    assert added == "  1        0 of 0  status=500 nth=2 times=1\n"
    assert ask("add", '{"then": {"put": {"/data/a": 1}}}').endswith('put={"/data/a": 1}\n')
    assert [upload(kie).status_code for _ in range(3)] == [200, 500, 200]
    assert ask("list").splitlines()[0] == "  1        1 of 3  status=500 nth=2 times=1"
    assert json.loads(ask("list", "--json").splitlines()[1])["shots"] == 2
    journal = run(tmp_path, server.base_url, "journal", "--key", kie.key).stdout
    assert "fault 1: status=500 (shot 1)" in journal
    typed = ask("add", "content-type=text/html; charset=utf-8", "nth=9")
    assert typed.endswith("  contentType=text/html; charset=utf-8 nth=9\n")
    assert ask("clear", "3") == "removed fault 3\n"
    assert ask("clear", "1") == "removed fault 1\n"
    assert ask("clear") == "removed 1 fault\n"
    assert len(ask("scenario", "flaky-network", "--seed", "7").splitlines()) == 5
    assert {fault.fault.seed for fault in kie.faults} == {7}
    script = tmp_path / "mine.yaml"
    script.write_text("faults:\n- then: {status: 500}\n")
    assert ask("scenario", str(script)) == "  6        0 of 0  status=500\n"
    listed = ask("scenario").splitlines()
    assert [line.split()[0] for line in listed] == scenarios()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["faults", "add", "statu=500"], "did you mean 'status'?"),
        (["faults", "add", "example=nope"], "then.example: 'nope' is no documented error"),
        (["faults", "clear", "9"], "there is no such fault"),
        (["faults", "scenario", "flaky-netwrk"], "did you mean 'flaky-network'?"),
        (["faults", "scenario", "./bad.yaml"], "bad.yaml:2:10: faults.0.then.statu: 'statu' is no"),
        (["serve", "--data", "memory:", "--faults", "bad.yaml"], "bad.yaml:2:10"),
        (
            ["serve", "--data", "memory:", "--faults", "flaky"],
            "--faults: 'flaky' is no scenario",
        ),
    ],
    ids=str,
)
def test_bad_input_ends_with_2(server: Kie, tmp_path: Path, words: list[str], says: str) -> None:
    (tmp_path / "bad.yaml").write_text("faults:\n- then: {statu: 500}\n")
    done = run(tmp_path, server.base_url, *words)
    assert done.returncode == 2
    assert says in plain(done.stderr)


def test_serve_begins_with_faults(tmp_path: Path) -> None:
    with Serving(tmp_path, "--data", "memory:", "--faults", "outage") as serving:
        body = {"uploadPath": "a", "base64Data": "eHg="}
        headers = {"Authorization": f"Bearer {serving.facts['key']}"}
        url = f"{serving.url}/api/file-base64-upload"
        answer = httpx2.post(url, headers=headers, json=body, trust_env=False)
        assert answer.status_code == 503
        serving.until(r"503 POST /api/file-base64-upload .* fault 1: answer status=503")
        assert "until=PT5M" in serving.output


# ------------------------------------------------------------------------------ several processes


def test_workers_count_together(running: Running) -> None:
    fault = {"then": {"status": 500}, "when": {"every": 3}, "operation": "upload-*"}
    assert running.ask("POST", "/__mockkie/faults", json=fault).status_code == 201
    body = {"uploadPath": "a", "base64Data": "eHg=", "fileName": "b"}
    statuses = [
        running.ask("POST", "/api/file-base64-upload", json=body).status_code for _ in range(ROUNDS)
    ]
    assert statuses == [200, 200, 500] * (ROUNDS // 3)
    [state] = running.ask("GET", "/__mockkie/faults").json()["faults"]
    assert (state["matched"], state["shots"]) == (ROUNDS, ROUNDS // 3)
    assert running.ask("DELETE", "/__mockkie/faults").json() == {"deleted": 1}
    for _ in range(ROUNDS):
        assert running.ask("POST", "/api/file-base64-upload", json=body).status_code == 200
    running.ask("POST", "/__mockkie/faults", json={"then": {"stale": "PT10M"}})
    body["base64Data"] = "eXk="
    link = running.ask("POST", "/api/file-base64-upload", json=body).json()["data"]["downloadUrl"]
    for _ in range(ROUNDS):
        assert running.ask("GET", link.removeprefix(running.url)).content == b"xx"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Two workers."""
    with Serving(tmp_path, "--workers", "2", "--quiet", "--data", "d", "--faults", "outage") as one:
        running = Running(one.process, one.url, one.facts["key"])
        body = {"uploadPath": "a", "base64Data": "eHg="}
        for _ in range(ROUNDS):
            assert running.ask("POST", "/api/file-base64-upload", json=body).status_code == 503
        running.ask("POST", "/__mockkie/reset")
        yield running
