"""What every measure found last, in a file: an interrupted run loses nothing, a page is made of it.

The file is JSON: `{"measures": {name: what report.Outcome.to_json says}}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from benchmarks.report import Outcome


def read(path: Path) -> dict[str, Outcome]:
    """The outcomes by measure, none when there is no file; `ValueError` for a file of others."""
    if not path.exists():
        return {}
    try:
        known = json.loads(path.read_text())["measures"]
        return {name: Outcome.from_json(value) for name, value in known.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} holds no numbers of this benchmark ({error!r}): move it away, or name another"
        ) from error


def write(path: Path, outcomes: Mapping[str, Outcome]) -> None:
    """Replace the file, all at once."""
    told = {"measures": {name: outcome.to_json() for name, outcome in outcomes.items()}}
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(json.dumps(told, indent=1) + "\n")
    fresh.replace(path)
