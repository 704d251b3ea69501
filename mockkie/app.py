"""One request from start to finish. Knows no sockets: the server below calls it as an ASGI app."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from starlette.types import Receive, Scope, Send

from mockkie import links
from mockkie.auth import authenticate, judge_agent, world_of_bearer
from mockkie.body import BodyReader
from mockkie.breaking import Broken, breaker_for
from mockkie.clock import http_date, stopwatch
from mockkie.contract import decode_path
from mockkie.control import METRICS, PREFIX
from mockkie.exchange import Exchange
from mockkie.gate import Gate
from mockkie.journal import Entry, head_text
from mockkie.operation import Operation
from mockkie.operations import HANDLERS, check_handlers
from mockkie.parameters import judge_parameters
from mockkie.problems import Problem
from mockkie.refusing import fail, reason_of, refuse
from mockkie.secrecy import redact_header, redact_target
from mockkie.service import Service
from mockkie.stateless import stateless_answer
from mockkie.wire import Answer, Disconnected, Request
from mockkie.worlds import World

_log: Final = logging.getLogger("mockkie")
_CONTROL: Final = (PREFIX, "/livez", "/readyz")
_BELOW: Final = f"{PREFIX}/"


class Mock:
    """The mock as an ASGI app over a `Service`."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.from_examples, self.not_served = check_handlers(service.contract)
        self._control = Gate(service)
        self._apart = _CONTROL if service.scrape is None else (*_CONTROL, METRICS)
        self._secrets = {scheme.name.lower() for scheme in service.contract.schemes.values()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            if not self.service.started:
                await self.service.start()
            if scope["path"] in self._apart or scope["path"].startswith(_BELOW):
                await self._control(scope, receive, send)
            else:
                silence = self.service.bounds.silence
                await self._serve(Request(scope, receive, silence), send)
        else:
            await send({"type": "websocket.close", "code": 1003})

    async def _serve(self, request: Request, send: Send) -> None:
        """Answer one request of the API: this is the whole way."""
        started = stopwatch()
        exchange = self._begin(request)
        entry = exchange.entry
        answer: Answer | None
        try:
            answer = await self._answer(exchange)
        except Problem as problem:
            answer = refuse(exchange, problem)
        except Broken as broken:
            answer, entry.decision = broken.answer, broken.decision
        except Disconnected:
            answer = None
            entry.decision = "aborted"
            entry.why = f"the client hung up after {request.received:,} bytes of its body"
        except OSError as error:
            _log.error("%s %s failed: %s", entry.method, entry.target, error)
            answer = fail(exchange, reason_of(error))
        except Exception as error:  # noqa: BLE001 - a mock answers, whatever happens
            _log.exception("%s %s failed", entry.method, entry.target)
            answer = fail(exchange, f"{type(error).__name__}: {error}")
        entry.received = request.received
        entry.at = exchange.world.clock.now()
        if answer is not None:
            if exchange.breaker is not None:
                exchange.breaker.spoil(answer)
            self._dress(exchange, answer)
        exchange.world.journal.add(entry)
        if answer is not None:
            await self._write(exchange, answer, send)
        entry.seconds = stopwatch() - started
        exchange.world.journal.amend(entry)
        self.service.tell(exchange.world, entry)
        if exchange.breaker is not None:
            await exchange.breaker.end()

    async def _answer(self, exchange: Exchange) -> Answer:
        """Route, key, media type, body, handler, and the check of what comes out."""
        service, request = exchange.service, exchange.request
        if not service.is_ready:
            await service.ready()
        operation = self._route(exchange)
        self._admit(exchange, operation)
        judge_parameters(operation, request, exchange.values)
        breaker = breaker_for(exchange)
        if breaker is not None:
            await breaker.begin()
        draft = service.store.draft()
        try:
            reader = BodyReader(operation, exchange.rules, draft)
            try:
                body = await reader.read(request)
            finally:
                exchange.entry.fields, exchange.entry.path = reader.body.fields, reader.body.path
            if breaker is not None:
                await breaker.arrive(body)
            handler = HANDLERS.get(operation.id)
            if handler is None:
                answer = stateless_answer(service.contract.owner(operation), operation, request)
            else:
                answer = await handler(exchange, body, draft)
        finally:
            await draft.discard()
        if answer.checked:
            return answer
        miss = operation.miss(answer.status, answer.headers, answer.json)
        if miss is None:
            return answer
        await answer.close()
        return fail(exchange, miss)

    def _begin(self, request: Request) -> Exchange:
        world = self.service.worlds.default
        entry = Entry(
            at=0,  # the end of the request is what counts, see `_serve`
            method=request.method,
            target=redact_target(request.target, self._secrets),
            head=head_text(
                [
                    (name, redact_header(name, value, self._secrets))
                    for name, value in request.headers.items()
                ]
            ),
        )
        return Exchange(self.service, request, world, entry)

    def _route(self, exchange: Exchange) -> Operation:
        """The operation of the request."""
        service, request = exchange.service, exchange.request
        path = decode_path(request.raw_path)
        if path is None:
            raise Problem("route-not-found", "the path is not UTF-8 behind its percent signs")
        self._judge_place(request, path)
        try:
            operation, exchange.values = service.contract.route(request.method, path)
        except Problem as problem:
            exchange.matched = service.contract.on_path(path)
            if exchange.downloads:
                exchange.guest = self._world_of_link(path.removeprefix("/"))
                if problem.name == "method-not-allowed" and exchange.guest is None:
                    exchange.matched = None
                    why = f"no path of the contract is {path!r}, and no file has such a link"
                    raise Problem("route-not-found", why) from None
            else:
                exchange.guest = world_of_bearer(request, service.worlds)
            raise
        exchange.matched = operation
        exchange.entry.operation = operation.id
        return operation

    def _judge_place(self, request: Request, path: str) -> None:
        """A hard-coded host has its own operations only; a port of downloads nothing else."""
        port, server = self.service.download_port, request.scope.get("server")
        at_downloads = None if port is None or server is None else server[1] == port
        served = request.scope.get("state", {}).get("served")
        if served is None and at_downloads is None:
            return
        operation = self.service.contract.on_path(path)
        if operation is None:
            return
        if served is not None and operation.id not in served:
            hosts = ", ".join(sorted(self.service.contract.owner(operation).hosts))
            raise Problem("route-not-found", f"this host does not have the route: {hosts} has")
        if at_downloads is not None and at_downloads != operation.is_download:
            kind = "downloads" if at_downloads else "uploads"
            raise Problem("route-not-found", f"this port is for {kind} only")

    def _admit(self, exchange: Exchange, operation: Operation) -> None:
        """Whose request it is: of a link, the world that the link is of."""
        service, request = exchange.service, exchange.request
        linked = self._world_of_link(exchange.values[0]) if operation.is_download else None
        exchange.guest = linked
        try:
            world = authenticate(operation, request, service.worlds)
        except Problem:
            judge_agent(request, exchange.settings)
            raise
        exchange.world, exchange.guest = linked or world, None
        judge_agent(request, exchange.settings)

    def _world_of_link(self, link: str) -> World | None:
        found = links.parse_link(link)
        return self.service.worlds.of_account(found[0]) if found else None

    def _dress(self, exchange: Exchange, answer: Answer) -> None:
        """What every answer carries, and what the journal says of it."""
        entry, allowed = exchange.entry, exchange.allowed_origin
        answer.headers["date"] = http_date(entry.at)
        if allowed is not None:
            answer.headers.setdefault("access-control-allow-origin", allowed)
        entry.status = answer.status
        if isinstance(answer.json, dict):
            code, msg = answer.json.get("code"), answer.json.get("msg")
            entry.code = code if isinstance(code, int) else None
            entry.msg = msg if isinstance(msg, str) else None

    async def _write(self, exchange: Exchange, answer: Answer, send: Send) -> None:
        entry, request, breaker = exchange.entry, exchange.request, exchange.breaker
        if answer.pieces is not None:  # they may go out before the turn of the loop is over
            exchange.world.journal.settle()
        try:
            if breaker is None:
                entry.sent = await answer.write(request, send)
            else:
                entry.sent = await breaker.deliver(answer, partial(answer.write, request, send))
        except OSError as error:
            # The status line is out: all that is left is to cut the body short.
            entry.decision, entry.why = "broken", f"the file could not be read to its end: {error}"
        else:
            whole = answer.pieces is None or entry.sent >= (answer.length or 0)
            if not whole and entry.decision == "accepted":
                entry.decision = "aborted"
                entry.why = f"the client hung up after {entry.sent:,} bytes of the file"
        entry.received = exchange.request.received

    async def _live(self, receive: Receive, send: Send) -> None:
        """The lifespan of the server that runs this app."""
        steps: dict[str, Callable[[], Awaitable[None]]] = {
            "startup": self._start,
            "shutdown": self.service.close,
        }
        while True:
            step = (await receive())["type"].removeprefix("lifespan.")
            try:
                await steps[step]()
            except Exception as error:  # noqa: BLE001 - the server is told, and ends with it
                await send({"type": f"lifespan.{step}.failed", "message": str(error)})
                return
            await send({"type": f"lifespan.{step}.complete"})
            if step == "shutdown":
                return

    async def _start(self) -> None:
        await self.service.start()
        self.service.sweeper.start()
