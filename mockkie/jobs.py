"""What the operations of `jobs.yaml` do: tasks, credits, temporary links. Knows no ASGI.

Nothing is generated and nobody is called back: a result is a sample, kept as a file of the world.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final

from mockkie import links, samples
from mockkie.contract import Contract
from mockkie.exchange import Exchange
from mockkie.form import Body
from mockkie.media import JSON
from mockkie.operation import Operation
from mockkie.parameters import query_values
from mockkie.problems import Problem
from mockkie.store import Draft, StoredFile
from mockkie.tasks import ALWAYS, FAIL, SUCCESS, Life, Task, TaskLife
from mockkie.wire import Answer, printable

_URL: Final = re.compile(r"https?://\S+", re.IGNORECASE)
_RESULTS: Final = "generated"
_TEMPORARY: Final = "temporary"


async def create_market_task(exchange: Exchange, body: Body, draft: Draft) -> Answer:
    """Take a task on, and its price off the credits."""
    del draft
    world, rules, now = exchange.world, _rules(exchange), exchange.world.clock.now()
    left = await _credits(exchange)
    if left < rules.price:
        why = f"{left} credits are left, a task costs {rules.price}; reset the world for new ones"
        raise Problem("insufficient-credits", why)
    task = Task(
        id=secrets.token_hex(16),
        model=body.values["model"],
        param=_json(body.values),
        created_at=now,
        phases=rules.phases(now),
        lives={url: await _life(exchange, url) for url in _urls(body.values["input"])},
    )
    answer = _answer(exchange, SUCCESS, {"taskId": task.id})
    await world.tasks.put(task)
    exchange.entry.notes.append(f"task {task.id}, links in its input: {len(task.lives)}")
    if "callBackUrl" in body.values:
        exchange.entry.notes.append("callBackUrl is not called: the mock calls nobody")
    return answer


async def get_task_details(exchange: Exchange, body: Body, draft: Draft) -> Answer:
    """What has become of a task by now."""
    del body
    world, now = exchange.world, exchange.world.clock.now()
    task_id = query_values(exchange.request, "taskId")[0]
    task = await world.tasks.get(task_id)
    if task is None:
        raise Problem("task-not-found", f"this world has no task {task_id!r}")
    if task.dead is None and now >= task.begins_at:
        await _settle(exchange, task)
    state = task.state(now)
    facts = {
        "taskId": task.id,
        "model": task.model,
        "state": state,
        "param": task.param,
        "createTime": task.created_at,
        "updateTime": task.changed_at(now),
        "completeTime": task.ends_at,
        "costTime": task.ends_at - task.created_at,
    }
    if state == SUCCESS:
        urls = [await _result(exchange, task, draft)]
        facts["resultJson"] = _json({"resultUrls": urls})
    answer = _answer(exchange, state, facts)
    if state == FAIL:
        why = f"nothing was behind {', '.join(task.dead or ())} when the work began"
        exchange.entry.notes.append(why)
        answer.headers["x-mockkie-why"] = printable(why)
    return answer


async def get_account_credits(exchange: Exchange, body: Body, draft: Draft) -> Answer:
    """The credits that are left."""
    del body, draft
    return _answer(exchange, SUCCESS, await _credits(exchange))


async def download_url(exchange: Exchange, body: Body, draft: Draft) -> Answer:
    """A fresh link to a result, also when its own link has expired."""
    world, rules, now = exchange.world, _rules(exchange), exchange.world.clock.now()
    account, path = links.parse_link(links.path_in(body.values["url"]) or "") or ("", "")
    folder, _, rest = path.partition("/")
    task = await world.tasks.get(rest.partition("/")[0])
    if account != world.account or folder != _RESULTS or task is None or not task.kept:
        raise Problem("url-not-generated", "this is no link to a result of a task of this world")
    if now >= task.ends_at + rules.result_file:
        raise Problem("url-not-generated", "the result behind this link is deleted by now")
    path = f"{_TEMPORARY}/{secrets.token_hex(16)}/{rules.result}"
    await _keep(exchange, draft, path, (now, now + rules.temporary_link))
    return _answer(exchange, SUCCESS, _link(exchange, path))


JOBS: Final[Mapping[str, Callable[[Exchange, Body, Draft], Awaitable[Answer]]]] = {
    "create-market-task": create_market_task,
    "get-task-details": get_task_details,
    "get-account-credits": get_account_credits,
    "download-url": download_url,
}

_NEEDED: Final[Mapping[str, Mapping[str, str]]] = {
    "create-market-task": {"model": "string", "input": "object"},
    "download-url": {"url": "string"},
}


def check_job(contract: Contract, operation: Operation) -> None:
    """Hold an operation against what its handler needs; an error names the place."""
    fail = contract.document.fail
    media = operation.media_types.get(JSON)
    for name, kind in _NEEDED.get(operation.id, {}).items():
        known = None if media is None else media.properties.get(name)
        if media is None or known is None or name not in media.required or known.own != {kind}:
            why = f"{operation.id} needs {name!r} in {JSON}, required and of `type: {kind}`"
            fail(operation.pointer if media is None else media.pointer, why)
    if operation.id != "get-task-details":
        return
    if not any(
        (known.name, known.where, known.required) == ("taskId", "query", True)
        for known in operation.parameters
    ):
        fail(operation.pointer, f"{operation.id} needs the query parameter 'taskId', required")
    for state in (*contract.settings.tasks.states, SUCCESS, FAIL):
        if state not in operation.examples:
            fail(operation.pointer, f"{operation.id} needs an example {state!r} of its success")


def _rules(exchange: Exchange) -> TaskLife:
    return exchange.rules.tasks


async def _credits(exchange: Exchange) -> int:
    rules = _rules(exchange)
    return rules.credits - rules.price * await exchange.world.tasks.count()


def _answer(exchange: Exchange, name: str, data: Any) -> Answer:
    """The documented answer of a name; of its `data` it has the keys, `data` the values.

    It is held against the contract here: before anything is kept.
    """
    status, example = exchange.operation.example(name)
    if isinstance(known := example.get("data"), dict):
        data = {key: data.get(key, value) for key, value in known.items()}
    answer = Answer(status, json={**example, "data": data}, checked=True)
    miss = exchange.operation.miss(status, answer.headers, answer.json)
    if miss is not None:
        raise Problem("internal-error", miss)
    return answer


def _json(value: Any) -> str:
    """A value as JSON; unlike orjson, this one takes all that a body can have been read from."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _urls(value: Any) -> Iterator[str]:
    """Every text in a JSON value that is a URL, however deep it is."""
    todo = [value]
    while todo:
        match todo.pop():
            case str(text) if _URL.fullmatch(text.strip()):
                yield text.strip()
            case dict(inner):
                todo += reversed(inner.values())
            case list(inner):
                todo += reversed(inner)


async def _life(exchange: Exchange, url: str) -> Life | None:
    """From when until when a URL leads to something, in the time of this world; None: it does not.

    A link is known by its account, whatever its host; what is elsewhere is as the document says.
    """
    account, path = links.parse_link(links.path_in(url) or "") or ("", "")
    owner = exchange.service.worlds.of_account(account)
    if owner is None:
        ours = links.link_in(url, exchange.origins | exchange.service.contract.hosts)
        if ours is None or ours.startswith("__mockkie/origin"):
            return ALWAYS if _rules(exchange).other_urls == "reachable" else None
        return None
    file = await exchange.service.store.find(owner.id, path)
    if file is None:
        return None
    shift = exchange.world.clock.now() - owner.clock.now()
    return file.uploaded_at + shift, file.expires_at + shift


async def _settle(exchange: Exchange, task: Task) -> None:
    """Find out which links were dead when the work began, once and for all."""
    now = exchange.world.clock.now()
    after = {url: await _life(exchange, url) for url in task.lives}
    task.dead = [url for url, before in task.lives.items() if not task.had(before, after[url], now)]
    await exchange.world.tasks.put(task)


async def _result(exchange: Exchange, task: Task, draft: Draft) -> str:
    """The link to the result of a task, which is there from now on."""
    rules = _rules(exchange)
    path = f"{_RESULTS}/{task.id}/{rules.result}"
    if not task.kept:
        await _keep(exchange, draft, path, (task.ends_at, task.ends_at + rules.result_link))
        task.kept = True
        await exchange.world.tasks.put(task)
    return _link(exchange, path)


async def _keep(exchange: Exchange, draft: Draft, path: str, life: Life) -> None:
    """Make a sample the file at a path."""
    service, world = exchange.service, exchange.world
    sample = samples.sample_for(path)
    await draft.write(sample.content)
    file = StoredFile(
        id=secrets.token_hex(16),
        path=path,
        name=path.rpartition("/")[2],
        size=draft.size,
        mime=sample.mime,
        digest=draft.digest,
        uploaded_at=life[0],
        expires_at=life[1],
    )
    if not await service.has(world):
        raise Problem("invalid-api-key", "the world of this key was dropped meanwhile")
    await service.store.keep(world.id, draft, file)


def _link(exchange: Exchange, path: str) -> str:
    return exchange.origin + links.link_path(exchange.settings, exchange.world, path)
