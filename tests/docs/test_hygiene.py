"""Pages of Markdown are put together alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.docs.page import Page
from tests.docs.tree import pages

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(page: Page) -> Iterator[str]:
    """What is not as it is in every page, with its line."""
    levels = [heading.level for heading in page.headings]
    if levels.count(1) != 1 or levels[0] != 1:
        yield "one heading of the first level is wanted, above the others"
    for before, heading in zip(page.headings, page.headings[1:], strict=False):
        if heading.level > before.level + 1:
            yield f"{heading.line}: level {heading.level} follows level {before.level}"
    blocks = {code.line + at for code in page.code() if code.language != "inline"
              for at in range(code.text.count("\n"))}  # fmt: skip
    for number, line in enumerate(page.text.split("\n"), 1):
        if "\t" in line and number not in blocks:
            yield f"{number}: a tab"
        if line != line.rstrip():
            yield f"{number}: blanks at the end of the line"
    if not page.text.endswith("\n") or page.text.endswith("\n\n"):
        yield "one line's end is wanted at the end"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A\n\n## B\n\n### C\n\n## D\n", []),
        ("# A\n\n```make\nall:\n\tx\n```\n", []),
        ("<!-- made -->\n\n# A\n", []),
        ("## B\n\n# A\n", ["one heading of the first level is wanted, above the others"]),
        ("# A\n\n# B\n", ["one heading of the first level is wanted, above the others"]),
        ("text\n", ["one heading of the first level is wanted, above the others"]),
        ("# A\n\n### C\n", ["3: level 3 follows level 1"]),
        ("# A\n\na\tb\n", ["3: a tab"]),
        ("# A\n\na \n", ["3: blanks at the end of the line"]),
        ("# A", ["one line's end is wanted at the end"]),
        ("# A\n\n", ["one line's end is wanted at the end"]),
    ],
)
def test_a_fault_is_found(text: str, expected: list[str]) -> None:
    assert list(faults(Page("a.md", text))) == expected


@pytest.mark.parametrize("path", pages())
def test_a_page_is_put_together_like_the_others(path: str) -> None:
    assert list(faults(pages()[path])) == []
