"""The page that `mockkie check --report FILE.html` writes, opened as a file: no server is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

import mockkie
from mockkie.harness.api import STREAM
from mockkie.harness.plan import Plan
from mockkie.harness.report import write_report
from mockkie.harness.target import open_target
from mockkie.harness.verdicts import Clause, Finding, Layer, Level, Report, Verdict
from tests.browser.test_pictures import ASKED, IMAGES, MOST, outline
from tests.judging import check

KEY = "its-very-secret-key"
EVIL = (
    "</code></pre></script></style><script>document.title='ran'</script>"
    "<img src=x onerror=\"document.title='ran'\"><svg onload=\"document.title='ran'\">"
)


class Hostile(BaseHTTPRequestHandler):
    """Answers with markup in body, headers and reason, and tells the key."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        key = self.headers.get("authorization", "")
        link = f"http://{self.headers['host']}/{quote(EVIL)}"
        facts: dict[str, Any] = dict.fromkeys(("fileName", "filePath", "mimeType"), EVIL)
        facts |= {"downloadUrl": link, "fileSize": 7, "uploadedAt": key}
        body = json.dumps({"success": True, "code": 200, "msg": key, "data": facts}).encode()
        self.send_response(200, EVIL)
        self.send_header("content-type", f"application/json; {EVIL}")
        self.send_header("x-key", key)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = _answer  # noqa: N815 - so they are called

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of what such a server answered to a run."""
    path = tmp_path_factory.mktemp("hostile") / "x.html"
    with ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with open_target(Plan(url=url, key=KEY)) as target:
            why = target.hide_keys(f"it says {target.post(STREAM).text}")
            target.get(f"{url}/{quote(EVIL)}")
            lines, answers = target.reproduce(), target.answers()
        server.shutdown()
    clause = Clause("content.stays", Level.DOCUMENTED, "Says so.", "vendor")
    finding = Finding(EVIL, Verdict.VIOLATED, why, lines, 0.1, EVIL, answers)
    facts: dict[str, Any] = {"target": f"http://{EVIL}", "profile": "quick", "seed": 1}
    report = Report.of([clause], [(clause.id, finding)], **facts, requests=2, seconds=1.0)
    write_report(report, path)
    return path


D, O, A = Level.DOCUMENTED, Level.OBSERVED, Level.ASSUMED  # noqa: E741 - as short as the table
ROWS = (
    ("auth.bearer", D, Verdict.UPHELD, ""),
    ("auth.exact", D, Verdict.VIOLATED, "a key without its last letter is answered 200"),
    ("overwrite.latest-bytes", D, Verdict.UPHELD, ""),
    ("overwrite.nothing-else", D, Verdict.NOT_JUDGED, "the requests of this run are spent"),
    ("expiry.three-days", D, Verdict.DEFERRED, "its clock cannot be moved"),
    ("download.head", O, Verdict.VIOLATED, "HEAD is answered 405"),
    ("naming.dots", A, Verdict.VIOLATED, "a path with `..` is taken"),
    ("hosts.cors", O, Verdict.UPHELD, ""),
)
LINES = ("curl -i http://127.0.0.1:8000/a  # 404", "curl -i http://127.0.0.1:8000/b  # 200")
SAID = (
    "GET http://127.0.0.1:8000/a\n404 Not Found\n\n{}",
    "GET http://127.0.0.1:8000/b\n200 OK\n\nb's bytes",
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with a clause of every kind."""
    found = [
        (
            name,
            Finding(
                "test_it",
                verdict,
                why,
                LINES if verdict == Verdict.VIOLATED else (),
                0.25,
                "test_it.py:7",
                SAID if verdict == Verdict.VIOLATED else (),
            ),
        )
        for name, _, verdict, why in ROWS
    ]
    clauses = [Clause(name, level, f"Sentence of {name}.", "vendor") for name, level, *_ in ROWS]
    path = tmp_path_factory.mktemp("written") / "check.html"
    report = Report.of(
        clauses,
        found,
        target="http://127.0.0.1:8000",
        profile="quick",
        seed=5430,
        requests=1_234,
        seconds=7.5,
        at="2026-01-08T12:00:00.000Z",
        layers=[Layer("directed", 330, 1_200, 7.0, 3), Layer("model", 1, 34, 0.5, 0)],
    )
    write_report(report, path)
    return path


@pytest.fixture
def page(context: BrowserContext, written: Path) -> Iterator[Page]:
    """The page in a tab; nothing is asked for, and nothing goes wrong in it."""
    troubles: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("console", lambda message: troubles.append(message.text))
    opened.on("request", lambda asked: troubles.append(asked.url))
    opened.goto(written.as_uri())
    yield opened
    assert [one for one in troubles if not one.startswith(("data:", written.as_uri()))] == []


def ids(page: Page) -> list[str]:
    """The clauses that are shown."""
    shown = page.locator("[data-clause]:visible")
    return [str(one.get_attribute("id")) for one in shown.all()]


def test_the_verdict_comes_first_then_what_is_wrong(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("violated")
    expect(page.get_by_role("img")).to_have_attribute(
        "aria-label",
        "1 violated, 1 violated (warning), 1 differs from our assumption, 3 upheld, "
        "1 not judged, 1 deferred",
    )
    assert ids(page) == [
        *("auth.exact", "download.head", "naming.dots", "auth.bearer", "overwrite.latest-bytes"),
        *("overwrite.nothing-else", "expiry.three-days", "hosts.cors"),
    ]
    card = page.locator("#auth\\.exact")
    expect(card).to_contain_text("a key without its last letter is answered 200")
    expect(card.locator(".answer").filter(visible=True)).to_contain_text("b's bytes")


def test_clauses_are_filtered_by_the_keyboard(page: Page) -> None:
    page.get_by_role("checkbox", name="violated 1", exact=True).focus()
    status = page.get_by_role("status")
    expect(status).to_have_text("all 8 clauses")
    page.keyboard.press("Space")
    expect(status).to_have_text("7 of 8 clauses")
    assert "auth.exact" not in ids(page)
    expect(page.get_by_role("heading", name="Violated 1")).to_be_hidden()
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert "naming.dots" not in ids(page)
    page.get_by_label("Group").focus()
    page.keyboard.type("over")
    expect(status).to_have_text("2 of 8 clauses")
    page.keyboard.press("Tab")
    page.keyboard.type("spent")
    assert ids(page) == ["overwrite.nothing-else"]
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(status).to_have_text("all 8 clauses")
    page.get_by_role("checkbox", name="documented").uncheck()
    assert ids(page) == ["download.head", "naming.dots", "hosts.cors"]


def test_a_link_to_a_clause_that_is_filtered_away_shows_it(page: Page) -> None:
    page.get_by_role("checkbox", name="documented").uncheck()
    page.evaluate("location.hash = '#auth.bearer'")
    expect(page.locator("#auth\\.bearer")).to_be_in_viewport()


def test_a_fragment_that_is_no_clause_breaks_nothing(page: Page) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    for fragment in ("#%", "#no.clause", "#%zz"):
        page.evaluate("(to) => { location.hash = to; }", fragment)
        page.wait_for_function("(to) => location.hash === to", arg=fragment)
    page.get_by_role("checkbox", name="documented").uncheck()
    page.evaluate("location.hash = '#auth.bearer'")
    expect(page.locator("#auth\\.bearer")).to_be_in_viewport()
    assert errors == []


@pytest.mark.parametrize("allowed", [True, False])
def test_commands_are_copied(page: Page, context: BrowserContext, *, allowed: bool) -> None:
    if allowed:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
    else:
        page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(); }")
    button = page.get_by_role("button", name="Copy the commands that show auth.exact")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    page.get_by_label("Words").focus()
    page.keyboard.press("Control+v")
    expect(page.get_by_label("Words")).to_have_value(" ".join(LINES))
    if allowed:
        expect(button).to_have_text("Copy")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_in_the_way_of_anyone(page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found = Axe().run(page).response["violations"]
    assert [(miss["id"], miss["nodes"][0]["html"]) for miss in found] == []


def test_a_phone_shows_all_without_moving_sideways(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.reload()
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_on_paper_all_is_open_and_nothing_is_to_be_pressed(page: Page) -> None:
    page.emulate_media(media="print")
    expect(page.locator("#auth\\.exact").get_by_text("404 Not Found")).to_be_visible()
    assert page.get_by_role("button").filter(visible=True).count() == 0
    expect(page.locator(".filters")).to_be_hidden()


def test_it_is_read_without_scripts_too(browser: Browser, written: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(written.as_uri())
    assert page.locator("[data-clause]:visible").count() == len(ROWS)
    assert page.get_by_role("button").filter(visible=True).count() == 0
    context.close()


def test_what_a_hostile_server_says_is_text(context: BrowserContext, hostile: Path) -> None:
    text = hostile.read_text()
    assert "&lt;img src=x" in text
    assert KEY not in text
    assert "$KIE_API_KEY" in text
    page = context.new_page()
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text))
    page.on("dialog", lambda dialog: troubles.append(dialog.message))
    page.goto(hostile.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    expect(page.locator(".answer").last).to_contain_text(EVIL)
    assert page.title() != "ran"
    assert page.locator("img, main svg").count() == 0
    assert troubles == []


def test_even_a_script_that_got_into_the_page_does_not_run(
    context: BrowserContext, written: Path, tmp_path: Path
) -> None:
    """The policy of the page, were the escaping wrong."""
    broken = tmp_path / "broken.html"
    broken.write_text(written.read_text().replace("</main>", EVIL + "</main>"))
    page = context.new_page()
    page.goto(broken.as_uri())
    expect(page.get_by_role("status")).to_have_text("all 8 clauses")
    assert page.title() != "ran"


def test_a_picture_shows_what_the_page_says(context: BrowserContext, tmp_path: Path) -> None:
    """Of a mock that forgets after a day, as the documentation shows it."""
    with mockkie.serve(retention="PT24H") as kie:
        only = [word for name in ("auth", "overwrite", "expiry") for word in ("--only", name)]
        done = check(tmp_path, kie.base_url, *only, "--report", "page.html")
    assert done.code == 1, done.output
    page = context.new_page()
    page.set_viewport_size({"width": 1_280, "height": 1_080})
    page.goto((tmp_path / "page.html").as_uri())
    picture, written = IMAGES / "report.png", IMAGES / "report.txt"
    if ASKED:
        page.screenshot(path=picture)
    page.evaluate("document.querySelectorAll('pre').forEach((one) => one.remove())")
    said = re.sub(r"[\d,.]*\d", "0", outline(page)).replace("\n0 s\n", "\n0 ms\n")
    if ASKED:
        written.write_text(said)
    anew = "the page has changed: MOCKKIE_SCREENSHOTS=1 pytest tests/browser/test_report.py"
    assert said == written.read_text(), anew
    assert 0 < picture.stat().st_size < MOST
