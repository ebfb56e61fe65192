"""A page of Markdown as GitHub reads it: its headings, links, and the code in it, with lines."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

_READER = MarkdownIt("commonmark").enable("table")
#: What a heading loses on its way to an anchor: all but letters, digits, `_`, `-` and spaces.
_NO_SLUG = re.compile(r"[^\w\- ]")
_HTML_ID = re.compile(r"""<\w+[^>]*\s(?:id|name)=["']([^"']+)["']""")


class Heading(NamedTuple):
    """A heading, with its level and its anchor."""

    line: int
    level: int
    text: str
    slug: str


class Link(NamedTuple):
    """Where a link or an image leads, as it is written."""

    line: int
    target: str


class Code(NamedTuple):
    """Code: the language of a block, or ``inline``."""

    line: int
    language: str
    text: str


@dataclass(frozen=True)
class Page:
    """The text of a page, and its path in the repository."""

    path: str
    text: str

    @cached_property
    def tokens(self) -> list[Token]:
        return _READER.parse(self.text)

    @cached_property
    def headings(self) -> list[Heading]:
        return list(self._headings())

    def _headings(self) -> Iterator[Heading]:
        seen: Counter[str] = Counter()
        for opening, inline in zip(self.tokens, self.tokens[1:], strict=False):
            if opening.type == "heading_open":
                text = "".join(each.content for each in inline.children or [])
                first = slug(text)
                times = seen[first]
                seen[first] += 1
                name = f"{first}-{times}" if times else first
                yield Heading(_line(opening), int(opening.tag[1]), text, name)

    @property
    def anchors(self) -> frozenset[str]:
        """What a link to a part of the page may name."""
        html = (each.content for each in self.tokens if each.type == "html_block")
        inline = (each.content for _, each in self._inline() if each.type == "html_inline")
        named = [name for text in (*html, *inline) for name in _HTML_ID.findall(text)]
        return frozenset([*named, *(heading.slug for heading in self.headings)])

    def links(self) -> Iterator[Link]:
        """Every link and image, in order."""
        for line, token in self._inline():
            if token.type in {"link_open", "image"}:
                yield Link(line, str(token.attrs["href" if token.type == "link_open" else "src"]))

    def code(self) -> Iterator[Code]:
        """Every block of code and every piece of it in a line; a wrapped piece is one line."""
        for token in self.tokens:
            if token.type in {"fence", "code_block"}:
                fenced = token.type == "fence"
                yield Code(_line(token) + fenced, token.info.split(" ")[0], token.content)
        for line, token in self._inline():
            if token.type == "code_inline":
                yield Code(line, "inline", token.content)

    def _inline(self) -> Iterator[tuple[int, Token]]:
        """What stands in paragraphs, headings and cells, with its line."""
        for block in self.tokens:
            source = "\n".join(self.text.split("\n")[slice(*block.map)]) if block.map else ""
            at = 0
            for token in block.children or []:
                found = _wrapped(token.content).search(source, at)
                start, at = found.span() if found else (at, at)
                yield _line(block) + source.count("\n", 0, start), token


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 0


def _wrapped(text: str) -> re.Pattern[str]:
    """*text* as it may stand in the source: where it has a space, that may have a line's end."""
    return re.compile(r"\s+(?:> ?)?".join(map(re.escape, text.split())))


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading, where no earlier one has it."""
    return _NO_SLUG.sub("", heading.strip().lower()).replace(" ", "-")
