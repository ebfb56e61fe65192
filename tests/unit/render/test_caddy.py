from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hostwright.render import caddy

if TYPE_CHECKING:
    from pathlib import Path


def test_a_caddyfile_becomes_json_and_leaves_nothing_outside_its_home(tmp_path: Path) -> None:
    file, home = tmp_path / "Caddyfile", tmp_path / "home"
    home.mkdir()
    file.write_text("{$HOST:localhost}:8080 {\n\trespond ok\n}\n")

    config = caddy.adapt(file, {"HOST": "http://given.test"}, home, {str(file): "Caddyfile"})

    [server] = config["apps"]["http"]["servers"].values()
    assert server["routes"][0]["match"] == [{"host": ["given.test"]}]
    assert {path.name for path in tmp_path.iterdir()} == {"Caddyfile", "home"}


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        ("localhost {\n\tno_such_directive\n}\n", 2, "no_such_directive"),
        ("{\n\temail\n}\n", 2, "email"),
        ("localhost {\n\treverse_proxy {\n\t\tlb_try_duration soon\n\t}\n}\n", 3, "soon"),
    ],
)
def test_what_caddy_refuses_names_the_file_as_people_know_it_and_the_line(
    tmp_path: Path, body: str, line: int, words: str
) -> None:
    file = tmp_path / "Caddyfile"
    file.write_text(body)
    with pytest.raises(caddy.Refused, match=words) as caught:
        caddy.adapt(file, {}, tmp_path, {str(file): "ops/Caddyfile"})
    assert (caught.value.file, caught.value.line) == ("ops/Caddyfile", line)
    assert str(tmp_path) not in str(caught.value)
