"""Where links of pages lead, and which pages none leads to. Pure."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from tests.docs.page import Page

#: A part of a file that is no Markdown: GitHub's anchors of lines.
_LINES = re.compile(r"L\d+(?:-L\d+)?")
#: What GitHub shows of a directory.
_INDEX = "README.md"


def broken(page: Page, pages: Mapping[str, Page], files: Collection[str]) -> Iterator[str]:
    """What is wrong with each link of *page* that leads nowhere."""
    for link in page.links():
        what = _wrong(page, link.target, pages, files)
        if what:
            yield f"{page.path}:{link.line}: {link.target}: {what}"


def _wrong(page: Page, target: str, pages: Mapping[str, Page], files: Collection[str]) -> str:
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return ""
    if parts.path.startswith("/"):
        return "begins at the root, which is another on every site"
    path = _path(page.path, parts.path)
    if path.startswith(".."):
        return "leads out of the repository"
    if path not in files and not _is_directory(path, files):
        return "there is no such file"
    return _no_anchor(unquote(parts.fragment), pages.get(_shown(path, files)))


def _no_anchor(name: str, to: Page | None) -> str:
    if not name or (to and name in to.anchors) or (not to and _LINES.fullmatch(name)):
        return ""
    return "there is no such part of it"


def _path(origin: str, path: str) -> str:
    """The path in the repository that a link from *origin* names."""
    return posixpath.normpath(
        posixpath.join(posixpath.dirname(origin), unquote(path)) if path else origin
    )


def _is_directory(path: str, files: Collection[str]) -> bool:
    return path == "." or any(file.startswith(f"{path}/") for file in files)


def _shown(path: str, files: Collection[str]) -> str:
    return posixpath.normpath(f"{path}/{_INDEX}") if path not in files else path


def reached(start: Collection[str], pages: Mapping[str, Page]) -> set[str]:
    """The pages that links lead to from those of *start*, over any number of others."""
    found, waiting = set[str](), [path for path in start if path in pages]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        led = (_path(path, urlsplit(link.target).path) for link in pages[path].links())
        waiting += [shown for to in led if (shown := _shown(to, pages)) in pages]
    return found
