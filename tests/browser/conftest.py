"""The documentation site, built once from the repository with two planted pages, and a Chromium."""

from __future__ import annotations

import shutil
import threading
from typing import TYPE_CHECKING

import pytest

from hostwright import paths
from hostwright.rig.requirements import browser
from hostwright.site.build import build
from hostwright.site.command import server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import (
        Browser,
        BrowserContext,
        ConsoleMessage,
        Locator,
        Page,
        Request,
        ViewportSize,
    )

#: Has what the other pages may lack: a diagram, and a table that is wider than any screen.
PLANTED = f"""# A planted page

```mermaid
flowchart LR
  contract["the contract"] --> blueprint & release
```

| variable | {" | ".join(f"column {number}" for number in range(30))} |
|---|{"---|" * 30}
| `A_VARIABLE_WITH_A_RATHER_LONG_NAME` | {" | ".join(["something"] * 30)} |

Nowhere else stands the word quetzalcoatlus.
"""
PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 900}


def clone(to: Path) -> Path:
    """What the site is made from, to be changed."""
    for file in paths.ROOT.glob("*.md"):
        shutil.copy(file, to)
    shutil.copytree(paths.ROOT / "docs", to / "docs")
    # Links lead to any file of the repository.
    left_out = shutil.ignore_patterns("__pycache__", ".terraform")
    shutil.copytree(paths.OPS, to / "ops", ignore=left_out)
    for name in ("src", "tests", ".github"):
        (to / name).symlink_to(paths.ROOT / name)
    return to


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    root = clone(tmp_path_factory.mktemp("clone"))
    (root / "docs" / "trackers").mkdir(exist_ok=True)
    (root / "docs" / "trackers" / "planted.md").write_text(PLANTED)
    out: Path = tmp_path_factory.mktemp("out") / "site"
    build(out, root=root)
    return out


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Where the site is served."""
    with server(site, 0) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}/"
        serving.shutdown()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser())
        yield started
        started.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A reader who has been nowhere, at a desk, in daylight."""
    made = chromium.new_context(viewport=DESK, color_scheme="light")
    made.set_default_timeout(60_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page of that reader's."""
    return context.new_page()


def width(shown: Locator) -> float:
    """How many pixels wide something is; 0 for what is not shown."""
    box = shown.bounding_box()
    return box["width"] if box else 0


class Watch:
    """What went wrong on a page since it was last asked."""

    def __init__(self, page: Page, address: str) -> None:
        self.address = address
        self.faults: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self._add("raises", str(error)))
        page.on("request", self._requested)
        page.on("requestfailed", lambda request: self._add("cannot load", request.url))

    def told(self) -> list[str]:
        """The faults so far; they are forgotten."""
        told, self.faults = self.faults, []
        return told

    def _add(self, verb: str, what: str) -> None:
        self.faults.append(f"{verb} {what}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._add("says", message.text)

    def _requested(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self._add("asks", request.url)
