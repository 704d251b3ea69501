"""How a kind of server takes a file and gives it back: one request each, as bytes or by curl.

Each dialect has the bytes of one file in one request, and the authorization that the server
insists on, no more: what differs is in `note`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import urlencode, urlsplit

from benchmarks.uploads import FORM_TYPE, KEY, PATH, SUCCESS, form

HOLE: Final = b"NNNNNNNN"
"""Eight digits stand there in each request that is sent."""
_SMALL: Final = 1 << 14  # bytes of a body; of larger ones only so many bytes are kept:
_KEPT: Final = 64 << 20
OCTETS: Final = {"Content-Type": "application/octet-stream"}


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the bytes around its eight digits.

    `good` are the statuses of a good answer, `told` is in its body; digits begin anew after
    `names` requests.
    """

    before: bytes
    behind: bytes
    good: tuple[bytes, ...]
    told: bytes = b""
    names: int = 100_000_000


def request(  # noqa: PLR0913 - the parts of a request
    port: int,
    line: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    *,
    good: tuple[int, ...] = (200,),
    told: bytes = b"",
) -> Request:
    """A request whose line, headers or body have the `HOLE`; in a header when nothing else has."""
    described = {"User-Agent": "mockkie-benchmark", "Accept": "*/*", **headers}
    if HOLE not in line.encode() and HOLE not in body:
        described["X-Number"] = HOLE.decode()
    if not line.startswith("GET"):
        described["Content-Length"] = str(len(body))
    lines = [f"{line} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in described.items()]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode()
    if HOLE in head:
        before, _, behind = head.partition(HOLE)
        behind += body
    else:
        before, _, behind = body.partition(HOLE)
        before = head + before
    names = 100_000_000 if len(body) < _SMALL else max(8, _KEPT // len(body))
    return Request(before, behind, tuple(str(status).encode() for status in good), told, names)


def read_link(link: str, dialect: Dialect, span: tuple[int, int] | None = None) -> Request:
    """A request for a link, or for its bytes from `span[0]` to `span[1]`."""
    parts = urlsplit(link)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    ranged = {} if span is None else {"Range": f"bytes={span[0]}-{span[1]}"}
    good = (206,) if ranged else (200,)
    headers = {**dialect.reading, **ranged}
    return request(parts.port or 80, f"GET {target}", headers, good=good)


class Dialect(ABC):
    """What is asked of one kind of server."""

    note: str = ""
    reading: ClassVar[Mapping[str, str]] = {}
    """The headers of a download."""

    def opening(self, port: int) -> Sequence[Request]:
        """What must be there before the first upload."""
        del port
        return ()

    @abstractmethod
    def upload(self, port: int, content: bytes) -> Request:
        """An upload under a name of its own."""

    @abstractmethod
    def curl(self, url: str, file: Path, name: str) -> tuple[str, ...]:
        """The words of curl that upload a file."""

    def link(self, url: str, name: str, answer: str) -> str:
        """Where the file is read that an upload by `curl` was answered for."""
        del answer
        return f"{url}/bench/{name}"

    def forget(self, url: str, link: str) -> tuple[str, ...]:
        """The words of curl that free what the link leads to."""
        del url
        headers = (f"{name}: {value}" for name, value in self.reading.items())
        told = [word for header in headers for word in ("--header", header)]
        return (*told, "--request", "DELETE", link)


class Kie(Dialect):
    """The API itself: a form by POST, with a key."""

    def upload(self, port: int, content: bytes) -> Request:
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": FORM_TYPE}
        return request(port, f"POST {PATH}", headers, form(content), told=SUCCESS)

    def curl(self, url: str, file: Path, name: str) -> tuple[str, ...]:
        return (
            *("--header", f"Authorization: Bearer {KEY}"),
            *("--form", "uploadPath=bench/large", "--form", f"fileName={name}"),
            *("--form", f"file=@{file};type=application/octet-stream", url + PATH),
        )

    def link(self, url: str, name: str, answer: str) -> str:
        del url, name
        return answer.partition('"downloadUrl":"')[2].partition('"')[0]

    def forget(self, url: str, link: str) -> tuple[str, ...]:
        """All files: the API deletes none, but a mock can."""
        del link
        authorized = ("--header", f"Authorization: Bearer {KEY}")
        return (*authorized, "--request", "DELETE", f"{url}/__mockkie/files")


class Put(Dialect):
    """A bare PUT of the bytes, as WebDAV has it."""

    note = "nginx keeps what is PUT and answers without a body: no form, key, hash or list of files"
    headers: ClassVar[Mapping[str, str]] = OCTETS
    query = ""

    def upload(self, port: int, content: bytes) -> Request:
        line = f"PUT /bench/{HOLE.decode()}.bin{self.query}"
        return request(port, line, self.headers, content, good=(200, 201, 204))

    def curl(self, url: str, file: Path, name: str) -> tuple[str, ...]:
        headers = [
            word
            for name, value in self.headers.items()
            for word in ("--header", f"{name}: {value}")
        ]
        return (*headers, "--upload-file", str(file), f"{url}/bench/{name}{self.query}")

    def link(self, url: str, name: str, answer: str) -> str:
        return super().link(url, name, answer) + self.query


class S3(Put):
    """S3's PutObject into a bucket."""

    note = (
        "moto and s3rver take S3's PutObject; neither insists on a valid signature, "
        "so none is made or judged"
    )
    headers: ClassVar = {
        **OCTETS,
        "Authorization": "AWS4-HMAC-SHA256 Credential=bench/20250101/us-east-1/s3/aws4_request, "
        "SignedHeaders=host, Signature=0",
        "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
    }
    reading: ClassVar = {"Authorization": headers["Authorization"]}

    def opening(self, port: int) -> Sequence[Request]:
        return (request(port, "PUT /bench", self.headers, good=(200, 409)),)


class AnonymousS3(Put):
    """The same without a word on who asks, into a bucket that is there."""

    note = S3.note


class Azure(Put):
    """Azure's Put Blob into a container; the signature of the account is judged each time."""

    note = "Azurite takes Put Blob, and judges a shared access signature that is made once"
    headers: ClassVar = {**OCTETS, "x-ms-blob-type": "BlockBlob", "x-ms-version": "2021-12-02"}
    _ACCOUNT = "devstoreaccount1"
    _PUBLIC_KEY = (  # the one that every emulator of this service has
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
    )

    def __init__(self) -> None:
        told = {"sv": "2021-12-02", "ss": "b", "srt": "sco", "sp": "rwdlac"}
        told |= {"se": "2099-01-01T00:00:00Z"}
        signed = [self._ACCOUNT, told["sp"], told["ss"], told["srt"], "", told["se"], "", ""]
        text = "\n".join([*signed, told["sv"], "", ""])
        key = base64.b64decode(self._PUBLIC_KEY)
        digest = hmac.digest(key, text.encode(), hashlib.sha256)
        self.query = "?" + urlencode({**told, "sig": base64.b64encode(digest).decode()})

    def opening(self, port: int) -> Sequence[Request]:
        line = f"PUT /{self._ACCOUNT}/bench{self.query}&restype=container"
        return (request(port, line, self.headers, good=(201, 409)),)

    def upload(self, port: int, content: bytes) -> Request:
        line = f"PUT /{self._ACCOUNT}/bench/{HOLE.decode()}.bin{self.query}"
        return request(port, line, self.headers, content, good=(201,))

    def curl(self, url: str, file: Path, name: str) -> tuple[str, ...]:
        return super().curl(f"{url}/{self._ACCOUNT}", file, name)

    def link(self, url: str, name: str, answer: str) -> str:
        return super().link(f"{url}/{self._ACCOUNT}", name, answer)


KIE: Final = Kie()
