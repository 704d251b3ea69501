"""Visits to the foreign Flask server in the same process: what is done, and what was seen."""

import json
import re
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

from werkzeug.datastructures import FileStorage
from werkzeug.serving import WSGIRequestHandler
from werkzeug.test import Client, TestResponse, encode_multipart
from werkzeug.wrappers import Request, Response

from tests.wsgi_api import KEYS, build
from tests.wsgi_forms import BASE36
from tests.wsgi_twists import DAY, KIB, MIB
from tests.wsgi_ways import FAITHFUL, Ways

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
NOON = "2026-02-03T12:34:56.789Z"
GENERATED = re.compile(rf"(\d{{13}})-[{BASE36}]{{11}}")


# --- an origin for URL uploads -----------------------------------------------------------------


@Request.application
def origin_app(request: Request) -> Response:
    pages = {
        "/text.txt": Response("h\u00e9llo", content_type="text/plain"),
        "/pixel.png": Response(PNG, mimetype="image/png"),
        "/query.txt": Response(request.query_string, mimetype="text/plain"),
        "/once.txt": Response(str(uuid4()), mimetype="text/plain"),
        "/big.bin": Response(b"b" * (MIB + 5), mimetype="application/octet-stream"),
        "/pieces.txt": Response(iter([b"one", b"two"]), mimetype="text/plain"),
    }
    return pages.get(request.path, Response("none", 404))


class Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        pass


# --- a visitor in the same process, who notes what it sees -------------------------------------


class OtherwiseError(Exception):
    """Something was seen that a faithful server does not show."""


class Visitor:
    def __init__(self, bug: str | None, origin: str, ways: Ways = FAITHFUL["plain"]) -> None:
        self.origin = origin
        self.case, app, _ = build(ways, bug, KEYS, 3 * DAY)
        self.case.url = self.case.downloads = "http://localhost"
        self.app = app
        self.seen: list[Any] = []
        self.expected: list[Any] = []
        self.set_clock(NOON)

    def note(self, row: Any) -> None:
        """Notes what was seen, and stops where it is not what is expected."""
        at = len(self.seen)
        self.seen.append(row)
        if at < len(self.expected) and row != self.expected[at]:
            raise OtherwiseError(row)

    def call(self, method: str, path: str, **more: Any) -> TestResponse:
        return Client(self.app).open(path, method=method, **more)

    def set_clock(self, now: str) -> None:
        self.call("PUT", "/__mockkie/clock", json={"now": now, "frozen": True})

    def move(self, seconds: float) -> None:
        self.call("POST", "/__mockkie/clock/advance", json={"seconds": seconds})

    def send(
        self, route: str, body: Any, *, key: int | str | None = 0, method: str = "POST", **more: Any
    ) -> dict[str, Any]:
        """Sends a body to a route, notes the answer, gives its data."""
        headers = dict(more.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer {KEYS[key]}" if isinstance(key, int) else key
        if route == "stream" and isinstance(body, dict):
            boundary, body = encode_multipart(body)
            more["content_type"] = f"multipart/form-data; boundary={boundary}"
        kind = "data" if route == "stream" or isinstance(body, bytes) else "json"
        answer = self.call(
            method, f"/api/file-{route}-upload", headers=headers, **{kind: body}, **more
        )
        raw = GENERATED.sub(r"\1-RANDOM", answer.get_data().decode("latin-1"))
        self.note((answer.status_code, answer.content_type, raw))
        if len(answer.get_data()) != int(answer.headers["Content-Length"]):
            self.note("the wrong length")
        try:
            data = json.loads(answer.get_data()).get("data")
        except (ValueError, AttributeError):
            return {}
        return data if isinstance(data, dict) else {}

    def up(
        self, name: str | None = "a.txt", body: bytes = b"x", *, route: str = "stream", **more: Any
    ) -> str:
        """Uploads a file, gives its link."""
        path, original = more.pop("path", "p/q"), more.pop("original", "photo.png")
        page = more.pop("page", "/text.txt")
        if route == "stream":
            form = {
                "file": FileStorage(BytesIO(body), original),
                "uploadPath": path,
                "fileName": name,
            }
            sent = {key: value for key, value in form.items() if value is not None}
        else:
            sent = {"uploadPath": path, "fileName": name}
            sent |= {"base64Data": b64encode(body).decode()} if route == "base64" else {}
            sent |= {"fileUrl": self.origin + page} if route == "url" else {}
        data = self.send(route, {**sent, **more.pop("fields", {})}, **more)
        link = data.get("downloadUrl")
        return link if isinstance(link, str) else "/none"

    def read(self, link: str, method: str = "GET", **headers: str) -> bytes:
        """Reads a link, notes what it returns."""
        parts = urlsplit(quote(link, safe=":/%?=+#"))
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.call(method, target, headers=named)
        facts = ("Content-Type", "Content-Length", "Content-Encoding", "Content-Range")
        body = answer.get_data()
        told = [answer.headers.get(name) for name in facts]
        self.note((answer.status_code, told, len(body), hash(body)))
        return body

    def both(self, *more: Any, **named: Any) -> str:
        link = self.up(*more, **named)
        self.read(link)
        return link

    def together(self, *calls: Callable[[], Any]) -> None:
        start = threading.Barrier(len(calls))

        def run(call: Callable[[], Any]) -> None:
            start.wait(10)
            call()

        threads = [threading.Thread(target=run, args=(call,)) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


# --- one scenario for each part ----------------------------------------------------------------


def auth(v: Visitor) -> None:
    key = KEYS[0]
    victim = v.up("victim.txt", b"old", route="base64")
    v.up(
        "wrong.txt", b"new", route="base64", key="Bearer nobody", fields={"fileName": "victim.txt"}
    )
    v.read(victim)
    for header in (
        None,
        "Bearer",
        f"Bearer {key.upper()}",
        f"Bearer {key}x",
        f"Bearer {key[:8]}",
        f"Bearer {key[:-1]}~",
        f"Basic {key}",
        key,
        "Bearer s\u00e9same",
    ):
        for route in ("stream", "base64", "url"):
            v.up(route=route, key=header)
    v.up(body=b"l" * 300 * KIB, key="Bearer nobody")
    v.up()
    v.up(key="Bearer nobody")
    v.up(key="Bearer nobody")
    v.up()
    links = [v.up("same.txt", b"%d" % at, key=at, route="base64") for at in (0, 1)]
    links.append(v.up("same.txt", b"s", key=1))
    for link in [*links, v.up("c.txt")]:
        v.read(link)
        v.read(link, "HEAD")
        v.read(link, Authorization="Bearer nobody")
    v.send("stream", {"fileName": "x"}, key=None)


def envelope(v: Visitor) -> None:
    for route in ("stream", "base64", "url"):
        for name in ("x.qqq", "x.qqq", "\u00e9.txt", 'q".txt', None):
            v.up(name, b"\0\xff" * 50_001, route=route, page="/big.bin")
        v.send(route, {"fileName": "x"})
        v.up(route=route, key="Bearer nobody")
        v.send(route, {}, method="PUT")


def naming(v: Visitor) -> None:
    names = (
        "My File.PNG", "%41.txt", "e\u0301.txt", " a ", "n" * 150 + ".txt", ".env", "report",
        "/abs.txt", "a;b.txt", "a&b.txt", "\U0001f600.txt", "a..b.txt", "dot.", "two  spaces.txt",
        "pic.jpeg",
    )  # fmt: skip
    for route in ("stream", "base64", "url"):
        for name in names:
            v.both(name, route=route, path="Aa/b/c/d")
        links = {v.up(None, route=route) for _ in range(3)}
        v.note(len(links))
        v.up(None, route=route, fields={} if route == "stream" else {"fileName": None})


def content(v: Visitor) -> None:
    bodies = (
        b"", b"a\r\nb\r\n", b"a\0b", b"a\x1ab", b"k" * 64 * KIB, b"\xef\xbb\xbfx", b"a\xffb",
        PNG + b"IEND1234tail", b"a\r\n--b", b"e" * 4096, b"t\0\0",
        b"data:,QUJD", b"QUJDREVG", b"ab", b"\xfb\xef\xbe" * 4,
    )  # fmt: skip
    for at, body in enumerate(bodies):
        for route in ("stream", "base64"):
            v.both(f"{at}.txt", body, route=route, key=at % 2)
            v.both(f"{at}.bin", body, route=route)
        head = f"data:{'text/plain;charset=utf-8' if at % 2 else ''};base64,"
        v.both(f"{at}.txt", route="base64", fields={"base64Data": head + b64encode(body).decode()})
    v.both("u.txt", "\u00fc".encode(), key=1)


def large_content(v: Visitor) -> None:
    for size in (2000, 5 * KIB):
        for route in ("stream", "base64"):
            v.both(f"{size}.bin", bytes(range(256)) * size, route=route)
    for page in ("/text.txt", "/query.txt?a=1", "/big.bin", "/none.txt"):
        v.both("f.txt", route="url", page=page)
    twice = []
    for _ in range(2):
        link = v.up("f.txt", route="url", page="/once.txt")
        twice.append(v.call("GET", urlsplit(link).path).get_data())
    v.note(twice[0] == twice[1])


def downloads(v: Visitor) -> None:
    for name in ("a+b", "a#b?c", "%41", "a b", "\u00e9", "\u4e2d", "A.txt", ".env", "n" * 255):
        v.both(name, route="base64")
    link = v.up("a.txt", b"text")
    for _ in range(6):
        v.read(link)
    gz = v.up("a.gz", b"packed")
    for headers in (
        {"Accept": "application/json"},
        {"Accept_Encoding": "identity"},
        {"Range": "bytes=1-2"},
        {"If_Modified_Since": "Tue, 03 Feb 2026 12:34:56 GMT"},
    ):
        v.read(link, **headers)
        v.read(gz, "HEAD", **headers)
    v.both("sniffed.txt", PNG)
    v.both("even.bin", b"e" * 32 * KIB)
    v.read(v.up("q.txt") + "?x=1")
    v.read("/unknown/link.txt")
    for first, second in ((b"one", b"two"), (b"one", b"four")):
        tagged = v.up("tag.txt", first)
        tag = v.call("GET", urlsplit(tagged).path).headers.get("ETag", '"none"')
        v.up("tag.txt", second)
        v.read(tagged, If_None_Match=tag)


def overwrite(v: Visitor) -> None:
    for at, (first, second) in enumerate(
        [("stream", "url"), ("stream", "base64"), ("base64", "stream"), ("url", "stream")]
    ):
        name, path = f"{at}.txt", f"o{at}"
        link = v.both(name, b"first and long", route=first, path=path)
        v.both(name, b"second", route=second, path=path)
        v.move(1)
        v.both(name, b"third!", route=first, path=path)
        v.both(name, b"", route="stream", path=path)
        v.read(link)
        v.read(link)
    v.both("size.txt", b"h" * 64 + b"abc")
    v.both("size.txt", b"h" * 64 + b"xbc")
    type_link = v.up("typed", b"\0\1", route="base64")
    v.up("typed", b"%PDF-", route="base64")
    v.read(type_link)
    pairs = (
        (("p", "n.txt"), ("other", "n.txt")), (("ab", "c.txt"), ("a", "bc.txt")),
        (("p", "A.txt"), ("p", "a.txt")), (("p", "\u00e9"), ("p", "e\u0301")),
        (("p", "a+b"), ("p", "a b")), (("p", "l" * 61 + "1"), ("p", "l" * 61 + "2")),
        (("p", "z"), ("p", "z ")), (("p", "y.png"), ("p", "y.jpg")),
        (("p", "s;1"), ("p", "s;2")), (("p", "%41"), ("p", "A")),
    )  # fmt: skip
    for pair in pairs:
        links = [v.up(name, b"%d" % at, path=path) for at, (path, name) in enumerate(pair)]
        v.read(links[0])
    link = v.up("second.txt", b"1", key=1)
    v.both("second.txt", b"2", key=1)
    twins = [v.up(name, b"twin") for name in ("twin1", "twin2")]
    v.up("twin1", b"single")
    v.read(twins[1])
    for name, fields in (
        ("r1", {"uploadPath": "p/q", "fileName": "r1"}),
        ("r2", {"uploadPath": "p/q", "fileName": "r2", "base64Data": "!"}),
        ("r3", {"uploadPath": "p/q", "fileName": "r3", "fileUrl": v.origin + "/none.txt"}),
    ):
        link = v.up(name, b"kept")
        v.send("url" if "fileUrl" in fields else "base64", fields)
        v.read(link)


def _all_read(v: Visitor, links: dict[str, str]) -> None:
    for link in links.values():
        v.read(link)


def expiry(v: Visitor) -> None:
    links = {
        "base64": v.up("b.txt", b"b", route="base64"),
        "large": v.up("l.txt", b"l" * (MIB + 1)),
        "second": v.up("s.txt", b"s", key=1),
        "generated": v.up(None, b"g"),
        "url": v.up("u.txt", route="url"),
        "empty": v.up("e.txt", b""),
        "twice": v.up("t.txt", b"old"),
        "thrice": v.up("3.txt", b"1"),
        "read": v.up("r.txt", b"r"),
        "headed": v.up("h.txt", b"h"),
        "plain": v.up("p.txt", b"p", path="plain"),
        "early": v.up("c.txt", b"c", path="c"),
        "late": v.up("c", b"c", path="late"),
    }
    tag = v.call("GET", urlsplit(links["early"]).path).headers.get("ETag", '"none"')
    v.up("t.txt", b"new")
    v.move(3 * 3600)
    v.read(links["read"])
    v.read(links["headed"], "HEAD")
    v.up("3.txt", b"2", path="p/q")
    v.move(DAY)
    v.up("3.txt", b"3", route="base64")
    links |= {
        "prefix": v.up("c.txt.bak", b"n", path="c"),
        "same-name": v.up("c.txt", b"m", path="cc"),
        "same-content": v.up("k.txt", b"c", path="cc"),
        "neighbour": v.up("k.txt", b"k", path="c"),
    }
    v.send("stream", {"uploadPath": "plain", "fileName": "p.txt"})
    v.move(DAY - 2 * 3600)
    _all_read(v, {name: links[name] for name in ("base64", "large", "plain")})
    v.move(DAY - 3 * 3600)
    _all_read(v, links)
    for seconds in (2 * 3600 - 120, 240, 3600, 9 * 3600, 12 * 3600, DAY):
        v.move(seconds)
        v.read(links["plain"])
        v.read(links["plain"], "HEAD")
        v.read(links["early"], If_None_Match=tag)
        _all_read(v, links)
    v.both("b.txt", b"again")
    v.set_clock(NOON)
    _all_read(v, links)


def validation(v: Visitor) -> None:
    fields: dict[str, Any]
    for route, main_field in (("stream", ""), ("base64", "base64Data"), ("url", "fileUrl")):
        v.up(route=route)
        v.send(route, {"fileName": "a"})
        good: dict[str, Any] = {"uploadPath": "p", "fileName": "n.txt"}
        v.send(route, good)
        v.up(route=route, path="Capitals")
        v.up("noextension", route=route)
        v.up("n.unknown", route=route)
        v.up(None, route=route)
        v.up(None, route=route, path=None)
        if route == "stream":
            v.up(fields={"more": "1"})
            continue
        good[main_field] = "QUJD" if route == "base64" else v.origin + "/text.txt"
        for fields in (
            {"uploadPath": None}, {"uploadPath": 5}, {"fileName": ["a", "b"]}, {"more": 1},
            {"fileName": None}, {main_field: 7},
        ):  # fmt: skip
            v.send(route, {**good, **fields})
        v.send(route, b"{", content_type="application/json")
        v.send(route, [1])
        del good["uploadPath"]
        v.send(route, good)
        v.send(route, good, query_string={"uploadPath": "query"})
    for data in ("!!!!", "QUJDR", "data:text/plain", "A" * 1_000_004):
        v.up(route="base64", fields={"base64Data": data})
    v.up(route="url", fields={"fileUrl": "ftp://host/file"})
    lines = ["--b", 'Content-Disposition: form-data; name="file"; filename="f"', "", "x"]
    for name in ("uploadPath", "fileName"):
        lines += ["--b", f'Content-Disposition: form-data; name="{name}"', "", name]
    _raw(v, lines)
    _raw(v, [*lines[4:8], *lines[:4], *lines[8:]])


def _raw(v: Visitor, lines: list[str], boundary: str = "b", **more: Any) -> None:
    body = "\r\n".join([*lines, "--b--", ""]).encode()
    v.send("stream", body, content_type=f"multipart/form-data; boundary={boundary}", **more)


def methods(v: Visitor) -> None:
    for route in ("stream", "base64", "url"):
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            v.up("m.txt", method.encode(), route=route, method=method)
    v.read(v.up("other.txt").replace("other", "m"))
    v.note(v.call("OPTIONS", "/api/file-url-upload").status_code)
    good = json.dumps({"base64Data": "QUJD", "uploadPath": "p", "fileName": "n"}).encode()
    for kind in ("application/json; charset=utf-8", "Application/JSON"):
        v.send("base64", good, content_type=kind)
    v.send("stream", good, content_type="application/json")
    form = b"base64Data=QUJD&uploadPath=p&fileName=n"
    v.send("base64", form, content_type="application/x-www-form-urlencoded")
    lines = ["--b", 'Content-Disposition: form-data; name="file"; filename="f"', "", "x"]
    lines += ["--b", 'Content-Disposition: form-data; name="uploadPath"', "", "p"]
    lines += ["--b", 'Content-Disposition: form-data; name="fileName"', "", "f"]
    _raw(v, lines, '"b"')
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    _raw(v, lines, environ_overrides=chunked)
    for method in ("DELETE", "PUT"):
        link = v.up("kept.txt", b"kept")
        v.read(link, method)
        v.read(link)


def crowd(v: Visitor) -> None:
    def wrote(name: str, body: bytes, at: int) -> None:
        links.append(v.up(name, body * 100, key=at))

    def meanwhile() -> None:
        for _ in range(8):
            time.sleep(0.03)
            seen.append(v.read(before) in (b"0" * 100, b"3" * 100))

    links: list[str] = []
    seen: list[Any] = []
    v.together(*[lambda: v.up(None, b"n", path="race") for _ in range(4)])
    before = v.up("both.txt", b"0" * 100)
    v.together(lambda: wrote("both.txt", b"1", 0), lambda: wrote("both.txt", b"2", 0))
    seen.append(v.read(before) in (b"1" * 100, b"2" * 100))
    v.up("both.txt", b"0" * 100)
    v.together(lambda: wrote("both.txt", b"3", 0), meanwhile)
    v.together(lambda: wrote("t0.txt", b"a", 0), lambda: wrote("t1.txt", b"b", 1))
    got = sorted(v.read(link) for link in links)
    v.together(*[lambda: got.append(v.read(before)) for _ in range(4)])
    answers = sorted(str(row[2]) for row in v.seen if isinstance(row[2], str))
    statuses = sorted(row[0] for row in v.seen)
    v.seen = [seen, got, answers, statuses, len(set(links))]


def volume(v: Visitor) -> None:
    v.send("base64", {"uploadPath": "p"})
    first = v.up("first.txt", b"first")
    v.read(first)
    links = [v.up(f"{at}.txt", b"%d" % at) for at in range(65)]
    for at in range(3):
        v.both(f"large{at}.bin", b"l" * 3 * MIB)
    for link in (first, *links):
        v.read(link)


def metadata(v: Visitor) -> None:
    v.move(9)
    for route in ("stream", "base64", "url"):
        for name, body in (
            ("a.txt", "\u00e9".encode()), ("b.bin", b"\0" * (MIB + 7)), ("c.bin", b""),
            ("d.PNG", b"\0\1"), ("e.qqq", b"\0\1"),
        ):  # fmt: skip
            v.up(name, body, route=route, page="/pieces.txt")
    v.up(
        None,
        b"\0",
        original="x.json",
        fields={"file": FileStorage(BytesIO(b"\0"), "x", content_type="text/css")},
    )
    v.up("x.json", fields={"file": FileStorage(BytesIO(b"\0"), "x", content_type="text/css")})
    v.up("s.txt", key=1)
    v.up("a.txt")


SCENARIOS: dict[str, tuple[Callable[[Visitor], None], ...]] = {
    "auth": (auth,),
    "envelope": (envelope,),
    "naming": (naming,),
    "content": (content, large_content),
    "downloads": (downloads,),
    "overwrite": (overwrite,),
    "expiry": (expiry,),
    "validation": (validation,),
    "methods": (methods,),
    "stability": (crowd, volume),
    "metadata": (metadata,),
}
ALL = [scenario for scenarios in SCENARIOS.values() for scenario in scenarios]


def seen_by(scenario: Callable[[Visitor], None], origin: str) -> list[Any]:
    visitor = Visitor(None, origin)
    scenario(visitor)
    return visitor.seen


def shows(scenario: Callable[[Visitor], None], origin: str, bug: str, faithful: list[Any]) -> bool:
    visitor = Visitor(bug, origin)
    visitor.expected = [] if scenario is crowd else faithful
    try:
        scenario(visitor)
    except OtherwiseError:
        return True
    return visitor.seen != faithful
