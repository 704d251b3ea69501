"""A real Chromium in front of a real mock; a fresh world and a fresh profile for each test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.visitors import Visitor

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    *"--headless --no-sandbox --disable-gpu --disable-background-networking "
    "--disable-component-update --disable-sync --no-first-run".split(),
    "--host-resolver-rules=MAP rebound.example 127.0.0.1",
]
SECONDS = 15.0


@dataclass
class Window:
    """A tab on the dashboard of one world, and what went wrong in it."""

    page: Page
    visitor: Visitor
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", self._note)
        self.page.on("request", lambda asked: self._judge(asked.url))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.troubles.append(message.text)

    def _judge(self, url: str) -> None:
        """The page works offline: it asks nobody but its mock."""
        if not url.startswith((self.visitor.origin, "data:", "blob:", "chrome-extension:")):
            self.troubles.append(f"asks {url}")

    def url(self, path: str) -> str:
        return f"{self.visitor.origin}/__mockkie/ui/{self.visitor.id}/{path}"

    def go(self, path: str = "files") -> Page:
        """A page of the world, once its news come in."""
        self.page.goto(self.url(path))
        self.page.wait_for_selector('[data-live-state="on"]')
        return self.page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests of a file: playwright's loop must not outlive those that need none."""
    if CHROMIUM is None and "CI" not in os.environ:
        pytest.skip("needs Debian's chromium (CI has it)")
    assert CHROMIUM is not None, "chromium is missing: apt-get install chromium"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1280, "height": 800})
    made.set_default_timeout(SECONDS * 1_000)
    yield made
    made.close()


@pytest.fixture
def window(guest: Visitor, context: BrowserContext) -> Iterator[Window]:
    """A tab on a fresh world; that nothing went wrong in it is checked at the end."""
    opened = Window(context.new_page(), guest)
    yield opened
    assert opened.troubles == []
