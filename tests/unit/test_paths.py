from __future__ import annotations

from pathlib import Path

import pytest

from hostwright import paths


def test_the_root_is_the_clone_whatever_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (paths.ROOT / "pyproject.toml").is_file()
    assert paths.ROOT.is_absolute()


def test_blueprints_lie_below_ops() -> None:
    below = (paths.CONTRACT, paths.COMPOSE_FILE, paths.CADDYFILE, paths.IMAGES, paths.PROBE)
    assert all(path.is_relative_to(paths.OPS) for path in below)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"HOSTWRIGHT_CACHE": "/fast/disk", "XDG_CACHE_HOME": "/x"}, "/fast/disk"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/hostwright"),
        ({"HOME": "/h"}, "/h/.cache/hostwright"),
        ({"HOSTWRIGHT_CACHE": "", "XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/hostwright"),
    ],
)
def test_the_cache_is_the_named_one_then_the_users(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOSTWRIGHT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert paths.cache() == Path(expected)


def test_a_path_in_the_clone_is_shown_relative_and_any_other_whole() -> None:
    assert paths.shown(paths.CONTRACT) == "ops/contract/contract.yaml"
    assert paths.shown(Path("/etc/hosts")) == "/etc/hosts"
