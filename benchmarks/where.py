"""Where the time of a 1 KB upload goes, stage by stage: `python -m benchmarks.where STORE`.

STORE is `memory:` or a folder. Uploads go through the app in process, one after another, without a
socket; every millisecond of CPU time a signal looks which stage is at work. What a stage calls
counts as its own, but for what is a stage itself.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from types import FrameType

from benchmarks.crowd import upload
from benchmarks.uploads import KEY
from mockkie.build import build_mock
from mockkie.server import tune_process

STAGES = {
    "upload": "(this program's own work)",
    "Mock.__call__": "the way through the app",
    "Mock._serve": "the way through the app",
    "Mock._answer": "the way through the app",
    "Request.__init__": "head decoded",
    "Mock._begin": "journal entry begun, secrets redacted",
    "Mock._route": "route",
    "Mock._admit": "key",
    "BodyReader.read": "media type, limits",
    "FormReader.read": "form: framing, fields, digests",
    "BodyReader._accept": "request held against its schema",
    "Draft.write": "bytes of the file and their digest",
    "_keep": "the fact about the file",
    "identify": "type of the file",
    "Exchange.describe": "answer made",
    "Operation.miss": "answer held against the contract",
    "MemoryStore.keep": "store",
    "DiskStore.keep_together": "store",
    "Together.flush": "store",
    "Journal.add": "journal",
    "Mock._write": "answer written",
    "Mock._dress": "answer written",
}
UPLOADS = 3_000


def main(data: str) -> None:
    """Upload under the eye of the signal, and print the table."""
    seen: Counter[str] = Counter()

    def look(number: int, frame: FrameType | None) -> None:
        del number
        while frame is not None:
            stage = STAGES.get(frame.f_code.co_qualname)
            if stage is not None:
                seen[stage] += 1
                return
            frame = frame.f_back

    seconds = asyncio.run(_measure(data, look))
    for stage, samples in seen.most_common():
        share = samples / seen.total()
        print(f"| {stage} | {share * seconds * 1e6:.1f} | {share:.0%} |")
    print(f"| all of it | {seconds * 1e6:.1f} | 100% |")


async def _measure(data: str, look: Callable[[int, FrameType | None], None]) -> float:
    """The CPU seconds of one upload."""
    mock = build_mock(data=data, keys=[KEY])
    await mock.service.start()
    tune_process()
    await upload(mock, UPLOADS)  # fills the caches, and the journal
    signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
    started = time.process_time()
    for _ in range(10):
        await upload(mock, UPLOADS)
    took = time.process_time() - started
    signal.setitimer(signal.ITIMER_PROF, 0)
    await mock.service.close()
    return took / 10 / UPLOADS


if __name__ == "__main__":
    main(sys.argv[1])
