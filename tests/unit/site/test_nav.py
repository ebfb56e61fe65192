"""The order of the pages; a page that nobody would find fails the build."""

from __future__ import annotations

import pytest

from hostwright.errors import UserError
from hostwright.site import nav

#: What must be there, and nothing else.
LEAST = {
    path: f"# Page {path}\n"
    for patterns in nav.SECTIONS.values()
    for path in patterns
    if "*" not in path
}


def test_a_page_stands_once_and_in_the_order_of_the_table() -> None:
    more = ["ops/hosting-vps.md", "ops/hosting-aws.md", "ops/hosting-overview.md"]
    arranged = nav.arrange(LEAST | dict.fromkeys(more, "# A `title`\n"))
    assert [entry.path for entry in arranged["Hosting"]] == [
        "ops/hosting-overview.md",
        "ops/hosting-aws.md",
        "ops/hosting-vps.md",
        "ops/moving-between-targets.md",
    ]
    assert arranged["Hosting"][0].title == "A title"
    assert arranged["Reference"][0].path == "reference/matrix.md"
    paths = [entry.path for entries in arranged.values() for entry in entries]
    assert sorted(paths) == sorted([*LEAST, *more])


def test_a_section_without_a_page_is_left_out() -> None:
    assert "Trackers" not in nav.arrange(LEAST)


def test_a_page_that_no_section_has_is_refused() -> None:
    with pytest.raises(UserError, match=r"ops/new\.md"):
        nav.arrange(LEAST | {"ops/new.md": "# New\n"})


def test_a_page_that_went_is_refused() -> None:
    gone = {path: text for path, text in LEAST.items() if path != "ops/plan-and-drift.md"}
    with pytest.raises(UserError, match=r"plan-and-drift\.md, which is not there"):
        nav.arrange(gone)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("<!-- x -->\n\n# One `two`\n\n## Three\n", "One two"),
        ("# [ops](../ops/README.md) and more\n", "ops and more"),
    ],
)
def test_a_title_is_the_first_heading_in_plain_letters(text: str, title: str) -> None:
    assert nav.title(text, "x.md") == title


def test_a_page_without_a_heading_is_refused() -> None:
    with pytest.raises(UserError, match="no heading"):
        nav.title("## Two\n", "x.md")
