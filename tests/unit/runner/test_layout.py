from __future__ import annotations

from pathlib import Path

import pytest

from hostwright.runner import layout
from hostwright.runner.fault import RunnerError


@pytest.mark.parametrize(
    "name", ["", "App", "../x", "a b", "-a", "9a", "a" * 32, "a;rm -rf /", "a\n", "ä"]
)
def test_a_name_that_could_be_a_path_or_a_command_is_refused(name: str) -> None:
    with pytest.raises(RunnerError):
        layout.layout(name)


def test_directories_have_their_permissions_whatever_the_umask(tmp_path: Path) -> None:
    places = layout.Layout("app", tmp_path / "state" / "app")

    places.ensure()

    modes = {p.name: p.stat().st_mode & 0o777 for p in places.root.iterdir() if p.is_dir()}
    assert modes == {
        "releases": 0o700,
        "base": 0o700,
        "live": 0o755,
        "caddy": 0o755,
        "run": 0o700,
        "backup": 0o700,
    }
    assert places.root.stat().st_mode & 0o777 == 0o711


def test_docker_names_carry_the_application_and_the_release() -> None:
    places = layout.Layout("shop", Path("/x"))

    assert places.container("r1", "api") == "shop-r1-api"
    assert places.project("r1") == "shop-r1"
    assert places.base_project == "shop-base"
