"""How commands declare their options, and how they say what is wrong. Knows no command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from mockkie.problems import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])


class Commands(click.Group):
    """Says what is wrong in one line, with exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UsageError as error:
            raise click.UsageError(str(error)) from error


def option(name: str, *more: str, **settings: Any) -> Callable[[Command], Command]:
    """An option that `MOCKKIE_<NAME>` sets too."""
    env = "MOCKKIE_" + name.lstrip("-").replace("-", "_").upper()
    return click.option(name, *more, envvar=env, show_envvar=True, **settings)
