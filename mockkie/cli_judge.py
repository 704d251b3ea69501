"""The commands that judge an API. Says what people read in a terminal; knows no requests.

Exit codes of all of them: 0 upheld, 1 violated or diverged, 2 usage, 3 not checked, 4 too old.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import click

from mockkie.options import FILE, REPORT, check_extra, end, option


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
@REPORT
@click.option(
    "--resume",
    type=FILE,
    metavar="FILE",
    help="Note what is judged there, and go on from it after an interruption.",
)
@click.option("--quiet", is_flag=True, help="The verdict only.")
def check(**options: Any) -> None:
    """Judge the API at URL by the contract, clause by clause; without URL a mock.

    Exit codes: 0 upheld, 1 violated, 2 wrong usage, 3 nothing could be checked.
    """
    with check_extra():
        from mockkie.checking import check_in_terminal  # noqa: PLC0415 - help needs no test library
    end(check_in_terminal(options))


@click.command()
@click.argument("url")
@click.option("--key", envvar="KIE_API_KEY", help="A key of the target; for mocks.")
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="FILE",
    help="Write what differs there, as an OpenAPI Overlay.",
)
@option(
    "--overlay",
    multiple=True,
    type=FILE,
    metavar="FILE",
    help="Compare with the document as changed by this; repeatable.",
)
@click.option(
    "--evidence",
    type=FILE,
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
    with check_extra():
        from mockkie.learning import learn_in_terminal  # noqa: PLC0415 - as above
    end(learn_in_terminal(options))


@click.command()
@option(
    "--ledger",
    type=FILE,
    default="mockkie-claims.json",
    show_default=True,
    metavar="FILE",
    help="What runs found out; it need not exist.",
)
@click.option(
    "--fold",
    "reports",
    type=FILE,
    multiple=True,
    metavar="REPORT.json",
    help="Take a JSON report of check or probe into the ledger; repeatable.",
)
@click.option("--level", type=click.Choice(["documented", "observed", "assumed"]))
@click.option("--group", metavar="NAME", help="Clauses of one group, such as expiry.")
@click.option("--never", is_flag=True, help="Only what no run has ever judged.")
@click.option("--long", is_flag=True, help="What each clause says, its source and its tests.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def claims(**options: Any) -> None:
    """Show what is claimed of the API, what holds it, and when it was last seen to be so."""
    with check_extra():
        from mockkie.claiming import show_claims  # noqa: PLC0415 - as above
    show_claims(options)


JUDGING: Final[Sequence[click.Command]] = (check, learn, claims)
"""The commands of this module, for the group that they belong to."""
