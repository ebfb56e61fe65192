from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hostwright.rig.images import Base, Build, Probe, command, recipe

if TYPE_CHECKING:
    from pathlib import Path

BASE = Base("trixie", "0123456789ab")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    return {"Dockerfile": tmp_path / "Dockerfile"}


def test_what_goes_in_makes_the_key(files: dict[str, Path]) -> None:
    keys = {
        Build("a:1", BASE, files).key,
        Build("a:1", Base("trixie", "another"), files).key,
        Build("a:1", BASE, {"Containerfile": files["Dockerfile"]}).key,
        Build("a:1", BASE, files, {"VERSION": "1"}).key,
        Build("a:1", BASE, files, {"VERSION": "2"}).key,
    }
    assert len(keys) == 5
    before = Build("a:1", BASE, files).key
    files["Dockerfile"].write_text("FROM other\n")
    assert Build("a:1", BASE, files).key != before


def test_the_name_alone_makes_no_other_image(files: dict[str, Path]) -> None:
    assert Build("a:1", BASE, files).key == Build("b:2", BASE, files).key


def test_the_whole_build_line(files: dict[str, Path]) -> None:
    wanted = Build("probe:1", BASE, files, {"VERSION": "1"})
    assert " ".join(command(wanted, "/ctx")) == (
        f"build --quiet --network host --label dev.hostwright.rig.key={wanted.key}"
        " --build-arg BASE=hostwright-rig/base:trixie --build-arg VERSION=1"
        " --tag probe:1 /ctx"
    )


@pytest.mark.parametrize("name", ["postgres", "redis", "caddy"])
def test_each_engine_image_has_its_files_and_says_which_debian_it_stands_on(name: str) -> None:
    made = recipe(name, BASE)
    assert made.reference == f"hostwright-rig/{name}:trixie"
    assert "Dockerfile" in made.files
    assert all(path.is_file() for path in made.files.values())


def test_a_probe_is_tagged_with_its_version() -> None:
    assert Probe("2", migrations=1).reference == "probe:2"
