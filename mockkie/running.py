"""`mockkie run`: a mock for the life of one command, then a summary. Knows no requests."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click
import orjson

from mockkie.build import build_mock
from mockkie.child import NotStarted, RunCommand, running
from mockkie.interception import Interception, interception
from mockkie.kie import Kie
from mockkie.options import end
from mockkie.problems import UsageError
from mockkie.server import tune_process
from mockkie.serving import open_server, running_server
from mockkie.tally import Tally

_GRACE_SECONDS: Final = 1  # for what the command has left behind
_HOW: Final = "`--allow-host {host}` lets it through"


def run_in_terminal(command: Sequence[str], options: Mapping[str, Any]) -> None:
    """Run `mockkie run`; ends with the exit code of the command, as a shell does.

    `UsageError` tells what is in the way of the mock.
    """
    build = dict(options)
    port, allowed = build.pop("port"), build.pop("allow_hosts")
    summary, as_json, quiet = (build.pop(name) for name in ("summary", "as_json", "quiet"))
    if summary is not None:
        _write(summary, b"")
    with running() as run:
        server = open_server(build_mock(**build), "127.0.0.1", port, None)
        with (
            running_server(server, _GRACE_SECONDS) as kie,
            interception(
                server.mock, server.call, allow_hosts=allowed, how=_HOW, before=os.environ
            ) as found,
        ):
            tally = Tally(found.rules, found.seen)
            server.mock.service.watchers.append(tally.note)
            tune_process()
            code = _run(run, command, _environment(kie, found))
    facts = {"event": "summary", "command": list(command), "exitCode": code, **tally.to_json()}
    if summary is not None:
        _write(summary, orjson.dumps(facts, option=orjson.OPT_INDENT_2) + b"\n")
    with suppress(OSError):  # nobody reads stderr any more: the exit code still counts
        if as_json:
            click.echo(orjson.dumps(facts), err=True)
        elif not quiet:
            headline, *wrong = tally.lines()
            click.echo(click.style(headline, bold=True), err=True)
            for line in wrong:
                click.echo(click.style(line, fg="yellow"), err=True)
    end(code)


def _run(run: RunCommand, command: Sequence[str], environment: Mapping[str, str]) -> int:
    try:
        return run(command, environment)
    except NotStarted as error:
        click.echo(f"mockkie: {error}", err=True)
        return error.code


def _environment(kie: Kie, found: Interception) -> dict[str, str]:
    return {**os.environ, **found.env, **kie.env, "MOCKKIE_URL": kie.base_url}


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"--summary: {path} cannot be written: {error.strerror}") from error
