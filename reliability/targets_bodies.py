"""What comes in bodies: forms, JSON, base64."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson

from mockkie.build import build_mock
from mockkie.form import Body, FormReader, boundary_of
from mockkie.jsonbody import EncodedText, JsonBodyParser
from mockkie.kie import Runner
from mockkie.media import FORM, MediaType, essence
from mockkie.parts import Part, PartsError, PartsParser, read_head
from mockkie.problems import Problem
from mockkie.settings import Limits
from mockkie.store import Draft
from mockkie.store.memory import MemoryStore
from reliability.target import Check, Target, chunks, cut, hold, line_of, split_off

BOUNDARY: Final = "b"
_run: Final = Runner()  # nothing waits here
HEAD: Final = b'Content-Disposition: form-data; name="'
FORM_WORDS: Final = (
    *(b"--b", b"--b\r\n", b"\r\n--b\r\n", b"\r\n--b--", b"--b--\r\n", b"\r\n\r\n", b"\r\n", b"\n"),
    *(
        b"Content-Disposition: form-data; ",
        b'name="file"',
        b'name="uploadPath"',
        b'name="fileName"',
    ),
    *(b'; filename="a.png"', b"; filename*=UTF-8''%e2%82%ac", b"Content-Type: text/plain\r\n"),
    *(b"Content-Type: image/png; charset=utf-16\r\n", b"Content-Length: 1\r\n", b"; name=x"),
    *(b"Content-Transfer-Encoding: base64\r\n", b"\r\n ", b"%22", b'\\"', b"multipart/mixed"),
)
_LIMIT: Final = 200
_BLANK: Final = re.compile(rb"[ \t\r\n]")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}")

Seen = tuple[Any, ...]


def parts() -> Check:
    """The framing of forms."""

    def check(data: bytes) -> None:
        plan, body = data[:2], data[2:]
        whole = _framed([body])
        hold(whole == _framed(cut(body, plan)), "cut otherwise, it is another form", plan)
        parser = PartsParser(BOUNDARY.encode(), 5)
        found = parser.whole(body)
        if found is not None:
            hold(([*found], None, "") == whole, "at once, it is another form", found, whole)
        else:
            hold(_framed([body], parser) == whole, "what was refused at once left a trace")
        for part, content in whole[0]:
            hold(b"\r\n--b" not in content, "a boundary within a content", content)
            hold(part.length in (None, len(content)), "of another length than it says")

    return check


def _framed(pieces: Iterable[bytes], parser: PartsParser | None = None) -> Seen:
    parser = parser or PartsParser(BOUNDARY.encode(), 5)
    done, part, content = list[tuple[Part, bytes]](), None, b""
    try:
        for piece in pieces:
            for found, data, ends in parser.feed(piece):
                content = content + data if part is found else data
                part = None if ends else found
                if ends:
                    done.append((found, content))
        parser.close()
    except PartsError as error:
        return done, (part, content) if part else None, str(error)
    return done, None, ""


def heads() -> Check:
    """The head of one part."""

    def check(data: bytes) -> None:
        try:
            part = read_head(data)
        except PartsError:
            return
        hold(part.name, "a part without a name")
        hold(b"\n" not in data.replace(b"\r\n", b""), "a lone line feed")
        same = read_head(b"X-Other: 1\r\n" + data) if not b"X-Other" in data else part  # noqa: E713
        hold(same == part, "one header more, and it is another part", same, part)

    return check


def form() -> Check:
    """A form of the contract."""
    media, limits = _media("upload-file-stream"), Limits(field=100, parts=5)

    def read(pieces: Iterable[bytes]) -> Seen:
        return _taken(lambda draft, body: FormReader(media, limits, draft, body), pieces)

    def check(data: bytes) -> None:
        plan, body = data[:2], data[2:]
        whole = read([body])
        hold(whole == read(cut(body, plan)), "cut otherwise, it is another form", plan, whole)
        hold(whole[0] or whole[1].values.keys() <= {*whole[1].values}, "no values")

    return check


def _taken(reader: Callable[[Draft, Body], FormReader], pieces: Iterable[bytes]) -> Seen:
    draft, body = MemoryStore().draft(), Body()
    draft.limit = (200, "the target")
    refused = None
    try:
        _run(reader(draft, body).read(chunks(iter(pieces)), BOUNDARY))
    except Problem as problem:
        refused = (problem.name, problem.why, problem.parameter)
    if refused is not None:  # what came before it is of no account
        return (refused,)
    return refused, body, draft.size, draft.digest


def boundaries() -> Check:
    """The `Content-Type` of a form."""
    token = re.compile(r"(?i)multipart/form-data; ?boundary=([0-9a-z'()+_./:?-]{1,70})")

    def check(data: bytes) -> None:
        written = line_of(data)
        essence(written)
        try:
            boundary = boundary_of(written)
        except Problem as problem:
            hold(problem.name == "malformed-body", problem.name)
            hold(token.fullmatch(written) is None, "refused", written)
            return
        hold(0 < len(boundary) <= _LIMIT and boundary.isprintable(), boundary)
        hold(boundary in written.replace("\\", "") or "\\" in written, "not in it", boundary)
        usual = token.fullmatch(written)
        hold(usual is None or usual[1] == boundary, "another one", boundary)

    return check


def json_bodies() -> Check:
    """A JSON body with a streamed member."""

    def read(pieces: Iterable[bytes]) -> Seen:
        parser, content = JsonBodyParser("base64Data", limit=300), b""
        try:
            for piece in pieces:
                content += b"".join(parser.feed(piece))
            return parser.close(), content
        except Problem as problem:
            return problem.name, problem.why, problem.parameter

    def check(data: bytes) -> None:
        plan, body = data[:2], data[2:]
        whole = read([body])
        hold(whole == read(cut(body, plan)), "cut otherwise, it is another body", plan, whole)
        if len(whole) == 2:  # noqa: PLR2004 - an object, and what was decoded
            _compare(body, *whole)
        else:
            hold(whole[0] in ("malformed-body", "invalid-base64"), whole)

    return check


def _compare(body: bytes, found: dict[str, Any], content: bytes) -> None:
    known = orjson.loads(body)
    given = known.get("base64Data")
    if isinstance(given, str):
        text = found.pop("base64Data")
        hold(isinstance(text, EncodedText) and text.length == len(given), text, given)
        del known["base64Data"]
        hold(_decoded(given.encode()) == content, "decoded otherwise", given, content)
    hold(found == known, "another object", found, known)


def _decoded(text: bytes) -> bytes | None:
    """What the standard library makes of it, strictly; None: no base64."""
    if text[:5].lower() == b"data:":
        text = text.partition(b",")[2]
    bare = _BLANK.sub(b"", text)
    try:
        found = base64.b64decode(bare, validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if base64.b64encode(found) == bare else None


def base64_texts() -> Check:
    """The value of a streamed member: base64, alone or in a data URL."""
    types = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", re.ASCII)

    def check(data: bytes) -> None:
        plain = bytes(byte for byte in data if byte < 0x80)  # noqa: PLR2004 - ASCII
        text = plain.decode()
        parser, content = JsonBodyParser("base64Data", limit=300), b""
        try:
            content += b"".join(parser.feed(orjson.dumps({"base64Data": text})))
            found = parser.close()["base64Data"]
        except Problem as problem:
            hold(problem.name == "invalid-base64", problem.name, problem.why)
            usual = not text[:5].lower() == "data:"  # noqa: SIM201 - reads as it is meant
            hold(not usual or _decoded(plain) is None, "refused", problem.why)
            return
        hold(_decoded(plain) == content, "decoded otherwise", content)
        hold(found.media_type is None or types.fullmatch(found.media_type), found)

    return check


def _media(operation: str) -> MediaType:
    return build_mock().service.contract.operations[operation].media_types[FORM]


def fields() -> Check:
    """A form that is written from values is read as them."""
    media, limits = _media("upload-file-stream"), Limits()

    def check(data: bytes) -> None:
        path, name, content = split_off(data, 3)
        texts = {"uploadPath": path, "fileName": name}
        body = b"".join(
            b"--b\r\n" + HEAD + key.encode() + b'"\r\n\r\n' + text + b"\r\n"
            for key, text in texts.items()
        )
        body += b"--b\r\n" + HEAD + b'file"; filename="x"\r\n\r\n' + content + b"\r\n--b--\r\n"
        taken = _taken(lambda draft, body: FormReader(media, limits, draft, body), [body])
        if b"--b" in data or len(content) > _LIMIT:
            return
        try:
            known = {key: text.decode() for key, text in texts.items()}
        except UnicodeDecodeError:
            hold(taken[0] and taken[0][0] == "invalid-parameter", taken)
            return
        hold(taken[0] is None, "refused", taken)
        hold(taken[1].values == {**known, "file": True}, "other values", taken[1].values)
        hold(taken[2] == len(content), "another size", taken[2])

    return check


JSON_WORDS: Final = (
    *(b'{"base64Data":"', b'"base64Data"', b'"uploadPath":"a"', b'"fileName":null', b"\\u002B"),
    *(b"\\/", b"\\n", b"\\ud83d", b"data:image/png;base64,", b"data:", b";base64,", b"==", b"="),
    *(b"AAAA", b'"}', b"{", b"}", b"[", b"]", b":", b",", b'\\"', b"\\\\"),
)

BODIES: Final = (
    Target(
        "parts",
        "a form has the same parts however it is cut, and no content has a boundary in it",
        *(parts, 900, 400, FORM_WORDS),
    ),
    Target(
        "heads",
        "the head of a part is read or refused, and one header more does not change it",
        *(heads, 1800, 300, FORM_WORDS),
    ),
    Target(
        "form",
        "a form has the same fields, file and refusal however it is cut",
        *(form, 300, 400, FORM_WORDS),
    ),
    Target(
        "fields",
        "fields and a file that are written as a form are read as they were",
        *(fields, 400, 200, (b"|", b"\r\n", b"--b", b"\xff", b"\xc3\xa9")),
    ),
    Target(
        "boundary",
        "a Content-Type names one printable boundary, or is refused",
        *(boundaries, 1200, 200, (b"boundary=", b'"', b"; ", b"multipart/form-data", b"\\")),
    ),
    Target(
        "json",
        "a JSON body is what orjson and the standard base64 make of it, however it is cut",
        *(json_bodies, 350, 300, JSON_WORDS),
    ),
    Target(
        "base64",
        "base64 and data URLs are what the standard library makes of them, strictly",
        *(base64_texts, 700, 200, JSON_WORDS),
    ),
)
