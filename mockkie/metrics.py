"""What a mock counts for Prometheus. Needs `mockkie[metrics]`; knows entries, no requests.

The library is imported by this module and nowhere else: only who asked for metrics pays for them.
Labels have few values: operations, outcomes, statuses, problems, clauses, actions of faults. No
world, key, path or link is one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from mockkie import __version__
from mockkie.dashboard.diagnosis import claims_of, documents, told
from mockkie.faults import action_of
from mockkie.journal import Entry
from mockkie.service import Service
from mockkie.shared_folder import COUNTS
from mockkie.stored import StoredFile
from mockkie.worlds import World

UNMATCHED: Final = "unmatched"
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_GAUGES: Final = (
    ("mockkie_files", "Living files of all worlds, each by the clock of its world."),
    ("mockkie_stored_bytes", "Bytes of the living files of all worlds."),
    ("mockkie_worlds", "Worlds that there are."),
    ("mockkie_journal_evicted_entries", "Entries that journals lack because there were too many."),
)


class _Counts:
    """The counters of a registry, which several processes may share."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, says: str, *labels: str) -> Counter:
            return Counter(f"mockkie_{name}", says, labels, registry=registry)

        about = ("operation", "outcome")
        self.requests = counter("requests", "Requests that were answered.", *about, "status")
        self.uploads = counter("uploads", "Uploads by what became of them.", *about)
        self.received = counter("received_bytes", "Bytes of request bodies.", "operation")
        self.sent = counter("sent_bytes", "Bytes of answers' bodies.", "operation")
        self.seconds = Histogram(
            "mockkie_request_duration_seconds",
            "Real time from a request's head to the end of its answer.",
            ["operation"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.refusals = counter(
            "refusals", "Requests that were refused or failed, by why.", "problem"
        )
        self.clauses = counter(
            "refused_clauses",
            "Clauses that a refusal rests on; one that rests on several counts for each.",
            "clause",
        )
        self.faults = counter("faults_fired", "Faults that hit a request, by action.", "action")
        self.sweeps = counter("sweeps", "Sweeps that freed a file or more.")
        self.swept_files = counter("swept_files", "Expired files that were freed.")
        self.swept_bytes = counter("swept_bytes", "Bytes of expired files that were freed.")


class _Now(Collector):
    """What there is at the moment of a scrape."""

    def __init__(self, service: Service, values: Sequence[int]) -> None:
        self._service, self._values = service, values

    def collect(self) -> Iterator[Metric]:
        for (name, says), value in zip(_GAUGES, self._values, strict=True):
            yield GaugeMetricFamily(name, says, value=value)
        info = GaugeMetricFamily(
            "mockkie_info", "Always 1; the labels say what serves.", labels=("version", "profile")
        )
        info.add_metric((__version__, self._service.settings.profile), 1)
        yield info


class Metrics:
    """The counts of one mock, since it started; with several processes, of all of them."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._registry = CollectorRegistry()
        self._folder = None if service.shared is None else os.environ.get(COUNTS)
        self._counts = _Counts(self._registry)
        self._bound: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self._clauses = {
            name for document in documents(service.contract) for name in claims_of(document)
        }
        service.watchers.append(self.note)
        service.sweeper.watchers.append(self.swept)

    def note(self, world: World, entry: Entry) -> None:
        """Count an entry: a watcher of the service."""
        del world
        key = entry.operation, entry.decision, entry.status
        requests, uploads, received, sent, seconds = self._bound.get(key) or self._bind(*key)
        requests.inc()
        if uploads is not None:
            uploads.inc()
        received.inc(entry.received)
        sent.inc(entry.sent)
        seconds.observe(entry.seconds)
        if entry.problem is not None:
            self._counts.refusals.labels(entry.problem).inc()
            for clause in told(entry)[0]:
                if clause in self._clauses:
                    self._counts.clauses.labels(clause).inc()
        for shot in entry.shots:
            self._counts.faults.labels(action_of(shot)).inc()

    def _bind(self, operation: str | None, outcome: str, status: int | None) -> tuple[Any, ...]:
        """The counters of a kind of request: to find them by their labels is what costs."""
        name, counts = operation or UNMATCHED, self._counts
        uploads = counts.uploads.labels(name, outcome) if name.startswith("upload-") else None
        found = self._bound[operation, outcome, status] = (
            counts.requests.labels(name, outcome, "none" if status is None else str(status)),
            uploads,
            counts.received.labels(name),
            counts.sent.labels(name),
            counts.seconds.labels(name),
        )
        return found

    def swept(self, files: Sequence[StoredFile]) -> None:
        """Count what a sweep has freed: a watcher of the sweeper."""
        self._counts.sweeps.inc()
        self._counts.swept_files.inc(len(files))
        self._counts.swept_bytes.inc(sum([file.size for file in files]))

    async def scrape(self, accept: str) -> tuple[bytes, str]:
        """`(body, content type)` in the format that an `Accept` header asks for."""
        service, files, size, evicted = self._service, 0, 0, 0
        worlds = list(service.worlds)
        await service.store.count_often()
        for world in worlds:
            await service.sweeper.sweep_patiently(world)
            count, total = await service.store.count(world.id)
            files, size, evicted = files + count, size + total, evicted + world.journal.evicted
        whole = CollectorRegistry()
        whole.register(_Now(service, (files, size, len(worlds), evicted)))
        if self._folder is None:
            whole.register(self._registry)
        else:
            MultiProcessCollector(whole, self._folder)  # type: ignore[no-untyped-call] # theirs
        encode, content_type = choose_encoder(accept)
        return encode(whole), content_type
