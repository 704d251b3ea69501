"""Where an upload by URL may lead: nowhere that is not public, on whatever way."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx2

from mockkie.build import build_mock
from mockkie.fetching import Fetcher
from mockkie.server import Server
from reliability.intrusion_mock import serving
from reliability.run import Run

_HOSTS: Final = (
    *("127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1"),
    *("017700000001", "127.0.0.1.", "127.255.255.254", "localhost", "LOCALHOST", "localhost."),
    *("a.localhost", "0", "0.0.0.0", "00000000", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]"),  # noqa: S104 - refused
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]"),
    *("[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]"),
    *("[fe80::1]", "[fe80::1%25lo]", "[fe80::1%lo]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]"),
    *("169.254.169.254", "[::ffff:169.254.169.254]", "2852039166", "0xa9fea9fe", "169.254.43518"),
    *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255"),
    *("224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.0.192"),
    *("192.88.99.1", "192.0.2.1", "\uff11\uff12\uff17.0.0.1", "\u2460\u2461\u2466.0.0.1"),
    *("127\u3002\u0030\u30020\u30021", "loc\u00adalhost", "ⓛocalhost", "[::ffff:0:127.0.0.1]"),
    *("user@127.0.0.1", "example.com@127.0.0.1", "127.0.0.1#@example.com", "127.0.0.1\\@a.test"),
)
_SCHEMES: Final = (
    *("file:///etc/passwd", "ftp://{host}/", "gopher://{host}/_x", "dict://{host}/", "data:,x"),
    *("jar:http://{host}!/", "unix:/run/a", "//{host}/", "http:/{host}/", "http:{host}/"),
    *("http:///{host}/", "http://{host}:0/", "http://{host}:99999/", " http://{host}/"),
    *("ht\ntp://{host}/", "http://{host}\r\nX: y/", "javascript://{host}/", "ldap://{host}/"),
)


class _Trap(BaseHTTPRequestHandler):
    """A secret of this machine: that nobody asks for it is what has to hold."""

    asked: Sequence[str] = ()

    def do_GET(self) -> None:
        type(self).asked = (*self.asked, self.path)
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"secret")

    do_CONNECT = do_POST = do_GET  # noqa: N815 - the names of the library

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def attack_fetching(run: Run, folder: Path) -> None:
    """Addresses in every form, by themselves and behind redirects; names that change their mind."""
    trap = _Trap
    trap.asked = ()
    with ThreadingHTTPServer(("127.0.0.1", 0), trap) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        port = listening.server_address[1]
        proxy = f"http://127.0.0.1:{port}"
        env = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"), proxy)
        words = ("--data", "memory:", "--url-upload", "fetch", "--url-upload-private")
        _addresses(run, folder, port, env)
        _fickle(run, port)
        if trap.asked:
            run.fail(f"this machine was asked for {trap.asked}")
        with serving(folder / "private", *words, env=env) as mock:  # the trap can be asked at all
            body = {"fileUrl": f"http://127.0.0.1:{port}/x", "uploadPath": "a", "fileName": "b"}
            done = mock.ask("POST", "/api/file-url-upload", headers=mock.auth, json=body)
            if done.status_code != 200 or list(trap.asked) != ["/x"]:  # noqa: PLR2004 - OK
                run.fail(f"the trap shows nothing: {done.text}, {trap.asked}")
        listening.shutdown()


def _addresses(run: Run, folder: Path, port: int, env: dict[str, str]) -> None:
    words = ("--data", "memory:", "--url-upload", "fetch")
    with serving(folder / "fetch", *words, env=env) as mock:
        origin = f"{mock.url}/__mockkie/origin/redirect-to?url="
        for figure, url in _urls(port, origin):
            run.count(figure)
            body = {"fileUrl": url, "uploadPath": "a", "fileName": "b"}
            done = mock.ask("POST", "/api/file-url-upload", headers=mock.auth, json=body)
            if done.status_code != 400:  # noqa: PLR2004 - refused
                run.fail(f"the upload of {url!r} was answered with {done.status_code}")
        if mock.ask("GET", "/__mockkie/files").json()["files"]:
            run.fail("a file was kept from an address that is not public")


def _urls(port: int, origin: str) -> Iterator[tuple[str, str]]:
    for host, scheme in product(_HOSTS, ("http", "https")):
        url = f"{scheme}://{host}:{port}/" if "#" not in host else f"{scheme}://{host}/"
        yield "addresses that are not public", url
        if scheme == "http":
            yield "redirects to them", origin + quote(url, safe="")
    for scheme in _SCHEMES:
        url = scheme.format(host=f"127.0.0.1:{port}")
        yield "URLs that are none of http", url
        yield "redirects to them", origin + quote(url, safe="")


def _fickle(run: Run, port: int) -> None:
    """A name whose addresses change between check and connection, or are public in part."""
    answers: Sequence[Sequence[list[str]]] = (
        [["3ffe::1"], ["127.0.0.1"]],  # a prefix that was given back: nobody is there
        [["8.8.8.8", "127.0.0.1"]],
        [["127.0.0.1", "8.8.8.8"]],
        [["::ffff:127.0.0.1"]],
        [["2606:4700::1111", "::1"]],
        [["fe80::1%lo"]],
        [[]],
    )
    for told in answers:
        left = list(told)

        async def resolve(host: str, wanted: int, left: list[list[str]] = left) -> list[str]:
            del host, wanted
            return left.pop(0) if len(left) > 1 else left[0]

        run.count("names that change their mind")
        mock = build_mock(url_upload="fetch")
        service = mock.service
        service.fetcher = lambda url, mock=mock, resolve=resolve: Fetcher(  # type: ignore[assignment] # in place of a cache
            "fetch",
            timeout=2_000,
            limit=url.size,
            redirects=url.redirects,
            origin=mock.service.origin,
            resolve=resolve,
        )
        server = Server(mock)
        server.start()
        try:
            body = {"fileUrl": f"http://fickle.example:{port}/", "uploadPath": "a"}
            auth = {"Authorization": f"Bearer {service.keys[0]}"}
            url = f"{server.origin}/api/file-url-upload"
            done = httpx2.post(url, json=body, headers=auth, trust_env=False, timeout=30)
        finally:
            server.stop()
        if done.status_code != 400:  # noqa: PLR2004 - refused
            run.fail(f"a name with the addresses {told} was fetched: {done.text}")
