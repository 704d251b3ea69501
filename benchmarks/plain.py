"""What people write today: Starlette's own form parser, `json` and `b64decode`, httpx2, a folder.

Files are read back by Starlette's own static files.
"""

from __future__ import annotations

import base64
import mimetypes
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

FOLDER = Path(os.environ.get("PLAIN_FOLDER", "uploads"))


async def upload_form(request: Request) -> JSONResponse:
    """Keep the file of a form under its name."""
    if not _is_known(request):
        return _refused(401, "Invalid API Key")
    async with request.form() as form:
        file, path, name = form["file"], form["uploadPath"], form["fileName"]
        if not isinstance(file, UploadFile):
            return _refused(400, "Missing required parameter: file")
        with _target(path, name).open("wb") as out:
            shutil.copyfileobj(file.file, out)
    return _kept(request, path, name)


async def upload_base64(request: Request) -> JSONResponse:
    """Keep what a JSON body has as base64."""
    if not _is_known(request):
        return _refused(401, "Invalid API Key")
    body: Mapping[str, str] = await request.json()
    text = body["base64Data"].rpartition(",")[2]
    _target(body["uploadPath"], body["fileName"]).write_bytes(base64.b64decode(text))
    return _kept(request, body["uploadPath"], body["fileName"])


async def upload_url(request: Request) -> JSONResponse:
    """Keep what a URL leads to."""
    if not _is_known(request):
        return _refused(401, "Invalid API Key")
    body: Mapping[str, str] = await request.json()
    async with httpx2.AsyncClient(follow_redirects=True, timeout=30) as client:
        answer = await client.get(body["fileUrl"])
    answer.raise_for_status()
    _target(body["uploadPath"], body["fileName"]).write_bytes(answer.content)
    return _kept(request, body["uploadPath"], body["fileName"])


async def forget(request: Request) -> JSONResponse:
    """Delete all files, as the control API of the mock does."""
    del request
    shutil.rmtree(FOLDER, ignore_errors=True)
    return JSONResponse({})


def _is_known(request: Request) -> bool:
    return request.headers.get("authorization") == "Bearer kie-mock-key"


def _refused(code: int, why: str) -> JSONResponse:
    return JSONResponse({"success": False, "code": code, "msg": why}, code)


def _target(path: Any, name: Any) -> Path:
    target = FOLDER / str(path) / str(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _kept(request: Request, path: Any, name: Any) -> JSONResponse:
    data = {
        "fileName": name,
        "filePath": f"{path}/{name}",
        "downloadUrl": f"{request.base_url}files/{path}/{name}",
        "fileSize": _target(path, name).stat().st_size,
        "mimeType": mimetypes.guess_type(str(name))[0] or "application/octet-stream",
        "uploadedAt": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    return JSONResponse(
        {"success": True, "code": 200, "msg": "File uploaded successfully", "data": data}
    )


app = Starlette(
    routes=[
        Route("/api/file-stream-upload", upload_form, methods=["POST"]),
        Route("/api/file-base64-upload", upload_base64, methods=["POST"]),
        Route("/api/file-url-upload", upload_url, methods=["POST"]),
        Route("/__mockkie/files", forget, methods=["DELETE"]),
        Mount("/files", StaticFiles(directory=FOLDER, check_dir=False)),
    ]
)
