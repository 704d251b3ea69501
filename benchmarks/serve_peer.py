"""Serves a peer: `python -m benchmarks.serve_peer sink|plain PORT`.

The sink gets the server settings and the protocol of mockkie itself: what is left between the
two is mockkie's own work. The plain app gets uvicorn as it comes, without its access log.
"""

from __future__ import annotations

import sys

import uvicorn

from mockkie.protocol import KEEP_ALIVE_SECONDS, Protocol


def main(name: str, port: int) -> None:
    """Serve until SIGTERM."""
    if name == "sink":
        config = uvicorn.Config(
            "benchmarks.sink:app",
            port=port,
            http=Protocol,
            ws="none",
            lifespan="off",
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
    else:
        config = uvicorn.Config(
            "benchmarks.plain:app", port=port, log_level="critical", access_log=False
        )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
