"""Requests that are no HTTP, or HTTP that can be read in two ways, and what must come of each.

Knows no sockets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import orjson

KEY: Final = "kie-mock-key"
LINE: Final = b"POST /api/file-base64-upload HTTP/1.1"
HOST: Final = b"Host: localhost"
CHUNKED: Final = b"Transfer-Encoding: chunked"


class Case(NamedTuple):
    """Bytes for one connection; `statuses` are those of the answers, `files` what is kept.

    `closed`: whether the connection ends behind the last answer; else another request is answered.
    """

    name: str
    sent: bytes
    statuses: tuple[int, ...] = (400,)
    files: tuple[str, ...] = ()
    closed: bool = True


def content(name: str) -> bytes:
    """The body of an upload."""
    return orjson.dumps({"base64Data": "aGk=", "uploadPath": "a", "fileName": name})


def upload(  # noqa: PLR0913 - what a request is made of
    *headers: bytes,
    name: str = "kept",
    body: bytes | None = None,
    line: bytes = LINE,
    host: bytes | None = HOST,
    sized: bool = True,
    key: str = KEY,
) -> bytes:
    """An upload with further headers, a length unless it is told otherwise, and a body."""
    sent = content(name) if body is None else body
    lines = [line, *([] if host is None else [host]), b"Authorization: Bearer " + key.encode()]
    lines += [b"Content-Type: application/json", *headers]
    lines += [b"Content-Length: %d" % len(sent)] if sized else []
    return b"\r\n".join([*lines, b"", b""]) + sent


def chunks(
    name: str = "kept", *, size: bytes = b"", behind: bytes = b"\r\n", end: bytes = b""
) -> bytes:
    """A body of one chunk; `size` in place of the right one, `behind` it, `end` of all."""
    sent = content(name)
    return (size or b"%x" % len(sent)) + behind + sent + b"\r\n" + (end or b"0\r\n\r\n")


def get(target: bytes = b"/livez", version: bytes = b"HTTP/1.1", *headers: bytes) -> bytes:
    """A request without a body."""
    return b"\r\n".join([b"GET " + target + b" " + version, HOST, *headers, b"", b""])


SMUGGLED: Final = upload(name="smuggled")


def served(name: str, sent: bytes, files: tuple[str, ...] = ("kept",)) -> Case:
    """A request that can be read in one way only, strange as it is."""
    return Case(name, sent, (200,), files, closed=False)


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _lengths()
    yield from _codings()
    yield from _chunks()
    yield from _heads()
    yield from _lines()
    yield from _targets()
    yield from _sequences()


def _lengths() -> Iterator[Case]:
    size = len(content("kept"))
    yield Case("CL and TE", upload(CHUNKED, body=chunks()) + SMUGGLED)
    yield Case("CL.TE", upload(CHUNKED, body=b"0\r\n\r\n" + SMUGGLED))
    yield Case(
        "TE.CL", upload(b"Content-Length: 4", CHUNKED, body=chunks(), sized=False) + SMUGGLED
    )
    yield Case("the same CL twice", upload(b"Content-Length: %d" % size))
    for value in (b"3", b"0", b"999999"):
        yield Case(
            f"another CL first: {value.decode()}", upload(b"Content-Length: " + value) + SMUGGLED
        )
    for value in (
        *(
            b"+%d" % size,
            b"-%d" % size,
            b"0x%x" % size,
            b"%d, %d" % (size, size),
            b"%d,%d" % (size, size),
        ),
        *(b"%d 0" % size, b"", b"\xb2", b"1e2", b"%d.0" % size, b"1_0", b'"%d"' % size, b"9" * 30),
        *(b"18446744073709551616", b"18446744073709551617", b"-1", b"%d;" % size, b"\x0b%d" % size),
    ):
        sent = upload(b"Content-Length: " + value, sized=False)
        yield Case(f"CL is {value!r:.40}", sent + SMUGGLED)
    yield served("CL with blanks around", upload(b"Content-Length: \t %d \t" % size, sized=False))
    yield served("CL with zeros", upload(b"Content-Length: 000%d" % size, sized=False))
    yield Case("CL with a blank before its colon", upload(b"Content-Length : 0"))


def _codings() -> Iterator[Case]:
    for value in (
        *(
            b"xchunked",
            b"chunkedx",
            b"chunked, chunked",
            b"gzip, chunked",
            b"chunked, gzip",
            b"identity",
        ),
        *(
            b"identity, chunked",
            b"\x0bchunked",
            b'"chunked"',
            b"chunked;q=1",
            b"",
            b"chunk",
            b"gzip",
        ),
        *(
            b"chunked,",
            b", chunked",
            b"chunked\x00",
            b"ch\xfbnked",
            b"x, chunked",
            b"cHuNkEd, identity",
        ),
    ):
        sent = upload(b"Transfer-Encoding: " + value, body=chunks(), sized=False)
        yield Case(f"TE is {value!r}", sent + SMUGGLED)
        if b"chunked" in value:
            yield Case(
                f"TE is {value!r}, with CL", upload(b"Transfer-Encoding: " + value, body=chunks())
            )
    two = upload(CHUNKED, CHUNKED, body=chunks(), sized=False)
    yield Case("TE twice", two + SMUGGLED)
    yield Case(
        "TE twice, one is none",
        upload(CHUNKED, b"Transfer-Encoding: x", body=chunks(), sized=False),
    )
    yield Case(
        "TE with a blank before its colon", upload(b"Transfer-Encoding : chunked", body=chunks())
    )
    yield Case("TE folded", upload(b"Transfer-Encoding:\r\n chunked", body=chunks(), sized=False))
    old = LINE.replace(b"1.1", b"1.0")
    yield Case("TE in HTTP/1.0", upload(CHUNKED, body=chunks(), sized=False, line=old))
    for value in (b"chunked", b"CHUNKED", b"\tchunked "):
        sent = upload(b"Transfer-Encoding: " + value, body=chunks(), sized=False)
        yield served(f"TE is {value!r}", sent)
    yield served("TE with an underscore is another header", upload(b"Transfer_Encoding: chunked"))


def _chunks() -> Iterator[Case]:
    size = b"%x" % len(content("kept"))
    for wrong in (
        *(
            b"-1",
            b"+" + size,
            b"0x" + size,
            b"ffffffffffffffffff",
            b"10000000000000000",
            b"g",
            b" " + size,
        ),
        *(size + b" ", size + b"\t", b"", b"\x00", size + b"\x0b", b"_" + size, size + b"_0"),
    ):
        yield Case(f"a chunk of {wrong!r}", _chunked(chunks(size=wrong or b"\r\n")) + SMUGGLED)
    yield Case("lines of chunks end with LF", _chunked(chunks(behind=b"\n")) + SMUGGLED)
    yield Case("lines of chunks end with CR", _chunked(chunks(behind=b"\r")) + SMUGGLED)
    yield Case("LF in an extension", _chunked(chunks(behind=b";a\nb\r\n")) + SMUGGLED)
    yield Case("CR in an extension", _chunked(chunks(behind=b";a\rb\r\n")) + SMUGGLED)
    yield Case("NUL in an extension", _chunked(chunks(behind=b";a\0\r\n")) + SMUGGLED)
    yield Case(
        "a chunk goes on", _chunked(chunks().replace(b"\r\n0\r\n", b"XX\r\n0\r\n")) + SMUGGLED
    )
    yield Case("a chunk without its line end", _chunked(chunks().replace(b"\r\n0\r\n", b"0\r\n")))
    yield Case("the end with LF", _chunked(chunks(end=b"0\n\n")) + SMUGGLED)
    yield Case(
        "CL in a trailer", _chunked(chunks(end=b"0\r\nContent-Length: 4\r\n\r\n")) + SMUGGLED
    )
    yield Case("TE in a trailer", _chunked(chunks(end=b"0\r\nTransfer-Encoding: chunked\r\n\r\n")))
    yield served("extensions", _chunked(chunks(behind=b';a=b;c="d"\r\n')))
    yield served("a trailer", _chunked(chunks(end=b"0\r\nX-Sum: 1\r\n\r\n")))
    closes = b"0\r\nAuthorization: Bearer nobody\r\n\r\n"
    yield served("a trailer that takes the key away", _chunked(chunks(end=closes)))
    opens = b"0\r\nAuthorization: Bearer " + KEY.encode() + b"\r\n\r\n"
    sent = upload(CHUNKED, body=chunks(end=opens), sized=False, key="nobody")
    yield Case("a trailer that brings the key", sent, (401,), closed=False)


def _chunked(body: bytes) -> bytes:
    return upload(CHUNKED, body=body, sized=False)


def _heads() -> Iterator[Case]:
    for line in (
        *(
            b"X: a\r\n b",
            b"X: a\r\n\tb",
            b"X: a\rb",
            b"X: a\nb",
            b"X: a\0b",
            b"X\0: a",
            b"no colon",
            b": a",
        ),
        *(
            b" X: a",
            b"\tX: a",
            b"X : a",
            b"X\t: a",
            b"X y: a",
            b"\xc3\xa9: a",
            b"X(: a",
            b"X: \x01",
            b"X: \x7f",
        ),
        *(
            b"\r",
            b"X: a\r",
            b"X\r: a",
            b"Host: other",
            b"Host: localhost",
            b"X: a\n",
            b"X: a\r\n\n",
        ),
    ):
        yield Case(f"a header line {line!r}", upload(line) + SMUGGLED)
    yield Case("lines end with LF", upload().replace(b"\r\n", b"\n") + SMUGGLED)
    yield Case("the head ends with LF", upload().replace(b"\r\n\r\n", b"\r\n\n") + SMUGGLED)
    yield Case("a very long header", upload(b"X: " + b"a" * 200_000))
    yield Case("very many headers", upload(*[b"X: a"] * 2_000))
    yield served("many headers", upload(*[b"X: a"] * 100))
    yield Case("no Host", upload(host=None))
    for host in (b"a b", b"a/b", b"a@b", b"[::1", b"a:b", b"a:1:2", b"\xe9", b"a\\b", b"http://a"):
        yield Case(f"Host is {host!r}", upload(host=b"Host: " + host))
    yield served("an empty Host", upload(host=b"Host:"))
    yield Case("two keys", upload(b"Authorization: Bearer x"), (401,), closed=False)
    yield Case("two types", upload(b"Content-Type: text/plain"), (400,), closed=False)


def _lines() -> Iterator[Case]:
    for line in (
        *(b"GET /livez", b"GET /livez HTTP/0.9", b"GET /livez HTTP/1.2", b"GET /livez HTTP/2.0"),
        *(
            b"GET /livez HTTP/3.1",
            b"GET /livez HTTP/1",
            b"GET /livez HTTP/1.10",
            b"GET /livez HTTP/1.1 x",
        ),
        *(
            b"GET /livez http/1.1",
            b"GET /livez HTTX/1.1",
            b"GET\t/livez HTTP/1.1",
            b"GET /livez\tHTTP/1.1",
        ),
        *(
            b"get /livez HTTP/1.1",
            b"GE\0T /livez HTTP/1.1",
            b"FOO /livez HTTP/1.1",
            b" GET /livez HTTP/1.1",
        ),
        *(
            b"GET /li vez HTTP/1.1",
            b"GET livez HTTP/1.1",
            b"GET /li\0vez HTTP/1.1",
            b"GET /\xc3\xa9 HTTP/1.1",
        ),
        *(b"GET /livez#a HTTP/1.1", b"/livez HTTP/1.1", b"GET HTTP/1.1", b"GET /li\rvez HTTP/1.1"),
        *(b"PRI * HTTP/2.0", b"CONNECT localhost:80 HTTP/1.1", b"CONNECT /livez HTTP/1.1"),
    ):
        yield Case(f"{line!r}", line + b"\r\n" + HOST + b"\r\n\r\n" + SMUGGLED)
    yield Case("a very long target", get(b"/" + b"a" * 200_000))
    yield Case("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300))
    yield served("lines before the request", b"\r\n\r\n" + upload())
    yield Case("RTSP", b"DESCRIBE /x RTSP/1.0\r\n\r\n", (404,))
    yield Case("ICE", b"SOURCE /x ICE/1.0\r\n\r\n", (404,))


def _targets() -> Iterator[Case]:
    line = b"POST %b/api/file-base64-upload HTTP/1.1"
    for origin in (
        *(
            b"http://other",
            b"http://localhost:81",
            b"ftp://localhost",
            b"http://",
        ),
        *(b"http://x@localhost", b"http://localhost@other", b"http://[::1", b"http://local\0host"),
    ):
        yield Case(f"a target on {origin!r}", upload(line=line % origin) + SMUGGLED)
    for origin in (b"http://localhost", b"HTTP://LOCALHOST:80", b"https://localhost"):
        yield served(f"a target on {origin!r}", upload(line=line % origin))
    yield Case("an asterisk", b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n\r\n", (404,), closed=False)


def _sequences() -> Iterator[Case]:
    both = (200, 400)
    yield Case("nonsense behind an upload", upload() + b"XXXX", both, ("kept",))
    yield Case("a body longer than its CL", upload() + b'{"a": "b"}' + SMUGGLED, both, ("kept",))
    yield Case(
        "a refused body before a request",
        upload(key="x") + upload(),
        (401, 200),
        ("kept",),
        closed=False,
    )
    two = upload(name="1") + upload(name="2")
    yield Case("two in a row", two, (200, 200), ("1", "2"), closed=False)
    yield Case("one too many", upload(b"Connection: close") + SMUGGLED, (200,), ("kept",))
    yield Case(
        "to be closed", upload(b"Connection: keep-alive, close") + SMUGGLED, (200,), ("kept",)
    )
    yield Case("HTTP/1.0", upload(line=LINE.replace(b"1.1", b"1.0")) + SMUGGLED, (200,), ("kept",))
    yield Case(
        "GET with a body",
        get(b"/livez", b"HTTP/1.1", b"Content-Length: 5") + b"hello",
        (200,),
        (),
        closed=False,
    )
    hidden = get(b"/livez", b"HTTP/1.1", b"Content-Length: %d" % len(SMUGGLED)) + SMUGGLED
    yield Case("a request in the body of a GET", hidden, (200,), (), closed=False)
    for offer in (
        (b"Upgrade: h2c", b"HTTP2-Settings: AAA"),
        (b"Upgrade: websocket",),
        (b"Upgrade: TLS/1.0",),
    ):
        sent = upload(b"Connection: Upgrade", *offer)
        yield served(f"an offer of {offer[0].decode()}", sent)
        yield Case(
            f"{offer[0].decode()} behind a request",
            get() + sent,
            (200, 200),
            ("kept",),
            closed=False,
        )
    yield Case(
        "an offer with TE and CL", upload(b"Connection: Upgrade", b"Upgrade: a", CHUNKED) + SMUGGLED
    )
    yield served("Expect of something else", upload(b"Expect: 200-ok"))
    yield served("Expect, and the body at once", upload(b"Expect: 100-continue"))
    yield served("Expect twice", upload(b"Expect: 100-continue", b"Expect: 100-continue"))
