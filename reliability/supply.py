"""What comes with mockkie and how it is made: libraries, licences, advisories, builds, network."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from docs.pages.licences import Needed, incompatible, needed, required
from reliability import advisories, building, lowest, quiet
from reliability.run import Run

TITLE: Final = "Supply chain"

ABOUT: Final = """
Everything that `pip install mockkie` brings is counted, its licence is read and has to be one that
fits ([all of them](reference/licences.md)), and a database of advisories is asked about all of it
by pip-audit, where a network leads to one. Every lower bound of `pyproject.toml` is installed in
earnest, and tests of every part are run with these versions.

Wheel and sdist are built again and again in surroundings that have nothing in common but the
sources: folder, umask, locale, time zone, times of the files, order on the disk, and the clutter of
somebody who works there (caches, `.env`, backups of editors). They must be the same to the byte,
without `SOURCE_DATE_EPOCH` and with it, and differ in dates only between the two; the sdist must
make the very same wheel; nothing of the clutter and no name of a folder, user or machine may be in
them.

Then mockkie is used for a day, with every module imported, in a network namespace whose only way
out is a tunnel that is watched: no packet may leave, not even a question for a name.
"""

FOUND: Final = (
    (
        "Three libraries were imported that `pyproject.toml` did not ask for (httpcore2, idna, "
        "urllib3): they came along with others. They are asked for now, and a test holds it."
    ),
    (
        "Three were installed that nothing used (watchfiles, websockets, python-dotenv): uvicorn's "
        "extra `standard` brought them. uvicorn is asked for without it."
    ),
    (
        "The wheel took all that lay in `contract_tests/`, such as an `.env` or what Hypothesis "
        "had left there, and both archives took backups of editors. They are left out now."
    ),
    (
        "Without schemathesis, jsonschema-rs came in a release that schemathesis does not take and "
        "no test ran with. Its upper bound is the same now, with and without."
    ),
    "The lower bound of cryptography was no release that can be installed (45.0.0).",
    (
        "pip-audit ends with 0 and says that there are no known vulnerabilities when it could look "
        "up nothing: what it skipped is counted here, and said."
    ),
)

_EPOCH: Final = 1_700_000_000
_BUILDS, _FEW_BUILDS = 12, 2
_TELLTALE: Final = """
import socket
try:
    socket.getaddrinfo("telemetry.example", 80)
except OSError:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", ("198.51.100.1", 53))
"""


def attack(run: Run) -> None:
    """All of the above; the short form builds less and asks no network."""
    asked = required()
    found = needed(asked)
    _count(run, asked, found)
    _licences(run, found)
    _builds(run)
    _network(run)
    if not run.short:
        _advisories(run, found)
        _lowest(run, asked)


def _count(
    run: Run, asked: Mapping[str, Sequence[Requirement]], found: Mapping[str, Needed]
) -> None:
    alone = needed({"mockkie": asked["mockkie"]})
    direct = sum(1 for one in alone.values() if one.direct)
    run.figure("direct dependencies", direct)
    run.figure("those that come with them", len(alone) - direct)
    for who, group in asked.items():
        if who != "mockkie":
            more = needed({"mockkie": asked["mockkie"], who: group})
            run.figure(f"further ones of {who}", len(more) - len(alone))
    run.figure("all of them", len(found))


def _licences(run: Run, found: Mapping[str, Needed]) -> None:
    run.figure("licences", len({one.licence for one in found.values()}))
    for one in found.values():
        if wrong := incompatible(one.licence):
            run.fail(f"{one.name} {one.version} is under {one.licence}: {', '.join(wrong)}")


def _builds(run: Run) -> None:
    tool = run.folder / "tool"
    try:
        run.figure("hatchling", building.fetch_tool(tool))
    except subprocess.CalledProcessError as error:
        run.note(f"Nothing was built: {_last(error)}")
        return
    names = building.sources()
    wheels: dict[int | None, set[str]] = {None: set(), _EPOCH: set()}
    sdists: dict[int | None, set[str]] = {None: set(), _EPOCH: set()}
    contents: set[str] = set()
    epochs = [None, _EPOCH] * run.size(_BUILDS, _FEW_BUILDS)
    for around in building.surroundings(run.random, run.folder, epochs):
        try:
            pair = _build(run, names, tool, around)
        except subprocess.CalledProcessError as error:
            run.fail(f"no build in {around}: {_last(error)}")
            continue
        run.count("pairs of wheel and sdist built")
        for known, digest in zip((wheels, sdists), pair.digests, strict=True):
            if known[around.epoch] and digest not in known[around.epoch]:
                run.fail(f"other bytes in {around}: {digest}")
            known[around.epoch].add(digest)
        contents.add(pair.contents)
        run.tell(lambda: f"{run.outcome.figures['pairs of wheel and sdist built']} built")
    for epoch, when in ((None, "without"), (_EPOCH, "with")):
        run.figure(f"different wheels {when} SOURCE_DATE_EPOCH", len(wheels[epoch]))
        run.figure(f"different sdists {when} SOURCE_DATE_EPOCH", len(sdists[epoch]))
    if len(contents) > 1:
        run.fail("with SOURCE_DATE_EPOCH more than the dates is different")
    run.figure("SHA-256 of the wheel", " ".join(wheels[None]))
    run.figure("SHA-256 of the sdist", " ".join(sdists[None]))


def _build(
    run: Run, names: Sequence[str], tool: Path, around: building.Surroundings
) -> building.Pair:
    """Build there, and once more from the sdist; look through both."""
    pair = building.build(building.copy(names, around, run.random), tool, around)
    unpacked = building.unpack(pair.sdist, around.folder / "unpacked")
    again = building.build(unpacked, tool, around, wheel_only=True)
    if again.wheel != pair.wheel:
        run.fail(f"the sdist makes another wheel in {around}")
    inside = building.in_wheel(pair.wheel)
    files = {name for name in inside if ".dist-info/" not in name}
    for name in sorted(files ^ building.expected(names)):
        run.fail(f"{name} is in the wheel or in the sources, not in both")
    for telling in (inside, building.in_sdist(pair.sdist)):
        run.count("files looked through", len(telling))
        for told in building.told_of(telling, around):
            run.fail(f"in {around}: {told}")
    return pair


def _network(run: Run) -> None:
    """A day without network; what would have left, and that the watch sees what leaves."""
    if lacking := quiet.lacking():
        run.note(f"The network was not watched: {lacking}.")
        return
    env = {"PYTHONPATH": str(building.ROOT), "HOME": str(run.folder)}
    seen = quiet.watch((sys.executable, "-c", _TELLTALE), run.folder, env)
    if not any(place.startswith("198.51.100.1:53 ") for place in seen.left):
        run.fail(f"the watch does not see what it should: {seen}")
    day = quiet.watch((sys.executable, "-m", "reliability.offline"), run.folder, env)
    run.figure("packets' destinations during a day with mockkie", len(day.left))
    for place in day.left:
        run.fail(f"a packet was sent to {place}")
    if day.code:
        run.fail(f"mockkie does not work without a network: {day.said[-1_000:]}")
    else:
        run.figure("modules imported without network", int(day.said.split()[-1]))


def _advisories(run: Run, found: Mapping[str, Needed]) -> None:
    audit = advisories.audit([f"{one.name}=={one.version}" for one in found.values()], run.folder)
    if audit is None:
        run.figure("advisories", advisories.NO_NETWORK)
        return
    run.figure("looked up in the advisories", audit.audited)
    run.figure("not known there", audit.skipped)
    run.figure("known vulnerabilities", len(audit.vulnerable))
    for hole in audit.vulnerable:
        run.fail(hole)


def _lowest(run: Run, asked: Mapping[str, Sequence[Requirement]]) -> None:
    wheels = [*run.folder.glob("*/*/made-source/*.whl")]
    pins = lowest.lowest(asked)
    try:
        python = lowest.install(pins, wheels[0], run.folder)
    except (subprocess.CalledProcessError, IndexError) as error:
        run.fail(f"the lowest versions cannot be installed: {_last(error)}")
        return
    run.figure("lower bounds installed", len(pins))
    tried = lowest.try_out(python, run.folder)
    run.figure("tests passed with them", tried.passed)
    if tried.wrong:
        run.fail(f"tests fail with the lowest versions:\n{tried.wrong}")


def _last(error: Exception) -> str:
    """The last lines that a command said, or what else went wrong."""
    said = getattr(error, "stdout", None) or getattr(error, "stderr", None) or str(error)
    return " / ".join(str(said).strip().splitlines()[-3:])
