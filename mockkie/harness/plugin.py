"""The suite's side of pytest: its fixture `target`, and what tests found out.

A test names its clauses with `@pytest.mark.clause("overwrite.latest-bytes")`, the one that it is
chiefly about first; the marker of each clause's group (`-m overwrite`) comes by itself. What fails
is tried once more in a fresh folder before it counts, unless it is marked `once`. Layers run in the
order of `LAYERS`: what is listed first, what moves the clock and what is generated last, so that no
search spends the requests that a plain question needs.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis.errors import Flaky

from mockkie.clock import isoformat, real_now, stopwatch
from mockkie.harness.document import clauses
from mockkie.harness.failure import counting, held_again, place
from mockkie.harness.failure import sentence as why_of
from mockkie.harness.plan import ADDRESS, Plan, is_live
from mockkie.harness.report import sentence, write_report
from mockkie.harness.session import NotJudgedError
from mockkie.harness.target import Target, open_target
from mockkie.harness.verdicts import Clause, Finding, Layer, Report, Verdict, Violation
from mockkie.problems import UsageError

NOT_JUDGED: Final = "not judged: "
LAYERS: Final = ("first", "directed", "late", "time", "model", "schema")
FINDINGS: Final = pytest.StashKey[list[tuple[str, Finding]]]()
CLAUSES: Final = pytest.StashKey[list[Clause]]()
OPENED: Final = pytest.StashKey[list[Target]]()
PARTS: Final = pytest.StashKey[dict[str, Layer]]()
STARTED: Final = pytest.StashKey[float]()


class Hooks:
    """What somebody's own tests may tell the suite."""

    @pytest.hookspec
    def pytest_mockkie_clauses(self, config: pytest.Config) -> list[Clause]:
        """Clauses of your own, for tests of your own to be about."""
        raise NotImplementedError


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Know `pytest_mockkie_clauses`."""
    pluginmanager.add_hookspecs(Hooks)


def pytest_configure(config: pytest.Config) -> None:
    """Know the markers; take over the options before any test is collected."""
    own = config.hook.pytest_mockkie_clauses(config=config)
    config.stash[CLAUSES] = [*clauses(), *(clause for some in own for clause in some)]
    config.addinivalue_line("markers", "clause(*ids): the clauses of the contract it is about")
    config.addinivalue_line("markers", "once: what fails here is proof, it is not tried again")
    config.addinivalue_line("markers", "layer(name): its place in a run, else `directed`")
    for name in dict.fromkeys(clause.group for clause in config.stash[CLAUSES]):
        config.addinivalue_line("markers", f"{name}: clauses about {name}")
    given = {
        name: value
        for name in Plan.__slots__
        if (value := config.getoption(f"mockkie_{name}", None)) is not None and value is not False
    }
    config.stash[FINDINGS] = []
    config.stash[OPENED] = []
    config.stash[PARTS] = {name: Layer(name) for name in LAYERS}
    config.stash[STARTED] = stopwatch()
    if given:
        os.environ[ADDRESS] = given.get("url", os.environ.get(ADDRESS, ""))  # whose key is meant
        os.environ.update(replace(Plan.of_environment(), **given).to_environment())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each test the markers of its groups; a clause that nobody knows is wrong."""
    known = {clause.id: clause.group for clause in config.stash[CLAUSES]}
    for item in items:
        for name in clause_ids(item):
            if name not in known:
                raise pytest.UsageError(
                    f"{item.nodeid} is about {name!r}, which is no clause; "
                    "one of your own comes from the hook pytest_mockkie_clauses"
                )
            item.add_marker(known[name])
    items.sort(key=lambda item: LAYERS.index(layer_of(item)))


def layer_of(item: pytest.Item) -> str:
    """The layer that a test belongs to."""
    marker = item.get_closest_marker("layer")
    return str(marker.args[0]) if marker else "directed"


def spent(config: pytest.Config) -> int:
    """How many requests were sent in this session so far."""
    return sum(target.wire.budget.spent for target in config.stash[OPENED])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Count what a test costs to its layer."""
    found, before, started = item.config.stash[FINDINGS], spent(item.config), stopwatch()
    known = len(found)
    result = yield
    violated = any(finding.verdict == Verdict.VIOLATED for _, finding in found[known:])
    part = item.config.stash[PARTS][layer_of(item)]
    part.add(spent(item.config) - before, stopwatch() - started, violated=violated)
    return result


def layers(config: pytest.Config) -> list[Layer]:
    """The parts that the run had."""
    return [part for part in config.stash[PARTS].values() if part.tests]


def clause_ids(item: pytest.Item) -> list[str]:
    """The clauses that a test is about, the one that it is chiefly about first."""
    return [name for marker in item.iter_markers("clause") for name in marker.args]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the reports that were asked for."""
    for path in session.config.getoption("mockkie_report", []):
        write_report(_report(session.config), path)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what became of the clauses."""
    if config.stash[FINDINGS]:
        report = _report(config)
        terminalreporter.section("clauses of the contract")
        for judged in report.with_verdict(Verdict.VIOLATED):
            terminalreporter.write_line(f"{judged.clause.level} {judged.clause.id}: {judged.why}")
        terminalreporter.write_line(sentence(report))


def _report(config: pytest.Config) -> Report:
    """What the tests of this session found out, of the clauses that they are about."""
    found, plan, opened = config.stash[FINDINGS], Plan.of_environment(), config.stash[OPENED]
    names = {name for name, _ in found}
    return Report.of(
        [clause for clause in config.stash[CLAUSES] if clause.id in names],
        found,
        target=opened[0].url if opened else "no target",
        profile=plan.profile,
        seed=plan.seed,
        requests=spent(config),
        seconds=stopwatch() - config.stash[STARTED],
        at=isoformat(real_now()),
        live=is_live(plan.url),
        layers=layers(config),
    )


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """The API under test: the one that the plan of the run names, else a mock for its length."""
    try:
        with open_target(Plan.of_environment()) as opened:
            request.config.stash[OPENED].append(opened)
            yield opened
    except UsageError as error:
        pytest.exit(str(error), returncode=2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, None, None]:
    """What a fixture cannot judge is skipped with its reason, too."""
    try:
        return (yield)
    except NotJudgedError as error:
        pytest.skip(f"{NOT_JUDGED}{error}")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Run a test of the suite; what cannot be judged is skipped with its reason."""
    target = pyfuncitem.funcargs.get("target")
    if not isinstance(target, Target):
        return (yield)
    if _is_settled(pyfuncitem) and not target.plan.full:
        pytest.skip(f"{NOT_JUDGED}what it is about is violated already")
    target.begin()
    try:
        return (yield)
    except NotJudgedError as error:
        pytest.skip(f"{NOT_JUDGED}{error}")
    except Flaky as error:
        if isinstance(unasked := counting(error, NotJudgedError), NotJudgedError):
            pytest.skip(f"{NOT_JUDGED}{unasked}")
        first = counting(error)
        if isinstance(first, AssertionError) and pyfuncitem.get_closest_marker("once"):
            raise
        pytest.skip(f"{NOT_JUDGED}{held_again(first)}")
    except AssertionError as error:
        generated = getattr(pyfuncitem.obj, "is_hypothesis_test", False)
        if generated or pyfuncitem.get_closest_marker("once"):
            raise
        _again(pyfuncitem, target, error)
        return True


def _is_settled(item: pytest.Item) -> bool:
    """Whether every clause of a test was found to be violated before."""
    found = item.config.stash[FINDINGS]
    violated = {name for name, finding in found if finding.verdict == Verdict.VIOLATED}
    names = clause_ids(item)
    return bool(names) and violated.issuperset(names)


def _again(item: pytest.Function, target: Target, first: AssertionError) -> None:
    target.begin()
    names = item._fixtureinfo.argnames  # noqa: SLF001 - what pytest itself calls the function with
    try:
        item.obj(**{name: item.funcargs[name] for name in names})
    except NotJudgedError as error:
        pytest.skip(f"{NOT_JUDGED}{error}")
    pytest.skip(f"{NOT_JUDGED}{held_again(first)}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take down what a test found out about its clauses."""
    report = yield
    names = clause_ids(item)
    if names and (call.when == "call" or (call.when == "setup" and not report.passed)):
        item.config.stash[FINDINGS] += _findings(item, names, call, report)
    return report


def _findings(
    item: pytest.Item, names: list[str], call: pytest.CallInfo[None], report: pytest.TestReport
) -> list[tuple[str, Finding]]:
    """A finding for each clause of a test.

    A violation is of one clause: of the one that it names, else of the first one of the test.
    """
    error = counting(call.excinfo.value) if call.excinfo else None
    finding = _finding(item, error, call, report)
    if finding.verdict != Verdict.VIOLATED:
        return [(name, finding) for name in names]
    broken = (error.clause if isinstance(error, Violation) else None) or names[0]
    why = f"the test ended with a violation of {broken}"
    ended = Finding(item.name, Verdict.NOT_JUDGED, why)
    return [(broken, finding), *((name, ended) for name in names if name != broken)]


def _finding(
    item: pytest.Item,
    error: BaseException | None,
    call: pytest.CallInfo[None],
    report: pytest.TestReport,
) -> Finding:
    name, seconds = item.name, report.duration
    target = item.funcargs.get("target") if isinstance(item, pytest.Function) else None
    hide = target.hide_keys if isinstance(target, Target) else str
    if report.passed:
        return Finding(name, Verdict.UPHELD, seconds=seconds)
    if report.skipped or isinstance(error, NotJudgedError):
        why = hide(str(error).removeprefix(NOT_JUDGED))
        deferred = "plant a probe" in why
        verdict = Verdict.DEFERRED if deferred else Verdict.NOT_JUDGED
        return Finding(name, verdict, why, seconds=seconds)
    if not isinstance(error, AssertionError) and call.when == "setup":
        why = hide(f"the test could not begin: {why_of(error)}")
        return Finding(name, Verdict.NOT_JUDGED, why, seconds=seconds)
    why, where = hide(why_of(error)), place(Path(item.path), error)
    if not isinstance(target, Target):
        return Finding(name, Verdict.VIOLATED, why, (), seconds, where)
    lines, answers = tuple(target.reproduce()), tuple(target.answers())
    return Finding(name, Verdict.VIOLATED, why, lines, seconds, where, answers)
