"""`clock`, `files` and `journal`: thin clients of a running mock's control API."""

from __future__ import annotations

import math
import ssl
import sys
import time
from typing import Any, Final

import click
import httpx2
import orjson

from mockkie.journal import Entry
from mockkie.lines import plain, request_line
from mockkie.options import given_control_key
from mockkie.problems import UsageError
from mockkie.secrecy import CONTROL_HEADER

_SECONDS: Final = 30.0
_FOLLOW_SECONDS: Final = 0.3


class Remote:
    """The control API of a mock at `url`."""

    def __init__(self, url: str, key: str | None) -> None:
        self._url = url.rstrip("/")
        if key is not None and not key.isascii():
            raise UsageError("--key: a key is ASCII text")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        if control_key := given_control_key():
            if not control_key.isascii():
                raise UsageError("--control-key: a key is ASCII text")
            headers[CONTROL_HEADER] = control_key
        trust: Any = ssl.create_default_context() if url.startswith("https:") else True
        self._client = httpx2.Client(
            headers=headers, timeout=_SECONDS, trust_env=False, verify=trust
        )

    def ask(self, method: str, call: str, *, body: Any = None, **query: Any) -> Any:
        """The JSON of an answer; `UsageError` says why there is none."""
        try:
            answer = self._client.request(
                method, f"{self._url}/__mockkie{call}", json=body, params=query
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise UsageError(
                f"no mock answers on {self._url} ({error}); start one with `mockkie serve`, "
                "or name it with --url"
            ) from error
        if answer.is_success:
            return answer.json() if answer.content else None
        try:
            detail = answer.json()["detail"]
        except (ValueError, KeyError, TypeError):
            detail = f"HTTP {answer.status_code}; is this a mockkie?"
        raise UsageError(f"{self._url}: {plain(str(detail))}")


def show_clock(  # noqa: PLR0913 - the options of the command
    *,
    url: str,
    key: str | None,
    as_json: bool,
    advance: str | None,
    now: str | None,
    frozen: bool | None,
    reset: bool,
) -> None:
    """Run `mockkie clock`."""
    mock = Remote(url, key)
    if reset:
        mock.ask("DELETE", "/clock")
    changes: dict[str, Any] = {} if now is None else {"now": now}
    if frozen is not None:
        changes["frozen"] = frozen
    if changes:
        mock.ask("PUT", "/clock", body=changes)
    if advance is not None:
        mock.ask("POST", "/clock/advance", body=_span(advance))
    state = mock.ask("GET", "/clock")
    if as_json:
        _print_json(state)
        return
    offset = state["offset"]
    more = f", {offset:+,.0f} s from real time" if abs(offset) >= 1 else ", real time"
    click.echo(state["now"] + more + (", frozen" if state["frozen"] else ""))


def show_files(
    *, url: str, key: str | None, as_json: bool, delete: str | None, clear: bool
) -> None:
    """Run `mockkie files`."""
    mock = Remote(url, key)
    if clear:
        click.echo(f"deleted {mock.ask('DELETE', '/files')['deleted']:,} files")
        return
    if delete is not None:
        mock.ask("DELETE", "/files", path=delete)
        click.echo(f"deleted {delete}")
        return
    after: str | None = ""
    while after is not None:
        page = mock.ask("GET", "/files", after=after)
        for file in page["files"]:
            if as_json:
                _print_json(file)
            else:
                facts = (
                    f"{file['fileSize']:>12,}  {file['mimeType']:<24}  until {file['expiresAt']}"
                )
                where = f"{plain(file['path'])}\n{'':14}{plain(file['downloadUrl'])}"
                click.echo(f"{plain(facts)}  {where}")
        after = page["next"]


def show_journal(  # noqa: PLR0913 - the options of the command
    *,
    url: str,
    key: str | None,
    as_json: bool,
    refused: bool,
    last: int | None,
    follow: bool,
    clear: bool,
) -> None:
    """Run `mockkie journal`."""
    mock = Remote(url, key)
    if clear:
        mock.ask("DELETE", "/journal")
        return
    page = mock.ask("GET", "/journal", after=0, limit=10_000)
    if page["evicted"] and not as_json:
        click.echo(f"({page['evicted']:,} older entries were evicted)")
    entries = _wanted(page, refused=refused)
    _print_entries(entries[-last:] if last else entries, as_json=as_json)
    try:
        while follow:
            sys.stdout.flush()
            time.sleep(_FOLLOW_SECONDS)
            page = _next(mock, page)
            _print_entries(_wanted(page, refused=refused), as_json=as_json)
    except KeyboardInterrupt:
        return  # there is no other way to end it, so it is none that failed


def _wanted(page: dict[str, Any], *, refused: bool) -> list[dict[str, Any]]:
    return [entry for entry in page["entries"] if not refused or entry["decision"] != "accepted"]


def _next(mock: Remote, page: dict[str, Any]) -> dict[str, Any]:
    """What came in since a page; a mock that was started anew counts from the beginning."""
    seen = page["entries"][-1]["seq"] if page["entries"] else page["last"]
    news: dict[str, Any] = mock.ask("GET", "/journal", after=seen)
    if news["last"] < seen:
        news = mock.ask("GET", "/journal", after=0)
    return news


def _print_entries(entries: list[dict[str, Any]], *, as_json: bool) -> None:
    for entry in entries:
        if as_json:
            _print_json(entry)
        else:
            click.echo(request_line(Entry.from_json(entry)))


def _span(text: str) -> dict[str, Any]:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    return {"seconds": seconds} if math.isfinite(seconds) else {"duration": text}


def _print_json(value: Any) -> None:
    click.echo(orjson.dumps(value))
