"""Requests that are no HTTP, or HTTP that can be read in two ways, and what must come of each.

Knows no sockets.
"""

from __future__ import annotations

from collections.abc import Iterator

from reliability.wire_messages import (
    CHUNKED,
    HOST,
    KEY,
    LINE,
    SMUGGLED,
    Case,
    chunks,
    content,
    get,
    served,
    upload,
)
from reliability.wire_sequences import sequences, targets


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _lengths()
    yield from _codings()
    yield from _chunks()
    yield from _heads()
    yield from _lines()
    yield from targets()
    yield from sequences()


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
    yield Case("a very long header", upload(b"X: " + b"a" * 200_000), (431,))
    yield Case("very many headers", upload(*[b"X: a"] * 2_000), (431,))
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
    yield Case("a very long target", get(b"/" + b"a" * 200_000), (431,))
    yield Case("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300))
    yield served("lines before the request", b"\r\n\r\n" + upload())
    yield Case("RTSP", b"DESCRIBE /x RTSP/1.0\r\n\r\n", (404,))
    yield Case("ICE", b"SOURCE /x ICE/1.0\r\n\r\n", (404,))
