"""Whole requests to a mock in process: uploads, downloads, control calls, anything."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import orjson
from blake3 import blake3

from reliability.asked import KEY, Asked, Reply
from reliability.target import Check, Target, cut, hold, line_of, split_off, text_of

ROUTES: Final = ("/api/file-stream-upload", "/api/file-base64-upload", "/api/file-url-upload")
METHODS: Final = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "QUERY")
CALLS: Final = (
    *("clock", "clock/advance", "worlds", "worlds/w", "files", "journal", "faults", "faults/f1"),
    *("settings", "reset", "dashboard", "dashboard/files", "origin/files/cat.png", "openapi.json"),
)
ARMING: Final = b"prefer"
"""The header that asks for an answer, a 500 too."""
OK: Final = 200
_REFUSED: Final = range(400, 500)


def judge(reply: Reply) -> None:
    """An answer of the API: no 500, and every refusal in the envelope with a reason."""
    hold(reply.status < 500, reply.status, reply.headers.get("x-mockkie-why"), reply.body)  # noqa: PLR2004 - HTTP
    if reply.status in _REFUSED and reply.body:
        value = reply.json
        hold(value["success"] is False and value["code"] == reply.status, "no envelope", value)
        hold(reply.headers.get("x-mockkie-why"), "no reason", value)


def requests() -> Check:
    """Any request."""
    asked = Asked()
    bearer = (b"authorization", f"Bearer {KEY}".encode())

    def check(data: bytes) -> None:
        how, path, query, name, value, body = split_off(data, 6)
        how = how.ljust(3, b"\0")
        method = METHODS[how[0] % len(METHODS)]
        at = ROUTES[how[1] % 3].encode() if how[1] < 128 else b"/" + _url(path)  # noqa: PLR2004 - a half
        headers = [] if how[2] & 1 else [bearer]
        headers += [(_name(name), line_of(value).encode("latin-1"))] if name else []
        kind = (b"application/json", b"multipart/form-data; boundary=b")[how[2] >> 1 & 1]
        headers += [] if how[2] & 4 else [(b"content-type", kind)]
        asked.begin()
        before = len(asked.files())
        if at.startswith(b"/__mockkie") or name == b"x-mockkie-fault" or b"delay" in value:
            return  # have targets of their own, or take their time
        reply = asked.ask(method, at, headers, cut(body, how[3:]), _url(query))
        armed = ARMING in dict(headers) and reply.status >= 500  # noqa: PLR2004 - HTTP
        if not armed:
            judge(reply)
        kept = reply.status == OK and method == "POST"
        hold(kept or len(asked.files()) <= before, "a file of a refused request")
        asked.judge_journal()

    return check


def _url(data: bytes) -> bytes:
    """What HTTP has in a request line."""
    return bytes(byte for byte in data if 0x21 <= byte < 0x7F and byte not in b"?#")  # noqa: PLR2004 - printable


def _name(data: bytes) -> bytes:
    return bytes(byte for byte in data.lower() if byte in b"abcdefghijklmnopqrstuvwxyz-") or b"x"


def uploads() -> Check:
    """An upload by each way: kept byte for byte at its path, or refused without a trace."""
    asked = Asked()

    def check(data: bytes) -> None:
        _upload(asked, data)

    return check


def _upload(asked: Asked, data: bytes) -> None:
    way, folder, name, content = split_off(data, 4)
    path, file = text_of(folder), text_of(name)
    kind, body = (_json_of if way[:1] < b"\x80" else _form_of)(path, file, content)
    headers = [(b"authorization", f"Bearer {KEY}".encode()), (b"content-type", kind)]
    route = ROUTES[1 if way[:1] < b"\x80" else 0].encode()
    asked.begin()
    before = {one.id for one in asked.files()}
    reply = asked.ask("POST", route, headers, cut(body, way[1:]))
    judge(reply)
    fresh = [one for one in asked.files() if one.id not in before]
    if reply.status != OK:
        hold(not fresh, "a file of a refused upload", path, file)
        return
    told = reply.json["data"]
    hold([one.path for one in fresh] == [told["filePath"]], "not what was told", told)
    hold(told["filePath"] == f"{path}/{told['fileName']}", "another path", told)
    hold(not file or told["fileName"] == file, "another name", told)
    hold(not {"..", ".", ""} & set(path.split("/")), "it climbs", path)
    hold(told["fileSize"] == len(content), "another size", told)
    link = urlsplit(told["downloadUrl"])
    read = asked.ask("GET", link.path.encode(), (), (), b"")
    hold(read.status == OK and read.body == content, "other bytes", read.status)
    hold(read.headers["content-type"] == told["mimeType"], "another type", told)


def _json_of(path: str, name: str, content: bytes) -> tuple[bytes, bytes]:
    import base64  # noqa: PLC0415 - here only

    data = base64.b64encode(content).decode()
    value = {"uploadPath": path, "fileName": name, "base64Data": data}
    return b"application/json", orjson.dumps(
        {k: v for k, v in value.items() if v or k != "fileName"}
    )


def _form_of(path: str, name: str, content: bytes) -> tuple[bytes, bytes]:
    boundary = blake3(content + path.encode() + name.encode()).hexdigest().encode()
    parts = [(b'name="uploadPath"', path.encode()), (b'name="file"; filename="x"', content)]
    parts += [(b'name="fileName"', name.encode())] if name else []
    body = b"".join(
        b"--"
        + boundary
        + b"\r\nContent-Disposition: form-data; "
        + head
        + b"\r\n\r\n"
        + text
        + b"\r\n"
        for head, text in parts
    )
    return b"multipart/form-data; boundary=" + boundary, body + b"--" + boundary + b"--\r\n"


def calls() -> Check:
    """Control calls and the pages of the dashboard."""
    asked = Asked()

    def check(data: bytes) -> None:
        how, rest, query, body = split_off(data, 4)
        how = how.ljust(2, b"\0")
        call = CALLS[how[1] % len(CALLS)]
        if call == "journal" and b"follow" in query:
            return
        asked.begin()
        method = METHODS[how[0] % len(METHODS)]
        path = f"/__mockkie/{call}".encode() + (b"/" + _url(rest) if rest else b"")
        form = b"application/x-www-form-urlencoded" if how[1] & 0x80 else b"application/json"
        reply = asked.ask(method, path, [(b"content-type", form)], cut(body, how[2:]), _url(query))
        hold(reply.status < 500, method, path, reply.status, reply.body)  # noqa: PLR2004 - HTTP
        kind = reply.headers.get("content-type", "")
        if reply.status in _REFUSED and call in CALLS[:9] and reply.body:
            hold(kind == "application/problem+json", kind, reply.body)
            hold(reply.json["status"] == reply.status and reply.json["detail"], reply.body)
        hold(KEY.encode() not in reply.body or call.startswith("worlds"), "the key", path)
        if method not in ("GET", "HEAD", "OPTIONS"):
            asked.ask("POST", b"/__mockkie/reset")
            asked.ask("DELETE", b"/__mockkie/settings")

    return check


def folders() -> Check:
    """Uploads to a folder: nothing outside of it is touched, and no name of theirs is inside."""
    above = Path(tempfile.mkdtemp(prefix="mockkie-fuzz-"))
    atexit.register(shutil.rmtree, above, ignore_errors=True)
    asked = Asked(data=above / "data")
    asked.begin()
    hold([one.name for one in above.iterdir()] == ["data"], "more than a folder")
    state: dict[str, int] = {}

    def check(data: bytes) -> None:
        _upload(asked, data)
        state["done"] = state.get("done", 0) + 1
        if state["done"] % 50 == 0:
            hold([one.name for one in above.iterdir()] == ["data"], "outside of the folder")
            asked.ask("POST", b"/__mockkie/reset")

    return check


def dated() -> Callable[[bytes], None]:
    """Downloads with conditions and ranges, of one file."""
    asked = Asked()
    content = bytes(range(200))

    def check(data: bytes) -> None:
        way, first, second, third = split_off(data, 4)
        asked.begin()
        if not asked.files():
            body = _json_of("a", "b.bin", content)
            headers = [(b"authorization", f"Bearer {KEY}".encode()), (b"content-type", body[0])]
            told = asked.ask("POST", ROUTES[1].encode(), headers, [body[1]]).json["data"]
            links.append(urlsplit(told["downloadUrl"]).path.encode())
        names = (b"range", b"if-range", b"if-none-match", b"if-modified-since")
        headers = [
            (names[(way[:1] or b"\0")[0] + at & 3], line_of(piece).encode("latin-1"))
            for at, piece in enumerate((first, second, third))
            if piece
        ]
        reply = asked.ask("GET", links[-1], headers)
        hold(reply.status in (200, 206, 304, 416), reply.status)
        if reply.status == 206:  # noqa: PLR2004 - HTTP
            span = reply.headers["content-range"].removeprefix("bytes ").removesuffix("/200")
            start, stop = map(int, span.split("-"))
            hold(reply.body == content[start : stop + 1], "other bytes", span)
        hold(reply.status != OK or reply.body == content, "other bytes")

    links: list[bytes] = []
    return check


HEADERS: Final = (
    *(
        b"|",
        b"authorization|Bearer ",
        b"content-type|",
        b"prefer|code=400",
        b"content-encoding|gzip",
    ),
    *(b"range|bytes=0-1", b"cookie|", b"origin|null", b"expect|"),
    *(b"transfer-encoding|", b"user-agent|", b"--b\r\n", b"\r\n\r\n", b"--b--", b'{"base64Data":"'),
    *(b'"uploadPath":"a"', b'name="file"; filename="x"', b'name="uploadPath"', b"%2e%2e", b"/../"),
)
WHOLE: Final = (
    Target(
        "requests",
        "every request has one answer in the envelope, no 500, no file unless it was kept, and no "
        "key in the journal",
        *(requests, 40, 400, HEADERS),
    ),
    Target(
        "uploads",
        "an upload is read back byte for byte at its own link, or refused without a trace",
        *(uploads, 20, 200, (b"|", b"/", b"..", b"\xc3\xa9", b"\xe2\x80\xae", b"%2F", b"\\")),
    ),
    Target(
        "downloads",
        "a download with conditions and ranges has the bytes that it says",
        *(
            dated,
            40,
            200,
            (b"|", b"bytes=", b"-", b"W/", b'"', b"*", b"Wed, 01 Jan 2025 12:00:00 GMT"),
        ),
    ),
    Target(
        "control",
        "every control call is done or refused as a problem, no 500, and tells no key",
        *(
            calls,
            20,
            300,
            (b"|", b'{"seconds":', b'{"now":"', b'{"frozen":', b'{"then":{"status":500}}'),
        ),
    ),
    Target(
        "folders",
        "an upload to a folder leaves nothing outside of it",
        *(folders, 2, 200, (b"|", b"/", b"..", b"\xc3\xa9", b"\0", b"%2F", b"\\")),
    ),
)
