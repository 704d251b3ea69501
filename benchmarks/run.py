"""Measures mockkie beside its peers: `make bench`, or `python benchmarks/run.py --help`.

A claim is the median ratio of the rounds of one interleaved run. A missed target fails nothing.
What each measure found is written when it is over, so an interrupted run loses no other.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # a script among modules

from benchmarks import results  # noqa: E402 - see above
from benchmarks.bench import Bench  # noqa: E402 - see above
from benchmarks.measures import MEASURES  # noqa: E402 - see above
from benchmarks.page import write_page  # noqa: E402 - see above
from benchmarks.report import Outcome, print_table, today, where  # noqa: E402 - see above


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description="Measure mockkie beside its peers.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller files")
    parser.add_argument("--only", action="append", choices=MEASURES, help="may be given again")
    parser.add_argument("--rounds", type=int, help="rounds of each measure; 5, quick: 3")
    parser.add_argument("--json", type=Path, metavar="FILE", help="what each measure found last")
    parser.add_argument(
        "--page", type=Path, metavar="FILE.md", help="a page of FILE.json, plots in images/"
    )
    parser.add_argument("--folder", type=Path, help="where files of up to 16 GB may be for a while")
    options = parser.parse_args()
    kept: Path | None = options.json or (options.page and options.page.with_suffix(".json"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers end with this program
    try:
        outcomes = results.read(kept) if kept else {}
    except ValueError as error:
        parser.error(str(error))
    for name in options.only or MEASURES:
        rounds = options.rounds or (3 if options.quick else 5)
        print(f"measuring {name} ...", file=sys.stderr)
        outcomes[name] = measure(name, rounds, quick=options.quick, folder=options.folder)
        show(outcomes[name])
        if kept:
            results.write(kept, outcomes)
        if options.page:
            write_page(options.page, {known: outcomes[known] for known in sorted_names(outcomes)})


def measure(name: str, rounds: int, *, quick: bool, folder: Path | None) -> Outcome:
    """What one measure finds."""
    outcome = Outcome(today(), quick, rounds, where())
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="mockkie-bench-", dir=folder) as place:
        MEASURES[name](Bench(name, Path(place), outcome))
    outcome.seconds = round(time.perf_counter() - started, 1)
    return outcome


def show(outcome: Outcome) -> None:
    """What was found, for a person."""
    print_table(outcome.rows)
    for refusal in outcome.refusals:
        print(f"- {refusal.what}, {refusal.peer}: cannot: {refusal.said}")
    for note in outcome.notes:
        print(f"- {note}")
    print(f"- {outcome.seconds:.0f} s", flush=True)


def sorted_names(outcomes: dict[str, Outcome]) -> Sequence[str]:
    """The measures there are, in the order of the page."""
    return [name for name in MEASURES if name in outcomes]


if __name__ == "__main__":
    main()
