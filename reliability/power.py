"""Loss of power, as far as it can be simulated: what was not synced is not there, or in part."""

from __future__ import annotations

import asyncio
import http.client
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import httpx
from blake3 import blake3

from mockkie.problems import UsageError
from mockkie.store.disk import DiskStore
from mockkie.worlds import DEFAULT_WORLD
from reliability import shaky
from reliability.audit import audit
from reliability.crowd import LOST
from reliability.platter import LOSSES, Platter, write_out
from reliability.run import Run
from reliability.shaky import Disk, Event
from reliability.victim import ROOT, Victim

TITLE: Final = "Loss of power"
ABOUT: Final = """
A layer in front of the C library notes all that a mock does to its folder, byte by byte: writes,
renames, unlinks, syncs. From that the states are made that a loss of power may leave at any moment:
of what was not synced since, all is there, or nothing, or the first part, or any part, down to
single sectors of 512 bytes. On each the store is opened again, on some of them the whole mock; some
lose power once more while they are opened.

With `--durable`, everything that was acknowledged has to be there, byte for byte. Without it, the
last uploads may be gone, and so may the bytes of files that were kept since the system started; the
store has to open, its index whole and without orphans, and what it lists has to be there byte for
byte, for what is not is dropped when it is opened.
"""
FOUND: Final = (
    (
        "Without `--durable`, files were listed whose bytes were gone: where the system has "
        "started anew since, bytes are looked at once when the folder is opened, and such files "
        "dropped."
    ),
    (
        "Without `--durable`, a folder could not be opened any more, for its index was never "
        "synced and its folders were there: the making of the index is waited for now."
    ),
    (
        "Bytes of replaced files came back, named by nobody, and stayed for good: the same look "
        "deletes them."
    ),
    (
        "The journal of a `shared.sqlite` that was being made could be taken for that of the next "
        "one: it goes together with it."
    ),
)

_SIZES: Final = (300, 20_000, 70_000, 200_000)
_SECONDS: Final = 60.0
_REOPEN: Final = """
import asyncio, sys
from pathlib import Path
from mockkie.store.disk import DiskStore
asyncio.run(DiskStore.open_folder(Path(sys.argv[1]), durable=sys.argv[2] == "True").close())
"""


@dataclass(slots=True)
class Told:
    """One upload of one path, or its deletion (`digest` is None): where the log stood at it."""

    path: str
    digest: str | None
    begun: int
    ended: int | None = None


@dataclass(slots=True)
class Tape:
    """A recorded life of a mock: what happened to its folder, and what its clients were told."""

    durable: bool
    log: Path
    told: list[Told] = field(default_factory=list)

    def may_be(self, path: str, cut: int) -> set[str | None]:
        """The digests of which one has to be there when all up to `cut` in the log happened."""
        writes = [told for told in self.told if told.path == path and told.begun <= cut]
        sure = [n for n, told in enumerate(writes) if told.ended is not None and told.ended <= cut]
        first = sure[-1] if sure else 0
        return {told.digest for told in writes[first:]} | (set() if sure else {None})


def attack(run: Run) -> None:
    """At least 3,000 states, of several lives; in the short form 60 of two."""
    if shaky.compiler() is None:
        run.note("No C compiler here: nothing was done.")
        return
    library = shaky.build(run.folder)
    lives, states = run.size(10, 2), run.size(3_000, 60)
    for life in range(lives):
        durable = life % 2 == 0
        tape = record(run, library, run.folder / f"life-{life}", durable=durable)
        Blackouts(run, library, tape).cut(max(1, states // lives))
    run.figure("acknowledged answers", run.outcome.figures.pop("acknowledged answers", 0))


def record(
    run: Run,
    library: Path,
    folder: Path,
    *,
    durable: bool,
    env: Mapping[str, str] | None = None,
) -> Tape:
    """One life: uploads, overwrites and deletions, then a kill; `env` is for the mock."""
    folder.mkdir()
    (folder / "data").mkdir()
    tape = Tape(durable, folder / "log")
    disk = Disk(library, folder / "data", record=tape.log)
    disk.boot.write_text("boot-0\n")  # whoever opens it next does so in another one
    words = ["--durable"] if durable else []
    words += ["--workers", "2"] if run.random.random() < 0.2 else []  # noqa: PLR2004 - a share
    victim = Victim(folder / "data", *words, said=folder / "said", env={**disk.env, **(env or {})})
    if not victim.is_ready():
        raise RuntimeError((folder / "said").read_text())
    seeds = [run.random.randrange(1 << 32) for _ in range(3)]
    uploads = run.size(40, 12)
    threads = [
        threading.Thread(target=_upload, args=(victim, tape, f"c{number}", seed, uploads))
        for number, seed in enumerate(seeds)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    victim.kill()
    victim.wait()
    disk.close()
    run.count("lives recorded")
    run.count("acknowledged answers", sum(told.ended is not None for told in tape.told))
    return tape


def _upload(victim: Victim, tape: Tape, who: str, seed: int, uploads: int) -> None:
    """One writer for each of its names, so what was asked last is known."""
    chances = random.Random(seed)
    headers = {"Authorization": f"Bearer {victim.key}"}
    with (
        httpx.Client(base_url=victim.url, headers=headers, timeout=_SECONDS) as client,
        suppress(*LOST),
    ):
        for _ in range(uploads):
            name = f"n{chances.randrange(6)}"
            told = Told(f"{who}/{name}", None, tape.log.stat().st_size)
            if chances.random() < 0.15:  # noqa: PLR2004 - a share
                tape.told.append(told)
                client.delete("/__mockkie/files", params={"path": told.path})
                told.ended = tape.log.stat().st_size
                continue
            content = chances.randbytes(chances.choice(_SIZES))
            told.digest = blake3(content).hexdigest()
            tape.told.append(told)
            answer = client.post(
                "/api/file-stream-upload",
                data={"uploadPath": who, "fileName": name},
                files={"file": ("f.bin", content)},
            )
            if answer.status_code == http.client.OK:
                told.ended = tape.log.stat().st_size


class Blackouts:
    """Losses of power in one recorded life."""

    def __init__(self, run: Run, library: Path, tape: Tape) -> None:
        self._run = run
        self._library = library
        self._tape = tape
        self._place = run.folder / "left"
        self._how = "with --durable" if tape.durable else "without --durable"

    def cut(self, states: int) -> None:
        """So many states, at moments all over the life."""
        events = list(Event.read_all(self._tape.log))
        moments = sorted(self._run.random.randint(1, len(events)) for _ in range(-(-states // 4)))
        platter, done = Platter(), 0
        for moment in moments:
            for event in events[done:moment]:
                platter.happen(event)
            done, cut = moment, events[moment - 1].end
            for loss in LOSSES:
                self._state(platter, loss, cut)
            self._run.tell(partial("{} of {} events, {}".format, done, len(events), self._how))

    def _state(self, platter: Platter, loss: str, cut: int) -> None:
        chances = self._run.random
        write_out(platter.left(loss, chances), self._place)
        nested = chances.random() < (0.05 if self._run.short else 0.02)
        if nested:
            self._lose_again(loss)
        again = f"{self._run.again} (byte {cut} of the log, {loss} of what was not synced)"
        for wrong in self.judge(cut):
            self._run.fail(f"{self._how}: {wrong}", again)
        self._run.count(f"states left by a loss of power, {self._how}")
        shutil.rmtree(self._place)

    def judge(self, cut: int) -> list[str]:
        """What is wrong with the state that is left, when power was lost at `cut` of the log."""
        try:
            store = DiskStore.open_folder(self._place, durable=self._tape.durable)
        except UsageError as error:
            return [f"the store does not open: {error}"]
        wrong = asyncio.run(self._contents(store, cut))
        return [*wrong, *audit(self._place)[1]]

    async def _contents(self, store: DiskStore, cut: int) -> list[str]:
        wrong, there = [], {}
        for file in await store.list(DEFAULT_WORLD):
            reading = await store.open(DEFAULT_WORLD, file)
            content = b""
            with suppress(OSError):
                if reading is not None:
                    async with reading:
                        content = b"".join([part async for part in reading.pieces(0, file.size)])
            there[file.path] = blake3(content).hexdigest()
            if there[file.path] != file.digest:
                wrong.append(f"{file.path} is listed, and its bytes are not there")
        await store.close()
        for path in {told.path for told in self._tape.told}:
            may_be = self._tape.may_be(path, cut)
            self._run.count("acknowledged files looked for", None not in may_be)
            if self._tape.durable and there.get(path) not in may_be:
                wrong.append(f"{path} was acknowledged, and is not there")
        return wrong

    def _lose_again(self, loss: str) -> None:
        """Lose power once more at any moment of the opening that comes after the first loss."""
        log = self._place.with_name("again.log")
        disk = Disk(self._library, self._place, record=log)
        disk.boot.write_text("boot-1\n")
        before = Platter(self._place)
        subprocess.run(
            [sys.executable, "-c", _REOPEN, str(self._place), str(self._tape.durable)],
            env={"PYTHONPATH": str(ROOT), **disk.env},
            check=False,
        )
        disk.close()
        events = list(Event.read_all(log))
        for event in events[: self._run.random.randint(0, len(events))]:
            before.happen(event)
        shutil.rmtree(self._place)
        write_out(before.left(loss, self._run.random), self._place)
        log.unlink()
        self._run.count("of them lost twice, the second time while opening")
