"""The API against a model of a few lines: what is uploaded, overwritten, refused and expired.

Every file that the model knows is looked at, not only the one that was touched last. A ledger says
what the drawn sequences came to: where they came to little, nothing is said about the target.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    get_state_machine_test,
    initialize,
    precondition,
    rule,
)

from mockkie.harness.api import GONE
from mockkie.harness.document import life
from mockkie.harness.plan import Plan
from mockkie.harness.session import NotJudgedError
from mockkie.harness.target import Target

from .calls import ROUTES, about, accepted, as_stream, eventually, expect, refused, sized
from .test_expiry import MARGIN

pytestmark = pytest.mark.layer("model")
PLAN: Final = Plan.of_environment()
FEW: Final = (("x", "a.txt"), ("x", "A.txt"), ("x/y", "a.txt"))
PLACES: Final = (
    (*FEW, ("x", "a b.txt"), ("x", "\u00e9.txt"), ("x/y", "A.txt")) if PLAN.full else FEW
)
CONTENTS: Final = st.sampled_from([b"1", b"\r\n", b"two", b"0" * 70_000]) | st.binary(
    min_size=1, max_size=30
)


@dataclass
class Known:
    """A file of the model: its bytes, what they were before, its link, and its age in seconds."""

    content: bytes
    older: list[bytes]
    link: str
    route: str
    age: float = 0.0

    @property
    def judged(self) -> bool:
        """Whether it is far enough from its end to be judged."""
        return abs(self.age - life()) > MARGIN / 2


class Uploads(RuleBasedStateMachine):
    """Uploads by all routes to a few names, so that they meet."""

    target: Target
    ledger: Counter[str]

    @initialize(route=st.sampled_from(list(ROUTES)), content=CONTENTS)
    def begin(self, route: str, content: bytes) -> None:
        """A folder of its own for each sequence, with a file: Hypothesis leaves rules out."""
        self.target.begin()
        self.folder = self.target.folder()
        self.files: dict[tuple[str, str], Known] = {}
        self.upload(route, PLACES[0], content)

    @rule(
        route=st.sampled_from(list(ROUTES)),
        place=st.sampled_from(PLACES),
        content=CONTENTS,
    )
    def upload(self, route: str, place: tuple[str, str], content: bytes) -> None:
        """A new file, or a new version of one."""
        fields = {"uploadPath": f"{self.folder}/{place[0]}", "fileName": place[1]}
        data = accepted(ROUTES[route](self.target, content, fields))
        sized(data, content)
        before = self.files.get(place)
        if before is not None:
            same = before.link == data["downloadUrl"]
            expect(same, "an overwrite changed the link of the file")
        self.ledger[_kind(before, route)] += 1
        older = [] if before is None else [*before.older, before.content]
        self.files[place] = Known(content, older, data["downloadUrl"], route)

    @rule(place=st.sampled_from(PLACES))
    def intrude(self, place: tuple[str, str]) -> None:
        """Somebody without a key changes nothing."""
        fields = {"uploadPath": f"{self.folder}/{place[0]}", "fileName": place[1]}
        with about("auth.bearer"):
            intruder = self.target.with_authorization("Bearer wrong")
            refused(as_stream(intruder, b"theirs", fields), 401)
            self.ledger["an intruder"] += 1
            self.look("auth.changes-nothing")

    @precondition(lambda self: self.target.has_clock)
    @rule(part=st.sampled_from([0.25, 0.5, 1.0]))
    def wait(self, part: float) -> None:
        """Time passes for every file."""
        self.target.advance(life() * part + MARGIN)
        for known in self.files.values():
            known.age += life() * part + MARGIN
        self.look()

    def look(self, clause: str | None = None) -> None:
        """Every file is as the model says, else `clause` or the one that it belongs to is not."""
        for place, known in self.files.items():
            if not known.judged:
                continue
            timely = "overwrite.restarts-life" if known.older else "expiry.three-days"
            if known.age < life():
                aged = timely if known.age else "content.byte-exact"
                with about(clause or ("overwrite.latest-bytes" if known.older else aged)):
                    eventually(self.target, known.link, known.content, known.older)
                self.ledger["a file that is older than its upload"] += known.age > 0
                continue
            status = self.target.get(known.link).status_code
            name = "/".join(place)
            said = f"behind its three days the link of {name} is answered {status}"
            expect(status in GONE, said, timely)
            self.ledger["a file behind its end"] += 1

    def teardown(self) -> None:
        """At the end of each sequence everything is looked at."""
        if hasattr(self, "files"):
            self.look()


def _kind(before: Known | None, route: str) -> str:
    if before is None:
        return "a new file"
    return "an overwrite" if before.route == route else "an overwrite by another route"


ROUNDS: Final = 2
"""So often is drawn again as long as something is missing: the sequences of a seed are uneven."""
SETTINGS: Final = settings(
    max_examples=80 if PLAN.full else 3,
    stateful_step_count=30 if PLAN.full else 8,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
FLOOR: Final = ("a new file", "an overwrite", "an overwrite by another route", "an intruder")
FLOOR_OF_TIME: Final = ("a file that is older than its upload", "a file behind its end")


@pytest.mark.clause(
    "overwrite.latest-bytes",
    "content.byte-exact",
    "auth.changes-nothing",
    "overwrite.nothing-else",
    "expiry.three-days",
    "overwrite.restarts-life",
)
@pytest.mark.once
def test_any_sequence_agrees_with_the_model(target: Target) -> None:
    """Uploads, overwrites, intruders and time in any order."""
    ledger: Counter[str] = Counter()
    machine = type("Uploads", (Uploads,), {"target": target, "ledger": ledger})
    floor = FLOOR + (FLOOR_OF_TIME if target.has_clock else ())
    for number in range(ROUNDS):
        test = get_state_machine_test(machine, settings=SETTINGS)
        seed(PLAN.seed + number)(test)()
        if all(ledger[what] for what in floor):
            return
    never = [what for what in floor if not ledger[what]]
    raise NotJudgedError(f"the sequences that were drawn never came to {', '.join(never)}")
