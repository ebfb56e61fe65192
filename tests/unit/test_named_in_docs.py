"""What security pages, decisions and trackers name is there; links of every page lead somewhere."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import TYPE_CHECKING

import pytest

from hostwright import paths
from hostwright.checks.ids import CHECKS

if TYPE_CHECKING:
    from pathlib import Path

DOCS = paths.ROOT / "docs"
PAGES = sorted(
    page for name in ("decisions", "security", "trackers") for page in (DOCS / name).rglob("*.md")
)
TEST = re.compile(r"`(test_\w+)`")
#: An id as checks have it. The tables of security pages are full of them; few other words are so.
ID = re.compile(r"`([a-z]+(?:-[a-z]+)+)`")
OTHER_WORDS = frozenset({"put-secret-value"})
CHECK = re.compile(r"\bchecks? ((?:`[a-z-]+`(?:,\s+|\s+and\s+)?)+)")
SESSION = re.compile(r"\bnox -s ([a-z0-9_]+)(?![*\w])")
LINK = re.compile(r"\]\(([^)#:]*)(?:#([^)]*))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@cache
def every_test() -> frozenset[str]:
    """Every test of the repository, by its name."""
    found = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)
    files = (paths.ROOT / "tests").rglob("test_*.py")
    return frozenset(name for file in files for name in found.findall(file.read_text()))


@cache
def sessions() -> frozenset[str]:
    """Every session of the noxfile."""
    tree = ast.parse((paths.ROOT / "noxfile.py").read_text())
    named = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    return frozenset(node.name for node in named if node.decorator_list)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = HEADING.findall(page.read_text())
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def shown(page: Path) -> str:
    return str(page.relative_to(DOCS))


def checks(page: Path) -> set[str]:
    """The ids of checks that a page names."""
    text = page.read_text()
    if page.parent.name != "security":
        text = " ".join(CHECK.findall(text))
    return set(ID.findall(text)) - OTHER_WORDS


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    assert set(TEST.findall(text)) <= every_test()
    assert checks(page) <= CHECKS.keys()
    assert set(SESSION.findall(text)) <= sessions()


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=shown)
def test_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        file = page.parent / target if target else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), f"{target}#{anchor}"


def test_there_are_pages_tests_checks_and_sessions() -> None:
    assert len(PAGES) > 8
    named = {page.name: checks(page) for page in PAGES}
    assert {"secret-in-chart", "secret-as-hook"} <= named["0006-kubernetes-secret-integration.md"]
    assert {"port-published", "static-key"} <= named["threat-model.md"]
    assert {"test_links_lead_to_a_file_and_a_heading"} <= every_test()
    assert {"demo", "e2e_vps", "lint"} <= sessions()
