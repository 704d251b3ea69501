"""Serves a peer: `python -m benchmarks.serve_peer sink|pieces|plain PORT [FILE SIZE]`.

The bare apps get the server settings, the protocol and the memory management of mockkie itself:
what is left between them is mockkie's own work. `pieces` sends a file in pieces of so many bytes.
The plain app gets uvicorn as it comes, without its access log.
"""

from __future__ import annotations

import sys

import uvicorn

from benchmarks.sink import pieces, sink
from mockkie.protocol import Protocol, http_config
from mockkie.server import tune_process


def main(name: str, port: int, *more: str) -> None:
    """Serve until SIGTERM."""
    if name == "plain":
        config = uvicorn.Config(
            "benchmarks.plain:app", port=port, log_level="critical", access_log=False
        )
    else:
        config = http_config(sink if name == "sink" else pieces(more[0], int(more[1])), Protocol)
        config.port = port
        tune_process()
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
