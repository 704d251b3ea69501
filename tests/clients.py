"""HTTP clients that people really use, behind one face; and a bare socket for all else.

Knows nothing of the mock: what is sent is made by the client itself, forms included.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import os
import shutil
import socket
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Self
from urllib.parse import urlsplit

import aiohttp
import httpx
import httpx2
import pytest
import requests
from aiohttp.connector import Connection

PATIENCE: Final = 60.0  # seconds until a test gives up on an answer


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: headers by lower-case name, of several of a name the last."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def why(self) -> str:
        return self.headers.get("x-mockkie-why", "")


@dataclass(frozen=True, slots=True)
class Part:
    """The file of a form."""

    content: bytes
    filename: str = "blob.bin"
    mime: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Form:
    """A multipart form: texts and a file."""

    texts: Mapping[str, str] = field(default_factory=dict)
    file: Part | None = None


class Client(ABC):
    """One HTTP client."""

    @abstractmethod
    def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        form: Form | None = None,
    ) -> Reply:
        """Send a request as this client does, and take the whole answer."""

    @abstractmethod
    def close(self) -> None:
        """Let go of connections."""


class Curl(Client):
    """The command line tool, one process a request. `Expect: ` switches its expectation off."""

    def __init__(self) -> None:
        self._curl = tool("curl")

    def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        form: Form | None = None,
    ) -> Reply:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            command = [self._curl, "-q", "-sS", "-g", "--noproxy", "*", "-m", str(PATIENCE)]
            command += ["-o", str(folder / "body"), "-D", str(folder / "head")]
            command += ["--head"] if method == "HEAD" else ["-X", method]
            for key, value in (headers or {}).items():
                command += ["-H", f"{key}: {value}" if value else f"{key}:"]
            if body is not None:
                (folder / "sent").write_bytes(body)
                command += ["--data-binary", f"@{folder / 'sent'}"]
            if form is not None:
                for key, value in form.texts.items():
                    command += ["--form-string", f"{key}={value}"]
            if form is not None and form.file is not None:
                (folder / "sent").write_bytes(form.file.content)
                of = f"filename={form.file.filename};type={form.file.mime}"
                command += ["-F", f"file=@{folder / 'sent'};{of}"]
            done = subprocess.run([*command, url], capture_output=True, check=False)
            assert done.returncode == 0, done.stderr.decode()
            head = (folder / "head").read_bytes().strip().split(b"\r\n\r\n")[-1]
            sent = folder / "body"
            has_body = sent.exists() and method != "HEAD"
            return _reply(head, sent.read_bytes() if has_body else b"")

    def close(self) -> None:
        """Nothing stays open."""


class Httpx2(Client):
    def __init__(self) -> None:
        self._client = httpx2.Client(trust_env=False, timeout=PATIENCE)

    def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        form: Form | None = None,
    ) -> Reply:
        got = self._client.request(method, url, headers=headers, content=body, **_fields(form))
        return Reply(got.status_code, dict(got.headers.items()), got.content)

    def close(self) -> None:
        self._client.close()


class Httpx(Client):
    def __init__(self) -> None:
        self._client = httpx.Client(trust_env=False, timeout=PATIENCE)

    def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        form: Form | None = None,
    ) -> Reply:
        got = self._client.request(method, url, headers=headers, content=body, **_fields(form))
        return Reply(got.status_code, dict(got.headers.items()), got.content)

    def close(self) -> None:
        self._client.close()


class Requests(Client):
    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False

    def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        form: Form | None = None,
    ) -> Reply:
        fields = _fields(form) if body is None else {"data": body}
        got = self._session.request(method, url, headers=headers, timeout=PATIENCE, **fields)
        return Reply(got.status_code, _lower(got.headers.items()), got.content)

    def close(self) -> None:
        self._session.close()


class _Noted(aiohttp.ClientResponse):
    """Notes its transport: aiohttp forgets one that it closes before all was sent."""

    seen: ClassVar[set[asyncio.BaseTransport]] = set()

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        if connection.transport is not None:
            self.seen.add(connection.transport)
        return await super().start(connection)


async def open_aiohttp() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE), response_class=_Noted)


async def close_aiohttp(session: aiohttp.ClientSession) -> None:
    """Close the session, and leave no transport behind to be warned about."""
    await session.close()
    for transport in _Noted.seen:
        if isinstance(transport, asyncio.Transport):
            with contextlib.suppress(AttributeError):  # one that has closed has no loop any more
                transport.abort()
    _Noted.seen.clear()
    await asyncio.sleep(0)
    await asyncio.sleep(0)


class Aiohttp(Client):
    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._session = self._runner.run(open_aiohttp())

    def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        form: Form | None = None,
    ) -> Reply:
        data: Any = body if body is None else io.BytesIO(body)
        if form is not None:
            data = aiohttp.FormData(quote_fields=False)
            for key, value in form.texts.items():
                data.add_field(key, value, content_type="text/plain")
            if form.file is not None:
                part = form.file
                data.add_field(
                    "file", io.BytesIO(part.content), filename=part.filename, content_type=part.mime
                )
        return self._runner.run(self._fetch(method, url, headers, data))

    async def _fetch(
        self, method: str, url: str, headers: Mapping[str, str] | None, data: Any
    ) -> Reply:
        async with self._session.request(method, url, headers=headers, data=data) as got:
            return Reply(got.status, _lower(got.headers.items()), await got.read())

    def close(self) -> None:
        self._runner.run(close_aiohttp(self._session))
        self._runner.close()


class Node(Client):
    """Node's own `fetch`: one process for all requests, asked line by line."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("fetch.mjs")
        self._process = subprocess.Popen(
            [tool("node"), str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        form: Form | None = None,
    ) -> Reply:
        asked: dict[str, Any] = {"method": method, "url": url, "headers": dict(headers or {})}
        if body is not None:
            asked["body"] = base64.b64encode(body).decode()
        if form is not None:
            asked["texts"] = list(form.texts.items())
        if form is not None and form.file is not None:
            part = form.file
            content = base64.b64encode(part.content).decode()
            asked["file"] = {"content": content, "filename": part.filename, "mime": part.mime}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self._process.stdin.flush()
        got = json.loads(self._process.stdout.readline())
        assert "error" not in got, got["error"]
        return Reply(got["status"], dict(got["headers"]), base64.b64decode(got["body"]))

    def close(self) -> None:
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()


CLIENTS: Final[Mapping[str, Callable[[], Client]]] = {
    "curl": Curl,
    "httpx2": Httpx2,
    "httpx": Httpx,
    "requests": Requests,
    "aiohttp": Aiohttp,
    "node": Node,
}


class Wire:
    """A bare TCP connection to an origin. `source` is what was read and not yet understood."""

    def __init__(self, origin: str) -> None:
        parts = urlsplit(origin)
        self.host = parts.netloc
        self._socket = socket.create_connection(
            (parts.hostname or "", parts.port or 80), timeout=PATIENCE
        )
        self._unread = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def patience(self, seconds: float) -> None:
        """Wait so long for the other side, and no longer."""
        self._socket.settimeout(seconds)

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._socket.sendall(piece)

    def head(self, start: str, headers: Mapping[str, str], version: str = "1.1") -> None:
        """Send a request line (`GET /path`) and headers; Host comes by itself."""
        lines = [f"{start} HTTP/{version}", *(f"{key}: {text}" for key, text in headers.items())]
        if "Host" not in headers:
            lines.append(f"Host: {self.host}")
        self.send("\r\n".join([*lines, "", ""]).encode())

    def read(self, size: int) -> bytes:
        """Exactly so many bytes, fewer at the end of the connection."""
        while len(self._unread) < size and (more := self._socket.recv(1 << 18)):
            self._unread += more
        read, self._unread = self._unread[:size], self._unread[size:]
        return read

    def read_to_end(self) -> bytes:
        """All until the other side closes."""
        pieces, self._unread = [self._unread], b""
        while more := self._socket.recv(1 << 18):
            pieces.append(more)
        return b"".join(pieces)

    def reply_head(self) -> Reply:
        """The head of the next answer; its body is left unread."""
        while b"\r\n\r\n" not in self._unread:
            more = self._socket.recv(1 << 18)
            assert more, f"the connection ended after {self._unread!r}"
            self._unread += more
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        return _reply(head, b"")

    def reply(self, method: str = "POST") -> Reply:
        """The next answer that is not interim."""
        head = self.reply_head()
        while head.status == 100:
            head = self.reply_head()
        empty = method == "HEAD" or head.status in (204, 304)
        length = 0 if empty else int(head.headers["content-length"])
        body = self.read(length)
        assert len(body) == length, f"{len(body)} of {length} bytes came"
        return Reply(head.status, head.headers, body)


def tool(name: str) -> str:
    """Where a command is. Without it a test is skipped, but in CI it fails."""
    found = shutil.which(name)
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{name} is not installed")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def multipart(texts: Mapping[str, str], part: Part, boundary: str = "frontier") -> bytes:
    """The body of a form, written by hand."""
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in texts.items()
    ]
    lines.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; '
        f'filename="{part.filename}"\r\nContent-Type: {part.mime}\r\n\r\n'
    )
    return "".join(lines).encode() + part.content + f"\r\n--{boundary}--\r\n".encode()


def _fields(form: Form | None) -> dict[str, Any]:
    if form is None:
        return {}
    fields: dict[str, Any] = {"data": dict(form.texts)}
    if form.file is not None:
        part = form.file
        fields["files"] = {"file": (part.filename, part.content, part.mime)}
    return fields


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}


def _reply(head: bytes, body: bytes) -> Reply:
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(":", 1) for line in lines)
    return Reply(
        int(status.split()[1]),
        {name.lower(): value.strip() for name, value in headers.items()},
        body,
    )
