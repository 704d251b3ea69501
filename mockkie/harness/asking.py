"""What `mockkie learn` asks a target: uploads, refusals and links. Judges nothing."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import requests

from mockkie.harness.api import BASE64, STREAM, URL
from mockkie.harness.facts import Settings
from mockkie.harness.plan import is_loopback
from mockkie.harness.session import NotJudgedError
from mockkie.harness.target import Target

PIXEL: Final = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_ENVELOPE: Final = ("success", "code", "msg", "data")


@dataclass(frozen=True, slots=True)
class Upload:
    """An accepted upload: what was asked for, and what came."""

    folder: str
    name: str
    body: Mapping[str, Any]
    media: str

    @property
    def data(self) -> Mapping[str, Any]:
        """The facts of the file."""
        found: Mapping[str, Any] = self.body["data"]
        return found

    @property
    def link(self) -> str:
        """Where the file is read."""
        return str(self.data["downloadUrl"])

    @property
    def more(self) -> dict[str, Any]:
        """Members of the answer beside the documented ones."""
        return {key: value for key, value in self.body.items() if key not in _ENVELOPE}


@dataclass(frozen=True)
class Asker:
    """A target, the settings that it is compared with, and the uploads that all questions share."""

    target: Target
    settings: Settings

    @cached_property
    def uploads(self) -> Sequence[Upload]:
        """One by each route, each of another content, name and folder."""
        link = self.first.link
        text = base64.b64encode(b"learn by base64").decode()
        return (
            self.first,
            self.json(BASE64, {"base64Data": text, "fileName": "second.bin"}),
            self.json(URL, {"fileUrl": link}, "first.txt"),
        )

    @cached_property
    def first(self) -> Upload:
        """A GIF that is named like a text, as a form."""
        return self.form(PIXEL, "first.txt")

    def form(self, content: bytes, name: str, sent: str = "sent.txt", **more: str) -> Upload:
        """An upload as a form; without a name when that is empty."""
        folder = self.target.folder()
        fields = {"uploadPath": folder, **({"fileName": name} if name else {}), **more}
        answer = self.target.post(STREAM, files={"file": (sent, content)}, data=fields)
        return accepted(answer, folder, name)

    def json(self, path: str, fields: Mapping[str, str], name: str = "") -> Upload:
        """An upload in JSON; `name` is what its name may be taken from."""
        folder = self.target.folder()
        answer = self.target.post(path, json={"uploadPath": folder, **fields})
        return accepted(answer, folder, fields.get("fileName", name))

    def read(self, link: str, method: str = "GET", **headers: str) -> requests.Response:
        """What a link is answered with; `NotJudgedError` where it cannot, or must not, be read."""
        host = urlsplit(link).hostname or ""
        if not self.target.plan.live and not is_loopback(host):
            raise NotJudgedError(
                f"its links lead to {host}, which is not this machine: add --live to read them"
            )
        return self.target.get(link, method, headers=headers)

    def unknown_link(self) -> str:
        """A link that never was, beside one that is."""
        return f"{self.first.link.rpartition('/')[0]}/{uuid4().hex}.txt"


def json_of(answer: requests.Response) -> Any:
    """The JSON value of an answer; None also for what is none."""
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return None


def refusal(answer: requests.Response) -> tuple[int, str] | None:
    """`(code, msg)` of a refusal in the envelope; None for anything else."""
    body = json_of(answer)
    if not isinstance(body, dict) or body.get("success") is not False:
        return None
    code, msg = body.get("code"), body.get("msg")
    if not isinstance(code, int) or not isinstance(msg, str) or not msg:
        return None
    return code, msg


def told(answer: requests.Response) -> str:
    """An answer in a few words: status, media type and size."""
    media = answer.headers.get("Content-Type", "no content type")
    return f"{answer.status_code}, {media}, {len(answer.content):,} bytes"


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def without_accounts(text: str) -> str:
    """A text without the account numbers in its paths."""
    return re.sub(r"(?<=/)\d{4,}(?=/)", "<account>", text)


def accepted(answer: requests.Response, folder: str, name: str) -> Upload:
    """The upload of a good request; `NotJudgedError` when it was not accepted."""
    body = json_of(answer)
    data = body.get("data") if isinstance(body, dict) else None
    facts = ("fileName", "filePath", "downloadUrl", "mimeType", "uploadedAt")
    if not isinstance(data, dict) or not all(isinstance(data.get(key), str) for key in facts):
        raise NotJudgedError(f"a good upload was answered {told(answer)}")
    try:
        urlsplit(data["downloadUrl"])
    except ValueError as error:
        raise NotJudgedError(f"the downloadUrl of a good upload is no URL: {error}") from error
    return Upload(folder, name, body, answer.headers.get("Content-Type", ""))
