"""`mockkie check`: runs the suite on a target and reports what became of each clause."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import platformdirs
import pytest

from mockkie.clock import isoformat, real_now, stopwatch
from mockkie.harness import plugin
from mockkie.harness.document import clauses, suite_folder
from mockkie.harness.going import Progress
from mockkie.harness.plan import Plan, is_live
from mockkie.harness.resuming import Found, Judged
from mockkie.harness.verdicts import Clause, Finding, Layer, Level, Report, Verdict
from mockkie.problems import UsageError

_QUIET: Final = ("-p", "no:cacheprovider", "-p", "no:terminal", "-p", "no:faulthandler")
_NOTES: Final = "HYPOTHESIS_STORAGE_DIRECTORY"
_PLUGINS: Final = ("-p", "_hypothesis_pytestplugin", "-p", "schemathesis.pytest.plugin")


_SCHEMA: Final = "test_schema.py"  # to collect it takes seconds: cases are generated then
_OF_SCHEMA: Final = frozenset(("envelope", "expiry", "download"))


class _Collector:
    """Holds on to what pytest forgets at its end, tells of progress, and knows what is done."""

    def __init__(
        self, progress: Progress, stop_at: Container[str], judged: Judged | None = None
    ) -> None:
        self.findings: list[Found] = []
        self.interrupted = False
        self._session: pytest.Session | None = None
        self._stop_at = stop_at
        self._progress = progress
        self._judged = judged
        self._seen = self._done = self._all = 0

    def pytest_configure(self, config: pytest.Config) -> None:
        """The run begins."""
        self.findings = config.stash[plugin.FINDINGS]
        config.option.tbstyle = "no"  # nobody reads what pytest would print

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The tests are known."""
        self._session = session
        self._all = len(session.items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Do not run what was judged before."""
        known = self._judged.findings(item.nodeid) if self._judged else None
        if known is None or self._judged is None:
            return None
        self.findings += known
        part = item.config.stash[plugin.PARTS][plugin.layer_of(item)]
        part.requests += self._judged.spent(item.nodeid)
        part.seconds += max((finding.seconds for _, finding in known), default=0.0)
        self._seen = len(self.findings)
        self._tell(item.nodeid)
        return True

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """One test is over."""
        new = self.findings[self._seen :]
        self._seen = len(self.findings)
        if self._judged:
            self._judged.add(nodeid, new, self.requests)
        self._tell(nodeid)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Somebody stopped the run; it stops itself by a subclass of this."""
        self.interrupted = type(excinfo.value) is KeyboardInterrupt

    def _tell(self, nodeid: str) -> None:
        self._done += 1
        self._progress(self._done, self._all, nodeid.rpartition("::")[2])
        for name, finding in self.findings:
            if self._session and finding.verdict == Verdict.VIOLATED and name in self._stop_at:
                self._session.shouldstop = f"{name} is violated"

    @property
    def started(self) -> bool:
        """Whether the tests were found."""
        return self._session is not None

    @property
    def requests(self) -> int:
        """How many were sent, those of the run that this one goes on with included."""
        before = self._judged.requests if self._judged else 0
        return before + (plugin.spent(self._session.config) if self._session else 0)

    @property
    def layers(self) -> list[Layer]:
        """The parts that the run had."""
        return plugin.layers(self._session.config) if self._session else []


def run_check(
    plan: Plan,
    only: Sequence[str] = (),
    progress: Progress = lambda *_: None,
    *,
    first: bool = False,
    resume: Path | None = None,
) -> Report:
    """Run the suite; `only` are ids or groups of clauses. Raises `UsageError`.

    A clause that their tests find violated on the way is in the report, whether wanted or not.

    `first`: stop when the first documented one is violated. `resume` is the file of a run
    that was interrupted, and is gone when this one is not.
    The report's own exit code says whether anything was judged at all.
    """
    wanted = _wanted(only)
    documented = {clause.id for clause in clauses() if clause.level == Level.DOCUMENTED}
    name = plan.url or "a mock in this process"
    judged = Judged.open(resume, name, plan.profile, plan.seed, only) if resume else None
    collector = _Collector(progress, documented if first else (), judged)
    started = stopwatch()
    folder = str(suite_folder())
    picked = _picked(wanted, folder) if only else []
    with _environment({**plan.to_environment(), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}):
        code = pytest.main(
            [folder, "--rootdir", folder, "-c", os.devnull, *_QUIET, *_PLUGINS, *picked],
            plugins=[collector],
        )
    if not collector.started or code == pytest.ExitCode.USAGE_ERROR:
        raise UsageError("the suite did not start; see the message above")
    if judged and not collector.interrupted:
        judged.finish()
    return Report.of(
        *_told(wanted, collector.findings),
        target=name,
        profile=plan.profile,
        seed=plan.seed,
        requests=collector.requests,
        seconds=stopwatch() - started,
        interrupted=collector.interrupted,
        at=isoformat(real_now()),
        live=is_live(plan.url),
        layers=collector.layers,
    )


def _told(
    wanted: Sequence[Clause], findings: Sequence[tuple[str, Finding]]
) -> tuple[list[Clause], list[tuple[str, Finding]]]:
    """The clauses of a report, and what was found of them.

    What their tests find violated on the way is told too: it is why wanted ones were not judged.
    """
    ids = {clause.id for clause in wanted}
    ids |= {name for name, finding in findings if finding.verdict == Verdict.VIOLATED}
    told = [(name, finding) for name, finding in findings if name in ids]
    return [clause for clause in clauses() if clause.id in ids], told


def _wanted(only: Sequence[str]) -> list[Clause]:
    """The clauses of some ids and groups; all of them without any."""
    known = clauses()
    strangers = set(only) - {clause.id for clause in known} - {clause.group for clause in known}
    if strangers:
        groups = ", ".join(dict.fromkeys(clause.group for clause in known))
        raise UsageError(
            f"no clause and no group is named {min(strangers)!r}; the groups are: {groups}"
        )
    return [clause for clause in known if not only or {clause.id, clause.group} & set(only)]


def _picked(wanted: Sequence[Clause], folder: str) -> list[str]:
    """The words that make pytest run the groups of some clauses only."""
    groups = {clause.group for clause in wanted}
    words = ["-m", " or ".join(sorted(groups))]
    return words if _OF_SCHEMA & groups else [*words, "--ignore", f"{folder}/{_SCHEMA}"]


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """The variables for a while; and no notes of Hypothesis in somebody's working directory.

    It notes what Unicode is, which it takes a second to find out.
    """
    notes = str(platformdirs.user_cache_path("mockkie", appauthor=False) / "hypothesis")
    wanted = {_NOTES: os.environ.get(_NOTES, notes), **variables}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
