"""Worlds as tests hold them: on a socket, in process, over a folder; asked all the same."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import httpx2

from mockkie.kie import Kie

STREAM: Final = "/api/file-stream-upload"
PNG: Final = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


def ask(kie: Kie, method: str, url: str, **request: Any) -> httpx2.Response:
    """Ask over a socket, or in process where there is none."""
    if kie.base_url.startswith("http://127."):
        return kie.client.request(method, url, **request)

    async def go() -> httpx2.Response:
        return await kie.async_client.request(method, url, **request)

    return asyncio.run(go())


def send(
    kie: Kie, path: str, content: bytes = PNG, *, mime: str | None = None, **request: Any
) -> httpx2.Response:
    """Upload by a form."""
    folder, _, name = path.rpartition("/")
    file = (name or "x.png", content) if mime is None else (name, content, mime)
    data = {"uploadPath": folder} | ({"fileName": name} if name else {})
    return ask(kie, "POST", STREAM, files={"file": file}, data=data, **request)
