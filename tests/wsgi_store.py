"""The files of the foreign server, its clock, and what its bugs remember."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.wsgi_twists import ENDS, KEYS, MIB, OVERWRITES, VICTIMS, File, Upload
from tests.wsgi_ways import CHINESE, ENGLISH, GERMAN, Ways

TEXTS = {"english": ENGLISH, "chinese": CHINESE, "german": GERMAN}


class RefusalError(Exception):
    """A request that is answered with an error of the API."""

    def __init__(self, status: int, msg: str) -> None:
        super().__init__(msg)
        self.status = status
        self.msg = msg


class Clock:
    """The time of the server, which may be moved."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._frozen: float | None = None

    @property
    def frozen(self) -> bool:
        return self._frozen is not None

    @property
    def offset(self) -> float:
        return self.now() - time.time() if self.frozen else self._offset

    def now(self) -> float:
        """The present time in seconds."""
        return time.time() + self._offset if self._frozen is None else self._frozen

    def set(self, now: float) -> None:
        """Sets the time; a frozen clock stays frozen."""
        if self._frozen is None:
            self._offset = now - time.time()
        else:
            self._frozen = now

    def freeze(self, *, frozen: bool) -> None:
        """Stops the clock, or lets it run on from where it is."""
        now = self.now()
        self._frozen = now if frozen else None
        self._offset = now - time.time()

    def reset(self) -> None:
        """Back to real time."""
        self._offset, self._frozen = 0.0, None


@dataclass
class Case:
    """One server: its ways, its bug, its accounts, and what the bug remembers."""

    ways: Ways
    bug: str | None
    keys: tuple[str, ...]
    retention: float
    clock: Clock = field(default_factory=Clock)
    started: float = field(default_factory=time.time)
    counts: Counter[str] = field(default_factory=Counter)
    notes: dict[str, Any] = field(default_factory=dict)
    url: str = ""
    downloads: str = ""

    def has(self, bug: str) -> bool:
        """Whether this server has that bug."""
        return self.bug == bug

    def every(self, bug: str, nth: int) -> bool:
        """Whether this server has that bug, and it is its turn."""
        if self.bug != bug:
            return False
        self.counts[bug] += 1
        return self.counts[bug] % nth == 0

    def once(self, bug: str, note: str) -> bool:
        """Whether this server has that bug and took that note, which is then forgotten."""
        return self.bug == bug and self.notes.pop(note, None) is not None

    def text(self, name: str, *words: str) -> str:
        """A text for people, in this server's language."""
        return TEXTS[self.ways.texts][name].format(*words)


def clean(path: str) -> str:
    """A path without empty segments and dots."""
    return "/".join(part for part in path.split("/") if part not in ("", ".", ".."))


class Store:
    """The files by key, which is what stands in the link behind the host."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.files: dict[str, File] = {}
        self.graves: dict[str, File] = {}
        self._lock = threading.RLock()
        self._scratch: dict[str, bytearray] = {}
        self._busy: set[str] = set()

    def key(self, public: str) -> str:
        """The key of a public path."""
        key = clean(public)
        return KEYS[self.case.bug](key) if self.case.bug in KEYS else key

    def end(self, file: File) -> float:
        """When a file is to be deleted."""
        end = file.born + self.case.retention + self.case.ways.late
        return ENDS[self.case.bug](file, end) if self.case.bug in ENDS else end

    # --- storing ---------------------------------------------------------------------------

    def put(self, upload: Upload, public: str) -> tuple[File, bool]:
        """Stores an upload; says whether it replaced a file."""
        now = self.case.clock.now()
        size = len(upload.body)
        new = File(self.key(public), upload, upload.body, upload.mime, now, size, now)
        self._crowd(new)
        with self._lock:
            old = self.files.get(new.key)
            if old is not None:
                self._onto(new, old)
            if self._kept(new):
                self._place(new)
            self._evict(new)
        return new, old is not None

    def _place(self, new: File) -> None:
        self.graves.pop(new.key, None)
        self.case.counts["tick"] += 1
        new.used = self.case.counts["tick"]
        self.files.pop(new.key, None)
        self.files[new.key] = new
        if self.case.has("expiry-folder-restarts"):
            for other in self.files.values():
                if other.folder == new.folder:
                    other.born = new.born

    def _onto(self, new: File, old: File) -> None:
        new.version = old.version + 1
        new.previous = old
        mono = time.monotonic()
        if mono < old.stale_until:
            new.previous, new.stale_until = old.previous, old.stale_until
        else:
            new.stale_until = mono + self.case.ways.stale
        old.previous = None
        if self.case.bug in OVERWRITES:
            OVERWRITES[self.case.bug](new, old)
        if self.case.has("overwrite-shared-blob"):
            was = old.body
            for other in self.files.values():
                if was and other.body == was:
                    other.body = new.body

    def _kept(self, new: File) -> bool:
        case = self.case
        before = case.notes.get("key", new.key)
        case.notes["key"] = new.key
        if case.every("stability-nth-swapped", 30):
            new.key = before
        if case.every("stability-nth-lost", 25):
            return False
        if case.once("stability-after-refusal-lost", "refused"):
            return False
        return not (case.has("expiry-tombstone") and new.key in self.graves)

    def _evict(self, new: File) -> None:
        case = self.case
        files = list(self.files.values())
        if case.has("stability-folder-of-20"):
            inside = [file for file in files if file.folder == new.folder]
            self._drop(inside[: len(inside) - 20])
        if case.has("stability-fifty-files"):
            files.sort(key=lambda file: file.used)
            self._drop(files[: len(files) - 50])
        if case.has("stability-eight-megabytes"):
            total = sum(len(file.body) for file in files)
            while total > 8 * MIB and len(files) > 1:
                total -= len(files[0].body)
                self._drop([files.pop(0)])

    def _drop(self, files: list[File]) -> None:
        for file in files:
            self.files.pop(file.key, None)

    def _crowd(self, new: File) -> None:
        """What goes wrong when others do the same at the same time."""
        half = new.body[: len(new.body) // 2]
        if self.case.has("stability-mixed"):
            self._scratch[new.key] = bytearray(half)
            time.sleep(0.06)
            self._scratch[new.key] += new.body[len(half) :]
            new.body = bytes(self._scratch[new.key])
        if self.case.has("stability-one-lost"):
            copy = dict(self.files)
            time.sleep(0.06)
            self.files = copy
        if self.case.has("stability-gap") and new.key in self.files:
            del self.files[new.key]
            time.sleep(0.3)
        if self.case.has("stability-half") and new.key in self.files:
            self.files[new.key].body = half
            time.sleep(0.3)
        if self.case.has("stability-busy-500"):
            self._alone(new.key)

    def _alone(self, key: str) -> None:
        if key in self._busy:
            raise RuntimeError(key)
        self._busy.add(key)
        time.sleep(0.05)
        self._busy.discard(key)

    # --- what a refusal must not do ----------------------------------------------------------

    def refused(self, public: str, kind: str) -> None:
        """Hears of a refused upload to a path: a faithful server does nothing."""
        case, key = self.case, self.key(public)
        file = self.files.get(key)
        if file is None:
            return
        if case.has("overwrite-refused-deletes"):
            del self.files[key]
        if case.has("overwrite-failed-fetch-deletes") and kind == "fetch":
            del self.files[key]
        if case.has("overwrite-refused-empties") and kind == "base64":
            file.body = b""
        if case.has("expiry-refused-restarts"):
            file.born = case.clock.now()

    # --- ends ------------------------------------------------------------------------------

    def sweep(self, *, moved: bool = False) -> None:
        """Deletes what has come to its end."""
        now = self.case.clock.now()
        with self._lock:
            dead = [file for file in self.files.values() if now >= self.end(file)]
            for file in self._taken(dead, moved=moved):
                self._bury(file, now)

    def _taken(self, dead: list[File], *, moved: bool) -> list[File]:
        case = self.case
        if case.has("expiry-three-a-sweep"):
            return dead[:3] if moved else []
        if case.has("expiry-first-sweep-only") and dead:
            case.counts["sweeps"] += 1
            return dead if case.counts["sweeps"] == 1 else []
        if case.has("expiry-read-stays"):
            return [file for file in dead if not file.reads]
        if case.has("expiry-comes-back"):
            return []
        return dead

    def _bury(self, dead: File, now: float) -> None:
        victims = [dead]
        if self.case.bug in VICTIMS:
            goes_too = VICTIMS[self.case.bug]
            victims += [other for other in self.files.values() if goes_too(dead, other)]
        for file in victims:
            self.files.pop(file.key, None)
            self.graves[file.key] = file
        if self.case.has("expiry-old-version") and dead.previous is not None:
            dead.previous.born = now
            self._place(dead.previous)

    # --- reading -----------------------------------------------------------------------------

    def get(self, key: str, *, head: bool) -> File | None:
        """The file of a link, if it is there."""
        with self._lock:
            file = self.files.get(key)
            if file is None or self._over(file):
                return None
            now = self.case.clock.now()
            self.case.counts["tick"] += 1
            file.used = self.case.counts["tick"]
            if head:
                file.headed_at = now
            else:
                file.reads += 1
                file.read_at = now
                file.first_read_at = file.first_read_at or now
            if self.case.has("downloads-four-times") and file.reads > 4:
                return None
            return file

    def _over(self, file: File) -> bool:
        back = self.case.has("expiry-comes-back")
        return back and self.case.clock.now() >= self.end(file)

    def shown(self, file: File) -> File:
        """The version of a file that is served at this moment."""
        old = file.previous
        if old is None:
            return file
        if time.monotonic() < file.stale_until:
            return old
        if self.case.has("overwrite-two-replicas") and not self.case.every(
            "overwrite-two-replicas", 2
        ):
            return old
        return file

    def cached(self, file: File) -> File:
        """The version of a file that a cache without an end would hold."""
        if not self.case.has("overwrite-cached-for-good"):
            return file
        copies: dict[str, File] = self.case.notes.setdefault("copies", {})
        copy = copies.setdefault(file.key, file)
        if self.case.clock.now() >= self.end(copy):
            copies[file.key] = copy = file
        return copy
