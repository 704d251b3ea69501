"""`mockkie check`: runs the suite on a target and reports what became of each clause."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import pytest

from mockkie.clock import isoformat, real_now, stopwatch
from mockkie.harness import plugin
from mockkie.harness.document import clauses, suite_folder
from mockkie.harness.target import Plan, is_live
from mockkie.harness.verdicts import Clause, Level, Report, Verdict
from mockkie.problems import UsageError

_QUIET: Final = ("-p", "no:cacheprovider", "-p", "no:terminal", "-p", "no:faulthandler")
_PLUGINS: Final = ("-p", "_hypothesis_pytestplugin", "-p", "schemathesis.pytest.plugin")


_SCHEMA: Final = "test_schema.py"  # to collect it takes seconds: cases are generated then
_OF_SCHEMA: Final = frozenset(("envelope", "expiry", "download"))
Progress = Callable[[int, int, str], None]
"""Is told how many tests are done, of how many, and the name of the last one."""


class _Collector:
    """Holds on to what pytest forgets at its end, and tells of progress."""

    def __init__(self, progress: Progress, stop_at: Container[str]) -> None:
        self.stash: pytest.Stash | None = None
        self._session: pytest.Session | None = None
        self._stop_at = stop_at
        self._progress = progress
        self._done = 0
        self._all = 0

    def pytest_configure(self, config: pytest.Config) -> None:
        """The run begins."""
        self.stash = config.stash

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The tests are known."""
        self._all = len(session.items)
        self._session = session

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """One test is over."""
        self._done += 1
        self._progress(self._done, self._all, nodeid.rpartition("::")[2])
        if self._session is not None and self.stash is not None:
            for name, finding in self.stash[plugin.FINDINGS]:
                if finding.verdict == Verdict.VIOLATED and name in self._stop_at:
                    self._session.shouldstop = f"{name} is violated"


def run_check(
    plan: Plan,
    only: Sequence[str] = (),
    progress: Progress = lambda *_: None,
    *,
    first: bool = False,
) -> Report:
    """Run the suite; `only` are ids or groups of clauses. Raises `UsageError`.

    `first`: stop when the first documented one of them is violated.
    The report's own exit code says whether anything was judged at all.
    """
    known = clauses()
    wanted = [clause for clause in known if not only or {clause.id, clause.group} & set(only)]
    strangers = set(only) - {clause.id for clause in known} - {clause.group for clause in known}
    if strangers:
        groups = ", ".join(dict.fromkeys(clause.group for clause in known))
        raise UsageError(
            f"no clause and no group is named {min(strangers)!r}; the groups are: {groups}"
        )
    documented = {clause.id for clause in wanted if clause.level == Level.DOCUMENTED}
    collector = _Collector(progress, documented if first else ())
    started = stopwatch()
    folder = str(suite_folder())
    picked = _picked(wanted, folder) if only else []
    with _environment({**plan.to_environment(), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}):
        code = pytest.main(
            [folder, "--rootdir", folder, "-c", os.devnull, *_QUIET, *_PLUGINS, *picked],
            plugins=[collector],
        )
    if collector.stash is None or code == pytest.ExitCode.USAGE_ERROR:
        raise UsageError("the suite did not start; see the message above")
    ids = {clause.id for clause in wanted}
    found, spent = collector.stash[plugin.FINDINGS], collector.stash[plugin.REQUESTS]
    return Report.of(
        wanted,
        [(name, finding) for name, finding in found if name in ids],
        target=plan.url or "a mock in this process",
        profile=plan.profile,
        seed=plan.seed,
        requests=sum(spent),
        seconds=stopwatch() - started,
        at=isoformat(real_now()),
        live=is_live(plan.url),
    )


def _picked(wanted: Sequence[Clause], folder: str) -> list[str]:
    """The words that make pytest run the groups of some clauses only."""
    groups = {clause.group for clause in wanted}
    words = ["-m", " or ".join(sorted(groups))]
    return words if _OF_SCHEMA & groups else [*words, "--ignore", f"{folder}/{_SCHEMA}"]


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
