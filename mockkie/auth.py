"""Whose request it is. Knows nothing of bodies or stores.

Judged before anything else of a request (assumed order): a refused one stores nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qs

from mockkie.operation import Operation
from mockkie.problems import Problem
from mockkie.security import Scheme
from mockkie.settings import Settings
from mockkie.wire import Request
from mockkie.worlds import World, Worlds


def authenticate(operation: Operation, request: Request, worlds: Worlds) -> World:
    """The world whose key the request carries; raises `invalid-api-key`.

    An operation without security is open: a known key still picks its world, else it is the
    default one.
    """
    if not operation.security:
        return world_of_bearer(request, worlds) or worlds.default
    why = ""
    for alternative in operation.security:
        if not alternative:
            return worlds.default
        world, why = _satisfy(alternative, request, worlds)
        if world is not None:
            return world
    raise Problem("invalid-api-key", why)


def _satisfy(
    schemes: Sequence[Scheme], request: Request, worlds: Worlds
) -> tuple[World | None, str]:
    world: World | None = None
    for scheme in schemes:
        key, why = credential(scheme, request)
        if key is None:
            return None, why
        owner = worlds.of_key(key)
        if owner is None:
            return None, "no world has this key; the mock prints its key when it starts"
        if world is not None and owner is not world:
            return None, "the keys of this request belong to different worlds"
        world = owner
    return world, ""


def credential(scheme: Scheme, request: Request) -> tuple[str | None, str]:
    """`(key, "")`, or `(None, why there is none)`."""
    if scheme.kind == "bearer":
        return _bearer(request)
    if scheme.where == "header":
        values = request.headers.getlist(scheme.name)
    elif scheme.where == "query":
        query = request.scope.get("query_string", b"").decode("latin-1")
        values = parse_qs(query, keep_blank_values=True).get(scheme.name, [])
    else:
        values = request.cookies.get(scheme.name, [])
    if len(values) != 1 or not values[0]:
        return None, f"the {scheme.where} {scheme.name!r} must carry the key, once"
    return values[0], ""


def _bearer(request: Request) -> tuple[str | None, str]:
    values = request.headers.getlist("authorization")
    if not values:
        return None, "there is no Authorization header; send `Authorization: Bearer <key>`"
    if len(values) > 1:
        return None, f"there are {len(values)} Authorization headers; send one"
    kind, _, key = values[0].strip().partition(" ")
    if kind.lower() != "bearer":
        return None, "the Authorization header has another scheme than Bearer"
    key = key.strip()
    return (key, "") if key else (None, "the Authorization header has no key behind Bearer")


def judge_agent(request: Request, settings: Settings) -> None:
    """Refuse a client by its `User-Agent` where the settings say so: `user-agent-refused`."""
    if not settings.refused_agents:
        return
    agent = request.headers.get("user-agent", "")
    for text in settings.refused_agents:
        if text in agent.lower():
            why = f"the User-Agent {agent!r} has {text!r}, which x-mockkie.userAgents refuses"
            raise Problem("user-agent-refused", why, status=settings.agent_status)


def world_of_bearer(request: Request, worlds: Worlds) -> World | None:
    """The world that the request's bearer key opens, if there is one."""
    key, _ = _bearer(request)
    return worlds.of_key(key) if key else None
