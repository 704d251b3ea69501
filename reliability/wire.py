"""Request smuggling, and requests that are no HTTP, through the real server on a real socket."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import h11
import orjson

from mockkie.build import build_mock
from mockkie.server import Server
from mockkie.worlds import DEFAULT_WORLD
from reliability.run import Run
from reliability.wire_cases import cases
from reliability.wire_messages import CHUNKED, Case, chunks, get, upload

TITLE: Final = "Requests on the wire"
WHOLE: Final = 3_000
SHORT: Final = 40
ABOUT: Final = """\
Requests that two servers would read differently (two lengths, a length beside chunks, encodings
that are nearly `chunked`, lines that end otherwise, two hosts, offers to upgrade), requests that
are no HTTP, and what follows on them, are sent to the real server on a real socket: each at once,
in pieces, and behind another request. Whatever cannot be read in one way only is answered 400 in
the envelope, with a reason, and ends the connection; what can is answered as it should be, and the
connection serves on. No request has two answers, none is answered 500, and no file of a request
that hides in another is kept.

Then requests are mutated by seeded chance, and h11, a parser that shares no code with the one of
the server, reads the same bytes: whatever mockkie keeps, h11 has to see in a request, too.
"""
FOUND: Final = (
    "What stood behind a chunked body (trailers) became headers of the request, a key among them.",
    "Nonsense behind a request was refused at once: its 400 took the place of the answer.",
    "Nonsense behind a request for a download was refused in the middle of the file.",
    "A body that broke off after its answer got a second answer.",
    "Requests without a Host, with two, or with a target of another host were served.",
    "HTTP/0.9 and HTTP/2.0 were answered, a fragment in a target was cut off.",
    "`Transfer-Encoding: gzip, chunked` was read as if it were `chunked`, and in HTTP/1.0, too.",
    "Heads and trailers without end were held in memory; the limit is 128 KiB and 200 headers.",
    "An offer to upgrade in two pieces, or behind another request, cost the request its body.",
    "The proxy of `mockkie run` handed on a Host of another host than the target.",
    "CONNECT was answered by the API, and the connection took nothing any more.",
)
_PATIENCE: Final = 20.0
_MOMENT: Final = 0.2  # that a mutated request is waited for: it may want more
_PROBE: Final = get(b"/the-probe")
_UPLOAD: Final = b"/api/file-base64-upload"
_SIZES: Final = (1, 7)
_SMALL: Final = 2_000
_NO_END: Final = 1_000
_REFUSED: Final = 400


class Answer(NamedTuple):
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Seen:
    """What came back on a connection, and whether it ended."""

    answers: list[Answer]
    ended: bool

    @property
    def probed(self) -> bool:
        """Whether the last answer is that to the probe."""
        return bool(self.answers) and "the-probe" in self.answers[-1].headers.get(
            "x-mockkie-why", ""
        )


class Wire:
    """A mock on a socket, and what one connection to it brings."""

    def __init__(self) -> None:
        self._mock = build_mock()
        self._server = Server(self._mock)
        self._server.start()
        self.port = urlsplit(self._server.origin).port or 80

    def close(self) -> None:
        """Stop the server."""
        self._server.stop()

    def files(self) -> list[str]:
        """The names of the files that are kept, which are then forgotten."""
        return self._server.call(self._files())

    async def _files(self) -> list[str]:
        store = self._mock.service.store
        found = sorted(file.name for file in await store.list(DEFAULT_WORLD))
        await store.clear(DEFAULT_WORLD)
        await self._mock.service.worlds.default.journal.clear()
        return found

    def talk(self, pieces: Sequence[bytes], most: int, patience: float) -> Seen:
        """Up to so many answers to the pieces, or to the end, or until nothing comes any more."""
        seen, unread = Seen([], ended=False), b""
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(patience)
            with contextlib.suppress(OSError):  # it may be closed meanwhile
                for piece in pieces:
                    connection.sendall(piece)
            with contextlib.suppress(TimeoutError):
                while not seen.ended and len(seen.answers) < most and not seen.probed:
                    more = _received(connection)
                    seen.ended, unread = not more, _read_answers(unread + more, seen.answers)
        return seen


def _received(connection: socket.socket) -> bytes:
    """What came; nothing when the connection is over, by a reset too: what was sent is in vain."""
    try:
        return connection.recv(1 << 16)
    except ConnectionError:
        return b""


def attack(run: Run) -> None:
    """Send every case in every way, then what chance makes of them."""
    wire, known = Wire(), list(cases())
    try:
        for case in known:
            for pieces in _ways(case.sent, short=run.short):
                judge(run, wire, case, pieces)
            if run.short and case.closed:
                continue
            behind = case._replace(sent=get() + case.sent, statuses=(200, *case.statuses))
            judge(run, wire, behind, [behind.sent])
        run.figure("cases", len(known))
        run.figure("cases that are refused", sum(case.statuses[-1] == _REFUSED for case in known))
        short = [case for case in known if len(case.sent) < _SMALL]
        _mutate(run, wire, [[one.sent for one in short], [one.sent for one in short if one.files]])
    finally:
        wire.close()


def _ways(sent: bytes, *, short: bool) -> list[list[bytes]]:
    sizes = _SIZES if len(sent) < _SMALL and not short else ()
    cut = [[sent[at : at + size] for at in range(0, len(sent), size)] for size in sizes]
    return [[sent], *cut]


def judge(run: Run, wire: Wire, case: Case, pieces: list[bytes]) -> None:
    """Send a case, and fail unless the answers, the files and the connection are as they should."""
    run.count("connections")
    most = _NO_END if case.closed else len(case.statuses) + 1
    seen = wire.talk([*pieces, *([] if case.closed else [_PROBE])], most, _PATIENCE)
    statuses = tuple(answer.status for answer in seen.answers)
    wanted = case.statuses if case.closed else (*case.statuses, 404)
    files, kept = wire.files(), sorted(case.files)
    if statuses != wanted or files != kept or seen.ended != case.closed:
        ended = "ended" if seen.ended else "open"
        told = f"answered {statuses}, not {wanted}; kept {files}, not {kept}; it is {ended}"
        run.fail(f"{case.name}, in {len(pieces)} pieces: {told}")
    for answer in seen.answers:
        _judge_answer(run, case.name, answer)


def _judge_answer(run: Run, name: str, answer: Answer) -> None:
    if answer.status < 400:  # noqa: PLR2004 - HTTP
        return
    value = orjson.loads(answer.body)
    envelope = value.get("success") is False and value.get("code") == answer.status
    if answer.status >= 500 or not envelope or not answer.headers.get("x-mockkie-why"):  # noqa: PLR2004 - HTTP
        run.fail(f"{name}: answered {answer}")


def _mutate(run: Run, wire: Wire, seeds: Sequence[Sequence[bytes]]) -> None:
    for number in range(run.size(WHOLE, SHORT)):
        chance = random.Random(run.random.getrandbits(48))
        sent = _mutated(chance, chance.choice(chance.choice(seeds)))
        run.count("connections")
        run.count("mutated requests")
        seen = wire.talk([sent + _PROBE], _NO_END, _MOMENT)
        files, known = wire.files(), uploads(sent + _PROBE)
        if not set(files) <= known:
            run.fail(f"{sent!r}: kept {files}, h11 sees {known}")
        for answer in seen.answers:
            _judge_answer(run, f"{sent!r}", answer)
        run.count("mutated requests that were kept", bool(files))
        run.tell(lambda: f"{number:,} mutated requests")  # noqa: B023 - told at once


def _mutated(chance: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\r\n")
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(lines))
        match chance.randrange(5):
            case 0:
                lines.insert(at, chance.choice(lines))
            case 1:
                lines[at] += chance.choice(_BYTES) + chance.choice(_BYTES)
            case 2:
                lines[at] = lines[at].replace(b":", chance.choice((b" :", b":\t", b"", b"::")), 1)
            case 3:
                place = chance.randint(0, len(lines[at]))
                lines[at] = lines[at][:place] + chance.choice(_BYTES) + lines[at][place:]
            case _:
                lines.insert(at, chance.choice(_LINES))
    return b"\r\n".join(lines)


_BYTES: Final = (
    b"\r",
    b"\n",
    b"\0",
    b" ",
    b"\t",
    b",",
    b";",
    b"0",
    b"9",
    b"\x0b",
    b"\xff",
    b"-",
    b"\r\n",
)
_LINES: Final = (
    *(CHUNKED, b"Content-Length: 0", b"Content-Length: 40", b"Transfer-Encoding: identity"),
    *(b"Connection: close", b"Connection: Upgrade", b"Upgrade: h2c", b"Expect: 100-continue", b""),
    *(b"Host: localhost", b"0", chunks(), upload(name="late"), get()),
)


def uploads(data: bytes) -> set[str]:
    """The names of the files that h11 sees uploads of. Empty lines before a request are none."""
    found = set[str]()
    while data := data.lstrip(b"\r\n"):
        message = _first_of(data)
        if message is None:
            break
        target, body, data = message
        found |= _name_of(target, body)
    return found


def _first_of(data: bytes) -> tuple[bytes, bytes, bytes] | None:
    """The first request as h11 has it: its target, its body, and what follows; None: it is none."""
    connection, target, body = h11.Connection(h11.SERVER), b"", b""
    connection.receive_data(data)
    with contextlib.suppress(h11.RemoteProtocolError):
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                target = event.target
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                closes = connection.their_state is h11.MUST_CLOSE
                return target, body, b"" if closes else connection.trailing_data[0]
            else:
                break
    return None


def _name_of(target: bytes, body: bytes) -> set[str]:
    try:
        name: Any = orjson.loads(body)["fileName"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return set()
    return {name} if _UPLOAD in target and isinstance(name, str) else set()


def _read_answers(data: bytes, found: list[Answer]) -> bytes:
    """Take whole answers from the front, interim ones left out; returns the rest."""
    while True:
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            return data
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(one.lower().split(": ", 1) for one in lines)
        status, size = int(line.split(" ")[1]), int(headers.get("content-length", "0"))
        if len(rest) < size:
            return data
        if status >= 200:  # noqa: PLR2004 - HTTP
            found.append(Answer(status, headers, rest[:size]))
        data = rest[size:]
