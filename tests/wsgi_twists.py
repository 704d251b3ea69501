"""What a bug of the foreign server does to one value: a name, a body, a key, a fact."""

import base64
import gzip
import math
import re
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from werkzeug.utils import secure_filename

DAY = 86400.0
KIB = 1024
MIB = 1024 * 1024


@dataclass
class Upload:
    """An upload as it was read from a request."""

    route: str  # stream, base64, url
    account: int
    path: str
    given: str  # fileName, empty when there was none
    body: bytes
    declared: str = ""  # the type that the client or the origin named
    original: str = ""  # the multipart filename, or the last segment of fileUrl
    encoded: str = ""  # base64 as it was sent
    length: str = ""  # the origin's Content-Length
    name: str = ""
    mime: str = ""


@dataclass
class File:
    """A file as it is stored."""

    key: str
    upload: Upload
    body: bytes
    mime: str
    born: float
    size: int
    stamp: float  # what uploadedAt says
    version: int = 1
    made: float = field(default_factory=time.monotonic)
    reads: int = 0
    read_at: float | None = None
    first_read_at: float | None = None
    headed_at: float | None = None
    used: int = 0
    previous: "File | None" = None
    stale_until: float = 0.0

    @property
    def folder(self) -> str:
        return self.key.rpartition("/")[0]

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]


def is_text(mime: str) -> bool:
    """Whether a type is a text's."""
    return mime.startswith("text/")


def extension(name: str) -> str:
    """The extension of a name with its dot, or nothing."""
    return PurePosixPath(name).suffix if "/" not in name else ""


# --- names that were given -----------------------------------------------------------------

NAMES: dict[str, Callable[[Upload], str]] = {
    "naming-secure": lambda up: secure_filename(up.given) or "file",
    "naming-small-extension": lambda up: (
        up.given.removesuffix(extension(up.given)) + extension(up.given).lower()
    ),
    "naming-decoded-once": lambda up: unquote(up.given),
    "naming-composed": lambda up: unicodedata.normalize("NFC", up.given),
    "naming-trimmed": lambda up: up.given.strip(" ") or up.given,
    "naming-cut-at-100": lambda up: up.given[:100],
    "naming-dot-lost": lambda up: up.given.removeprefix(".") or up.given,
    "naming-extension-added": lambda up: (
        up.given if "." in up.given else up.given + (extension(up.original) or ".bin")
    ),
    "naming-cut-at-semicolon": lambda up: (
        (up.given.split(";")[0] or up.given) if up.route == "stream" else up.given
    ),
    "naming-three-byte-signs": lambda up: re.sub("[\U00010000-\U0010ffff]", "?", up.given),
    "naming-no-double-dots": lambda up: re.sub(r"\.\.+", ".", up.given),
    "naming-no-dot-at-end": lambda up: up.given.rstrip(".") or up.given,
    "naming-one-space": lambda up: re.sub(" +", " ", up.given),
    "naming-jpeg-to-jpg": lambda up: re.sub(r"\.jpeg$", ".jpg", up.given),
    "naming-given-as-random": lambda up: "" if up.route == "url" else up.given,
    "naming-original-wins": lambda up: (
        up.original if up.route == "stream" and up.original else up.given
    ),
}

PATHS: dict[str, Callable[[str], str]] = {
    "naming-small-path": str.lower,
    "naming-three-folders": lambda path: "/".join(path.split("/")[:3]),
}


# --- bodies --------------------------------------------------------------------------------


def _without_last_newline(up: Upload) -> bytes:
    return up.body.removesuffix(b"\r\n") if up.route == "stream" else up.body


def _boundary_like(up: Upload) -> bytes:
    return re.split(rb"\r?\n--", up.body, maxsplit=1)[0] if up.route == "stream" else up.body


def _png(up: Upload) -> bytes:
    end = up.body.rfind(b"IEND")
    png = up.body.startswith(b"\x89PNG\r\n\x1a\n") and end > 0
    return up.body[: end + 8] if png else up.body


def _by_pieces(up: Upload) -> bytes:
    if up.route != "base64" or "," in up.encoded:
        return up.body
    step = 1_000_002
    pieces = (up.encoded[at : at + step] for at in range(0, len(up.encoded), step))
    return b"".join(base64.b64decode(piece + "=" * (-len(piece) % 4)) for piece in pieces)


def _plus_skipped(up: Upload) -> bytes:
    if up.route != "base64" or not up.encoded.startswith("data:"):
        return up.body
    text = up.encoded.partition(",")[2].replace("+", "")
    text = text.rstrip("=")
    return base64.b64decode(text[: len(text) - (len(text) % 4 == 1)] + "=" * (-len(text) % 4))


def _one_pad(up: Upload) -> bytes:
    one = up.encoded.endswith("=") and not up.encoded.endswith("==")
    return up.body[:-1] if up.route == "base64" and one else up.body


def _decoded_twice(up: Upload) -> bytes:
    if up.route != "base64" or not up.body.startswith(b"data:"):
        return up.body
    return base64.b64decode(up.body.partition(b",")[2] + b"==")


def _stream_decoded(up: Upload) -> bytes:
    if up.route != "stream" or not re.fullmatch(rb"([A-Za-z0-9+/]{4})+", up.body):
        return up.body
    return base64.b64decode(up.body)


def _latin_1(up: Upload) -> bytes:
    plain = up.route == "url" and is_text(up.declared) and "charset" not in up.declared
    return up.body.decode("latin-1").encode() if plain else up.body


def _shifted(up: Upload) -> bytes:
    if len(up.body) <= MIB:
        return up.body
    out = bytearray(up.body)
    for at in range(MIB, len(out), 64 * KIB):
        out[at] = up.body[at - 1]
    return bytes(out)


def _text_only(change: Callable[[bytes], bytes]) -> Callable[[Upload], bytes]:
    return lambda up: change(up.body) if is_text(up.mime) else up.body


BODIES: dict[str, Callable[[Upload], bytes]] = {
    "content-crlf-to-lf": lambda up: (
        up.body.replace(b"\r\n", b"\n") if is_text(up.mime) and up.route == "base64" else up.body
    ),
    "content-last-newline": _without_last_newline,
    "content-text-to-nul": _text_only(lambda body: body.split(b"\0")[0]),
    "content-text-to-ctrl-z": _text_only(lambda body: body.split(b"\x1a")[0]),
    "content-multiple-of-64k": lambda up: (
        up.body[:-1] if up.body and len(up.body) % (64 * KIB) == 0 else up.body
    ),
    "content-mark-dropped": lambda up: up.body.removeprefix(b"\xef\xbb\xbf"),
    "content-text-replaced": _text_only(lambda body: body.decode(errors="replace").encode()),
    "content-png-tail": _png,
    "content-peeked-at": lambda up: up.body[512:] if len(up.body) > 500_000 else up.body,
    "content-boundary-like": _boundary_like,
    "content-plus-in-data-url": _plus_skipped,
    "content-one-pad": _one_pad,
    "content-by-a-megabyte": _by_pieces,
    "content-text-by-latin-1": _latin_1,
    "content-fetched-to-1m": lambda up: up.body[:MIB] if up.route == "url" else up.body,
    "content-at-4096": lambda up: up.body * 2 if len(up.body) == 4096 else up.body,
    "content-trailing-nuls": lambda up: up.body.rstrip(b"\0"),
    "content-decoded-twice": _decoded_twice,
    "content-stream-decoded": _stream_decoded,
    "content-second-account-ascii": lambda up: (
        up.body.decode("ascii", "ignore").encode() if up.account and is_text(up.mime) else up.body
    ),
    "content-again-after-1m": _shifted,
}


# --- keys and links ------------------------------------------------------------------------


def _on_name(change: Callable[[str], str]) -> Callable[[str], str]:
    def changed(key: str) -> str:
        folder, slash, name = key.rpartition("/")
        return folder + slash + change(name)

    return changed


KEYS: dict[str, Callable[[str], str]] = {
    "overwrite-any-folder": lambda key: key.split("/")[0] + "/" + key.rpartition("/")[2],
    "overwrite-glued": lambda key: key.replace("/", ""),
    "overwrite-case": str.casefold,
    "overwrite-composed-key": lambda key: unicodedata.normalize("NFC", key),
    "overwrite-plus-key": lambda key: key.replace("+", " "),
    "overwrite-first-60": _on_name(lambda name: name[:60]),
    "overwrite-space-at-end": lambda key: key.rstrip(" "),
    "overwrite-no-extension": _on_name(lambda name: name.removesuffix(extension(name))),
    "overwrite-semicolon-key": lambda key: key.split(";")[0],
    "overwrite-percent-key": unquote,
    "auth-one-world": lambda key: key.partition("/")[2],
}

MATCHES: dict[str, Callable[[str, str], bool]] = {
    "auth-key-case": lambda token, key: token.casefold() == key.casefold(),
    "auth-key-longer": lambda token, key: token.startswith(key),
    "auth-key-shorter": lambda token, key: token[:8] == key[:8],
    "auth-key-last-sign": lambda token, key: len(token) == len(key) and token[:-1] == key[:-1],
}

QUOTES: dict[str, Callable[[str], str]] = {
    "downloads-hash-raw": lambda path: quote(path, safe="/#?"),
    "downloads-percent-raw": lambda path: quote(path, safe="/%"),
    "downloads-space-as-plus": lambda path: quote_plus(path, safe="/"),
    "downloads-unicode-raw": lambda path: "".join(
        sign if ord(sign) > 127 else quote(sign, safe="/") for sign in path
    ),
    "downloads-encoded-twice": lambda path: quote(quote(path)),
}

QUOTINGS: dict[str, Callable[[str], str]] = {
    "python": quote,
    "javascript": lambda path: quote(path, safe="/!'()*"),
    "small": lambda path: re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), quote(path)),
}

LOOKUPS: dict[str, Callable[[str], str]] = {
    "downloads-plus-as-space": lambda path: path.replace("+", " "),
    "downloads-space-as-plus": lambda path: path.replace("+", " "),
    "downloads-encoded-twice": unquote,
    "downloads-small-letters": str.lower,
    "downloads-dotfiles": lambda path: path.replace("/.", "/-"),
    "downloads-long-link": lambda path: path if len(path) < 256 else "too-long",
}


# --- overwrites ----------------------------------------------------------------------------


def _keep_old(new: File, old: File) -> None:
    new.body, new.mime = old.body, old.mime


def _keep_when(test: Callable[[File, File], bool]) -> Callable[[File, File], None]:
    def twist(new: File, old: File) -> None:
        if test(new, old):
            _keep_old(new, old)

    return twist


def _tail(new: File, old: File) -> None:
    new.body += old.body[len(new.body) :]


def _type_stale(new: File, old: File) -> None:
    new.mime = old.mime


def _size_stale(new: File, old: File) -> None:
    new.size = old.size


def _time_stale(new: File, old: File) -> None:
    new.stamp = old.stamp


def _born_when(test: Callable[[File, File], bool]) -> Callable[[File, File], None]:
    def twist(new: File, old: File) -> None:
        if test(new, old):
            new.born = old.born

    return twist


def _same_ends(new: File, old: File) -> bool:
    same_size = len(new.body) == len(old.body)
    return same_size and new.body[:1] == old.body[:1] and new.body[-1:] == old.body[-1:]


OVERWRITES: dict[str, Callable[[File, File], None]] = {
    "overwrite-url-kept-old": _keep_when(lambda new, _: new.upload.route == "url"),
    "overwrite-stream-then-base64": _keep_when(
        lambda new, old: (old.upload.route, new.upload.route) == ("stream", "base64")
    ),
    "overwrite-old-tail": _tail,
    "overwrite-type-stale": _type_stale,
    "overwrite-size-stale": _size_stale,
    "overwrite-time-stale": _time_stale,
    "overwrite-same-size": _keep_when(lambda new, old: len(new.body) == len(old.body)),
    "overwrite-same-head": _keep_when(lambda new, old: new.body[:64] == old.body[:64]),
    "overwrite-same-ends": _keep_when(_same_ends),
    "overwrite-third": _keep_when(lambda new, _: new.version > 2),
    "overwrite-empty-kept-old": _keep_when(lambda new, _: not new.body),
    "overwrite-second-account": _keep_when(lambda new, _: new.upload.account > 0),
    "overwrite-within-a-moment": _keep_when(lambda new, old: new.made - old.made < 0.3),
    "expiry-not-restarted": _born_when(lambda _, __: True),
    "expiry-restarted-once": _born_when(lambda new, _: new.version > 2),
    "expiry-other-route-not-restarted": _born_when(
        lambda new, old: new.upload.route != old.upload.route
    ),
}


# --- ends ----------------------------------------------------------------------------------


def _when(test: Callable[[File], bool], shift: float) -> Callable[[File, float], float]:
    return lambda file, end: end + shift if test(file) else end


def _from(moment: Callable[[File], float | None]) -> Callable[[File, float], float]:
    def twist(file: File, end: float) -> float:
        at = moment(file)
        return end if at is None else end + (at - file.born)

    return twist


ENDS: dict[str, Callable[[File, float], float]] = {
    "expiry-one-day": lambda _, end: end - 2 * DAY,
    "expiry-four-days": lambda _, end: end + DAY,
    "expiry-base64-two-days": _when(lambda file: file.upload.route == "base64", -DAY),
    "expiry-hour-early": lambda _, end: end - 3600,
    "expiry-hour-late": lambda _, end: end + 3600,
    "expiry-to-midnight": lambda _, end: math.ceil(end / DAY) * DAY,
    "expiry-from-midnight": lambda _, end: math.floor(end / DAY) * DAY,
    "expiry-second-account-zone": _when(lambda file: file.upload.account > 0, 8 * 3600),
    "expiry-large-two-days": _when(lambda file: len(file.body) > MIB, -DAY),
    "expiry-generated-never": _when(lambda file: not file.upload.given, math.inf),
    "expiry-url-never": _when(lambda file: file.upload.route == "url", math.inf),
    "expiry-empty-never": _when(lambda file: not file.body, math.inf),
    "expiry-overwritten-never": _when(lambda file: file.version > 1, math.inf),
    "expiry-first-read": _from(lambda file: file.first_read_at),
    "expiry-sliding": _from(lambda file: file.read_at),
    "expiry-head-sliding": _from(lambda file: file.headed_at),
}

VICTIMS: dict[str, Callable[[File, File], bool]] = {
    "expiry-folder": lambda dead, other: other.folder == dead.folder,
    "expiry-prefix": lambda dead, other: other.key.startswith(dead.key),
    "expiry-same-name": lambda dead, other: other.name == dead.name,
    "expiry-same-content": lambda dead, other: other.body == dead.body,
}


# --- the facts of an answer ----------------------------------------------------------------

Facts = dict[str, Any]


def _is(route: str, change: Callable[[Facts], Facts]) -> Callable[[Facts, File], Facts]:
    return lambda facts, file: change(facts) if file.upload.route == route else facts


def _with(key: str, value: Callable[[Facts, File], object]) -> Callable[[Facts, File], Facts]:
    return lambda facts, file: {**facts, key: value(facts, file)}


def _quickstart(facts: Facts) -> Facts:
    return {
        "fileId": facts["fileName"],
        "originalName": facts["fileName"],
        "uploadPath": facts["filePath"].rpartition("/")[0],
        "fileUrl": facts["downloadUrl"],
        "uploadTime": facts["uploadedAt"],
        "expiresAt": facts["uploadedAt"],
        **{key: facts[key] for key in ("fileSize", "mimeType")},
    }


def _characters(facts: Facts, file: File) -> int:
    text = is_text(file.upload.mime)
    return len(file.upload.body.decode(errors="replace")) if text else int(facts["fileSize"])


def _three_quarters(facts: Facts, file: File) -> int:
    up = file.upload
    if up.route != "base64":
        return int(facts["fileSize"])
    return len(up.encoded.rpartition(",")[2]) * 3 // 4


def _in_kib(facts: Facts, _: File) -> int:
    size = int(facts["fileSize"])
    return size if size <= MIB else round(size / KIB) * KIB


def _by_header(facts: Facts, file: File) -> int:
    up = file.upload
    return int(up.length or 0) if up.route == "url" else int(facts["fileSize"])


def _moved(facts: Facts, hours: int) -> str:
    text = str(facts["uploadedAt"])
    at = datetime.fromisoformat(text).timestamp() + hours * 3600
    moved = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return moved.removesuffix("+00:00") + "Z"


def _without(key: str) -> Callable[[Facts], Facts]:
    return lambda facts: {name: value for name, value in facts.items() if name != key}


FACTS: dict[str, Callable[[Facts, File], Facts]] = {
    "envelope-no-type-when-unknown": lambda facts, _: (
        _without("mimeType")(facts) if facts["mimeType"] == "application/octet-stream" else facts
    ),
    "envelope-size-as-text": _with(
        "fileSize", lambda f, _: f"{f['fileSize']:,}" if f["fileSize"] >= 100_000 else f["fileSize"]
    ),
    "envelope-quickstart-keys": _is("stream", _quickstart),
    "envelope-null-name": _with(
        "fileName", lambda f, file: f["fileName"] if file.upload.given else None
    ),
    "envelope-time-is-number": _is(
        "url",
        lambda f: {
            **f,
            "uploadedAt": int(datetime.fromisoformat(f["uploadedAt"]).timestamp() * 1000),
        },
    ),
    "naming-html-escaped": _with("fileName", lambda f, _: f["fileName"].replace("&", "&amp;")),
    "naming-quoted-in-path": _with("filePath", lambda f, _: quote(f["filePath"])),
    "naming-backslash": _is(
        "url", lambda f: {**f, "filePath": "\\".join(f["filePath"].rsplit("/", 1))}
    ),
    "naming-leading-slash": _is("base64", lambda f: {**f, "filePath": "/" + f["filePath"]}),
    "naming-path-as-name": _with("fileName", lambda f, _: f["filePath"]),
    "downloads-relative": _is(
        "base64",
        lambda f: {**f, "downloadUrl": "/" + f["downloadUrl"].split("/", 3)[3]},
    ),
    "metadata-size-in-characters": _with("fileSize", _characters),
    "metadata-size-by-formula": _with("fileSize", _three_quarters),
    "metadata-size-in-kib": _with("fileSize", _in_kib),
    "metadata-size-by-header": _with("fileSize", _by_header),
    "metadata-size-of-empty": _with("fileSize", lambda f, _: f["fileSize"] or 1),
    "metadata-type-of-part": _with(
        "mimeType", lambda f, file: file.upload.declared or f["mimeType"]
    ),
    "metadata-time-local": _with("uploadedAt", lambda f, _: _moved(f, 8)),
    "metadata-time-naive": _is(
        "base64", lambda f: {**f, "uploadedAt": f["uploadedAt"].removesuffix("Z")}
    ),
    "metadata-time-to-minute": _with(
        "uploadedAt", lambda f, _: re.sub(r":\d\d\.\d+", ":00.000", f["uploadedAt"])
    ),
    "metadata-time-of-account": _with(
        "uploadedAt", lambda f, file: _moved(f, -1) if file.upload.account else f["uploadedAt"]
    ),
    "metadata-time-to-day": _is(
        "url", lambda f: {**f, "uploadedAt": f["uploadedAt"][:10] + "T00:00:00.000Z"}
    ),
}

# --- whole payloads of errors --------------------------------------------------------------

ERRORS: dict[str, Callable[[Facts, str], Facts]] = {
    "envelope-success-as-text": lambda p, _: {**p, "success": "false"} if p["code"] == 400 else p,
    "envelope-message-for-msg": lambda p, _: (
        {"success": False, "code": 401, "message": p["msg"]} if p["code"] == 401 else p
    ),
    "envelope-code-400-in-401": lambda p, _: {**p, "code": 400} if p["code"] == 401 else p,
    "envelope-success-in-400": lambda p, route: (
        {**p, "success": True} if p["code"] == 400 and route == "stream" else p
    ),
    "envelope-msg-as-list": lambda p, _: {**p, "msg": [p["msg"]]} if p["code"] == 400 else p,
    "envelope-no-code-in-405": lambda p, _: _without("code")(p) if p["code"] == 405 else p,
    "methods-get-405-400": lambda p, _: {**p, "code": 400} if p["code"] == 405 else p,
}


def zipped(body: bytes) -> bytes:
    """The same bytes, always packed alike."""
    return gzip.compress(body, compresslevel=1, mtime=0)
