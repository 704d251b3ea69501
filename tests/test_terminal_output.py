"""What commands write to a real terminal, to a narrow one, to a pipe, and when they are stopped."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import mockkie
from mockkie.interrupt import heard

pytestmark = pytest.mark.usefixtures("unmeasured")

ESCAPE = "\x1b"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
QUIET = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES")
PLAIN = {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"CLICOLOR": "0"}
FORCED = {"FORCE_COLOR": "1"}, {"CLICOLOR_FORCE": "1"}


@dataclass
class Shown:
    """What a terminal was sent, and how the command ended."""

    code: int
    text: str

    @property
    def lines(self) -> list[str]:
        return COLOUR.sub("", self.text).replace("\r\n", "\n").splitlines()


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in QUIET}
    return {**kept, "TERM": "xterm-256color", "PYTHONUTF8": "1", **more}


class Terminal:
    """A command in a terminal of so many columns, its stderr included."""

    def __init__(
        self,
        folder: Path,
        *words: str,
        columns: int = 80,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self._sent = bytearray()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mockkie", *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env=environment(**(env or {})),
        )
        os.close(slave)

    def _read(self) -> bool:
        try:
            piece = os.read(self._master, 65_536)
        except OSError:  # what a terminal says when its other side is gone
            piece = b""
        self._sent += piece
        return bool(piece)

    def until(self, text: str) -> None:
        """Wait for a text; the end of the command without it is a failure."""
        while text not in self._sent.decode(errors="ignore"):
            assert self._read(), self._sent.decode()

    def end(self) -> Shown:
        while self._read():
            pass
        os.close(self._master)
        return Shown(self.process.wait(), self._sent.decode())


def shown(
    folder: Path, *words: str, columns: int = 80, env: Mapping[str, str] | None = None
) -> Shown:
    return Terminal(folder, *words, columns=columns, env=env).end()


def piped(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mockkie", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment(**more),
    )


@pytest.fixture(scope="module")
def kie() -> Iterator[mockkie.Kie]:
    """A mock that has something to tell."""
    with mockkie.serve() as running:
        for path in ("docs", ""):
            files, data = {"file": ("a.txt", b"hello")}, {"uploadPath": path}
            running.client.post("/api/file-stream-upload", files=files, data=data)
        yield running


@pytest.fixture
def url(kie: mockkie.Kie) -> str:
    return kie.base_url


def commands(url: str) -> dict[str, list[str]]:
    return {
        "journal": ["journal", "--url", url],
        "claims": ["claims", "--long", "--group", "auth"],
        "check": ["check", url, "--only", "hosts"],
    }


@pytest.mark.parametrize("name", ["journal", "claims", "check"])
def test_colours_are_for_terminals_and_for_who_wants_them(
    tmp_path: Path, url: str, name: str
) -> None:
    words = commands(url)[name]
    assert COLOUR.search(shown(tmp_path, *words).text)
    for more in PLAIN if name != "check" else PLAIN[:1]:
        assert not COLOUR.search(shown(tmp_path, *words, env=more).text)
    assert ESCAPE not in piped(tmp_path, *words).stdout


@pytest.mark.parametrize("name", ["journal", "claims"])
@pytest.mark.parametrize("more", FORCED, ids=["FORCE_COLOR", "CLICOLOR_FORCE"])
def test_colours_can_be_had_in_a_pipe_and_change_nothing_else(
    tmp_path: Path, url: str, name: str, more: dict[str, str]
) -> None:
    words = commands(url)[name]
    forced = piped(tmp_path, *words, **more).stdout
    assert COLOUR.search(forced)
    assert COLOUR.sub("", forced) == piped(tmp_path, *words, **more, NO_COLOR="1").stdout


@pytest.mark.parametrize("words", ["settings", "claims --long --group expiry", "faults scenario"])
def test_a_narrow_terminal_loses_nothing(tmp_path: Path, words: str) -> None:
    whole = piped(tmp_path, *words.split()).stdout
    for columns in (40, 100):
        found = shown(tmp_path, *words.split(), columns=columns)
        assert " ".join(found.lines).split() == whole.split()
    assert max(map(len, found.lines)) <= 100


def test_a_pipe_gets_lines_as_they_are(tmp_path: Path) -> None:
    """One setting a line: `grep` and CI logs want them whole, whatever a terminal is wide."""
    lines = piped(tmp_path, "settings", COLUMNS="40").stdout.splitlines()
    assert all(re.match(r"[ *] \w", line) for line in lines)
    assert max(map(len, lines)) > 100


@pytest.mark.parametrize("columns", [40, 80])
def test_a_long_run_tells_how_far_it_is_and_takes_it_back(
    tmp_path: Path, url: str, columns: int
) -> None:
    text = shown(tmp_path, "check", url, "--only", "hosts", columns=columns).text
    told, _, rest = text.rpartition("\r\x1b[2K")
    frames = told.split("\r\x1b[2K")
    assert any(re.search(r"\d/\d+ test_", frame) for frame in frames)
    assert max(len(frame.rstrip()) for frame in frames) < columns
    assert ("━" in told or "┈" in told) == (columns == 80)
    assert "/" not in rest.partition("\n")[0]


@pytest.mark.parametrize("words", [["--quiet"], []], ids=["quiet", "dumb"])
def test_nobody_is_told_who_does_not_look(tmp_path: Path, url: str, words: list[str]) -> None:
    more = {} if words else {"TERM": "dumb"}
    text = shown(tmp_path, "check", url, "--only", "hosts", *words, env=more).text
    assert "\r\x1b" not in text
    assert "test_" not in text
    if not words:
        assert piped(tmp_path, "check", url, "--only", "hosts").stderr == ""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("check URL --rate 20 --only auth", "interrupted: --resume FILE would let it go on"),
        ("compare URL --rate 20 --only auth", "interrupted: this is what was found until then"),
        ("record URL --rate 20 --only auth -o a.json", "interrupted: "),
    ],
    ids=["check", "compare", "record"],
)
def test_ctrl_c_ends_a_long_run_with_130(tmp_path: Path, url: str, words: str, told: str) -> None:
    terminal = Terminal(tmp_path, *words.replace("URL", url).split())
    terminal.until("/")  # the first word of how far it is
    terminal.until(" ")
    terminal.process.send_signal(signal.SIGINT)
    found = terminal.end()
    assert (found.code, told in found.text) == (130, True), found.text
    assert "Traceback" not in found.text
    assert "Aborted" not in found.text


@pytest.mark.parametrize("words", ["compare URL --only auth", "replay sample URL"])
def test_what_was_interrupted_is_not_alike(tmp_path: Path, url: str, words: str) -> None:
    line = f"{words} --rate 20 --report found.json".replace("URL", url)
    terminal = Terminal(tmp_path, *line.split())
    terminal.until(" 2/")  # the second walk
    terminal.process.send_signal(signal.SIGINT)
    found = terminal.end()
    report = json.loads((tmp_path / "found.json").read_text())
    assert (found.code, report["gaveUp"]) == (130, "it was interrupted"), found.text
    assert "broken off: it was interrupted" in " ".join(found.lines)
    assert "alike: " not in found.text
    assert report["requests"]["right"] > 0
    assert report["seconds"] > 0


def test_a_ctrl_c_that_a_finalizer_swallows_counts_all_the_same() -> None:
    class Answer(io.IOBase):
        @property
        def closed(self) -> bool:
            signal.raise_signal(signal.SIGINT)
            return True

    told: list[str] = []
    before = signal.getsignal(signal.SIGINT)
    with heard(lambda *words: told.append(words[2])) as tell:
        tell(0, 3, "first")
        Answer()
        with pytest.raises(KeyboardInterrupt):
            tell(1, 3, "second")
        tell(2, 3, "third")
    assert told == ["first", "third"]
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("words", ["probe run --rate 20", "learn URL --rate 20"])
def test_ctrl_c_ends_other_commands_without_a_word(
    tmp_path: Path, kie: mockkie.Kie, words: str
) -> None:
    before = len(kie.journal)
    line = words.replace("run", f"run {kie.base_url}").replace("URL", kie.base_url)
    terminal = Terminal(tmp_path, *line.split())
    while len(kie.journal) < before + 3:
        assert terminal.process.poll() is None
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == Shown(130, "")


@pytest.mark.parametrize("words", ["settings", "claims --long", "--help"])
def test_who_stops_reading_gets_no_traceback(tmp_path: Path, words: str) -> None:
    read, write = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-m", "mockkie", *words.split()],
        stdout=write,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment(),
    ) as process:
        os.close(write)
        os.close(read)
        _, errors = process.communicate()
    assert errors == b""
    assert process.returncode in (0, 1)


def test_what_is_wrong_is_said_on_stderr(tmp_path: Path) -> None:
    for words, code in (
        (["check", "nonsense"], 2),
        (["probe", "collect"], 2),
        (["check", "http://127.0.0.1:9"], 3),
        (["clock", "--url", "http://127.0.0.1:9"], 2),
    ):
        done = piped(tmp_path, *words)
        assert (done.returncode, done.stdout) == (code, "")
        assert len(done.stderr.splitlines()) <= 4
        assert done.stderr


@pytest.mark.parametrize("columns", [40, 120])
def test_serve_leaves_addresses_whole(tmp_path: Path, columns: int) -> None:
    terminal = Terminal(tmp_path, "serve", "--port", "0", "--data", "memory:", columns=columns)
    terminal.until("is ready on")
    terminal.process.send_signal(signal.SIGINT)
    found = terminal.end()
    text = "\n".join(found.lines)
    (origin,) = re.findall(r"is ready on (\S+)", text)
    assert f"{origin}/__mockkie/clock, /files, /faults, /journal, /worlds" in text
    assert ("╭" in text) == (columns == 120)
    assert found.code == 0


def test_serve_tells_how_far_its_seeds_are_and_takes_it_back(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / "seeds" / "a").mkdir(parents=True, exist_ok=True)
        (tmp_path / "seeds" / "a" / f"{number:03}.txt").write_text("x")
    words = ["serve", "--port", "0", "--data", "memory:", "--seed-files", "seeds"]
    terminal = Terminal(tmp_path, *words)
    terminal.until("is ready on")
    terminal.process.send_signal(signal.SIGINT)
    told, _, rest = terminal.end().text.rpartition("\r\x1b[2K")
    assert re.search(r"50/300 a/050\.txt", told)
    assert re.search(r"250/300 a/250\.txt", told)
    assert "/300" not in rest
    refused = shown(tmp_path, *words, "--max-total-size", "200")
    _, _, rest = refused.text.rpartition("\r\x1b[2K")
    assert refused.code == 2
    assert "--seed-files: nothing was seeded." in rest
    assert "/300" not in rest
    quiet = shown(tmp_path, *words, "--json", "--max-total-size", "200")
    assert (quiet.code, "\x1b[2K" in quiet.text) == (2, False)
