"""The real engine on small projects: what it refuses is told with a line, marks come back whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hostwright.contract.located import parse
from hostwright.errors import UserError
from hostwright.render import compose, marks
from hostwright.render.project import Project

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.render.model import Rendered


def rendered(root: Path, text: str, env: dict[str, str]) -> Rendered:
    file = root / "docker-compose.prod.yml"
    file.write_text(text)
    compose.write_marks(root, {"api": env}, {})
    source = parse(text, "compose.yml", UserError)
    output = compose.config(file, source, {})
    return compose.read_back(Project("whole", output.config, source, root))


TEXT = """\
services:
  api:
    image: a:1
    env_file: [{path: ./env/api.env, required: false}]
    environment:
      OWN: literal
"""


def test_a_mark_comes_back_whole_and_what_has_none_is_the_blueprints(tmp_path: Path) -> None:
    sources = rendered(tmp_path, TEXT, {"PORT": marks.mark("api", "PORT")}).roles["api"]

    assert (sources["PORT"].kind, sources["PORT"].text) == ("mark", "api/PORT")
    assert sources["PORT"].secret_slot
    assert (sources["OWN"].kind, sources["OWN"].text, sources["OWN"].line) == (
        "literal",
        "literal",
        6,
    )
    assert not sources["OWN"].secret_slot


def test_the_surroundings_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "elsewhere")
    monkeypatch.setenv("COMPOSE_FILE", "/nowhere.yml")
    (tmp_path / ".env").write_text("NAME=operator\n")
    file = tmp_path / "docker-compose.prod.yml"
    file.write_text("name: own\nservices:\n  api:\n    image: ${NAME:-a}:1\n")
    source = parse(file.read_text(), "compose.yml", UserError)

    config = compose.config(file, source, {"NAME": ""}).config

    assert config["name"] == "own"
    assert config["services"]["api"]["image"] == "a:1"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("services:\n  api:\n    image: a:1\n    restarts: no\n", 2, "restarts"),
        ("services:\n  api:\n    image: a:1\n    networks: [inside]\n", 2, "inside"),
        ("services:\n  api:\n    image: a:1\n    mem_limit: [1]\n", 4, "mem_limit"),
    ],
)
def test_what_the_engine_refuses_names_the_service_s_line(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    file = tmp_path / "docker-compose.prod.yml"
    file.write_text(text)
    with pytest.raises(compose.Refused, match=words) as caught:
        compose.config(file, parse(text, "compose.yml", UserError), {})
    assert (caught.value.file, caught.value.line) == ("compose.yml", line)
    assert str(tmp_path) not in str(caught.value)


def test_what_the_engine_warns_of_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "docker-compose.prod.yml"
    file.write_text("services:\n  api:\n    image: a:1\n    labels: {a: '${NOWHERE_SET}'}\n")
    source = parse(file.read_text(), "compose.yml", UserError)
    [warning] = compose.config(file, source, {}).warnings
    assert "NOWHERE_SET" in warning
