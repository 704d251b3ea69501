"""Serves a peer: `python -m benchmarks.serve_peer sink|plain PORT`.

The sink gets the server settings and the protocol of mockkie itself: what is left between the
two is mockkie's own work. The plain app gets uvicorn as it comes, without its access log.
"""

from __future__ import annotations

import sys

import uvicorn

from benchmarks.sink import app
from mockkie.protocol import Protocol, http_config


def main(name: str, port: int) -> None:
    """Serve until SIGTERM."""
    if name == "sink":
        config = http_config(app, Protocol)
        config.port = port
    else:
        config = uvicorn.Config(
            "benchmarks.plain:app", port=port, log_level="critical", access_log=False
        )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
