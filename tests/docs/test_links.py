"""Every link of the docs leads somewhere, and to every page of them one does."""

from __future__ import annotations

import pytest
from tests.docs.links import broken, reached
from tests.docs.page import Page, slug
from tests.docs.tree import files, pages

HERE = (
    '# A page\n\n## Two words\n\n## Two words\n\n<a id="own"></a>\n\n## `vps.deploy` & more: yes\n'
)
TREE = {"docs/ops/a.md", "docs/ops/b c.md", "docs/README.md", "src/x.py", "LICENSE"}


def page(links: str, path: str = "docs/ops/a.md") -> Page:
    return Page(path, f"{HERE}\n{links}\n")


def told(links: str) -> list[str]:
    """What is wrong with links of a page among others."""
    found = page(links)
    others = {"docs/README.md": Page("docs/README.md", "# Index\n"), found.path: found}
    return [each.rpartition(": ")[2] for each in broken(found, others, TREE)]


@pytest.mark.parametrize(
    "link",
    [
        "[a](a.md)",
        "[a](../README.md)",
        "[a](../README.md#index)",
        "[a](..)",
        "[a](../)",
        "[a](..#index)",
        "[a](../..)",
        "[a](b%20c.md)",
        "[a](<b c.md>)",
        "[a](../../LICENSE)",
        "[a](../../src/x.py#L10-L12)",
        "[a](#two-words)",
        "[a](#two-words-1)",
        "[a](#own)",
        "[a](#vpsdeploy--more-yes)",
        "[a](a.md#a-page)",
        "[a][1]\n\n[1]: a.md",
        "[a](https://example.org/gone#at-all)",
        "[a](mailto:ops@example.org)",
        "![a](../../LICENSE)",
        "`[a](gone.md)`",
        "```\n[a](gone.md)\n```",
    ],
)
def test_a_link_that_leads_somewhere_is_let_through(link: str) -> None:
    assert told(link) == []


@pytest.mark.parametrize(
    ("link", "what"),
    [
        ("[a](gone.md)", "there is no such file"),
        ("[a](../ops/gone.md)", "there is no such file"),
        ("[a](../../docs/gone)", "there is no such file"),
        ("[a](b c.md 'title') [a](gone.md)", "there is no such file"),
        ("![a](gone.svg)", "there is no such file"),
        ("[a][1]\n\n[1]: gone.md", "there is no such file"),
        ("| a |\n|---|\n| [a](gone.md) |", "there is no such file"),
        ("[a](#gone)", "there is no such part of it"),
        ("[a](#Two-words)", "there is no such part of it"),
        ("[a](#two-words-2)", "there is no such part of it"),
        ("[a](../README.md#gone)", "there is no such part of it"),
        ("[a](..#gone)", "there is no such part of it"),
        ("[a](../../src/x.py#main)", "there is no such part of it"),
        ("[a](../../../x.md)", "leads out of the repository"),
        ("[a](/docs/ops/a.md)", "begins at the root, which is another on every site"),
    ],
)
def test_a_link_that_leads_nowhere_is_found(link: str, what: str) -> None:
    assert told(link) == [what]


def test_a_broken_link_is_told_with_its_line() -> None:
    found = page("one\ntwo [a](gone.md)\nthree")
    assert list(broken(found, {}, TREE)) == ["docs/ops/a.md:12: gone.md: there is no such file"]


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Two words", "two-words"),
        ("vps.deploy: what it does", "vpsdeploy-what-it-does"),
        ("snake_case and kebab-case", "snake_case-and-kebab-case"),
        ("DNS & TLS", "dns--tls"),
        ("Schlüssel (neu)", "schlüssel-neu"),
        ("“Quoted”, 2nd", "quoted-2nd"),
    ],
)
def test_an_anchor_is_made_as_github_makes_it(heading: str, anchor: str) -> None:
    assert slug(heading) == anchor


def test_a_page_that_nothing_leads_to_is_found() -> None:
    linked = {
        "README.md": "[docs](docs) [out](https://example.org)",
        "docs/README.md": "[a](a.md#x)",
        "docs/a.md": "[b](b.md) [top](../README.md)",
        "docs/b.md": "`[c](c.md)`",
        "docs/c.md": "[a](a.md)",
    }
    every = {path: Page(path, text) for path, text in linked.items()}
    assert every.keys() - reached(["README.md"], every) == {"docs/c.md"}


# --- the docs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", pages())
def test_every_link_of_a_page_leads_somewhere(path: str) -> None:
    assert list(broken(pages()[path], pages(), files())) == []


def test_every_page_of_the_docs_is_reached_from_the_readme_or_their_index() -> None:
    docs = {path for path in pages() if path.startswith("docs/")}
    assert len(docs) > 10
    assert docs - reached(["README.md", "docs/README.md"], pages()) == set()
