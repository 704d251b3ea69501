"""Measures mockkie beside its peers: `make bench`, or `python benchmarks/run.py --help`.

A claim is the median ratio of the rounds of one interleaved run. A missed target fails nothing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # a script among modules

from benchmarks.measures import MEASURES, Bench  # noqa: E402 - see above
from benchmarks.page import write_page  # noqa: E402 - see above
from benchmarks.report import Row, print_table, today, write_json  # noqa: E402 - see above


def main() -> None:
    """Measure, print, and write the JSON that was asked for."""
    parser = argparse.ArgumentParser(description="Measure mockkie beside its peers.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller files")
    parser.add_argument("--only", action="append", choices=MEASURES, help="may be given again")
    parser.add_argument("--rounds", type=int, help="rounds of each measurement; 5, quick: 3")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the numbers for programs")
    parser.add_argument("--page", type=Path, metavar="FILE.md", help="a page, its plot in images/")
    parser.add_argument("--folder", type=Path, help="where files of up to 4 GB may be for a while")
    options = parser.parse_args()
    rounds = options.rounds or (3 if options.quick else 5)
    rows: list[Row] = []
    notes: list[str] = []
    for name in options.only or MEASURES:
        print(f"measuring {name} ...", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="mockkie-bench-", dir=options.folder) as folder:
            bench = Bench(Path(folder), rounds, quick=options.quick)
            rows += MEASURES[name](bench)
            notes += [note for note in bench.notes if note not in notes]
    print_table(rows)
    for note in notes:
        print(f"- {note}")
    if options.json:
        write_json(options.json, rows, notes)
    if options.page:
        words = ["python benchmarks/run.py", *(word for word in sys.argv[1:] if word != "--page")]
        how = " ".join(word for word in words if word != str(options.page))
        write_page(options.page, rows, notes, today(), how)


if __name__ == "__main__":
    main()
