"""The suite's side of pytest: its fixture `target`, and what tests found out.

A test names its clauses with `@pytest.mark.clause("overwrite.latest-bytes")`; the marker of each
clause's group (`-m overwrite`) comes by itself. What fails is tried once more in a fresh folder
before it counts, unless it is marked `once`.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from mockkie.harness.document import clauses
from mockkie.harness.session import NotJudgedError
from mockkie.harness.target import Plan, Target, open_target
from mockkie.harness.verdicts import Finding, Verdict
from mockkie.problems import UsageError

NOT_JUDGED: Final = "not judged: "
FINDINGS: Final = pytest.StashKey[list[tuple[str, Finding]]]()
REQUESTS: Final = pytest.StashKey[list[int]]()


def pytest_configure(config: pytest.Config) -> None:
    """Know the markers; take over the options before any test is collected."""
    config.addinivalue_line("markers", "clause(*ids): the clauses of the contract it is about")
    config.addinivalue_line("markers", "once: what fails here is proof, it is not tried again")
    for name in dict.fromkeys(clause.group for clause in clauses()):
        config.addinivalue_line("markers", f"{name}: clauses about {name}")
    given = {
        name: value
        for name in Plan.__slots__
        if (value := config.getoption(f"mockkie_{name}", None)) is not None and value is not False
    }
    config.stash[FINDINGS] = []
    config.stash[REQUESTS] = []
    if given:
        os.environ.update(replace(Plan.of_environment(), **given).to_environment())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the markers of its groups; a clause that is not in the document is wrong."""
    known = {clause.id: clause.group for clause in clauses()}
    for item in items:
        for name in clause_ids(item):
            if name not in known:
                raise pytest.UsageError(f"{item.nodeid} is about {name!r}, which is no clause")
            item.add_marker(known[name])


def clause_ids(item: pytest.Item) -> list[str]:
    """The clauses that a test is about."""
    return [name for marker in item.iter_markers("clause") for name in marker.args]


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """The API under test: the one that the plan of the run names, else a mock for its length."""
    try:
        with open_target(Plan.of_environment()) as opened:
            yield opened
            request.config.stash[REQUESTS].append(opened.wire.budget.spent)
    except UsageError as error:
        pytest.exit(str(error), returncode=2)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Run a test of the suite; what cannot be judged is skipped with its reason."""
    target = pyfuncitem.funcargs.get("target")
    if not isinstance(target, Target):
        return (yield)
    target.begin()
    try:
        return (yield)
    except NotJudgedError as error:
        pytest.skip(f"{NOT_JUDGED}{error}")
    except AssertionError as error:
        generated = getattr(pyfuncitem.obj, "is_hypothesis_test", False)
        if generated or pyfuncitem.get_closest_marker("once"):
            raise
        _again(pyfuncitem, target, error)
        return True


def _again(item: pytest.Function, target: Target, first: AssertionError) -> None:
    target.begin()
    names = item._fixtureinfo.argnames  # noqa: SLF001 - what pytest itself calls the function with
    try:
        item.obj(**{name: item.funcargs[name] for name in names})
    except NotJudgedError as error:
        pytest.skip(f"{NOT_JUDGED}{error}")
    pytest.skip(f"{NOT_JUDGED}it failed once ({_sentence(first)}) and held the second time")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take down what a test found out about its clauses."""
    report = yield
    names = clause_ids(item)
    if names and (call.when == "call" or (call.when == "setup" and not report.passed)):
        finding = _finding(item, call, report)
        item.config.stash[FINDINGS] += [(name, finding) for name in names]
    return report


def _finding(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> Finding:
    name, seconds = item.name, report.duration
    if report.passed:
        return Finding(name, Verdict.UPHELD, seconds=seconds)
    error = call.excinfo.value if call.excinfo else None
    if report.skipped or isinstance(error, NotJudgedError):
        why = str(error).removeprefix(NOT_JUDGED)
        deferred = "plant a probe" in why
        verdict = Verdict.DEFERRED if deferred else Verdict.NOT_JUDGED
        return Finding(name, verdict, why, seconds=seconds)
    target = item.funcargs.get("target") if isinstance(item, pytest.Function) else None
    lines = target.reproduce() if isinstance(target, Target) else []
    if not isinstance(error, AssertionError | BaseExceptionGroup) and call.when == "setup":
        why = f"the test could not begin: {_sentence(error)}"
        return Finding(name, Verdict.NOT_JUDGED, why, seconds=seconds)
    return Finding(name, Verdict.VIOLATED, _sentence(error), tuple(lines), seconds)


def _sentence(error: BaseException | None) -> str:
    """The first line of an error, of the first one of a group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    lines = [line for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else ""
    return text if isinstance(error, AssertionError) and text else f"{type(error).__name__}: {text}"
