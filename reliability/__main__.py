"""Attacks mockkie: `make reliability`, or `python -m reliability --help`.

Exits with 1 when something did not hold. What each attack counted is written when it is over, so an
interrupted run loses no other.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from reliability import page
from reliability.attacks import ATTACKS, Attack, load
from reliability.run import Outcome, Run


def main() -> int:
    """Attack, print, and write what was asked for; returns the exit code."""
    options = _options()
    kept: Path | None = options.page and options.page.with_suffix(".json")
    outcomes = page.read(kept) if kept else {}
    broken = 0
    for name, attack in load(options.only or ATTACKS).items():
        outcome = outcomes[name] = run(attack, options)
        broken += len(outcome.failures)
        if kept:
            page.write(kept, {known: outcomes[known] for known in ATTACKS if known in outcomes})
            page.write_page(options.page, load(), outcomes)
    return 1 if broken else 0


def run(attack: Attack, options: argparse.Namespace) -> Outcome:
    """What one attack counts; it is printed, too."""
    print(f"{attack.title} ...", file=sys.stderr, flush=True)
    today = datetime.now(UTC).date().isoformat()
    outcome = Outcome(attack.name, today, _machine(), options.seed, options.short, options.scale)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mockkie-", dir=options.folder) as folder:
        attack.attack(Run(outcome, Path(folder), random.Random(options.seed)))
    outcome.seconds = round(time.monotonic() - started, 1)
    for figure, value in outcome.figures.items():
        print(f"  {figure}: {value if isinstance(value, str) else f'{value:,}'}")
    print(f"  what did not hold: {len(outcome.failures)} ({outcome.seconds:.0f} s)", flush=True)
    return outcome


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m reliability", description="Attack mockkie.")
    parser.add_argument("--only", action="append", choices=ATTACKS, help="may be given again")
    parser.add_argument("--short", action="store_true", help="the form of CI, a minute each")
    parser.add_argument("--scale", type=float, default=1.0, help="so many times the usual number")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument(
        "--page", type=Path, metavar="FILE.md", help="and FILE.json, of which it is"
    )
    parser.add_argument("--folder", type=Path, help="where files of a few GB may be for a while")
    return parser.parse_args()


def _machine() -> str:
    system, kind = platform.system(), platform.machine()
    return f"{system} {kind}, {os.cpu_count()} CPUs, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
