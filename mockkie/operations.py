"""What each operation does. Knows no ASGI: takes an Exchange and a Body, returns an Answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final

from mockkie import downloads, links
from mockkie.clock import duration_text, seconds_between
from mockkie.contract import Contract
from mockkie.exchange import Exchange
from mockkie.fetching import Fetched
from mockkie.form import Body
from mockkie.jobs import JOBS, check_job
from mockkie.keeping import largest, stored_file
from mockkie.media import FORM, JSON
from mockkie.problems import Problem
from mockkie.store import Draft, Reading, StoredFile
from mockkie.texts import TextTypes
from mockkie.wire import Answer

Handler = Callable[[Exchange, Body, Draft], Awaitable[Answer]]

EXPIRED: Final = "the file expired "  # how the reason begins why a link is dead
_NOT_THERE: Final = "no file is at {!r}: never uploaded, or deleted"
_LONGEST_NAME: Final = 255
_TEXT: Final = TextTypes(frozenset({"string"}))


def upload_file_stream(exchange: Exchange, body: Body, draft: Draft) -> Awaitable[Answer]:
    """Keep the file of a form. Of its filename only the extension survives (observed)."""
    return _keep(exchange, body, draft, body.filename, body.content_type)


def upload_file_base64(exchange: Exchange, body: Body, draft: Draft) -> Awaitable[Answer]:
    """Keep what was decoded; the type of a data URL is a hint (documented: it is inferred)."""
    return _keep(exchange, body, draft, None, body.content_type)


async def upload_file_url(exchange: Exchange, body: Body, draft: Draft) -> Answer:
    """Keep what a URL leads to."""
    settings = exchange.settings
    draft.limit = largest(exchange.operation, settings, None)
    sources = _Sources(exchange)
    async with exchange.service.fetcher(settings.url_upload).fetch(
        body.values["fileUrl"], sources.own, sources.origin_path
    ) as fetched:
        exchange.entry.notes.append(fetched.told)
        async for chunk in fetched.chunks:
            await draft.write(chunk)
    if "fileName" not in body.values and settings.url_name == "url" and _is_name(fetched.name):
        body.values["fileName"] = fetched.name
    return await _keep(exchange, body, draft, fetched.name, fetched.mime)


async def download_file(exchange: Exchange, body: Body, draft: Draft) -> Answer:
    """Send a file that lives; expired is gone at that instant, whether it was swept or not."""
    del body, draft
    request, settings = exchange.request, exchange.settings
    if request.method == "HEAD" and settings.head == "refuse":
        why = "HEAD is refused on links: x-mockkie.head is refuse"
        raise Problem("method-not-allowed", why, headers={"Allow": "GET"})
    seen = None
    while True:
        file = await _find(exchange, exchange.values[0])
        answer, span = downloads.answer(file, request.headers, request.method, settings)
        if span is None:
            return answer
        reading = await exchange.store.open(exchange.world.id, file, span.start, span.stop)
        if reading is not None:
            answer.pieces = downloads.FilePieces(reading, span)
            return answer
        seen = _replaced(exchange, file, seen)


HANDLERS: Final[Mapping[str, Handler]] = {
    "upload-file-stream": upload_file_stream,
    "upload-file-base64": upload_file_base64,
    "upload-file-url": upload_file_url,
    "download-file": download_file,
    "inspect-file": download_file,
    **JOBS,
}

_NEEDED: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "upload-file-stream": (FORM, ("uploadPath",)),
    "upload-file-base64": (JSON, ("uploadPath",)),
    "upload-file-url": (JSON, ("fileUrl", "uploadPath")),
}


def check_handlers(contract: Contract) -> tuple[list[str], list[str]]:
    """Hold the handlers against the contract, both ways; an error names the place.

    Returns `(operations without a handler, handlers without an operation)`: the former answer
    from their examples, the latter are not served.
    """
    for name, operation in contract.operations.items():
        if name in JOBS:
            check_job(contract.owner(operation), operation)
        elif name in _NEEDED:
            media_name, fields = _NEEDED[name]
            media = operation.media_types.get(media_name)
            if media is None:
                contract.document.fail(operation.pointer, f"{name} takes {media_name}, say so")
            if name != "upload-file-url" and media.streamed is None:
                kind = "`format: binary`" if media_name == FORM else "`contentEncoding: base64`"
                contract.document.fail(media.pointer, f"{name} needs a property with {kind}")
            for field in fields:
                known = media.properties.get(field)
                if known is None or field not in media.required or known.own != {"string"}:
                    why = f"{name} needs {field!r}, required and of `type: string`"
                    contract.document.fail(media.pointer, why)
            if not media.properties.get("fileName", _TEXT).own <= {"string", "null"}:
                contract.document.fail(media.pointer, f"the `fileName` of {name} is a text or null")
        elif name in HANDLERS and not any(known.spans_slashes for known in operation.parameters):
            contract.document.fail(
                operation.pointer, f"{name} needs a path parameter with x-mockkie spansSlashes"
            )
    served = set(contract.operations)
    beside = set() if served & set(JOBS) else set(JOBS)  # a document of uploads alone lacks nothing
    return sorted(served - set(HANDLERS)), sorted(set(HANDLERS) - served - beside)


async def _keep(
    exchange: Exchange, body: Body, draft: Draft, filename: str | None, declared: str | None
) -> Answer:
    """Make the draft the file at its path, as of this instant."""
    world, settings = exchange.world, exchange.settings
    file = stored_file(
        draft,
        world,
        settings,
        folder=body.values["uploadPath"],
        name=body.values.get("fileName"),
        hint=filename,
        declared=declared,
    )
    status, example = exchange.operation.success
    answer = Answer(status, json={**example, "data": exchange.describe(file)})
    miss = exchange.operation.miss(answer.status, answer.headers, answer.json)
    if miss is not None:  # found before anything is kept: a failed request changes nothing
        raise Problem("internal-error", miss)
    answer.checked = True
    if not await exchange.service.has(world):
        raise Problem("invalid-api-key", "the world of this key was dropped during the upload")
    draft.quota = settings.limits.total
    if draft.quota is not None:
        await exchange.service.sweeper.make_room(world, draft.quota, file.size)
    await exchange.store.keep_together(world.id, draft, file)
    world.graves.pop(file.path, None)
    exchange.entry.path, exchange.entry.file = file.path, file
    exchange.entry.notes.append(f"kept {file.path}, {file.size:,} bytes, {file.mime}")
    return answer


async def _read(exchange: Exchange, link: str) -> tuple[StoredFile, Reading]:
    """The live file of a link, all of it held open; raises as `_find` does."""
    seen = None
    while True:
        file = await _find(exchange, link)
        reading = await exchange.store.open(exchange.world.id, file)
        if reading is not None:
            return file, reading
        seen = _replaced(exchange, file, seen)


def _replaced(exchange: Exchange, file: StoredFile, seen: str | None) -> str:
    """The version that could not be opened: another process has replaced it, so look again.

    If it is the one that was `seen` before, its bytes are lost: raises `link-not-found`.
    """
    if file.id == seen:
        raise Problem("link-not-found", _NOT_THERE.format(file.path), status=_status(exchange))
    return file.id


def _status(exchange: Exchange) -> int | None:
    return exchange.settings.unknown_status


async def _find(exchange: Exchange, link: str) -> StoredFile:
    """The live file of a link; raises `link-not-found` or `link-expired`."""
    service = exchange.service
    found = links.parse_link(link)
    world = service.worlds.of_account(found[0]) if found else None
    if found is None or world is None:
        why = "this is no link of this mock; use downloadUrl of an upload as it came"
        raise Problem("link-not-found", why, status=_status(exchange))
    exchange.world = world
    settings = exchange.settings
    file = await exchange.store.find(world.id, found[1])
    now = world.clock.now()
    grave = world.graves.get(found[1])
    if file is not None and file.expired(now):
        grave = (file.uploaded_at, file.expires_at)
        file = None
    if file is None and grave is not None:
        ago = duration_text(seconds_between(grave[1], now))
        life = duration_text(seconds_between(*grave))
        why = f"{EXPIRED}{ago} ago, {life} after its upload; upload it again"
        raise Problem("link-expired", why, status=settings.expired_status)
    if file is None:
        raise Problem("link-not-found", _NOT_THERE.format(found[1]), status=_status(exchange))
    return file


def _is_name(name: str | None) -> bool:
    """Whether a name that a URL brought along can be a `fileName`."""
    if not name or name in (".", "..") or len(name) > _LONGEST_NAME or "/" in name:
        return False
    return name.isprintable()


class _Sources:
    """Where URL uploads find what is on this very mock."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._origins = exchange.origins
        if exchange.settings.url_upload.mode == "offline":
            self._origins.update(exchange.service.contract.hosts)

    async def own(self, url: str) -> Fetched | None:
        """The file of one of our links; raises `url-not-fetched` when it is gone."""
        link = links.link_in(url, self._origins)
        if link is None or link.startswith("__mockkie/"):
            return None
        world = self._exchange.world
        try:
            file, reading = await _read(self._exchange, link)
        except Problem as problem:
            why = f"{url} answers {problem.fallback[0]}: {problem.why}"
            raise Problem("url-not-fetched", why, parameter="fileUrl") from problem
        finally:
            self._exchange.world = world
        return Fetched(
            url=url,
            mime=file.mime,
            name=file.name,
            chunks=_all_of(file, reading),
            told=f"{url} is a link of this mock; its file was read from the store",
        )

    def origin_path(self, url: str) -> str | None:
        """The path of a URL on the built-in origin."""
        link = links.link_in(url, self._origins)
        if link is None or not link.startswith("__mockkie/origin"):
            return None
        query = url.partition("#")[0].partition("?")[2]
        raw = url.partition("#")[0].partition("?")[0].partition("/__mockkie/origin")[2] or "/"
        return raw + (f"?{query}" if query else "")


async def _all_of(file: StoredFile, reading: Reading) -> AsyncIterator[bytes]:
    async with reading:
        async for piece in reading.pieces(0, file.size):
            yield piece
