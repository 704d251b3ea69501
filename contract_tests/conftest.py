"""The suite brings its hooks, its markers and its fixture `target` along."""

from __future__ import annotations

from mockkie.harness.plugin import (
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_pyfunc_call,
    pytest_runtest_makereport,
    target,
)

__all__ = [
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_pyfunc_call",
    "pytest_runtest_makereport",
    "target",
]
