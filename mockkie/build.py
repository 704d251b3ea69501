"""From options to a Mock: the one place where contract, settings and store are put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from math import inf
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack

from mockkie.app import Mock
from mockkie.bounds import Bounds
from mockkie.changes import PROFILE, Changes, read_changes
from mockkie.clock import parse_duration
from mockkie.contract import Contract, shipped
from mockkie.document import Document
from mockkie.entrance import check_control_key
from mockkie.faults import Fault
from mockkie.known_faults import judge_fault
from mockkie.problems import UsageError
from mockkie.scenarios import Script
from mockkie.secrecy import can_be_key
from mockkie.service import Service
from mockkie.settings import DOCUMENTED
from mockkie.shared import Shared
from mockkie.shared_folder import FolderShared
from mockkie.sizes import parse_size
from mockkie.store import Store
from mockkie.store.memory import MemoryStore
from mockkie.values import FaultError
from mockkie.worlds import DEFAULT_KEY

MEMORY: Final = "memory:"
MIN_FREE_DISK: Final = "64MiB"
_MODES: Final = ("offline", "fetch", "deny")


class MockOptions(TypedDict, total=False):
    """Every option of `mockkie serve` that is not about sockets; `DEFAULTS` without them."""

    contract: str | Path | Sequence[str | Path] | None
    overlay: str | Path | Sequence[str | Path]
    data: str | Path
    keys: Sequence[str]
    any_key: bool
    profile: str
    settings: Mapping[str, Any] | None
    retention: str | None
    max_file_size: str | int | None
    max_total_size: str | int | None
    min_free_disk: str | int
    max_connections: int
    client_timeout: float
    download_origin: str | None
    url_upload: str | None
    url_upload_private: bool
    durable: bool
    metrics: bool
    otel: bool
    faults: str | Path | None
    control_hosts: Sequence[str]
    control_key: str | None


DEFAULTS: Final[MockOptions] = {
    "contract": None,
    "overlay": (),
    "data": MEMORY,
    "keys": (),
    "any_key": False,
    "profile": DOCUMENTED,
    "settings": None,
    "retention": None,
    "max_file_size": None,
    "max_total_size": None,
    "min_free_disk": MIN_FREE_DISK,
    "max_connections": Bounds().connections,
    "client_timeout": Bounds().silence,
    "download_origin": None,
    "url_upload": None,
    "url_upload_private": False,
    "durable": False,
    "metrics": False,
    "otel": False,
    "faults": None,
    "control_hosts": (),
    "control_key": None,
}


def build_mock(*, sibling: bool = False, **options: Unpack[MockOptions]) -> Mock:
    """A mock that is not served yet. `UsageError` tells which option is wrong, and why.

    `contract` is a document, or several that are served together; none: those that come along.
    `settings` are those of `x-mockkie` in its form, `{"expiredLink": {"status": 410}}`; they hold
    above the profile. `retention` is an ISO 8601 duration, `data` is `memory:` or a folder,
    `overlay` one file or several that change the first document, in order; `faults` is a script's
    file or a scenario's name; `control_hosts` are further names of the mock, for the control API,
    `control_key` what it asks for; a server that other machines reach has to have one.
    Sizes are a number of bytes, or a text such as `100MB` or `1GiB`: the most of one file, of all
    living files of a world, and what is left free on the disk of a folder. `max_connections` are
    those of a process at a time, `client_timeout` the seconds for which a client may be silent in a
    request, 0 for ever. What is None is as the contract says. `metrics` has `/metrics` answered,
    `otel` sends traces. A `sibling` is one more process of a mock that holds the folder's lock.
    """
    for name in options:
        if name not in DEFAULTS:
            raise TypeError(f"build_mock() has no option {name!r}")
    given: MockOptions = {**DEFAULTS, **options}
    _check_keys(given["keys"])
    _check_control_key(given["control_key"], given["keys"])
    changes, free = _changes(given), read_size("--min-free-disk", given["min_free_disk"])
    bounds = _bounds(given)
    profile = changes.pop(PROFILE, given["profile"])
    overlays = _paths(given["overlay"])
    understood = read_contract(_paths(given["contract"]), profile, overlays, changes)
    faults = _faults(understood, given["faults"])
    beside = [*([_metrics()] if given["metrics"] else ()), *([_traces()] if given["otel"] else ())]
    data, durable = given["data"], given["durable"]  # opened last: nothing may go wrong behind it
    store, shared = open_store(data, durable=durable, sibling=sibling, min_free=free)
    service = Service(
        contract=understood,
        store=store,
        keys=tuple(given["keys"]) or (DEFAULT_KEY,),
        any_key=given["any_key"],
        url_upload_private=given["url_upload_private"],
        faults=faults,
        control_hosts=tuple(given["control_hosts"]),
        control_key=given["control_key"],
        shared=shared,
        bounds=bounds,
    )
    for attach in beside:
        attach(service)
    return Mock(service)


def _bounds(given: MockOptions) -> Bounds:
    connections, silence = given["max_connections"], given["client_timeout"]
    if connections < 1:
        raise UsageError(f"--max-connections: {connections} is not 1 or more")
    if not 0 <= silence < inf:
        raise UsageError(f"--client-timeout: {silence} is no number of seconds, nor 0 for ever")
    return Bounds(connections, silence)


def _metrics() -> Callable[[Service], None]:
    with extra("metrics"):
        from mockkie.metrics import Metrics  # noqa: PLC0415 - an extra

    def attach(service: Service) -> None:
        service.scrape = Metrics(service).scrape

    return attach


def _traces() -> Callable[[Service], object]:
    with extra("otel"):
        from mockkie.tracing import Tracing  # noqa: PLC0415 - an extra

    return Tracing


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Say how to install what is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is missing: pip install 'mockkie[{name}]'") from error


def read_contract(
    paths: Sequence[Path],
    profile: str = DOCUMENTED,
    overlays: Sequence[Path] = (),
    changes: Changes | None = None,
) -> Contract:
    """The documents of a mock as one contract: the first one, and beside it the others.

    Without `paths` it is `openapi.yaml` with `jobs.yaml` beside it. Overlays and changes are about
    the first one; of the others those follow a profile that have it.
    """
    first, *others = paths or [shipped(), shipped("jobs.yaml")]
    contract = Contract.read(first, profile, overlays, changes)
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


def is_elsewhere(data: str | Path) -> bool:
    """Whether `--data` names a place that several mocks may have, as a bucket is."""
    return "://" in str(data)


def open_store(
    data: str | Path, *, durable: bool = False, sibling: bool = False, min_free: int = 0
) -> tuple[Store, Shared | None]:
    """The store that `--data` names, and what the mock shares with others beside it.

    A folder's disk is left `min_free` bytes.

    In a bucket it does so always, in a folder as a `sibling` of the mock that holds the lock.
    """
    if str(data) in (MEMORY, "memory"):
        return MemoryStore(), None
    if is_elsewhere(data):
        return _open_bucket(str(data))
    from mockkie.store.disk import DiskStore  # noqa: PLC0415 - SQLite is for this store only

    folder = Path(data)
    store = DiskStore.open_folder(folder, durable=durable, lock=not sibling)
    store.room.least = min_free
    return store, FolderShared(folder, store.changes) if sibling else None


def _open_bucket(url: str) -> tuple[Store, Shared]:
    if not url.startswith("s3://"):
        raise UsageError(f"{url}: files are kept in `memory:`, in a folder, or at s3://bucket")
    with extra("s3"):
        from mockkie.store.s3 import S3Store  # noqa: PLC0415 - obstore is an extra
    from mockkie.shared_bucket import BucketShared  # noqa: PLC0415 - as above

    store = S3Store.open_bucket(url)
    return store, BucketShared(store.bucket, store.board)


def _changes(given: MockOptions) -> dict[str, Any]:
    """The settings of the options; those that have one of their own say so when they are wrong."""
    changes = read_changes(given["settings"] or {})
    for name, option, size in (
        ("limits.fileSize", "--max-file-size", given["max_file_size"]),
        ("limits.totalSize", "--max-total-size", given["max_total_size"]),
    ):
        if size is not None:
            changes[name] = read_size(option, size)
    retention, origin = given["retention"], given["download_origin"]
    if retention is not None:
        try:
            parse_duration(retention)
        except ValueError as error:
            raise UsageError(f"--retention: {error}") from error
        changes["retention"] = retention
    if origin is not None:
        if not origin.startswith(("http://", "https://")) or "/" in origin.split("://", 1)[1]:
            raise UsageError(
                f"--download-origin: {origin!r} is not like https://tempfile.redpandaai.co"
            )
        changes["links.origin"] = origin
    url_upload = given["url_upload"]
    if url_upload is not None:
        if url_upload not in _MODES:
            raise UsageError(f"--url-upload: {url_upload!r} is not offline, fetch or deny")
        changes["urlUpload.mode"] = url_upload
    return changes


def read_size(option: str, given: str | int) -> int:
    """The bytes that an option asks for; `UsageError` names it."""
    try:
        return parse_size(given)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error


def _check_keys(keys: Sequence[str]) -> None:
    for key in keys:
        if not can_be_key(key):
            raise UsageError("--key: a key is printable ASCII without spaces, as headers carry it")


def _check_control_key(control_key: str | None, keys: Sequence[str]) -> None:
    check_control_key(control_key)
    if control_key in keys:
        raise UsageError("--control-key: it is also a --key, which clients know; choose another")
