from __future__ import annotations

import pytest

from hostwright.contract.commented import Default, read
from hostwright.errors import UserError

TEXT = """\
# Of the file, and of no key.

# -- What it is.
a: 1
# -- What it holds, in
# two lines.
b:
  # -- Deeper: with a colon # and a hash.
  c: null
  d: {}
# Not meant for the docs.
e: []

# -- Lost: a blank line follows.

f: {g: 1}
"""


def test_keys_have_their_path_their_default_and_their_comment() -> None:
    assert read(TEXT, "values.yaml") == [
        Default(("a",), 1, "What it is."),
        Default(("b",), {"c": None, "d": {}}, "What it holds, in two lines."),
        Default(("b", "c"), None, "Deeper: with a colon # and a hash."),
        Default(("b", "d"), {}),
        Default(("e",), []),
        Default(("f",), {"g": 1}),
        Default(("f", "g"), 1),
    ]


def test_blocks_are_what_lists_keys() -> None:
    assert [each.dotted for each in read(TEXT, "values.yaml") if each.is_block] == ["b", "f"]


@pytest.mark.parametrize(
    ("text", "what"),
    [("- a\n", "no mapping"), ("a: [", "not valid YAML"), ("a: 1\na: 2\n", "twice")],
)
def test_what_is_no_file_of_defaults_is_told(text: str, what: str) -> None:
    with pytest.raises(UserError, match=what) as caught:
        read(text, "values.yaml")
    assert caught.value.where.startswith("values.yaml")
