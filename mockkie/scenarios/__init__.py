"""Scripts of faults: YAML files of anybody's, and those that come along, by name. Knows no worlds.

about: What is rehearsed.
seed: 7
faults:
- operation: upload-*
when: {every: 3}
then: {reset: {afterBytes: 65536}}
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Final, Self

from mockkie.faults import Fault
from mockkie.source import Source, read_text
from mockkie.values import SEED, TEXT, FaultError, Pointer, unknown

_FIELDS: Final = ("about", "seed", "faults")
_ENDINGS: Final = (".yaml", ".yml", ".json")


class Script(Source):
    """Faults as a file has them; the seed of the file is that of every fault without its own."""

    kind: ClassVar[str] = "a script of faults"

    def __init__(self, text: str, name: str) -> None:
        """Read and check `text`; `DocumentError` tells what is wrong and where."""
        super().__init__(text, name)
        try:
            self.about, self.faults = read_script(self.root)
        except FaultError as error:
            self.fail(error.pointer, f"{'.'.join(error.pointer)}: {error.text}")

    def judge(self, judge: Callable[[Fault, Pointer], None]) -> None:
        """Hold each fault against something; a `FaultError` of it is told with its place."""
        for index, fault in enumerate(self.faults):
            try:
                judge(fault, ("faults", str(index)))
            except FaultError as error:
                self.fail(error.pointer, f"{'.'.join(error.pointer)}: {error.text}")

    @classmethod
    def read(cls, path: Path) -> Self:
        """The script of a file; `DocumentError` also for a file that cannot be read."""
        return cls(read_text(path, "a script of faults"), str(path))

    @classmethod
    def named(cls, name: str | Path) -> Self:
        """The script of a file, or of a scenario that comes along; `UsageError` names these."""
        text = str(name)
        if text in scenarios():
            return cls((_folder() / f"{text}.yaml").read_text(encoding="utf-8"), f"{text}.yaml")
        if not text.endswith(_ENDINGS) and "/" not in text:
            unknown((), text, scenarios(), "scenario, and no .yaml file")
        return cls.read(Path(text))


def read_script(value: Mapping[str, Any]) -> tuple[str, Sequence[Fault]]:
    """`(about, faults)` of a script's values; `FaultError` tells what is wrong and where."""
    for name in value:
        if name not in _FIELDS:
            unknown((str(name),), name, _FIELDS, "word of a script")
    about = TEXT.of(("about",), value["about"]) if "about" in value else ""
    seed = SEED.of(("seed",), value["seed"]) if "seed" in value else 0
    listed = value.get("faults")
    if not isinstance(listed, list) or not listed:
        raise FaultError(("faults",), "a script has a list of faults, `- then: {status: 500}`")
    found = [_fault(one, ("faults", str(index)), seed) for index, one in enumerate(listed)]
    return about, found


def _fault(value: Any, pointer: Pointer, seed: int) -> Fault:
    fault = Fault.of(value, pointer)
    return fault if fault.seed else dataclasses.replace(fault, seed=seed)


def scenarios() -> list[str]:
    """The names of the scripts that come along."""
    return sorted(
        path.name.removesuffix(".yaml")
        for path in _folder().iterdir()
        if path.name.endswith(".yaml")
    )


def _folder() -> Any:
    return files("mockkie") / "scenarios"
