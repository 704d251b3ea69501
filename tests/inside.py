"""A mock asked over HTTP without a socket, and documents to drive it with."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import (
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx2
import yaml

from mockkie.app import Mock
from mockkie.build import build_mock
from mockkie.contract import shipped
from mockkie.worlds import DEFAULT_KEY

STREAM: Final = "/api/file-stream-upload"
BASE64: Final = "/api/file-base64-upload"
URL: Final = "/api/file-url-upload"
BOUNDARY: Final = "a-boundary"
FORM: Final = f"multipart/form-data; boundary={BOUNDARY}"
JSON: Final = "application/json"

Result = TypeVar("Result")
Change = Callable[[dict[str, Any]], object]
Part = tuple[str, bytes]
"""A part of a form: its headers and its content."""


class Inside:
    """One mock and one client of it; every call runs to its end before it returns."""

    def __init__(self, mock: Mock) -> None:
        self.mock = mock
        self._runner = asyncio.Runner()
        self._client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=mock), base_url="http://mock.test"
        )

    def ask(  # noqa: PLR0913 - what a request is made of
        self,
        method: str,
        target: str,
        content: bytes | Iterable[bytes] = b"",
        content_type: str | None = None,
        *,
        key: str | None = DEFAULT_KEY,
        headers: Iterable[tuple[str, str]] = (),
    ) -> httpx2.Response:
        """Send one request; a body of several pieces arrives piece by piece."""
        sent = [(name.encode(), value.encode("latin-1")) for name, value in headers]
        if key is not None:
            sent.append((b"authorization", f"Bearer {key}".encode("latin-1")))
        if content_type is not None:
            sent.append((b"content-type", content_type.encode("latin-1")))
        body = content if isinstance(content, bytes) else _pieces(content)
        return self.run(self._client.request(method, target, content=body, headers=sent))

    def form(
        self,
        fields: Mapping[str, str] | None = None,
        content: bytes | None = b"content",
        target: str = STREAM,
        **options: Any,
    ) -> httpx2.Response:
        """Send a form: `uploadPath` unless `fields` say otherwise, and the file unless None."""
        fields = {"uploadPath": "a/b"} if fields is None else fields
        parts = [text_part(name, value) for name, value in fields.items()]
        if content is not None:
            parts.append(file_part(content))
        return self.ask("POST", target, form_of(*parts), FORM, **options)

    def json(self, target: str, value: Any, **options: Any) -> httpx2.Response:
        """Send a JSON value."""
        body = httpx2.Request("POST", "http://x", json=value).content
        return self.ask("POST", target, body, JSON, **options)

    def files(self) -> list[dict[str, Any]]:
        """The live files of the default world."""
        found: list[dict[str, Any]] = self.ask("GET", "/__mockkie/files").json()["files"]
        return found

    def advance(self, duration: str) -> None:
        """Move the clock on."""
        answer = self.json("/__mockkie/clock/advance", {"duration": duration})
        assert answer.status_code == 200, answer.text

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """The result of a coroutine, in the loop of this mock."""
        return self._runner.run(coroutine)

    def close(self) -> None:
        """Stop the mock."""
        self.run(self._client.aclose())
        self.run(self.mock.service.close())
        self._runner.close()


async def _pieces(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@contextmanager
def inside(**options: Any) -> Iterator[Inside]:
    """A mock of these options, closed in the end."""
    found = Inside(build_mock(**options))
    try:
        yield found
    finally:
        found.close()


def form_of(*parts: Part | bytes, boundary: str = BOUNDARY) -> bytes:
    """A multipart body; a part is its headers (lines of text) and its content."""
    border = boundary.encode()
    written = [
        part if isinstance(part, bytes) else part[0].encode("latin-1") + b"\r\n\r\n" + part[1]
        for part in parts
    ]
    return (
        b"".join(b"--" + border + b"\r\n" + part + b"\r\n" for part in written)
        + b"--"
        + border
        + b"--\r\n"
    )


def text_part(name: str, text: str | bytes, extra: str = "") -> Part:
    """A text field of a form."""
    content = text if isinstance(text, bytes) else text.encode()
    quoted = name.encode().decode("latin-1")
    return f'Content-Disposition: form-data; name="{quoted}"{extra}', content


def file_part(content: bytes, name: str = "file", filename: str = "x.bin") -> Part:
    """A file field of a form."""
    head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"'
    return f"{head}\r\nContent-Type: application/octet-stream", content


@cache
def _shipped() -> dict[str, Any]:
    with shipped().open(encoding="utf-8") as file:
        value: dict[str, Any] = yaml.safe_load(file)
    return value


def edited(folder: Path, *changes: Change) -> Path:
    """The path of the document that comes with mockkie, changed."""
    document = copy.deepcopy(_shipped())
    for change in changes:
        change(document)
    path = folder / "openapi.yaml"
    path.write_text(yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False))
    return path


def at(document: Any, *steps: str | int) -> Any:
    """What is at some steps below the document; `post` of the stream upload for `()`."""
    for step in steps:
        document = document[step]
    return document


def operation(document: dict[str, Any], path: str = STREAM, method: str = "post") -> Any:
    """An operation of the document."""
    return document["paths"][path][method]


def form_schema(document: dict[str, Any]) -> Any:
    """The schema of the form of the stream upload."""
    return at(operation(document), "requestBody", "content", "multipart/form-data", "schema")


def json_schema(document: dict[str, Any], path: str = BASE64) -> Any:
    """The schema of a JSON upload."""
    return at(operation(document, path), "requestBody", "content", JSON, "schema")


def why(answer: httpx2.Response) -> str:
    """The diagnosis of a refusal."""
    return str(answer.headers.get("x-mockkie-why", ""))


def refused(answer: httpx2.Response, status: int, msg: str) -> bool:
    """Whether an answer is a refusal in the envelope, with this status and text."""
    wanted = {"success": False, "code": status, "msg": msg}
    assert (answer.status_code, answer.json()) == (status, wanted), why(answer)
    assert answer.headers["content-type"] == JSON
    assert why(answer)
    return True


def all_statuses(answers: Sequence[httpx2.Response]) -> list[int]:
    """The statuses of answers."""
    return [answer.status_code for answer in answers]
