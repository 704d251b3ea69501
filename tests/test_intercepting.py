"""The proxy on the wire: what clients may do to it, on both event loops that a mock may run on."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import httpx2
import pytest
import uvloop

from mockkie.app import Mock
from mockkie.build import build_mock
from mockkie.interception import Interception, interception
from mockkie.passing import Relay
from tests.clients import PATIENCE

Result = TypeVar("Result")
UPLOADS: Final = "kieai.redpandaai.co"
LINKS: Final = "tempfile.redpandaai.co"
LOOPS: Final = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self, factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
        self._loop = factory()
        self.complaints: list[dict[str, Any]] = []
        self._loop.set_exception_handler(lambda _, told: self.complaints.append(told))
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass
class Proxied:
    """A mock behind a proxy."""

    mock: Mock
    found: Interception

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.found.proxy.removeprefix("http://").partition(":")
        return host, int(port)

    def client(self) -> httpx2.Client:
        trust = ssl.create_default_context(cafile=str(self.found.certificate))
        return httpx2.Client(
            proxy=self.found.proxy, verify=trust, trust_env=False, timeout=PATIENCE
        )

    def journal(self) -> list[str]:
        entries = self.mock.service.worlds.default.journal.entries()
        return [f"{entry.method} {entry.target} {entry.status}" for entry in entries]


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> Iterator[Loop]:
    loop = Loop(LOOPS[request.param])
    yield loop
    loop.close()
    assert loop.complaints == []


@contextlib.contextmanager
def proxied(loop: Loop, *allowed: str, **before: str) -> Iterator[Proxied]:
    mock = build_mock()
    loop.run(mock.service.start())
    how = "ask {host}"
    with interception(mock, loop.run, allow_hosts=allowed, how=how, before=before) as found:
        yield Proxied(mock, found)
    assert not found.certificate.parent.exists()
    loop.run(mock.service.close())


class Talk:
    """A connection to a proxy, by hand."""

    def __init__(self, proxied: Proxied) -> None:
        self._proxied = proxied
        self.wire = socket.create_connection(proxied.address, PATIENCE)
        self._buffer = b""

    def send(self, data: bytes) -> Self:
        self.wire.sendall(data)
        return self

    def head(self) -> str:
        """The next head of an answer."""
        while b"\r\n\r\n" not in self._buffer:
            piece = self.wire.recv(65_536)
            assert piece, self._buffer
            self._buffer += piece
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return head.decode()

    def body(self, head: str) -> bytes:
        length = int(head.lower().partition("content-length: ")[2].split("\r\n")[0])
        while len(self._buffer) < length:
            self._buffer += self.wire.recv(65_536)
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return body

    def rest(self) -> bytes:
        """All that comes until the other side closes."""
        while piece := self.wire.recv(65_536):
            self._buffer += piece
        return self._buffer

    def connect(self, authority: str) -> str:
        return self.send(
            f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode()
        ).head()

    def secure(self, host: str) -> None:
        """Put TLS on, inside of what was connected."""
        context = ssl.create_default_context(cafile=str(self._proxied.found.certificate))
        self.wire = context.wrap_socket(self.wire, server_hostname=host)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()


def get(path: str, host: str = UPLOADS) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


# -------------------------------------------------------------------------- one of our hosts


@pytest.mark.parametrize("port", [443, 80])
def test_a_connection_stays_for_many_requests(loop: Loop, port: int) -> None:
    with proxied(loop) as mock, Talk(mock) as talk:
        assert talk.connect(f"{UPLOADS}:{port}") == "HTTP/1.1 200 Connection established"
        if port == 443:
            talk.secure(UPLOADS)
        for number in range(3):
            head = talk.send(get(f"/{number}")).head()
            assert head.startswith("HTTP/1.1 404 ")
            talk.body(head)
        assert mock.journal() == ["GET /0 404", "GET /1 404", "GET /2 404"]


def test_a_first_request_along_with_the_end_of_the_handshake(loop: Loop) -> None:
    """It is there before `start_tls` has returned: asyncio hands it to whoever stands there."""
    with proxied(loop) as mock, Talk(mock) as talk:
        talk.connect(f"{UPLOADS}:443")
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=str(mock.found.certificate))
        tls = context.wrap_bio(incoming, outgoing, server_hostname=UPLOADS)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                talk.send(outgoing.read())
                incoming.write(talk.wire.recv(65_536))
        assert tls.version() == "TLSv1.3"
        tls.write(get("/first") + get("/second"))
        talk.send(outgoing.read())
        answer = b""
        while answer.count(b"HTTP/1.1 404") < 2:
            with contextlib.suppress(ssl.SSLWantReadError):
                answer += tls.read(65_536)
                continue
            incoming.write(talk.wire.recv(65_536))
        assert mock.journal() == ["GET /first 404", "GET /second 404"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls_and_http_1_by_alpn(loop: Loop, version: ssl.TLSVersion) -> None:
    with proxied(loop) as mock, Talk(mock) as talk:
        talk.connect(f"{UPLOADS}:443")
        context = ssl.create_default_context(cafile=str(mock.found.certificate))
        context.maximum_version = context.minimum_version = version
        context.set_alpn_protocols(["h2", "http/1.1"])
        with context.wrap_socket(talk.wire, server_hostname=UPLOADS) as tls:
            assert tls.selected_alpn_protocol() == "http/1.1"
            tls.sendall(get("/a"))
            assert tls.recv(65_536).startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize("size", [1, 7, 30])
def test_a_connect_that_comes_in_pieces(loop: Loop, size: int) -> None:
    request = f"CONNECT {UPLOADS}:80 HTTP/1.1\r\nHost: {UPLOADS}\r\n\r\n".encode()
    with proxied(loop) as mock, Talk(mock) as talk:
        for start in range(0, len(request), size):
            talk.send(request[start : start + size])
        assert talk.head() == "HTTP/1.1 200 Connection established"
        assert talk.send(get("/a")).head().startswith("HTTP/1.1 404")


@pytest.mark.parametrize(
    "authority", [f"{UPLOADS.upper()}:443", f"{UPLOADS}.:443", f"{LINKS}:443", "api.kie.ai:443"]
)
def test_a_host_is_known_however_it_is_spelled(loop: Loop, authority: str) -> None:
    with proxied(loop) as mock, Talk(mock) as talk:
        assert talk.connect(authority).startswith("HTTP/1.1 200 ")


def test_whole_urls_of_many_hosts_on_one_connection(loop: Loop) -> None:
    """As clients do for plain http: a connection is the proxy's, not a host's."""
    with proxied(loop) as mock, Talk(mock) as talk:
        for url, status in (
            (f"http://{UPLOADS}/a?b=c", 404),
            (f"http://user:word@{LINKS}:80", 404),
            (f"https://{UPLOADS}/secure", 404),
            ("http://api.kie.ai/d#e", 404),
        ):
            head = talk.send(get(url, "odd.test")).head()
            assert head.startswith(f"HTTP/1.1 {status} "), url
            talk.body(head)
        assert mock.journal() == [*("GET /a?b=c 404", "GET / 404", "GET /secure 404", "GET /d 404")]
        head = talk.send(get("http://other.test/")).head()
        assert head.startswith("HTTP/1.1 403 ")
        assert talk.body(head) == b"mockkie refuses other.test: ask other.test\n"


def test_an_upload_and_its_link_by_whole_urls(loop: Loop) -> None:
    with proxied(loop) as mock, mock.client() as client:
        for scheme in ("http", "https"):
            answer = client.post(
                f"{scheme}://{UPLOADS}/api/file-stream-upload",
                headers={"Authorization": "Bearer kie-mock-key"},
                files={"file": ("a.txt", b"hello")},
                data={"uploadPath": "a"},
            )
            link = answer.json()["data"]["downloadUrl"]
            assert link.startswith(f"https://{LINKS}/")
            assert client.get(link).content == b"hello"
            assert client.get(link.replace("https://", "http://")).content == b"hello"


def test_a_url_upload_of_a_link_of_the_mock(loop: Loop) -> None:
    with proxied(loop) as mock, mock.client() as client:
        auth = {"Authorization": "Bearer kie-mock-key"}
        link = "https://example.com/cat.png"
        for _ in range(2):
            body = {"fileUrl": link, "uploadPath": "a", "fileName": "b.png"}
            url = f"https://{UPLOADS}/api/file-url-upload"
            link = client.post(url, headers=auth, json=body).json()["data"]["downloadUrl"]
        entry = mock.mock.service.worlds.default.journal.entries()[-1]
        assert "is a link of this mock" in entry.notes[0]


# ------------------------------------------------------------------------------ other hosts


@pytest.mark.parametrize("authority", ["other.test:443", "other.test:80", "127.0.0.1:9", "[::1]:9"])
def test_other_hosts_are_refused_and_counted(loop: Loop, authority: str) -> None:
    host = authority.rpartition(":")[0].strip("[]")
    with proxied(loop) as mock:
        for _ in range(2):
            with Talk(mock) as talk:
                head = talk.connect(authority)
                why = f"mockkie refuses {host}: ask {host}"
                assert head.startswith(f"HTTP/1.1 403 Forbidden: {why}\r\n")
                assert talk.rest() == f"{why}\n".encode()
        assert mock.found.refused == {authority: 2}
        assert mock.journal() == []


@pytest.mark.parametrize(
    "request_",
    ["CONNECT other.test", "CONNECT /a:b", "CONNECT :443", "CONNECT a:99999", "CONNECT "],
)
def test_a_connect_to_nowhere(loop: Loop, request_: str) -> None:
    with proxied(loop) as mock, Talk(mock) as talk:
        head = talk.send(f"{request_} HTTP/1.1\r\n\r\n".encode()).head()
        assert head.startswith("HTTP/1.1 400 Bad Request: CONNECT names a host and a port")


def test_what_is_sent_before_the_answer_to_a_connect_is_refused(loop: Loop) -> None:
    with proxied(loop) as mock, Talk(mock) as talk:
        request = f"CONNECT {UPLOADS}:80 HTTP/1.1\r\n\r\n".encode() + get("/a")
        assert talk.send(request).head().startswith("HTTP/1.1 400 ")
        assert mock.journal() == []


def test_a_head_without_an_end(loop: Loop) -> None:
    with proxied(loop) as mock, Talk(mock) as talk:
        talk.send(b"CONNECT a:443 HTTP/1.1\r\nA: " + b"b" * 70_000)
        assert talk.head().startswith("HTTP/1.1 431 ")


def test_requests_that_are_not_for_a_proxy(loop: Loop) -> None:
    with proxied(loop) as mock:
        for request in (get("/"), b"GET ftp://a.test/ HTTP/1.1\r\nHost: a\r\n\r\n"):
            with Talk(mock) as talk:
                head = talk.send(request).head()
                assert head.startswith("HTTP/1.1 400 ")
                assert b"this is a proxy" in talk.body(head)
        with Talk(mock) as talk:
            head = talk.send(get(f"http://{UPLOADS}/")).head()
            talk.body(head)
            assert talk.connect(f"{UPLOADS}:443").startswith("HTTP/1.1 400 ")
        with Talk(mock) as talk:
            assert talk.send(b"\x16\x03\x01\x02\x00").head().startswith("HTTP/1.1 400 ")


def test_a_client_that_does_not_trust_us(loop: Loop) -> None:
    with proxied(loop) as mock:
        with (
            httpx2.Client(proxy=mock.found.proxy, trust_env=False) as client,
            pytest.raises(httpx2.ConnectError, match="certificate verify failed"),
        ):
            client.get(f"https://{UPLOADS}/")
        with mock.client() as client:
            client.get(f"https://{UPLOADS}/")  # by now the other one is done with
        assert mock.found.seen.distrusted == {f"{UPLOADS}:443": 1}


def test_a_client_that_looks_at_the_certificate_after_the_handshake(loop: Loop) -> None:
    """As GnuTLS does: the handshake succeeds, then nothing is asked."""
    with proxied(loop) as mock:
        with Talk(mock) as talk:
            talk.connect(f"{UPLOADS}:443")
            talk.secure(UPLOADS)
        with mock.client() as client:
            client.get(f"https://{UPLOADS}/")  # by now the other one is done with
        assert mock.found.seen.distrusted == {f"{UPLOADS}:443": 1}


def test_clients_that_hang_up_leave_nothing(loop: Loop) -> None:
    with proxied(loop) as mock:
        for said in (b"", b"CONN", f"CONNECT {UPLOADS}:443 HTTP/1.1\r\n\r\n".encode(), b"GET /"):
            with Talk(mock) as talk:
                talk.send(said)
        with Talk(mock) as talk:
            talk.connect(f"{UPLOADS}:443")
            talk.secure(UPLOADS)
            talk.send(
                b"POST /api/file-stream-upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
            )


def test_a_request_in_flight_ends_before_the_proxy_does(loop: Loop) -> None:
    with contextlib.ExitStack() as stack:
        mock = stack.enter_context(proxied(loop))
        with Talk(mock) as talk, Talk(mock) as idle:
            talk.connect(f"{UPLOADS}:80")
            idle.connect(f"{UPLOADS}:80")
            body = b'{"fileUrl": "https://example.com/a.png", "uploadPath": "a"}'
            talk.send(
                b"POST /api/file-url-upload HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                b"Content-Type: application/json\r\nAuthorization: Bearer kie-mock-key\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body)
            )
            assert talk.head() == "HTTP/1.1 100 Continue"
            closing = threading.Thread(target=stack.pop_all().close)
            closing.start()
            assert idle.rest() == b""  # then the proxy is closing
            head = talk.send(body).head()
            assert head.startswith("HTTP/1.1 200 ")
            assert b"downloadUrl" in talk.body(head)
            assert talk.rest() == b""
        closing.join(PATIENCE)


# ---------------------------------------------------------------------- hosts that are allowed


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """Another server: says what it was sent."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        if self.headers["transfer-encoding"]:
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["content-length"] or 0))
        told = f"{self.path} {self.headers['x-mine']} {self.headers['proxy-connection']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told) + len(body)))
        self.end_headers()
        self.wfile.write(told + body)

    do_GET = do_POST  # noqa: N815 - the library's name

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@contextlib.contextmanager
def answering(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[int]:
    """A server on a port of this machine, which is what it yields."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    with answering(Elsewhere) as port:
        yield port


@pytest.mark.parametrize("pattern", ["*", "127.0.0.1", "127.*"])
def test_an_allowed_host_is_reached_by_whole_urls(loop: Loop, elsewhere: int, pattern: str) -> None:
    with proxied(loop, pattern) as mock, mock.client() as client:
        url = f"http://127.0.0.1:{elsewhere}/a%20b?c=d"
        got = client.post(url, content=b"body", headers={"X-Mine": "1", "Proxy-Connection": "x"})
        assert got.content == b"/a%20b?c=d 1 Nonebody"
        assert client.get(url).content == b"/a%20b?c=d None None"
        pieces = iter([b"a" * 100_000, b"b"])
        assert client.post(url, content=pieces).content.endswith(b"aab")
        assert mock.found.seen.passed == {f"127.0.0.1:{elsewhere}": 3}


@pytest.fixture
def mirror() -> Iterator[int]:
    """A server that gives cookies, and says which headers it was sent."""

    class Mirror(Elsewhere):
        def do_GET(self) -> None:
            told = str(self.headers).encode()
            self.send_response(200)
            self.send_header("Set-Cookie", "session=1; Path=/")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

    with answering(Mirror) as port:
        yield port


def test_a_forwarded_request_has_the_headers_of_its_client_only(loop: Loop, mirror: int) -> None:
    host = f"127.0.0.1:{mirror}"
    with proxied(loop, "127.0.0.1") as mock:
        for _ in range(2):
            with Talk(mock) as talk:
                asked = f"GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\nX-Mine: 1\r\n\r\n"
                seen = talk.body(talk.send(asked.encode()).head()).decode()
            names = {line.partition(":")[0].lower() for line in seen.split("\n") if line}
            assert names <= {"host", "x-mine", "connection"}
            assert names >= {"host", "x-mine"}


def test_an_allowed_host_is_reached_by_a_tunnel(loop: Loop, elsewhere: int) -> None:
    with proxied(loop, "127.0.0.1") as mock, Talk(mock) as talk:
        assert talk.connect(f"127.0.0.1:{elsewhere}") == "HTTP/1.1 200 Connection established"
        for _ in range(2):
            assert talk.body(talk.send(get("/a")).head()) == b"/a None None"
        assert mock.found.seen.passed == {f"127.0.0.1:{elsewhere}": 1}


def test_a_tunnel_carries_much_at_the_pace_of_its_ends(loop: Loop) -> None:
    """Half of it may close, and the rest still arrives."""
    sent = bytes(range(256)) * 40_000

    def answer(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"first")
            got = b""
            while piece := connection.recv(65_536):
                got += piece
            connection.sendall(got)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer, args=(listening,))
        thread.start()
        with proxied(loop, "*") as mock, Talk(mock) as talk:
            talk.connect(f"127.0.0.1:{listening.getsockname()[1]}")
            talk.send(sent)
            talk.wire.shutdown(socket.SHUT_WR)
            assert talk.rest() == b"first" + sent
        thread.join()


class Recording(asyncio.Transport):
    """The far side of a relay."""

    def __init__(self) -> None:
        super().__init__()
        self.did: list[str] = []

    def write(self, data: Any) -> None:
        self.did.append(f"write {data.decode()}")

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.did.append("end")

    def close(self) -> None:
        self.did.append("close")

    def pause_reading(self) -> None:
        self.did.append("pause")

    def resume_reading(self) -> None:
        self.did.append("resume")


def test_the_ends_of_a_tunnel() -> None:
    """What came early is not lost, nobody is read from who cannot be written to."""
    left, right = Relay(), Relay()
    transports = Recording(), Recording()
    for end, transport in zip((left, right), transports, strict=True):
        end.connection_made(transport)
    left.data_received(b"early")
    assert left.eof_received()
    left.join(right)
    right.pause_writing()
    right.resume_writing()
    right.data_received(b"answer")
    assert not right.eof_received()
    left.connection_lost(None)
    assert transports[0].did == ["pause", "resume", "write answer", "end"]
    assert transports[1].did == ["write early", "end", "close"]


def test_an_allowed_host_that_is_not_there(loop: Loop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        authority = f"127.0.0.1:{gone.getsockname()[1]}"
    with proxied(loop, "*") as mock, Talk(mock) as talk:
        head = talk.connect(authority)
        assert head.startswith(f"HTTP/1.1 502 Bad Gateway: {authority} was allowed, but could not")
        with mock.client() as client:
            assert client.get(f"http://{authority}/").status_code == 502
        assert mock.found.seen.failed == {authority: 2}


def test_our_hosts_are_ours_even_if_all_are_allowed(loop: Loop) -> None:
    with proxied(loop, "*") as mock, mock.client() as client:
        assert client.get(f"https://{UPLOADS}/").headers["x-mockkie-why"]


def test_the_proxy_of_the_environment_is_used_for_others(
    loop: Loop, elsewhere: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxied(loop, "*") as outer:
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, outer.found.proxy.replace("//", "//me:secret@"))
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        with proxied(loop, "*") as mock, mock.client() as client:
            monkeypatch.undo()
            assert client.get(f"http://127.0.0.1:{elsewhere}/a").content == b"/a None None"
            with Talk(mock) as talk:
                talk.connect(f"127.0.0.1:{elsewhere}")
                assert talk.body(talk.send(get("/b")).head()) == b"/b None None"
        assert outer.found.seen.passed == {f"127.0.0.1:{elsewhere}": 2}


def test_a_refusal_by_the_proxy_of_the_environment(
    loop: Loop, elsewhere: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxied(loop) as outer:
        monkeypatch.setenv("https_proxy", outer.found.proxy)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        with proxied(loop, "*") as mock, Talk(mock) as talk:
            head = talk.connect(f"127.0.0.1:{elsewhere}")
            assert head.startswith("HTTP/1.1 502 ")
            assert "the proxy of the environment answered" in head


@pytest.mark.parametrize(
    "url", ["socks5://127.0.0.1:9", "ftp://127.0.0.1:9", "http://127.0.0.1:port", "http://[::1:9"]
)
def test_a_proxy_of_the_environment_that_is_none(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with proxied(loop, "*") as mock, mock.client() as client:
        says = "could not be reached: the proxy of the environment is no http:// or https:// URL"
        with Talk(mock) as talk:
            assert says in talk.connect("other.test:443")
        answer = client.get("http://other.test/")
        assert (answer.status_code, says in answer.text) == (502, True)
        assert mock.found.seen.failed == {"other.test:443": 1, "other.test:80": 1}


# ----------------------------------------------------------------------------------- trust


def test_what_programs_are_told(loop: Loop, tmp_path: Path) -> None:
    roots, extra = tmp_path / "roots.pem", tmp_path / "extra.pem"
    roots.write_bytes(b"the roots\n")
    extra.write_bytes(b"the company's\n")
    before = {
        "SSL_CERT_FILE": str(roots),
        "NODE_EXTRA_CA_CERTS": str(extra),
        "NODE_OPTIONS": "--no-warnings",
        "JAVA_TOOL_OPTIONS": "-Xmx64m",
        "NO_PROXY": f".redpandaai.co,{UPLOADS},*",
    }
    with proxied(loop, **before) as mock:
        env, ours = mock.found.env, mock.found.certificate.read_bytes()
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            assert Path(env[name]).read_bytes() == ours + b"\nthe roots\n"
        assert Path(env["NODE_EXTRA_CA_CERTS"]).read_bytes() == ours + b"\nthe company's\n"
        assert env["NO_PROXY"] == env["no_proxy"] == "localhost,127.0.0.1,::1"
        assert env["NODE_OPTIONS"].startswith("--no-warnings --require ")
        assert env["JAVA_TOOL_OPTIONS"].startswith("-Xmx64m -D")
        for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            assert env[name] == mock.found.proxy
        kept = mock.found.certificate.parent
        assert not any(b"PRIVATE KEY" in path.read_bytes() for path in kept.iterdir())
        assert kept.stat().st_mode & 0o777 == 0o700
