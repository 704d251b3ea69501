"""Two processes that serve one mock are, to a client, one mock."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import chain, product
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockkie import journal_folder
from mockkie.journal import Entry, Journal
from mockkie.kie import Runner
from mockkie.problems import UsageError
from mockkie.shared_folder import FolderShared
from mockkie.store.locking import let_go, take_lock
from mockkie.tasks import Task, Tasks
from mockkie.worlds import World
from tests.judging import check

W, V = World("w", "1", ()), World("v", "2", ())
run = Runner()  # nothing waits in one process, or over a folder


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


def test_a_reader_on_one_worker_never_misses_what_another_replaces(running: Running) -> None:
    """Between the look into the index and the bytes, another process may free the old ones."""
    contents = [bytes([65 + number]) * 40_000 for number in range(4)]
    link = running.upload("raced.bin", contents[0])
    over = Event()

    def read(client: httpx2.Client) -> set[tuple[int, bool]]:
        seen = set()
        with client:
            while not over.is_set():
                answer = client.get(link)
                seen.add((answer.status_code, answer.content in contents))
        return seen

    def client() -> httpx2.Client:
        headers = {"Authorization": f"Bearer {running.key}"}
        return httpx2.Client(base_url=running.url, headers=headers, trust_env=False)

    with ThreadPoolExecutor() as pool, client() as writer:
        reading = [pool.submit(read, client()) for _ in range(4)]
        for number in range(250):
            file = {"file": ("f", contents[number % 4])}
            path = {"uploadPath": "w", "fileName": "raced.bin"}
            writer.post("/api/file-stream-upload", files=file, data=path).raise_for_status()
        over.set()
        assert set().union(*(one.result() for one in reading)) == {(200, True)}


def test_two_workers_keep_the_contract(running: Running, tmp_path: Path) -> None:
    run = check(tmp_path, running.url, "--key", running.key)
    assert run.code == 0, run.output
    assert run.verdicts("violated") == set()


def test_a_task_is_known_to_every_worker(running: Running) -> None:
    create, record = "/api/v1/jobs/createTask", "/api/v1/jobs/recordInfo"
    running.ask("PUT", "/__mockkie/clock", json={"now": "2026-01-01T00:00:00Z", "frozen": True})
    origin, dead = running.url, "https://tempfile.redpandaai.co/x/dead.png"
    links = [origin + running.upload(f"{index}.png", b"x") for index in range(ROUNDS)]
    tasks = []
    for index, link in enumerate(links):
        urls = [link, dead] if index % 2 else [link]
        task = {"model": "m", "input": {"image_urls": urls}}
        tasks.append(running.ask("POST", create, json=task).json()["data"]["taskId"])
    assert running.ask("GET", "/api/v1/chat/credit").json()["data"] == 1_000 - ROUNDS
    running.ask("POST", "/__mockkie/clock/advance", json={"seconds": 3})
    for round_ in range(2):
        for index, task in enumerate(tasks):
            found = running.ask("GET", record, params={"taskId": task}).json()["data"]
            assert found["state"] == ("fail" if index % 2 else "success"), round_
            if found["state"] == "success":
                (result,) = json.loads(found["resultJson"])["resultUrls"]
                assert running.ask("GET", result.removeprefix(origin)).status_code == 200
                fresh = {"url": result}
                fresh = running.ask("POST", "/api/v1/common/download-url", json=fresh).json()
                assert running.ask("GET", fresh["data"].removeprefix(origin)).status_code == 200
    running.ask("POST", "/__mockkie/reset")
    for task in tasks:
        assert running.ask("GET", record, params={"taskId": task}).json()["code"] == 422
        assert running.ask("GET", "/api/v1/chat/credit").json()["data"] == 1_000


def test_a_worker_that_is_killed_is_replaced_and_loses_nothing(running: Running) -> None:
    link = running.upload("kept.txt", b"kept")
    before = running.workers()
    os.kill(before[0], signal.SIGKILL)
    for _ in range(600):
        now = running.workers()
        if len(now) == 2 and now != before:
            break
        time.sleep(0.05)
    assert len(running.workers()) == 2
    assert running.workers() != before
    for _ in range(ROUNDS):
        assert running.ask("GET", link).content == b"kept"


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """The folder is theirs until they have: whoever starts meanwhile waits for that."""
    folder, temporary = tmp_path / "d", tmp_path / "t"
    temporary.mkdir()
    command = [*SERVE, "--workers", "2", "--quiet", "--data", str(folder)]
    env = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[4]
        workers = Running(process, url, "").workers()
        assert len(workers) == 2
        assert (folder / "counts").is_dir()
        os.kill(workers[0], signal.SIGSTOP)
        process.kill()
        process.wait()
        with pytest.raises(UsageError, match=f"another mock .process {process.pid}. uses"):
            take_lock(folder, seconds=0.2)
        os.kill(workers[0], signal.SIGCONT)
        let_go(take_lock(folder, seconds=60))
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{url}/livez")
    assert not [*temporary.iterdir()]


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
        st.one_of(st.text(max_size=400), st.just(None), st.integers(0, 12)), min_size=1, max_size=40
    )
)
@example(["packed"] * 20 + [20] + ["again"] * 20)
def test_a_shared_journal_is_a_journal(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str | int | None]
) -> None:
    """Whichever process writes or reads it, and however often its file is packed."""
    shared = FolderShared.create(tmp_path_factory.mktemp("shared"))
    plain, views = Journal(4_000), [shared.journal(W), shared.journal(W)]
    for at, step in enumerate(steps):
        writing = views[at % 2]
        writing.limit = plain.limit
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(journal_folder, "_SPARE", 500)
            for journal in (plain, writing):
                if step is None:
                    run(journal.clear())
                elif isinstance(step, str):
                    written = entry(step)
                    journal.add(written)
                    written.sent = len(step)
                    journal.amend(written)
        if not isinstance(step, int) and at < len(steps) - 1:
            continue
        after = step if isinstance(step, int) else 0
        for common, limit in product(views[: 1 + after % 2], (None, 2)):
            assert [known.to_json() for known in common.entries(after=after, limit=limit)] == [
                known.to_json() for known in plain.entries(after=after, limit=limit)
            ]
            assert (common.last, common.evicted) == (plain.last, plain.evicted)
            assert common.bytes == plain.bytes
    run(shared.close())


def test_many_who_write_a_shared_journal_share_its_numbers(tmp_path: Path) -> None:
    shared = FolderShared.create(tmp_path)

    def write(name: str) -> list[int]:
        journal, written = shared.journal(W), [entry(f"{name}{number}") for number in range(100)]
        for known in written:
            journal.add(known)
        return [known.seq for known in written]

    with ThreadPoolExecutor(4) as pool:
        took = dict(zip("abcd", pool.map(write, "abcd"), strict=True))
    assert sorted(chain(*took.values())) == list(range(1, 401))
    found = {known.seq: known.target for known in shared.journal(W).entries()}
    for name, numbers in took.items():
        assert [found[number] for number in numbers] == [f"/{name}{at}" for at in range(100)]
    run(shared.close())


def test_a_process_that_is_killed_while_it_writes_leaves_the_journal_whole(tmp_path: Path) -> None:
    shared = FolderShared.create(tmp_path)
    journal = shared.journal(W)
    journal.add(entry("a"))
    [file] = (tmp_path / "journals").iterdir()
    with file.open("ab") as written:
        written.write(b"half of a record")  # the head says nothing of it
    assert file.stat().st_mode & 0o077 == 0
    journal.add(entry("b"))
    assert [known.target for known in shared.journal(W).entries()] == ["/a", "/b"]
    run(shared.forget(W))
    journal.add(entry("c"))
    assert journal.entries() == []
    assert (journal.last, list((tmp_path / "journals").iterdir())) == (0, [])
    run(shared.close())


def test_a_shared_journal_is_written_by_the_end_of_the_turn(tmp_path: Path) -> None:
    """Another process has all entries of a turn before any of their answers goes out."""
    ours, theirs = FolderShared.create(tmp_path), FolderShared(tmp_path)

    async def go() -> None:
        one, other = ours.journal(W), theirs.journal(W)
        written = [entry(name) for name in "abc"]
        for known in written:
            one.add(known)
        written[0].sent = 3
        one.amend(written[0])
        assert other.entries() == []
        await asyncio.sleep(0)  # the answers are written behind this
        assert [(known.seq, known.target, known.sent) for known in other.entries()] == [
            (1, "/a", 3),
            (2, "/b", 0),
            (3, "/c", 0),
        ]
        broken = entry("broken")
        broken.shots = ["fault 1: reset"]
        one.add(broken)  # its connection may end at once
        assert [known.target for known in other.entries(after=3)] == ["/broken"]
        written[1].sent = 5
        one.amend(written[1])
        while other.entries()[1].sent != 5:  # noqa: ASYNC110 - a timer writes it
            await asyncio.sleep(0.005)
        await ours.close()
        await theirs.close()

    asyncio.run(asyncio.wait_for(go(), 30))


names = st.sampled_from("abc")
lives = st.one_of(st.none(), st.tuples(st.integers(0, 9), st.integers(0, 9)))


@given(
    st.lists(
        st.one_of(
            st.just(None),
            st.builds(
                Task,
                id=names,
                model=st.text(),
                param=st.text(),
                created_at=st.integers(0, 9),
                phases=st.lists(st.tuples(st.text(), st.integers(0, 9)), min_size=1, max_size=3),
                lives=st.dictionaries(st.text(), lives, max_size=3),
                dead=st.one_of(st.none(), st.lists(st.text(), max_size=2)),
                kept=st.booleans(),
            ),
        ),
        max_size=9,
    )
)
def test_shared_tasks_are_tasks(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Task | None]
) -> None:
    shared = FolderShared.create(tmp_path_factory.mktemp("shared"))
    plain, common, other = Tasks(), shared.tasks(W), shared.tasks(V)
    run(other.put(Task("a", "m", "{}", 0, [("waiting", 1)], {})))
    for step in steps:
        for tasks in (plain, common):
            if step is None:
                run(tasks.clear())
            else:
                run(tasks.put(step))
        assert run(common.count()) == run(plain.count())
        for name in "abc":
            here, there = run(plain.get(name)), run(common.get(name))
            assert (here is None) == (there is None)
            if here is not None and there is not None:
                assert json.loads(json.dumps(asdict(here))) == asdict(there)
    assert run(other.count()) == 1
    run(shared.forget(V))
    assert run(other.count()) == 0
    run(shared.close())
