"""A span for each request, for OpenTelemetry. Needs `mockkie[otel]`; knows entries, no requests.

The libraries are imported by this module and nowhere else. Where spans go, how many are sampled and
what the service is called is said by the standard `OTEL_*` variables. A span has what the journal
has, and less: no link, no query, no note, and of headers only host and user agent.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.util.types import AttributeValue

from mockkie import __version__
from mockkie.clock import real_nanoseconds
from mockkie.faults import without_number
from mockkie.journal import Entry
from mockkie.links import parse_link
from mockkie.operation import Operation
from mockkie.service import Service
from mockkie.worlds import World

FLUSH_SECONDS: Final = 3.0
_METHODS: Final = frozenset("CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT TRACE".split())
_FAILED: Final = 500
_NAMING: Final = ("link-not-found", "url-not-fetched")
"""The problems whose reason names a link, or a URL with what may be secret in it."""
_TELLING: Final = ("opentelemetry.exporter.otlp", "opentelemetry.sdk._shared_internal")


class _Once(logging.Filter):
    """Lets what is said about spans of ours through once, and what is about others always."""

    def __init__(self) -> None:
        super().__init__()
        self._here = threading.local()
        self._said: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        if not getattr(self._here, "ours", False):
            return True
        new = record.msg not in self._said
        self._said.add(record.msg)
        return new

    @contextmanager
    def ours(self) -> Iterator[None]:
        """Meanwhile, what this thread does is about ours."""
        self._here.ours = True
        try:
            yield
        finally:
            self._here.ours = False


class _Quiet(SpanExporter):
    """An exporter that a collector which is not there does not make talkative."""

    def __init__(self, exporter: SpanExporter, once: _Once) -> None:
        self._exporter, self._once = exporter, once

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with self._once.ours():
            return self._exporter.export(spans)

    def shutdown(self) -> None:
        self._exporter.shutdown()


class Tracing:
    """The spans of one mock, sent in batches by a thread of their own, with OTLP over HTTP."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._once = _Once()
        self._loggers = [
            known
            for name, known in list(logging.root.manager.loggerDict.items())
            if name.startswith(_TELLING) and isinstance(known, logging.Logger)
        ]
        for logger in self._loggers:
            logger.addFilter(self._once)
        self._exporter = _Quiet(OTLPSpanExporter(), self._once)
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("mockkie", __version__)
        service.watchers.append(self.note)
        service.closing.append(self.close)

    def note(self, world: World, entry: Entry) -> None:
        """Make the span of an entry: a watcher of the service."""
        end = real_nanoseconds()
        operation = self._service.contract.operations.get(entry.operation or "")
        headers = dict(entry.headers)
        method = entry.method if entry.method in _METHODS else "HTTP"
        with self._once.ours():
            span = self._tracer.start_span(
                method if operation is None else f"{method} {operation.path}",
                context=extract(headers),
                kind=SpanKind.SERVER,
                attributes=_attributes(world, entry, operation, headers),
                start_time=end - round(entry.seconds * 1e9),
            )
            for shot in entry.shots:
                span.add_event("mockkie.fault", {"mockkie.fault": without_number(shot)}, end)
            if entry.decision == "broken" or (entry.status or 0) >= _FAILED:
                span.set_attribute("error.type", entry.problem or str(entry.status or "broken"))
                span.set_status(StatusCode.ERROR, _why(entry))
            span.end(end)

    def close(self) -> None:
        """Send what is left, for as long as `FLUSH_SECONDS`; may be called more than once."""
        # The library waits ten times as long for a collector that is not there.
        flush = threading.Thread(target=self._provider.shutdown, name="mockkie-otel", daemon=True)
        flush.start()
        flush.join(FLUSH_SECONDS)
        for logger in self._loggers:
            logger.removeFilter(self._once)


def _why(entry: Entry) -> str | None:
    """The reason, where it names no link: at the wrong port a link is no route, and works still."""
    path = entry.target.partition("?")[0]
    linked = entry.problem == "route-not-found" and parse_link(path.lstrip("/")) is not None
    return None if linked or entry.problem in _NAMING else entry.why


def _resource() -> Resource:
    """What the variables say of the service; where they say no name, ours."""
    found = Resource.create({"service.instance.id": str(uuid4())})
    if str(found.attributes[SERVICE_NAME]).startswith("unknown_service"):
        ours = Resource({SERVICE_NAME: "mockkie", "service.version": __version__})
        found = found.merge(ours)
    return found


def _attributes(
    world: World, entry: Entry, operation: Operation | None, headers: dict[str, str]
) -> dict[str, AttributeValue]:
    """By the names of OpenTelemetry for HTTP servers; the mock's own begin with its name."""
    known = entry.method in _METHODS
    host = _host(headers.get("host", ""))
    path = entry.target.partition("?")[0]
    told = operation is not None and not operation.is_download
    found: dict[str, AttributeValue | None] = {
        "http.request.method": entry.method if known else "_OTHER",
        "http.request.method_original": None if known else entry.method,
        "http.route": None if operation is None else operation.path,
        # A link is a permission: the path of one is nobody else's.
        "url.path": path if told or (entry.problem == "route-not-found" and _why(entry)) else None,
        "http.response.status_code": entry.status,
        "http.request.body.size": entry.received,
        "http.response.body.size": entry.sent,
        "server.address": host[0],
        "server.port": host[1],
        "user_agent.original": headers.get("user-agent"),
        "mockkie.world": world.id,
        "mockkie.operation": entry.operation,
        "mockkie.decision": entry.decision,
        "mockkie.code": entry.code,
        "mockkie.problem": entry.problem,
        "mockkie.why": _why(entry),
    }
    return {name: value for name, value in found.items() if value is not None}


def _host(written: str) -> tuple[str | None, int | None]:
    with suppress(ValueError):
        parts = urlsplit(f"//{written}")
        return parts.hostname, parts.port
    return None, None
