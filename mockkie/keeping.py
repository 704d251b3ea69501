"""What a draft becomes when it is kept. Knows nothing of requests and does no I/O."""

from __future__ import annotations

import secrets
from itertools import count
from typing import Final

from mockkie.identify import extension_for, identify
from mockkie.media import FORM, MediaType
from mockkie.naming import generate_name
from mockkie.operation import Operation
from mockkie.problems import Problem
from mockkie.settings import Settings
from mockkie.store import Draft, StoredFile
from mockkie.worlds import World

_PROCESS: Final = secrets.token_hex(12)  # a version is told apart from those of other processes
_versions: Final = count()


def stored_file(  # noqa: PLR0913 - what a file is made of
    draft: Draft,
    world: World,
    settings: Settings,
    *,
    folder: str,
    name: str | None,
    hint: str | None = None,
    declared: str | None = None,
    uploaded_at: int | None = None,
) -> StoredFile:
    """The fact about a draft at `<folder>/<name>`, or under a generated name.

    Type and extension go by the content, by `name`, else `hint`, and by the `declared` type.
    It lives from `uploaded_at` on, else from now on. Raises `invalid-parameter` for an empty file
    where the settings refuse it.
    """
    if not draft.size and settings.empty_file == "refuse":
        why = "the file is empty, and x-mockkie.emptyFile is refuse"
        raise Problem("invalid-parameter", why, parameter="file")
    mime = identify(draft.head, name or hint, declared)
    name = name or generate_name(settings, world, extension_for(mime, hint))
    now = world.clock.now() if uploaded_at is None else uploaded_at
    return StoredFile(
        id=f"{_PROCESS}{next(_versions):x}",
        path=f"{folder}/{name}",
        name=name,
        size=draft.size,
        mime=mime,
        digest=draft.digest,
        uploaded_at=now,
        expires_at=now + settings.retention,
    )


def largest(
    operation: Operation, settings: Settings, media: MediaType | None
) -> tuple[int, str] | None:
    """The most bytes that a file may have in a body of an operation, and who says so."""
    limits = [
        (settings.limits.file, "x-mockkie.limits.fileSize"),
        (settings.limits.total, "x-mockkie.limits.totalSize"),  # it never fits, whatever goes
        (operation.largest_file, "the maximum of fileSize in the answer"),
    ]
    if media is not None and media.streamed is not None and media.streamed.longest is not None:
        # Of base64 the text itself is measured in the end; this stops it from growing on.
        longest = media.streamed.longest
        most = longest if media.name == FORM else longest * 3 // 4
        limits.append((most, f"the maxLength of {media.streamed.name}"))
    return min([(limit, said) for limit, said in limits if limit is not None], default=None)
