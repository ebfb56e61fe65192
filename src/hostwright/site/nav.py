"""The order of the pages: what a reader needs first stands first."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from hostwright.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

#: Section to its pages in order, as paths on the site. A path without a star must be there; one
#: with a star takes whatever it fits that stands nowhere else, in the order of the alphabet.
SECTIONS: dict[str, tuple[str, ...]] = {
    "Start": ("index.md", "contents*.md", "ops/setup-*.md", "contributing.md", "changelog.md"),
    "Hosting": (
        "ops/hosting-overview*.md",
        "ops/hosting-*.md",
        "ops/container-*.md",
        "ops/moving-between-targets.md",
    ),
    "Looking after": (
        "ops/looking-after-a-server.md",
        "ops/plan-and-drift.md",
        "ops/several-hosts-and-secrets.md",
        "ops/point-in-time-recovery.md",
        "ops/alerts.md",
        "ops/workflows*.md",
    ),
    "Security": ("security/*.md",),
    "Blueprints": ("blueprints/*.md",),
    "Reference": ("reference/matrix.md", "reference/*.md"),
    "Decisions": ("decisions/*.md",),
    "Proof": ("proof/index.md", "proof/*.md"),
    "Trackers": ("trackers/*.md",),
}
#: Pages whose own heading says too little beside the others.
TITLES = {
    "index.md": "Overview",
    "contents.md": "All pages",
    "blueprints/charts-app.md": "The Helm chart",
}


class Entry(NamedTuple):
    """A page in the navigation: its title, and its path on the site."""

    title: str
    path: str


def arrange(pages: Mapping[str, str]) -> dict[str, list[Entry]]:
    """Every page in its section; a section without a page is left out.

    Args:
        pages: Path on the site to the page's Markdown.

    Raises:
        UserError: A page stands in no section, or a section names a page that is not there.
    """
    taken: set[str] = set()
    arranged: dict[str, list[Entry]] = {}
    exact = {pattern for patterns in SECTIONS.values() for pattern in patterns if _exact(pattern)}
    for section, patterns in SECTIONS.items():
        paths = [*_expanded(patterns, pages.keys(), exact, taken)]
        if paths:
            arranged[section] = [
                Entry(TITLES.get(path) or title(pages[path], path), path) for path in paths
            ]
    lost = sorted(pages.keys() - taken)
    if lost:
        raise UserError(
            f"no section of the site has {', '.join(lost)}",
            where="src/hostwright/site/nav.py",
            remedy="Put each page into the section where a reader looks for it.",
        )
    return arranged


def title(text: str, path: str) -> str:
    """A page's title: its first heading, in plain letters.

    Raises:
        UserError: It has none.
    """
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    if not found:
        raise UserError("the page has no heading", where=path, remedy="Begin it with `# Title`.")
    plain = re.sub(r"\[([^]]+)]\([^)]*\)", r"\1", found[1])
    return plain.replace("`", "").strip()


def _expanded(
    patterns: Iterable[str], pages: Collection[str], exact: set[str], taken: set[str]
) -> Iterator[str]:
    """The pages that the patterns name, each once; they are added to *taken*."""
    for pattern in patterns:
        if _exact(pattern):
            found = [pattern]
            _there(pattern, pages)
        else:
            free = set(pages) - taken - exact
            found = sorted(path for path in free if fnmatchcase(path, pattern))
        taken.update(found)
        yield from found


def _there(path: str, pages: Collection[str]) -> None:
    if path not in pages:
        raise UserError(
            f"the navigation names {path}, which is not there",
            where="src/hostwright/site/nav.py",
            remedy="Take it out, or name the page that took its place.",
        )


def _exact(pattern: str) -> bool:
    return "*" not in pattern
