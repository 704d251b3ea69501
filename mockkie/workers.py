"""Several processes that serve one mock from one folder. Knows nothing of what they say.

The parent holds the folder's lock and the sockets and serves nothing itself; each worker is a
`Server` of its own on these sockets. What they share beside the files is in `mockkie.shared`.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import DupFd
from multiprocessing.synchronize import Event
from pathlib import Path
from types import FrameType
from typing import Any, Final

from mockkie.build import MEMORY, build_mock, is_elsewhere
from mockkie.certificates import Tls
from mockkie.clock import real_now
from mockkie.faults import Fault
from mockkie.kie import Runner
from mockkie.problems import UsageError
from mockkie.server import Server, allow_files, tune_process
from mockkie.service import Watcher
from mockkie.shared_folder import COUNTS, FolderShared
from mockkie.worlds import DEFAULT_WORLD, World

_START_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.5


class Hold:
    """The lock of a folder, for workers too: it is held until the last of them is gone.

    A parent that is killed would else leave a folder that the next mock may have, and they still
    write to.
    """

    def __init__(self, lock: int) -> None:
        self._lock = lock

    def __reduce__(self) -> tuple[Any, ...]:
        return _taken, (DupFd(self._lock),)


def _taken(lock: Any) -> Hold:
    return Hold(lock.detach())


@dataclass(frozen=True, slots=True)
class Plan:
    """What a worker needs to be like its siblings; picklable."""

    options: Mapping[str, Any]
    host: str
    sockets: Sequence[socket.socket]
    watch: Callable[[Server], Watcher] | None
    tls: Tls | None = None
    hold: Hold | None = None


class Workers:
    """The worker processes of a parent that holds folder and sockets.

    `faults` are those that the default world begins with; without a `folder` it has them.
    """

    def __init__(
        self, count: int, plan: Plan, folder: Path | None, faults: Sequence[Fault] = ()
    ) -> None:
        self._count = count
        self._plan = plan
        self._context = multiprocessing.get_context("spawn")
        self._running: list[SpawnProcess] = []
        self._stopping = False
        self._folder = folder
        if folder is None:
            return
        shared, run = FolderShared.create(folder), Runner()
        for fault in faults:
            run(shared.faults(World(DEFAULT_WORLD, "", ())).arm(fault, real_now()))
        run(shared.close())

    def run(self, ready: Callable[[], None]) -> None:
        """Serve until SIGINT or SIGTERM; a worker that dies is replaced.

        Raises `UsageError` when the workers cannot start.
        """
        before = {
            number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            with _counting(self._folder):
                self._run(ready)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _run(self, ready: Callable[[], None]) -> None:
        try:
            started = [self._start() for _ in range(self._count)]
            if all(self._is_ready(process, event) for process, event in started):
                ready()
                self._watch()
            elif not self._stopping:
                raise UsageError("the workers could not start: see the message above")
        finally:
            if not self._stopping:  # told twice, a worker cuts what is in flight
                self._stop(signal.SIGTERM, None)
            for process in self._running:
                process.join()

    def _start(self) -> tuple[SpawnProcess, Event]:
        event = self._context.Event()
        process = self._context.Process(target=work, args=(self._plan, event), name="mockkie")
        process.start()
        self._running.append(process)
        return process, event

    def _is_ready(self, process: SpawnProcess, event: Event) -> bool:
        for _ in range(round(_START_SECONDS / _LOOK_SECONDS)):
            if event.wait(_LOOK_SECONDS):
                return True
            if not process.is_alive() or self._stopping:
                return False
        return False

    def _watch(self) -> None:
        while not self._stopping:
            wait([process.sentinel for process in self._running], _LOOK_SECONDS)
            dead = [process for process in self._running if not process.is_alive()]
            for process in dead:
                self._running.remove(process)
                if not self._stopping:
                    self._start()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Have the workers finish what is in flight; asked again, they stop at once."""
        del number, frame
        self._stopping = True
        for process in self._running:
            if process.is_alive():
                process.terminate()


def work(plan: Plan, started: Event) -> None:
    """One worker: serve until the parent says SIGTERM."""
    # Ctrl-C reaches the whole group; when to stop is for the parent to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="mockkie-parent", daemon=True).start()
    mock = build_mock(**plan.options, sibling=True)
    server = Server(mock, plan.host, sockets=plan.sockets, tls=plan.tls)
    if plan.watch is not None:
        mock.service.watchers.append(plan.watch(server))
    tune_process()
    allow_files()
    server.run(started.set, signals=(signal.SIGTERM,))


def _end_with_parent() -> None:
    """A parent that ends well has waited for its workers: this one was killed, and so are they."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def _counting(folder: Path | None) -> Iterator[None]:
    """Have a place where the counts of workers add up, of those that are started within.

    In the folder, if there is one: the next mock over it finds there what a killed one left.
    """
    if folder is None:
        place = Path(tempfile.mkdtemp(prefix="mockkie-"))
    else:
        place = folder / "counts"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(mode=0o700)
    os.environ[COUNTS] = str(place)
    try:
        yield
    finally:
        del os.environ[COUNTS]
        shutil.rmtree(place, ignore_errors=True)


def check_workers(count: int, data: str | Path) -> Path | None:
    """The folder that `count` workers share, if it is one; `UsageError` if there is nothing."""
    if str(data) in (MEMORY, "memory"):
        raise UsageError(f"--workers {count} needs a folder to share: add --data FOLDER")
    if not hasattr(signal, "SIGKILL"):
        raise UsageError("--workers needs a POSIX system; leave it out")
    return None if is_elsewhere(data) else Path(data)
