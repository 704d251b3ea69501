"""A mock in process that is asked, and what is true of each of its answers. Knows no target."""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import orjson

from mockkie.app import Mock
from mockkie.build import build_mock
from reliability.target import hold

KEY: Final = "kie-secret-key-of-the-fuzzer"


_FRESH: Final = 2_000  # requests, then another mock
_ALL: Final = 1_000_000  # files: more than a mock gets until it is renewed


Raw = Sequence[tuple[bytes, bytes]]


class Reply(NamedTuple):
    """An answer: its status, its headers by lower-case name, its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON; raises for one that is none."""
        return orjson.loads(self.body)


class Asked:
    """A mock that is asked, and replaced from time to time."""

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._loop = asyncio.new_event_loop()
        self._left = 0
        self._mock: Mock | None = None
        atexit.register(self.close)

    @property
    def mock(self) -> Mock:
        """The mock there is."""
        if self._mock is None:
            self._mock = self.renewed()
        return self._mock

    def renewed(self) -> Mock:
        """Another one in place of the one there was."""
        if self._mock is not None:
            self.run(self._mock.service.close())
        mock = self._mock = build_mock(keys=[KEY], **self._options)
        self.run(mock.service.start())
        self._left = _FRESH
        return mock

    def close(self) -> None:
        """Let go of everything."""
        if self._mock is not None:
            self.run(self._mock.service.close())
        self._loop.close()

    def run(self, coroutine: Any) -> Any:
        """The result of a coroutine of the mock."""
        return self._loop.run_until_complete(coroutine)

    def ask(
        self,
        method: str,
        path: bytes,
        headers: Raw = (),
        pieces: Sequence[bytes] = (),
        query: bytes = b"",
    ) -> Reply:
        """One request, and what is true of every answer of the API."""
        self._left -= 1
        whole = sum(map(len, pieces))
        raw = [(b"host", b"localhost"), *headers]
        raw += [(b"content-length", str(whole).encode())] if whole else []
        scope: dict[str, Any] = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1"}
        scope |= {"method": method, "scheme": "http", "server": ("127.0.0.1", 80), "state": {}}
        scope |= {"path": unquote(path.decode("latin-1")), "raw_path": path, "root_path": ""}
        scope |= {"query_string": query, "headers": raw, "client": ("127.0.0.1", 1)}
        reply: Reply = self.run(self._answer(scope, list(pieces)))
        return reply

    async def _answer(self, scope: dict[str, Any], pieces: list[bytes]) -> Reply:
        said: list[Any] = []

        async def receive() -> dict[str, Any]:
            if not pieces:
                return {"type": "http.request", "body": b"", "more_body": False}
            return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

        async def send(message: Any) -> None:
            said.append(message)

        await self.mock(scope, receive, send)
        hold(said and said[0]["type"] == "http.response.start", "no answer")
        starts = [one for one in said if one["type"] == "http.response.start"]
        hold(len(starts) == 1, "two answers", starts)
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in starts[0]["headers"]
        }
        for name, value in headers.items():
            hold(value.isprintable() or "\t" in value, "no header", name, value)
        body = b"".join(one.get("body", b"") for one in said[1:])
        hold(not said[-1].get("more_body"), "half an answer")
        length = headers.get("content-length")
        if length is not None and scope["method"] != "HEAD":
            hold(int(length) == len(body), "of another length", length, len(body))
        return Reply(starts[0]["status"], headers, body)

    def begin(self) -> None:
        """Before a check, never within one: a mock has room for so many files only."""
        if self._left < 0 or self._mock is None:
            self.renewed()

    def files(self) -> list[Any]:
        """The files of the default world."""
        service = self.mock.service
        listing = service.store.list(service.worlds.default.id, limit=_ALL)
        return list(self.run(listing))

    def judge_journal(self) -> None:
        """The key is in no entry."""
        for entry in self.mock.service.worlds.default.journal.entries()[-1:]:
            hold(KEY not in str(entry.to_json()) and KEY not in str(entry), "the key is written")
