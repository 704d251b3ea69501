"""Query, header, cookie and path parameters against the contract. Knows no bodies and no worlds.

Only the default styles are understood; a value is read as the type that the contract gives it.
"""

from __future__ import annotations

from urllib.parse import parse_qs

from mockkie.operation import Operation, Parameter
from mockkie.problems import Problem
from mockkie.wire import Request


def judge_parameters(operation: Operation, request: Request, values: tuple[str, ...]) -> None:
    """Raise `missing-parameter` or `invalid-parameter` for what the contract does not allow."""
    if not operation.judged_parameters:
        return
    in_path = dict(zip(operation.names, values, strict=True))
    for known in operation.judged_parameters:
        given = _given(known, request, in_path)
        if not given:
            if known.required:
                why = f"the {known.where} parameter {known.name!r} is missing"
                raise Problem("missing-parameter", why, parameter=known.name)
            continue
        if known.schema is None:
            continue
        value = _read(known, given)
        if not known.schema.is_valid(value):
            why = f"{known.where} parameter {known.name}: {known.schema.errors(value)[0]}"
            raise Problem("invalid-parameter", why, parameter=known.name)


def query_values(request: Request, name: str) -> list[str]:
    """What the query of a request says under a name."""
    query = request.scope.get("query_string", b"").decode("latin-1")
    return parse_qs(query, keep_blank_values=True).get(name, [])


def _given(known: Parameter, request: Request, in_path: dict[str, str]) -> list[str]:
    if known.where == "path":
        return [in_path[known.name]] if known.name in in_path else []
    if known.where == "header":
        return request.headers.getlist(known.name)
    if known.where == "query":
        return query_values(request, known.name)
    return request.cookies.get(known.name, [])


def _read(known: Parameter, given: list[str]) -> object:
    if not known.types.is_list:
        return known.types.read(given[0])
    texts = given if known.where == "query" else ",".join(given).split(",")
    return [known.types.read(text.strip()) for text in texts]
