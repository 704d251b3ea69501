"""Who is measured: mockkie, what people write or use today, and the limits that bound it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks import installing
from benchmarks.dialects import KIE, S3, AnonymousS3, Azure, Dialect, Put
from benchmarks.servers import ROOT, Running, mockkie, peer, running

_NGINX: Final = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/errors crit;{user}
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; client_max_body_size 0; keepalive_requests 1000000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/t1; fastcgi_temp_path {folder}/t2;
  uwsgi_temp_path {folder}/t3; scgi_temp_path {folder}/t4;
  server {{
    listen 127.0.0.1:{port}; root {folder}/files;
    location / {{ dav_methods PUT DELETE; create_full_put_path on; }}
  }}
}}
"""


def _there() -> str | None:
    return None


def _no_version() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Peer:
    """A server to measure. `command` and `environment` are given a folder of its own."""

    name: str
    command: Callable[[Path], list[str]]
    dialect: Dialect = KIE
    install: Callable[[], str | None] = _there
    version: Callable[[], str] = _no_version
    environment: Callable[[Path], Mapping[str, str]] = field(default=lambda _: {})

    @contextlib.contextmanager
    def running(self, folder: Path, **more: str) -> Iterator[Running]:
        """The server, with a folder that is made for it."""
        folder.mkdir(parents=True, exist_ok=True)
        given = {**self.environment(folder), **more}
        with running(self.command(folder), self.dialect, **given) as server:
            yield server


def _prism(_: Path) -> list[str]:
    """Prism over our document: it judges requests too, and logs nothing."""
    program = installing.MODULES / "@stoplight" / "prism-cli" / "dist" / "index.js"
    mock = ["node", str(program), "mock", str(ROOT / "openapi.yaml"), "--port", "{port}"]
    return [*mock, "--errors", "--verboseLevel", "silent"]


def _azurite(folder: Path) -> list[str]:
    program = installing.MODULES / "azurite" / "dist" / "src" / "blob" / "main.js"
    quiet = ("--silent", "--disableTelemetry", "--skipApiVersionCheck")
    return ["node", str(program), "--blobPort", "{port}", "--location", str(folder), *quiet]


def _s3rver(folder: Path) -> list[str]:
    program = installing.MODULES / "s3rver" / "bin" / "s3rver.js"
    where = ("--directory", str(folder), "--address", "127.0.0.1", "--port", "{port}")
    return ["node", str(program), *where, "--silent", "--configure-bucket", "bench"]


def _moto(_: Path) -> list[str]:
    return [str(installing.MOTO / "bin" / "moto_server"), "--port", "{port}"]


def _nginx(folder: Path) -> list[str]:
    """A shell writes the port, which is not known yet, into the configuration."""
    for name in ("files/bench", "body"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    user = " user root;" if os.getuid() == 0 else ""
    text = _NGINX.format(folder=folder, user=user, port="{port}")
    at = folder / "nginx.conf"
    program = installing.nginx_program() or "nginx"
    script = 'printf %s "$0" > "$1" && exec "$2" -p "$3" -c "$1"'
    return ["sh", "-c", script, text, str(at), program, str(folder)]


def _plain(folder: Path) -> Mapping[str, str]:
    return {"PLAIN_FOLDER": str(folder / "kept"), "TMPDIR": str(folder)}


PEERS: Final[Mapping[str, Peer]] = {
    known.name: known
    for known in (
        Peer("memory", lambda _: mockkie("memory:")),
        Peer("disk", lambda folder: mockkie(folder / "data")),
        Peer("sink", lambda _: peer("sink")),
        Peer(
            "plain",
            lambda _: peer("plain"),
            install=installing.form_parser,
            environment=_plain,
        ),
        Peer(
            "Prism",
            _prism,
            install=lambda: installing.npm("@stoplight/prism-cli"),
            version=lambda: installing.npm_version("@stoplight/prism-cli"),
        ),
        Peer("moto", _moto, S3(), installing.moto, installing.moto_version),
        Peer(
            "Azurite",
            _azurite,
            Azure(),
            lambda: installing.npm("azurite"),
            lambda: installing.npm_version("azurite"),
        ),
        Peer(
            "s3rver",
            _s3rver,
            AnonymousS3(),
            lambda: installing.npm("s3rver"),
            lambda: installing.npm_version("s3rver"),
        ),
        Peer("nginx", _nginx, Put(), installing.nginx, installing.nginx_version),
    )
}
OURS: Final = ("memory", "disk")
"""What mockkie keeps files in; the others are not ours."""
