"""Carrying faults out on one request. Knows no ASGI; `mockkie.arming` says which of them fire.

The way of a request asks a `Breaker` at five points: when the head is known (`begin`), when the
body is (`arrive`), when there is an answer (`spoil`), to send it (`deliver`), and in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Final, Literal

import anyio
from blake3 import blake3

from mockkie import links
from mockkie.arming import Faults
from mockkie.clock import stopwatch
from mockkie.conditions import Facts
from mockkie.contract import decode_path
from mockkie.exchange import Exchange
from mockkie.faults import Moment, Shot
from mockkie.form import Body
from mockkie.journal import Decision
from mockkie.problems import Problem
from mockkie.shelves import SpoiltShelf, live_former
from mockkie.spoiling import CannotSpoil, Cut, Dribble, Write, as_pieces, spoil, write_raw
from mockkie.standins import answer_of
from mockkie.triggers import asks_for_faults, faults_of
from mockkie.wire import Answer, Pieces

Ending = Literal["reset", "cut", "close"]
"""By a RST; in the middle of the answer; behind it, unannounced."""

_LOOK_SECONDS: Final = 0.02
_ENDINGS: Final[Mapping[str, Ending]] = {
    "dropAnswer": "reset",
    "resetAnswer": "reset",
    "truncate": "cut",
}


class Broken(Exception):  # noqa: N818 - it ends the usual way of a request, as it should
    """A fault ends the usual way of a request: with this answer, or with none."""

    def __init__(self, answer: Answer | None) -> None:
        super().__init__("a fault was carried out")
        self.answer = answer
        refused = answer is not None and answer.status >= HTTPStatus.BAD_REQUEST
        self.decision: Decision = "refused" if refused else "broken"


def breaker_for(exchange: Exchange) -> Breaker | None:
    """What breaks a request; None when neither its world nor its headers ask for it."""
    service, world = exchange.service, exchange.world
    if exchange.operation.is_download:
        found = links.parse_link(exchange.values[0]) if exchange.values else None
        world = (service.worlds.of_account(found[0]) if found else None) or world
    if not world.faults and not asks_for_faults(exchange.request):
        return None
    exchange.world = world
    exchange.breaker = Breaker(exchange)
    return exchange.breaker


class Breaker:
    """The faults that fire for one request, and what they do to it."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._request = exchange.request
        self._faults = exchange.world.faults
        self._own = Faults("header ")
        self._facts = Facts("", "", exchange.world.clock.now())
        self._shot: Shot | None = None
        self._delay = 0
        self._ending: Ending | None = None

    async def begin(self) -> None:
        """Behind route and key; raises `Broken` or a `Problem` when the way ends here."""
        for fault in faults_of(self._exchange):
            await self._own.arm(fault, self._facts.now)
        self._facts = await self._look()
        await self._shoot("head")
        shot = self._shot
        if shot is None:
            return
        if shot.action.way.stage == "answering":
            await self._request.drain()
            raise Broken(answer_of(self._exchange, shot))
        if shot.action.way.stage == "reading":
            self._request.tap = self._read
            at_once = shot.action.values.get("afterBytes") == 0
            if at_once or (not self._request.has_body and shot.action.name != "readRate"):
                await self._stop_reading(shot)

    async def arrive(self, body: Body) -> None:
        """Behind the body, before it is acted upon; raises as `begin` does."""
        if self._facts.file is None:
            name = body.values.get("fileName") or body.filename
            self._facts = replace(self._facts, file=name)
        before = self._shot
        await self._shoot("body")
        shot = self._shot if before is None else None
        if shot is not None and shot.action.way.stage == "answering":
            raise Broken(answer_of(self._exchange, shot))
        stale_for = self._faults.stale_for
        if stale_for or (shot is not None and shot.action.way.stage == "storing"):
            world = self._exchange.world
            action = None if shot is None else shot.action
            self._exchange.shelf = SpoiltShelf(
                self._exchange.service.store, world, action, stale_for
            )

    def spoil(self, answer: Answer) -> None:
        """Change the answer as the faults want it, or say why that cannot be."""
        shot, entry = self._shot, self._exchange.entry
        if shot is None:
            return
        if shot.action.name == "notStored":
            entry.notes = [note for note in entry.notes if not note.startswith("kept ")]
            entry.file = None
        elif shot.action.way.stage == "spoiling":
            try:
                spoil(answer, shot.action)
            except CannotSpoil as reason:
                entry.notes.append(f"fault {shot.fault} could not be carried out: {reason}")
                return
        if shot.action.name in ("notStored", "malformed", "contentType", "without", "rename"):
            entry.decision = "broken"

    async def deliver(self, answer: Answer, write: Write) -> int:
        """Send the answer as the faults want it; returns how many bytes of body went out."""
        if self._delay:
            await anyio.sleep(self._delay / 1_000)
        shot = self._shot
        if shot is not None and shot.action.way.stage == "sending":
            return await self._send(shot, answer, write)
        try:
            return await write()
        except OSError:
            self._ending = "cut"
            raise
        except Broken:  # the point in the body came while it was read behind a refusal
            self._exchange.entry.decision = "broken"
            return 0

    async def _send(self, shot: Shot, answer: Answer, write: Write) -> int:
        name, request = shot.action.name, self._request
        if name == "dribble":
            _wrap(answer, Dribble, shot.action.values["bytesPerSecond"])
            return await write()
        if request.connection is not None:
            await request.drain()
            request.connection.pause()  # the next request of this connection is not for us
        if name != "closeAfter":
            self._exchange.entry.decision = "broken"
        self._ending = _ENDINGS.get(name, "close")
        if name == "dropAnswer":
            await answer.close()
            return 0
        if name in ("wrongLength", "garbageChunk") and request.connection is not None:
            return await write_raw(answer, request, request.connection, shot.action)
        if name in ("truncate", "resetAnswer"):
            _wrap(answer, Cut, shot.action.values["afterBytes"])
        return await write()

    async def end(self) -> None:
        """Behind everything: end the connection if a fault wants that.

        Where there is no connection, who asked gets a `ConnectionResetError`.
        """
        connection = self._request.connection
        if connection is None and self._ending in ("reset", "cut"):
            raise ConnectionResetError(f"{self._shot}: the connection was ended")
        if connection is None:
            return
        if self._ending == "reset":
            await connection.flush()
            connection.reset()
        elif self._ending is not None:
            connection.close()

    async def _shoot(self, moment: Moment) -> None:
        for faults in (self._own, self._faults):
            taken = self._shot is not None
            for shot in await faults.shoot(self._facts, moment, taken=taken):
                self._exchange.entry.shots.append(str(shot))
                if shot.action.way.wire and self._request.connection is None:
                    why = (
                        f"the fault {shot.action.name} needs a connection, and in process there is "
                        "none: use the `kie` fixture, or `mockkie.serve()`"
                    )
                    raise Problem("internal-error", why)
                if shot.action.way.stage == "delay":
                    self._delay += shot.delay
                else:
                    self._shot = shot

    async def _look(self) -> Facts:
        """The facts of the request by its head, and of the file that it reads."""
        exchange, request = self._exchange, self._request
        path = decode_path(request.raw_path) or ""
        length = request.headers.get("content-length", "")
        secrets = [request.headers.get(name, "") for name in ("authorization", "x-api-key")]
        facts = replace(
            self._facts,
            operation=exchange.operation.id,
            path=path,
            key=blake3("\n".join(secrets).encode()).hexdigest(8) if any(secrets) else "",
            link=path,
            downloads=exchange.operation.is_download,
            size=int(length) if length.isdecimal() else None,
        )
        found = links.parse_link(path[1:]) if exchange.operation.is_download else None
        if found is None:
            return facts
        facts = replace(facts, file=path.rpartition("/")[2], size=None)
        if not (self._faults.looks or self._own.looks or self._faults.stale_for):
            return facts
        world, store = exchange.world, exchange.service.store
        file = await store.find(world.id, found[1])
        former = await live_former(store, world, found[1])
        if file is None or file.expired(facts.now):
            return facts
        age = facts.now - file.uploaded_at
        return replace(facts, size=file.size, age=age, former=former is not None)

    async def _read(self, data: bytes) -> None:
        """A chunk of the body has come."""
        shot, request = self._shot, self._request
        if shot is None:
            return
        if shot.action.name == "readRate":
            await anyio.sleep(len(data) / shot.action.values["bytesPerSecond"])
        elif request.complete or request.received >= shot.action.values["afterBytes"]:
            await self._stop_reading(shot)

    async def _stop_reading(self, shot: Shot) -> None:
        """The point of the body has come where the fault does what it does."""
        request, values = self._request, shot.action.values
        request.tap = None
        request.received = min(request.received, values["afterBytes"])
        if shot.action.name == "early":
            if values["close"]:
                self._ending = "close"
                request.complete = True  # as far as anybody asks
                if request.connection is not None:
                    request.connection.pause()
            raise Broken(answer_of(self._exchange, shot))
        if shot.action.name == "stall":
            await self._stall(values["for"] / 1_000)
        self._ending = "reset"
        raise Broken(None)

    async def _stall(self, seconds: float) -> None:
        """Do nothing until the client gives up, or the time is over."""
        connection, until = self._request.connection, stopwatch() + seconds
        if connection is None:
            return
        connection.pause()
        while stopwatch() < until and not connection.gone():  # noqa: ASYNC110 - nobody tells
            await anyio.sleep(_LOOK_SECONDS)


def _wrap(answer: Answer, by: Callable[[Pieces, int], Pieces], size: int) -> None:
    """Put something between the pieces of an answer and who sends them."""
    as_pieces(answer)
    if answer.pieces is not None:
        answer.pieces = by(answer.pieces, size)
