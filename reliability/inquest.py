"""What is there after a crash, asked by HTTP, against what clients were told. Knows no process."""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from blake3 import blake3

from mockkie.clock import parse_instant, real_now
from reliability.crowd import RETENTION, clock_of
from reliability.ledger import Kept, Register, WorldLedger

_SECONDS: Final = 60.0
_SKEW: Final = 1_000  # milliseconds that may pass between two looks at a clock


@dataclass(slots=True)
class Inquest:
    """The questions to one mock that nobody else asks anything. `wrong`: a sentence each."""

    url: str
    wrong: list[str] = field(default_factory=list)
    files: int = 0
    states: int = 0

    def settle(self, worlds: Sequence[WorldLedger]) -> list[WorldLedger]:
        """Ask for everything; what is seen is from now on what is known. The worlds there are."""
        with httpx.Client(base_url=self.url, timeout=_SECONDS) as client:
            listed = self._ask(client, None, "/worlds")["worlds"]
            states = {state["id"]: state for state in listed}
            known = {world.id for world in worlds}
            self.wrong += [f"nobody made the world {name}" for name in states if name not in known]
            there = []
            for world in worlds:
                if self._is_there(world, states):
                    self._world(client, world, states[world.id])
                    there.append(world)
        return there

    def _is_there(self, world: WorldLedger, states: Mapping[str, Any]) -> bool:
        self.states += 1
        there = world.id in states
        if there not in world.there.may_be():
            self.wrong.append(f"the world {world.id} is {'still' if there else 'not'} there")
        world.there.settle(there)
        return there

    def _world(self, client: httpx.Client, world: WorldLedger, state: Mapping[str, Any]) -> None:
        self._clock(client, world)
        changed = self._ask(client, world, "/settings")["changed"]
        status = changed.get("expiredLink", {}).get("status", 404)
        if status not in world.status.may_be():
            self.wrong.append(f"{world.id} answers {status}, not {world.status.may_be()}")
        world.status.settle(status)
        files = {file["path"]: file for file in self._pages(client, world)}
        held = sum(file["fileSize"] for file in files.values())
        if world.quota is not None and held > world.quota:
            self.wrong.append(f"{world.id} holds {held:,} bytes, over {world.quota:,}")
        if state["files"] < len(files) or state["bytes"] < held:
            self.wrong.append(f"{world.id} counts {state}, and lists {len(files)} files")
        self.wrong += [f"nobody sent {path}" for path in files if path not in world.files]
        for path, register in world.files.items():
            self._file(client, world, path, register, files.get(path))
        entries = self._ask(client, world, "/journal")["entries"]
        numbers = [entry["seq"] for entry in entries]
        if numbers != sorted(set(numbers)):
            self.wrong.append(f"the journal of {world.id} is out of order: {numbers}")
        if self._ask(client, world, "/faults")["faults"]:
            self.wrong.append(f"{world.id} has faults that nobody armed")
        self.states += 4
        world.moved = 0

    def _clock(self, client: httpx.Client, world: WorldLedger) -> None:
        frozen, at = clock_of(self._ask(client, world, "/clock"))
        known = world.clock.may_be()
        near = [value for value in known if value[0] == frozen and abs(value[1] - at) <= _SKEW]
        if not near:
            self.wrong.append(f"the clock of {world.id} is {frozen, at}, not one of {known}")
        world.clock.settle((frozen, at))
        now = at if frozen else real_now() + at
        world.latest = max(world.latest, now)

    def _file(
        self,
        client: httpx.Client,
        world: WorldLedger,
        path: str,
        register: Register[Kept | None],
        shown: Mapping[str, Any] | None,
    ) -> None:
        where, may_be = f"{path} of {world.id}", register.may_be()
        if shown is None:
            if not any(self._may_be_gone(world, kept) for kept in may_be):
                told = [f"{kept.size:,} bytes" for kept in may_be if kept is not None]
                self.wrong.append(f"{where} is lost: {' or '.join(told)}")
            register.settle(None)
            return
        self.files += 1
        content = client.get(shown["downloadUrl"])
        seen = Kept(blake3(content.content).hexdigest(), len(content.content))
        alike = [kept for kept in may_be if kept and kept.digest == seen.digest]
        if content.status_code != http.client.OK or not alike:
            said = f"{content.status_code} with {seen.size:,} bytes"
            self.wrong.append(f"{where} was answered {said}, which nobody sent last")
            alike = [seen]
        self.wrong += [f"{where}: {said}" for said in self._facts(shown, content, seen)]
        ((frozen, at),) = world.clock.may_be()
        if parse_instant(shown["expiresAt"]) <= (at if frozen else real_now() + at) - _SKEW:
            self.wrong.append(f"{where} is listed behind its end")
        uploaded_at = parse_instant(shown["uploadedAt"])
        now = Kept(seen.digest, seen.size, shown["mimeType"], uploaded_at)
        answered = [kept for kept in alike if kept.uploaded_at is not None]
        if len(alike) == len(answered) and now not in answered:
            self.wrong.append(f"{where} is {now}, and was told as {answered}")
        register.settle(now)

    def _may_be_gone(self, world: WorldLedger, kept: Kept | None) -> bool:
        if kept is None:
            return True
        if kept.uploaded_at is None:
            return world.moved >= RETENTION
        return kept.uploaded_at + RETENTION <= world.latest

    def _facts(
        self, shown: Mapping[str, Any], content: httpx.Response, seen: Kept
    ) -> Iterator[str]:
        """In what the list and the bytes disagree."""
        if (shown["digest"], shown["fileSize"]) != (seen.digest, seen.size):
            yield f"listed with {shown['fileSize']:,} bytes, {shown['digest']}; it is {seen}"
        if content.headers.get("content-type", "").partition(";")[0] != shown["mimeType"]:
            yield f"listed as {shown['mimeType']}, served as {content.headers.get('content-type')}"
        life = parse_instant(shown["expiresAt"]) - parse_instant(shown["uploadedAt"])
        if life != RETENTION:
            yield f"it lives for {life:,} ms"

    def _pages(self, client: httpx.Client, world: WorldLedger) -> Iterator[Mapping[str, Any]]:
        after: str | None = ""
        while after is not None:
            page = self._ask(client, world, "/files", {"after": after, "limit": "50"})
            yield from page["files"]
            after = page["next"]

    def _ask(
        self,
        client: httpx.Client,
        world: WorldLedger | None,
        path: str,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        headers = {"Authorization": f"Bearer {world.key}"} if world else {}
        answer = client.get(f"/__mockkie{path}", params=query, headers=headers)
        answer.raise_for_status()
        return answer.json()
