"""Serves a mock and looks where it is: `python -m benchmarks.profiled STORE PORT FILE`.

Every millisecond of CPU time the function that runs is noted; time in C is that of the function
that called it. At SIGTERM the counts by module go to FILE, as JSON. Costs about a hundredth.
"""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Final

from benchmarks.uploads import KEY
from mockkie.build import build_mock
from mockkie.server import Server, tune_process

_EVERY_SECONDS: Final = 0.001


def main(data: str, port: int, file: Path) -> None:
    """Serve until SIGTERM."""
    found: Counter[str] = Counter()

    def look(number: int, frame: FrameType | None) -> None:
        del number
        if frame is not None:
            found[frame.f_globals.get("__name__", "?")] += 1

    server = Server(build_mock(data=data, keys=[KEY]), port=port)
    tune_process()
    signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, _EVERY_SECONDS, _EVERY_SECONDS)
    server.run()
    signal.setitimer(signal.ITIMER_PROF, 0)
    file.write_text(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
