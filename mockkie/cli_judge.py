"""The commands that judge an API. Says what people read in a terminal; knows no requests.

Exit codes of all of them: 0 upheld, 1 violated or diverged, 2 usage, 3 not checked, 4 too old.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from mockkie.options import option
from mockkie.problems import UsageError


@contextmanager
def _check_extra() -> Iterator[None]:
    """Say how to install what is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is missing: pip install 'mockkie[check]'") from error


def _exit(code: int) -> None:
    click.get_current_context().exit(code)


@click.command()
@click.argument("url", required=False)
@click.option("--key", envvar="KIE_API_KEY", help="A key of the target; for mocks.")
@click.option("--other-key", envvar="KIE_OTHER_API_KEY", help="A key of a second account.")
@click.option("--quick", "profile", flag_value="quick", default=True, help="The usual run.")
@click.option("--full", "profile", flag_value="full", help="Everything, large files included.")
@click.option("--only", multiple=True, metavar="CLAUSE", help="An id or a group of clauses.")
@click.option("-x", "--exitfirst", is_flag=True, help="Stop at the first violation.")
@option("--seed", type=int, default=5430, show_default=True, help="What generated data begin with.")
@option("--max-requests", "most_requests", type=click.IntRange(1), help="As many requests at most.")
@option("--rate", type=click.FloatRange(0, min_open=True), help="As many requests a second.")
@option(
    "--overwrite-delay",
    type=click.FloatRange(0),
    default=10.0,
    show_default=True,
    help="Seconds for which old bytes may be served after an overwrite.",
)
@click.option("--live", is_flag=True, help="Demanded for anything but this machine.")
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write .json, .xml (JUnit), .html or .sarif; repeatable.",
)
@click.option(
    "--resume",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Note what is judged there, and go on from it after an interruption.",
)
@click.option("--quiet", is_flag=True, help="The verdict only.")
def check(**options: Any) -> None:
    """Judge the API at URL by the contract, clause by clause; without URL a mock.

    Exit codes: 0 upheld, 1 violated, 2 wrong usage, 3 nothing could be checked.
    """
    with _check_extra():
        from mockkie.checking import check_in_terminal  # noqa: PLC0415 - help needs no test library
    _exit(check_in_terminal(options))


@click.command()
@click.argument("url")
@click.option("--key", envvar="KIE_API_KEY", help="A key of the target; for mocks.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write what differs there, as an OpenAPI Overlay.",
)
@option(
    "--overlay",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Compare with the document as changed by this; repeatable.",
)
@click.option(
    "--evidence",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What a probe saw of retention, for a clock that cannot be moved.",
)
@click.option("--links-origin", is_flag=True, help="Adopt the host of download links, too.")
@option("--max-requests", "most_requests", type=click.IntRange(1), help="As many at most.")
@option("--rate", type=click.FloatRange(0, min_open=True), help="As many requests a second.")
@click.option("--live", is_flag=True, help="Demanded for anything but this machine.")
@click.option("--quiet", is_flag=True, help="The last line only.")
def learn(**options: Any) -> None:
    """Ask the API at URL how it differs from the document, and write that as an overlay.

    Exit codes: 0 learnt, also that nothing differs, 2 wrong usage, 3 nothing could be learnt.
    """
    with _check_extra():
        from mockkie.learning import learn_in_terminal  # noqa: PLC0415 - as above
    _exit(learn_in_terminal(options))


JUDGING: Final[Sequence[click.Command]] = (check, learn)
"""The commands of this module, for the group that they belong to."""
