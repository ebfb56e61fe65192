"""Lists that GitHub reads, respaced for the site's Markdown."""

from __future__ import annotations

import pytest

from hostwright.site.lists import respaced


@pytest.mark.parametrize(
    ("github", "python"),
    [
        ("Text:\n- one\n- two", "Text:\n\n- one\n- two"),
        ("- one\n  goes on\n- two", "- one\n    goes on\n- two"),
        ("1. one\n\n   more\n2. two", "1. one\n\n    more\n2. two"),
        ("- one\n  - deep\n    1. deeper", "- one\n    - deep\n        1. deeper"),
        ("- one\n\nAfter.", "- one\n\nAfter."),
        ("1. one\n\n   - deep\n\n     deeper", "1. one\n\n    - deep\n\n        deeper"),
        (
            "- one\n\n  ```sh\n  a\n    b\n  ```\n- two",
            "- one\n\n    ```sh\n    a\n      b\n    ```\n- two",
        ),
        ("```yaml\nkey:\n- one\n  - two\n```", "```yaml\nkey:\n- one\n  - two\n```"),
        ("In 2026.\n14 of them", "In 2026.\n14 of them"),
        ("| a |\n|---|\n| - b |", "| a |\n|---|\n| - b |"),
    ],
)
def test_a_list_is_respaced_and_nothing_else(github: str, python: str) -> None:
    assert respaced(github) == python
