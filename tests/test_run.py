"""`mockkie run`: programs that know nothing of mockkie, and what a shell expects of a command."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients import tool
from tests.runs import PATIENCE, Running, clean_environment, run

PROGRAMS = Path(__file__).parent / "programs"
CONTENT = bytes(range(256)) * 300

WAITS = """
import signal, sys, time
def heard(number, frame):
    print(signal.Signals(number).name, flush=True)
    sys.exit(40 + number)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, heard)
print("ready", flush=True)
time.sleep(60)
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def curl(*arguments: str) -> list[str]:
    return [tool("curl"), "-q", "-sS", *arguments]


def nothing_left(home: Path) -> bool:
    return list((home / "tmp").iterdir()) == []


# ---------------------------------------------------------------------- unmodified programs


PROGRAM_NAMES = {
    "with_curl.sh": "curl",
    "with_requests.py": None,
    "with_httpx.py": None,
    "with_httpx2.py": None,
    "with_aiohttp.py": None,
    "with_urllib.py": None,
    "with_node_fetch.mjs": "node",
    "with_node_https.cjs": "node",
    "WithJava.java": "java",
}
RUNNERS = {".sh": "sh", ".mjs": "node", ".cjs": "node", ".java": "java", ".py": sys.executable}


@pytest.mark.parametrize("name", PROGRAM_NAMES)
def test_an_unmodified_program_is_served(tmp_path: Path, name: str) -> None:
    needed = PROGRAM_NAMES[name]
    if needed is not None:
        tool(needed)
    (tmp_path / "sent.bin").write_bytes(CONTENT)
    program = PROGRAMS / name
    done = run(tmp_path, RUNNERS[program.suffix], str(program), "sent.bin", "other.test")
    assert (done.code, done.output) == (0, CONTENT), done.errors
    assert re.search(r"https://tempfile\.redpandaai\.co/\d+/docs/a\.txt", done.errors)
    assert "no answer" in done.errors
    assert done.refused_hosts == {"other.test:443": 1}
    size = len(CONTENT)
    assert done.summary["uploads"] == {"count": 1, "bytes": size}
    assert done.summary["downloads"] == {"count": 1, "bytes": size}
    assert "mockkie: 1 upload (75.0 KB), 1 download (75.0 KB)\n" in done.errors
    assert "`--allow-host other.test` lets it through" in done.errors
    assert nothing_left(tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.kie.ai/api/file-url-upload",
        "http://api.kie.ai/api/file-url-upload",
        "http://kieai.redpandaai.co/api/file-url-upload",
    ],
)
def test_every_host_of_the_document_is_served_by_https_and_http(tmp_path: Path, url: str) -> None:
    done = run(
        tmp_path,
        *curl("-H", "Authorization: Bearer kie-mock-key", "--json"),
        '{"fileUrl": "https://example.com/a.png", "uploadPath": "a"}',
        url,
    )
    link = json.loads(done.output)["data"]["downloadUrl"]
    assert link.startswith("https://tempfile.redpandaai.co/")


def test_the_wrong_host_has_no_uploads_in_the_observed_profile(tmp_path: Path) -> None:
    url = "https://api.kie.ai/api/file-url-upload"
    done = run(
        tmp_path, *curl("-X", "POST", "-w", "%{http_code}", url), options=["--profile", "observed"]
    )
    assert done.output.endswith(b"404")
    assert "this host does not have the route: https://kieai.redpandaai.co" in done.errors


@pytest.mark.parametrize("profile", ["documented", "observed"])
def test_each_host_has_what_its_document_says(tmp_path: Path, profile: str) -> None:
    for host, found in (("api.kie.ai", 200), ("kieai.redpandaai.co", 404)):
        url = f"https://{host}/api/v1/chat/credit"
        words = curl("-H", "Authorization: Bearer kie-mock-key", url)
        done = run(tmp_path, *words, options=["--profile", profile])
        assert json.loads(done.output)["code"] == found


def test_faults_strike_behind_a_hard_coded_https_host_too(tmp_path: Path) -> None:
    """The first upload is reset while its body comes, the second is answered in part."""
    script = tmp_path / "faults.yaml"
    script.write_text(
        "faults:\n"
        "  - {operation: upload-file-stream, when: {nth: 1}, then: {reset: {afterBytes: 1000}}}\n"
        "  - {operation: upload-file-stream, when: {nth: 2}, then: {truncate: 10}}\n"
    )
    (tmp_path / "big.bin").write_bytes(b"x" * 300_000)
    url = "https://kieai.redpandaai.co/api/file-stream-upload"
    upload = f"curl -s {url} -H 'Authorization: Bearer kie-mock-key' -F uploadPath=a -F file=@"
    code = f"{upload}{tmp_path}/big.bin >/dev/null; echo $?;"
    done = run(tmp_path, "sh", "-c", code * 3, options=["--faults", str(script)])
    reset, part, whole = done.output.split()
    assert reset in (b"35", b"55", b"56")  # curl: TLS, sending, receiving
    assert (part, whole) == (b"18", b"0")
    assert done.summary["uploads"]["count"] == 1
    assert [entry["why"] for entry in done.summary["faults"]] == [
        "fault 1: reset=1000",
        "fault 2: truncate=10",
    ]
    assert "2 hit by faults" in done.errors


def test_settings_of_public_clients_lead_to_the_mock_directly(tmp_path: Path) -> None:
    names = "KIE_UPLOAD_BASE_URL KIE_UPLOAD_URL KIE_BASE_URL KIE_API_KEY MOCKKIE_URL".split()
    options = ["--key", "mine", "--port", str(free_port())]
    done = run(tmp_path, *python(f"import os; print(*map(os.getenv, {names}))"), options=options)
    url = f"http://127.0.0.1:{options[-1]}"
    assert done.output.decode().split() == [
        *(url, f"{url}/api/file-stream-upload", url, "mine", url)
    ]


def test_links_of_a_client_with_a_setting_lead_to_the_mock(tmp_path: Path) -> None:
    script = (
        'curl -q -sS -H "Authorization: Bearer $KIE_API_KEY" -F "file=@-;filename=a.txt" '
        "-F uploadPath=a $KIE_UPLOAD_URL; echo; echo $MOCKKIE_URL"
    )
    tool("curl")
    answer, url = run(tmp_path, "sh", "-c", script, sent=b"hello").output.decode().splitlines()
    assert json.loads(answer)["data"]["downloadUrl"].startswith(url)


def test_the_bytes_of_an_upload_by_url_count(tmp_path: Path) -> None:
    script = (
        'curl -q -sS -H "Authorization: Bearer $KIE_API_KEY" -H "Content-Type: application/json" '
        """-d '{"fileUrl": "https://example.com/cat.png", "uploadPath": "a"}' """
        "$KIE_UPLOAD_BASE_URL/api/file-url-upload"
    )
    tool("curl")
    done = run(tmp_path, "sh", "-c", script)
    size = json.loads(done.output)["data"]["fileSize"]
    assert size > 0
    assert done.summary["uploads"] == {"count": 1, "bytes": size}


def test_a_client_that_sends_even_the_loopback_through_the_proxy(tmp_path: Path) -> None:
    tool("curl")
    script = (
        "curl -q -sS --noproxy '' $MOCKKIE_URL/livez; curl -q -sSp --noproxy '' $MOCKKIE_URL/livez"
    )
    assert run(tmp_path, "sh", "-c", script).output == b'{"status":"ok"}{"status":"ok"}'


def test_an_origin_of_links_that_was_asked_for_wins(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x")
    form = ["-F", "file=@a.txt", "-F", "uploadPath=a"]
    url = "https://kieai.redpandaai.co/api/file-stream-upload"
    done = run(
        tmp_path,
        *curl("-H", "Authorization: Bearer kie-mock-key", *form, url),
        options=["--download-origin", "https://files.example"],
    )
    assert b'"downloadUrl":"https://files.example/' in done.output


def test_the_command_moves_the_clock_of_its_mock(tmp_path: Path) -> None:
    mockkie = f"{sys.executable} -m mockkie"
    script = f"""
        sh {PROGRAMS / "with_curl.sh"} sent.bin other.test 2>link >/dev/null
        {mockkie} clock --advance P3D
        curl -q -sS -o /dev/null -w '%{{http_code}}' "$(head -1 link)"
    """
    tool("curl")
    (tmp_path / "sent.bin").write_bytes(b"hello")
    done = run(tmp_path, "sh", "-c", script)
    assert done.output.endswith(b"404"), done.errors
    assert b"+259,2" in done.output
    assert done.summary["expiredLinks"] == 1
    assert "1 use of an expired link" in done.errors
    assert "3 days after its upload; upload it again" in done.errors


def test_a_large_upload_leaves_the_memory_of_the_proxy_as_it_was(tmp_path: Path) -> None:
    """64 MB through TLS and back, twice: the second time nothing grows."""
    if not Path("/proc/self/status").exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no /proc to read memory from")
    (tmp_path / "large.bin").write_bytes(os.urandom(1 << 20) * 64)
    upload = (
        "curl -q -sS -F file=@large.bin -F uploadPath=a -F fileName=b "
        '-H "Authorization: Bearer $KIE_API_KEY" '
        "https://kieai.redpandaai.co/api/file-stream-upload"
    )
    script = f"""
        peak() {{ grep VmHWM /proc/$PPID/status; }}
        link=$({upload} | sed 's/.*downloadUrl":"//; s/".*//'); peak
        {upload} >/dev/null; curl -q -sS "$link" | cmp - large.bin && peak
    """
    tool("curl")
    done = run(tmp_path, "sh", "-c", script, options=["--data", "kept"])
    before, after = (int(line.split()[1]) for line in done.output.decode().splitlines())
    assert done.summary["uploads"] == {"count": 2, "bytes": 128 << 20}
    assert after < 120_000
    assert after - before < 8_192


# ------------------------------------------------------------------ what a shell expects of it


@pytest.mark.parametrize("code", [0, 2, 255])
def test_the_exit_code_is_the_commands(tmp_path: Path, code: int) -> None:
    done = run(tmp_path, "sh", "-c", f"exit {code}")
    assert (done.code, done.summary["exitCode"]) == (code, code)
    assert nothing_left(tmp_path)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGSEGV"])
def test_a_command_that_a_signal_ends(tmp_path: Path, name: str) -> None:
    number = getattr(signal, name)
    assert run(tmp_path, "sh", "-c", f"kill -{number} $$").code == 128 + number
    assert nothing_left(tmp_path)


def test_a_command_that_does_not_exist(tmp_path: Path) -> None:
    for command in ("no-such-command", "./no-such-command"):
        done = run(tmp_path, command)
        assert (done.code, done.output) == (127, b"")
        assert f"mockkie: {command}: command not found\n" in done.errors
        assert nothing_left(tmp_path)


def test_a_command_without_a_name(tmp_path: Path) -> None:
    done = run(tmp_path, "")
    assert (done.code, done.output) == (127, b"")
    assert "mockkie: '': command not found\n" in done.errors
    assert "Traceback" not in done.errors


@pytest.mark.parametrize("closed", ["<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_streams_that_were_closed_stay_closed(tmp_path: Path, closed: str) -> None:
    command = (sys.executable, "-m", "mockkie", "run", "--", "sh", "-c", "echo ran >ran; exit 3")
    script = f'"$0" "$@" {closed}'
    done = subprocess.run(
        ["/bin/sh", "-c", script, *command],
        cwd=tmp_path,
        env=clean_environment(),
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 3
    assert (tmp_path / "ran").read_text() == "ran\n"


def test_a_command_that_cannot_be_executed(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("hello")
    (tmp_path / "odd").write_bytes(b"\x00\x01")
    (tmp_path / "odd").chmod(0o700)
    for command, why in (
        ("./plain.txt", "cannot be executed: permission denied"),
        ("./tmp", "cannot be executed: permission denied"),
        ("./odd", "not a program; a script begins with #!"),
    ):
        done = run(tmp_path, command)
        assert done.code == 126
        assert f"mockkie: {command}: {why}\n" in done.errors
        assert nothing_left(tmp_path)


def refused(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mockkie", "run", *arguments],
        capture_output=True,
        env=clean_environment(),
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


def test_no_command() -> None:
    assert "Missing argument 'COMMAND...'" in refused()
    assert "Missing argument 'COMMAND...'" in refused("--")


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"port {port} is taken" in refused("--port", str(port), "--", "touch", "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("host", ["", "https://a.test", "a.test:443", "a b", "a.test/path"])
def test_a_host_that_is_none(host: str) -> None:
    assert f"{host!r} is not the name of a host" in refused("--allow-host", host, "--", "true")


def test_a_summary_that_cannot_be_written(tmp_path: Path) -> None:
    wrong = refused("--summary", str(tmp_path / "no" / "folder.json"), "--", "true")
    assert "folder.json cannot be written: No such file or directory" in wrong


def test_options_of_the_command_are_its_own(tmp_path: Path) -> None:
    done = run(tmp_path, *python("import sys; print(sys.argv[1:])"), "--json", "--", "-h")
    assert done.output == b"['--json', '--', '-h']\n"


def test_input_and_output_are_untouched(tmp_path: Path) -> None:
    code = "import sys, shutil; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)"
    done = run(tmp_path, *python(code), options=["--quiet"], sent=CONTENT)
    assert (done.output, done.errors) == (CONTENT, "")


def test_the_summary_as_json_is_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "sh", "-c", "exit 3", options=["--json"])
    assert json.loads(done.errors) == done.summary
    assert done.summary["event"] == "summary"
    assert done.summary["command"] == ["sh", "-c", "exit 3"]


def test_a_command_that_asked_nothing(tmp_path: Path) -> None:
    assert "mockkie: no request reached the mock" in run(tmp_path, "true").errors


def test_refusals_are_told_with_their_reason_the_frequent_ones_first(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x")
    url = "https://kieai.redpandaai.co/api/file-stream-upload"
    two = curl("-F", "file=@a.txt", "-F", "uploadPath=a", url, "--next", *curl()[1:])
    done = run(
        tmp_path, *two, "-F", "file=@a.txt", "-F", "uploadPath=a", url, "--next", *curl()[1:], url
    )
    lines = done.errors.splitlines()
    assert lines[0] == "mockkie: 0 uploads (0 bytes), 0 downloads (0 bytes), 3 refused"
    assert lines[1].startswith("    2x  POST /api/file-stream-upload 401: there is no Authori")
    assert lines[2].startswith("    1x  GET /api/file-stream-upload 405: ")
    assert [entry["count"] for entry in done.summary["refused"]] == [2, 1]


def test_of_many_refusals_some_are_told(tmp_path: Path) -> None:
    done = run(tmp_path, *curl("https://tempfile.redpandaai.co/1/[1-25]"))
    _, *told, more = done.errors.splitlines()
    assert (len(told), more) == (20, "  … and 5 more")
    assert len(done.summary["refused"]) == 25


# --------------------------------------------------------------------------------- signals


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"])
def test_a_signal_reaches_the_command(tmp_path: Path, name: str) -> None:
    number = getattr(signal, name)
    running = Running(tmp_path, python(WAITS))
    assert running.line() == "ready"
    running.send(number)
    assert running.line() == name
    assert running.done().code == 40 + number
    assert nothing_left(tmp_path)


@pytest.mark.parametrize("when", ["before", "behind"])
def test_a_signal_before_or_behind_the_command_does_not_end_us(when: str) -> None:
    """Before, it waits for the command; behind, as `timeout` may send it, it is too late."""
    code = (
        "import os, signal\n"
        "from mockkie.child import running\n"
        "with running() as run:\n"
        "    if 'before' == WHEN: os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print(run(['sleep', '60' if 'before' == WHEN else '0'], os.environ))\n"
        "    if 'behind' == WHEN: os.kill(os.getpid(), signal.SIGTERM)\n"
        "print('still here')\n"
    ).replace("WHEN", repr(when))
    done = subprocess.run(python(code), capture_output=True, check=True, timeout=PATIENCE)
    ended = 128 + signal.SIGTERM if when == "before" else 0
    assert done.stdout.decode().splitlines() == [str(ended), "still here"]


def test_what_is_still_sent_behind_the_end_is_cut(tmp_path: Path) -> None:
    upload = (
        "import http.client, os, urllib.parse\n"
        "at = urllib.parse.urlsplit(os.environ['MOCKKIE_URL']).netloc\n"
        "asking = http.client.HTTPConnection(at)\n"
        "asking.putrequest('POST', '/api/file-stream-upload')\n"
        "asking.putheader('Authorization', 'Bearer ' + os.environ['KIE_API_KEY'])\n"
        "asking.putheader('Content-Type', 'multipart/form-data; boundary=x')\n"
        "asking.putheader('Content-Length', '1000')\n"
        "asking.endheaders(b'--x')\n"
        "print('sent', flush=True)\n"
        "print(asking.sock.recv(100))\n"
    )
    (tmp_path / "upload.py").write_text(upload)
    script = f"{sys.executable} upload.py > said & until grep -q sent said; do :; done"
    done = run(tmp_path, "sh", "-c", script)
    assert (done.code, done.summary["exitCode"]) == (0, 0)
    assert nothing_left(tmp_path)


def test_a_command_may_outlive_a_signal(tmp_path: Path) -> None:
    running = Running(tmp_path, ["sh", "-c", "trap 'echo no' TERM; echo ready; read x; echo $x"])
    assert running.line() == "ready"
    running.send(signal.SIGTERM)
    assert running.process.stdin is not None
    running.process.stdin.write(b"still here\n")
    running.process.stdin.flush()
    done = running.done()
    assert done.code == 0
    assert b"still here" in done.output or b"no" in done.output


LISTENS = """
import signal
heard = []
def hear(number, frame):
    heard.append(number)
    print("got", signal.Signals(number).name, flush=True)
signal.signal(signal.SIGINT, hear)
signal.signal(signal.SIGUSR1, hear)
print("ready", flush=True)
while signal.SIGUSR1 not in heard:
    signal.pause()
print("heard", heard.count(signal.SIGINT), flush=True)
"""


def test_ctrl_c_of_a_terminal_reaches_the_command_once(tmp_path: Path) -> None:
    """The terminal sends it to both of us; a second one would be taken for impatience.

    We are held until the command has heard its own, so that two cannot become one.
    """
    (tmp_path / "listen.py").write_text(LISTENS)
    command = [sys.executable, "-m", "mockkie", "run", "--quiet", sys.executable, "listen.py"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execve(sys.executable, command, clean_environment())  # noqa: S606 - a terminal's child
    output = b""

    def until(text: bytes) -> None:
        nonlocal output
        while text not in output:
            output += os.read(terminal, 1_024)

    until(b"ready")
    os.kill(pid, signal.SIGSTOP)
    os.write(terminal, b"\x03")
    until(b"got SIGINT")
    os.kill(pid, signal.SIGCONT)
    os.kill(pid, signal.SIGUSR1)
    until(b"heard 1")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0


def test_what_is_ignored_stays_ignored() -> None:
    """As under nohup, and for commands that a shell starts in the background."""
    code = "import signal; print(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)"
    command = [sys.executable, "-m", "mockkie", "run", "--quiet", "--", *python(code)]
    script = "trap '' INT; exec \"$@\""
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", *command],
        capture_output=True,
        env=clean_environment(),
        check=True,
        timeout=PATIENCE,
    )
    assert done.stdout == b"True\n"


def test_the_command_has_default_signals_and_no_blocked_ones(tmp_path: Path) -> None:
    done = run(tmp_path, "sh", "-c", "kill -PIPE $$; echo pipes are ignored")
    assert (done.code, done.output) == (128 + signal.SIGPIPE, b"")
    code = "import signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    assert run(tmp_path, *python(code)).output == b"set()\n"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port
