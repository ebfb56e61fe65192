from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from hostwright.runner import redact

if TYPE_CHECKING:
    from pathlib import Path


def test_values_are_decoded_as_the_bundle_encodes_them() -> None:
    text = 'A="a\\nb \\"c\\" \\$d \\\\e"\nB=plain\n# no\n\nC=""\n'

    assert redact.values(text) == {"A": 'a\nb "c" $d \\e', "B": "plain", "C": ""}


def test_long_values_their_lines_and_the_passwords_in_urls_are_blanked() -> None:
    texts = redact.secrets(
        ["line-one\nline-two", "postgresql://app:p%40ssword@postgres/app", "info"]
    )

    shown = redact.blank("line-two, p@ssword, p%40ssword, info", texts)

    assert shown == "***, ***, ***, info"


def test_a_secret_that_holds_another_is_blanked_as_a_whole() -> None:
    texts = redact.secrets(["secret", "secret-and-more"])

    assert redact.blank("secret-and-more", texts) == "***"


def test_what_a_release_knows_is_read_from_its_files(tmp_path: Path) -> None:
    for name, text in (("env/api.env", 'A="from-env"'), ("secrets/p", "from-file\n")):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_text(text)

    assert set(redact.of_release(tmp_path)) == {"from-env", "from-file"}


@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_value_is_blanked_as_it_stands_in_a_log_of_json(*, ascii_only: bool) -> None:
    value = 'pass"w\\örd'
    line = json.dumps({"error": f"refused {value}"}, ensure_ascii=ascii_only)
    assert redact.blank(line, redact.secrets([value])) == '{"error": "refused ***"}'


def test_a_value_goes_on_over_the_line_ends_of_unicode() -> None:
    value = "first-part\u2028second-part\x0bthird-part"
    assert redact.values(f'A="{value}"\n') == {"A": value}
