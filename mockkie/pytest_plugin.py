"""Fixtures for users' test suites, `kie` and others; and the options of the contract suite."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from mockkie.app import Mock
    from mockkie.interception import Interception
    from mockkie.kie import Kie

_SHOWN: Final = 30
_JOURNAL: Final = "journal"
_KIE: Final[pytest.StashKey[list[tuple[str, Kie, int]]]] = pytest.StashKey()
_OPTIONS: Final = {
    "target": ("url", str, "base URL of the API under test; without it a mock is"),
    "profile": ("profile", str, "quick or full"),
    "seed": ("seed", int, "what generated data begin with"),
    "max-requests": ("most_requests", int, "as many requests a run may send"),
    "rate": ("rate", float, "as many requests a second"),
    "overwrite-delay": ("overwrite_delay", float, "seconds that old bytes may be served"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `pytest --pyargs mockkie.contract_tests`; keys come from `KIE_API_KEY`.

    They stand here since pytest knows only installed plugins by the time that it reads options.
    """
    group = parser.getgroup("mockkie", "contract suite of mockkie")
    for name, (field, kind, text) in _OPTIONS.items():
        group.addoption(f"--mockkie-{name}", dest=f"mockkie_{field}", type=kind, help=text)
    group.addoption(
        "--mockkie-live", dest="mockkie_live", action="store_true", help="try a real service, too"
    )
    group.addoption(
        "--mockkie-report",
        dest="mockkie_report",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="write what became of each clause: .json, .xml, .html or .sarif; repeatable",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Say what the mark `kie` is, so that strict markers know it."""
    config.addinivalue_line(
        "markers",
        'kie(**settings): settings of the mock for a test, such as kie(profile="observed", '
        'retention="PT24H", expired_link={"status": 410}); the closest mark wins.',
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse marks with settings that do not exist, before any test runs.

    A worker of xdist has no way to say so: there the test itself does.
    """
    if hasattr(config, "workerinput"):
        return
    wrong = [f"{item.nodeid}: {why}" for item in items for why in _what_is_wrong(item)]
    if wrong:
        raise pytest.UsageError(*dict.fromkeys(wrong))


def _what_is_wrong(item: pytest.Item) -> Iterator[str]:
    for mark in item.iter_markers("kie"):
        from mockkie.changes import read_keywords  # noqa: PLC0415 - few tests are marked
        from mockkie.problems import UsageError  # noqa: PLC0415 - as above

        if mark.args:
            yield f"@pytest.mark.kie takes keywords, such as retention='PT24H', not {mark.args!r}"
        try:
            read_keywords(mark.kwargs)
        except UsageError as error:
            yield f"@pytest.mark.kie: {error}"


def _marked(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The settings of the marks of a test, the closest one on top."""
    changes: dict[str, Any] = {}
    for mark in reversed([*request.node.iter_markers("kie")]):
        from mockkie.changes import read_keywords  # noqa: PLC0415 - as above

        changes |= read_keywords(mark.kwargs)
    return changes


@contextmanager
def _named(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have what is wrong with a mark end the test in words."""
    from mockkie.problems import UsageError  # noqa: PLC0415 - as above

    for why in _what_is_wrong(request.node):
        pytest.fail(f"{request.node.nodeid}: {why}", pytrace=False)
    try:
        yield
    except UsageError as error:
        pytest.fail(f"{request.node.nodeid}: @pytest.mark.kie: {error}", pytrace=False)


@pytest.fixture(scope="session")
def kie_server() -> Iterator[Kie]:
    """One mock on a socket for the whole run: a handle on its default world.

    Under xdist every worker has its own.
    """
    from mockkie.serving import serve  # noqa: PLC0415 - runs that need no mock do not pay for it

    with serve() as kie:
        yield kie


@pytest.fixture
def kie(kie_server: Kie, request: pytest.FixtureRequest) -> Iterator[Kie]:
    """A fresh isolated world of `kie_server`: own key, files, clock and journal.

    Its settings are those of the mark: `@pytest.mark.kie(retention="PT24H")`.
    """
    with _named(request):
        fresh = kie_server.new_world(_marked(request))
    with _reported(fresh, request, kie_server) as world:
        yield world


@pytest.fixture
def kie_intercept(kie: Kie) -> Iterator[Interception]:
    """`kie.intercept()` for a whole test.

    Its world answers the hosts of the real service, and no other host is reached.
    """
    with kie.intercept() as interception:
        yield interception


@pytest.fixture
def kie_app(request: pytest.FixtureRequest) -> Iterator[Kie]:
    """The same in process, without a socket: `async_client` speaks to the mock directly."""
    from mockkie.build import build_mock  # noqa: PLC0415 - as above

    inside = _in_process(build_mock())
    with _named(request):
        inside.settings.keep(_marked(request))
    with _reported(inside, request) as world:
        yield world


def _in_process(mock: Mock) -> Kie:
    from mockkie.kie import Kie, Runner  # noqa: PLC0415 - as above

    run = Runner()
    run(mock.service.start())

    def transport() -> Any:
        import httpx2  # noqa: PLC0415 - as above

        class InProcess(httpx2.ASGITransport):
            """Where a fault ends the connection, says so as a client on a socket would."""

            async def handle_async_request(self, request: Any) -> Any:
                try:
                    return await super().handle_async_request(request)
                except ConnectionError as error:
                    raise httpx2.ReadError(str(error), request=request) from error

        return InProcess(app=mock)

    return Kie(
        mock.service,
        mock.service.worlds.default,
        base_url="http://kie.test",
        run=run,
        transport=transport,
    )


@contextmanager
def _reported(
    world: Kie, request: pytest.FixtureRequest, server: Kie | None = None
) -> Iterator[Kie]:
    """Have a failing test show the journal of its world, and forget the world afterwards.

    What was refused for want of a known key is in the default world's journal: a test that sends
    a wrong key finds its refusals there, so these are shown too.
    """
    watched = request.node.stash.setdefault(_KIE, [])
    before = len(watched)
    watched.append((_JOURNAL, world, 0))
    if server is not None:
        watched.append(("requests without a known key", server, server.world.journal.last))
    try:
        yield world
    finally:
        del watched[before:]
        if server is not None:
            world.drop()
        else:
            world.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the journals to the report of a test that failed, also when its set-up did."""
    report = yield
    if report.failed:
        for title, kie, after in item.stash.get(_KIE, []):
            _describe(report, title, kie, after)
            for nested in kie.nested if title == _JOURNAL else ():
                _describe(report, title, nested, 0)
    return report


def _describe(report: pytest.TestReport, title: str, kie: Kie, after: int) -> None:
    entries = kie.world.journal.entries(after=after)
    if not entries and title != _JOURNAL:
        return
    lines = [f"{entry.seq:>4}  {entry}" for entry in entries[-_SHOWN:]]
    if len(entries) > _SHOWN:
        lines.insert(0, f"      … {len(entries) - _SHOWN} earlier entries")
    for interception in kie.interceptions if title == _JOURNAL else ():
        refused = interception.refused.items()
        lines.extend(f"      refused: {where} ({count:,} times)" for where, count in refused)
    lines.append(f"      clock: {kie.clock.now:%Y-%m-%d %H:%M:%S} UTC")
    lines.extend(f"      setting {told}" for told in kie.settings.differences())
    lines.extend(f"      fault {one.id}: {one.fault}, {one.shots} shots" for one in kie.faults)
    lines.extend(f"      file: {path}" for path in list(kie.files)[:_SHOWN])
    report.sections.append((f"mockkie: {title} ({kie.world.id})", "\n".join(lines)))
