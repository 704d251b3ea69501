"""What may be compared, by its word: an address, or a mock of this process. Knows no steps.

`mock` is one of the documented profile, `mock:observed` of another one, `mock:FILE.yaml` of another
document.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from mockkie.harness.plan import MOCK, Plan, is_loopback
from mockkie.harness.target import Target, open_target, reach
from mockkie.problems import UsageError


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison; the keys are for addresses."""

    word: str
    key: str | None = None
    other_key: str | None = None

    @property
    def is_mock(self) -> bool:
        """Whether it is a mock of this process."""
        return self.word.partition(":")[0] == MOCK

    @property
    def label(self) -> str:
        """What may be written down of it: no address."""
        if self.is_mock:
            profile = self.word.partition(":")[2]
            kind = f" ({Path(profile).name})" if profile else ""
            return f"a mock{kind}, not the live service"
        return (
            "a server of this machine"
            if is_loopback(urlsplit(self.word).hostname or "")
            else ("a service")
        )


@contextmanager
def open_side(side: Side, plan: Plan) -> Iterator[Target]:
    """The target of a side, with the budget and the rate of a plan; raises `UsageError`."""
    with ExitStack() as stack:
        if side.is_mock:
            import mockkie  # noqa: PLC0415 - not needed for a target that runs already

            kind = side.word.partition(":")[2]
            is_file = kind.endswith((".yaml", ".yml", ".json"))
            kie = stack.enter_context(
                mockkie.serve(
                    contract=kind if is_file else None,
                    profile=kind if kind and not is_file else "documented",
                )
            )
            plan = replace(plan, url=kie.base_url, key=kie.key, rate=None)
            target = stack.enter_context(open_target(plan))
            yield replace(target, other_key=kie.new_world().key)
            return
        yield stack.enter_context(open_target(_with_address(side, plan)))


def why_unreachable(side: Side, plan: Plan) -> str | None:
    """Why a side cannot be asked at all; None when it answers."""
    return None if side.is_mock else reach(_with_address(side, plan))


def _with_address(side: Side, plan: Plan) -> Plan:
    if "://" not in side.word:
        raise UsageError(
            f"{side.word!r} is no target: give an address like http://127.0.0.1:5430, or `mock`, "
            "`mock:observed` or `mock:FILE.yaml`"
        )
    return replace(
        plan, url=side.word.rstrip("/"), key=side.key or plan.key, other_key=side.other_key
    )
