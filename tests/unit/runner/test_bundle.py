from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.runner import releases_of as made

from hostwright.runner import bundle, durable
from hostwright.runner.fault import Code, RunnerError
from hostwright.runner.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = [
    ("/etc/passwd", {}),
    ("../escape", {}),
    ("caddy/../../escape", {}),
    ("env/../env/api.env", {}),
    ("caddy//x", {}),
    ("unknown.txt", {}),
    ("env/API.env", {}),
    ("env/api.env.bak", {}),
    ("state.json", {}),
    ("events.jsonl", {}),
    ("caddy/.hidden", {}),
    ("caddy/line\nbreak", {}),
    ("caddy/link", {"type": tarfile.SYMTYPE, "linkname": "/etc/shadow"}),
    ("caddy/hard", {"type": tarfile.LNKTYPE, "linkname": "manifest.json"}),
    ("caddy/fifo", {"type": tarfile.FIFOTYPE}),
    ("caddy/device", {"type": tarfile.CHRTYPE}),
    ("../outside", {"type": tarfile.DIRTYPE}),
    ("compose.yaml", {}),
]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout("app", tmp_path / "app")
    layout.ensure()
    return layout


def refused(layout: Layout, content: bytes) -> RunnerError:
    with pytest.raises(RunnerError) as error:
        bundle.unpack(layout, content)
    assert list(layout.releases.iterdir()) == []
    return error.value


def test_a_bundle_becomes_a_release_directory_with_the_manifests_permissions(
    layout: Layout,
) -> None:
    bundle.unpack(layout, made.bundle())

    directory = layout.release(made.ID).directory
    assert directory.stat().st_mode & 0o777 == 0o700
    for name, content in made.FILES.items():
        path = directory / name
        assert path.read_bytes() == content
        assert path.stat().st_mode & 0o777 == int(made.described(made.FILES)[name]["mode"], 8)
    assert (directory / "env").stat().st_mode & 0o777 == 0o700
    assert (directory / "entrypoints").stat().st_mode & 0o777 == 0o755
    assert durable.read_json(directory / "state.json") == {"outcome": "new", "sequence": 1}


@pytest.mark.parametrize(("name", "changes"), HOSTILE)
def test_what_does_not_belong_into_a_release_is_refused(
    layout: Layout, name: str, changes: dict[str, Any]
) -> None:
    content = made.archive([*made.members(), made.member(name, b"x", **changes)])

    error = refused(layout, content)

    assert error.code is Code.REQUEST
    assert error.where == name.rstrip("/")


def test_a_hostile_name_is_refused_also_when_the_manifest_knows_it(layout: Layout) -> None:
    files = {**made.FILES, "../../escape": b"x"}

    refused(layout, made.bundle(files))

    assert not (layout.root.parent / "escape").exists()


@pytest.mark.parametrize("name", sorted(made.FILES))
def test_a_file_that_was_changed_is_refused_by_its_name(layout: Layout, name: str) -> None:
    members = made.members({**made.FILES, name: b"changed"}, made.manifest())

    error = refused(layout, made.archive(members))

    assert (error.what, error.where) == ("the content is not what the manifest says", name)


@pytest.mark.parametrize("name", sorted(made.FILES))
def test_a_file_that_is_missing_is_refused_by_its_name(layout: Layout, name: str) -> None:
    rest = {other: content for other, content in made.FILES.items() if other != name}

    error = refused(layout, made.archive(made.members(rest, made.manifest())))

    assert error.where == name


def test_a_file_that_the_manifest_does_not_know_is_refused(layout: Layout) -> None:
    content = made.archive([*made.members(), made.member("caddy/more", b"x")])

    assert refused(layout, content).where == "caddy/more"


@pytest.mark.parametrize("name", ["env/api.env", "secrets/postgres_password"])
def test_a_secret_that_others_could_read_is_refused(layout: Layout, name: str) -> None:
    document = made.manifest()
    document["files"][name]["mode"] = "0644"

    assert refused(layout, made.archive(made.members(document=document))).where == name


def test_every_truncation_is_refused(layout: Layout) -> None:
    whole = made.bundle()
    with tarfile.open(fileobj=io.BytesIO(whole)) as tar:
        last = tar.getmembers()[-1]

    for length in range(0, last.offset_data + last.size, 256):  # padding comes after it
        refused(layout, whole[:length])


def test_another_applications_release_is_refused(layout: Layout) -> None:
    assert "'other'" in refused(layout, made.bundle(app="other")).what


def test_the_same_release_again_is_left_as_it_is_and_another_of_its_name_is_refused(
    layout: Layout,
) -> None:
    bundle.unpack(layout, made.bundle())
    before = layout.release(made.ID).manifest.stat().st_mtime_ns

    bundle.unpack(layout, made.bundle())
    with pytest.raises(RunnerError, match="another one"):
        bundle.unpack(layout, made.bundle(salt="other"))

    assert layout.release(made.ID).manifest.stat().st_mtime_ns == before


def test_a_file_that_is_changed_on_the_host_is_found(layout: Layout) -> None:
    described = bundle.unpack(layout, made.bundle())
    assert bundle.spoiled(layout, described) is None

    (layout.release(made.ID).directory / "env" / "api.env").write_text("X=1")

    assert bundle.spoiled(layout, described) == "env/api.env"


def test_a_file_that_became_a_link_is_found(layout: Layout) -> None:
    described = bundle.unpack(layout, made.bundle())
    path = layout.release(made.ID).directory / "compose.yaml"
    path.rename(path.with_name("other"))
    path.symlink_to("other")

    assert bundle.spoiled(layout, described) == "compose.yaml"


def test_the_rest_of_an_interrupted_upload_is_swept_away(layout: Layout) -> None:
    rest = layout.releases / f".{made.ID}.123"
    rest.mkdir()
    bundle.unpack(layout, made.bundle())

    bundle.sweep(layout)

    assert [path.name for path in layout.releases.iterdir()] == [made.ID]


def test_releases_are_counted_by_the_host(layout: Layout) -> None:
    bundle.unpack(layout, made.bundle())
    older = "20250101t000000z-abcdef1"
    bundle.unpack(layout, made.bundle(id=older))

    assert json.loads(layout.release(older).state.read_text())["sequence"] == 2
    assert hashlib.sha256(layout.release(older).compose.read_bytes()).hexdigest()
