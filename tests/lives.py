"""A target whose files live as long as they are told to: no socket, and time is a number."""

from __future__ import annotations

import base64
import io
import itertools
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import requests
from requests.adapters import HTTPAdapter

from mockkie.harness.plan import Plan
from mockkie.harness.session import Budget, new_session
from mockkie.harness.target import Target

HOUR: Final = 3_600.0
START: Final = 1_800_000_000.0
FRESH: Final = 24 * HOUR


@dataclass
class Living:
    """A file of a `World`."""

    content: bytes
    since: float
    copied: float | None = None


@dataclass
class Nature:
    """How files live: for `life` seconds, what prolongs that, and what caches do."""

    life: float = 72 * HOUR
    reading_prolongs: bool = False
    head_prolongs: bool = False
    restarts: bool = True
    cached: bool = False


@dataclass
class World(HTTPAdapter):
    """Answers as the API does, at `now`; `out` is how downloads fail at present."""

    nature: Nature
    now: float = START
    out: str = ""
    files: dict[str, Living] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self._names = itertools.count()

    def target(self) -> Target:
        """The world as the harness sees it."""
        session, wire = new_session(Budget(1_000_000))
        session.mount("http://", self)
        plan = Plan(url="http://127.0.0.1:1", key="k")
        headers = {"Authorization": "Bearer k"}
        return Target("http://127.0.0.1:1", "k", session, wire, plan, headers)

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        path = urlsplit(str(request.url)).path
        if path.startswith("/api/"):
            if request.method == "GET":
                return self._answer(request, 405, b"{}")
            return self._upload(request, path)
        if self.out == "silent":
            raise requests.ConnectionError("nobody there")
        if self.out:
            return self._answer(request, int(self.out), b"busy")
        return self._read(request, path)

    def _upload(self, request: requests.PreparedRequest, path: str) -> requests.Response:
        body = request.body if isinstance(request.body, bytes) else str(request.body).encode()
        if path.endswith("stream-upload"):
            fields = dict(re.findall(rb'name="(\w+)"\r\n\r\n(.*?)\r\n--', body))
            place = b"/".join((fields[b"uploadPath"], fields[b"fileName"])).decode()
            found = re.search(rb"(planted by .*?\n)\r\n--", body)
            content = found[1] if found else b""
        else:
            value = orjson.loads(body)
            place = f"{value['uploadPath']}/{value['fileName']}"
            if "fileUrl" in value:
                content = self.files[urlsplit(value["fileUrl"]).path].content
            else:
                content = base64.b64decode(value["base64Data"])
        known = self.files.get(f"/{place}")
        lives = known is not None and self.now < known.since + self.nature.life
        since = known.since if known and lives and not self.nature.restarts else self.now
        self.files[f"/{place}"] = Living(content, since)
        data = {"downloadUrl": f"http://127.0.0.1:1/{place}"}
        return self._answer(request, 200, orjson.dumps({"success": True, "data": data}))

    def _read(self, request: requests.PreparedRequest, path: str) -> requests.Response:
        file, nature = self.files[path], self.nature
        if nature.cached and file.copied is not None and self.now - file.copied < FRESH:
            age = str(int(self.now - file.copied))
            return self._answer(request, 200, file.content, Age=age)
        if self.now >= file.since + nature.life:
            return self._answer(request, 404, b"")
        head = request.method == "HEAD"
        if nature.head_prolongs if head else nature.reading_prolongs:
            file.since = self.now
        file.copied = file.copied if head else self.now
        return self._answer(request, 200, b"" if head else file.content)

    def _answer(
        self, request: requests.PreparedRequest, status: int, content: bytes, **headers: str
    ) -> requests.Response:
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = status, request, str(request.url)
        answer.raw = io.BytesIO(content)
        date = format_datetime(datetime.fromtimestamp(int(self.now), UTC), usegmt=True)
        answer.headers.update({"Date": date, **headers})
        return answer
