"""The spans of a mock, as a collector gets them: over a socket, read with the protocol's own."""

from __future__ import annotations

import gzip
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Thread
from typing import Any

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

import mockkie
from mockkie.kie import Kie
from tests.clients import Client
from tests.serving_processes import served, told_without, visitor_at
from tests.visitors import Visitor, serving, visiting

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
Value = str | int | float | bool


class Collector(ThreadingHTTPServer):
    """Takes traces in OTLP over HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.came = Condition()
        self.spans: list[Span] = []
        self.resources: list[dict[str, Value]] = []
        self.heads: list[dict[str, str]] = []

    def take(self, head: Mapping[str, str], body: bytes) -> None:
        if head.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        message = ExportTraceServiceRequest.FromString(body)
        with self.came:
            self.heads.append(dict(head))
            for resource in message.resource_spans:
                self.resources.append(told(resource.resource.attributes))
                for scope in resource.scope_spans:
                    assert scope.scope.name == "mockkie"
                    self.spans += scope.spans
            self.came.notify_all()

    def wait(self, count: int) -> list[Span]:
        """So many spans, once they have come, in the order of their ends."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.spans) >= count, 60), len(self.spans)
            assert len(self.spans) == count
            return sorted(self.spans, key=lambda span: span.end_time_unix_nano)


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.take(dict(self.headers), body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def told(attributes: Sequence[Any]) -> dict[str, Value]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        thread = Thread(target=collector.serve_forever, args=(0.05,))
        thread.start()
        yield collector
        collector.shutdown()
        thread.join()


@pytest.fixture
def guest(collector: Collector, monkeypatch: pytest.MonkeyPatch, http: Client) -> Iterator[Visitor]:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    with serving(otel=True) as server, visiting(server, http) as visitor:
        yield visitor


def test_a_span_for_each_request(guest: Visitor, collector: Collector) -> None:
    before = time.time_ns()
    data = guest.upload("stream", b"x" * 1_000, "docs", "a.txt")
    guest.get(data["downloadUrl"])
    guest.post("stream", b"x", "../a")
    upload, download, refused = collector.wait(3)
    entries = guest.journal()

    assert upload.name == "POST /api/file-stream-upload"
    assert upload.kind == Span.SPAN_KIND_SERVER
    assert before - 5_000_000 < upload.start_time_unix_nano < upload.end_time_unix_nano
    assert upload.end_time_unix_nano < time.time_ns() + 5_000_000
    known = told(upload.attributes)
    host, _, port = guest.origin.removeprefix("http://").partition(":")
    assert known.pop("user_agent.original")
    assert known == {
        "http.request.method": "POST",
        "http.route": "/api/file-stream-upload",
        "url.path": "/api/file-stream-upload",
        "http.response.status_code": 200,
        "http.request.body.size": entries[0]["received"],
        "http.response.body.size": entries[0]["sent"],
        "server.address": host,
        "server.port": int(port),
        "mockkie.world": guest.id,
        "mockkie.operation": "upload-file-stream",
        "mockkie.decision": "accepted",
        "mockkie.code": 200,
    }
    assert (download.name, download.status.code) == ("GET /{link}", Status.STATUS_CODE_UNSET)
    assert told(download.attributes)["http.response.body.size"] == 1_000
    known = told(refused.attributes)
    assert known["mockkie.decision"] == "refused"
    assert known["mockkie.problem"] == "invalid-parameter"
    assert known["mockkie.why"] == entries[2]["why"]
    assert refused.status.code == Status.STATUS_CODE_UNSET  # it is the client's fault
    [resource] = {tuple(sorted(one.items())) for one in collector.resources}
    assert dict(resource)["service.name"] == "mockkie"
    assert dict(resource)["service.version"] == mockkie.__version__


def test_the_trace_goes_on(guest: Visitor, collector: Collector) -> None:
    guest.get(f"{guest.origin}/nothing", traceparent=PARENT)
    guest.get(f"{guest.origin}/nothing", traceparent=UNSAMPLED)
    guest.get(f"{guest.origin}/nothing", traceparent="nonsense")
    child, alone = collector.wait(2)
    assert child.trace_id.hex() == PARENT.split("-")[1]
    assert child.parent_span_id.hex() == PARENT.split("-")[2]
    assert alone.parent_span_id == b""
    assert alone.trace_id != child.trace_id


def test_faults_and_failures(guest: Visitor, collector: Collector) -> None:
    guest.control("POST", "/faults", {"then": {"status": 503}, "times": 1})
    guest.control("POST", "/faults", {"then": {"storageFull": {}}, "times": 1})
    guest.post("stream", b"x")
    guest.post("stream", b"x")
    status, full = collector.wait(2)
    [event] = status.events
    assert event.name == "mockkie.fault"
    assert told(event.attributes) == {"mockkie.fault": "fault 1: status=503"}
    assert (told(status.attributes)["error.type"], status.status.code) == ("503", 2)
    assert told(full.attributes)["error.type"] == "internal-error"
    assert (full.status.code, "the storage is full" in full.status.message) == (2, True)


def test_no_secret_is_in_a_span(guest: Visitor, collector: Collector) -> None:
    link = guest.upload("stream", b"x", "secret-path", "secret-name")["downloadUrl"]
    cases = (link, f"{link}?token=secret", f"{link}-secret", f"{guest.origin}/api/x?key=secret")
    for url in cases:
        guest.get(url, cookie="secret=1", x_api_key="secret")
    guest.ask("POST", link)
    guest.post("url", b"secret", "b", "c")
    guest.client.fetch(
        "POST",
        f"{guest.origin}/api/file-url-upload",
        headers={**guest.auth, "Content-Type": "application/json"},
        body=b'{"fileUrl": "https://example.com/a.unheard-of?sig=secret", "uploadPath": "a"}',
    )
    guest.ask("PURGE", f"{guest.origin}/x")
    spans = collector.wait(10)
    everything = "".join(map(str, spans))
    for word in ("secret", guest.key, guest.account):
        assert word not in everything
    paths = {told(span.attributes).get("url.path") for span in spans}
    assert paths >= {None, "/api/file-stream-upload", "/api/file-url-upload"}
    [strange] = [told(one.attributes) for one in spans if one.name == "HTTP"]
    assert strange["http.request.method"] == "_OTHER"
    assert strange["http.request.method_original"] == "PURGE"


def test_the_standard_variables_are_followed(tmp_path: Path, collector: Collector) -> None:
    """From the command line, with two processes; what is left is sent when they end."""
    env = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{collector.url}/v1/traces",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=me",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        "OTEL_SERVICE_NAME": "files",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=ci",
        "OTEL_BSP_SCHEDULE_DELAY": "3600000",
    }
    with served(tmp_path, "--otel", "--workers", "2", env=env) as facts:
        for _ in range(10):
            httpx2.get(f"{facts['url']}/nothing", trust_env=False)
        assert collector.spans == []
    collector.wait(10)
    assert all(one["x-tenant"] == "me" for one in collector.heads)
    assert all(one["service.name"] == "files" for one in collector.resources)
    assert all(one["deployment.environment.name"] == "ci" for one in collector.resources)


@contextmanager
def deaf() -> Iterator[str]:
    """Where connections are taken, and nobody ever answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def closed() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("how", ["closed", "deaf"])
def test_a_collector_that_is_not_there_is_no_matter(how: str, tmp_path: Path, http: Client) -> None:
    with deaf() as url:
        env = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": url if how == "deaf" else closed(),
            "OTEL_BSP_SCHEDULE_DELAY": "10",
            "OTEL_BSP_MAX_QUEUE_SIZE": "8",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "4",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        }
        said = tmp_path / "said"
        with served(tmp_path, "--otel", env=env, said=said) as facts:
            visitor = visitor_at(facts, http)
            for _ in range(300):
                visitor.upload("stream", b"x" * 100)
    lines = said.read_text().splitlines()
    assert len(lines) < 6, lines
    assert len(set(lines)) == len(lines)


def test_who_did_not_ask_does_not_load_the_libraries() -> None:
    program = (
        "import sys, mockkie\n"
        "with mockkie.serve() as kie:\n"
        "    assert kie.client.get('/x').status_code == 404\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path) -> None:
    said = told_without(tmp_path, "opentelemetry", "--otel")
    assert "opentelemetry is missing: pip install 'mockkie[otel]'" in said


def test_a_mock_that_is_closed_twice(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    with mockkie.serve(otel=True) as kie:
        assert isinstance(kie, Kie)
        kie.client.get("/x")
    collector.wait(1)
