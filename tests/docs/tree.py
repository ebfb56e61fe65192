"""The repository's Markdown: every page that git tracks, or would."""

from __future__ import annotations

from functools import cache

from tests.docs.page import Page

from hostwright import paths
from hostwright.run import run


@cache
def files() -> frozenset[str]:
    """Every file that is tracked or not ignored, and still there, by its path."""
    asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = run(asked, cwd=paths.ROOT).stdout.split("\0")
    return frozenset(name for name in names if name and (paths.ROOT / name).is_file())


@cache
def pages() -> dict[str, Page]:
    """Every page by its path."""
    return {
        name: Page(name, (paths.ROOT / name).read_text(encoding="utf-8"))
        for name in sorted(files())
        if name.endswith(".md")
    }
