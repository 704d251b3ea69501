"""Steps: calls of the API as symbols, the same for every target. Knows no address and no key.

A step is plain data. Paths are below a folder of the run's own, keys and links are named by what
they are, contents are recipes: a step can be written down, compared, and taken on any target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final

from mockkie.harness.verdicts import Level

BLOCK: Final = b"".join(number.to_bytes(4, "big") for number in range(16_411))


@dataclass(frozen=True, slots=True)
class Content:
    """The recipe of a file: a text, then bytes in hex, then `counting` bytes that never repeat.

    `first` is where the counting starts, so that files of one size can differ everywhere.
    """

    text: str = ""
    hex: str = ""
    counting: int = 0
    first: int = 0

    def read(self) -> bytes:
        """The bytes of the file."""
        counted = (BLOCK * (self.counting // len(BLOCK) + 2))[self.first * 4 :]
        return self.text.encode() + bytes.fromhex(self.hex) + counted[: self.counting]

    def __len__(self) -> int:
        return len(self.text.encode()) + len(self.hex) // 2 + self.counting


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call. `about` is its clause, where that is another one than its walk's.

    `level` is given where less is certain than the clause says.
    """

    about: str = ""
    level: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of the links that it begins with."""
        return ()


@dataclass(frozen=True, slots=True)
class Upload(Step):
    """One upload.

    `link` names the link that it is answered with, for later steps. `method` other than POST asks
    the route in another way. `spelled` is another way to say the same (`sending.SPELLINGS`).
    `set` puts a value in the place of a field, `drop` leaves fields out; `{folder}` in a value is
    the folder. `source` of a URL upload is a link by its name or a URL, else a file made for it.
    `body` is sent as it is, as `type`.
    """

    route: str = "stream"
    name: str | None = None
    content: Content = Content(text="hello")
    folder: str = ""
    link: str = ""
    auth: str = "valid"
    method: str = "POST"
    spelled: str = ""
    type: str = ""
    filename: str = "upload.dat"
    source: str = ""
    set: Mapping[str, Any] = field(default_factory=dict)
    drop: Sequence[str] = ()
    body: Content | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.source,) if self.source and "/" not in self.source else ()


@dataclass(frozen=True, slots=True)
class Read(Step):
    """A link that is read, `times` times.

    `spelled` is another link made of it (`sending.LINKS`); `condition` is a word for a conditional
    header (`sending.CONDITIONS`).
    """

    of: str
    method: str = "GET"
    times: int = 1
    auth: str = "none"
    spelled: str = ""
    range: str = ""
    condition: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.of,)


@dataclass(frozen=True, slots=True)
class Ask(Step):
    """Any other request: a path of the API, by any method; `preflight` as a browser asks."""

    path: str
    method: str = "GET"
    auth: str = "valid"
    preflight: bool = False


@dataclass(frozen=True, slots=True)
class Wait(Step):
    """Time passes: `lives` times the retention of the document, and some seconds."""

    lives: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Many(Step):
    """`times` uploads like one, each of its own content, then every link is read.

    `names`: `own`, `one` name for all, `none` given, or `pairs` of two accounts. `at_once` sends
    eight at a time; `readers` read a first version of the file meanwhile.
    """

    upload: Upload
    times: int
    names: str = "own"
    at_once: bool = False
    readers: int = 0


KINDS: Final[Mapping[str, type[Step]]] = {
    "upload": Upload,
    "read": Read,
    "ask": Ask,
    "wait": Wait,
    "many": Many,
}
_DO: Final = {kind: name for name, kind in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Walk:
    """Steps that are taken in one fresh folder, to look at one clause.

    `about` is that clause; `level` is given where less is certain than the clause says: nothing
    in such a walk counts for more. A step may say otherwise for itself. `race`: what goes wrong
    once is proof, it need not happen again.
    """

    name: str
    about: str
    steps: Sequence[Step]
    level: str = ""

    @property
    def group(self) -> str:
        """The group of its clause."""
        return self.about.partition(".")[0]

    @property
    def race(self) -> bool:
        """Whether it sends several requests at once."""
        return any(isinstance(step, Many) and step.at_once for step in self.steps)

    @property
    def needs_clock(self) -> bool:
        """Whether time has to pass."""
        return any(isinstance(step, Wait) for step in self.steps)

    @property
    def needs_other_account(self) -> bool:
        """Whether it takes a key of a second account."""
        return any(
            (step.auth if isinstance(step, Upload | Read | Ask) else "") == "other"
            or (isinstance(step, Many) and step.names == "pairs")
            for step in self.steps
        )

    def clause_of(self, step: Step) -> tuple[str, Level | None]:
        """The clause that a step is about, and the level that nothing of it exceeds, if given."""
        level = step.level or self.level
        return step.about or self.about, Level(level) if level else None


def step_to_json(step: Step) -> dict[str, Any]:
    """A step as plain data, without what is as usual."""
    return {"do": _DO[type(step)], **_plain(step)}


def _plain(value: Content | Step) -> dict[str, Any]:
    found = {}
    for known in fields(value):
        inner = getattr(value, known.name)
        usual = known.default_factory() if callable(known.default_factory) else known.default
        if usual is MISSING or inner != usual:
            shown = _plain(inner) if isinstance(inner, Content | Upload) else inner
            found[known.name] = list(shown) if isinstance(shown, tuple) else shown
    return found


def step_from_json(value: Mapping[str, Any]) -> Step:
    """The step that `step_to_json` wrote, of data that `step_schema` found to be one."""
    given = {name: inner for name, inner in value.items() if name != "do"}
    return KINDS[value["do"]](**{name: _read(name, inner) for name, inner in given.items()})


def _read(name: str, value: Any) -> Any:
    if name in ("content", "body"):
        return Content(**value)
    if name == "upload":
        return Upload(**{inner: _read(inner, more) for inner, more in value.items()})
    return tuple(value) if isinstance(value, list) else value


def needed(steps: Sequence[Step], last: int) -> set[int]:
    """The places of the steps without which the one at `last` has no link to begin with."""
    kept, todo = {last}, list(steps[last].needs)
    for at in range(last - 1, -1, -1):
        step = steps[at]
        if isinstance(step, Upload) and step.link in todo:
            kept.add(at)
            todo += step.needs
    return kept
