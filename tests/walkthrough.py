"""A page of the docs, carried out as its reader would: files written, commands typed, outputs held.

What differs from run to run is named here: `RUNS` is left out of both sides, and `LEARNED` is what
a page shows of one run and the next commands need of this one, such as a port.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import subprocess
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import yaml

FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED: Final = re.compile(r"(?:#|//) (\S+\.\w+)\n")
PATIENCE: Final = 180.0
ANY_LINES: Final = "..."
RUNS: Final = (
    (r"\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z| UTC)", "<time>"),
    (r"\w{3}, \d\d \w{3} \d{4} [\d:]+ GMT", "<date>"),
    (r"^\d\d:\d\d:\d\d (?=\d{3} )", "<time> "),
    (r"\b[\d.]+ m?s\b", "<span>"),
    (r"in [\d.]+s\b", "in <span>"),
    (r"\d+ requests in", "<requests> in"),
    (r"[+-][\d,]+ s from", "<offset> from"),
    (r"world-[0-9a-f]{12}", "<world>"),
    (r"mockkie-[0-9a-f]{12}", "<folder>"),
    (r"mockkie \d+\.\d+\.\d+", "mockkie <version>"),
    (r"tempfile\.redpandaai\.co/\d{8}/", "tempfile.redpandaai.co/<account>/"),
    (r"\S*openapi\.yaml:\d+:\d+", "openapi.yaml:<place>"),
    (r"([-=_─])\1{4,}", "---"),
    (r" {2,}", "  "),
)
LEARNED: Final = (r"127\.0\.0\.1:\d+", r"/\d{8}/")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; `above` is the text between it and the one before."""

    kind: str
    content: str
    above: str

    @property
    def file(self) -> str:
        """The name in the comment that its first line is; empty for a block that is no file."""
        named = NAMED.match(self.content)
        return named[1] if named else ""

    @property
    def commands(self) -> list[tuple[str, str]]:
        """Those of a transcript, each with what it is shown to print."""
        steps = re.split(r"^\$ ", self.content, flags=re.MULTILINE)
        assert steps[0] == "", f"a transcript begins with a command: {self.content}"
        return [(step.partition("\n")[0], step.partition("\n")[2]) for step in steps[1:]]

    def document(self) -> Any:
        """What its YAML says."""
        return yaml.safe_load(self.content)


def blocks_of(page: Path) -> list[Block]:
    """All blocks of a page, in their order."""
    text, found, end = page.read_text(), [], 0
    for match in FENCE.finditer(text):
        found.append(Block(match[1], match[2], text[end : match.start()]))
        end = match.end()
    return found


def last_line(text: str) -> str:
    """That of a transcript."""
    return text.rstrip("\n").rpartition("\n")[2]


def plain(text: str) -> str:
    """A transcript without what differs from run to run."""
    for pattern, stand_in in RUNS:
        text = re.sub(pattern, stand_in, text, flags=re.MULTILINE)
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").strip().splitlines())


def prints(shown: str, printed: str) -> bool:
    """Whether it is what is shown, where a line `...` stands for any lines."""
    lines = plain(shown).splitlines()
    wanted = "".join(
        r"(?:.*\n)*?" if line == ANY_LINES else f"{re.escape(line)}\n" for line in lines
    )
    return re.fullmatch(wanted, f"{plain(printed)}\n" if printed.strip() else "") is not None


class Terminal:
    """A shell that goes on from command to command, as that of a reader."""

    def __init__(self, cwd: Path, env: Mapping[str, str], errors: Path) -> None:
        read, write = os.pipe()
        self._errors = errors
        self._typed = os.fdopen(write, "w")
        with errors.open("ab") as stderr:
            self._shell = subprocess.Popen(
                ["bash", "--noprofile", "--norc", f"/dev/fd/{read}"],  # noqa: S607 - its reader's
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                pass_fds=[read],
                start_new_session=True,
            )
        os.close(read)
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._shell.stdout is not None
        for line in self._shell.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def line(self) -> str:
        """The next line that is printed."""
        line = self._lines.get(timeout=PATIENCE)
        assert line is not None, f"the shell ended: {self.errors}"
        return line

    @property
    def errors(self) -> str:
        """What was printed on stderr so far."""
        return self._errors.read_text()

    def type(self, line: str) -> None:
        """Type a line, and do not wait."""
        self._typed.write(f"{line}\n")
        self._typed.flush()

    def run(self, command: str) -> tuple[str, int]:
        """What a command prints on stdout, and its exit code, which `$?` is afterwards too."""
        end = uuid.uuid4().hex
        self.type(command)
        self.type(f'ended=$?; printf "%s %s\\n" {end} $ended; (exit $ended)')
        printed = ""
        while end not in (line := self.line()):
            printed += line
        rest, _, code = line.partition(f"{end} ")
        return printed + rest, int(code)

    def until(self, last: str) -> str:
        """What is printed up to a line such as the last one of what is shown."""
        wanted, printed = plain(re.sub(r":\d+", ":<port>", last)), ""
        while True:
            line = self.line()
            printed += line
            if plain(re.sub(r":\d+", ":<port>", line)) == wanted:
                return printed

    def interrupt(self, shown: str) -> None:
        """Press Ctrl-C; what is shown has to come, behind what was printed before."""
        os.killpg(self._shell.pid, signal.SIGINT)
        printed = self.until(last_line(shown))
        assert prints(f"{ANY_LINES}\n{shown}", printed), printed

    def close(self) -> None:
        """Close the window: all that runs in it ends."""
        self._typed.close()
        end(self._shell.pid)
        self._shell.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert self._shell.stdout is not None
        self._shell.stdout.close()


def step_of_a_job(script: str, cwd: Path, env: Mapping[str, str]) -> None:
    """Carry a script out as runners of CI do; what it leaves running ends with it."""
    words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    with subprocess.Popen(
        words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            code = process.wait(PATIENCE)
        finally:
            end(process.pid)
    assert code == 0, f"{code}: {script}"


def end(session: int) -> None:
    """Have all processes of a session end, those in the background too."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(session, signal.SIGTERM)


class Reader:
    """Someone who does what a page says, in a folder of their own."""

    def __init__(self, home: Path, env: Mapping[str, str], known: Mapping[str, str]) -> None:
        self.home = home
        self.env = dict(env)
        self.known = dict(known)  # what a page shows, and what it is in this run
        self._terminals: list[Terminal] = []
        self.open_terminal()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for terminal in self._terminals:
            terminal.close()

    @property
    def terminal(self) -> Terminal:
        """The one that was opened or turned to last."""
        return self._terminals[-1]

    @property
    def folder(self) -> Path:
        """Where that terminal is."""
        return Path(self.terminal.run("pwd")[0].strip())

    def open_terminal(self) -> None:
        """Another window, in the folder that the first one began in."""
        errors = self.home.parent / f"{self.home.name}-errors-{len(self._terminals)}.txt"
        self._terminals.append(Terminal(self.home, self.env, errors))

    def turn_to_the_other(self) -> None:
        """Back to the window before."""
        self._terminals[-2:] = reversed(self._terminals[-2:])

    def actual(self, text: str) -> str:
        """What a page shows, as it is in this run."""
        for shown, actual in self.known.items():
            text = text.replace(shown, actual)
        return text

    def _as_shown(self, shown: str, printed: str) -> str:
        """Learn from the first look; returns what was printed with what the page calls it."""
        for pattern in LEARNED:
            for mine, theirs in zip(
                re.findall(pattern, shown), re.findall(pattern, printed), strict=False
            ):
                self.known.setdefault(mine, theirs)
        for mine, theirs in self.known.items():
            printed = printed.replace(theirs, mine)
        return printed

    def write(self, block: Block) -> None:
        """Write the file that a block is."""
        path = self.folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.actual(block.content))

    def start(self, command: str, shown: str) -> None:
        """Type a command that does not end, and wait for what it is shown to print."""
        self.terminal.type(self.actual(command))
        printed = self.terminal.until(last_line(shown))
        assert prints(shown, self._as_shown(shown, printed)), printed

    def carry_out(self, block: Block) -> None:
        """Type the commands of a transcript; what fails is followed by `echo $?`."""
        commands = block.commands
        for number, (command, shown) in enumerate(commands):
            printed, code = self.terminal.run(self.actual(command))
            printed = self._as_shown(shown, printed)
            told = commands[number + 1 : number + 2]
            asked = bool(told) and told[0][0] == "echo $?"
            assert asked or code == 0, f"{command}: {code}\n{printed}\n{self.terminal.errors}"
            assert prints(shown, printed), f"{command} printed:\n{printed}\n{self.terminal.errors}"
