"""What people write today: Starlette's own form parser, and the upload copied to a folder."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

FOLDER = Path(os.environ.get("PLAIN_FOLDER", "uploads"))


async def upload(request: Request) -> JSONResponse:
    """Keep the file of a form under its name."""
    if request.headers.get("authorization") != "Bearer kie-mock-key":
        return JSONResponse({"success": False, "code": 401, "msg": "Invalid API Key"}, 401)
    async with request.form() as form:
        file, path, name = form["file"], form["uploadPath"], form["fileName"]
        if not isinstance(file, UploadFile):
            return JSONResponse({"success": False, "code": 400, "msg": "Missing: file"}, 400)
        target = FOLDER / str(path) / str(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as out:
            shutil.copyfileobj(file.file, out)
        data = {
            "fileName": name,
            "filePath": f"{path}/{name}",
            "downloadUrl": f"{request.base_url}{path}/{name}",
            "fileSize": target.stat().st_size,
            "mimeType": file.content_type,
            "uploadedAt": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
    return JSONResponse(
        {"success": True, "code": 200, "msg": "File uploaded successfully", "data": data}
    )


app = Starlette(routes=[Route("/api/file-stream-upload", upload, methods=["POST"])])
