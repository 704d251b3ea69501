"""The site of docs/ in a browser: nothing is asked of others, it is found by words, it fits."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext

from tests.built_site import build

PHONE = (390, 844)
WIDE = ((1360, 900), (1000, 800))


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site)) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_words_lead_to_pages_and_nobody_else_is_asked(
    context: BrowserContext, address: str
) -> None:
    page = context.new_page()
    asked: list[str] = []
    troubles: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda one: troubles.append(one.text) if one.type == "error" else None)
    page.goto(f"{address}/index.html")
    page.get_by_placeholder("Search").fill("overwrite.latest-bytes")
    page.keyboard.press("Enter")
    page.locator("#search-results a", has_text="Clauses").first.click()
    page.get_by_role("heading", name="overwrite.latest-bytes").wait_for()
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    assert len(asked) > 10
    assert troubles == []


def test_no_page_is_wider_than_the_screen(browser: Browser, address: str, site: Path) -> None:
    names = [path.relative_to(site).as_posix() for path in sorted(site.rglob("*.html"))]
    page = browser.new_page()
    for name in names:
        page.goto(f"{address}/{name}", wait_until="domcontentloaded")
        for width, height in (
            PHONE,
            *(WIDE if "reference" in name or name == "index.html" else ()),
        ):
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_colours_can_be_read(browser: Browser, address: str, scheme: str) -> None:
    """By the rules of axe-core for contrast, in what the system's setting chooses."""
    page = browser.new_page(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(f"{address}/index.html")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    rules = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
    found = Axe().run(page, options=rules).response["violations"]
    assert [node["html"] for one in found for node in one["nodes"]] == []
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
    page.close()
