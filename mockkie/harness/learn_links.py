"""What links show of a target: headers, ranges, CORS, the unknown. Writes nothing down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import requests

from mockkie.harness.api import STREAM
from mockkie.harness.asking import PIXEL, Asker, refusal, told
from mockkie.harness.facts import Action, Fact, Outcome, beyond, same, shown, unseen
from mockkie.harness.session import NotJudgedError

_OK: Final = 200
_PARTIAL: Final = 206
_BEHIND: Final = 416
_LEAST, _MOST = 400, 599
_PAGE: Final = "https://page.example"
_ALLOWED: Final = "Access-Control-Allow-Origin"
_LINK: Final = "/{link}"


def cache_control(asker: Asker) -> Iterator[Fact]:
    """`cacheControl`, and whether another page may read a download."""
    answer = asker.read(asker.first.link, Origin=_PAGE)
    if answer.status_code != _OK or answer.content != PIXEL:
        raise NotJudgedError(f"the link of an upload was answered {told(answer)}")
    seen = answer.headers.get("Cache-Control")
    fact = asker.settings.fact("cacheControl", seen, f"GET of a link: Cache-Control {shown(seen)}")
    header = "components", "headers", "CacheControl"
    if fact.outcome == Outcome.DIFFERS and seen is None and asker.settings.at(*header):
        free = Action("$.components.headers.CacheControl", {"required": False})
        fact = replace(fact, actions=[*fact.actions, free])
    yield fact
    allowed = answer.headers.get(_ALLOWED)
    how = f"GET of a link with Origin: {_ALLOWED} {shown(allowed)}"
    if allowed is None:
        yield same("cors.downloads", "none", how)
    else:
        yield beyond("cors.downloads", "none", allowed, how)


def cors(asker: Asker) -> Iterator[Fact]:
    """`cors.uploads`: what a preflight is answered."""
    asked = {"Origin": _PAGE, "Access-Control-Request-Method": "POST"}
    answer = asker.target.get(asker.target.url + STREAM, "OPTIONS", headers=asked)
    seen = answer.headers.get(_ALLOWED)
    how = f"OPTIONS {STREAM} with Origin: {answer.status_code}, {_ALLOWED} {shown(seen)}"
    if seen == _PAGE:
        documented = shown(asker.settings["cors.uploads"])
        yield beyond("cors.uploads", documented, "the origin that asks", how)
    else:
        yield asker.settings.fact("cors.uploads", seen, how)


def head(asker: Asker) -> Iterator[Fact]:
    """Whether a link answers HEAD: an operation of the document."""
    answer = asker.read(asker.first.link, "HEAD")
    answered, documented = answer.status_code == _OK, asker.settings.at("paths", _LINK, "head")
    how = f"HEAD of a link: {answer.status_code}"
    if answered and documented is None:
        yield beyond("HEAD", "refused", "answered", f"{how}; the document has no such operation")
    elif answered or documented is None:
        yield same("HEAD", "answered" if answered else "refused", how)
    else:
        actions = [Action(f"$.paths['{_LINK}'].head", remove=True)]
        yield Fact("HEAD", Outcome.DIFFERS, "answered", "refused", how, actions)


def ranges(asker: Asker) -> Iterator[Fact]:
    """Whether a link gives a range, and how it refuses one behind the end."""
    part = asker.read(asker.first.link, Range="bytes=0-3")
    if part.status_code != _PARTIAL:
        how = f"GET of a link with Range: {part.status_code}"
        yield beyond("ranges", "honoured", "ignored", how)
        yield unseen("texts.range-not-satisfiable", "ranges are ignored")
        return
    yield same("ranges", "honoured", f"GET of a link with Range: {part.status_code}")
    answer = asker.read(asker.first.link, Range=f"bytes={len(PIXEL)}-")
    found, how = refusal(answer), f"GET with a Range behind the end: {told(answer)}"
    if answer.status_code == _BEHIND and found is not None:
        yield asker.settings.members("range-not-satisfiable", {"msg": found[1]}, how)
    else:
        yield beyond("texts.range-not-satisfiable", "", told(answer), how)


def unknown_link(asker: Asker) -> Iterator[Fact]:
    """`unknownLink.status` and the text of that answer."""
    answer = asker.read(asker.unknown_link())
    yield from dead_link(asker, answer, "unknownLink", "GET of a link that never was")


def dead_link(asker: Asker, answer: requests.Response, setting: str, asked: str) -> Iterator[Fact]:
    """The status of an answer to a dead link, and its body."""
    status, how = answer.status_code, f"{asked}: {told(answer)}"
    documented = shown(asker.settings[f"{setting}.status"])
    if not _LEAST <= status <= _MOST:
        yield beyond(f"{setting}.status", documented, str(status), how)
        return
    yield asker.settings.fact(f"{setting}.status", status, how)
    name = "link-expired" if setting == "expiredLink" else "link-not-found"
    found, example = refusal(answer), asker.settings.example(name)
    if found is not None and found[0] == status:
        yield asker.settings.members(name, {"msg": found[1]}, how)
    else:
        media = answer.headers.get("Content-Type", "no content type")
        form = f"a body of {media}" if answer.content else "an empty body"
        yield beyond(f"texts.{name}", shown(example and example.body.get("msg")), form, how)
