"""Links between files of the repository, as they work on a site that holds only some of them.

A link to a page of the site leads there. A link to another file leads to the repository where its
address is known, else it becomes plain text that names the file. A link to nothing is an error.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from hostwright.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: An inline link or image: its text, its target. A title after the target is not used here.
_LINK = re.compile(r"(?P<bang>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^()\s]+)\)")
_FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
_CODE = re.compile(r"(`+)(?:.*?[^`])\1(?!`)")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//|#", re.IGNORECASE)


class Site(NamedTuple):
    """What links are mapped by.

    Attributes:
        pages: File of the repository to its path on the site.
        exists: Whether the repository has a file or directory.
        repository: Address that a path of the repository is appended to; empty if unknown.
    """

    pages: Mapping[str, str]
    exists: Callable[[str], bool]
    repository: str = ""


def mapped(text: str, file: str, site: Site) -> str:
    """A page's Markdown with links that work on the site.

    Args:
        text: Its Markdown.
        file: Its path in the repository.
        site: Where everything is.

    Raises:
        UserError: A link leads to nothing; it names file and line.
    """
    lines, fence = [], ""
    for number, line in enumerate(text.split("\n"), start=1):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = ""
        lines.append(line if fence or mark else _line(line, file, number, site))
    return "\n".join(lines)


def _line(line: str, file: str, number: int, site: Site) -> str:
    """One line outside fences; what is code in it stays."""
    code = [range(*found.span()) for found in _CODE.finditer(line)]

    def replaced(link: re.Match[str]) -> str:
        if any(link.start() in span for span in code):
            return link[0]
        return _link(link, file, number, site)

    return _LINK.sub(replaced, line)


def _link(link: re.Match[str], file: str, number: int, site: Site) -> str:
    if _ELSEWHERE.match(link["target"]):
        return link[0]
    path, mark, anchor = link["target"].partition("#")
    wanted = posixpath.normpath(posixpath.join(posixpath.dirname(file), unquote(path)))
    page = site.pages.get(wanted) or site.pages.get(f"{wanted}/README.md")
    if page:
        here = posixpath.dirname(site.pages[file])
        return f"{link['bang']}[{link['text']}]({posixpath.relpath(page, here)}{mark}{anchor})"
    if not site.exists(wanted):
        raise UserError(
            f"a link leads to {wanted}, which is not there",
            where=f"{file}:{number}",
            remedy="Correct its path: it is relative to the file that it stands in.",
        )
    if site.repository:
        address = f"{site.repository.rstrip('/')}/{wanted}{mark}{anchor}"
        return f"{link['bang']}[{link['text']}]({address})"
    return link["text"] if "`" in link["text"] else f"{link['text']} (`{wanted}`)"
