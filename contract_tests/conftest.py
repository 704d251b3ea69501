"""The suite brings its plugin along: its markers, its hooks and its fixture `target`."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Load it once, also where somebody's own tests have loaded it before."""
    config.pluginmanager.import_plugin("mockkie.harness.plugin")
