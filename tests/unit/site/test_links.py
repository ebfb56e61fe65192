"""Links of the repository, as they are on the site."""

from __future__ import annotations

import pytest

from hostwright.errors import UserError
from hostwright.site.links import Site, mapped

PAGES = {
    "README.md": "index.md",
    "docs/ops/a.md": "ops/a.md",
    "docs/ops/b.md": "ops/b.md",
    "docs/proof/README.md": "proof/index.md",
    "ops/infra/aws/README.md": "blueprints/infra-aws.md",
}
HERE = {*PAGES, "docs", "ops/infra", "ops/infra/aws", "src/x.py"}
SITE = Site(PAGES, HERE.__contains__)


@pytest.mark.parametrize(
    ("file", "link", "told"),
    [
        ("docs/ops/a.md", "[b](b.md)", "[b](b.md)"),
        ("docs/ops/a.md", "[b](b.md#part)", "[b](b.md#part)"),
        ("docs/ops/a.md", "[part](#part)", "[part](#part)"),
        ("docs/ops/a.md", "[out](https://example.com/x)", "[out](https://example.com/x)"),
        ("README.md", "[a](docs/ops/a.md)", "[a](ops/a.md)"),
        ("README.md", "[p](docs/proof/README.md)", "[p](proof/index.md)"),
        (
            "docs/ops/a.md",
            "[aws](../../ops/infra/aws/README.md)",
            "[aws](../blueprints/infra-aws.md)",
        ),
        ("docs/ops/a.md", "[aws](../../ops/infra/aws)", "[aws](../blueprints/infra-aws.md)"),
        ("ops/infra/aws/README.md", "[home](../../../README.md)", "[home](../index.md)"),
        ("docs/ops/a.md", "[code](../../src/x.py)", "code (`src/x.py`)"),
        ("docs/ops/a.md", "[`x.py`](../../src/x.py)", "`x.py`"),
        ("README.md", "[a](docs/ops/a.md) [`d`](docs)", "[a](ops/a.md) `d`"),
        ("README.md", "`[a](gone.md)`", "`[a](gone.md)`"),
        ("README.md", "```md\n[a](gone.md)\n```", "```md\n[a](gone.md)\n```"),
    ],
)
def test_a_link_leads_to_a_page_or_names_the_file(file: str, link: str, told: str) -> None:
    assert mapped(link, file, SITE) == told


def test_a_file_that_is_no_page_is_linked_where_the_repository_is_known() -> None:
    site = SITE._replace(repository="https://example.com/blob/main/")
    told = mapped("[code](../../src/x.py#L3)", "docs/ops/a.md", site)
    assert told == "[code](https://example.com/blob/main/src/x.py#L3)"


@pytest.mark.parametrize("target", ["gone.md", "../ops/gone.md", "../../../outside.md"])
def test_a_link_to_nothing_is_refused_with_its_line(target: str) -> None:
    with pytest.raises(UserError) as caught:
        mapped(f"```\n[a](b)\n```\n\n[a]({target})\n", "docs/ops/a.md", SITE)
    assert caught.value.where == "docs/ops/a.md:5"
