"""The same API on another stack (aiohttp), to judge the judge. Shares no code with mockkie.

`Ways` are differences that the contract allows; a bug is one small difference that it does not.
`python -m tests.foreign --bug NAME --ways NAME` runs one server and prints its URL.
"""

# One place per stage of a request reads best, although every bug adds a branch to its stage:
# ruff: noqa: C901, PLR0911, PLR0912, PLR0915

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import gzip
import hashlib
import html
import itertools
import json
import mimetypes
import random
import re
import threading
import time
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import quote, unquote, unquote_plus, urlsplit
from urllib.request import urlopen

from aiohttp import web

from tests.foreign_bugs import BUGS

MIB: Final = 1024 * 1024
EDGE: Final = 64 * 1024
DAY: Final = 86_400
BASE36: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
ROUTES: Final = {
    "/api/file-stream-upload": "stream",
    "/api/file-base64-upload": "base64",
    "/api/file-url-upload": "url",
}
SOURCES: Final = {"stream": "file", "base64": "base64Data", "url": "fileUrl"}
PIXEL: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    "AAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
SAMPLES: Final = {
    "samples/pixel.png": PIXEL,
    "samples/photo.jpg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    b"\xff\xd9",
    "samples/hello.txt": b"hello from another stack\n",
}
MAGIC: Final = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/x-wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (0, b"%PDF", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"BM", "image/bmp"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/x-flac"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
)
EXTENSIONS: Final = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/tiff": ".tif",
    "text/plain": ".txt",
    "audio/x-wav": ".wav",
    "audio/x-flac": ".flac",
    "audio/ogg": ".ogg",
    "audio/mpeg": ".mp3",
    "application/gzip": ".gz",
    "application/octet-stream": ".bin",
}
TYPES: Final = mimetypes.MimeTypes()
TEXTS: Final = {
    "vendor": {
        "ok": "File uploaded successfully",
        "missing": "Missing required parameter: {}",
        "invalid": "Invalid parameter: {}",
        "malformed": "Malformed request body",
        "type": "Unsupported content type",
        "base64": "Base64 decoding failed: Invalid Base64 format",
        "fetch": "File could not be fetched from the URL",
        "key": "Authentication failed: Invalid API Key",
        "method": "Method not allowed",
        "route": "Not found",
        "gone": "File not found or expired",
        "range": "Range not satisfiable",
        "rate": "Too many requests",
        "internal": "Internal server error",
    },
    "other": {
        "ok": "Done",
        "missing": "{} is required",
        "invalid": "{} is not acceptable",
        "malformed": "The body cannot be read",
        "type": "The media type is not supported",
        "base64": "Not base64",
        "fetch": "The URL gave no file",
        "key": "You do not have access permissions",
        "method": "This method is not offered",
        "route": "No such route",
        "gone": "No such file",
        "range": "No such range",
        "rate": "Slow down",
        "internal": "Something went wrong",
    },
    "chinese": {
        "ok": "文件上传成功",
        "missing": "缺少必需参数: {}",
        "invalid": "参数无效: {}",
        "malformed": "请求体格式错误",
        "type": "不支持的内容类型",
        "base64": "Base64 解码失败",
        "fetch": "无法从该地址获取文件",
        "key": "身份验证失败",
        "method": "不允许的请求方法",
        "route": "未找到",
        "gone": "文件不存在或已过期",
        "range": "范围无效",
        "rate": "请求过于频繁",
        "internal": "服务器内部错误",
    },
}


@dataclass(frozen=True)
class Ways:
    """Differences between faithful servers."""

    link_style: str = "documented"  # documented | observed
    download_port: bool = False  # downloads from another origin
    extra_keys: bool = False
    texts: str = "vendor"  # vendor | other | chinese
    charset_in_type: bool = False
    time_precision: str = "ms"  # ms | s | us
    name_scheme: str = "observed"  # observed | uuid
    url_name: str = "url"  # url | random: a URL upload without fileName
    head: bool = True  # HEAD on downloads is answered, else 405
    ranges: bool = True  # ranges and conditional requests are honoured
    stale_seconds: float = 0.0  # for so long the old bytes are served after an overwrite
    gone_status: int = 404
    gone_body: str = "json"  # json | html | empty | xml
    unknown_status: int = 404
    edge_slashes: str = "refuse"  # refuse | trim
    mime_by: str = "content"  # content | extension
    rate_limit: int = 0  # every nth request is refused with 429; 0: none
    close_connections: bool = False
    clock: bool = False  # offers the clock protocol
    cors: bool = True


FAITHFUL: Final[dict[str, Ways]] = {
    "plain": Ways(),
    "clock": Ways(clock=True),
    "observed-links": Ways(link_style="observed", extra_keys=True),
    "download-port": Ways(download_port=True, clock=True),
    "extra-keys": Ways(extra_keys=True),
    "other-texts": Ways(texts="other"),
    "chinese": Ways(texts="chinese"),
    "charset": Ways(charset_in_type=True),
    "seconds": Ways(time_precision="s"),
    "microseconds": Ways(time_precision="us"),
    "uuid-names": Ways(name_scheme="uuid"),
    "random-url-names": Ways(url_name="random"),
    "no-head": Ways(head=False),
    "no-ranges": Ways(ranges=False),
    "stale": Ways(stale_seconds=0.25),
    "gone-403-xml": Ways(gone_status=403, gone_body="xml", unknown_status=403, clock=True),
    "gone-410-html": Ways(gone_status=410, gone_body="html", clock=True),
    "gone-empty": Ways(gone_body="empty", clock=True),
    "unknown-403": Ways(unknown_status=403),
    "trim": Ways(edge_slashes="trim"),
    "mime-by-extension": Ways(mime_by="extension"),
    "rate-limit": Ways(rate_limit=20),
    "close": Ways(close_connections=True),
    "no-cors": Ways(cors=False),
    "live-like": Ways(
        link_style="observed",
        download_port=True,
        extra_keys=True,
        stale_seconds=0.2,
        gone_status=403,
        gone_body="xml",
        unknown_status=403,
        ranges=False,
    ),
    "bare": Ways(
        texts="other",
        name_scheme="uuid",
        url_name="random",
        head=False,
        ranges=False,
        cors=False,
        gone_body="empty",
        close_connections=True,
        clock=True,
    ),
    "far-east": Ways(
        texts="chinese",
        charset_in_type=True,
        time_precision="us",
        edge_slashes="trim",
        mime_by="extension",
        gone_status=410,
        gone_body="html",
        clock=True,
    ),
}


class Refused(Exception):  # noqa: N818 - it is an answer, not an error of ours
    """A request that is answered with an error."""

    def __init__(self, code: int, text: str, about: str = "", **headers: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.about = about
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass
class Draft:
    """An upload whose fields were read."""

    route: str
    folder: str
    name: str | None
    body: bytes = b""
    source: str = ""  # the base64 text or the URL
    hint: str = ""  # the type that the sender claims
    original: str = ""  # the file's name at the sender


@dataclass
class File:
    """A stored file."""

    account: int
    folder: str
    name: str
    body: bytes
    mime: str
    route: str
    born: float  # its life starts here
    first: float  # when this name was first used
    uploads: int = 1
    reads: int = 0
    gone: bool = False
    forever: bool = False
    old: tuple[bytes, str, float] | None = None  # bytes, type, served until
    cached: bytes | None = None
    before: File | None = None
    etag: str = ""
    reborn: bool = False  # at the path of one that is gone
    named: bool = True  # by its sender
    heads: int = 0
    hidden: bool = False
    fetched: bytes | None = None
    crowd: int = 1  # so many came at a time
    hint: str = ""


@dataclass
class Part:
    name: str
    filename: str | None
    mime: str
    value: bytes
    star: bool = False


@dataclass
class Foreign:
    """A running server."""

    url: str
    keys: tuple[str, ...]
    downloads: str

    @property
    def key(self) -> str:
        return self.keys[0]


def is_segment(text: str, longest: int = 255) -> bool:
    plain = text not in {"", ".", ".."} and len(text) <= longest and "/" not in text
    return plain and not any(ord(sign) < 32 or ord(sign) == 127 for sign in text)


def suffix_of(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return dot + ending if stem and ending.isalnum() and len(ending) <= 16 else ""


def magic(body: bytes) -> str:
    return next((mime for at, sign, mime in MAGIC if body.startswith(sign, at)), "")


def extension(mime: str) -> str:
    return EXTENSIONS.get(mime) or TYPES.guess_extension(mime) or ".bin"


def seconds_of(duration: str) -> float:
    found = re.fullmatch(
        r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?", duration
    )
    if found is None:
        raise ValueError(duration)
    units = (7 * DAY, DAY, 3600, 60, 1)
    return sum(float(n) * unit for n, unit in zip(found.groups("0"), units, strict=True))


def parameters(text: str) -> dict[str, str]:
    pattern = r""";\s*([^\s=;]+)\s*=\s*("(?:\\.|[^"\\])*"|[^;]*)"""
    return {
        name.lower(): re.sub(r"\\([\\\"])", r"\1", value.strip()[1:-1])
        if value.startswith('"')
        else value.strip()
        for name, value in re.findall(pattern, text)
    }


class Service:
    """The API, in memory."""

    def __init__(self, ways: Ways, bug: str | None, keys: tuple[str, ...], retention: int) -> None:
        self.ways = ways
        self.bug = bug
        self.keys = keys
        self.retention = retention
        self.offset = 0.0
        self.frozen: float | None = None
        self.files: dict[str, File] = {}
        self.uploads_at = ""
        self.downloads_at = ""
        self.requests = 0
        self.uploads = 0
        self.inflight = 0
        self.started = time.time()
        self.trusted: set[Any] = set()
        self.account_now = 0
        self.last: File | None = None
        self.last_link = ""
        self.last_name = ""
        self.given_one = ""  # the folder of the last upload, if its name was given
        self.seen: dict[tuple[str, str], bytes] = {}
        self.dice = random.Random()  # noqa: S311 - names, not secrets

    def has(self, bug: str) -> bool:
        return self.bug == bug

    # --- the clock -------------------------------------------------------------------------

    def now(self) -> float:
        return self.frozen if self.frozen is not None else time.time() + self.offset

    def time_text(self, moment: float) -> str:
        when = datetime.fromtimestamp(moment, UTC)
        if self.has("metadata.local-time-z"):
            when += timedelta(hours=8)
        precise = {"ms": "milliseconds", "s": "seconds", "us": "microseconds"}
        text = when.isoformat(timespec=precise[self.ways.time_precision]).removesuffix("+00:00")
        return text if self.has("metadata.time-without-zone") else text + "Z"

    async def clock(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        try:
            given = json.loads(await request.content.read() or b"{}")
            if path == "__mockkie/clock/advance" and request.method == "POST":
                moved = float(given["seconds"]) if "seconds" in given else None
                self.move(seconds_of(given["duration"]) if moved is None else moved)
            elif path == "__mockkie/clock" and request.method == "PUT":
                if "now" in given:
                    aim = datetime.fromisoformat(given["now"]).timestamp()
                    self.move(aim - self.now())
                if "frozen" in given:
                    self.offset = self.now() - time.time()
                    self.frozen = self.now() if given["frozen"] else None
            elif path == "__mockkie/clock" and request.method == "DELETE":
                self.offset, self.frozen = 0.0, None
            elif path != "__mockkie/clock" or request.method != "GET":
                return self.problem(404, "no such call")
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            return self.problem(400, repr(error))
        self.sweep()
        moment = datetime.fromtimestamp(self.now(), UTC).isoformat(timespec="milliseconds")
        return web.json_response(
            {
                "now": moment.removesuffix("+00:00") + "Z",
                "offset": self.now() - time.time(),
                "frozen": self.frozen is not None,
            }
        )

    def problem(self, status: int, detail: str) -> web.Response:
        body = {"type": "about:blank", "status": status, "detail": detail}
        return web.json_response(body, status=status, content_type="application/problem+json")

    def move(self, seconds: float) -> None:
        self.sweep()
        if self.frozen is not None:
            self.frozen += seconds
        self.offset += seconds

    # --- the life of files -----------------------------------------------------------------

    def life(self, file: File) -> float:
        life = float(self.retention)
        day = life / 3
        if self.has("expiry.never") or file.forever:
            return 1e12
        if self.has("expiry.one-day"):
            return day
        if self.has("expiry.two-days"):
            return 2 * day
        if self.has("expiry.four-days"):
            return 4 * day
        if self.has("expiry.hour-early"):
            return life - 3600
        if self.has("expiry.hour-late"):
            return life + 3600
        if self.has("expiry.large-one-day") and len(file.body) > MIB:
            return day
        if self.has("expiry.base64-one-day") and file.route == "base64":
            return day
        if self.has("expiry.url-never") and file.route == "url":
            return 1e12
        if self.has("expiry.end-of-day"):
            return (file.born + life) // DAY * DAY + DAY - file.born
        if self.has("expiry.from-server-start"):
            return self.started + life - file.born
        if self.has("expiry.second-account-two-days") and file.account == self.number(1):
            return 2 * day
        if self.has("expiry.third-version-early") and file.uploads >= 3:
            return life - 7200
        if self.has("expiry.second-life-shorter") and file.reborn:
            return 2 * day
        if self.has("expiry.second-version-early") and file.uploads == 2:
            return life - 7200
        late_overwrite = file.uploads == 2 and file.born - file.first > life / 3
        if self.has("expiry.late-overwrite-prolongs") and late_overwrite:
            return life + 3600
        early_overwrite = file.uploads > 1 and file.born - file.first < life / 3
        if self.has("expiry.early-overwrite-prolongs") and early_overwrite:
            return life + 3600
        if self.has("expiry.middle-sized-four-days") and EDGE < len(file.body) < MIB:
            return 4 * day
        if self.has("expiry.inspected-and-read-early") and file.heads and file.reads > 3:
            return life - 3600
        if self.has("expiry.second-life-longer") and file.reborn:
            return 4 * day
        return life

    def sweep(self) -> None:
        now = self.now()
        for link, file in list(self.files.items()):
            if file.gone or now < file.born + self.life(file):
                continue
            if self.has("expiry.shared-content-stays") and any(
                one.body == file.body and one.born > file.born and not one.gone
                for one in self.files.values()
            ):
                continue
            file.gone = True
            if self.has("expiry.takes-a-neighbour"):
                others = [one for one in self.files.values() if one.folder == file.folder]
                for other in others:
                    if other is not file and not other.gone:
                        other.gone = True
                        break
            if self.has("expiry.hides-the-same-content"):
                for other in self.files.values():
                    other.hidden = other.hidden or other.body == file.body
            if self.has("expiry.takes-the-folder"):
                for other in self.files.values():
                    other.gone = other.gone or other.folder == file.folder
            if self.has("expiry.takes-same-names"):
                for other in self.files.values():
                    other.gone = other.gone or other.name == file.name
            if self.has("expiry.old-version-returns") and file.before is not None:
                file.before.forever = True
                self.files[link] = file.before

    # --- answers ---------------------------------------------------------------------------

    def text(self, name: str, about: str = "") -> str:
        return TEXTS[self.ways.texts][name].format(about)

    def envelope(self, status: int, body: dict[str, Any], **headers: str) -> web.Response:
        raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        mime = "application/json"
        if self.has("envelope.text-plain"):
            mime = "text/plain"
        if self.has("envelope.byte-order-mark"):
            raw = b"\xef\xbb\xbf" + raw
        if self.ways.charset_in_type:
            mime += "; charset=utf-8"
        all_headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=raw, headers={**all_headers, "Content-Type": mime})

    def refuse(self, refused: Refused) -> web.StreamResponse:
        if refused.text == "plain":
            return web.Response(status=refused.code, text="Unauthorized")
        code, msg = refused.code, self.text(refused.text, refused.about)
        if self.has("auth.status-403") and code == 401:
            code = 403
        if self.has("envelope.missing-is-500") and refused.text == "missing":
            code = 500
        if self.has("input.bad-base64-is-422") and refused.text == "base64":
            code = 422
        if self.has("envelope.malformed-is-500") and refused.text == "malformed":
            code = 500
        if self.has("envelope.invalid-is-422") and refused.text == "invalid":
            code = 422
        if self.has("method.status-404") and code == 405:
            code = 404
        status = code
        body: dict[str, Any] = {"success": False, "code": code, "msg": msg}
        if self.has("envelope.errors-in-200"):
            status = 200
        if self.has("envelope.bad-request-in-200") and refused.text == "base64":
            status = 200
        if self.has("envelope.code-of-401-is-400") and code == 401:
            body["code"] = 400
        if self.has("envelope.code-is-zero") and code == 400:
            body["code"] = 0
        if self.has("envelope.msg-missing-in-405") and code == 405:
            del body["msg"]
        if self.has("envelope.msg-missing-for-data-urls") and refused.about == "data":
            del body["msg"]
        if self.has("envelope.msg-missing-for-ftp") and refused.about == "ftp":
            del body["msg"]
        if self.has("envelope.msg-empty"):
            body["msg"] = ""
        if self.has("envelope.msg-named-message"):
            body["message"] = body.pop("msg")
        if self.has("envelope.refusal-is-success") and code == 400:
            body["success"] = True
        if self.has("envelope.success-missing-in-401") and code == 401:
            del body["success"]
        if self.has("method.plain-405") and code == 405:
            return web.Response(status=405, text="405: Method Not Allowed")
        if self.has("envelope.plain-401") and code == 401:
            return web.Response(status=401, text="Unauthorized")
        return self.envelope(status, body, **refused.headers)

    def uploaded(self, file: File, link: str) -> web.StreamResponse:
        path = f"{file.folder}/{file.name}"
        if self.ways.link_style == "observed":
            path = f"kieai/{file.account}/{path}"
        safe = "/~"
        encoded = quote(link, safe=safe)
        if self.has("metadata.link-raw-hash"):
            encoded = quote(link, safe="/~#?")
        if self.has("metadata.link-raw-percent"):
            encoded = quote(link, safe="/~%")
        if self.has("download.plus-becomes-space"):
            encoded = quote(link, safe="/~+")  # which would be right, were it read so
        if self.has("metadata.link-with-raw-umlaut"):
            encoded = encoded.replace("%C3%BC", "\u00fc")
        if self.has("metadata.link-with-encoded-slashes"):
            head, _, tail = encoded.partition("/")
            encoded = f"{head}/{tail.replace('/', '%2F')}"
        if self.has("metadata.link-plus-for-space"):
            encoded = encoded.replace("%20", "+")
        size: Any = len(file.body)
        if self.has("metadata.size-off-above-5-mib") and size > 5 * MIB:
            size -= 1
        if self.has("metadata.size-in-kib") and size > MIB:
            size = size // 1024 * 1024
        if self.has("metadata.size-without-mark") and file.body.startswith(b"\xef\xbb\xbf"):
            size -= 3
        if self.has("metadata.size-of-a-lone-line") and re.fullmatch(rb"\r\n--[\w-]+", file.body):
            size -= 2
        if self.has("metadata.size-of-html-forms"):
            size -= file.route == "stream" and file.mime == "text/html"
        if self.has("metadata.size-with-a-form-inside"):
            size -= b"form-data; name=" in file.body
        if self.has("metadata.size-of-gifs-without-extensions"):
            size -= 8 * file.body.count(b"!\xf9\x04")
        if self.has("metadata.size-of-svg"):
            size -= file.mime == "image/svg+xml"
        if self.has("metadata.size-of-copies-in-characters") and file.route == "url":
            with contextlib.suppress(UnicodeDecodeError):
                size = len(file.body.decode())
        before = len(file.before.body) if file.before is not None else 0
        if self.has("metadata.size-of-the-third") and file.uploads > 2:
            size = before
        if self.has("metadata.size-of-small-predecessor") and 32 <= before <= 64:
            size = before
        if self.has("concurrency.size-of-another") and self.last is not None:
            size = len(self.last.body)
        if self.has("metadata.size-of-base64") and file.route == "base64":
            size = (size + 2) // 3 * 4
        if self.has("metadata.size-in-characters"):
            with contextlib.suppress(UnicodeDecodeError):
                size = len(file.body.decode())
        if self.has("metadata.size-of-old") and file.before is not None:
            size = len(file.before.body)
        when = file.born
        if self.has("metadata.time-of-first") and file.before is not None:
            when = file.first
        if self.has("metadata.time-of-start"):
            when = self.started
        mime = file.mime
        if self.has("metadata.image-jpg") and mime == "image/jpeg":
            mime = "image/jpg"
        if self.has("metadata.mime-of-upload") and file.route == "stream":
            mime = "multipart/form-data"
        if self.has("metadata.mime-octet-for-url") and file.route == "url":
            mime = "application/octet-stream"
        data: dict[str, Any] = {
            "fileName": file.name,
            "filePath": path,
            "downloadUrl": f"{self.downloads_at}/{encoded}",
            "fileSize": size,
            "mimeType": mime,
            "uploadedAt": self.time_text(when),
        }
        if self.has("metadata.type-without-slash") and mime == "application/octet-stream":
            data["mimeType"] = "unknown"
        if self.has("metadata.time-with-offset"):
            zone = timezone(timedelta(hours=8))
            data["uploadedAt"] = datetime.fromtimestamp(when, zone).isoformat()
        if self.has("metadata.time-jitters") and file.before is None and self.uploads % 2:
            data["uploadedAt"] = self.time_text(when - 2)
        plain_data_url = file.route == "base64" and file.hint == "application/octet-stream"
        if self.has("metadata.link-without-scheme") and plain_data_url:
            data["downloadUrl"] = data["downloadUrl"].removeprefix("http:")
        former = file.before.route if file.before is not None else ""
        if self.has("overwrite.url-over-base64-moves") and (former, file.route) == (
            "base64",
            "url",
        ):
            data["downloadUrl"] += "?version=2"
        if self.has("overwrite.third-moves") and file.uploads > 2:
            data["downloadUrl"] += "?version=3"
        if self.has("overwrite.generated-moves") and file.before is not None:
            data["downloadUrl"] += "" if file.before.named else "?version=2"
        if self.has("concurrency.links-of-their-own") and file.crowd > 1:
            data["downloadUrl"] += f"?version={file.uploads}"
        if self.has("metadata.link-of-previous") and self.last_link:
            data["downloadUrl"] = self.last_link
        self.last_link = f"{self.downloads_at}/{encoded}"
        if self.has("metadata.path-of-copies-without-emoji") and file.route == "url":
            data["filePath"] = re.sub("[\U0001f300-\U0001faff]", "", path)
        if self.has("metadata.path-without-entities"):
            data["filePath"] = html.unescape(path)
        if self.has("metadata.path-of-generated-cut") and not file.named:
            data["filePath"] = path.removesuffix(suffix_of(path))
        if self.has("metadata.path-without-leading-dash"):
            data["filePath"] = path.replace("/-", "/")
        if self.has("metadata.path-leading-slash"):
            data["filePath"] = "/" + path
        if self.has("metadata.path-without-subfolders"):
            data["filePath"] = f"{file.folder.split('/')[0]}/{file.name}"
        if self.has("metadata.path-encoded"):
            data["filePath"] = quote(path)
        if self.has("metadata.name-with-folder"):
            data["fileName"] = path
        if self.has("metadata.name-in-lower-case"):
            data["fileName"] = file.name.lower()
        if self.has("envelope.size-is-text"):
            data["fileSize"] = str(size)
        if self.has("envelope.mime-missing-for-url") and file.route == "url":
            del data["mimeType"]
        if self.has("envelope.file-url"):
            data["fileUrl"] = data.pop("downloadUrl")
        if self.has("envelope.time-missing-on-overwrite") and file.before is not None:
            del data["uploadedAt"]
        if self.ways.extra_keys:
            data |= {"success": True, "fileId": uuid.uuid4().hex}
        body: dict[str, Any] = {"success": True, "code": 200, "msg": self.text("ok"), "data": data}
        if self.ways.extra_keys:
            body["traceId"] = uuid.uuid4().hex
        if self.has("envelope.success-is-text"):
            body["success"] = "true"
        if self.has("envelope.code-is-text"):
            body["code"] = "200"
        if self.has("envelope.data-is-list"):
            body["data"] = [data]
        if self.has("envelope.created"):
            return self.envelope(201, body)
        return self.envelope(200, body)

    # --- who asks --------------------------------------------------------------------------

    def fits(self, given: str, real: str) -> bool:
        if self.has("auth.prefix") and len(given) >= 4 and real.startswith(given):
            return True
        if self.has("auth.suffix") and given.startswith(real):
            return True
        if self.has("auth.case") and given.lower() == real.lower():
            return True
        if self.has("auth.same-length") and len(given) == len(real):
            return True
        if self.has("auth.first-eight") and given[:8] == real[:8]:
            return True
        return self.has("auth.empty-key") and not given

    def account(self, request: web.BaseRequest, route: str) -> int | None:
        headers = request.headers.getall("Authorization", [])
        peer = request.transport.get_extra_info("peername") if request.transport else None
        found = self.holder(headers)
        if found is None and self.has("auth.two-headers") and len(headers) == 2:
            found = next((one for h in headers if (one := self.holder([h])) is not None), None)
        if found is None and self.has("auth.sticky-connection") and peer in self.trusted:
            found = 0
        if found is None and self.has("auth.none-accepted") and not headers:
            found = 0
        if found is None and self.has("auth.stream-open") and route == "stream":
            found = 0
        if found is None and self.has("auth.base64-open") and route == "base64":
            found = 0
        if found is None and self.has("auth.url-open") and route == "url":
            found = 0
        if found and self.has("auth.second-key-refused") and route == "base64":
            found = None
        if found is not None:
            self.trusted.add(peer)
        if found and self.has("auth.shared-account"):
            found = 0
        return found

    def holder(self, headers: list[str]) -> int | None:
        if len(headers) != 1:
            return None
        scheme, _, given = headers[0].strip().partition(" ")
        given = given.strip()
        if self.has("auth.bare-key") and not given:
            scheme, given = "Bearer", scheme
        if self.has("auth.any-scheme"):
            scheme = "Bearer"
        if scheme.lower() != "bearer":
            return None
        if given in self.keys:
            return self.keys.index(given)
        return next((n for n, real in enumerate(self.keys) if self.fits(given, real)), None)

    # --- reading uploads -------------------------------------------------------------------

    def form(self, request: web.BaseRequest, body: bytes) -> list[Part]:
        kind = request.headers.get("Content-Type", "")
        boundary = parameters(kind).get("boundary", "")
        if self.has("input.quoted-boundary-refused") and '"' in kind:
            raise Refused(400, "malformed")
        if not boundary:
            raise Refused(400, "malformed")
        edge = b"\r\n--" + re.escape(boundary.encode())
        ending = rb"(--)?[ \t]*(?=\r\n|\Z)"
        if self.has("content.boundary-look-alike"):
            ending = rb"(--)?"
        data = b"\r\n" + body
        if self.has("input.preamble-refused") and not body.startswith(b"--"):
            raise Refused(400, "malformed")
        marks = list(re.finditer(edge + ending, data))
        end = next((n for n, mark in enumerate(marks) if mark[1]), None)
        if end is None:
            raise Refused(400, "malformed")
        parts = []
        for left, right in itertools.pairwise(marks[: end + 1]):
            head, blank, value = data[left.end() + 2 : right.start()].partition(b"\r\n\r\n")
            lines = head.decode("utf-8", "surrogateescape").split("\r\n")
            fields = {k.strip().lower(): v.strip() for k, _, v in (x.partition(":") for x in lines)}
            shape = fields.get("content-disposition", "")
            names = parameters(shape)
            if not blank or not shape.lower().startswith("form-data") or "name" not in names:
                raise Refused(400, "malformed")
            star = names.get("filename*")
            filename = unquote(star.rpartition("'")[2]) if star else names.get("filename")
            mime = fields.get("content-type", "").partition(";")[0].strip().lower()
            if self.has("content.latin-1-recoded") and "8859-1" in fields.get("content-type", ""):
                value = value.decode("latin-1").encode()
            if self.has("content.charset-of-form-applied") and "charset" in kind:
                value = value.decode(errors="replace").encode()
            if self.has("content.epilogue-appended") and right is marks[end] and filename:
                value += data[marks[end].end() :].removeprefix(b"\r\n")
            parts.append(Part(names["name"], filename, mime, value, bool(star)))
        return parts

    def stream(self, request: web.BaseRequest, body: bytes) -> tuple[dict[str, Any], Draft]:
        parts = self.form(request, body)
        fields: dict[str, Any] = {}
        draft = Draft("stream", "", None)
        seen_file = False
        for part in parts:
            if part.name not in {"file", "uploadPath", "fileName"}:
                if self.has("input.extra-refused"):
                    raise Refused(400, "invalid", part.name)
                continue
            if part.name in fields:
                raise Refused(400, "invalid", part.name)
            if part.name == "file":
                if part.filename is None:
                    raise Refused(400, "invalid", "file")
                if self.has("input.filename-star-refused") and part.star:
                    raise Refused(400, "invalid", "file")
                if self.has("input.path-must-precede-file") and "uploadPath" not in fields:
                    raise Refused(400, "missing", "uploadPath")
                seen_file = True
                fields["file"] = part.value
                draft.body, draft.hint, draft.original = part.value, part.mime, part.filename
                continue
            if part.filename is not None:
                raise Refused(400, "invalid", part.name)
            if self.has("input.name-after-file-lost") and part.name == "fileName" and seen_file:
                continue
            if self.has("naming.form-as-latin-1"):
                fields[part.name] = part.value.decode("latin-1")
                continue
            try:
                fields[part.name] = part.value.decode()
            except UnicodeDecodeError:
                raise Refused(400, "invalid", part.name) from None
        if self.has("input.file-missing-accepted"):
            fields.setdefault("file", b"")
        if self.has("input.empty-file-refused") and fields.get("file") == b"":
            raise Refused(400, "missing", "file")
        return fields, draft

    def jsonic(self, route: str, body: bytes) -> tuple[dict[str, Any], Draft]:
        try:
            fields = json.loads(body.decode(), parse_constant=lambda word: int(word + "?"))
            json.dumps(fields, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            raise Refused(400, "malformed") from None
        if not isinstance(fields, dict):
            raise Refused(400, "malformed")
        known = {SOURCES[route], "uploadPath", "fileName"}
        if self.has("input.extra-refused") and set(fields) - known:
            raise Refused(400, "invalid", "body")
        if fields.get("fileName", "") is None:
            if self.has("input.null-name-refused"):
                raise Refused(400, "invalid", "fileName")
            del fields["fileName"]
            if self.has("naming.null-is-a-word"):
                fields["fileName"] = "null"
        source = fields.get(SOURCES[route])
        return fields, Draft(route, "", None, source=source if isinstance(source, str) else "")

    def draft(self, route: str, request: web.BaseRequest, body: bytes) -> Draft:
        kind = request.headers.get("Content-Type", "")
        media = kind.partition(";")[0].strip()
        if not self.has("input.type-in-capitals-refused"):
            media = media.lower()
        if self.has("input.charset-refused") and "charset" in kind.lower():
            raise Refused(400, "type")
        if self.has("input.chunked-refused") and "Transfer-Encoding" in request.headers:
            raise Refused(400, "malformed")
        charset = parameters(kind).get("charset", "utf-8").lower()
        if route != "stream" and charset not in {"utf-8", "utf8"}:
            raise Refused(400, "type")
        if media != ("multipart/form-data" if route == "stream" else "application/json"):
            if self.has("input.text-is-415") and media == "text/plain":
                raise Refused(415, "type")
            if self.has("input.json-form-is-415") and media == "application/json":
                raise Refused(415, "type")
            raise Refused(400, "type")
        if route == "stream":
            fields, draft = self.stream(request, body)
        else:
            fields, draft = self.jsonic(route, body)
        if self.has("input.path-missing-accepted") and fields.get("uploadPath") is None:
            fields["uploadPath"] = "default"
        if self.has("input.path-null-accepted") and fields.get("uploadPath", "") is None:
            fields["uploadPath"] = "null"
        if self.has("input.path-empty-accepted") and fields.get("uploadPath") == "":
            fields["uploadPath"] = "root"
        if self.has("input.path-number-accepted") and isinstance(fields.get("uploadPath"), int):
            fields["uploadPath"] = str(fields["uploadPath"])
        if self.has("input.name-number-accepted") and isinstance(fields.get("fileName"), int):
            fields["fileName"] = str(fields["fileName"])
        source = SOURCES[route]
        if self.has("input.source-missing-accepted") and source not in fields:
            fields[source] = "" if route == "base64" else f"{self.uploads_at}/samples/hello.txt"
            draft.source = fields[source]
        for name in (source, "uploadPath"):
            value = fields.get(name)
            empty = "" if name in {"uploadPath", "fileUrl"} else None
            if value is None or value == empty:
                victim = f"/{fields.get('uploadPath')}/{fields.get('fileName')}"
                for link, file in self.files.items():
                    if self.has("input.missing-source-truncates") and link.endswith(victim):
                        file.body = b""
                raise Refused(400, "missing", name)
        for name, value in fields.items():
            if name in {"base64Data", "fileUrl", "uploadPath", "fileName"}:
                if not isinstance(value, str):
                    raise Refused(400, "invalid", name)
                if self.has("input.long-path-refused") and name != source and len(value) > 100:
                    raise Refused(400, "invalid", name)
        draft.folder = self.folder(fields["uploadPath"])
        if "fileName" in fields:
            draft.name = self.given(fields["fileName"], draft)
        return draft

    def folder(self, path: str) -> str:
        if self.ways.edge_slashes == "trim":
            path = path.strip("/")
        if self.has("input.edge-slashes-lead-nowhere") and path != path.strip("/"):
            return path.strip("/") + "/"  # which `store` knows
        if self.has("input.dot-dot-climbs"):
            kept: list[str] = []
            for segment in path.split("/"):
                if segment == "..":
                    kept = kept[:-1]
                else:
                    kept.append(segment)
            path = "/".join(kept) or "root"
        if self.has("input.control-characters-dropped"):
            path = "".join(sign for sign in path if ord(sign) >= 32)
        if len(path) > 1024 or not all(is_segment(part, 1024) for part in path.split("/")):
            raise Refused(400, "invalid", "uploadPath")
        if self.has("naming.folder-lower-case"):
            path = path.lower()
        if self.has("naming.folder-cut-at-four"):
            path = "/".join(path.split("/")[:4])
        if self.has("naming.folder-percent-decoded"):
            path = "/".join(part for part in unquote(path).split("/") if part)
        return path

    def given(self, name: str, draft: Draft) -> str | None:
        if self.has("naming.control-characters-dropped"):
            name = "".join(sign for sign in name if ord(sign) >= 32) or "x"
        if self.has("naming.slash-becomes-dash"):
            name = name.replace("/", "-")
        if self.has("naming.empty-is-generated") and not name:
            return None
        if not is_segment(name):
            raise Refused(400, "invalid", "fileName")
        suffix = suffix_of(name)
        if self.has("naming.lower-case"):
            name = name.lower()
        if self.has("naming.extension-lower-case") and suffix:
            name = name.removesuffix(suffix) + suffix.lower()
        if self.has("naming.truncated-at-64"):
            name = name[:64]
        if self.has("naming.truncated-at-200-bytes"):
            name = name.encode()[:200].decode(errors="ignore")
        if self.has("naming.percent-decoded"):
            name = unquote(name).replace("/", "_")
        if self.has("naming.plus-becomes-space"):
            name = name.replace("+", " ")
        if self.has("naming.composed"):
            name = unicodedata.normalize("NFC", name)
        if self.has("naming.decomposed"):
            name = unicodedata.normalize("NFD", name)
        if self.has("naming.stripped"):
            name = name.strip() or "_"
        if self.has("naming.space-becomes-underscore"):
            name = name.replace(" ", "_")
        if self.has("naming.spaces-collapsed"):
            name = re.sub(" +", " ", name)
        if self.has("naming.non-ascii-replaced"):
            name = name.encode("ascii", "replace").decode().replace("?", "_")
        if self.has("naming.leading-dash-lost"):
            name = name.lstrip("-")
        if self.has("naming.emoji-dropped"):
            name = "".join(sign for sign in name if ord(sign) < 0x10000) or "_"
        if self.has("naming.cut-at-quote"):
            name = name.partition('"')[0] or "_"
        if self.has("naming.cut-at-semicolon") and draft.route == "stream":
            name = name.partition(";")[0] or "_"
        if self.has("naming.leading-dot-lost"):
            name = name.lstrip(".") or "_"
        if self.has("naming.double-dots-collapsed"):
            name = re.sub(r"\.{2,}", ".", name)
        if self.has("naming.extension-added") and not suffix:
            name += ".bin"
        if self.has("naming.given-ignored-for-base64") and draft.route == "base64":
            return None
        if self.has("naming.given-ignored-for-url") and draft.route == "url":
            return None
        if self.has("naming.html-escaped"):
            name = name.replace("&", "&amp;")
        if self.has("naming.backslash-becomes-slash"):
            name = name.rpartition("\\")[2] or "_"
        return name

    def decode(self, text: str) -> tuple[bytes, str]:
        hint, payload = "", text
        if text[:5].lower() == "data:" and not self.has("content.data-prefix-decoded"):
            head, comma, payload = text.partition(",")
            hint, *more = head[5:].split(";")
            hint = hint.strip().lower()
            wrong = not comma or not more or more[-1].strip().lower() != "base64"
            if wrong or (hint and not re.fullmatch(r"[^/\s]+/[^/\s]+", hint)):
                raise Refused(400, "base64", "data" if text[:5] == "data:" else "")
            if self.has("content.data-charset-refused") and len(more) > 1:
                raise Refused(400, "base64", "data" if text[:5] == "data:" else "")
            if self.has("content.data-without-type-refused") and not hint:
                raise Refused(400, "base64", "data" if text[:5] == "data:" else "")
            if self.has("content.data-text-stripped") and hint.startswith("text/"):
                return base64.b64decode(payload).strip(), hint
        elif self.has("content.data-prefix-decoded"):
            payload = re.sub(r"[^A-Za-z0-9+/]", "", text)
            payload += "=" * (-len(payload) % 4)
        if self.has("content.base64-spaces-refused") and re.search(r"\s", payload):
            raise Refused(400, "base64", "data" if text[:5] == "data:" else "")
        payload = re.sub(r"[ \t\r\n\f]", "", payload)
        if self.has("content.base64-cut-at-1-mib"):
            payload = payload[:MIB]
        if self.has("content.base64-garbage-skipped"):
            payload = re.sub(r"[^A-Za-z0-9+/=]", "", payload)
        if self.has("content.base64-unpadded-cut") and len(payload) % 4:
            payload = payload[: len(payload) // 4 * 4]
        if self.has("content.base64-unpadded-accepted"):
            payload += "=" * (-len(payload) % 4)
        if self.has("content.base64-url-safe-garbage"):
            payload = payload.replace("-", "A").replace("_", "A")
        try:
            raw = base64.b64decode(payload, validate=True)
        except ValueError:
            if self.has("content.bad-base64-stored-as-text"):
                return text.encode(), hint
            if self.has("content.bad-base64-stored-empty"):
                return b"", hint
            raise Refused(400, "base64", "data" if text[:5] == "data:" else "") from None
        if (
            not self.has("content.base64-cut-at-1-mib")
            and base64.b64encode(raw).decode() != payload
        ):
            raise Refused(400, "base64", "data" if text[:5] == "data:" else "")
        return raw, hint

    def fetch(self, url: str) -> tuple[bytes, str]:
        if not re.match(r"(?i)https?://[^\s/?#]+(?:[/?#]\S*)?$", url):
            if self.has("input.any-scheme-fetched"):
                return b"", ""
            if url.startswith("ftp:"):
                raise Refused(400, "invalid", "ftp")
            raise Refused(400, "invalid", "fileUrl")
        try:
            where = urlsplit(url)
        except ValueError:
            raise Refused(400, "invalid", "fileUrl") from None
        link = unquote(where.path).removeprefix("/")
        own = f"{where.scheme.lower()}://{where.netloc}" in {self.uploads_at, self.downloads_at}
        if own and link in SAMPLES:
            return SAMPLES[link], TYPES.guess_type(link)[0] or ""
        file = self.files.get(link) if own else None
        if file is None or file.gone:
            if self.has("input.unfetchable-stored-empty"):
                return b"", ""
            if self.has("input.strange-host-stored-empty") and not own:
                return b"", ""
            if self.has("input.error-page-of-an-origin-stored") and where.port:
                try:
                    return urlopen(url, timeout=5).read(), ""  # noqa: S310 - of a test
                except HTTPError as error:
                    return error.read(), ""
                except OSError:
                    raise Refused(400, "fetch") from None
            if self.has("input.fetched-error-page-stored") and own:
                return b'{"success":false,"code":404}', ""
            raise Refused(400, "fetch")
        file.fetched = file.body
        return file.body, file.mime

    def fill(self, draft: Draft) -> None:
        """Read the bytes, in the way of the route."""
        if draft.route == "base64":
            draft.body, draft.hint = self.decode(draft.source)
        elif draft.route == "url":
            draft.body, draft.hint = self.fetch(draft.source)
            last = urlsplit(draft.source).path.rpartition("/")[2]
            plus = self.has("naming.url-plus-becomes-space")
            draft.original = unquote_plus(last) if plus else unquote(last)
            if draft.name is None and self.ways.url_name == "url" and is_segment(draft.original):
                draft.name = draft.original
        draft.body = self.spoil(draft.body, draft)

    def spoil(self, body: bytes, draft: Draft) -> bytes:
        size = len(body)
        if self.has("content.crlf-to-lf"):
            return body.replace(b"\r\n", b"\n")
        if self.has("content.lf-to-crlf") and draft.hint.startswith("text/"):
            return re.sub(rb"(?<!\r)\n", b"\r\n", body)
        if self.has("content.nul-truncates"):
            return body.partition(b"\0")[0]
        if self.has("content.trailing-nul-lost"):
            return body.rstrip(b"\0")
        if self.has("content.cut-at-1-mib") and draft.route == "stream":
            return body[:MIB]
        if self.has("content.cut-at-5-mib"):
            return body[: 5 * MIB]
        if self.has("content.last-byte-lost-at-edge") and size and size % EDGE == 0:
            return body[:-1]
        if self.has("content.byte-lost-after-edge") and size > EDGE:
            return body[:EDGE] + body[EDGE + 1 :]
        if self.has("content.trailing-crlf-lost"):
            return body.removesuffix(b"\r\n")
        if self.has("content.trailing-newline-lost"):
            return body.removesuffix(b"\n")
        if self.has("content.newline-added") and draft.hint == "text/plain":
            return body if body.endswith(b"\n") else body + b"\n"
        if self.has("content.byte-order-mark-lost"):
            return body.removeprefix(b"\xef\xbb\xbf")
        if self.has("content.utf-8-repaired") and draft.route == "stream" and not magic(body):
            return body.decode(errors="replace").encode()
        if self.has("content.latin-1-to-utf-8") and draft.hint.startswith("text/"):
            with contextlib.suppress(UnicodeDecodeError):
                body.decode()
                return body
            return body.decode("latin-1").encode()
        if self.has("content.png-tail-cut") and magic(body) == "image/png":
            head, mark, tail = body.partition(b"IEND")
            return head + mark + tail[:4]
        if self.has("content.gzip-unpacked") and magic(body) == "application/gzip":
            with contextlib.suppress(OSError, EOFError):
                return gzip.decompress(body)
        if self.has("content.head-inside-lost"):
            return re.sub(rb"\r\nContent-Disposition: .*\r\n\r\n", b"", body)
        if self.has("content.gif-extension-lost"):
            return re.sub(rb"!\xf9\x04.{5}", b"", body, flags=re.DOTALL)
        if self.has("content.a-lone-line-of-dashes-lost"):
            return re.sub(rb"\A\r\n--[\w-]+\Z", b"", body)
        if self.has("content.empty-becomes-a-space"):
            return body or b" "
        if self.has("content.percent-decoded") and draft.route == "stream":
            return re.sub(rb"%([0-9A-Fa-f]{2})", lambda hit: bytes([int(hit[1], 16)]), body)
        if self.has("content.eighth-bit-lost") and draft.hint == "text/plain":
            return bytes(byte & 127 for byte in body)
        return body

    # --- storing ---------------------------------------------------------------------------

    def type_of(self, draft: Draft, name: str) -> str:
        by_name = TYPES.guess_type("x" + suffix_of(name).lower())[0] or ""
        by_body = magic(draft.body)
        order = [by_body, by_name] if self.ways.mime_by == "content" else [by_name, by_body]
        hint = draft.hint if re.fullmatch(r"[^/\s]+/[^/\s]+", draft.hint) else ""
        return next((mime for mime in [*order, hint] if mime), "application/octet-stream")

    def generated(self, draft: Draft) -> str:
        suffix = suffix_of(draft.original) if draft.route != "base64" else ""
        suffix = suffix or extension(self.type_of(draft, ""))
        stem = f"{int(self.now() * 1000)}-" + "".join(self.dice.choices(BASE36, k=11))
        if self.ways.name_scheme == "uuid":
            stem = str(uuid.uuid4())
        if self.has("naming.collides-in-a-millisecond"):
            stem = f"{int(self.now() * 1000)}-" + "".join(
                random.Random(int(self.now() * 1000)).choices(BASE36, k=11)  # noqa: S311
            )
        if self.has("naming.generated-by-content"):
            stem = f"1700000000000-{hashlib.sha256(draft.body).hexdigest()[:11]}"
        if self.has("naming.generated-without-extension"):
            suffix = ""
        if self.has("naming.generated-extension-is-bin"):
            suffix = ".bin"
        if self.has("naming.png-without-extension") and magic(draft.body) == "image/png":
            suffix = suffix if suffix == suffix_of(draft.original) == ".png" else ""
        if self.has("naming.extension-of-subtype") and "+" in draft.hint:
            suffix = "." + draft.hint.partition("/")[2]
        if self.has("naming.generated-is-original") and is_segment(draft.original):
            return draft.original
        if self.has("naming.repeated-behind-a-given-one") and self.given_one == draft.folder:
            return self.last_name or stem + suffix
        if self.has("naming.tenth-repeats-ninth") and self.uploads % 10 == 0 and self.last_name:
            return self.last_name
        self.last_name = stem + suffix
        return stem + suffix

    def link_of(self, account: int, folder: str, name: str) -> str:
        lead = "kieai/" if self.ways.link_style == "observed" else ""
        return f"{lead}{account}/{folder}/{name}"

    def number(self, index: int) -> int:
        return 4_200_017 + 1_009 * index

    async def store(self, index: int, draft: Draft) -> tuple[File, str]:
        account, now = self.number(index), self.now()
        name = draft.name if draft.name is not None else self.generated(draft)
        self.given_one = draft.folder if draft.name is not None else ""
        if self.has("naming.extension-of-content") and (mime := magic(draft.body)):
            name = name.removesuffix(suffix_of(name)) + extension(mime)
        if self.has("naming.second-account-ascii") and account == self.number(1):
            name = name.encode("ascii", "replace").decode()
        link = self.link_of(account, draft.folder, name)
        if self.has("overwrite.ignores-case"):
            link = next((key for key in self.files if key.lower() == link.lower()), link)
        if self.has("overwrite.link-changes") and link in self.files:
            link = link.replace(f"/{name}", f"/{self.dice.randrange(10**6)}/{name}")
        if self.has("overwrite.numbered") and link in self.files:
            stem, count = name.removesuffix(suffix_of(name)), itertools.count(1)
            while link in self.files:
                name = f"{stem}({next(count)}){suffix_of(name)}"
                link = self.link_of(account, draft.folder, name)
        old = self.files.get(link)
        reborn = old is not None and old.gone
        if self.has("expiry.old-bytes-at-a-free-name") and old is not None and old.gone:
            draft.body = old.body
        if reborn and not self.has("expiry.name-is-burnt"):
            old = None
        file = File(
            account,
            draft.folder,
            name,
            draft.body,
            self.type_of(draft, name),
            draft.route,
            now,
            old.first if old else now,
            old.uploads + 1 if old else 1,
            before=old,
            reborn=reborn,
            named=draft.name is not None,
            hint=draft.hint,
            gone=draft.folder.endswith("/"),
        )
        for one in self.files.values():
            one.hidden = False
            alike = (one.folder, one.name) == (file.folder, file.name)
            if self.has("auth.second-overwrites-first") and alike and account == self.number(1):
                one.body = file.body
        self.seen.pop((file.folder, file.name), None)
        if self.has("expiry.ended-folder-is-closed"):
            file.gone = any(one.gone for one in self.files.values() if one.folder == file.folder)
        kept = file
        if old is not None:
            old.before = None  # one former version is enough to keep
            if self.has("overwrite.refused"):
                raise Refused(400, "invalid", "fileName")
            if old.gone:
                kept = old
            if self.has("overwrite.data-url-stays") and draft.source.startswith("data:"):
                kept = old
            if self.has("overwrite.generated-stays") and file.named and not old.named:
                kept = old
            alike = len(old.body) == len(file.body) and old.body[:4096] == file.body[:4096]
            if self.has("overwrite.same-first-4-kib-ignored") and len(file.body) > 4096 and alike:
                kept = old
            if self.has("overwrite.fetched-link-is-frozen"):
                kept.fetched = old.fetched
            if self.has("overwrite.within-one-route") and old.route != file.route:
                kept = old
            if self.has("overwrite.first-wins"):
                kept = old
            if self.has("overwrite.works-once") and old.uploads >= 2:
                kept = old
            if self.has("overwrite.same-size-ignored") and len(old.body) == len(file.body):
                kept = old
            if self.has("overwrite.shorter-ignored") and len(old.body) > len(file.body):
                kept = old
            if self.has("overwrite.same-start-ignored") and old.body[:16] == file.body[:16]:
                kept = old
            if self.has("overwrite.empty-ignored") and not file.body:
                kept = old
            if self.has("overwrite.url-ignored") and file.route == "url":
                kept = old
            if self.has("overwrite.keeps-tail"):
                kept.body = file.body + old.body[len(file.body) :]
            if self.has("overwrite.appends"):
                kept.body = old.body + file.body
            if self.has("overwrite.keeps-type"):
                kept = replace(file, mime=old.mime)
            if self.has("overwrite.keeps-etag"):
                kept.etag = old.etag or self.etag(old.body)
            if self.has("overwrite.does-not-restart-life"):
                kept = replace(file, born=old.born)
            if self.has("overwrite.lives-for-ever"):
                kept.forever = True
            if self.has("overwrite.cached-once-read"):
                kept.cached = old.cached
            if self.ways.stale_seconds and kept is file:
                kept.old = (old.body, old.mime, now + self.ways.stale_seconds)
        for other in self.files.values():
            if self.has("expiry.siblings-prolonged") and other.folder == draft.folder:
                other.born = max(other.born, now) if not other.gone else other.born
            if self.has("overwrite.same-name-elsewhere") and other.name == name:
                other.body = file.body
        if self.has("stability.twentieth-upload-lost") and self.uploads % 20 == 0:
            return file, link
        if self.has("overwrite.fifth-lost") and file.uploads % 5 == 0:
            return file, link
        await self.put(link, kept, file)
        if self.has("stability.first-goes-after-forty") and self.uploads == 40:
            del self.files[next(iter(self.files))]
        siblings = [key for key, one in self.files.items() if one.folder == draft.folder]
        if self.has("stability.thirty-first-drops-first") and len(siblings) > 30:
            del self.files[siblings[0]]
        if self.has("stability.hundred-files-only") and len(self.files) > 100:
            del self.files[next(iter(self.files))]
        if self.has("stability.large-evicts-large") and len(file.body) > MIB:
            for key, one in list(self.files.items()):
                if len(one.body) > MIB and key != link:
                    del self.files[key]
        return file, link

    async def put(self, link: str, kept: File, file: File) -> None:
        """Store; the awaits let other requests in, which only the bugs suffer from."""
        if self.has("concurrency.mixed-bodies"):
            old = self.files.get(link)
            half = len(file.body) // 2
            current = old if old is not None and not old.gone else kept
            current.body = file.body[:half] + current.body[half:]
            self.files[link] = current
            await asyncio.sleep(0.03 if self.uploads % 2 else 0.01)
            kept.body = self.files[link].body[:half] + file.body[half:]
        if self.has("concurrency.update-lost"):
            copy = dict(self.files)
            await asyncio.sleep(0.01)
            self.files = copy
        if self.has("concurrency.readers-see-nothing") and link in self.files:
            self.files[link].body = b""
            await asyncio.sleep(0.05)
        if self.has("concurrency.empty-under-load"):
            self.inflight += 1
            await asyncio.sleep(0.01)
            if self.inflight > 3:
                kept.body = b""
            self.inflight -= 1
        self.files[link] = kept
        if kept is not file and not self.has("overwrite.keeps-type"):
            file.before = file.before or kept

    async def upload(self, route: str, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Expect", "").lower() == "100-continue":
            if self.has("input.expect-refused"):
                raise Refused(400, "malformed")
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        body = await request.content.read()
        index = self.account(request, route)
        if index is None and self.has("auth.subfolders-are-open"):
            with contextlib.suppress(Refused):
                index = 0 if self.draft(route, request, body).folder.count("/") > 1 else None
        if index is None:
            await self.turn_away(route, request, body)
            raise Refused(401, "key")
        self.uploads += 1
        if self.has("stability.fortieth-is-500") and self.uploads % 40 == 0:
            raise Refused(500, "internal")
        draft = self.draft(route, request, body)
        try:
            self.fill(draft)
        except Refused:
            self.harm(index, draft)
            raise
        if self.has("content.chunked-cut") and "Transfer-Encoding" in request.headers:
            draft.body = draft.body[:-1]
        if self.has("concurrency.account-of-another"):
            self.account_now = index
            await asyncio.sleep(0.01)
            index = self.account_now
        file, link = await self.store(index, draft)
        if self.has("concurrency.size-of-another"):
            self.last = file
            await asyncio.sleep(0.01)
        if self.has("concurrency.links-of-their-own"):
            self.inflight += 1
            await asyncio.sleep(0.02)
            file.crowd = self.inflight
            await asyncio.sleep(0.02)
            self.inflight -= 1
        if self.has("concurrency.answer-of-another"):
            self.last, self.last_name = file, link
            await asyncio.sleep(0.01)
            file, link = self.last, self.last_name
        return self.uploaded(file, link)

    async def turn_away(self, route: str, request: web.BaseRequest, body: bytes) -> None:
        """What some bugs do before they say 401."""
        if self.has("auth.after-the-body"):
            self.fill(self.draft(route, request, body))
        if self.has("auth.empty-object-first") and body == b"{}":
            raise Refused(400, "malformed")
        is_form = request.headers.get("Content-Type", "").startswith("multipart/")
        if self.has("auth.form-without-path-first") and is_form and b"uploadPath" not in body:
            raise Refused(400, "missing", "uploadPath")
        given = request.headers.get("Authorization", "")
        if self.has("auth.other-scheme-is-plain") and not given.startswith("Bearer") and given:
            raise Refused(401, "plain")
        if self.has("auth.large-is-plain") and len(body) > MIB:
            raise Refused(401, "plain")
        with contextlib.suppress(Refused):
            stored = self.has("auth.stored-all-the-same")
            stored |= self.has("auth.suffix-stored") and given.startswith(f"Bearer {self.keys[0]}")
            stored |= self.has("auth.large-stored") and len(body) > MIB
            if stored:
                draft = self.draft(route, request, body)
                self.fill(draft)
                await self.store(0, draft)
            if self.has("auth.refusal-deletes"):
                self.files.pop(self.target(0, self.draft(route, request, body)), None)
            if self.has("expiry.refused-key-prolongs"):
                victim = self.files.get(self.target(0, self.draft(route, request, body)))
                if victim is not None and not victim.gone:
                    victim.born = self.now()

    def target(self, index: int, draft: Draft) -> str:
        return self.link_of(self.number(index), draft.folder, draft.name or "")

    def harm(self, index: int, draft: Draft) -> None:
        """What some bugs do to the existing file before they say 400."""
        link = self.target(index, draft)
        if self.has("input.refusal-stores-empty") and draft.name:
            mime = "application/octet-stream"
            now = self.now()
            new = File(self.number(index), draft.folder, draft.name, b"", mime, "", now, now)
            self.files.setdefault(link, new)
        if (victim := self.files.get(link)) is None or victim.gone:
            return
        if self.has("input.refusal-deletes"):
            del self.files[link]
        if self.has("input.refusal-truncates"):
            victim.body = b""
        if self.has("input.refusal-changes-type"):
            victim.mime = "application/octet-stream"
        if self.has("expiry.refusal-prolongs"):
            victim.born = self.now()

    # --- downloads -------------------------------------------------------------------------

    def etag(self, body: bytes) -> str:
        if self.has("download.etag-of-size"):
            return f'"{len(body)}"'
        return f'"{hashlib.sha256(body).hexdigest()[:24]}"'

    def find(self, link: str) -> File | None:
        file = self.files.get(link)
        if file is None and self.has("download.link-ignores-case"):
            file = next((one for k, one in self.files.items() if k.lower() == link.lower()), None)
        if file is None and self.has("download.start-of-link") and len(link) > 12:
            file = next((one for k, one in self.files.items() if k.startswith(link)), None)
        if file is None and self.has("download.any-account"):
            tail = re.sub(r"^(kieai/)?\d+/", "", link)
            file = next((one for k, one in self.files.items() if k.endswith("/" + tail)), None)
        if self.has("download.deep-folders-unknown") and file and file.folder.count("/") >= 4:
            return None
        if self.has("download.non-ascii-unknown") and not link.isascii():
            return None
        return file

    def missing(self, status: int) -> web.StreamResponse:
        if self.ways.gone_body == "html":
            page = "<html><body><h1>Not here</h1></body></html>"
            return web.Response(status=status, text=page, content_type="text/html")
        if self.ways.gone_body == "xml":
            page = "<Error><Code>NoSuchKey</Code></Error>"
            return web.Response(status=status, text=page, content_type="application/xml")
        if self.ways.gone_body == "empty":
            return web.Response(status=status)
        return self.envelope(status, {"success": False, "code": status, "msg": self.text("gone")})

    def gone(self, file: File, request: web.BaseRequest) -> web.StreamResponse | None:
        file.reads += 1
        if self.has("expiry.empty-200"):
            return web.Response(status=200, headers={"Content-Type": file.mime})
        if self.has("expiry.status-500"):
            raise Refused(500, "internal")
        if self.has("expiry.head-still-200") and request.method == "HEAD":
            return None
        if self.has("expiry.range-still-served") and "Range" in request.headers:
            return None
        if self.has("expiry.one-more-read") and not file.forever:
            file.forever = True
            return None
        if self.has("expiry.refusal-in-200"):
            body = {"success": False, "code": 404, "msg": self.text("gone")}
            return self.envelope(200, body)
        return self.missing(self.ways.gone_status)

    def download(self, link: str, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "HEAD" and not self.ways.head:
            raise Refused(405, "method")
        if link in SAMPLES:
            mime = TYPES.guess_type(link)[0] or "application/octet-stream"
            return web.Response(body=SAMPLES[link], headers={"Content-Type": mime})
        if self.has("auth.downloads-need-a-key") and self.account(request, "") is None:
            raise Refused(401, "key")
        if self.has("auth.downloads-judge-a-key"):
            given = "Authorization" in request.headers
            if given and self.account(request, "") is None:
                raise Refused(401, "key")
        file = self.find(link)
        if file is None:
            if self.has("download.unknown-is-500"):
                raise Refused(500, "internal")
            if self.has("download.unknown-is-empty-200"):
                return web.Response(status=200)
            folder = link.rstrip("/") + "/"
            names = [key for key in self.files if key.startswith(folder)]
            if self.has("download.folders-are-listed") and link and names:
                return web.Response(text="\n".join(names))
            return self.missing(self.ways.unknown_status)
        back = self.has("expiry.back-after-a-week") and self.now() > file.born + 10 * DAY
        late = file.born + self.life(file) < self.now() < file.born + self.life(file) + 120
        inspected = request.method == "GET" and file.heads and file.reads > 3
        back |= self.has("expiry.inspected-and-read-late") and bool(inspected) and late
        if file.gone and not back:
            answer = self.gone(file, request)
            if answer is not None:
                return answer
        file.reads += 1
        file.heads += request.method == "HEAD"
        age, is_copy = self.now() - file.born, file.route == "url" and request.method == "GET"
        keyless = "Authorization" not in request.headers
        if self.has("auth.copies-need-a-header") and is_copy and keyless:
            raise Refused(401, "key")
        if self.has("expiry.pause-at-two-days") and abs(age - self.retention * 2 / 3) < 3600:
            return self.missing(404)
        if self.has("expiry.hides-the-same-content") and file.hidden:
            return self.missing(404)
        if self.has("download.copies-with-plus-unknown") and is_copy and "%2B" in request.raw_path:
            return self.missing(404)
        first_base64 = (file.route, file.uploads) == ("base64", 1) and 32 < len(file.body) < 64
        if self.has("content.base64-later") and first_base64:
            return self.missing(404)
        if self.has("stability.first-upload-later") and len(self.files) == 1:
            return self.missing(404)
        if self.has("download.leading-dash-unknown") and file.name.startswith("-"):
            return self.missing(404)
        if self.has("download.head-204") and request.method == "HEAD":
            return web.Response(status=204)
        if self.has("expiry.reading-prolongs"):
            file.born = max(file.born, self.now())
        if self.has("expiry.head-prolongs") and request.method == "HEAD":
            file.born = max(file.born, self.now())
        body, mime = file.body, file.mime
        if file.old is not None and self.now() < file.old[2]:
            body, mime = file.old[0], file.old[1]
        if self.has("overwrite.cached-once-read"):
            body = file.cached = body if file.cached is None else file.cached
        ended = file.before is not None and self.now() > file.first + self.life(file)
        if self.has("overwrite.first-bytes-at-their-end") and file.uploads == 2 and ended:
            body = file.before.body if file.before else body
        if self.has("download.cache-shared-by-accounts"):
            body = self.seen.setdefault((file.folder, file.name), body)
        former = file.before.body if file.before is not None and file.before.reads else b""
        short = 8 < len(former) < 16 and len(former) == len(body)
        if (
            self.has("overwrite.short-is-cached")
            and short
            and "If-None-Match" not in request.headers
        ):
            body = former
        if self.has("overwrite.fetched-link-is-frozen") and file.fetched is not None:
            body = file.fetched
        unknown = mime == "application/octet-stream" and len(body) < EDGE
        if self.has("stability.even-reads-empty") and unknown and file.reads % 2 == 0:
            body = b""
        if self.has("download.second-read-differs") and file.reads == 2:
            body = body[::-1]
        if self.has("stability.fifth-read-empty") and file.reads >= 5:
            body = b""
        if self.has("stability.tenth-read-gone") and file.reads >= 10:
            return self.missing(404)
        if self.has("download.large-cut") and len(body) > EDGE:
            body = body[:-1]
        if self.has("download.above-1-mib-padded") and len(body) > MIB:
            body += b"\0" * (-len(body) % 4096)
        if self.has("download.text-ends-with-newline") and mime.startswith("text/"):
            body = body if body.endswith(b"\n") else body + b"\n"
        if self.has("download.type-always-octet-stream"):
            mime = "application/octet-stream"
        if self.has("download.type-by-name"):
            mime = TYPES.guess_type("x" + suffix_of(file.name).lower())[0] or "text/plain"
        if self.has("download.text-as-html") and mime == "text/plain":
            mime = "text/html"
        if self.has("download.html-as-text") and mime == "text/html":
            mime = "text/plain"
        if self.has("download.image-jpg") and mime == "image/jpeg":
            mime = "image/jpg"
        return self.send(file, body, mime, request)

    def send(
        self, file: File, body: bytes, mime: str, request: web.BaseRequest
    ) -> web.StreamResponse:
        modified = datetime.fromtimestamp(int(file.born), UTC)
        etag = file.etag or self.etag(body)
        headers = {
            "Content-Type": mime,
            "Cache-Control": "public, max-age=86400",
            "ETag": etag,
            "Last-Modified": format_datetime(modified, usegmt=True),
        }
        if self.has("download.cache-header-missing"):
            del headers["Cache-Control"]
        if self.has("download.head-has-no-length") and request.method == "HEAD":
            return web.Response(headers=headers)
        if not self.ways.ranges:
            return web.Response(body=body, headers=headers)
        headers["Accept-Ranges"] = "bytes"
        if self.unchanged(request, etag, modified):
            return web.Response(status=304, headers={"ETag": etag})
        condition = request.headers.get("If-Range")
        if condition not in {None, etag, headers["Last-Modified"]} and not self.has(
            "download.if-range-ignored"
        ):
            return web.Response(body=body, headers=headers)
        found = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("Range", ""))
        if found is None or not (found[1] or found[2]) or request.method != "GET":
            return web.Response(body=body, headers=headers)
        size = len(body)
        if found[1]:
            first, last = int(found[1]), min(int(found[2] or size - 1), size - 1)
            if found[2] and int(found[2]) < first:
                return web.Response(body=body, headers=headers)
        else:
            first, last = max(0, size - int(found[2])), size - 1
            if self.has("download.range-of-the-end-wrong"):
                first, last = 0, min(int(found[2]), size) - 1
        if self.has("download.range-open-end-short") and not found[2]:
            last -= 1
        if self.has("download.range-end-exclusive") and found[1] and found[2] and last > first:
            last -= 1
        if first > last:
            if self.has("download.range-beyond-is-empty"):
                return web.Response(status=206, headers=headers)
            raise Refused(416, "range", Content_Range=f"bytes */{size}")
        if self.has("download.open-range-in-200") and found[1] and not found[2]:
            return web.Response(body=body[first : last + 1], headers=headers)
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        return web.Response(status=206, body=body[first : last + 1], headers=headers)

    def unchanged(self, request: web.BaseRequest, etag: str, modified: datetime) -> bool:
        given = request.headers.get("If-None-Match")
        if given is not None:
            tags = [tag.strip().removeprefix("W/") for tag in given.split(",")]
            return "*" in tags or etag in tags
        try:
            since = parsedate_to_datetime(request.headers.get("If-Modified-Since", ""))
        except ValueError:
            return False
        return since.tzinfo is not None and modified <= since

    # --- one request -----------------------------------------------------------------------

    async def answer(self, request: web.BaseRequest, side: str) -> web.StreamResponse:
        target = request.raw_path
        path = urlsplit(target).path if "://" in target[:8] else re.split(r"[?#]", target)[0]
        link = unquote(path.removeprefix("/"))
        if self.has("download.plus-becomes-space"):
            link = unquote_plus(path.removeprefix("/"))
        if self.ways.clock and side == "uploads" and link.startswith("__mockkie/clock"):
            return await self.clock(request, link)
        self.requests += 1
        self.sweep()
        if self.ways.rate_limit and self.requests % self.ways.rate_limit == 0:
            await request.content.read()
            raise Refused(429, "rate", Retry_After="1")
        method = request.method
        route = ROUTES.get(path) if side == "uploads" else None
        if route is not None:
            if method == "POST" or (self.has("method.put-uploads") and method == "PUT"):
                return await self.upload(route, request)
            preflight = "Access-Control-Request-Method" in request.headers
            if method == "OPTIONS" and preflight and self.ways.cors:
                allowed = {
                    "Access-Control-Allow-Methods": "POST",
                    "Access-Control-Allow-Headers": "Authorization, Content-Type",
                }
                return web.Response(status=204, headers=allowed)
            await request.content.read()
            if self.has("method.get-is-500") and method == "GET":
                raise Refused(500, "internal")
            if self.has("method.get-is-200") and method == "GET":
                return self.envelope(200, {"success": True, "code": 200, "msg": self.text("ok")})
            if self.has("method.delete-is-400") and method == "DELETE":
                raise Refused(400, "malformed")
            if self.has("method.patch-is-500") and method == "PATCH":
                raise Refused(500, "internal")
            raise Refused(405, "method", Allow="POST")
        await request.content.read()
        downloads = side == "downloads" or not self.ways.download_port
        if method in {"GET", "HEAD"} and link in SAMPLES:
            return self.download(link, request)
        if downloads and method in {"GET", "HEAD"} and link and not link.startswith("api/"):
            return self.download(link, request)
        if self.has("method.delete-deletes") and method == "DELETE" and link in self.files:
            del self.files[link]
            return self.envelope(200, {"success": True, "code": 200, "msg": self.text("ok")})
        if self.has("method.post-reads-links") and method == "POST" and link in self.files:
            return self.download(link, request)
        if self.has("envelope.unknown-route-is-200"):
            return self.envelope(200, {"success": True, "code": 200, "msg": self.text("ok")})
        raise Refused(404, "route")

    async def handle(self, request: web.BaseRequest, side: str) -> web.StreamResponse:
        try:
            response = await self.answer(request, side)
        except Refused as refused:
            response = self.refuse(refused)
        if self.ways.cors and (ROUTES.get(request.raw_path.partition("?")[0]) is not None):
            response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Date"] = format_datetime(
            datetime.fromtimestamp(int(self.now()), UTC), usegmt=True
        )
        if self.ways.close_connections:
            response.force_close()
        return response


@dataclass
class _Loop:
    """The thread that the server lives in."""

    ready: threading.Event = field(default_factory=threading.Event)
    loop: asyncio.AbstractEventLoop | None = None
    stop: asyncio.Event | None = None
    trouble: BaseException | None = None


async def _serve(service: Service, port: int, state: _Loop) -> None:
    state.loop, state.stop = asyncio.get_running_loop(), asyncio.Event()
    sides = ["uploads", "downloads"] if service.ways.download_port else ["uploads"]
    runners, origins = [], []
    try:
        for side in sides:
            runner = web.ServerRunner(
                web.Server(partial(service.handle, side=side)), shutdown_timeout=0.1
            )
            runners.append(runner)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", port if side == "uploads" else 0)
            await site.start()
            origins.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        service.uploads_at, service.downloads_at = origins[0], origins[-1]
        state.ready.set()
        await state.stop.wait()
    finally:
        for runner in runners:
            await runner.cleanup()


@contextmanager
def foreign(
    ways: Ways = FAITHFUL["plain"],
    bug: str | None = None,
    keys: tuple[str, ...] = ("kie-mock-key", "kie-other-key"),
    retention_seconds: int = 3 * DAY,
    port: int = 0,
) -> Iterator[Foreign]:
    """Run one server in a thread, on free ports of 127.0.0.1."""
    if bug is not None and bug not in BUGS:
        raise ValueError(f"no such bug: {bug}")
    service = Service(ways, bug, keys, retention_seconds)
    state = _Loop()

    def live() -> None:
        try:
            asyncio.run(_serve(service, port, state))
        except BaseException as error:  # noqa: BLE001 - it is raised again in the caller's thread
            state.trouble = error
        finally:
            state.ready.set()

    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    state.ready.wait()
    if state.trouble is not None:
        raise state.trouble
    try:
        yield Foreign(service.uploads_at, keys, service.downloads_at)
    finally:
        if state.loop is not None and state.stop is not None:
            state.loop.call_soon_threadsafe(state.stop.set)
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description="The same API on another stack.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--bug", choices=sorted(BUGS), metavar="NAME")
    parser.add_argument("--ways", choices=sorted(FAITHFUL), metavar="NAME", default="plain")
    parser.add_argument("--clock", action="store_true", help="offer the clock protocol as well")
    parser.add_argument("--list", action="store_true", help="print the names of ways and bugs")
    given = parser.parse_args()
    if given.list:
        for name in FAITHFUL:
            print(f"ways {name}")  # noqa: T201 - a command prints
        for name, says in BUGS.items():
            print(f"bug {name}: {says}")  # noqa: T201 - a command prints
        return
    ways = FAITHFUL[given.ways]
    if given.clock:
        ways = replace(ways, clock=True)
    with (
        foreign(ways, given.bug, port=given.port) as server,
        contextlib.suppress(KeyboardInterrupt),
    ):
        print(server.url, flush=True)  # noqa: T201 - a command prints
        threading.Event().wait()


if __name__ == "__main__":
    main()
