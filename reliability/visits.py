"""A client that asks for little, again and again, while others load the server."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

PATIENCE: Final = 30.0
_PAUSE: Final = 0.02
_BODY: Final = {"base64Data": "aGFsbG8=", "uploadPath": "of/a/visitor", "fileName": "a.txt"}


class Visits:
    """How long each of the small requests took, in seconds, and what went wrong."""

    def __init__(self) -> None:
        self.took: list[float] = []
        self.failed: list[str] = []

    def within(self, share: float) -> float:
        """The milliseconds within which a share of them were answered."""
        took = sorted(self.took)
        at = min(round(share * len(took)), len(took) - 1)
        return round(1_000 * took[at], 1) if took else 0.0

    def __str__(self) -> str:
        median, most, worst = (self.within(share) for share in (0.5, 0.99, 1.0))
        return f"{median} / {most} / {worst} ms of {len(self.took):,}"


@contextmanager
def visiting(url: str, key: str) -> Iterator[Visits]:
    """Meanwhile, upload 5 bytes, read them back, and look at the clock, one after the other."""
    visits, over = Visits(), threading.Event()
    thread = threading.Thread(target=_visit, args=(url, key, visits, over))
    thread.start()
    try:
        yield visits
    finally:
        over.set()
        thread.join()


def _visit(url: str, key: str, visits: Visits, over: threading.Event) -> None:
    where = urlsplit(url)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    link = ""
    while not over.wait(_PAUSE):
        connection = http.client.HTTPConnection(where.netloc, timeout=PATIENCE)
        try:
            for method, path, body in (
                ("POST", "/api/file-base64-upload", json.dumps(_BODY)),
                ("GET", link or "/livez", None),
                ("GET", "/__mockkie/clock", None),
            ):
                began = time.monotonic()
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                content = answer.read()
                visits.took.append(time.monotonic() - began)
                if answer.status != http.client.OK:
                    visits.failed.append(f"{method} {path} was answered {answer.status}")
                elif method == "POST":
                    link = urlsplit(json.loads(content)["data"]["downloadUrl"]).path
        except (OSError, http.client.HTTPException) as error:
            visits.failed.append(f"a small request failed: {error!r}")
        finally:
            connection.close()
