"""OpenAPI Overlays as the harness reads and writes them: with its own eyes. Sends nothing."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import jsonpath
import yaml

from mockkie.harness.facts import Fact, Outcome
from mockkie.harness.report_formats import for_terminal
from mockkie.harness.whole_file import replace_file
from mockkie.problems import UsageError

_VERSION: Final = "1.0.0"
_WORD: Final = re.compile(r"[A-Za-z][\w.-]+", re.ASCII)


class _Dumper(yaml.SafeDumper):
    """Quotes every text that readers of YAML could take for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = None if _WORD.fullmatch(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def overlay_of(facts: Sequence[Fact], target: str, at: str) -> dict[str, Any]:
    """The overlay that makes the document what was learnt; it has no action when nothing is."""
    differing = [fact for fact in facts if fact.outcome == Outcome.DIFFERS]
    return {
        "overlay": _VERSION,
        "info": {"title": f"As {target} was observed", "version": at},
        "x-mockkie-observed": {
            "target": target,
            "at": at,
            "cannotBeExpressed": _listed(facts, Outcome.BEYOND, Outcome.LEFT_OUT),
            "notSeen": _listed(facts, Outcome.UNSEEN),
        },
        "actions": [
            {
                "target": action.target,
                "description": for_terminal(f"{fact.setting}: {fact.how} ({at})"),
                **({"remove": True} if action.remove else {"update": action.update}),
            }
            for fact in differing
            for action in fact.actions
        ],
    }


def _listed(facts: Sequence[Fact], *outcomes: Outcome) -> dict[str, str]:
    return {
        for_terminal(fact.setting): for_terminal(f"{fact.target}: {fact.how}".removeprefix(": "))
        for fact in facts
        if fact.outcome in outcomes
    }


def write_overlay(overlay: Mapping[str, Any], path: Path, key: str) -> None:
    """Write an overlay, all at once; the key of the run is not in it. Raises `UsageError`."""
    seen = overlay["x-mockkie-observed"]
    head = (
        f"# How {seen['target']} answered on {seen['at']}: observed, not documented.\n"
        "# An OpenAPI Overlay: `mockkie serve --overlay FILE` answers that way.\n"
    )
    text = head + yaml.dump(
        overlay, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=math.inf
    )
    try:
        replace_file(path, text.replace(key, "$KIE_API_KEY").encode())
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def overlaid(document: Mapping[str, Any], paths: Sequence[Path]) -> dict[str, Any]:
    """The document with overlays applied, in order: such as `mockkie serve` would take."""
    root = {"$": copy.deepcopy(dict(document))}
    for path in paths:
        for action in yaml.safe_load(path.read_bytes())["actions"]:
            _apply(action, root)
    return root["$"]


def _apply(action: Mapping[str, Any], root: dict[str, Any]) -> None:
    """One action on the document, which `root` holds as `$`."""
    update = action.get("update")
    if "copy" in action:
        (update,) = (match.obj for match in _found(action["copy"], root))
    places = [("$", *match.parts) for match in _found(action["target"], root)]
    for steps in reversed(places):  # later items of a list first: what is removed moves these
        holder: Any = root
        for step in steps[:-1]:
            holder = holder[step]
        if action.get("remove"):
            del holder[steps[-1]]
        else:
            holder[steps[-1]] = _merged(holder[steps[-1]], copy.deepcopy(update))


def _found(path: str, root: Mapping[str, Any]) -> list[jsonpath.JSONPathMatch]:
    return list(jsonpath.JSONPathEnvironment(strict=True).finditer(path, root["$"]))


def _merged(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        merged = {
            key: _merged(old[key], value) if key in old else value for key, value in new.items()
        }
        return {**old, **merged}
    if isinstance(old, list):
        return [*old, *(new if isinstance(new, list) else [new])]
    return new
