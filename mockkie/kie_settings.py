"""The settings of one world, for whoever holds its handle. Knows not what settings do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from mockkie.changes import nested, read_changes, read_keywords
from mockkie.kie_clock import Run
from mockkie.service import Service
from mockkie.settings import Settings
from mockkie.worlds import World


class KieSettings(Mapping[str, Any]):
    """The settings of the world by name, `retention` or `expiredLink.status`, as YAML has them.

    They are changed in the document's form, `update({"expiredLink": {"status": 410}})`, or by
    keywords, the names in snake_case: `update(expired_link={"status": 410})`. Either raises
    `UsageError`, and nothing is changed, when a name or a value is wrong.
    """

    def __init__(self, service: Service, world: World, run: Run) -> None:
        self._service = service
        self._world = world
        self._run = run

    def __getitem__(self, name: str) -> Any:
        values = self._now.values
        if name not in values:
            raise KeyError(f"{name!r} is no setting; there are: {', '.join(values)}")
        return deepcopy(values[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._now.values)

    def __len__(self) -> int:
        return len(self._now.values)

    @property
    def profile(self) -> str:
        """The profile of the document that they began with."""
        return self._now.profile

    @property
    def changed(self) -> dict[str, Any]:
        """What the world has otherwise than its mock, in the document's form."""
        return deepcopy(nested(self._world.changes))

    def update(self, settings: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Change some; the others stay as they are. Files that are there keep their end."""
        self._set({**self._world.changes, **asked_for(settings, more)})

    def keep(self, settings: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Change some, as if the world had been made with all that is changed: for `reset` too."""
        changes = {**self._world.changes, **asked_for(settings, more)}
        self._run(self._service.change_settings(self._world, changes, made_with=True))

    def clear(self) -> None:
        """All as the mock has them."""
        self._set({})

    @contextmanager
    def __call__(
        self, settings: Mapping[str, Any] | None = None, /, **more: Any
    ) -> Iterator[KieSettings]:
        """Change some for the length of a `with` block; then all are as they were before it."""
        before = self._world.changes
        self.update(settings, **more)
        try:
            yield self
        finally:
            self._set(before)

    def differences(self) -> Iterator[str]:
        """For a person: each setting that the mock has otherwise."""
        ours, theirs = self._now, self._service.settings
        if ours.profile != theirs.profile:
            yield f"profile: {ours.profile} (the mock has {theirs.profile})"
        for name, value in ours.values.items():
            if value != theirs.values[name]:
                yield f"{name}: {_said(value)} (the mock has {_said(theirs.values[name])})"

    @property
    def _now(self) -> Settings:
        return self._service.settings_of(self._world)

    def _set(self, changes: Mapping[str, Any]) -> None:
        self._run(self._service.change_settings(self._world, changes))

    def __repr__(self) -> str:
        return f"<settings of {self._world.id!r}, changed: {self.changed}>"


def asked_for(settings: Mapping[str, Any] | None, more: Mapping[str, Any]) -> dict[str, Any]:
    """The changes that a mapping in the document's form and keywords ask for; `UsageError`."""
    return read_changes(settings or {}, of_world=True) | read_keywords(more)


def _said(value: Any) -> str:
    return "none" if value is None else str(value)
