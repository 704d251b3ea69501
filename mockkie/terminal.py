"""What `mockkie serve` says while it runs: a panel to start with, then a line a request."""

from __future__ import annotations

import io
import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, Final

import click
import orjson

from mockkie import __version__
from mockkie.build import build_mock
from mockkie.certificates import Authority, Tls
from mockkie.changes import nested
from mockkie.clock import format_duration
from mockkie.journal import Entry
from mockkie.lines import request_line
from mockkie.problems import UsageError
from mockkie.progress import progress_line
from mockkie.screen import console, width
from mockkie.server import Server, allow_files, tune_process
from mockkie.service import Watcher
from mockkie.serving import closing_store, open_server
from mockkie.workers import Hold, Plan, Workers, check_workers
from mockkie.worlds import DEFAULT_WORLD, World

_FRAME: Final = 10  # columns of the box and its gaps
_BUILD: Final = (
    "contract overlay any_key profile settings retention max_file_size max_total_size "
    "min_free_disk max_connections client_timeout download_origin url_upload "
    "url_upload_private durable faults control_hosts control_key metrics otel"
).split()


def serve_in_terminal(options: dict[str, Any]) -> None:
    """Run `mockkie serve`: until SIGINT or SIGTERM; `UsageError` tells what is in the way."""
    with (
        _ready_file(options["ready_file"]) as tell,
        _certificates(options) as (tls, ca),
    ):
        data = options["data"] or default_folder()
        build = {name: options[name] for name in _BUILD}
        build |= {"data": data, "keys": options["keys"]}
        count = options["workers"]
        folder = check_workers(count, data) if count > 1 else None
        mock = build_mock(**build)
        ports = options["port"], options["download_port"]
        quiet = options["quiet"] or options["as_json"]
        seeds = {"seed_files": options["seed_files"], "tell": progress_line(quiet=quiet)}
        server = open_server(mock, options["host"], *ports, tls=tls, **seeds)
        speaker = _speaker(server, as_json=options["as_json"], ca=ca)
        watch = None if options["quiet"] else partial(_watcher, as_json=options["as_json"])

        def ready() -> None:
            tell(ready_facts(server, ca))
            speaker.ready(quiet=options["quiet"])
            if options["open_page"]:
                open_page(dashboard_of(server))

        if count > 1:
            hold = None if mock.service.store.lock is None else Hold(mock.service.store.lock)
            plan = Plan(build, options["host"], server.sockets, watch, tls, hold)
            with closing_store(mock):
                Workers(count, plan, folder, mock.service.faults).run(ready)
        else:
            if watch is not None:
                mock.service.watchers.append(watch(server))
            tune_process()
            allow_files()
            server.run(ready)
        speaker.stopped(quiet=options["quiet"])


def dashboard_of(server: Server) -> str:
    """Where the page is that shows the mock."""
    return f"{server.origin}/__mockkie/"


def open_page(url: str) -> None:
    """Have the system's browser show a page; the mock does not wait for it, nor needs it."""
    import webbrowser  # noqa: PLC0415 - only with --open

    Thread(target=webbrowser.open, args=(url,), name="mockkie-open", daemon=True).start()


def default_folder() -> Path:
    """Where files live when nothing is said: the data folder of the platform."""
    import platformdirs  # noqa: PLC0415 - not needed when a place is named

    return platformdirs.user_data_path("mockkie", appauthor=False)


@contextmanager
def _certificates(options: Mapping[str, Any]) -> Iterator[tuple[Tls | None, Path | None]]:
    """What to serve https with, if it is asked for, and the file of a throw-away authority."""
    own, key = options["tls_cert"], options["tls_key"]
    if key is not None and own is None:
        raise UsageError("--tls-key belongs to --tls-cert: give both, or --tls alone")
    if own is not None or not options["tls"]:
        yield (None if own is None else Tls(own, key)), None
        return
    names = dict.fromkeys((options["host"].strip("[]"), "localhost", "127.0.0.1", "::1"))
    with tempfile.TemporaryDirectory(prefix="mockkie-") as folder:
        authority, ca = Authority(), Path(folder) / "ca.pem"
        ca.write_bytes(authority.certificate)
        yield authority.server_files(list(names), Path(folder)), ca


def _speaker(server: Server, *, as_json: bool, ca: Path | None = None) -> _Machine | _Person:
    return _Machine(server, ca) if as_json else _Person(server, ca)


def _watcher(server: Server, *, as_json: bool) -> Watcher:
    return _speaker(server, as_json=as_json).request


def _say(text: str | bytes) -> None:
    """Print a line; when nobody reads any more, the mock serves on in silence."""
    try:
        click.echo(text)
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Person:
    """Talks to a person, in colour where the terminal has it."""

    def __init__(self, server: Server, ca: Path | None) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # not every terminal knows all names
        self._server = server
        self._service = server.mock.service
        self._ca = ca

    def ready(self, *, quiet: bool) -> None:
        server = self._server
        key = self._service.keys[0]
        if not quiet:
            self._panel()
        _say(f"mockkie is ready on {server.origin} with the key {key}")

    def request(self, world: World, entry: Entry) -> None:
        name = "" if world.id == DEFAULT_WORLD else f" ({world.id})"
        _say(request_line(entry) + click.style(name, dim=True))

    def stopped(self, *, quiet: bool) -> None:
        if not quiet:
            _say("mockkie has stopped; uploads in flight were finished")

    def _panel(self) -> None:
        """The facts, in a box where that is wide enough to leave addresses and paths whole."""
        facts = self._facts()
        names = max(len(name) for name, _ in facts)
        widest = max(len(line) for _, value in facts for line in value.splitlines())
        columns = width(sys.stdout)
        if columns is None or columns < names + widest + _FRAME:
            _say(click.style(f"mockkie {__version__}", bold=True))
            for name, value in facts:
                shown = value.replace("\n", "\n" + " " * (names + 4))
                _say(f"  {click.style(f'{name:{names}}', dim=True)}  {shown}")
            _say(f"{click.style('Try it:', dim=True)}\n{self._curl()}\n")
            return
        self._box(facts)

    def _box(self, facts: Sequence[tuple[str, str]]) -> None:
        from rich.panel import Panel  # noqa: PLC0415 - rich is slow to import
        from rich.table import Table  # noqa: PLC0415 - the same
        from rich.text import Text  # noqa: PLC0415 - the same

        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim")
        table.add_column()
        for name, value in facts:
            table.add_row(name, Text(value))
        paper = console()
        with paper.capture() as captured:
            title = f"mockkie {__version__}"
            paper.print(Panel(table, title=title, expand=False, padding=(1, 2)))
            paper.print("Try it:", style="dim")
        _say(f"{captured.get()}{self._curl()}\n")

    def _facts(self) -> list[tuple[str, str]]:
        server, service = self._server, self._service
        default = service.worlds.default
        settings = service.settings_of(default)
        life = format_duration(settings.retention)
        facts = [
            ("uploads", server.origin),
            ("downloads", settings.origin or server.download_origin),
            ("key", ", ".join(service.keys) + (" (or any other)" if service.any_key else "")),
            ("files", f"{service.store.where}, each for {life}"),
            ("contract", f"{service.contract.name}, profile {settings.profile}"),
            *(("beside it", name) for name in service.contract.beside),
            ("dashboard", dashboard_of(server)),
            ("control", f"{server.origin}/__mockkie/clock, /files, /faults, /journal, /worlds"),
        ]
        if self._ca is not None:
            facts.insert(2, ("certificate", f"of its throw-away authority: {self._ca}"))
        if default.changes:  # they may be of a former run
            told = orjson.dumps(nested(default.changes)).decode()
            facts.append(("default world", f"settings of its own: {told}"))
        if service.faults:
            facts.append(("faults", "\n".join(str(fault) for fault in service.faults)))
        if server.mock.from_examples:
            facts.append(("from examples", ", ".join(server.mock.from_examples)))
        if server.mock.not_served:
            facts.append(("not in the contract", ", ".join(server.mock.not_served)))
        return facts

    def _curl(self) -> str:
        trust = "" if self._ca is None else f"--cacert {shlex.quote(str(self._ca))} "
        header = shlex.quote(f"Authorization: Bearer {self._service.keys[0]}")
        return (
            f"echo hello | curl {trust}-H {header} "
            f"-F 'file=@-;filename=hello.txt' -F uploadPath=docs "
            f"{self._server.origin}/api/file-stream-upload"
        )


class _Machine:
    """Writes one JSON object a line."""

    def __init__(self, server: Server, ca: Path | None) -> None:
        self._server, self._ca = server, ca

    def ready(self, *, quiet: bool) -> None:
        del quiet
        _say(orjson.dumps({"event": "ready", **ready_facts(self._server, self._ca)}))

    def request(self, world: World, entry: Entry) -> None:
        _say(orjson.dumps({"event": "request", "world": world.id, **entry.to_json()}))

    def stopped(self, *, quiet: bool) -> None:
        del quiet
        _say(orjson.dumps({"event": "stopped"}))


def ready_facts(server: Server, ca: Path | None) -> dict[str, Any]:
    """What a program needs to reach a mock that serves."""
    service = server.mock.service
    settings = service.settings_of(service.worlds.default)
    trust = {} if ca is None else {"ca": str(ca)}
    return {
        "url": server.origin,
        "downloadOrigin": settings.origin or server.download_origin,
        "key": service.keys[0],
        "pid": os.getpid(),
        **trust,
    }


@contextmanager
def _ready_file(path: Path | None) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Yields what writes the file, all of it at once: nobody ever reads half of it.

    That it can be written is tried before anything is served, and an old one is taken away then:
    who waits for the file does not find that of an earlier mock.
    """
    if path is None:
        yield lambda _: None
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")

    def tell(facts: Mapping[str, Any]) -> None:
        draft.write_bytes(orjson.dumps(dict(facts)) + b"\n")
        draft.replace(path)

    try:
        draft.touch(mode=0o600)
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"--ready-file: {path} cannot be written: {error.strerror}") from error
    try:
        yield tell
    finally:
        draft.unlink(missing_ok=True)
