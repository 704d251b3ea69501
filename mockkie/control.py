"""The control API below `/__mockkie`: clock, worlds, settings, files and so on. JSON, problem+json.

The world is the one whose key is in `Authorization`, else the default world. Knows no uploads.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from mockkie import links
from mockkie.clock import SECOND, isoformat, parse_duration, parse_instant
from mockkie.control_document import show_document, show_document_json
from mockkie.control_faults import (
    add_faults,
    clear_faults,
    list_faults,
    remove_fault,
    show_fault,
)
from mockkie.control_settings import change_settings, reset_settings, show_settings
from mockkie.control_worlds import clock_state, create_world, drop_world, list_worlds
from mockkie.jsonapi import (
    Refused,
    away,
    json_response,
    judge_query,
    problem_response,
    read_count,
    read_object,
    refuse_body,
)
from mockkie.service import Service
from mockkie.store import StoredFile
from mockkie.worlds import World

PREFIX: Final = "/__mockkie"
METRICS: Final = "/metrics"
_LONGEST: Final = 315_537_897_600  # seconds, from the year 1 to the year 9999
_PAGE: Final = 1_000

Call = Callable[["Control", Request], Awaitable[Response]]


class Control:
    """The calls of the control API over one service."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def world(self, request: Request) -> World:
        """The world of a request; an unknown key is refused: it would act on another's world."""
        written = request.headers.get("authorization")
        if written is None:
            return self.service.worlds.default
        scheme, _, key = written.strip().partition(" ")
        world = self.service.worlds.of_key(key.strip()) if scheme.lower() == "bearer" else None
        if world is None:
            raise Refused(
                401, "no world has this key; leave Authorization out for the default world"
            )
        return world

    async def show_clock(self, request: Request) -> Response:
        """`GET /clock`."""
        return json_response(clock_state(self.world(request)))

    async def advance_clock(self, request: Request) -> Response:
        """`POST /clock/advance` with `seconds` or `duration`."""
        world = self.world(request)
        body = await read_object(request, {"seconds", "duration"})
        if len(body) != 1:
            raise Refused(400, 'send {"seconds": N} or {"duration": "P3D"}')
        duration = _duration(body)
        return await self._move(world, lambda: world.clock.advance(duration))

    async def set_clock(self, request: Request) -> Response:
        """`PUT /clock` with `now` and/or `frozen`."""
        world = self.world(request)
        body = await read_object(request, {"now", "frozen"})
        now, frozen = body.get("now"), body.get("frozen")
        if not body or not isinstance(now, str | None) or not isinstance(frozen, bool | None):
            raise Refused(400, 'send {"now": "2025-01-01T12:00:00Z"} and/or {"frozen": true}')
        try:
            instant = None if now is None else parse_instant(now)
        except ValueError as error:
            raise Refused(400, str(error)) from error
        return await self._move(world, lambda: world.clock.set(now=instant, frozen=frozen))

    async def reset_clock(self, request: Request) -> Response:
        """`DELETE /clock`: back to real time."""
        world = self.world(request)
        return await self._move(world, lambda: world.clock.reset())  # noqa: PLW0108 - of then

    async def _move(self, world: World, move: Callable[[], None]) -> Response:
        try:
            await self.service.move_clock(world, move, patient=True)
        except ValueError as error:
            raise Refused(400, str(error)) from error
        return json_response(clock_state(world))

    async def list_files(self, request: Request) -> Response:
        """`GET /files`: the live ones by path, `after` and `limit` to page."""
        world = self.world(request)
        limit = read_count(request, "limit", _PAGE)
        after = request.query_params.get("after", "")
        files = await self.service.live_files(world, after=after, limit=limit, patient=True)
        more = files[-1].path if len(files) == limit else None
        settings, port = self.service.settings_of(world), self.service.download_port
        origin = links.link_origin(settings, port, request.scope, request.headers)
        shown = _file_states(links.before_path(settings, world), origin, files)
        return json_response({"files": shown, "next": more})

    async def delete_files(self, request: Request) -> Response:
        """`DELETE /files`: all, or the one at `path`."""
        world = self.world(request)
        path = request.query_params.get("path")
        if path is None:
            return json_response({"deleted": await self.service.store.clear(world.id)})
        gone = await self.service.store.delete(world.id, path)
        if gone is None or gone.expired(world.clock.now()):
            raise Refused(404, f"no file is at {path!r}; without path, GET lists those there are")
        return json_response({"deleted": 1})

    async def list_journal(self, request: Request) -> Response:
        """`GET /journal`: the entries behind `after`, oldest first."""
        journal = self.world(request).journal
        await journal.catch_up()
        limit, after = (
            read_count(request, "limit", _PAGE),
            read_count(request, "after", 0, lowest=0),
        )
        entries = journal.entries(after=after, limit=limit)
        return json_response(
            {
                "entries": [entry.to_json() for entry in entries],
                "last": journal.last,
                "evicted": journal.evicted,
            }
        )

    async def clear_journal(self, request: Request) -> Response:
        """`DELETE /journal`."""
        await self.world(request).journal.clear()
        return Response(status_code=204)

    async def reset(self, request: Request) -> Response:
        """`POST /reset`: the world as new."""
        await self.service.reset(self.world(request))
        return Response(status_code=204)

    async def health(self, request: Request) -> Response:
        """`GET /livez` and `GET /readyz`."""
        del request
        return json_response({"status": "ok"})

    async def show_metrics(self, request: Request) -> Response:
        """`GET /metrics`, in the format that `Accept` asks for; 404 without `--metrics`."""
        if self.service.scrape is None:
            raise Refused(404, "this mock counts nothing: serve with --metrics")
        body, kind = await self.service.scrape(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": kind})


CALLS: Final[dict[str, dict[str, Call]]] = {
    "/clock": {
        "GET": Control.show_clock,
        "PUT": Control.set_clock,
        "DELETE": Control.reset_clock,
    },
    "/clock/advance": {"POST": Control.advance_clock},
    "/worlds": {"GET": list_worlds, "POST": create_world},
    "/worlds/{id}": {"DELETE": drop_world},
    "/settings": {"GET": show_settings, "PATCH": change_settings, "DELETE": reset_settings},
    "/files": {"GET": Control.list_files, "DELETE": Control.delete_files},
    "/faults": {"GET": list_faults, "POST": add_faults, "DELETE": clear_faults},
    "/faults/{id}": {"GET": show_fault, "DELETE": remove_fault},
    "/journal": {"GET": Control.list_journal, "DELETE": Control.clear_journal},
    "/reset": {"POST": Control.reset},
    "/openapi.yaml": {"GET": show_document},
    "/openapi.json": {"GET": show_document_json},
}

_QUERY: Final[dict[Call, tuple[str, ...]]] = {
    Control.list_files: ("limit", "after"),
    Control.delete_files: ("path",),
    Control.list_journal: ("limit", "after"),
}
_PLAIN: Final = (Control.health, Control.show_metrics)
_TAKING: Final = {
    *(Control.advance_clock, Control.set_clock),
    *(create_world, change_settings, add_faults),
}
"""Calls that take a body."""


def control_app(service: Service) -> ASGIApp:
    """The control API as an ASGI app, the built-in origin and the health checks included."""
    control = Control(service)
    health = _Endpoint(control, {"GET": Control.health, "HEAD": Control.health})
    metrics = _Endpoint(control, {"GET": Control.show_metrics, "HEAD": Control.show_metrics})
    calls = [
        Route(path, _Endpoint(control, methods), methods=None) for path, methods in CALLS.items()
    ]
    return Router(
        [
            Mount(f"{PREFIX}/origin", service.origin),
            Mount(PREFIX, Router(calls, redirect_slashes=False, default=_unknown)),
            Route("/livez", health),
            Route("/readyz", health),
            Route(METRICS, metrics),
        ],
        redirect_slashes=False,
        default=_unknown,
    )


class _Endpoint:
    """The methods of one path; everything that is refused leaves as problem+json."""

    def __init__(self, control: Control, methods: dict[str, Call]) -> None:
        self._control = control
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            call = self._methods.get(request.method)
            if call is None:
                allow = ", ".join(self._methods)
                raise Refused(405, f"{request.url.path} takes {allow}", {"Allow": allow})
            if call not in _PLAIN:  # who asks for it may add what keeps caches away
                judge_query(request, _QUERY.get(call, ()))
                if call not in _TAKING:
                    await refuse_body(request)
            response = await call(self._control, request)
        except Refused as refused:
            response = problem_response(refused)
        except OSError as error:
            response = problem_response(away(error))
        await response(scope, receive, send)


async def _unknown(scope: Scope, receive: Receive, send: Send) -> None:
    known = ", ".join(PREFIX + path for path in CALLS)
    await problem_response(Refused(404, f"the control API has: {known}"))(scope, receive, send)


def _file_states(
    before: tuple[str, str], origin: str, files: Iterable[StoredFile]
) -> list[dict[str, Any]]:
    before_path, before_link = before
    return [
        {
            "path": file.path,
            "fileName": file.name,
            "filePath": before_path + file.path,
            "downloadUrl": f"{origin}/{links.encoded(before_link + file.path)}",
            "fileSize": file.size,
            "mimeType": file.mime,
            "digest": file.digest,
            "uploadedAt": isoformat(file.uploaded_at),
            "expiresAt": isoformat(file.expires_at),
        }
        for file in files
    ]


def _duration(body: dict[str, Any]) -> int:
    seconds = body.get("seconds")
    if "duration" in body:
        try:
            return parse_duration(str(body["duration"]))
        except ValueError as error:
            raise Refused(400, str(error)) from error
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise Refused(400, "seconds is a number")
    if not 0 <= seconds <= _LONGEST:
        raise Refused(
            400,
            f"seconds is a number from 0 to {_LONGEST:,}: time only advances, and the clock ends "
            "with the year 9999; set it to an earlier instant with PUT",
        )
    return round(seconds * SECOND)
