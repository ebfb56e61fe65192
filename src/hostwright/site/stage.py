"""What the site is made from: docs/, the READMEs of the blueprints, and the contract's matrix.

Pure: it takes the repository's files and gives those of the site, before Zensical sees them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hostwright.errors import UserError
from hostwright.site import links, lists, matrix, nav

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hostwright.contract.models import Contract

#: Files of the repository whose place on the site their path does not tell.
_PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "docs/README.md": "contents.md",
}
MATRIX = "reference/matrix.md"
#: What `invoke contract.matrix --html` writes, beside the page.
ALONE = "reference/contract-matrix.html"
#: Files that every page loads, and those that some do.
ASSETS = ("diagrams.js", "matrix.css", "matrix.js", "site.css")


@dataclass(frozen=True)
class Staged:
    """The site before it is built.

    Attributes:
        texts: Path on the site to the text of a page or of an asset.
        copies: Path on the site to a file of the repository that is taken as it is.
        sections: The navigation.
    """

    texts: dict[str, str]
    copies: dict[str, str]
    sections: dict[str, list[nav.Entry]]


def place(file: str) -> str | None:
    """Where on the site a file of the repository is; None for one that is not on it."""
    if file in _PAGES:
        return _PAGES[file]
    root, _, path = file.partition("/")
    if root == "docs" and path != "zensical.toml":
        return _index(path)
    if root == "ops" and path.endswith("/README.md"):
        return f"blueprints/{path.removesuffix('/README.md').replace('/', '-')}.md"
    return None


def stage(
    texts: Mapping[str, str],
    others: Mapping[str, str],
    contract: Contract,
    *,
    exists: Callable[[str], bool],
    repository: str = "",
) -> Staged:
    """The site's files.

    Args:
        texts: Every Markdown file that :func:`place` has a place for, by its path.
        others: Files that are taken as they are: path to place.
        contract: What the matrix shows.
        exists: Whether the repository has a file or directory.
        repository: Address of the repository's files; empty if unknown.

    Raises:
        UserError: A link leads to nothing, a page has no heading, stands in no section or
            takes the place of another.
    """
    places = {file: found for file in texts if (found := place(file))}
    every = places | dict(others)
    _once(every)
    site = links.Site(every, exists, repository)
    pages = {
        places[file]: lists.respaced(links.mapped(text, file, site)) for file, text in texts.items()
    }
    pages[MATRIX] = matrix_page(contract)
    assets = {f"assets/{name}": matrix.asset(name) for name in ASSETS}
    alone = {ALONE: matrix.page(contract)}
    copies = {found: file for file, found in others.items()}
    return Staged(pages | assets | alone, copies, nav.arrange(pages))


def _once(places: Mapping[str, str]) -> None:
    """Refuse two files at one place: one would be lost without a word."""
    taken: dict[str, str] = {MATRIX: "the contract's matrix", ALONE: "the contract's matrix"}
    for file, found in places.items():
        if found in taken:
            raise UserError(
                f"its place on the site, {found}, is that of {taken[found]}",
                where=file,
                remedy="Rename it.",
            )
        taken[found] = file


def matrix_page(contract: Contract) -> str:
    """The contract's matrix as a page of the site."""
    return f"""---
hide: [toc]
---

# {matrix.TITLE}

`ops/contract/contract.yaml` as one table.
`invoke contract.matrix --html FILE` writes it as [one file](contract-matrix.html) of its own.

{matrix.fragment(contract)}
"""


def _index(path: str) -> str:
    head, slash, name = path.rpartition("/")
    return f"{head}{slash}index.md" if name == "README.md" else path
