"""Large files by curl, which times what it sends and gets."""

from __future__ import annotations

import subprocess
from pathlib import Path

from benchmarks.dialects import KIE, Dialect
from benchmarks.load import RefusedError
from benchmarks.uploads import SUCCESS

_SHOWN = 160
_GOOD = range(200, 300)


def upload(url: str, file: Path, name: str, dialect: Dialect = KIE) -> tuple[float, str]:
    """`(seconds, link)` of one upload; `RefusedError` with what was answered."""
    seconds, answer = timed(*dialect.curl(url, file, name))
    if dialect is KIE and SUCCESS.decode() not in answer.replace(": ", ":"):
        raise RefusedError(f"it answered {answer[:_SHOWN]}")
    return seconds, dialect.link(url, name, answer)


def timed(*words: str) -> tuple[float, str]:
    """`(seconds, answer)` of a request; `RefusedError` unless its status is 2xx."""
    report = "\n%{http_code} %{time_total}"
    quiet = ("curl", "--silent", "--show-error", "--noproxy", "*", "--header", "Expect:")
    done = subprocess.run(
        [*quiet, "--max-time", "300", "--write-out", report, *words],
        capture_output=True,
        text=True,
        check=False,
    )
    answer, _, measured = done.stdout.rpartition("\n")
    status, _, seconds = measured.partition(" ")
    if done.returncode and int(status or 0) in {0, *_GOOD}:
        raise RefusedError(f"curl could not ({done.returncode}): {done.stderr.strip()[:_SHOWN]}")
    if int(status) not in _GOOD:
        raise RefusedError(f"it answered {status} {' '.join(answer.split())[:_SHOWN]}".strip())
    return float(seconds), answer


def download(link: str, dialect: Dialect = KIE, *, span: str | None = None) -> tuple[float, int]:
    """`(seconds, bytes)` of one download, of the bytes `span` (such as 0-99) when it is given."""
    ranged = () if span is None else ("--range", span)
    headers = [
        word for name, value in dialect.reading.items() for word in ("--header", f"{name}: {value}")
    ]
    report = "%{size_download}\n%{http_code} %{time_total}"
    words = (*headers, *ranged, "--output", "/dev/null", "--write-out", report, link)
    seconds, size = timed(*words)
    return seconds, int(size)
