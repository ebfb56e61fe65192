"""The documentation site as a reader has it: in a real browser, by a real server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.browser.conftest import DESK, PHONE, Watch, clone, width

from hostwright.errors import ToolError
from hostwright.site.build import build

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

DRAWN = "document.querySelectorAll('pre.diagram:not([data-drawn])').length === 0"
#: How many pixels the page is wider than the screen.
TOO_WIDE = """Math.max(...[document.documentElement, document.body].map(
  (item) => item.scrollWidth - item.clientWidth))"""
#: Text that Markdown should have made a list, a table, a heading or a fence of.
RAW = """[...document.querySelectorAll('article p, article li')]
  .flatMap((item) => [...item.childNodes].filter((node) => node.nodeType === 3))
  .map((node) => node.textContent.trim())
  .filter((text) => /^([-*] |\\||#+ |```)/m.test(text))"""


def pages(site: Path) -> list[str]:
    return sorted(
        path.removesuffix("index.html")
        for path in (file.relative_to(site).as_posix() for file in site.rglob("*.html"))
        if path != "404.html"
    )


def test_every_page_opens_whole_on_a_desk_and_on_a_phone(
    page: Page, site: Path, address: str
) -> None:
    watch = Watch(page, address)
    faults = []
    for path in pages(site):
        page.set_viewport_size(DESK)
        page.goto(address + path, wait_until="load")
        page.wait_for_function(DRAWN)
        page.set_viewport_size(PHONE)
        if (wider := page.evaluate(TOO_WIDE)) > 0:
            faults.append(f"{path} is {wider} pixels wider than a phone")
        faults += [f"{path} {fault}" for fault in watch.told()]
        faults += [f"{path} shows as text: {text}" for text in page.evaluate(RAW)]
    assert not faults, "\n".join(faults)


def test_what_goes_wrong_on_a_page_is_noticed(page: Page, site: Path, address: str) -> None:
    (site / "assets" / "wrong.html").write_text(
        "<img src='http://127.0.0.1:1/x.png'><script src='gone.js'></script>"
        "<script>console.error('told'); nothing()</script><p style='width: 500px'>.</p>"
    )
    watch = Watch(page, address)
    page.set_viewport_size(PHONE)
    page.goto(f"{address}assets/wrong.html")
    told = "\n".join(watch.told())
    for fault in ("asks http://127.0.0.1:1/x.png", "cannot load http", "says told", "404"):
        assert fault in told
    assert "nothing is not defined" in told
    assert page.evaluate(TOO_WIDE) > 0


def test_a_diagram_is_drawn_by_the_site_alone_and_anew_in_the_dark(
    page: Page, address: str
) -> None:
    page.goto(f"{address}trackers/planted/")
    drawing = page.locator("pre.diagram[data-drawn=light] > svg")
    drawing.wait_for()
    assert "the contract" in (drawing.text_content() or "")
    assert width(drawing) > 200
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")

    page.locator("label[for^=__palette]:visible").click()

    page.locator("pre.diagram[data-drawn=dark] > svg").wait_for()
    assert page.get_attribute("body", "data-md-color-scheme") == "slate"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    page.goto(address)
    assert page.get_attribute("body", "data-md-color-scheme") == "slate"


def test_a_page_without_a_diagram_does_not_load_what_draws_them(page: Page, address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address, wait_until="networkidle")
    assert any(url.endswith("diagrams.js") for url in asked)
    assert not any("mermaid" in url for url in asked)


def test_a_wide_table_scrolls_in_its_own_box(page: Page, address: str) -> None:
    page.set_viewport_size(PHONE)
    page.goto(f"{address}trackers/planted/")
    box = page.locator(".md-typeset__scrollwrap").first
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    assert box.evaluate("box => getComputedStyle(box).overflowX") == "auto"


def test_search_finds_the_page_that_has_a_word(page: Page, address: str) -> None:
    page.goto(address, wait_until="networkidle")
    page.locator(".md-search__button").click()
    search = page.locator("dialog[open]")
    search.locator("input").fill("quetzalcoatlus")
    found = search.get_by_role("option")
    found.first.wait_for()
    assert "planted" in found.first.inner_text()
    assert found.count() == 1
    found.click()
    page.wait_for_url(re.compile("trackers/planted"))


def test_an_anchor_that_is_not_there_fails_the_build(tmp_path: Path) -> None:
    root = clone(tmp_path)
    (root / "CHANGELOG.md").write_text("# Changelog\n\n[x](README.md#no-such-heading)\n")
    with pytest.raises(ToolError, match="no-such-heading") as caught:
        build(tmp_path / "site", root=root)
    assert "Traceback" not in str(caught.value)
    assert not (tmp_path / "site").exists()
