"""An answer over ASGI messages, without a server: for what uvicorn would hide."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Self

import pytest
from starlette.types import Message

from mockkie.wire import Answer, Request

MIB = 1024 * 1024


class Source:
    """Pieces that count how often they were closed."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self.closed = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.closed += 1


class Lost(Exception):  # noqa: N818 - what happened to the connection
    """The server gave up."""


async def write(
    answer: Answer, *incoming: Message, method: str = "GET", fail_at: int | None = None, **head: str
) -> tuple[int, list[Message]]:
    """`(bytes of body, messages sent)`; the sending fails at the message of that number."""
    messages, sent = list(incoming), list[Any]()

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    async def send(message: Message) -> None:
        if fail_at == len(sent):
            raise Lost
        sent.append(message)

    headers = [(name.replace("_", "-").encode(), text.encode()) for name, text in head.items()]
    scope = {"type": "http", "method": method, "path": "/", "headers": headers}
    return await answer.write(Request(scope, receive), send), sent


def body_of(sent: list[Message]) -> bytes:
    return b"".join(message["body"] for message in sent[1:])


def test_pieces_are_closed_when_all_went_out() -> None:
    source = Source([b"ab", b"c"])
    size, sent = asyncio.run(write(Answer(200, pieces=source, length=3)))
    assert (size, body_of(sent), sent[-1].get("more_body", False)) == (3, b"abc", False)
    assert source.closed


@pytest.mark.parametrize("fail_at", [0, 1, 2])
def test_pieces_are_closed_when_the_sending_fails(fail_at: int) -> None:
    source = Source([b"ab", b"c"])
    with pytest.raises(Lost):
        asyncio.run(write(Answer(200, pieces=source, length=3), fail_at=fail_at))
    assert source.closed


def test_pieces_are_closed_when_the_client_is_gone() -> None:
    source = Source([bytes(MIB)] * 20)
    answer = Answer(200, pieces=source, length=20 * MIB)
    start: Message = {"type": "http.request", "body": b"", "more_body": False}
    size, sent = asyncio.run(write(answer, start, {"type": "http.disconnect"}))
    assert size < 20 * MIB
    assert sent[-1]["more_body"] is True
    assert source.closed


def test_an_answer_that_is_not_written_can_be_closed() -> None:
    source = Source([b"a"])
    asyncio.run(Answer(200, pieces=source, length=1).close())
    assert source.closed == 1


def test_an_answer_to_head_has_the_length_and_not_the_body() -> None:
    size, sent = asyncio.run(write(Answer(404, json={"a": 1}), method="HEAD"))
    assert (size, body_of(sent)) == (0, b"")
    assert dict(sent[0]["headers"])[b"content-length"] == b"7"


def test_an_early_answer_goes_out_before_the_rest_of_the_body_is_read() -> None:
    chunk: Message = {"type": "http.request", "body": b"x" * 10, "more_body": True}
    last: Message = {"type": "http.request", "body": b"x", "more_body": False}
    answer = Answer(401, json={"a": 1})
    _, sent = asyncio.run(write(answer, chunk, last, method="POST", content_length="11"))
    bodies = [(message["body"], message.get("more_body", False)) for message in sent[1:]]
    assert bodies == [(b'{"a":1}', True), (b"", False)]


def test_an_answer_to_a_request_without_a_body_waits_for_none() -> None:
    _, sent = asyncio.run(write(Answer(401, json={"a": 1}), method="POST"))
    assert body_of(sent) == b'{"a":1}'


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_may_have_no_body_names_no_length(status: int) -> None:
    _, sent = asyncio.run(write(Answer(status)))
    assert b"content-length" not in dict(sent[0]["headers"])
