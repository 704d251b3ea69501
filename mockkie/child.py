"""One command from its start to its exit code, as a shell runs it. Knows nothing of the mock.

Its input and output are ours, untouched. Signals that are for it reach it; from the terminal they
do by themselves, because it is in the same process group.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127
KILLED: Final = 128
_FORWARDED: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_IGNORED_BY_PYTHON: Final = ("SIGPIPE", "SIGXFSZ")

RunCommand = Callable[[Sequence[str], Mapping[str, str]], int]


class NotStarted(Exception):  # noqa: N818 - that is what happened
    """The command could not be started; `code` is what shells exit with then."""

    def __init__(self, why: str, code: int) -> None:
        super().__init__(why)
        self.code = code

    @classmethod
    def of(cls, command: str, error: OSError) -> NotStarted:
        """What the system says, in the words of a shell."""
        if error.errno == errno.ENOENT:
            return cls(f"{command}: command not found", NOT_FOUND)
        if error.errno == errno.ENOEXEC:
            return cls(f"{command}: not a program; a script begins with #!", NOT_EXECUTABLE)
        reason = (error.strerror or str(error)).lower()
        return cls(f"{command}: cannot be executed: {reason}", NOT_EXECUTABLE)


@contextmanager
def running() -> Iterator[RunCommand]:
    """Yields what runs a command with its environment, and returns its exit code.

    Signals that come earlier wait until there is a command that they can be for; those that come
    later are dropped. Raises `NotStarted`. To be entered before threads are started, which have to
    leave signals alone.
    """
    if sys.platform == "win32":
        yield _run_on_windows
        return
    watched = {getattr(signal, name) for name in _FORWARDED}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*watched, signal.SIGCHLD})

    def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
        try:
            pid = os.posix_spawnp(
                command[0],
                list(command),
                environment,
                setsigmask=before,
                setsigdef=[getattr(signal, name) for name in _IGNORED_BY_PYTHON],
            )
        except OSError as error:
            raise NotStarted.of(command[0], error) from error
        except ValueError as error:  # it has no name at all
            raise NotStarted(f"{command[0]!r}: command not found", NOT_FOUND) from error
        return _wait(pid, {*watched, signal.SIGCHLD})

    try:
        yield run
    finally:
        while late := signal.sigpending() & watched:  # they were for the command
            signal.sigwait(late)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _wait(pid: int, watched: set[signal.Signals]) -> int:
    """The exit code of a child; meanwhile it gets the signals that are sent to us alone."""
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            code = os.waitstatus_to_exitcode(status)
            return KILLED - code if code < 0 else code
        number, for_us_alone = _next_signal(watched)
        if number != signal.SIGCHLD and for_us_alone:
            os.kill(pid, number)


def _next_signal(watched: set[signal.Signals]) -> tuple[int, bool]:
    """The next signal, and whether a process sent it: the terminal's reach the command, too."""
    if hasattr(signal, "sigwaitinfo"):
        told = signal.sigwaitinfo(watched)
        return told.si_signo, told.si_code <= 0  # above: from the kernel
    number = signal.sigwait(watched)
    of_keyboard = number in (signal.SIGINT, signal.SIGQUIT)
    return number, not (of_keyboard and sys.stdin is not None and sys.stdin.isatty())


def _run_on_windows(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Ctrl-C reaches every process of a console by itself: here it is only waited out."""
    try:
        child = subprocess.Popen(command, env=environment)  # noqa: S603 - it was asked for
    except OSError as error:
        raise NotStarted.of(command[0], error) from error
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue
