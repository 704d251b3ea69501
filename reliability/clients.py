"""Real HTTP clients of one world, each with a connection of its own, that write down what they saw.

A value is known by its size, which no other value of a history has, and by its bytes, which say in
each block of 8 which value they are of: what is torn or mixed is neither.
"""

from __future__ import annotations

import base64
import http.client
import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import inf
from typing import Any, Final
from urllib.parse import urlsplit

from reliability.history import Call, File

PATIENCE: Final = 60.0
_BLOCK: Final = 8
_BOUNDARY: Final = "a-boundary-of-ours"
_BASE64: Final = 0.3  # of the uploads
_FOLDER: Final = "of"
NOT_FOUND: Final = 404


class TornError(Exception):
    """Bytes came that are no value that anybody uploaded, or not all of one."""


@dataclass(frozen=True, slots=True)
class Place:
    """A world as its clients reach it; `urls` are those of mocks that are one.

    `sizes` are the least bytes that values have; which one is drawn.
    """

    urls: tuple[str, ...]
    key: str
    account: str
    names: tuple[str, ...]
    sizes: tuple[int, ...]


def content(value: int, size: int) -> bytes:
    """The bytes of a value."""
    return b"%08d" % value * (size // _BLOCK)


def value_of(body: bytes) -> int:
    """The value that bytes, the whole or blocks of it, are of; `TornError`."""
    try:
        value = int(body[:_BLOCK])
    except ValueError:
        raise TornError(f"bytes of no value: {body[:40]!r}") from None
    if body != content(value, len(body)) or len(body) % _BLOCK:
        raise TornError(f"{len(body):,} bytes that begin as value {value} and go on otherwise")
    return value


@dataclass
class Client:
    """One client. Its calls are in `calls`, in order."""

    number: int
    place: Place
    random: random.Random
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._connection: http.client.HTTPConnection | None = None

    def upload(self, name: str, value: int) -> None:
        """Upload a value by one of two ways, sometimes in pieces with a pause in between."""
        size = self.random.choice(self.place.sizes) + value * _BLOCK
        body = content(value, size)
        if self.random.random() < _BASE64:
            fields = {
                "base64Data": base64.b64encode(body).decode(),
                "uploadPath": _FOLDER,
                "fileName": name,
            }
            path, data, kind = "base64", json.dumps(fields).encode(), "application/json"
        else:
            path, data = "stream", _form(name, body)
            kind = f"multipart/form-data; boundary={_BOUNDARY}"
        pause = self.random.choice((0, 0, 0, 0.002, 0.02))
        call = self._begin("upload", name, value=value)
        headers = {"Content-Type": kind}
        try:
            status, _, answer = self._ask(
                "POST", f"/api/file-{path}-upload", headers, data, pause=pause
            )
        except OSError:
            self.calls.append(replace(call, ended=inf))
            return
        if status >= http.client.INTERNAL_SERVER_ERROR:
            self.calls.append(replace(call, ended=inf))
            return
        self._expect(status, answer)
        self._end(call, at=_instant(json.loads(answer)["data"]["uploadedAt"]))

    def read(self, name: str) -> None:
        """The whole file, a part of it, or its head alone."""
        way = self.random.choice(("whole", "whole", "part", "head"))
        headers, first, last = {}, 0, 0
        if way == "part":
            first = self.random.randrange(6) * _BLOCK
            last = first + self.random.choice((1, 3, 500)) * _BLOCK - 1
            headers["Range"] = f"bytes={first}-{last}"
        call = self._begin("read", name)
        method = "HEAD" if way == "head" else "GET"
        path = f"/{self.place.account}/{_FOLDER}/{name}"
        status, head, body = self._ask(method, path, headers, keyless=True)
        if status == NOT_FOUND:
            self._end(call, seen=None)
            return
        self._expect(status, body)
        size = int(head["content-length"])
        if way == "part":
            size = int(head["content-range"].rpartition("/")[2])
            value = value_of(body)
            if len(body) != min(last + 1, size) - first:
                raise TornError(f"{head['content-range']} came with {len(body):,} bytes")
        elif way == "head":
            value = self._value_of_size(size)
        else:
            value = value_of(body)
        if value != self._value_of_size(size):
            raise TornError(f"value {value} came as a file of {size:,} bytes")
        moment = parsedate_to_datetime(head["last-modified"])
        self._end(call, seen=(value, round(moment.timestamp()) * 1_000))

    def list(self) -> None:
        """All files of the world."""
        call = self._begin("list")
        listed = self._control("GET", "/files")["files"]
        files = [
            File(
                file["fileName"],
                self._value_of_size(file["fileSize"]),
                _instant(file["uploadedAt"]),
            )
            for file in listed
        ]
        self._end(call, files=tuple(sorted(files)))

    def delete(self, name: str) -> None:
        """Take a file away by the control API."""
        call = self._begin("delete", name)
        path = f"/__mockkie/files?path={_FOLDER}/{name}"
        status, _, body = self._ask("DELETE", path, {})
        if status != NOT_FOUND:
            self._expect(status, body)
        self._end(call, found=status != NOT_FOUND)

    def clock(self) -> None:
        """What the clock shows."""
        call = self._begin("clock")
        self._end(call, now=_instant(self._control("GET", "/clock")["now"]))

    def advance(self, by: int) -> None:
        """Move the clock on by milliseconds."""
        call = self._begin("advance", at=by)
        shown = self._control("POST", "/clock/advance", {"seconds": by / 1_000})
        self._end(call, now=_instant(shown["now"]))

    def set(self, now: int) -> None:
        """Have the clock stand still at an instant."""
        call = self._begin("set", at=now)
        text = datetime.fromtimestamp(now / 1_000, UTC).isoformat()
        self._control("PUT", "/clock", {"now": text, "frozen": True})
        self._end(call)

    def reset(self) -> None:
        """Have the world be as new."""
        call = self._begin("reset")
        status, _, body = self._ask("POST", "/__mockkie/reset", {})
        self._expect(status, body)
        self._end(call)

    def leave(self) -> None:
        """Close the connection: the next one may lead to another process."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _begin(self, kind: str, name: str = "", *, value: int = 0, at: int = 0) -> Call:
        real = time.time_ns() // 1_000_000
        began = time.monotonic()
        return Call(self.number, kind, began, inf, name=name, value=value, at=at, real=real)

    def _end(self, call: Call, **answer: Any) -> None:
        self.calls.append(replace(call, ended=time.monotonic(), **answer))

    def _control(self, method: str, path: str, body: Any = None) -> Any:
        headers = {} if body is None else {"Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        status, _, answer = self._ask(method, f"/__mockkie{path}", headers, data)
        self._expect(status, answer)
        return json.loads(answer)

    def _ask(  # noqa: PLR0913 - a request
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        data: bytes | None = None,
        *,
        pause: float = 0,
        keyless: bool = False,
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, headers and body; one try, so that nothing is done twice."""
        if self._connection is None:
            where = urlsplit(self.random.choice(self.place.urls))
            assert where.hostname is not None  # noqa: S101 - they are addresses of mocks
            self._connection = http.client.HTTPConnection(
                where.hostname, where.port, timeout=PATIENCE
            )
        connection = self._connection
        try:
            connection.putrequest(method, path)
            for name, value in headers.items():
                connection.putheader(name, value)
            if not keyless:
                connection.putheader("Authorization", f"Bearer {self.place.key}")
            connection.putheader("Content-Length", str(len(data or b"")))
            half = 0 if data is None or not pause else len(data) // 2
            connection.endheaders(None if data is None else data[:half] if half else data)
            if data is not None and half:
                time.sleep(pause)
                connection.send(data[half:])
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.leave()
            raise OSError(f"{method} {path}: {error!r}") from error

    def _expect(self, status: int, body: bytes) -> None:
        if not http.client.OK <= status < http.client.MULTIPLE_CHOICES:
            raise OSError(f"answered {status}: {body[:300]!r}")

    def _value_of_size(self, size: int) -> int:
        """The value of a file of so many bytes: what is over the next smaller size."""
        least = max((known for known in self.place.sizes if known <= size), default=0)
        return (size - least) // _BLOCK


def _form(name: str, body: bytes) -> bytes:
    parts = [
        (f'name="{field}"', text.encode())
        for field, text in (("uploadPath", _FOLDER), ("fileName", name))
    ]
    parts.append(('name="file"; filename="x.bin"', body))
    written = [
        f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + data + b"\r\n"
        for head, data in parts
    ]
    return b"".join(written) + f"--{_BOUNDARY}--\r\n".encode()


def _instant(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1_000)
