"""Plants files, and looks at them when it is time. Draws no conclusion from what it sees."""

from __future__ import annotations

import base64
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any, Final
from uuid import uuid4

import requests

from mockkie.clock import SECOND, from_datetime, real_now, stopwatch
from mockkie.harness.api import GONE, STREAM
from mockkie.harness.lifespan import SLACK, is_due, next_due, to_overwrite, touch_is_due
from mockkie.harness.plan import is_live
from mockkie.harness.receipts import Look, Planting, Receipt, Role, Sight, digest_of
from mockkie.harness.session import PATIENCE, NoAnswerError, NotJudgedError
from mockkie.harness.target import Target

Save = Callable[[Planting], None]
"""Is told after each step what is known by then."""

_KEPT_HEADERS: Final = frozenset(
    "age cache-control cf-cache-status content-length content-type date etag expires "
    "last-modified retry-after x-cache".split()
)
_FIRST: Final = (
    *(Role.STREAM, Role.BASE64, Role.URL, Role.EARLY, Role.LATE, Role.READ, Role.HEAD),
    Role.OVERWRITTEN,
)
_PLACES: Final = {
    Role.YOUNGER: (Role.STREAM, "younger.txt"),  # beside the file whose end it should survive
    Role.NAMESAKE: (Role.NAMESAKE, f"{Role.STREAM}.txt"),  # named like it, elsewhere
}
_UNANSWERED: Final = (NotJudgedError, NoAnswerError, requests.RequestException)


class TargetTime:
    """What time it is for a target: by the `Date` of its answers, else by this machine."""

    def __init__(self, target: Target) -> None:
        asked = stopwatch()
        answer = target.session.get(
            target.url + STREAM, headers=target.headers, timeout=PATIENCE, allow_redirects=False
        )
        answered = stopwatch()
        # The date was written somewhere between: by halves, a slow answer errs by half its time.
        self._started = (asked + answered) / 2 if (date := _date(answer)) else answered
        self._base = date or real_now()

    def now(self) -> int:
        """Its present instant, to about a second."""
        return self._base + round((stopwatch() - self._started) * SECOND)


def _date(answer: requests.Response) -> int | None:
    if "Age" in answer.headers:  # a cache may have kept an old date
        return None
    try:
        return from_datetime(parsedate_to_datetime(answer.headers["Date"])) + SECOND // 2
    except (KeyError, ValueError):
        return None


# ----------------------------------------------------------------------------------- planting


def plant(target: Target, retention: int, save: Save) -> Planting:
    """Upload the first half of the files; raises `NotJudgedError` if none was accepted."""
    time = _time(target)
    folder = f"mockkie-probe-{uuid4().hex[:12]}"
    live = is_live(target.url) and not target.has_clock  # a mock on another machine is none
    planting = Planting(target.url, live, retention, folder, time.now())
    for role in _FIRST:
        _plant(planting, role, target, time)
        if planting.receipts:
            save(planting)
    if not planting.receipts:
        raise NotJudgedError(f"nothing could be planted: {planting.missing[Role.STREAM]}")
    receipt = planting.of(Role.READ)
    if receipt is not None:
        receipt.looks.append(_look(receipt, target, time, "GET"))
        save(planting)
    return planting


def _time(target: Target) -> TargetTime:
    try:
        return TargetTime(target)
    except _UNANSWERED as error:
        raise NotJudgedError(f"{target.url} cannot be reached: {error}") from error


def _plant(planting: Planting, role: Role, target: Target, time: TargetTime) -> None:
    """Upload the file of a role, the first time or again; a refusal is remembered."""
    folder, name = _PLACES.get(role, (role, f"{role}.txt"))
    fields = {"uploadPath": f"{planting.folder}/{folder}", "fileName": name}
    known = planting.of(role)
    version = "" if known is None else ", second version"
    content = f"planted by mockkie probe: {role}{version}, {planting.folder}\n".encode()
    try:
        answer, content = _upload(planting, role, target, content, fields)
        link = _link_of(answer)
    except _UNANSWERED as error:
        if known is None and role in _FIRST:
            planting.missing[role] = target.hide_keys(str(error))
        return  # what belongs to the second half is tried again at the next collect
    except ValueError as error:
        planting.missing[role] = target.hide_keys(str(error))
        return
    if known is None:
        planting.receipts.append(Receipt(role, link, time.now(), [digest_of(content)]))
    else:
        known.link, known.overwritten = link, time.now()
        known.digests = [known.digests[0], digest_of(content)]


def _upload(
    planting: Planting, role: Role, target: Target, content: bytes, fields: dict[str, str]
) -> tuple[requests.Response, bytes]:
    """The answer to an upload by the route of a role, and the content that it led to."""
    if role == Role.URL:
        source = planting.of(Role.STREAM)
        if source is None:
            raise ValueError("there is no file whose URL could be uploaded")
        content = f"planted by mockkie probe: {Role.STREAM}, {planting.folder}\n".encode()
        return target.post("/api/file-url-upload", json={"fileUrl": source.link, **fields}), content
    if role == Role.BASE64:
        text = base64.b64encode(content).decode()
        return target.post("/api/file-base64-upload", json={"base64Data": text, **fields}), content
    return target.post(STREAM, files={"file": ("probe.txt", content)}, data=fields), content


def _link_of(answer: requests.Response) -> str:
    """The link of an accepted upload; `ValueError` says what came instead."""
    body = _json(answer)
    data = body.get("data")
    link = data.get("downloadUrl") if isinstance(data, dict) else None
    if answer.status_code != requests.codes.ok or not isinstance(link, str):
        said = body.get("msg") or "without a downloadUrl"
        raise ValueError(f"the upload was answered {answer.status_code}: {said}")
    return link


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


# --------------------------------------------------------------------------------- collecting


def collect(planting: Planting, target: Target, save: Save) -> int:
    """Look at each file whose time has come, overwrite what is to be overwritten.

    Returns the target's present instant. Raises `NotJudgedError` if it cannot be asked.
    """
    time = _time(target)
    now = time.now()
    if now < planting.seen - 60 * SECOND:
        raise NotJudgedError(
            "the target's clock went back behind what was seen before; set it right, or plant again"
        )
    for role in _to_plant(planting, now):
        _plant(planting, role, target, time)
        save(planting)
    for receipt in planting.receipts:
        if is_due(planting, receipt, now):
            receipt.looks += _looks(receipt, target, time)
        elif touch_is_due(planting, receipt, now):
            method = "HEAD" if receipt.role == Role.HEAD else "GET"
            receipt.looks.append(_look(receipt, target, time, method))
        else:
            continue
        save(planting)
    return time.now()


def _to_plant(planting: Planting, now: int) -> list[Role]:
    """What of the second half is to be uploaded, at half of the expected age."""
    half, until = to_overwrite(planting)
    if not half - SLACK <= now < until:
        return []
    victim = planting.of(Role.OVERWRITTEN)
    wanted = [role for role in (Role.YOUNGER, Role.NAMESAKE) if planting.of(role) is None]
    if victim is not None and victim.overwritten is None:
        wanted.append(Role.OVERWRITTEN)
    return [role for role in wanted if role not in planting.missing]


def _looks(receipt: Receipt, target: Target, time: TargetTime) -> list[Look]:
    """A read; if it is not answered with the file, once more, and HEAD beside it."""
    look = _look(receipt, target, time, "GET")
    if look.sight in (Sight.ALIVE, Sight.NOTHING):
        return [look]
    again = _look(receipt, target, time, "GET")
    head = _look(receipt, target, time, "HEAD")
    return [look, head] if again.sight == look.sight else [look, again, head]


def _look(receipt: Receipt, target: Target, time: TargetTime, method: str) -> Look:
    try:
        answer = target.get(receipt.link, method)
    except _UNANSWERED:
        return Look(time.now(), method, Sight.NOTHING)
    known = {name.lower(): value for name, value in answer.headers.items()}
    return Look(
        time.now(),
        method,
        _sight(answer, receipt, method),
        answer.status_code,
        len(answer.content),
        digest_of(answer.content),
        {name: known[name] for name in sorted(known.keys() & _KEPT_HEADERS)},
    )


def _sight(answer: requests.Response, receipt: Receipt, method: str) -> Sight:
    status, digest = answer.status_code, digest_of(answer.content)
    if status in GONE:
        return Sight.GONE
    if status != requests.codes.ok:
        return Sight.ERROR if status >= requests.codes.internal_server_error else Sight.UNCLEAR
    if method == "HEAD" or digest == receipt.digests[-1]:
        return Sight.ALIVE
    if digest in receipt.digests:
        return Sight.FORMER
    if not answer.content:
        return Sight.EMPTY
    return Sight.REFUSAL if _json(answer).get("success") is False else Sight.OTHER


def run(target: Target, retention: int, save: Save) -> tuple[Planting, int]:
    """Plant and collect, by moving the target's clock; raises `NotJudgedError` if it has none."""
    target.advance(0)
    planting = plant(target, retention, save)
    now = planting.seen
    while (due := next_due(planting, now)) is not None:
        target.advance((due - now) / SECOND + 2)  # a `Date` has no parts of a second
        now = collect(planting, target, save)
    return planting, now
