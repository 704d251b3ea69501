"""Which paths and names files have, by the settings. Knows no requests and no stores."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from mockkie.problems import Problem
from mockkie.settings import Settings
from mockkie.worlds import World

_BASE36: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def read_path(settings: Settings, text: str) -> str:
    """An `uploadPath` as the settings understand it; what is refused then, the schema refuses.

    Raises `invalid-parameter` for one that leads out of the root.
    """
    if settings.edge_slashes == "trim":
        text = text.strip("/")
    if settings.inner_slashes == "refuse":
        return text
    inner = text.strip("/")
    before, _, after = text.partition(inner) if inner else (text, "", "")
    kept: list[str] = []
    for segment in inner.split("/"):
        if segment == ".." and not kept:
            why = f"uploadPath {text!r} leads out of the root; leave '..' out"
            raise Problem("invalid-parameter", why, parameter="uploadPath")
        if segment == "..":
            kept.pop()
        elif segment not in ("", "."):
            kept.append(segment)
    return before + "/".join(kept) + after


def generate_name(settings: Settings, world: World, extension: str) -> str:
    """`<epoch ms>-<11 characters of base36>.<ext>` (observed, about 40 samples), or a UUID."""
    if settings.generated_name == "uuid":
        return f"{UUID(int=world.random.getrandbits(128), version=4)}.{extension}"
    token = "".join(world.random.choices(_BASE36, k=11))
    return f"{world.clock.now()}-{token}.{extension}"
