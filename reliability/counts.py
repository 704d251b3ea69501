"""What is counted for a world, when many ask at the same moment: each count has to be exact."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

CREDITS: Final = 20
_CLIENTS: Final = 8
_EACH: Final = 6  # calls of a client
_SHOTS: Final = 11
_FILES: Final = 9  # that a quota has room for
_HOUR: Final = 3_600


def few_credits(folder: Path) -> list[str]:
    """Words for `mockkie serve` with which a world has few credits."""
    jobs = (Path(__file__).parent.parent / "jobs.yaml").read_text()
    few = folder / "jobs.yaml"
    few.write_text(jobs.replace("credits: 1000", f"credits: {CREDITS}"))
    uploads = Path(__file__).parent.parent / "openapi.yaml"
    return ["--contract", str(uploads), "--contract", str(few)]


def miscounted(urls: Sequence[str], *, quota_exact: bool) -> Iterator[str]:
    """What was counted wrong at mocks that are one, a line each.

    `quota_exact`: the total of files may not be led over, not even by what comes at once.
    """
    everybody = list(islice(cycle(urls), _CLIENTS))
    shots = _answers(everybody, _shot(_world(urls[0])))[503]
    if shots != _SHOTS:
        yield f"a fault with times: {_SHOTS} fired {shots} times"
    limit = {"limits": {"totalSize": _FILES * 1_000}}
    kept = _answers(everybody, _upload(_world(urls[0], limit), "all"))[200]
    if kept < _FILES or (quota_exact and kept > _FILES):
        yield f"{kept} files of 1,000 bytes were kept under a total of {_FILES * 1_000:,}"
    tasks = _answers(everybody, _task(_world(urls[0])))[200]
    if tasks != CREDITS:
        yield f"{tasks} tasks were created for {CREDITS} credits"
    moved = _moved(everybody, _world(urls[0]))
    if moved != _CLIENTS * _EACH:
        yield f"{_CLIENTS * _EACH} moves by an hour each moved a clock by {moved} hours"


Ask = Callable[[str, int, int], int]
"""One call at an address, by the number of a client and that of its call; gives the status."""


def _answers(urls: Sequence[str], ask: Ask) -> Counter[int]:
    """The answers to all clients at the same moment, by status."""

    def go(client: int) -> Counter[int]:
        return Counter(ask(urls[client], client, number) for number in range(_EACH))

    with ThreadPoolExecutor(_CLIENTS) as pool:
        return sum(pool.map(go, range(_CLIENTS)), Counter[int]())


def _world(url: str, settings: Any = None) -> dict[str, Any]:
    world = _json(url, "/__mockkie/worlds", {"settings": settings or {}})[1]
    return {**world, "url": url}


def _shot(world: dict[str, Any]) -> Ask:
    fault = {"operation": "upload-*", "times": _SHOTS, "then": {"status": 503}}
    _json(world["url"], "/__mockkie/faults", fault, world["key"])
    return _upload(world, "faulty")


def _upload(world: dict[str, Any], folder: str) -> Ask:
    def ask(url: str, client: int, number: int) -> int:
        body = {"base64Data": "AAAA" * 333 + "AA==", "uploadPath": folder}
        body["fileName"] = f"{client}-{number}.bin"
        return _json(url, "/api/file-base64-upload", body, world["key"])[0]

    return ask


def _task(world: dict[str, Any]) -> Ask:
    def ask(url: str, client: int, number: int) -> int:
        body = {"model": "a/b", "input": {"prompt": f"{client} {number}"}}
        status, answer = _json(url, "/api/v1/jobs/createTask", body, world["key"])
        return int(answer["code"]) if answer else status  # refusals are 200, with a code

    return ask


def _moved(urls: Sequence[str], world: dict[str, Any]) -> float:
    def ask(url: str, client: int, number: int) -> int:
        del client, number
        return _json(url, "/__mockkie/clock/advance", {"seconds": _HOUR}, world["key"])[0]

    _answers(urls, ask)
    offset: float = _json(urls[-1], "/__mockkie/clock", None, world["key"])[1]["offset"]
    return round(offset / _HOUR, 3)


def _json(url: str, path: str, body: Any, key: str = "") -> tuple[int, Any]:
    """Status and JSON of an answer, whatever its status is."""
    headers = {"Content-Type": "application/json"} | (
        {"Authorization": f"Bearer {key}"} if key else {}
    )
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, headers)  # noqa: S310 - an address of ours
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, None
