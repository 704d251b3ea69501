"""What a world was asked and what it answered. Knows nothing of HTTP servers or stores.

Bounded in bytes: the oldest entries go first, and the journal says how many went.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final, Literal, Self

from mockkie.clock import isoformat, parse_instant
from mockkie.stored import StoredFile

LIMIT: Final = 8 * 1024 * 1024
_FIXED: Final = 900  # what an entry costs before its texts are counted, measured with tracemalloc
_FILE: Final = 600  # what the fact about a file costs, the same

_PLAIN: Final = (
    "seq method target operation path notes shots decision status code msg why received sent "
    "seconds"
).split()

Decision = Literal["accepted", "refused", "aborted", "broken"]
"""Done; said no; the client went away; the mock broke the contract or failed."""


@dataclass(slots=True)
class Field:
    """One field of a request body as the mock understood it: its digest, not its content.

    `size` is in bytes, of the decoded content for files. `digest` is BLAKE3 in hex.
    """

    name: str
    kind: Literal["file", "text", "json"]
    size: int
    digest: str
    filename: str | None = None
    content_type: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The field for the control API, without what is absent."""
        facts = {
            "name": self.name,
            "kind": self.kind,
            "size": self.size,
            "digest": self.digest,
            "filename": self.filename,
            "contentType": self.content_type,
        }
        return {key: value for key, value in facts.items() if value is not None}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The field that `to_json` wrote."""
        return cls(
            value["name"],
            value["kind"],
            value["size"],
            value["digest"],
            value.get("filename"),
            value.get("contentType"),
        )


@dataclass(slots=True)
class Entry:
    """One request and its answer. Secrets are redacted before they get here.

    `at` is the world's instant, `received` and `sent` are body bytes, `seconds` is real time.
    `head` are the headers as `head_text` writes them: one text weighs less than twenty.
    `path` is the `<uploadPath>/<fileName>` that an upload asked for, as far as it was read and
    whether it was kept or not; `file` is what it kept, under a generated name if none was given.
    `notes` tell what the mock did that the answer does not show, `shots` which faults hit it.
    `problem` is the name of what was refused, as `mockkie.problems` has them.
    """

    at: int
    method: str
    target: str
    head: str = ""
    operation: str | None = None
    path: str | None = None
    file: StoredFile | None = None
    fields: Sequence[Field] = ()
    notes: list[str] = field(default_factory=list)
    shots: list[str] = field(default_factory=list)
    decision: Decision = "accepted"
    status: int | None = None
    code: int | None = None
    msg: str | None = None
    problem: str | None = None
    why: str | None = None
    received: int = 0
    sent: int = 0
    seconds: float = 0.0
    seq: int = 0

    @property
    def weight(self) -> int:
        """About how many bytes of memory the entry holds."""
        fields = 400 * len(self.fields) + sum([len(field.name) for field in self.fields])
        texts = len(self.target) + len(self.head) + len(self.msg or "") + len(self.why or "")
        file = 0 if self.file is None else _FILE + 2 * len(self.file.path)
        told = sum(map(len, self.notes)) + sum(map(len, self.shots))
        return _FIXED + fields + texts + file + len(self.path or "") + told

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Names in lower case, and values, in the order of the request."""
        pairs = [line.partition(": ") for line in self.head.split("\n")] if self.head else []
        return [(name, value) for name, _, value in pairs]

    def to_json(self) -> dict[str, Any]:
        """The entry for the control API."""
        return {
            "seq": self.seq,
            "at": isoformat(self.at),
            "method": self.method,
            "target": self.target,
            "operation": self.operation,
            "path": self.path,
            "file": None if self.file is None else self.file.to_json(),
            "headers": [list(header) for header in self.headers],
            "fields": [known.to_json() for known in self.fields],
            "decision": self.decision,
            "status": self.status,
            "code": self.code,
            "msg": self.msg,
            "problem": self.problem,
            "why": self.why,
            "notes": list(self.notes),
            "shots": list(self.shots),
            "received": self.received,
            "sent": self.sent,
            "seconds": round(self.seconds, 6),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The entry that `to_json` wrote."""
        return cls(
            at=parse_instant(value["at"]),
            head=head_text(value["headers"]),
            file=None if value["file"] is None else StoredFile.from_json(value["file"]),
            fields=[Field.from_json(known) for known in value["fields"]],
            problem=value.get("problem"),
            **{name: value[name] for name in _PLAIN},
        )

    def __str__(self) -> str:
        """One line for a person: `POST /api/file-stream-upload 401 (why)`."""
        outcome = self.status if self.status is not None else self.decision
        reason = f"  {self.why}" if self.why else ""
        notes = "".join(f"  [{note}]" for note in (*self.shots, *self.notes))
        return f"{self.method} {self.target} {outcome}{reason}{notes}"


def head_text(headers: Iterable[Sequence[str]]) -> str:
    """Headers, pairs of name and value, as lines: neither can hold the end of one."""
    return "\n".join([f"{name}: {value}" for name, value in headers])


JournalState = tuple[Sequence[Entry], int]
"""The entries of a journal at some moment, and how many had been evicted by then."""


class Journal:
    """The entries of one world, oldest first, within `limit` bytes."""

    __slots__ = ("_bytes", "_entries", "_evicted", "_seq", "_weights", "limit")

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self._bytes = 0
        self._evicted = 0
        self._seq = 0
        self._entries: deque[Entry] = deque()
        self._weights: deque[int] = deque()

    def add(self, entry: Entry) -> None:
        """Write an entry down and number it; the latest one always stays."""
        self._seq += 1
        entry.seq = self._seq
        weight = entry.weight
        self._entries.append(entry)
        self._weights.append(weight)
        self._bytes += weight
        while self._bytes > self.limit and len(self._entries) > 1:
            self._entries.popleft()
            self._bytes -= self._weights.popleft()
            self._evicted += 1

    def amend(self, entry: Entry) -> None:
        """Take note that an entry of ours has changed since it was added."""

    def entries(self, *, after: int = 0, limit: int | None = None) -> list[Entry]:
        """Up to `limit` entries whose `seq` is greater than `after`, oldest first."""
        start = bisect_right(self._entries, after, key=attrgetter("seq")) if after else 0
        stop = len(self._entries) if limit is None else min(start + limit, len(self._entries))
        if start == 0 and stop == len(self._entries):
            return list(self._entries)
        return [self._entries[index] for index in range(start, stop)]

    @property
    def last(self) -> int:
        """The `seq` of the latest entry; 0 before the first."""
        return self._seq

    @property
    def bytes(self) -> int:
        """About how much memory the entries hold."""
        return self._bytes

    @property
    def evicted(self) -> int:
        """How many entries went because there were too many; since the last `clear`."""
        return self._evicted

    def settle(self) -> None:
        """Have entries that wait to be written down, and numbered, be so now."""

    async def catch_up(self) -> None:
        """Know what other processes wrote, where there are any that tell it later."""

    async def clear(self) -> None:
        """Forget the entries; numbering goes on."""
        self.put_back(((), 0))

    def state(self) -> JournalState:
        """What `put_back` needs to make the journal what it is now."""
        return tuple(self._entries), self._evicted

    def put_back(self, state: JournalState) -> None:
        """Have the entries of that time and no others; numbering goes on, a number is never reused.

        `limit` is kept: entries that weigh more by now may be evicted by the next one.
        """
        entries, self._evicted = state
        self._entries = deque(entries)
        self._weights = deque([entry.weight for entry in entries])
        self._bytes = sum(self._weights)
