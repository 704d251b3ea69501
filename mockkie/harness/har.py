"""The exchanges of a run as HAR 1.2, for viewers. What is secret is not in it.

Kept are paths of the API, headers and JSON members that are known to be harmless; keys, hosts and
links (whoever has one can read the file) become labels. Knows no steps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import requests

from mockkie import __version__
from mockkie.clock import isoformat, real_now
from mockkie.harness.api import FACTS
from mockkie.harness.observation import digest, hide
from mockkie.harness.target import Target

_LONGEST: Final = 4_000
_MOST_ENTRIES: Final = 20_000
_HEADERS: Final = frozenset(
    """
    accept-ranges access-control-allow-headers access-control-allow-methods
    access-control-allow-origin access-control-request-method allow cache-control content-length
    content-range content-type date expect if-modified-since if-none-match if-range last-modified
    etag origin range retry-after transfer-encoding vary
    """.split()
)
LEFT_OUT: Final = "[left out]"
_TARGET: Final = "https://target.invalid"
_DOWNLOADS: Final = "https://downloads.invalid"


class Tape:
    """Listens to a target and keeps its exchanges, without what is secret."""

    def __init__(self, target: Target) -> None:
        self._entries: list[dict[str, Any]] = []
        self._links: dict[str, str] = {}
        self._url = target.url
        self._secrets = target.secrets
        target.session.hooks["response"].append(self._hear)

    def to_json(self) -> bytes:
        """The file."""
        creator = {"name": "mockkie", "version": __version__}
        comment = "Keys, hosts and links are replaced; other headers and members are left out."
        log = {"version": "1.2", "creator": creator, "entries": self._entries, "comment": comment}
        return orjson.dumps({"log": log}, option=orjson.OPT_INDENT_2)

    def _hear(self, answer: requests.Response, *_: Any, **__: Any) -> None:
        if len(self._entries) >= _MOST_ENTRIES:
            return
        request, milliseconds = answer.request, answer.elapsed.total_seconds() * 1_000
        said = self._answer(answer)  # first of all: it may name a new link
        url = self._address(str(request.url))
        self._entries.append(
            {
                "startedDateTime": isoformat(real_now() - round(milliseconds)),
                "time": milliseconds,
                "request": {
                    "method": str(request.method),
                    "url": url,
                    "httpVersion": "HTTP/1.1",
                    "cookies": [],
                    "headers": self._headers(request.headers),
                    "queryString": [],
                    **self._body(request),
                    "headersSize": -1,
                    "bodySize": _length(request.body),
                },
                "response": {
                    "status": answer.status_code,
                    "statusText": answer.reason or "",
                    "httpVersion": "HTTP/1.1",
                    "cookies": [],
                    "headers": self._headers(answer.headers),
                    "content": said,
                    "redirectURL": "",
                    "headersSize": -1,
                    "bodySize": len(answer.content),
                },
                "cache": {},
                "timings": {"send": 0, "wait": milliseconds, "receive": 0},
            }
        )

    def _headers(self, headers: Mapping[str, Any]) -> list[dict[str, str]]:
        return [
            {"name": name, "value": self._public(value) if name.lower() in _HEADERS else LEFT_OUT}
            for name, value in headers.items()
            if name.lower() in _HEADERS or name.lower() == "authorization"
        ]

    def _public(self, value: Any) -> Any:
        """A value without what is secret; numbers are none."""
        if isinstance(value, int | float | None) or str(value).isdecimal():
            return value
        return hide(str(value), self._secrets)

    def _address(self, url: str) -> str:
        """A URL without its host; a link becomes its label."""
        if url in self._links:
            return self._links[url]
        path = urlsplit(url).path
        known = url.startswith(self._url) and path.startswith(("/api/", "/__mockkie/"))
        return _TARGET + hide(path, self._secrets) if known else f"{_DOWNLOADS}/other"

    def _answer(self, answer: requests.Response) -> dict[str, Any]:
        media = answer.headers.get("Content-Type", "")
        found = {"size": len(answer.content), "mimeType": self._public(media) or "x-unknown"}
        value = _json(answer.content) if "json" in media else None
        if isinstance(value, dict):
            return found | {"text": json.dumps(self._members(value), ensure_ascii=False)}
        return found | {"comment": f"left out: {digest(answer.content)}"}

    def _members(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """The members of an answer that are known."""
        data = value.get("data")
        link = data.get("downloadUrl") if isinstance(data, dict) else None
        if isinstance(link, str):
            self._links.setdefault(link, f"{_DOWNLOADS}/link-{len(self._links) + 1}")
        known = ("success", "code", "msg")
        kept = {name: self._public(value[name]) for name in known if name in value}
        if isinstance(data, dict):
            kept["data"] = {name: self._fact(name, data[name]) for name in FACTS if name in data}
        return kept

    def _fact(self, name: str, value: Any) -> Any:
        if name == "downloadUrl":
            return self._links.get(value, "(a link)") if isinstance(value, str) else None
        if name == "filePath":
            return ".../mockkie-" + self._public(str(value).rpartition("mockkie-")[2])
        return self._public(value)

    def _body(self, request: requests.PreparedRequest) -> dict[str, Any]:
        body, media = request.body, str(request.headers.get("Content-Type", ""))
        if body is None:
            return {}
        raw = body.encode() if isinstance(body, str) else body
        if not isinstance(raw, bytes) or len(raw) > _LONGEST:
            comment = "left out: it was sent in pieces, or it is long"
            return {"postData": {"mimeType": media, "text": "", "comment": comment}}
        text = raw.decode(errors="replace")
        for link, label in self._links.items():
            text = text.replace(link, label)
        return {"postData": {"mimeType": media, "text": text.replace(self._url, _TARGET)}}


def _length(body: Any) -> int:
    return len(body) if isinstance(body, bytes | str) else (0 if body is None else -1)


def _json(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
