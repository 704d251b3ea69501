"""mockkie: a trustworthy fake of the KIE.AI File Upload API.

`with mockkie.serve() as kie:` serves a mock for the length of a block; `Mock` is the ASGI app,
`World` one isolated account of it, `Fault` one thing to go wrong. Everything else is behind these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockkie.app import Mock
    from mockkie.build import build_mock
    from mockkie.faults import Fault
    from mockkie.kie import Kie
    from mockkie.problems import UsageError
    from mockkie.serving import serve
    from mockkie.worlds import World

__version__ = "0.1.0"
__all__ = ["Fault", "Kie", "Mock", "UsageError", "World", "build_mock", "serve"]

_HOMES = {
    "Fault": "mockkie.faults",
    "Kie": "mockkie.kie",
    "Mock": "mockkie.app",
    "UsageError": "mockkie.problems",
    "World": "mockkie.worlds",
    "build_mock": "mockkie.build",
    "serve": "mockkie.serving",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: `import mockkie` stays fast."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'mockkie' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - only for the first use of a name

    return getattr(import_module(home), name)
