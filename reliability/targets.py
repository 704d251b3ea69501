"""All targets of fuzzing, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reliability.target import Target
from reliability.targets_bodies import BODIES
from reliability.targets_files import FILES
from reliability.targets_names import NAMES
from reliability.targets_records import RECORDS
from reliability.targets_requests import WHOLE
from reliability.targets_texts import LINES

TARGETS: Final[Mapping[str, Target]] = {
    target.name: target for target in (*BODIES, *LINES, *NAMES, *FILES, *RECORDS, *WHOLE)
}
