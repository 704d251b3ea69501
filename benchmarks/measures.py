"""What is measured: every measure by its name, in the order of the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.bench import Bench
from benchmarks.measure_bodies import base64_uploads, url_uploads
from benchmarks.measure_bounds import bounds
from benchmarks.measure_crowd import crowd, waiting
from benchmarks.measure_downloads import downloads
from benchmarks.measure_large import huge, large
from benchmarks.measure_small import connections, middle, small, workers
from benchmarks.measure_start import check, imports, startup
from benchmarks.measure_tests import fixture, worlds

MEASURES: Final[Mapping[str, Callable[[Bench], None]]] = {
    "small": small,
    "middle": middle,
    "large": large,
    "huge": huge,
    "base64": base64_uploads,
    "url": url_uploads,
    "downloads": downloads,
    "connections": connections,
    "workers": workers,
    "startup": startup,
    "imports": imports,
    "worlds": worlds,
    "fixture": fixture,
    "check": check,
    "crowd": crowd,
    "waiting": waiting,
    "bounds": bounds,
}
