"""From options to a Mock: the one place where contract, settings and store are put together."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from mockkie.app import Mock
from mockkie.clock import parse_duration
from mockkie.contract import Contract, shipped
from mockkie.document import Document
from mockkie.faults import Fault
from mockkie.problems import UsageError
from mockkie.scenarios import Script
from mockkie.service import Service, judge_fault
from mockkie.settings import DOCUMENTED, Settings
from mockkie.shared import Shared
from mockkie.store import Store
from mockkie.store.memory import MemoryStore
from mockkie.values import FaultError
from mockkie.worlds import DEFAULT_KEY

MEMORY: Final = "memory:"
_MODES: Final[tuple[Literal["offline", "fetch", "deny"], ...]] = ("offline", "fetch", "deny")


def build_mock(  # noqa: PLR0913 - every option of `serve` that is not about sockets
    *,
    contract: str | Path | Sequence[str | Path] | None = None,
    overlay: str | Path | Sequence[str | Path] = (),
    data: str | Path = MEMORY,
    keys: Sequence[str] = (),
    any_key: bool = False,
    profile: str = DOCUMENTED,
    retention: str | None = None,
    download_origin: str | None = None,
    url_upload: str | None = None,
    url_upload_private: bool = False,
    durable: bool = False,
    faults: str | Path | None = None,
    control_hosts: Sequence[str] = (),
    sibling: bool = False,
) -> Mock:
    """A mock that is not served yet. `UsageError` tells which option is wrong, and why.

    `contract` is a document, or several that are served together; none: those that come along.
    `retention` is an ISO 8601 duration, `data` is `memory:` or a folder, `overlay` one file or
    several that change the first document, in order; `faults` is a script's file or a scenario's
    name. `control_hosts` are further names of the mock, for the control API. What is None is as the
    contract says. A `sibling` is one more process of a mock that holds
    the folder's lock.
    """
    _check_keys(keys)
    understood = read_contract(_paths(contract), profile, _paths(overlay))
    settings = _override(understood.settings, retention, download_origin, url_upload)
    if url_upload_private:
        changed = dataclasses.replace(settings.url_upload, allow_private=True)
        settings = dataclasses.replace(settings, url_upload=changed)
    service = Service(
        contract=understood,
        settings=settings,
        store=open_store(data, durable=durable, lock=not sibling),
        keys=tuple(keys) or (DEFAULT_KEY,),
        any_key=any_key,
        faults=_faults(understood, faults),
        control_hosts=tuple(control_hosts),
        shared=Shared(Path(data)) if sibling else None,
    )
    return Mock(service)


def read_contract(
    paths: Sequence[Path], profile: str = DOCUMENTED, overlays: Sequence[Path] = ()
) -> Contract:
    """The documents of a mock as one contract: the first one, and beside it the others.

    Without `paths` it is `openapi.yaml` with `jobs.yaml` beside it. Overlays change the first one;
    of the others those follow a profile that have it.
    """
    first, *others = paths or [shipped(), shipped("jobs.yaml")]
    contract = Contract.read(first, profile, overlays)
    for path in others:
        document = Document.read(path)
        known = profile in dict(document.items(("x-mockkie", "profiles")))
        contract.join(Contract(document, profile if known else DOCUMENTED))
    return contract


def _paths(given: str | Path | Sequence[str | Path] | None) -> list[Path]:
    if given is None or isinstance(given, str | Path):
        return [] if given is None else [Path(given)]
    return [Path(path) for path in given]


def _faults(contract: Contract, name: str | Path | None) -> Sequence[Fault]:
    if name is None:
        return ()
    try:
        script = Script.named(name)
    except FaultError as error:
        raise UsageError(f"--faults: {error}") from error
    script.judge(partial(judge_fault, contract))
    return script.faults


def open_store(data: str | Path, *, durable: bool = False, lock: bool = True) -> Store:
    """The store that `--data` names."""
    if str(data) in (MEMORY, "memory"):
        return MemoryStore()
    if "://" in str(data):
        raise UsageError(f"{data}: only `memory:` and folders can hold files in this version")
    from mockkie.store.disk import DiskStore  # noqa: PLC0415 - SQLite is for this store only

    return DiskStore.open_folder(Path(data), durable=durable, lock=lock)


def _override(
    settings: Settings, retention: str | None, origin: str | None, url_upload: str | None
) -> Settings:
    changes: dict[str, Any] = {}
    if retention is not None:
        try:
            changes["retention"] = parse_duration(retention)
        except ValueError as error:
            raise UsageError(f"--retention: {error}") from error
    if origin is not None:
        if not origin.startswith(("http://", "https://")) or "/" in origin.split("://", 1)[1]:
            raise UsageError(
                f"--download-origin: {origin!r} is not like https://tempfile.redpandaai.co"
            )
        changes["origin"] = origin
    if url_upload is not None:
        changes["url_upload"] = dataclasses.replace(settings.url_upload, mode=_mode(url_upload))
    return dataclasses.replace(settings, **changes)


def _check_keys(keys: Sequence[str]) -> None:
    for key in keys:
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise UsageError("--key: a key is printable ASCII without spaces, as headers carry it")


def _mode(text: str) -> Literal["offline", "fetch", "deny"]:
    for mode in _MODES:
        if mode == text:
            return mode
    raise UsageError(f"--url-upload: {text!r} is not offline, fetch or deny")
