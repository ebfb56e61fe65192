"""The contract's matrix, on the site and as the file that Invoke writes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

import pytest
from tests.browser.conftest import PHONE, Watch, width

from hostwright import paths
from hostwright.contract import load
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from hostwright.contract.models import Contract, Variable

pytestmark = pytest.mark.browser

ROWS = "table.matrix tbody tr:visible"


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that Invoke writes."""
    file: Path = tmp_path_factory.mktemp("matrix") / "matrix.html"
    words = ["contract.matrix", "--html", str(file)]
    run([sys.executable, "-m", "invoke", *words], cwd=paths.ROOT)
    return file


@pytest.fixture(params=["site", "file"])
def opened(request: pytest.FixtureRequest, page: Page, address: str, alone: Path) -> Page:
    """The matrix, opened in one way and in the other."""
    where = f"{address}reference/matrix/" if request.param == "site" else alone.as_uri()
    page.goto(where)
    return page


def test_the_site_serves_the_file_that_invoke_writes(site: Path, alone: Path) -> None:
    assert (site / "reference" / "contract-matrix.html").read_bytes() == alone.read_bytes()
    assert alone.read_text().partition('<div class="matrix-box"')[2].partition("</table>")[0] in (
        site / "reference" / "matrix" / "index.html"
    ).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("chosen", "fits"),
    [
        ({}, lambda _: True),
        ({"role": "web"}, lambda item: "web" in item.roles),
        ({"target": "gcp"}, lambda item: item.source("gcp").emitted),
        ({"secret": "yes"}, lambda item: item.secret),
        (
            {"role": "migrate", "target": "vps", "secret": "no"},
            lambda item: "migrate" in item.roles and item.source("vps").emitted and not item.secret,
        ),
    ],
    ids=["all", "role", "target", "secret", "three"],
)
def test_it_shows_what_the_contract_has(
    opened: Page, contract: Contract, chosen: dict[str, str], fits: Callable[[Variable], bool]
) -> None:
    for name, value in chosen.items():
        opened.select_option(f"select[name={name}]", value)
    wanted = [name for name, item in contract.variables.items() if fits(item)]
    assert 0 < len(wanted) < len(contract.variables) or not chosen
    assert [row.split()[0] for row in opened.locator(f"{ROWS} th").all_inner_texts()] == wanted
    told = f"{len(wanted)} of {len(contract.variables)} variables"
    assert opened.locator(".matrix-filter output").inner_text() == told
    columns = opened.locator("table.matrix thead th[data-target]:visible").all_inner_texts()
    assert columns == ([chosen["target"]] if "target" in chosen else [*contract.targets])


def test_it_finds_by_text(opened: Page) -> None:
    opened.fill("input[name=text]", "  database_URL ")
    shown = opened.locator(f"{ROWS} th").all_inner_texts()
    assert "DATABASE_URL" in shown[0]
    assert len(shown) < 10
    opened.fill("input[name=text]", "no variable says this")
    assert opened.locator(ROWS).count() == 0


def test_on_a_phone_the_name_stays_while_the_rest_scrolls(opened: Page) -> None:
    opened.set_viewport_size(PHONE)
    name = opened.locator(f"{ROWS} th").first
    before = name.bounding_box()
    opened.locator(".matrix-box").evaluate("box => { box.scrollLeft = 300; }")
    assert opened.locator(".matrix-box").evaluate("box => box.scrollLeft") == 300
    assert name.bounding_box() == before
    assert 0 < width(name) < PHONE["width"] / 2


def test_it_is_whole_without_javascript(chromium: Browser, alone: Path, contract: Contract) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(alone.as_uri())
    assert page.locator(ROWS).count() == len(contract.variables)
    assert not page.locator(".matrix-filter").is_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_file_is_as_dark_as_the_reader_wants_and_asks_nothing(
    chromium: Browser, alone: Path, scheme: Literal["light", "dark"]
) -> None:
    context = chromium.new_context(color_scheme=scheme)
    page = context.new_page()
    watch = Watch(page, alone.as_uri())
    page.goto(alone.as_uri(), wait_until="load")
    cell = page.locator("table.matrix td").first
    paper = cell.evaluate("cell => getComputedStyle(cell).backgroundColor.match(/\\d+/g)")
    ink = cell.evaluate("cell => getComputedStyle(cell).color.match(/\\d+/g)")
    dark = sum(map(int, paper[:3])) < sum(map(int, ink[:3]))
    assert dark is (scheme == "dark")
    assert watch.told() == []
    context.close()
