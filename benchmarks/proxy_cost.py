"""What the proxy of `mockkie run` costs: each way to the mock beside the direct one.

`python benchmarks/proxy_cost.py --help`. Rounds go direct, proxied, direct, proxied, so that noise
meets both alike; a claim is the median ratio of their times. A missed target fails nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # a script among modules

from benchmarks.report import Row, print_table, ratio, write_json  # noqa: E402 - see above
from benchmarks.servers import ROOT  # noqa: E402 - see above
from benchmarks.uploads import KEY, PATH, small_upload  # noqa: E402 - see above

UPLOADS = "kieai.redpandaai.co"
TARGET = "<= 2"
MB = 1 << 20
_CHILD = "import json, os, sys; print(json.dumps(dict(os.environ)), flush=True); sys.stdin.read()"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a mock: what curl needs, and how `http.client` connects."""

    url: str
    curl: tuple[str, ...]
    connect: Callable[[], http.client.HTTPConnection]
    prefix: str = ""

    def upload(self, file: Path) -> tuple[float, str]:
        """`(seconds, downloadUrl)` of a stream upload by curl."""
        done = self._curl(
            *("--write-out", "\n%{time_total}", "--header", f"Authorization: Bearer {KEY}"),
            *("--form", "uploadPath=bench", "--form", "fileName=large.bin"),
            *("--form", f"file=@{file};type=application/octet-stream", self.url + PATH),
        )
        answer, _, seconds = done.rpartition("\n")
        return float(seconds), answer.partition('"downloadUrl":"')[2].partition('"')[0]

    def download(self, link: str) -> float:
        """The seconds of a download by curl."""
        target = self.url + urlsplit(link).path
        return float(
            self._curl("--fail", "--output", "/dev/null", "--write-out", "%{time_total}", target)
        )

    def small(self, count: int, *, keep: bool) -> float:
        """The seconds of so many uploads of 1 KB, on one connection or each on its own."""
        before, behind = small_upload(80)
        head, _, body = (before + b"00000000" + behind).partition(b"\r\n\r\n")
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
        headers = {name: value for name, value in lines if name != "Host"}
        started = time.perf_counter()
        connection = self.connect()
        for _ in range(count):
            if not keep:
                connection.close()
                connection = self.connect()
            connection.request("POST", self.prefix + PATH, body, headers)
            answer = connection.getresponse()
            if b'"success":true' not in answer.read():
                raise RuntimeError(f"HTTP {answer.status}")
        connection.close()
        return time.perf_counter() - started

    def _curl(self, *arguments: str) -> str:
        command = ["curl", "-q", "--silent", "--show-error", *self.curl, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout


@contextlib.contextmanager
def direct_https(folder: Path) -> Iterator[Way]:
    """`mockkie serve --tls`."""
    ready = folder / "ready.json"
    serve = ["serve", "--tls", "--port", "0", "--data", "memory:", "--quiet"]
    with started([*serve, "--ready-file", str(ready)]) as process:
        if process.stdout is None or not process.stdout.readline():
            raise RuntimeError("the mock did not start")
        facts = json.loads(ready.read_text())
        port = urlsplit(facts["url"]).port
        context = ssl.create_default_context(cafile=facts["ca"])
        yield Way(
            facts["url"],
            ("--noproxy", "*", "--cacert", facts["ca"]),
            lambda: http.client.HTTPSConnection("127.0.0.1", port, context=context),
        )


@contextlib.contextmanager
def run() -> Iterator[tuple[Way, Way, Way]]:
    """`mockkie run`: directly by http, by whole URLs, and by https through CONNECT."""
    with started(["run", "--quiet", "--", sys.executable, "-c", _CHILD]) as process:
        if process.stdout is None:
            raise RuntimeError("the mock did not start")
        env: Mapping[str, str] = json.loads(process.stdout.readline())
        proxy, url, ca = env["HTTPS_PROXY"], env["MOCKKIE_URL"], env["MOCKKIE_CA"]
        port, proxy_port = urlsplit(url).port, urlsplit(proxy).port or 0
        context = ssl.create_default_context(cafile=ca)

        def tunnel() -> http.client.HTTPConnection:
            made = http.client.HTTPSConnection("127.0.0.1", proxy_port, context=context)
            made.set_tunnel(UPLOADS, 443)
            return made

        yield (
            Way(url, ("--noproxy", "*"), lambda: http.client.HTTPConnection("127.0.0.1", port)),
            Way(
                f"http://{UPLOADS}",
                ("--proxy", proxy),
                lambda: http.client.HTTPConnection("127.0.0.1", proxy_port),
                f"http://{UPLOADS}",
            ),
            Way(f"https://{UPLOADS}", ("--proxy", proxy, "--cacert", ca), tunnel),
        )
        if process.stdin is not None:
            process.stdin.close()
        process.wait()


@contextlib.contextmanager
def started(arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Mockkie in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "mockkie", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def compare(name: str, direct: Way, proxied: Way, file: Path, rounds: int) -> list[Row]:
    """The rows of two ways: seconds proxied by seconds direct."""
    size = file.stat().st_size // MB
    links = {way: way.upload(file)[1] for way in (direct, proxied)}  # the first ones warm up
    measures: dict[str, Callable[[Way], float]] = {
        f"{size} MB upload": lambda way: way.upload(file)[0],
        f"{size} MB download": lambda way: way.download(links[way]),
        "500 uploads of 1 KB, one connection": lambda way: way.small(500, keep=True),
        "100 uploads of 1 KB, a connection each": lambda way: way.small(100, keep=False),
    }
    rows = []
    for what, measure in measures.items():
        seconds: dict[Way, list[float]] = {direct: [], proxied: []}
        for number in range(rounds):
            pair = (direct, proxied) if number % 2 else (proxied, direct)
            for way in pair:
                seconds[way].append(measure(way))
        rows.append(ratio(name, what, (seconds[proxied], seconds[direct]), "s", TARGET))
    return rows


def main() -> None:
    """Measure, print, and write the JSON that was asked for."""
    parser = argparse.ArgumentParser(description="Measure what the proxy of `mockkie run` costs.")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--size", type=int, default=128, help="MB of the large file")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the numbers for programs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mockkie-bench-") as name:
        file = Path(name) / "large.bin"
        file.write_bytes(random.Random(7).randbytes(MB) * options.size)  # noqa: S311 - any bytes
        with direct_https(Path(name)) as https, run() as (http_, whole, tunnel):
            rows = compare("https", https, tunnel, file, options.rounds)
            rows += compare("http", http_, whole, file, options.rounds)
    print_table(rows)
    if options.json:
        write_json(options.json, rows, [])


if __name__ == "__main__":
    main()
