"""Regions are filled where they stand, and what is wrong with one is told with its line."""

from __future__ import annotations

import pytest

from hostwright.docs.regions import fill, has_any
from hostwright.errors import UserError

KNOWN = {"one": lambda: ["| a |", "| --- |"], "two-x": lambda: ["2"]}
ONE = "<!-- generated: one -->\n\n| a |\n| --- |\n\n<!-- /generated -->\n"


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        pytest.param("# a\n\nno region\n", "# a\n\nno region\n", id="none"),
        pytest.param("<!-- generated: one -->\n<!-- /generated -->\n", ONE, id="empty"),
        pytest.param(ONE, ONE, id="full"),
        pytest.param(ONE.replace("| a |", "| old |\n| b |"), ONE, id="stale"),
        pytest.param(
            ONE.replace("| a |", "```sh\n<b>"), ONE, id="a block of code that is left open"
        ),
        pytest.param(
            f"before\n{ONE}between\n{ONE}after", f"before\n{ONE}between\n{ONE}after", id="two"
        ),
        pytest.param(
            "<!-- generated: two-x -->\n<!-- /generated -->",
            "<!-- generated: two-x -->\n\n2\n\n<!-- /generated -->",
            id="no line end",
        ),
        pytest.param(
            "```md\n<!-- generated: gone -->\n```\n",
            "```md\n<!-- generated: gone -->\n```\n",
            id="code",
        ),
        pytest.param(
            "~~~~\n```\n~~~\n<!-- generated -->\n~~~~\n" + ONE,
            "~~~~\n```\n~~~\n<!-- generated -->\n~~~~\n" + ONE,
            id="code in code",
        ),
        pytest.param(
            "`<!-- generated: x -->` fills\n", "`<!-- generated: x -->` fills\n", id="inline"
        ),
        pytest.param("<!-- Generated from a -->\n", "<!-- Generated from a -->\n", id="a head"),
        pytest.param("a\x0bb\x85c\r\n" + ONE, "a\x0bb\x85c\r\n" + ONE, id="odd line ends"),
    ],
)
def test_a_region_is_filled_and_the_rest_is_left(text: str, filled: str) -> None:
    assert fill(text, "a.md", KNOWN) == filled
    assert fill(filled, "a.md", KNOWN) == filled


BEGIN, END = "<!-- generated: one -->\n", "<!-- /generated -->\n"


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("\n<!-- generated: won -->\n" + END, 2, "there is no generated text 'won'"),
        ("a\n\n" + BEGIN + "b\n", 3, "region one has no end"),
        (BEGIN + "<!-- generated: two-x -->\n" + END, 2, "region two-x begins in region one"),
        (BEGIN + BEGIN + END, 2, "region one begins in region one"),
        (BEGIN + END + END, 3, "a region ends that never began"),
        ("text " + BEGIN + END, 1, "a marker that is none"),
        ("- a\n  " + BEGIN + "  " + END, 2, "a marker that is none"),
        ("<!-- generated one -->\n", 1, "a marker that is none"),
        ("<!--generated: one-->\n", 1, "a marker that is none"),
        ("<!-- generated: -->\n", 1, "a marker that is none"),
        (BEGIN + "<!-- / generated -->\n", 2, "a marker that is none"),
        ("`a` <!-- generated: one --> `b`\n", 1, "a marker that is none"),
        ("```\n" + BEGIN + "```\n" + BEGIN, 4, "region one has no end"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(text: str, where: int, what: str) -> None:
    with pytest.raises(UserError) as told:
        fill(text, "docs/a.md", KNOWN)
    assert (told.value.where, told.value.what) == (f"docs/a.md:{where}", what)
    assert told.value.remedy


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="Known: one, two-x"):
        fill(BEGIN.replace("one", "three") + END, "a.md", KNOWN)


def test_a_page_without_regions_need_not_be_read_twice() -> None:
    assert has_any(ONE)
    assert has_any("<!--generated x")
    assert not has_any("<!-- Generated from a -->\n")
