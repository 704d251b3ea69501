"""Takes the steps of a walk on one target, in a folder of its own, and observes what comes of it.

Knows which link belongs to which name; knows nothing of the other target.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from mockkie.clock import stopwatch
from mockkie.harness import observation
from mockkie.harness.api import GONE
from mockkie.harness.document import life
from mockkie.harness.observation import Known, Observation, facts_of, of_many
from mockkie.harness.sending import PATHS, authorization, link_like, send, send_upload
from mockkie.harness.session import NoAnswerError, NotJudgedError
from mockkie.harness.steps import Ask, Content, Many, Read, Step, Upload, Wait
from mockkie.harness.target import Target

_POLL: Final = 0.2
_AT_ONCE: Final = 8
_LOOKS: Final = 50
_SOURCE: Final = "source.dat"
_OLD: Final = "Mon, 01 Jan 2001 00:00:00 GMT"
_PREFLIGHT: Final = {
    "Origin": "https://example.com",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


class Walker:
    """One walk on one target."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._base = target.folder()
        self._links: dict[str, str] = {}
        self._known: dict[str, Known] = {}
        self._tags: dict[str, str] = {}
        self._headers: dict[str, Any] = {}
        self._sources = count()
        target.begin()

    def take(self, step: Step) -> Observation:
        """Take one step; raises `NotJudgedError` where the target cannot be asked."""
        takes: dict[type, Callable[[Any], Observation]] = {
            Upload: self._upload,
            Read: self._read,
            Ask: self._ask,
            Wait: self._wait,
            Many: self._many,
        }
        try:
            return self._public(takes[type(step)](step))
        except NoAnswerError:
            self._still_there()
            return {"outcome": "no answer"}
        except requests.RequestException as error:
            return {"outcome": f"no readable answer: {type(error).__name__}"}

    def _still_there(self) -> None:
        """A target that hangs up on one step is observed; one that is gone cannot be judged."""
        try:
            send(self._target, "GET", self._target.url + PATHS["stream"], {})
        except NoAnswerError as error:
            raise NotJudgedError(f"{self._target.url} answers no more") from error

    def _public(self, found: Observation) -> dict[str, Any]:
        """The observation without what is secret, in whichever header or text it was."""
        hosts = [urlsplit(link).hostname or "" for link in self._known]
        secrets = [*self._target.secrets, *filter(None, hosts)]

        def public(value: Any) -> Any:
            if isinstance(value, list):
                return [public(each) for each in value]
            return observation.hide(value, secrets) if isinstance(value, str) else value

        return {name: public(value) for name, value in found.items()}

    def _folder(self, step: Upload) -> str:
        return f"{self._base}/{step.folder}" if step.folder else self._base

    # ------------------------------------------------------------------------------ uploads

    def _upload(self, step: Upload) -> Observation:
        folder = self._folder(step)
        if step.route == "url" and not step.source and "fileUrl" not in step.set:
            step = self._with_source(step)
        started = stopwatch()
        answer = send_upload(self._target, step, folder, self._links)
        took = observation.Took(stopwatch() - started, self._target.ahead)
        found = observation.of_answer(answer)
        if found["outcome"] != "accepted" or step.method != "POST":
            return found
        facts = facts_of(answer)
        link = facts.get("downloadUrl")
        label = self._keep(step, link, facts.get("mimeType", "")) if link else ""
        return found | observation.of_upload(answer, step, folder, took, label)

    def _with_source(self, step: Upload) -> Upload:
        """A URL upload needs a file to fetch: upload it by a form first, elsewhere."""
        place = f"{self._base}/source-{next(self._sources)}"
        made = Upload(name=_SOURCE, content=step.content, type=step.type)
        link = facts_of(send_upload(self._target, made, place, {})).get("downloadUrl", "")
        return replace(step, set={"fileUrl": link, **step.set})

    def _keep(self, step: Upload, link: str, kind: str) -> str:
        """Remember what a link leads to now; its label."""
        known = self._known.setdefault(link, Known(f"link#{len(self._known) + 1}"))
        source = self._known.get(self._links.get(step.source, ""))
        content = source.contents[-1] if source and source.contents else step.content.read()
        known.contents.append(content)
        known.type = kind
        if step.link:
            self._links[step.link] = link
        return known.label

    # -------------------------------------------------------------------------------- reads

    def _read(self, step: Read) -> Observation:
        link = self._links.get(step.of)
        if link is None:
            return {"outcome": "no link to read"}
        known = self._known[link]
        first = self._settled(step, link, known)
        others = [self._look(step, link, known) for _ in range(step.times - 1)]
        odd = next((one for one in others if one != first), None)
        return first if odd is None else {**odd, "steady": "not the same each time"}

    def _settled(self, step: Read, link: str, known: Known) -> Observation:
        """What a link leads to when the time that old bytes may be served is over."""
        until = stopwatch() + self._target.plan.overwrite_delay
        while True:
            found = self._look(step, link, known)
            old = found.get("content") == "as before an overwrite" or (
                len(known.contents) > 1 and found.get("served type", "as answered") != "as answered"
            )
            if not old or step.spelled or stopwatch() > until:
                return found
            time.sleep(_POLL)

    def _look(self, step: Read, link: str, known: Known) -> Observation:
        url = link_like(link, step.spelled) if step.spelled else link
        headers = {**authorization(self._target, step.auth), **self._conditions(step, link)}
        answer = send(self._target, step.method, url, headers)
        found = observation.of_read(answer, known, self._known, step.method)
        tag = answer.headers.get("ETag")
        if not step.spelled and found["outcome"] == "served":
            self._headers[link] = answer.headers
            found["tag"] = tag and self._tags.setdefault(
                f"{known.label} {tag}", f"tag#{len(self._tags) + 1}"
            )
        return found

    def _conditions(self, step: Read, link: str) -> dict[str, str]:
        """The headers of a condition, by what the link was answered with before."""
        seen = self._headers.get(link, {})
        tag, since = seen.get("ETag", '"none"'), seen.get("Last-Modified", _OLD)
        conditions = {
            "none-match": {"If-None-Match": tag},
            "none-match-other": {"If-None-Match": '"another"'},
            "modified-since": {"If-Modified-Since": since},
            "if-range": {"If-Range": tag},
            "if-range-other": {"If-Range": '"another"'},
        }
        ranges = {"Range": step.range} if step.range else {}
        return {**ranges, **conditions.get(step.condition, {})}

    # --------------------------------------------------------------------------- the others

    def _ask(self, step: Ask) -> Observation:
        headers = {**authorization(self._target, step.auth)}
        if step.preflight:
            headers = {**_PREFLIGHT}
        answer = send(self._target, step.method, self._target.url + step.path, headers)
        found = observation.of_answer(answer)
        if step.preflight or step.method == "HEAD":
            return {name: found[name] for name in ("outcome", "cors") if name in found}
        return found

    def _wait(self, step: Wait) -> Observation:
        self._target.advance(step.lives * life() + step.seconds)
        return {"outcome": "later"}

    def _many(self, step: Many) -> Observation:
        many = [self._one_of(step, number) for number in range(step.times)]
        if step.readers:
            self._upload(replace(many[0], link="first"))
        done: list[bool] = []
        with ThreadPoolExecutor(max(step.readers, 1)) as readers:
            looks = [readers.submit(self._watch, done, many) for _ in range(step.readers)]
            try:
                with ThreadPoolExecutor(_AT_ONCE if step.at_once else 1) as pool:
                    told = list(pool.map(self._send_one, many))
            finally:
                done.append(True)
        found = self._of_many(step, many, told)
        seen = {word for look in looks for word in look.result()}
        return found | ({"meanwhile": sorted(seen)} if step.readers else {})

    def _one_of(self, step: Many, number: int) -> Upload:
        upload = step.upload
        content = Content(f"{number}: {upload.content.text}", "", upload.content.counting, number)
        head, dot, end = (upload.name or "many").partition(".")
        number //= 2 if step.names == "pairs" else 1
        auth = "other" if step.names == "pairs" and content.first % 2 else upload.auth
        names = {"one": upload.name, "none": None}
        name = names.get(step.names, f"{head}-{number}{dot}{end}")
        return replace(upload, name=name, content=content, auth=auth)

    def _send_one(self, upload: Upload) -> tuple[str, dict[str, Any]]:
        try:
            links: dict[str, str] = {}
            if upload.route == "url":
                upload = self._with_source(upload)
            answer = send_upload(self._target, upload, self._folder(upload), links)
        except (NoAnswerError, requests.RequestException):
            return "no answer", {}
        return observation.outcome_of(answer, observation.body_of(answer)), facts_of(answer)

    def _watch(self, done: list[bool], many: list[Upload]) -> list[str]:
        """What readers of the first version see while others are written: one of the contents."""
        contents = {one.content.read() for one in many}
        found: list[str] = []
        link = self._links.get("first")
        while link and not done and len(found) < _LOOKS:
            with suppress(NoAnswerError, requests.RequestException):
                answer = send(self._target, "GET", link, {})
                right = answer.status_code == requests.codes.ok and answer.content in contents
                wrong = observation.digest(answer.content) if answer.content else "nothing"
                found.append("one of them" if right else f"{answer.status_code}, {wrong}")
        return found or ["one of them"]

    def _of_many(
        self, step: Many, many: list[Upload], told: list[tuple[str, dict[str, Any]]]
    ) -> dict[str, Any]:
        """What came of many uploads, when all of them are over."""
        contents = [one.content.read() for one in many]
        links = [facts.get("downloadUrl", "") for _, facts in told]
        own = [
            (one.name is None or facts.get("fileName") == one.name)
            and facts.get("fileSize") == len(content)
            for one, content, (_, facts) in zip(many, contents, told, strict=True)
        ]
        found = [
            self._read_one(link, step, content, contents)
            for link, content in zip(
                dict.fromkeys(links) if step.names == "one" else links, contents, strict=False
            )
        ]
        return {
            "outcome": "many",
            "outcomes": of_many([outcome for outcome, _ in told]),
            "links": len(set(links)),
            "told": "each its own" if all(own) else f"{own.count(False)} those of others",
            "read": of_many(found),
        }

    def _read_one(self, link: str, step: Many, content: bytes, contents: list[bytes]) -> str:
        if not re.match("https?://", link):
            return "no link"
        until = stopwatch() + self._target.plan.overwrite_delay
        while True:
            answer = send(self._target, "GET", link, {})
            if answer.status_code != requests.codes.ok:
                return "gone" if answer.status_code in GONE else "refused"
            if step.names == "one" and answer.content in contents:
                return "one of them"
            if answer.content == content:
                return "its own"
            if stopwatch() > until or step.names != "one":
                return "that of another" if answer.content in contents else "of nobody"
            time.sleep(_POLL)
