from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.runner import fake_host as fake
from tests.unit.runner.fake_host import NEW, OLD, Docker

from hostwright.runner import clearing, releases, room
from hostwright.runner.engine import EngineError
from hostwright.runner.layout import Layout
from hostwright.runner.operation import Host

if TYPE_CHECKING:
    from pathlib import Path

OURS = "hostwright/app-api:0123456789ab"


class Images(Docker):
    """Docker with images by tag; those in *used* it does not remove."""

    def __init__(self, *tags: str, used: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.tags = set(tags)
        self.used = used

    def images(self) -> list[dict[str, Any]]:
        return [{"Id": tag, "RepoTags": [tag]} for tag in sorted(self.tags)]

    def image(self, ref: str) -> dict[str, Any] | None:
        return {"Size": 10} if ref in self.tags else None

    def remove_image(self, ref: str) -> None:
        if ref in self.used or ref not in self.tags:
            raise EngineError(409, "in use")
        self.tags.remove(ref)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """NEW serves; OLD is good as well; there are images of both, of nobody, and of others."""
    monkeypatch.setattr(room, "disk", lambda: 1000)
    tags = (f"app/api:{OLD}", f"app/api:{NEW}", OURS, "hostwright/app-b-api:1", "shop/api:1")
    host = fake.host(tmp_path, Images(*tags))
    for identity in (OLD, NEW):
        images = {"api": {"ref": f"app/api:{identity}", "id": None, "pull": False}}
        fake.unpacked(host, identity, images=images, keep_releases=7)
        releases.change(host.layout, identity, outcome="good")
    fake.serve(host, NEW)
    return host


def test_what_goes_is_said_and_nothing_is_touched(host: Host) -> None:
    plan = clearing.look(host.layout, host.engine, 1)

    assert plan == clearing.Plan((OLD,), (f"app/api:{OLD}", OURS), (), 20)
    assert sorted(host.layout.known()) == [OLD, NEW]
    assert isinstance(host.engine, Images)
    assert OURS in host.engine.tags


def test_then_it_goes_and_nothing_else(host: Host) -> None:
    done = clearing.clear(host, 1)

    assert (done["releases"], done["images"]) == ([OLD], [f"app/api:{OLD}", OURS])
    assert list(host.layout.known()) == [NEW]
    assert isinstance(host.engine, Images)
    assert host.engine.tags == {f"app/api:{NEW}", "hostwright/app-b-api:1", "shop/api:1"}
    assert clearing.look(host.layout, host.engine, 1) == clearing.Plan((), (), (), 0)


def test_without_a_number_as_many_stay_as_the_serving_release_says(host: Host) -> None:
    assert clearing.kept(host.layout, None) == 7
    assert clearing.look(host.layout, host.engine, None).releases == ()


def test_an_image_that_somebody_uses_stays_and_is_not_said_to_be_gone(host: Host) -> None:
    assert isinstance(host.engine, Images)
    host.engine.used = (OURS,)

    assert clearing.clear(host, 1)["images"] == [f"app/api:{OLD}"]
    assert OURS in host.engine.tags


def test_an_image_that_another_application_on_the_host_names_stays(host: Host) -> None:
    other = Layout("app-b", host.layout.root.parent / "app-b")
    other.ensure()
    beside = Host(other, host.engine, host.tool, host.shell, host.events)
    images = {"api": {"ref": f"app/api:{OLD}", "id": None, "pull": False}}
    fake.unpacked(beside, OLD, images=images, app="app-b")

    assert clearing.look(host.layout, host.engine, 1).images == (OURS,)


def test_no_image_goes_where_a_kept_release_cannot_be_read(host: Host) -> None:
    host.layout.release(NEW).manifest.write_text("{")

    assert clearing.look(host.layout, host.engine, 1).images == ()


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("hostwright/app-api:0123", True),
        ("hostwright/app-worker:0123", True),
        ("hostwright/app-b-api:0123", False),
        ("hostwright/apple-api:0123", False),
        ("hostwright/app-mailer:0123", False),
        ("hostwright/app:0123", False),
        ("other/hostwright/app-api:0123", False),
        ("app-api:0123", False),
    ],
)
def test_an_image_is_ours_by_its_whole_name(tag: str, *, expected: bool) -> None:
    assert clearing.is_ours("app", tag) is expected


def test_what_killed_commands_left_goes_and_what_is_being_written_stays(host: Host) -> None:
    layout = host.layout
    half, fresh, link = (
        layout.root / ".state.json.123.456",
        layout.root / ".state.json.124.457",
        layout.live / ".current.123",
    )
    for path in (half, fresh):
        path.write_text("{")
    link.symlink_to(OLD)
    for path in (half, link):
        os.utime(path, (time.time() - 3600, time.time() - 3600), follow_symlinks=False)
    upload = layout.releases / ".20260103t000000z-ccccccc"
    upload.mkdir()
    (upload / "manifest.json").write_text("{}")
    (layout.caddy / ".candidate").mkdir()

    done = clearing.clear(host, 2)

    wanted = [upload, half, link, layout.caddy / ".candidate"]
    assert done["leftovers"] == [str(path) for path in wanted]
    assert not [path for path in wanted if path.exists() or path.is_symlink()]
    assert fresh.exists()
    assert layout.link.is_symlink()
