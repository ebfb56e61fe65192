from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.runner import fake_host as fake
from tests.unit.runner.fake_host import NEW, OLD, Docker

from hostwright.runner import bundle, pruning, releases

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.runner.operation import Host


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """NEW serves; OLD, with an image of its own, is to go."""
    host = fake.host(tmp_path)
    for identity in (OLD, NEW):
        images = {"api": {"ref": f"app/api:{identity}", "id": None, "pull": False}}
        fake.unpacked(host, identity, images=images)
        releases.change(host.layout, identity, outcome="good")
    fake.serve(host, NEW)
    return host


def test_a_release_goes_with_its_images(host: Host) -> None:
    pruning.prune(host, 1)

    assert list(host.layout.known()) == [NEW]
    assert calls(host) == [f"remove image app/api:{OLD}"]


def test_a_release_whose_removal_is_broken_off_is_no_release_any_more(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Any = shutil.rmtree

    def die(path: Path, **more: Any) -> None:  # noqa: ANN401 - as it takes them
        if (path / "manifest.json").exists():
            (path / "manifest.json").unlink()
            raise KeyboardInterrupt
        real(path, **more)

    monkeypatch.setattr(shutil, "rmtree", die)
    with pytest.raises(KeyboardInterrupt):
        pruning.prune(host, 1)
    monkeypatch.undo()

    assert [release.id for release in releases.listing(host.layout)] == [NEW]
    assert calls(host) == [f"remove image app/api:{OLD}"]
    bundle.sweep(host.layout)  # as every command does first
    assert [path.name for path in host.layout.releases.iterdir()] == [NEW]


def calls(host: Host) -> list[str]:
    assert isinstance(host.engine, Docker)
    return [call for call in host.engine.calls if call.startswith("remove image")]
