"""Ports of loopback, and processes that never outlive who started them. Knows no server."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import SystemRandom
from typing import Final

_KEEPER: Final = """
cat > /dev/null
for file in "$0"/*.pid; do kill -9 "$(cat "$file")"; done
while ! rm -rf "$0"; do sleep 0.05; done
"""
# Ends the servers when its standard input does: also when whoever started them is killed.


@contextmanager
def kept(folder: Path) -> Iterator[None]:
    """At the end the folder goes, and the processes of its `*.pid` files with it."""
    command = ["sh", "-c", _KEEPER, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ):
        yield


def free_port() -> int:
    """A port of loopback that nobody has, and that no connection will be given by chance."""
    while True:
        port = SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def answers(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
