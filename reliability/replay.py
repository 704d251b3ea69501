"""Does again what fuzzing found: `python -m reliability.replay TARGET FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

from reliability.targets import TARGETS

ARGUMENTS = 2


def main() -> int:
    """Run one target on the bytes of one file; a traceback says what does not hold."""
    arguments = sys.argv[1:]
    if len(arguments) != ARGUMENTS or arguments[0] not in TARGETS:
        print(f"{__doc__}\nTargets: {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    target, content = TARGETS[arguments[0]], Path(arguments[1]).read_bytes()
    print(f"{target.name}, {len(content):,} bytes: it is held that {target.holds}")
    target.make()(content)
    print("it holds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
