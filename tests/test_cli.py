"""The command line as its users meet it: real processes, real sockets, real signals."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest

ROOT = Path(__file__).parent.parent
KEY = "kie-mock-key"
PATIENCE = 30.0
ESCAPE = "\x1b"


def environment(home: Path, **more: str) -> dict[str, str]:
    """This process's, without anything that would speak to mockkie, and with a home of its own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MOCKKIE_", "XDG_", "NO_COLOR", "FORCE_COLOR", "PYTHONWARNINGS"))
    }
    return {**kept, "HOME": str(home), "PYTHONUNBUFFERED": "1", **more}


class Serving:
    """`mockkie serve` in a process of its own; its output is gathered as it comes."""

    def __init__(self, home: Path, *options: str, tty: bool = False, **env: str) -> None:
        self._ready_file = home / "ready.json"
        self._output = bytearray()
        self._news = threading.Condition()
        master, stdout = pty.openpty() if tty else os.pipe()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "mockkie", "serve"),
                *(() if "MOCKKIE_PORT" in env or "--port" in options else ("--port", "0")),
                *(() if "MOCKKIE_READY_FILE" in env else ("--ready-file", str(self._ready_file))),
                *options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=home,
            env=environment(home, **env),
        )
        os.close(stdout)
        self._reader = threading.Thread(target=self._read, args=(master,))
        self._reader.start()

    def _read(self, source: int) -> None:
        while True:
            try:
                piece = os.read(source, 65_536)
            except OSError:  # what a terminal says when its other side is gone
                piece = b""
            with self._news:
                self._output += piece
                self._ended = not piece
                self._news.notify_all()
            if not piece:
                os.close(source)
                return

    _ended = False

    def until(self, pattern: str) -> re.Match[str]:
        """The first match in the output, as soon as it is there."""

        def found() -> bool:
            return re.search(pattern, self.output) is not None or self._ended

        with self._news:
            assert self._news.wait_for(found, PATIENCE), self.output
        match = re.search(pattern, self.output)
        assert match is not None, self.output + self.errors()
        return match

    @property
    def output(self) -> str:
        return self._output.decode().replace("\r\n", "\n")

    def errors(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read().decode() if self.process.poll() is not None else ""

    @property
    def facts(self) -> dict[str, Any]:
        self.until("ready")
        value: dict[str, Any] = json.loads(self._ready_file.read_text())
        return value

    @property
    def url(self) -> str:
        return str(self.facts["url"])

    def stop(self, number: int = signal.SIGTERM) -> str:
        """Ask it to end; its whole output."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        errors = self.errors()
        if self.process.stderr is not None:
            self.process.stderr.close()
        assert (code, errors) == (0, "")
        return self.output

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self.process.returncode is None:
            self.stop()
        elif self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        if self.process.stderr is not None:
            self.process.stderr.close()


def mockkie(
    home: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Any other command, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "mockkie", *arguments],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        cwd=home,
        env=environment(home, **(env or {})),
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def said(result: subprocess.CompletedProcess[str]) -> str:
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    return result.stdout


def refused(result: subprocess.CompletedProcess[str]) -> str:
    """The one line of an error that leaves with 2."""
    assert result.returncode == 2, result
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    *usage, line = result.stderr.splitlines()
    assert all(each.startswith(("Usage: ", "Try ")) or not each for each in usage), result.stderr
    assert line.startswith("Error: ")
    return line


def upload(
    url: str, path: str = "docs/a.txt", content: bytes = b"hello", key: str = KEY
) -> httpx2.Response:
    folder, _, name = path.rpartition("/")
    return httpx2.post(
        f"{url}/api/file-stream-upload",
        headers={"Authorization": f"Bearer {key}"},
        files={"file": (name, content)},
        data={"uploadPath": folder, "fileName": name},
        trust_env=False,
    )


def get(url: str) -> httpx2.Response:
    return httpx2.get(url, trust_env=False)


def url_upload(
    url: str, source: str = "https://example.com/cat.png", key: str = KEY
) -> httpx2.Response:
    return httpx2.post(
        f"{url}/api/file-url-upload",
        headers={"Authorization": f"Bearer {key}"},
        json={"fileUrl": source, "uploadPath": "docs"},
        trust_env=False,
    )


def get_world(url: str, key: str) -> dict[str, Any]:
    """What the control API knows of the first file of a key's world."""
    answer = httpx2.get(
        f"{url}/__mockkie/files", headers={"Authorization": f"Bearer {key}"}, trust_env=False
    )
    first: dict[str, Any] = answer.json()["files"][0]
    return first


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def multipart(content: bytes) -> tuple[bytes, bytes]:
    """An upload in two halves, the cut within the file."""
    body = (
        b'--b\r\nContent-Disposition: form-data; name="uploadPath"\r\n\r\ndocs\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
        + content
        + b"\r\n--b--\r\n"
    )
    head = (
        "POST /api/file-stream-upload HTTP/1.1\r\nHost: mock\r\nConnection: close\r\n"
        f"Authorization: Bearer {KEY}\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    )
    half = len(body) // 2
    return head.encode() + body[:half], body[half:]


def poll(condition: Callable[[], bool]) -> None:
    """Until it is so: there is nothing to wait for in another process but its effects."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def wait_for_incoming(data: Path) -> None:
    """Until the bytes of an upload are on their way into the store."""
    poll(lambda: any(each.stat().st_size for each in (data / "incoming").iterdir()))


def wait_for_refusal(address: tuple[str, int]) -> None:
    """Until nobody listens there any more."""

    def refused() -> bool:
        try:
            socket.create_connection(address, PATIENCE).close()
        except OSError:
            return True
        return False

    poll(refused)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A mock for the tests of the clients; each of them takes a world of its own."""
    with Serving(tmp_path_factory.mktemp("shared"), "--data", "memory:") as serving:
        yield serving


@pytest.fixture
def world(shared: Serving) -> tuple[str, ...]:
    """The options that lead a client command to a fresh world of the shared mock."""
    made = httpx2.post(f"{shared.url}/__mockkie/worlds", trust_env=False).json()
    return ("--url", shared.url, "--key", made["key"])


# ------------------------------------------------------------------------------ what it says


def test_a_person_is_told_everything(home: Path) -> None:
    with Serving(home, "--data", "memory:") as serving:
        url = serving.url
        serving.until("mockkie is ready on")
        accepted = upload(url)
        assert upload(url, key="wrong-secret").status_code == 401
        assert get(f"{url}/nowhere").status_code == 404
        serving.until(r"404 GET /nowhere")
        output = serving.stop()
    assert accepted.status_code == 200
    assert ESCAPE not in output
    panel, _, lines = output.partition("mockkie is ready on ")
    for fact in (
        url,
        KEY,
        "memory, each for P3D",
        "openapi.yaml, profile documented",
        "/__mockkie",
    ):
        assert fact in panel.replace("│\n│             ", "")
    assert re.search(r"curl -H 'Authorization: Bearer kie-mock-key' -F .* http://127", panel)
    ready, first, second, third, last = lines.splitlines()
    assert ready == f"{url} with the key {KEY}"
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d 200 POST /api/file-stream-upload \d+ ms  "
        r"kept docs/a.txt, 5 bytes, text/plain",
        first,
    )
    assert re.search(r" 401 POST /api/file-stream-upload \d+ ms  no world has this key", second)
    assert re.search(r" 404 GET /nowhere \d+ ms  \S", third)
    assert last == "mockkie has stopped; uploads in flight were finished"
    assert KEY not in f"{first}{second}{third}"
    assert "wrong-secret" not in output


def test_the_curl_of_the_panel_works_for_any_key(home: Path) -> None:
    with Serving(home, "--data", "memory:", "--key", "o'neil[red]$(x)") as serving:
        url = serving.url
        serving.until("mockkie is ready")
        output = serving.output
    assert "o'neil[red]$(x)" in output
    command = next(line for line in output.splitlines() if line.startswith("echo hello | curl"))
    shell = command.replace("echo hello | curl", "printf '%s\\n'")
    words = subprocess.run(
        ["/bin/sh", "-c", shell], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert "Authorization: Bearer o'neil[red]$(x)" in words
    assert words[-1] == f"{url}/api/file-stream-upload"


def test_a_terminal_has_colours(home: Path) -> None:
    with Serving(home, "--data", "memory:", tty=True, TERM="xterm-256color") as serving:
        url = serving.url
        get(f"{url}/nowhere")
        serving.until("GET")
        output = serving.stop()
    assert re.search(rf"{ESCAPE}\[33m{ESCAPE}\[1m404{ESCAPE}\[0m", output)


def test_no_color_is_obeyed_in_a_terminal(home: Path) -> None:
    env = {"TERM": "xterm-256color", "NO_COLOR": "1"}
    with Serving(home, "--data", "memory:", tty=True, **env) as serving:
        url = serving.url
        get(f"{url}/nowhere")
        serving.until("404 GET")
        assert ESCAPE not in serving.stop()


def test_a_machine_gets_json_lines(home: Path) -> None:
    with Serving(home, "--data", "memory:", "--json") as serving:
        facts = serving.facts
        upload(facts["url"], key="wrong-secret")
        upload(facts["url"])
        serving.until("(?s)request.*request")
        lines = [json.loads(line) for line in serving.stop().splitlines()]
    assert lines[0] == {"event": "ready", **facts}
    assert facts["pid"] == serving.process.pid
    assert [line["event"] for line in lines] == ["ready", "request", "request", "stopped"]
    wrong, right = lines[1:3]
    assert (wrong["status"], wrong["decision"], wrong["world"]) == (401, "refused", "default")
    assert wrong["why"].startswith("no world has this key")
    assert dict(wrong["headers"])["authorization"] == "Bearer [redacted]"
    assert (right["status"], right["decision"], right["why"]) == (200, "accepted", None)
    assert right["notes"] == ["kept docs/a.txt, 5 bytes, text/plain"]
    assert "wrong-secret" not in json.dumps(lines)
    assert KEY not in json.dumps(lines[1:])


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ((), r"mockkie is ready on \S+ with the key kie-mock-key\n"),
        (("--json",), r'\{"event":"ready",.*\}\n'),
    ],
)
def test_quiet_says_the_ready_line_only(home: Path, more: tuple[str, ...], expected: str) -> None:
    with Serving(home, "--data", "memory:", "--quiet", *more) as serving:
        upload(serving.url)
        output = serving.stop()
    if more:
        output = "".join(line for line in output.splitlines(keepends=True) if "stopped" not in line)
    assert re.fullmatch(expected, output)


def test_a_request_cannot_command_the_terminal(home: Path) -> None:
    with Serving(home, "--data", "memory:") as serving:
        url = serving.url
        assert upload(url, "docs/\x9b31m\u202ered.txt").status_code == 200
        serving.until("200 POST")
        output = serving.stop()
    assert r"kept docs/\x9b31m\u202ered.txt" in output
    assert "\x9b" not in output


def test_names_that_the_terminal_cannot_show_are_no_trouble(home: Path) -> None:
    with Serving(home, "--data", "memory:", PYTHONIOENCODING="latin-1") as serving:
        url = serving.url
        for _ in range(2):
            assert upload(url, "docs/日.txt").status_code == 200
        serving.until(r"(?s)docs/\\u65e5.*docs/\\u65e5")


def test_it_serves_on_when_nobody_reads(home: Path) -> None:
    read, write = os.pipe()
    ready = home / "ready.json"
    command = [sys.executable, "-m", "mockkie", "serve", "--port", "0", "--data", "memory:"]
    with subprocess.Popen(
        [*command, "--ready-file", str(ready)],
        stdout=write,
        stderr=subprocess.PIPE,
        env=environment(home),
    ) as process:
        os.close(write)
        os.read(read, 1)
        while b"ready" not in os.read(read, 65_536):
            pass
        os.close(read)
        url = json.loads(ready.read_text())["url"]
        assert [upload(url).status_code for _ in range(3)] == [200] * 3
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (0, b"")


# ------------------------------------------------------------------ options and their variables


def test_every_option_counts(home: Path) -> None:
    document = (ROOT / "openapi.yaml").read_text().replace("title: KIE.AI", "title: Another")
    (home / "mine.yaml").write_text(document)
    with Serving(
        home,
        *("--host", "127.0.0.1", "--key", "first", "--key", "second", "--data", str(home / "data")),
        *("--durable", "--contract", str(home / "mine.yaml"), "--profile", "observed"),
        *("--retention", "PT1H", "--url-upload", "deny", "--url-upload-private"),
        *("--download-origin", "https://tempfile.redpandaai.co"),
    ) as serving:
        facts = serving.facts
        data = upload(facts["url"], key="second").json()["data"]
        assert get_world(facts["url"], "first")["path"] == "docs/a.txt"
        denied = url_upload(facts["url"], key="first")
        output = serving.stop()
    assert facts["downloadOrigin"] == "https://tempfile.redpandaai.co"
    assert facts["key"] == "first"
    assert data["downloadUrl"].startswith("https://tempfile.redpandaai.co/kieai/")
    assert denied.status_code == 400
    assert (home / "data" / "index.sqlite").exists()
    assert "first, second" in output
    assert "each for PT1H" in output
    unwrapped = re.sub(r"[│\s]", "", output)  # where the panel wraps depends on where home is
    assert "mine.yaml,profileobserved" in unwrapped


def test_every_option_has_its_variable(home: Path) -> None:
    document = (ROOT / "openapi.yaml").read_text()
    (home / "mine.yaml").write_text(document)
    (home / "seeds" / "seeded").mkdir(parents=True)
    (home / "seeds" / "seeded" / "s.txt").write_text("seeded")
    port = free_port()
    with Serving(
        home,
        MOCKKIE_HOST="localhost",
        MOCKKIE_PORT=str(port),
        MOCKKIE_DOWNLOAD_PORT="0",
        MOCKKIE_KEY="first second",
        MOCKKIE_DATA=str(home / "data"),
        MOCKKIE_DURABLE="1",
        MOCKKIE_CONTRACT="mine.yaml",
        MOCKKIE_PROFILE="observed",
        MOCKKIE_RETENTION="PT1H",
        MOCKKIE_URL_UPLOAD="deny",
        MOCKKIE_READY_FILE=str(home / "ready.json"),
        MOCKKIE_JSON="true",
        MOCKKIE_QUIET="true",
        MOCKKIE_ANY_KEY="1",
        MOCKKIE_SEED_FILES="seeds",
    ) as serving:
        facts = serving.facts
        data = upload(facts["url"], key="second").json()["data"]
        upload(facts["url"], "docs/b.txt", key="whatever")
        files = mockkie(home, "files", "--url", facts["url"], "--key", "first")
        assert "seeded/s.txt" in said(files)
        said(mockkie(home, "files", "--url", facts["url"], "--delete", "seeded/s.txt"))
        known = get_world(facts["url"], "first")
        assert url_upload(facts["url"], key="first").status_code == 400
        lines = [json.loads(line) for line in serving.stop().splitlines()]
    assert facts["url"] == f"http://localhost:{port}"
    assert facts["key"] == "first"
    assert facts["downloadOrigin"] != facts["url"]
    assert data["downloadUrl"].startswith(facts["downloadOrigin"] + "/kieai/")
    assert known["expiresAt"][:13] != known["uploadedAt"][:13]
    assert (home / "data" / "index.sqlite").exists()
    assert [line["event"] for line in lines] == ["ready", "stopped"]


def test_option_beats_environment_beats_document(home: Path) -> None:
    text = (ROOT / "openapi.yaml").read_text().replace("retention: P3D ", "retention: PT5H")
    (home / "mine.yaml").write_text(text)
    arguments = ("--data", "memory:", "--contract", "mine.yaml")
    with Serving(home, *arguments) as serving:
        serving.until("each for PT5H")
    with Serving(home, *arguments, MOCKKIE_RETENTION="PT4H") as serving:
        serving.until("each for PT4H")
    with Serving(home, *arguments, "--retention", "PT3H", MOCKKIE_RETENTION="PT4H") as serving:
        serving.until("each for PT3H")


def test_any_key_opens_the_default_world(home: Path) -> None:
    with Serving(home, "--data", "memory:", "--any-key") as serving:
        url = serving.url
        assert upload(url, key="anything").status_code == 200
        assert get_world(url, KEY)["path"] == "docs/a.txt"
        bare = httpx2.post(f"{url}/api/file-stream-upload", trust_env=False)
        assert bare.status_code == 401
        serving.until(re.escape("kie-mock-key (or any other)"))


def test_two_keys_open_one_world(home: Path) -> None:
    with Serving(home, "--data", "memory:", "--key", "one", "--key", "two") as serving:
        url = serving.url
        assert upload(url, key="one").status_code == 200
        assert get_world(url, "two")["path"] == "docs/a.txt"
        assert upload(url, key=KEY).status_code == 401


def test_downloads_on_a_port_of_their_own(home: Path) -> None:
    with Serving(home, "--data", "memory:", "--download-port", "0") as serving:
        facts = serving.facts
        assert facts["downloadOrigin"] != facts["url"]
        link = upload(facts["url"]).json()["data"]["downloadUrl"]
        assert link.startswith(facts["downloadOrigin"] + "/")
        assert get(link).content == b"hello"
        assert get(link.replace(facts["downloadOrigin"], facts["url"])).status_code == 404
        assert upload(facts["downloadOrigin"]).status_code == 404


@pytest.mark.parametrize(
    ("mode", "status", "why"),
    [("offline", 200, None), ("deny", 400, "--url-upload|deny|off"), ("fetch", 400, "127.0.0.1")],
)
def test_where_url_uploads_get_their_bytes(
    home: Path, mode: str, status: int, why: str | None
) -> None:
    with Serving(home, "--data", "memory:", "--url-upload", mode) as serving:
        url = serving.url
        answer = url_upload(url, f"http://127.0.0.1:{free_port()}/cat.png")
        if mode == "offline":
            answer = url_upload(url)
    assert answer.status_code == status, answer.text
    if why is not None:
        assert re.search(why, answer.headers["x-mockkie-why"])


def test_private_addresses_are_fetched_from_when_that_is_wanted(home: Path) -> None:
    with Serving(home, "--data", "memory:") as web:
        link = upload(web.url, "docs/b.txt", b"from elsewhere").json()["data"]["downloadUrl"]
        (home / "second").mkdir()
        options = ("--data", "memory:", "--url-upload", "fetch")
        with Serving(home / "second", *options, "--url-upload-private") as serving:
            answer = url_upload(serving.url, link)
            assert answer.status_code == 200, answer.text
            assert get(answer.json()["data"]["downloadUrl"]).content == b"from elsewhere"
        (home / "third").mkdir()
        with Serving(home / "third", *options) as serving:
            assert url_upload(serving.url, link).status_code == 400


def test_the_ready_file_is_whole_fresh_and_private(home: Path) -> None:
    ready = home / "ready.json"
    ready.write_text("of an earlier mock")
    with Serving(home, "--data", "memory:") as serving:
        facts = serving.facts
        assert set(facts) == {"url", "downloadOrigin", "key", "pid"}
        assert facts["pid"] == serving.process.pid
        assert facts["downloadOrigin"] == facts["url"]
        assert get(facts["url"] + "/readyz").status_code == 200
        assert ready.stat().st_mode & 0o077 == 0
    assert sorted(each.name for each in home.iterdir()) == ["ready.json"]


# -------------------------------------------------------------------------------- how it ends


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_upload_in_flight_is_finished(home: Path, number: int) -> None:
    head, tail = multipart(b"x" * 4_000_000)
    with Serving(home, "--data", str(home / "data")) as serving:
        host, _, port = serving.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), PATIENCE) as client:
            client.sendall(head)
            wait_for_incoming(home / "data")
            serving.process.send_signal(number)
            wait_for_refusal((host, int(port)))
            time.sleep(0.5)  # a mock that gives up on uploads has gone by then
            assert serving.process.poll() is None
            client.sendall(tail)
            answer = b""
            while piece := client.recv(65_536):
                answer += piece
        output = serving.stop(number)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["data"]["fileSize"] == 4_000_000
    assert "mockkie has stopped" in output
    with Serving(home, "--data", str(home / "data")) as serving:
        assert get_world(serving.url, KEY)["fileSize"] == 4_000_000


def test_asked_twice_it_ends_at_once(home: Path) -> None:
    head, _ = multipart(b"x" * 4_000_000)
    with Serving(home, "--data", str(home / "data")) as serving:
        host, _, port = serving.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), PATIENCE) as client:
            client.sendall(head)
            wait_for_incoming(home / "data")
            serving.process.send_signal(signal.SIGTERM)
            wait_for_refusal((host, int(port)))
            serving.stop()


def test_a_restart_keeps_what_was_there(home: Path) -> None:
    data = ("--data", str(home / "data"))
    with Serving(home, *data) as serving:
        url = serving.url
        port = url.rpartition(":")[2]
        world = httpx2.post(f"{url}/__mockkie/worlds", trust_env=False).json()
        link = upload(url).json()["data"]["downloadUrl"]
        other = upload(url, content=b"other", key=world["key"]).json()["data"]["downloadUrl"]
        said(mockkie(home, "clock", "--url", url, "--key", world["key"], "--advance", "P1D"))
        said(
            mockkie(home, "clock", "--url", url, "--set", "2030-01-01T00:00:00Z", "--freeze"),
        )
    with Serving(home, *data, "--port", port) as serving:
        url = serving.url
        assert get(link).status_code == 404, "the default world's clock is past the file's end"
        assert get(other).content == b"other"
        assert upload(url, key=world["key"]).status_code == 200
        default = json.loads(said(mockkie(home, "clock", "--url", url, "--json")))
        assert (default["now"], default["frozen"]) == ("2030-01-01T00:00:00.000Z", True)
        moved = json.loads(
            said(mockkie(home, "clock", "--url", url, "--key", world["key"], "--json"))
        )
        assert (moved["offset"], moved["frozen"]) == (86_400.0, False)
        said(mockkie(home, "clock", "--url", url, "--reset"))


def test_files_live_in_the_platform_s_folder(home: Path) -> None:
    where = home / "elsewhere"
    with Serving(home, XDG_DATA_HOME=str(where)) as serving:
        upload(serving.url)
    found = list(home.rglob("index.sqlite"))
    assert len(found) == 1
    if sys.platform == "linux":
        assert found == [where / "mockkie" / "index.sqlite"]


# ------------------------------------------------------------------------------ what it refuses


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--contract", "none.yaml"), r"none\.yaml: cannot be read"),
        (("--contract", "text.yaml"), r"text\.yaml"),
        (("--contract", "broken.yaml"), r"broken\.yaml:\d+:\d+: this is not YAML"),
        (("--contract", "keyword.yaml"), r"keyword\.yaml:\d+:\d+: .*minLenght"),
        (("--data", "file"), "file cannot be the data folder"),
        (("--data", "file/below"), "file/below cannot be the data folder"),
        (
            ("--data", "gs://bucket/prefix"),
            r"gs://bucket/prefix: files are kept in `memory:`, in a folder",
        ),
        (
            ("--data", "s3://user:word@bucket"),
            r"s3://bucket: a place in a bucket is s3://bucket/prefix",
        ),
        (("--profile", "strange"), "there is no profile 'strange'; .* documented, observed"),
        (("--retention", "3 days"), "--retention: '3 days' is not an ISO 8601 duration"),
        (("--download-origin", "ftp://x"), "--download-origin: 'ftp://x' is not like"),
        (("--download-origin", "http://x/y"), "--download-origin: 'http://x/y' is not like"),
        (("--url-upload", "sometimes"), "'sometimes' is not one of"),
        (("--host", "host.invalid"), "'host.invalid' is no address of this machine"),
        (("--port", "70000"), "70000 is not in the range"),
        (("--ready-file", "none/ready.json"), "--ready-file: none/ready.json cannot be written"),
        (("--ready-file", "."), "is a directory"),
        (("--seed-files", "none"), "none is no folder"),
        (("--seed-files", "file"), "is a file"),
        (
            ("--seed-files", "."),
            r"nothing was seeded\. 'broken\.yaml': .*; 'file': it has no folder",
        ),
        (("--strange",), "No such option '?--strange'?"),
        (("argument",), "unexpected extra argument"),
    ],
)
def test_a_wrong_option_is_one_clear_line(
    home: Path, arguments: tuple[str, ...], message: str
) -> None:
    (home / "file").write_text("mine")
    (home / "text.yaml").write_text("hello")
    (home / "broken.yaml").write_text("openapi: [\n")
    document = (ROOT / "openapi.yaml").read_text()
    (home / "keyword.yaml").write_text(
        document.replace("      minLength: 1\n", "      minLenght: 1\n", 1)
    )
    start = ("serve", "--port", "0", "--data", "memory:")
    line = refused(mockkie(home, *start, *arguments))
    assert re.search(message, line), line
    assert (home / "file").read_text() == "mine"
    assert not list(home.glob(".ready*"))


def test_the_variable_of_a_wrong_value_is_named(home: Path) -> None:
    line = refused(mockkie(home, "serve", env={"MOCKKIE_PORT": "many"}))
    assert "MOCKKIE_PORT" in line


@pytest.mark.parametrize("option", ["--port", "--download-port"])
def test_a_port_that_is_taken(home: Path, option: str) -> None:
    (home / "ready.json").write_text("of an earlier mock")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        arguments = ("serve", "--data", "memory:", "--port", "0", option, port)
        line = refused(mockkie(home, *arguments, "--ready-file", "ready.json"))
    assert f"port {port} is taken; choose another" in line
    assert list(home.iterdir()) == [], "who waits for the file must not find an earlier mock's"


def test_a_folder_belongs_to_one_mock(home: Path) -> None:
    data = ("--data", str(home / "data"))
    with Serving(home, *data) as serving:
        pid = serving.facts["pid"]
        line = refused(mockkie(home, "serve", "--port", "0", *data))
    assert f"another mock (process {pid}) uses the data folder" in line
    with Serving(home, *data) as serving:
        assert serving.url


def test_a_key_of_another_world_is_refused(home: Path) -> None:
    data = ("--data", str(home / "data"))
    with Serving(home, *data) as serving:
        answer = httpx2.post(
            f"{serving.url}/__mockkie/worlds", json={"keys": ["its"]}, trust_env=False
        )
        assert answer.status_code == 201
    line = refused(mockkie(home, "serve", "--port", "0", *data, "--key", "its"))
    assert "opens another world already" in line


# ------------------------------------------------------------------------------- the clients


def test_clock(home: Path, world: tuple[str, ...]) -> None:
    assert said(mockkie(home, "clock", *world)).endswith("Z, real time\n")
    frozen = said(mockkie(home, "clock", *world, "--set", "2030-01-01T02:00:00+02:00", "--freeze"))
    assert re.fullmatch(r"2030-01-01T00:00:00\.000Z, \+[\d,]+ s from real time, frozen\n", frozen)
    for advance, now in (
        ("P1D", "02T00:00:00.000"),
        ("60", "02T00:01:00.000"),
        ("0.5", "02T00:01:00.500"),
    ):
        text = said(mockkie(home, "clock", *world, "--advance", advance))
        assert text.startswith(f"2030-01-{now}Z, ")
    state = json.loads(said(mockkie(home, "clock", *world, "--resume", "--json")))
    assert state["frozen"] is False
    assert state["now"] >= "2030-01-02T00:01:00.500Z"
    assert said(mockkie(home, "clock", *world, "--reset")).endswith("Z, real time\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--advance", "-1"), "time only advances"),
        (("--advance", "P1M"), "'P1M' is not an ISO 8601 duration"),
        (("--advance", "nan"), "'nan' is not an ISO 8601 duration"),
        (("--advance", "inf"), "'inf' is not an ISO 8601 duration"),
        (("--advance", "P9999999D"), "years 1 to 9999"),
        (("--set", "tomorrow"), "'tomorrow' is not a time like"),
        (("--set", "2030-01-01"), "needs its zone"),
    ],
)
def test_a_clock_says_what_is_wrong(
    home: Path, world: tuple[str, ...], arguments: tuple[str, ...], message: str
) -> None:
    assert message in refused(mockkie(home, "clock", *world, *arguments))


def test_files(home: Path, world: tuple[str, ...]) -> None:
    _, url, _, key = world
    assert said(mockkie(home, "files", *world)) == ""
    upload(url, "docs/b.txt", b"b" * 1_500, key)
    link = upload(url, "docs/a b.txt", b"a", key).json()["data"]["downloadUrl"]
    text = said(mockkie(home, "files", *world)).splitlines()
    assert re.fullmatch(r" {11}1  text/plain +until \S+Z  docs/a b\.txt", text[0])
    assert text[1].strip() == link
    assert text[2].startswith("       1,500  text/plain")
    values = [
        json.loads(line) for line in said(mockkie(home, "files", *world, "--json")).splitlines()
    ]
    assert [value["path"] for value in values] == ["docs/a b.txt", "docs/b.txt"]
    assert said(mockkie(home, "files", *world, "--delete", "docs/a b.txt")) == (
        "deleted docs/a b.txt\n"
    )
    assert get(link).status_code == 404
    assert "no file is at 'docs/a b.txt'" in refused(
        mockkie(home, "files", *world, "--delete", "docs/a b.txt")
    )
    assert said(mockkie(home, "files", *world, "--clear")) == "deleted 1 files\n"
    assert said(mockkie(home, "files", *world)) == ""


def test_journal(home: Path, world: tuple[str, ...]) -> None:
    _, url, _, key = world
    upload(url, "docs/a.txt", b"a", key)
    upload(url, "../a.txt", b"a", key)
    upload(url, "docs/b.txt", b"a", key)
    lines = said(mockkie(home, "journal", *world)).splitlines()
    assert [line.split()[1] for line in lines] == ["200", "400", "200"]
    assert said(mockkie(home, "journal", *world, "--last", "1")) == lines[2] + "\n"
    assert said(mockkie(home, "journal", *world, "--refused")) == lines[1] + "\n"
    assert said(mockkie(home, "journal", *world, "--refused", "--last", "1")) == lines[1] + "\n"
    assert "uploadPath" in lines[1]
    output = said(mockkie(home, "journal", *world, "--json"))
    entries = [json.loads(line) for line in output.splitlines()]
    assert [entry["seq"] for entry in entries] == [1, 2, 3]
    assert entries[1]["why"] in lines[1]
    assert entries[0]["fields"][0]["name"] == "uploadPath"
    assert key not in output
    assert said(mockkie(home, "journal", *world, "--clear")) == ""
    assert said(mockkie(home, "journal", *world)) == ""


def test_a_journal_can_be_followed(home: Path, world: tuple[str, ...]) -> None:
    _, url, _, key = world
    upload(url, "docs/before.txt", b"a", key)
    command = [sys.executable, "-m", "mockkie", "journal", *world, "--follow", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(home)) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["seq"] == 1
        for number in range(2, 5):
            upload(url, f"docs/{number}.txt", b"a", key)
            assert json.loads(process.stdout.readline())["seq"] == number
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=PATIENCE)[0] == b""
    assert process.returncode == 0


@pytest.mark.parametrize("command", ["clock", "files", "journal"])
def test_no_mock_answers(home: Path, command: str) -> None:
    line = refused(mockkie(home, command, env={"MOCKKIE_URL": f"http://127.0.0.1:{free_port()}"}))
    assert "no mock answers on http://127.0.0.1:" in line
    assert "start one with `mockkie serve`, or name it with --url" in line


@pytest.mark.parametrize("url", ["localhost", "http://[::1", "ftp://127.0.0.1", ""])
def test_an_address_that_is_none(home: Path, url: str) -> None:
    assert "no mock answers on" in refused(mockkie(home, "clock", "--url", url))


@pytest.mark.parametrize(
    ("key", "message"), [("strange", "no world has this key"), ("schlüssel", "ASCII")]
)
def test_a_key_that_opens_nothing(home: Path, shared: Serving, key: str, message: str) -> None:
    arguments = ("clock", "--url", shared.url, "--key", key)
    line = refused(mockkie(home, *arguments))
    assert message in line
    assert key not in line


def test_what_answers_is_no_mock(home: Path, shared: Serving) -> None:
    line = refused(mockkie(home, "clock", "--url", f"{shared.url}/api"))
    assert "HTTP 404; is this a mockkie?" in line


# ---------------------------------------------------------------------------------- the rest


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(home: Path, shell: str) -> None:
    script = said(mockkie(home, "completion", shell))
    assert f"_MOCKKIE_COMPLETE={shell}_complete" in script
    if shell == "bash":
        subprocess.run(["/bin/bash", "-n"], input=script, text=True, check=True)


def test_completion_of_another_shell(home: Path) -> None:
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in refused(
        mockkie(home, "completion", "tcsh")
    )


def test_options_are_completed(home: Path) -> None:
    env = {
        "_MOCKKIE_COMPLETE": "bash_complete",
        "COMP_WORDS": "mockkie serve --down",
        "COMP_CWORD": "2",
    }
    result = mockkie(home, env=env)
    assert result.stdout.splitlines() == ["plain,--download-port", "plain,--download-origin"]


def test_help_names_every_option_and_variable(home: Path) -> None:
    text = said(mockkie(home, "--help"))
    for command in ("serve", "clock", "files", "journal", "completion"):
        assert f"\n  {command} " in text
    text = re.sub(r"\s+", " ", said(mockkie(home, "serve", "-h")))
    for name in (
        "host port download-port download-origin key any-key data durable contract profile "
        "retention url-upload url-upload-private faults tls tls-cert tls-key ready-file json quiet "
        "seed-files"
    ).split():
        assert f"--{name} " in text
        assert "MOCKKIE_" + name.replace("-", "_").upper() in text


def test_the_version(home: Path) -> None:
    assert re.fullmatch(r"mockkie, version \d+\.\d+\.\d+\n", said(mockkie(home, "--version")))


@pytest.mark.parametrize(
    "code",
    [
        "import mockkie",
        "import mockkie.cli",
        "from mockkie.cli import main; main(['--help'], standalone_mode=False)",
        "from mockkie.cli import main; main(['serve', '--help'], standalone_mode=False)",
        "from mockkie.cli import main; main(['run', '--help'], standalone_mode=False)",
        "from mockkie.cli import main; main(['--version'], standalone_mode=False)",
    ],
)
def test_what_is_light_stays_light(home: Path, code: str) -> None:
    heavy = "starlette uvicorn httpx2 rich orjson yaml jsonschema_rs asyncio sqlite3 ssl".split()
    # What measures the coverage of subprocesses imports things of its own.
    env = {k: v for k, v in environment(home).items() if not k.startswith("COVERAGE")}
    told = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"],
        capture_output=True,
        env=env,
        cwd=home,
        text=True,
        check=True,
    ).stdout
    assert set(heavy).isdisjoint(told.splitlines()[-1].split())


def test_an_unknown_name_of_the_package() -> None:
    import mockkie as package  # noqa: PLC0415 - `mockkie` is the command in this file

    assert all(hasattr(package, name) for name in package.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'strange'"):
        package.strange  # noqa: B018 - to look is the test
