"""The dashboard for every eye, on every screen, and for worlds with very much in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from mockkie.clock import SECOND
from mockkie.journal import Entry
from mockkie.samples import sample_for
from mockkie.server import Server
from mockkie.stored import StoredFile
from tests.browser.conftest import Window
from tests.clients import Client
from tests.visitors import Visitor, visiting

PAGES = (
    "files",
    "files/view?path=a/b.png",
    "files/view?path=a/b.md",
    "journal",
    "journal/4",
    "clock",
    "faults",
    "contract",
    "claims",
    "../worlds",
    "files?q=nothing-is-like-that",
    "../no-such-world/files",
)
DAY = 86_400 * SECOND


@pytest.fixture(scope="module")
def full(servers: Mapping[str, Server], http: Client) -> Iterator[Visitor]:
    """A world with something on every page."""
    with visiting(servers["memory"], http) as visitor:
        for name in ("b.png", "b.mp4", "b.md", "b.html"):
            content = sample_for(f"https://example.com/{name}").content
            visitor.upload("stream", content, "a", name)
        visitor.upload("stream", b"x" * 9_000, "a/" + "very-long-name" * 12, "long.bin")
        visitor.post("stream", b"x", "/a")
        visitor.control("POST", "/faults", {"scenario": "flaky-network"})
        yield visitor


OPEN = """[...document.querySelectorAll("details:not([data-source])")].slice(0, 20).forEach(
    (one) => { one.open = true; }
)"""
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}


def test_nothing_is_in_the_way_of_anyone(browser: Browser, full: Visitor) -> None:
    """By the rules of axe-core, with what is shut opened: nothing serious, nothing critical.

    In the dark colours differ, and nothing else.
    """
    context = browser.new_context()
    page = context.new_page()
    found: list[tuple[str, str, Any]] = []
    for path in PAGES:
        page.emulate_media(color_scheme="light")
        page.goto(Window(page, full).url(path))
        page.evaluate(OPEN)
        misses = Axe().run(page).response["violations"]
        page.emulate_media(color_scheme="dark")
        misses += Axe().run(page, options=CONTRAST).response["violations"]
        found += [
            (path, miss["id"], miss["nodes"][0]["html"][:200])
            for miss in misses
            if miss["impact"] in {"serious", "critical"}
        ]
    context.close()
    assert found == []


def test_a_phone_shows_all_without_moving_sideways(browser: Browser, full: Visitor) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    wide = {}
    for path in PAGES:
        page.goto(Window(page, full).url(path))
        page.evaluate(OPEN)
        wide[path] = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    context.close()
    assert wide == dict.fromkeys(PAGES, False)


def weigh(page: Page) -> tuple[int, int]:
    """The nodes of a page, and the bytes that it was sent in."""
    nodes: int = page.evaluate("document.querySelectorAll('*').length")
    return nodes, len(page.content())


def is_light(page: Page) -> None:
    nodes, size = weigh(page)
    assert nodes < 2_500
    assert size < 250_000


def test_very_much_is_shown_in_windows(window: Window, memory: Server) -> None:
    """10,000 files and 50,000 entries: nodes and bytes stay what they are for a hundred."""
    visitor, service = window.visitor, memory.mock.service
    world = service.worlds.get(visitor.id)
    assert world is not None

    async def fill() -> None:
        world.journal.limit = 1 << 30
        now = world.clock.now()
        for number in range(10_000):
            async with service.store.draft() as draft:
                name = f"{number:05}.txt"
                path = f"many/{number % 90}/{name}"
                file = StoredFile(
                    f"v{number}", path, name, 0, "text/plain", draft.digest, now, now + 3 * DAY
                )
                await service.store.keep(world.id, draft, file)
        for number in range(50_000):
            entry = Entry(at=now, method="GET", target=f"/x/{number}", status=404)
            entry.decision, entry.why = "refused", "there is no such file"
            world.journal.add(entry)

    memory.call(fill())
    page = window.go("files")
    assert page.locator("tbody tr").count() == 50
    is_light(page)
    page.get_by_label("Search paths").fill("09999")
    page.locator("tr[data-path='many/9/09999.txt']").wait_for()
    assert page.locator("tbody tr").count() == 1
    page = window.go("files?page=199&sort=path")
    assert page.locator("tbody tr").count() == 50
    page = window.go("journal")
    assert page.locator("[data-entries] > li").count() == 100
    is_light(page)
    page.get_by_label("Search requests").fill("/x/777")
    page.locator("#e778").wait_for()
    assert page.locator("[data-entries] > li").count() == 11
    page = window.go("clock")
    page.get_by_text("10,000 of 10,000 files expire").wait_for()
    assert weigh(page)[0] < 600
