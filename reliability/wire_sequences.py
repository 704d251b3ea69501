"""Requests for one host that name another, and what follows on a request. Knows no sockets."""

from __future__ import annotations

from collections.abc import Iterator

from reliability.wire_messages import (
    CHUNKED,
    HOST,
    LINE,
    SMUGGLED,
    Case,
    get,
    served,
    upload,
)


def targets() -> Iterator[Case]:
    """Targets of other hosts than the mock."""
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


def sequences() -> Iterator[Case]:
    """Requests that others follow, or that offer to go on otherwise."""
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
