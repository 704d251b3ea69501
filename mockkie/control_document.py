"""The document of the control API, as it is served. Knows no worlds.

It is read when somebody asks for it: a mock starts and works without it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

import orjson
import yaml
from starlette.requests import Request
from starlette.responses import Response

from mockkie.control_call import Caller

_NAME: Final = "control.openapi.yaml"


async def show_document(control: Caller, request: Request) -> Response:
    """`GET /openapi.yaml`: the file as it is, of the type that RFC 9512 gave YAML."""
    del control, request
    return Response(_document(), media_type="application/yaml")


async def show_document_json(control: Caller, request: Request) -> Response:
    """`GET /openapi.json`: the same as JSON, for tools that read no YAML."""
    del control, request
    return Response(_document_json(), media_type="application/json")


@cache
def _document() -> bytes:
    return (files("mockkie") / _NAME).read_bytes()


@cache
def _document_json() -> bytes:
    return orjson.dumps(yaml.safe_load(_document()))
