"""The architecture, held by reading every module: nobody has to remember it."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LAYERS = """
__main__
cli
terminal remote pytest_plugin
__init__ serving
kie server
build
app
operations control
