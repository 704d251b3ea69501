"""Commands of mockkie as forks of one process that has imported what each of them would.

A run of the judge is over in a second, of which it imports for most. A fork is a process of its own
all the same: with its arguments, folder, environment, exit and output, and nothing of the last.

As a program it reads a line of JSON for each run from its standard input, and answers with one.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Final

_ROOT: Final = Path(__file__).parent.parent
_IMPORTED: Final = (
    *("mockkie.__init__", "mockkie.cli", "mockkie.checking", "mockkie.comparing"),
    *("mockkie.harness.plugin", "mockkie.harness.compare", "mockkie.harness.replay"),
    *("mockkie.learning", "mockkie.serving", "mockkie.build", "httpx2"),
    *("schemathesis", "schemathesis.pytest.plugin", "_hypothesis_pytestplugin", "rich.console"),
)


@cache
def _server() -> subprocess.Popen[str]:
    """The process to be forked; it ends with this one."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.forking"],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.communicate)
    return process


def run(
    words: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """One run of `mockkie`, as `subprocess.run` has it."""
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    with tempfile.TemporaryDirectory() as home:
        said = [f"{home}/stdout", f"{home}/stderr"]
        server.stdin.write(json.dumps([*map(list, (words, said)), str(folder), dict(environment)]))
        server.stdin.write("\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        out, err = (Path(name).read_text() for name in said)
    return subprocess.CompletedProcess(list(words), code, out, err)


def main() -> None:
    """Fork for each line; the forks leave this function."""
    for name in _IMPORTED:
        import_module(name)
    gc.freeze()  # else each fork copies all of it, to look for garbage
    answers = os.fdopen(os.dup(1), "w")
    lines: IO[str] = sys.stdin
    for line in iter(lines.readline, ""):
        words, said, folder, environment = json.loads(line)
        child = os.fork()
        if not child:
            answers.close()
            _become(words, said, folder, environment)
            return
        _, status = os.waitpid(child, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()


def _become(
    words: Sequence[str], said: Sequence[str], folder: str, environment: Mapping[str, str]
) -> None:
    """Be `mockkie` with these words; raises `SystemExit`."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for number, path in enumerate((os.devnull, *said)):
        opened = os.open(path, flags if number else os.O_RDONLY, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["mockkie", *words]
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - the old one has read ahead
    random.seed()
    import_module("mockkie.cli").main(prog_name="mockkie")


if __name__ == "__main__":
    main()
