"""The contract as an HTML table."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from hostwright.contract import load
from hostwright.site import matrix

if TYPE_CHECKING:
    from hostwright.contract.models import Contract

EVIL = "<script>alert(1)</script> & \"quoted\" 'too' <img src=x onerror=alert(1)>"


class Table(HTMLParser):
    """What a browser makes of the page: its elements, its rows, its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def rows(self) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag == "tr" and attrs]


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load()


def evil(contract: Contract) -> Contract:
    """The contract with a variable whose meaning is HTML."""
    variables = {
        name: item.model_copy(update={"meaning": EVIL}) if name == "PORT" else item
        for name, item in contract.variables.items()
    }
    return contract.model_copy(update={"variables": variables})


def test_a_row_says_what_the_contract_says(contract: Contract) -> None:
    found = Table(matrix.page(contract)).rows()
    assert len(found) == len(contract.variables)
    for row, (name, item) in zip(found, contract.variables.items(), strict=True):
        emitted = [target for target in contract.targets if item.source(target).emitted]
        assert (row["data-roles"] or "").split() == list(item.roles), name
        assert (row["data-targets"] or "").split() == emitted, name
        assert row["data-secret"] == ("yes" if item.secret else "no"), name


def test_text_of_the_contract_never_becomes_markup(contract: Contract) -> None:
    plain, spoilt = (Table(matrix.page(item)) for item in (contract, evil(contract)))
    assert [tag for tag, _ in spoilt.tags] == [tag for tag, _ in plain.tags]
    assert EVIL in spoilt.words


def test_the_page_asks_for_nothing(contract: Contract) -> None:
    page = matrix.page(contract)
    asking = ("src", "href", "action", "srcset")
    asked = [attrs[name] for _, attrs in Table(page).tags for name in asking if attrs.get(name)]
    assert asked == ["data:,"]
    assert "url(" not in page
    assert "@import" not in page


def test_the_table_can_be_read_aloud(contract: Contract) -> None:
    tags = Table(matrix.page(contract)).tags
    assert ("html", {"lang": "en", "class": "matrix-alone"}) in tags
    assert all(attrs.get("scope") in {"col", "row"} for tag, attrs in tags if tag == "th")
    [box] = [attrs for _, attrs in tags if attrs.get("class") == "matrix-box"]
    assert (box["tabindex"], box["role"]) == ("0", "region")
    assert any(tag == "caption" and attrs["id"] == box["aria-labelledby"] for tag, attrs in tags)


def test_the_fragment_is_one_block_of_markdown(contract: Contract) -> None:
    told = matrix.fragment(evil(contract))
    assert "" not in told.split("\n")
    assert told in matrix.page(evil(contract))
