"""What a stranger's page, or an uploaded one, cannot do to a mock that a developer runs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Error, Page, expect

from tests.browser.conftest import Window
from tests.visitors import FROZEN, Visitor, serving

EVIL_SCRIPT = """
(async () => {
    const said = {};
    for (const [name, path, options] of [
        ["clock", "/__mockkie/clock", {method: "DELETE"}],
        ["reset", "/__mockkie/reset", {method: "POST"}],
        ["plain", "/__mockkie/reset", {method: "POST", mode: "no-cors"}],
        ["worlds", "/__mockkie/worlds", {}],
        ["page", "/__mockkie/ui/worlds", {}],
    ]) {
        try {
            const answer = await fetch(ORIGIN + path, options);
            said[name] = answer.type === "opaque" ? "opaque" : answer.status;
        } catch (error) { said[name] = "blocked"; }
    }
    try { said.parent = parent.document.body.innerText.length; } catch { said.parent = "blocked"; }
    document.title = JSON.stringify(said);
})();
"""
FORM = '<form method="post" action="ORIGIN/__mockkie/ui/WORLD/reset"><button>win</button></form>'


class Evil(BaseHTTPRequestHandler):
    """Serves one page of an origin that is not the mock's."""

    page = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def strange(guest: Visitor) -> Iterator[str]:
    """The origin of a page that attacks the mock of the guest."""
    script = f"<script>{EVIL_SCRIPT}</script>" + FORM
    page = script.replace("ORIGIN + path", f"{guest.origin!r} + path")
    page = page.replace("ORIGIN", guest.origin).replace("WORLD", guest.id)
    handler = type("Handler", (Evil,), {"page": page.encode()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def said_by(page: Page) -> dict[str, Any]:
    """What the script put into the title of its page, once it is through."""
    page.evaluate(
        """async () => {
            for (let left = 500; left && !document.title.startsWith("{"); left -= 1) {
                await new Promise((go) => setTimeout(go, 20));
            }
        }"""
    )
    said: dict[str, Any] = json.loads(page.title())
    return said


def test_a_page_of_a_stranger_changes_and_reads_nothing(
    guest: Visitor, context: BrowserContext, strange: str
) -> None:
    guest.set_clock()
    guest.upload("stream", b"x", "a", "b.txt")
    page = context.new_page()
    page.goto(strange)
    said = said_by(page)
    assert said.pop("plain") == "opaque"  # it may be sent, but never does anything
    assert set(said.values()) - {len("win")} <= {"blocked", 3}
    page.get_by_role("button", name="win").click()
    expect(page.locator("body")).to_contain_text("only pages of the mock's own may")
    assert guest.control("GET", "/clock").json["now"] == FROZEN
    assert guest.paths() == ["a/b.txt"]


@pytest.mark.parametrize("kind", ["html", "svg"])
def test_an_uploaded_page_is_nobody_to_the_mock_its_link_is_of(
    guest: Visitor, context: BrowserContext, kind: str
) -> None:
    """The link is of the mock's own origin: it must not be of any to the browser."""
    script = EVIL_SCRIPT.replace("ORIGIN", repr(guest.origin))
    content = {
        "html": f"<!doctype html><title>x</title><body><script>{script}</script>",
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><title>x</title><script><![CDATA[{script}'
        "]]></script></svg>",
    }[kind]
    guest.set_clock()
    link = guest.upload("stream", content.encode(), "a", f"b.{kind}")["downloadUrl"]
    page = context.new_page()
    page.goto(link)
    said = said_by(page)
    assert {said[name] for name in ("clock", "reset", "worlds", "page")} == {"blocked"}
    assert guest.control("GET", "/clock").json["now"] == FROZEN
    assert guest.paths() == [f"a/b.{kind}"]


@pytest.mark.parametrize(
    "mime", ["text/html", "text/xml", "text/xsl", "application/unknown", "unknown/unknown"]
)
def test_what_a_browser_takes_for_a_page_is_of_no_origin(
    guest: Visitor, context: BrowserContext, mime: str
) -> None:
    """Some types it looks into, and some it takes for XML: each could run as the mock's own."""
    content = (
        b'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title>'
        b"<script>document.title = self.origin</script></head><body/></html>"
    )
    link = guest.upload("stream", content, "a", "b", mime=mime)["downloadUrl"]
    page = context.new_page()
    with contextlib.suppress(Error):  # what it does not look into it stores
        page.goto(link)
    assert page.title() in ("", "null")  # the script is carried out before the page has loaded


@pytest.mark.parametrize("kind", ["html", "svg"])
def test_a_preview_runs_nothing(window: Window, kind: str) -> None:
    guest = window.visitor
    script = "document.documentElement.dataset.ran = parent.document.title = 'ran'"
    content = {
        "html": f"<!doctype html><p>seen</p><script>{script}</script>"
        f'<img src="x" onerror="{script}"><meta http-equiv="refresh" content="0;url=/livez">',
        "svg": '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" '
        f'onload="{script}"><script>{script}</script></svg>',
    }[kind]
    guest.upload("stream", content.encode(), "a", f"b.{kind}")
    page = window.go(f"files/view?path=a/b.{kind}")
    if kind == "html":
        frame = page.frame_locator("iframe")
        expect(frame.get_by_text("seen")).to_be_visible()
    else:
        assert page.locator(".preview img").evaluate("(image) => image.decode()") is None
    expect(page.locator("#text")).to_have_text(content)
    page.goto(window.url(f"files/content?path=a/b.{kind}"))
    assert page.evaluate("[document.documentElement.dataset.ran, origin]") == [None, "null"]
    assert "ran" not in page.title()
    refusals = ("sandbox", "script", "Content Security Policy", "Refused", "Unsafe attempt")
    assert [one for one in window.troubles if not any(word in one for word in refusals)] == []
    assert window.troubles
    window.troubles.clear()  # each of them is the browser that refuses to run something


def test_what_a_file_is_called_stays_text(window: Window) -> None:
    name = '"><img src=x onerror=alert(1)>.txt'
    window.visitor.upload("stream", b"</pre><script>alert(1)</script>", "a'<b>", name)
    page = window.go()
    expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.locator("#text")).to_contain_text("</pre><script>")
    window.go("journal")
    expect(page.locator("[data-entries]")).to_contain_text(name)
    window.go("clock")
    expect(page.locator(".versions")).to_contain_text(name)
    assert page.locator("img[src=x]").count() == 0


def test_pages_have_a_strict_policy(guest: Visitor) -> None:
    url = f"{guest.origin}/__mockkie/ui/{guest.id}"
    for path in ("files", "journal", "clock", "faults", "contract", "claims"):
        headers = guest.get(f"{url}/{path}").headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
    guest.upload("stream", b"<svg/>", "a", "b.svg")
    headers = guest.get(f"{url}/files/content?path=a/b.svg").headers
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"


def test_a_name_that_was_led_here_sees_nothing(guest: Visitor, context: BrowserContext) -> None:
    """DNS rebinding: to the browser all of it is one origin, the stranger's."""
    port = urlsplit(guest.origin).port
    page = context.new_page()
    answer = page.goto(f"http://rebound.example:{port}/__mockkie/ui/{guest.id}/files")
    assert answer is not None
    assert answer.status == 403
    expect(page.locator("body")).to_contain_text("is not a name of this mock")
    said = page.evaluate("fetch('/__mockkie/worlds').then((answer) => answer.status)")
    assert said == 403


def test_a_browser_enters_with_the_control_key(context: BrowserContext) -> None:
    key = "a-control-key-of-24-char"
    with serving(control_key=key) as server:
        page = context.new_page()
        page.goto(f"{server.origin}/__mockkie/")
        expect(page.locator("body")).to_contain_text("has a control key")
        page.get_by_label("Control key").fill("kie-mock-key")
        page.get_by_role("button", name="Enter").click()
        expect(page.get_by_role("alert")).to_contain_text("not the key")
        page.get_by_label("Control key").fill(key)
        page.get_by_role("button", name="Enter").click()
        page.wait_for_selector('[data-live-state="on"]')
        assert page.evaluate("document.cookie") == ""
