"""How the foreign server reads a request: who sends it, what is uploaded, and what is refused."""

import base64
import hashlib
import mimetypes
import re
import secrets
import string
import time
import uuid
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from flask import request

from tests.wsgi_store import Case, RefusalError
from tests.wsgi_twists import BODIES, KIB, MATCHES, NAMES, PATHS, Upload, extension

BASE36 = string.digits + string.ascii_lowercase
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
MIME = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
UNKNOWN = "application/octet-stream"
MAGIC = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"%PDF-": "application/pdf",
    b"PK\x03\x04": "application/zip",
    b"\x1f\x8b": "application/gzip",
    b"ID3": "audio/mpeg",
    b"OggS": "audio/ogg",
    b"BM": "image/bmp",
    b"<svg": "image/svg+xml",
}


class MissingFieldError(RefusalError):
    """A required field is not there."""

    def __init__(self, case: Case, name: str) -> None:
        super().__init__(400, case.text("missing", name))


class InvalidFieldError(RefusalError):
    """A field is there, but not as it must be."""

    def __init__(self, case: Case, name: str) -> None:
        super().__init__(400, case.text("invalid", name))


class KeptError(InvalidFieldError):
    """The error of a request before."""


class UndecodableError(RefusalError):
    """What should be base64 is not."""

    def __init__(self, case: Case) -> None:
        super().__init__(400, case.text("base64"))


class UnfetchedError(RefusalError):
    """A fileUrl that could not be fetched."""

    def __init__(self, case: Case) -> None:
        super().__init__(case.ways.failed_fetch, case.text("fetch"))


# --- who ---------------------------------------------------------------------------------------


def account_of(case: Case, route: str) -> int:
    """The account whose key the request carries."""
    header = request.headers.get("Authorization", "")
    found = _watched(case, _doors(case, header, route, _bearer(case, header)))
    if found is None:
        _turn_away(case, header)
        raise RefusalError(401, case.text("key"))
    if case.has("auth-second-as-first") and route == "base64":
        return 0
    return found


def _bearer(case: Case, header: str) -> int | None:
    scheme, _, token = header.partition(" ")
    bearer = scheme == "Bearer" if case.ways.strict else scheme.lower() == "bearer"
    if case.has("auth-scheme-ignored"):
        bearer = True
    return _holder(case, token.strip()) if bearer else None


def _holder(case: Case, token: str) -> int | None:
    if not token:
        return None
    heads: dict[str, int] = case.notes.setdefault("heads", {})
    if token in case.keys:
        account = case.keys.index(token)
        heads[token[:6]] = account
        return account
    if case.has("auth-key-cached-by-head"):
        return heads.get(token[:6])
    if case.bug in MATCHES:
        matches = MATCHES[case.bug]
        return next((at for at, key in enumerate(case.keys) if matches(token, key)), None)
    return None


def _doors(case: Case, header: str, route: str, found: int | None) -> int | None:
    """Ways in for those who have no key."""
    if found is not None:
        return found
    length = request.content_length or 0
    doors = {
        "auth-url-open": not header and route == "url",
        "auth-empty-bearer": header.strip().lower() == "bearer",
        "auth-sticky": not header and "account" in case.notes,
        "auth-large-open": length > 256 * KIB,
        "auth-bare-key": header in case.keys,
    }
    if not doors.get(case.bug or "", False):
        return None
    return int(case.notes.get("account", 0))


def _watched(case: Case, found: int | None) -> int | None:
    """What is remembered of those who came in, and of those who did not."""
    if found is None:
        case.counts["wrong"] += 1
        return None
    wrong, case.counts["wrong"] = case.counts["wrong"], 0
    if case.has("auth-locked-out") and wrong > 1:
        return None
    case.counts[f"uses-{found}"] += 1
    if case.has("stability-worn-key") and case.counts[f"uses-{found}"] > 60:
        return None
    case.notes["account"] = found
    if case.has("stability-accounts-swapped"):
        time.sleep(0.06)
        return int(case.notes["account"])
    return found


def _turn_away(case: Case, header: str) -> None:
    if case.has("auth-non-ascii-key"):
        header.encode("ascii")
    if case.has("auth-wrong-key-403") and header:
        raise RefusalError(403, case.text("key"))
    if case.has("auth-missing-key-400") and not header:
        raise RefusalError(400, case.text("key"))


# --- the three bodies --------------------------------------------------------------------------


def read_stream(case: Case, account: int) -> Upload:
    """Reads the upload of a multipart form."""
    _form_bugs(case)
    file = request.files.get("file")
    if file is None and not case.has("validation-no-file-empty"):
        raise MissingFieldError(case, "file")
    # An upload without a filename is falsy to Werkzeug, but has bytes all the same.
    original = "" if file is None else file.filename or ""
    if case.ways.strict and not original:
        raise MissingFieldError(case, "file")
    fields: dict[str, Any] = dict(request.form)
    for name in ("uploadPath", "fileName"):
        if name in fields and _unseen(case, name):
            del fields[name]
    up = _fields(case, fields, "stream", account)
    if file is not None:
        up.body, up.declared = file.read(), file.mimetype
    up.original = original.replace("\\", "/").rpartition("/")[2]
    return up


def _form_bugs(case: Case) -> None:
    if case.has("methods-quoted-boundary") and 'boundary="' in (request.content_type or ""):
        raise MissingFieldError(case, "file")
    if case.has("methods-chunked") and "chunked" in request.headers.get("Transfer-Encoding", ""):
        raise MissingFieldError(case, "file")
    if case.has("methods-json-to-form-500") and request.is_json:
        raise TypeError(request.mimetype)
    if case.bug in ("validation-order", "validation-name-order"):
        request.get_data(cache=True)


def _unseen(case: Case, name: str) -> bool:
    """Whether a field comes too late for the bug that stops at the file."""
    late = case.has("validation-order")
    if not late and not (name == "fileName" and case.has("validation-name-order")):
        return False
    raw = request.get_data(cache=True)
    return raw.find(f'name="{name}"'.encode()) > raw.find(b'name="file"') >= 0


def read_base64(case: Case, account: int) -> Upload:
    """The upload of a JSON body that holds the file."""
    data = _json(case)
    encoded = _string(case, data, "base64Data")
    if encoded is None and case.has("validation-blank-base64"):
        encoded = "data:,"
    if encoded is None or (not encoded and not case.ways.lax):
        raise MissingFieldError(case, "base64Data")
    up = _fields(case, data, "base64", account)
    up.encoded = encoded
    up.declared, up.body = _decode(case, encoded)
    return up


def read_url(case: Case, account: int) -> Upload:
    """The upload of a JSON body that says where the file is."""
    data = _json(case)
    url = _string(case, data, "fileUrl")
    if not url and case.has("validation-url-remembered"):
        url = case.notes.get("url")
    if not url:
        raise MissingFieldError(case, "fileUrl")
    case.notes["url"] = url
    up = _fields(case, data, "url", account)
    up.original = unquote(_split(case, url)[1].rpartition("/")[2])
    up.declared, up.body, up.length = _fetch(case, url)
    return up


# --- JSON and its fields -----------------------------------------------------------------------


def _json(case: Case) -> dict[str, Any]:
    _json_bugs(case)
    if case.has("methods-form-for-json") and request.form:
        return dict(request.form)
    try:
        data = request.get_json(force=case.ways.lax, silent=True)
    except RecursionError:
        data = None
    if data is None and case.has("validation-bad-json-500"):
        raise ValueError(request.mimetype)
    if not isinstance(data, dict):
        if case.has("validation-list-500") and data is not None:
            raise TypeError(type(data))
        raise InvalidFieldError(case, "body")
    return data


def _json_bugs(case: Case) -> None:
    kind = request.content_type or ""
    if case.has("methods-charset-refused") and "charset" in kind:
        raise InvalidFieldError(case, "Content-Type")
    if case.has("methods-capital-type") and kind != kind.lower():
        raise InvalidFieldError(case, "Content-Type")
    if case.has("methods-form-to-json-500") and "form" in kind:
        raise TypeError(kind)


def _string(case: Case, data: dict[str, Any], name: str) -> str | None:
    """A field's text, None where it is missing or null."""
    value = data.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        _encodable(case, value, name)
        return value
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if case.has("validation-number-path") and name == "uploadPath" and number:
        return str(value)
    if case.has("validation-list-name") and name == "fileName" and isinstance(value, list):
        return "-".join(map(str, value)) or None
    if case.has("validation-number-500") and name == "base64Data":
        raise TypeError(name)
    raise InvalidFieldError(case, name)


def _encodable(case: Case, value: str, name: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidFieldError(case, name) from None


def _fields(case: Case, data: dict[str, Any], route: str, account: int) -> Upload:
    """uploadPath and fileName, which all three routes share."""
    path = _path(case, data, route)
    if case.once("validation-errors-kept", "errors"):
        raise KeptError(case, "uploadPath")
    if case.has("validation-more-fields") and len(data) > 3:
        raise InvalidFieldError(case, "body")
    given = _string(case, data, "fileName")
    if given is None:
        given = _null(case, data, route)
    elif not given and case.ways.strict:
        raise InvalidFieldError(case, "fileName")
    _check_name(case, given)
    return Upload(route, account, path, given, b"")


def _null(case: Case, data: dict[str, Any], route: str) -> str:
    if "fileName" in data and case.has("naming-none"):
        return "None"
    if "fileName" in data and case.has("validation-null-name"):
        raise InvalidFieldError(case, "fileName")
    if route == "stream" and case.has("validation-name-required"):
        raise MissingFieldError(case, "fileName")
    return ""


def _check_name(case: Case, name: str) -> None:
    if name in (".", ".."):
        raise InvalidFieldError(case, "fileName")
    if case.ways.strict and ("/" in name or "\\" in name or CONTROL.search(name)):
        raise InvalidFieldError(case, "fileName")
    suffix = extension(name)
    if name and not suffix and case.has("validation-needs-extension"):
        raise InvalidFieldError(case, "fileName")
    if case.has("validation-known-types-only") and suffix and not mimetypes.guess_type(name)[0]:
        raise InvalidFieldError(case, "fileName")


def _path(case: Case, data: dict[str, Any], route: str) -> str:
    path = _string(case, data, "uploadPath")
    if not path:
        path = _absent(case, data, route)
    case.notes[f"path-{route}"] = path
    if case.has("validation-capitals") and path != path.lower():
        raise InvalidFieldError(case, "uploadPath")
    if case.bug in PATHS:
        path = PATHS[case.bug](path)
    return _tidy(case, path)


def _absent(case: Case, data: dict[str, Any], route: str) -> str:
    if case.has("validation-no-path-500") and route == "base64":
        raise KeyError("uploadPath")
    if case.has("validation-no-path-401") and route == "url":
        raise RefusalError(401, case.text("key"))
    stand_ins = {
        "validation-no-path-default": "uploads" if route == "url" else "",
        "validation-null-path": "None" if "uploadPath" in data else "",
        "validation-path-of-before": case.notes.get("path-stream", "") if route == "stream" else "",
        "validation-path-in-query": request.args.get("uploadPath", ""),
    }
    path = str(stand_ins.get(case.bug or "", ""))
    if not path:
        raise MissingFieldError(case, "uploadPath")
    return path


def _tidy(case: Case, path: str) -> str:
    """uploadPath as this server takes it."""
    ways = case.ways
    if ways.slashes == "refused" and path != path.strip("/"):
        raise InvalidFieldError(case, "uploadPath")
    if ways.slashes == "trimmed":
        path = path.strip("/")
    parts = path.split("/")
    inner = [part for part in parts if part not in ("", ".", "..")]
    if ways.odd_paths == "refused" and len(inner) < len(parts):
        raise InvalidFieldError(case, "uploadPath")
    if ways.odd_paths == "cleaned":
        path = "/".join(inner)
    if ways.strict and (CONTROL.search(path) or len(path) > KIB or not path.strip()):
        raise InvalidFieldError(case, "uploadPath")
    if not inner and not ways.lax:
        raise MissingFieldError(case, "uploadPath")
    return path


# --- base64 ------------------------------------------------------------------------------------


def _decode(case: Case, text: str) -> tuple[str, bytes]:
    """The type that a data: URL names, and the bytes."""
    declared = ""
    if case.has("content-empty-refused") and not text.rpartition(",")[2]:
        raise UndecodableError(case)
    if case.has("validation-base64-at-1m") and len(text) > 1_000_000:
        raise UndecodableError(case)
    if text.startswith("data:"):
        head, comma, text = text.partition(",")
        declared = head.removeprefix("data:").split(";")[0]
        _data_url_bugs(case, head)
        if not comma and not case.has("validation-no-comma"):
            raise UndecodableError(case)
    if case.ways.lax:
        text = text.replace("-", "+").replace("_", "/")
    if not case.ways.strict:
        text = "".join(text.split())
    return declared, _bytes(case, text)


def _data_url_bugs(case: Case, head: str) -> None:
    if case.has("content-data-url-charset") and "charset" in head:
        raise UndecodableError(case)
    if case.has("content-no-data-url-type") and "/" not in head:
        raise UndecodableError(case)


def _bytes(case: Case, text: str) -> bytes:
    if case.has("validation-lenient-base64"):
        text = re.sub("[^A-Za-z0-9+/]", "", text)
        text = text[: len(text) - (len(text) % 4 == 1)]
    bare = text.rstrip("=")
    if case.has("validation-short-base64") and len(bare) % 4 == 1:
        text = bare[:-1]
    if case.ways.lax or case.bug in ("validation-lenient-base64", "validation-short-base64"):
        text += "=" * (-len(text) % 4)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise UndecodableError(case) from None


# --- the origin --------------------------------------------------------------------------------


def _split(case: Case, url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise InvalidFieldError(case, "fileUrl") from None
    usable = parts.scheme in ("http", "https") and parts.netloc
    if not usable and not case.has("validation-url-scheme"):
        raise InvalidFieldError(case, "fileUrl")
    return parts.scheme, parts.path


def _fetch(case: Case, url: str) -> tuple[str, bytes, str]:
    """The origin's type, bytes and Content-Length."""
    if case.has("validation-url-scheme") and not url.startswith("http"):
        return "text/plain", url.encode(), ""
    if case.has("content-query-dropped"):
        url = url.partition("?")[0]
    known: dict[str, tuple[str, bytes, str]] = case.notes.setdefault("fetched", {})
    if case.has("content-fetched-once") and url in known:
        return known[url]
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.get(url, timeout=30)
            if not case.has("content-error-page-stored"):
                answer.raise_for_status()
        except (requests.RequestException, ValueError):
            raise UnfetchedError(case) from None
    declared = answer.headers.get("Content-Type", "")
    if not case.has("content-text-by-latin-1"):
        declared = declared.split(";")[0].strip()
    known[url] = declared, answer.content, answer.headers.get("Content-Length", "")
    return known[url]


# --- names and types ---------------------------------------------------------------------------


def settle(case: Case, up: Upload) -> None:
    """Gives an upload its type, its name, and the bytes that will be stored."""
    if case.has("content-empty-refused") and not up.body:
        raise MissingFieldError(case, "file")
    if case.ways.strict and not up.body:
        raise MissingFieldError(case, "file")
    given = NAMES[case.bug](up) if up.given and case.bug in NAMES else up.given
    up.mime = identify(case, given or up.original, up)
    up.name = given or _generate(case, up)
    if case.bug in BODIES:
        up.body = BODIES[case.bug](up)


def identify(case: Case, name: str, up: Upload) -> str:
    """The MIME type of an upload."""
    by_name = mimetypes.guess_type("x" + extension(name))[0]
    if case.has("metadata-type-with-capitals") and extension(name) != extension(name).lower():
        by_name = None
    declared = up.declared.split(";")[0]
    by_client = declared if MIME.fullmatch(declared) and declared != UNKNOWN else None
    order = {
        "extension": (by_name, by_client, sniff(up.body)),
        "content": (sniff(up.body), by_name, by_client),
        "declared": (by_client, by_name, sniff(up.body)),
    }[case.ways.mime]
    found = next((mime for mime in order if mime), None)
    if found is None and case.has("metadata-type-of-before"):
        found = case.notes.get("mime")
    case.notes["mime"] = found
    return found or UNKNOWN


def sniff(body: bytes) -> str | None:
    """The MIME type by content, if that tells."""
    known = next((mime for magic, mime in MAGIC.items() if body.startswith(magic)), None)
    if known or b"\0" in body:
        return known
    try:
        return "text/plain" if body.decode() else None
    except UnicodeDecodeError:
        return None


def _generate(case: Case, up: Upload) -> str:
    suffix = "" if case.ways.extension == "type" else extension(up.original)
    suffix = suffix or mimetypes.guess_extension(up.mime) or ".bin"
    if case.has("naming-no-extension-base64") and up.route == "base64":
        suffix = ""
    if case.has("naming-by-original") and up.route == "stream" and up.original:
        return up.original
    if case.ways.url_names == "url" and up.route == "url" and up.original:
        return up.original
    return _stem(case, up, suffix) + suffix


def _stem(case: Case, up: Upload, suffix: str) -> str:
    now = case.clock.now()
    if case.ways.names == "uuid":
        stem = str(uuid.uuid4())
    elif case.ways.names == "prefixed":
        original = up.original.removesuffix(suffix) or "file"
        stem = f"{secrets.token_hex(5)}-{original[:80]}"
    else:
        stem = f"{int(now * 1000)}-{''.join(secrets.choice(BASE36) for _ in range(11))}"
    if case.has("naming-by-the-second"):
        stem = str(int(now))
    if case.has("naming-by-content"):
        stem = hashlib.sha256(up.body).hexdigest()[:24]
    if case.has("naming-counter-each-route"):
        case.counts[up.route] += 1
        stem = f"{int(case.started * 1000)}-{case.counts[up.route]:09}"
    if case.has("stability-names-race"):
        at = case.counts["race"]
        time.sleep(0.06)
        case.counts["race"] = at + 1
        stem = f"{int(case.started * 1000)}-{at:09}"
    return stem
