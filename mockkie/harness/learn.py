"""`mockkie learn`: asks a target for each setting of the document that can be seen from outside.

What could not be seen is said to be so, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import requests

from mockkie.clock import isoformat, real_now
from mockkie.harness import learn_links, learn_refusals, learn_time, learn_uploads
from mockkie.harness.asking import Asker, origin_of
from mockkie.harness.facts import Fact, Outcome, Settings, unseen
from mockkie.harness.learn_time import Evidence
from mockkie.harness.plan import Plan
from mockkie.harness.session import NoAnswerError, NotJudgedError
from mockkie.harness.target import open_target

_NOT_ASKED: Final = {
    "limits": "not asked: it takes a large body",
    "urlUpload": "not asked: how a service fetches is not seen from outside",
    "texts.storage-full": "not asked: it takes many bytes",
    "texts.file-too-large": "not asked: it takes a large body",
    "texts.internal-error": "not asked: nobody can ask for it",
}

_NO_UPLOAD: Final = (NotJudgedError, NoAnswerError, requests.RequestException)

Question = tuple[Sequence[str], Callable[[Asker], Iterator[Fact]]]


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a run has learnt: of what target, when, with how many requests."""

    target: str
    at: str
    requests: int
    facts: Sequence[Fact]

    @property
    def seen(self) -> int:
        """How many settings something can be said of."""
        return len(self.facts) - len(self.of(Outcome.UNSEEN))

    def of(self, *outcomes: Outcome) -> Sequence[Fact]:
        """The facts of some outcomes."""
        return [fact for fact in self.facts if fact.outcome in outcomes]


def learn(
    plan: Plan,
    document: Mapping[str, Any],
    *,
    adopt_origin: bool = False,
    evidence: tuple[Evidence, str] | None = None,
) -> Learnt:
    """Ask the target of a plan, and hold what came against a document."""
    at = isoformat(real_now())
    with open_target(plan) as target:
        asker = Asker(target, Settings(document))
        questions = _questions(adopt_origin=adopt_origin, evidence=evidence)
        try:
            _ = asker.first
        except _NO_UPLOAD as error:  # a wrong key would teach much nonsense
            facts = [unseen(name, str(error)) for names, _ in questions for name in names]
        else:
            facts = [fact for names, ask in questions for fact in _ask(asker, names, ask)]
        facts += [unseen(setting, why) for setting, why in _NOT_ASKED.items()]
        spent = target.wire.budget.spent
    return Learnt(origin_of(target.url), at, spent, facts)


def _questions(*, adopt_origin: bool, evidence: tuple[Evidence, str] | None) -> Sequence[Question]:
    """The settings, each with what asks for it; time comes last, for it takes what is left."""
    time: Callable[[Asker], Iterator[Fact]] = learn_time.by_clock
    if evidence is not None:
        time = partial(learn_time.by_evidence, evidence=evidence[0], name=evidence[1])
    return (
        (("links.style",), learn_uploads.link_style),
        (("links.origin",), partial(learn_uploads.link_origin, adopt=adopt_origin)),
        (("extraData",), learn_uploads.extra_data),
        (("texts.uploaded",), learn_uploads.success),
        (("contentType", "uploadedAt", "mimeType"), learn_uploads.spelling),
        (("urlName",), learn_uploads.url_name),
        (("generatedName",), learn_uploads.generated_name),
        (("FileName.maxLength",), learn_uploads.name_length),
        (learn_refusals.SETTINGS, learn_refusals.refusals),
        (("edgeSlashes",), learn_refusals.edge_slashes),
        (("cacheControl", "cors.downloads"), learn_links.cache_control),
        (("HEAD",), learn_links.head),
        (("ranges", "texts.range-not-satisfiable"), learn_links.ranges),
        (("unknownLink.status", "texts.link-not-found"), learn_links.unknown_link),
        (("cors.uploads",), learn_links.cors),
        (learn_time.SETTINGS, time),
    )


def _ask(
    asker: Asker, settings: Sequence[str], question: Callable[[Asker], Iterator[Fact]]
) -> Iterator[Fact]:
    """The facts of a question; of what it does not come to, why not."""
    seen: set[str] = set()
    why = "nothing that was answered tells"
    try:
        for fact in question(asker):
            seen.add(fact.setting)
            yield fact
    except (NotJudgedError, NoAnswerError) as error:
        why = str(error)
    except requests.RequestException as error:
        why = f"its answer could not be read: {type(error).__name__}"
    yield from (unseen(setting, why) for setting in settings if setting not in seen)
