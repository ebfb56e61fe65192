"""How images get to a host: what is decided, and what an archive still holds on its way."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from hostwright import images
from hostwright.errors import PreflightError, ToolError, UserError
from hostwright.images import (
    RESERVE_BYTES,
    Decision,
    LocalImage,
    Placed,
    chain_ids,
    check_architecture,
    check_room,
    decide,
    host_tag,
    inspect,
    kept,
    save,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hostwright.images import Transport


def digest(text: str | bytes) -> str:
    content = text.encode() if isinstance(text, str) else text
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def local(name: str, layers: tuple[str, ...] = ()) -> LocalImage:
    return LocalImage(f"{name}:1", digest(name), "amd64", 1000, layers)


SHOP = local("shop")
TAG = host_tag("app", "api", SHOP.id)
PINNED = f"ghcr.io/acme/shop@{digest('manifest')}"
HERE = {"shop:1": SHOP}
PULLED_HERE = {PINNED: SHOP}


class Case(NamedTuple):
    """What is wanted, what both sides have, and what becomes of the api's image."""

    wanted: str
    here: Mapping[str, LocalImage]
    on_host: Mapping[str, str]
    transport: Transport
    placed: Placed
    sent: bool = False


DECISIONS = {
    "built here": Case("shop:1", HERE, {}, "auto", Placed(TAG, SHOP.id, pull=False), sent=True),
    "built here, shipped before": Case(
        "shop:1", HERE, {TAG: SHOP.id}, "auto", Placed(TAG, SHOP.id, pull=False)
    ),
    "built here, the tag there is another image's": Case(
        "shop:1", HERE, {TAG: digest("other")}, "auto", Placed(TAG, SHOP.id, pull=False), sent=True
    ),
    "built here, the host has the same name": Case(
        "shop:1", HERE, {"shop:1": digest("x")}, "auto", Placed(TAG, SHOP.id, pull=False), sent=True
    ),
    "by digest, nowhere yet": Case(PINNED, {}, {}, "auto", Placed(PINNED, None, pull=True)),
    "by digest, there already": Case(
        PINNED, {}, {PINNED: SHOP.id}, "auto", Placed(PINNED, SHOP.id, pull=False)
    ),
    "by digest, on both sides": Case(
        PINNED, PULLED_HERE, {PINNED: SHOP.id}, "auto", Placed(PINNED, SHOP.id, pull=False)
    ),
    "by digest, here alone": Case(
        PINNED, PULLED_HERE, {}, "auto", Placed(TAG, SHOP.id, pull=False), sent=True
    ),
    "by digest, here, from the registry by choice": Case(
        PINNED, PULLED_HERE, {}, "registry", Placed(PINNED, None, pull=True)
    ),
    "by digest, on both sides, over SSH by choice": Case(
        PINNED, PULLED_HERE, {PINNED: SHOP.id}, "ssh", Placed(TAG, SHOP.id, pull=False), sent=True
    ),
}


@pytest.mark.parametrize("case", DECISIONS.values(), ids=list(DECISIONS))
def test_how_an_image_gets_to_the_host(case: Case) -> None:
    found = decide(
        {"api": case.wanted}, case.here, case.on_host, app="app", transport=case.transport
    )
    assert found == Decision({"api": case.placed}, {TAG: SHOP} if case.sent else {})


@pytest.mark.parametrize(
    ("wanted", "here", "transport", "what"),
    [
        ("shop:1", {}, "auto", "shop:1 is not in the local Docker engine and has no digest"),
        ("shop:1", HERE, "registry", "shop:1 is not in the local Docker engine and has no digest"),
        (PINNED, {}, "ssh", f"{PINNED} is not in the local Docker engine"),
    ],
)
def test_an_image_that_cannot_get_there_is_refused_with_its_role(
    wanted: str, here: Mapping[str, LocalImage], transport: Transport, what: str
) -> None:
    with pytest.raises(UserError) as refused:
        decide({"web": wanted}, here, {}, app="app", transport=transport)
    assert (refused.value.what, refused.value.where) == (what, "image of web")


def test_roles_of_one_image_have_a_tag_each_and_it_is_sent_once() -> None:
    wanted = {"api": "shop:1", "worker": "shop:1"}
    found = decide(wanted, HERE, {}, app="app", transport="auto")
    assert set(found.to_send) == {TAG, host_tag("app", "worker", SHOP.id)}


def test_a_tag_on_the_host_says_whose_and_which() -> None:
    assert host_tag("app", "api", f"sha256:{'ab' * 32}") == "hostwright/app-api:abababababab"


def test_an_image_for_another_processor_is_refused() -> None:
    check_architecture({TAG: SHOP}, "amd64")
    with pytest.raises(UserError, match="is built for amd64, the host is arm64") as refused:
        check_architecture({TAG: SHOP}, "arm64")
    assert refused.value.where == TAG
    assert "--platform linux/arm64" in refused.value.remedy


def test_chain_ids_are_those_of_the_image_specification() -> None:
    """Of github.com/opencontainers/image-spec: ChainID(L0..Ln) hashes "ChainID(L0..Ln-1) Ln"."""
    first, second, third = (digest(text) for text in "abc")
    two = digest(f"{first} {second}")
    assert chain_ids([]) == []
    assert chain_ids([first]) == [first]
    assert chain_ids([first, second, third]) == [first, two, digest(f"{two} {third}")]


# --- archives ------------------------------------------------------------------------------------


class Archive:
    """A `docker save` made by hand, of the older layout or of the OCI one."""

    def __init__(self, *, oci: bool) -> None:
        self.oci = oci
        self.members: list[tuple[tarfile.TarInfo, bytes]] = []
        self.manifest: list[dict[str, Any]] = []
        self.images: dict[str, LocalImage] = {}

    def add(self, name: str, layers: Sequence[str]) -> LocalImage:
        """An image of layers with these contents."""
        diff_ids = tuple(digest(layer) for layer in layers)
        config = json.dumps({"name": name, "rootfs": {"diff_ids": diff_ids}})
        paths = [self._layer(name, at, layer) for at, layer in enumerate(layers)]
        plain = digest(config).removeprefix("sha256:")
        path = f"blobs/sha256/{plain}" if self.oci else f"{plain}.json"
        self._file(path, config)
        self.manifest.append({"Config": path, "RepoTags": [f"{name}:1"], "Layers": paths})
        image = LocalImage(f"{name}:1", digest(config), "amd64", 1000, diff_ids)
        self.images[host_tag("app", name, image.id)] = image
        return image

    def _layer(self, name: str, at: int, content: str) -> str:
        if self.oci:
            path = f"blobs/sha256/{digest(content).removeprefix('sha256:')}"
            if path not in self.names:
                self._file(path, content)
            return path
        path = f"{name}-{at}/layer.tar"
        same = [info.name for info, body in self.members if body == content.encode()]
        if same:  # Docker links a second layer of the same content to the first
            info = tarfile.TarInfo(path)
            info.type, info.linkname = tarfile.SYMTYPE, f"../{same[0]}"
            self.members.append((info, b""))
        else:
            self._file(path, content)
        return path

    def _file(self, path: str, content: str) -> None:
        info = tarfile.TarInfo(path)
        info.size = len(content.encode())
        self.members.append((info, content.encode()))

    @property
    def names(self) -> set[str]:
        return {info.name for info, _ in self.members}

    def slim(self, present: set[str], wanted: Mapping[str, LocalImage] | None = None) -> Slim:
        """What `_filter` leaves of it."""
        whole = io.BytesIO()
        with tarfile.open(fileobj=whole, mode="w") as out:
            for path in ("index.json", "repositories", "manifest.json"):
                self._file(path, json.dumps(self.manifest if path == "manifest.json" else {}))
            for info, body in self.members:
                out.addfile(info, io.BytesIO(body))
        whole.seek(0)
        left = io.BytesIO()
        with tarfile.open(fileobj=whole) as source:
            images._filter(source, left, wanted or self.images, present)  # noqa: SLF001 - the heart
        left.seek(0)
        with tarfile.open(fileobj=left) as archive:
            found = archive.extractfile("manifest.json")
            assert found
            return Slim(archive.getnames(), json.load(found), _resolved(archive))


class Slim(NamedTuple):
    """A filtered archive: names, manifest, and the content behind each name that leads to one."""

    names: list[str]
    manifest: list[dict[str, Any]]
    content: dict[str, bytes]


def _resolved(archive: tarfile.TarFile) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name in archive.getnames():
        try:
            file = archive.extractfile(name)
        except KeyError:  # a link that leads nowhere
            continue
        found[name] = file.read() if file else b""
    return found


LAYOUTS = pytest.mark.parametrize("oci", [False, True], ids=["older", "oci"])


@LAYOUTS
def test_an_archive_for_an_empty_host_keeps_every_layer(*, oci: bool) -> None:
    archive = Archive(oci=oci)
    archive.add("api", ["base", "python", "app"])
    slim = archive.slim(set())
    [entry] = slim.manifest
    assert [slim.content[path] for path in entry["Layers"]] == [b"base", b"python", b"app"]


@LAYOUTS
def test_layers_that_the_host_has_stay_here(*, oci: bool) -> None:
    archive = Archive(oci=oci)
    image = archive.add("api", ["base", "python", "app"])
    slim = archive.slim(set(chain_ids(image.layers)[:2]))
    [entry] = slim.manifest
    assert [path in slim.names for path in entry["Layers"]] == [False, False, True]
    assert slim.content[entry["Config"]]
    assert len(entry["Layers"]) == 3


@LAYOUTS
def test_an_image_carries_the_hosts_tag_and_no_local_one(*, oci: bool) -> None:
    archive = Archive(oci=oci)
    api, web = archive.add("api", ["base", "api"]), archive.add("web", ["base", "web"])
    slim = archive.slim(set())
    assert [entry["RepoTags"] for entry in slim.manifest] == [
        [host_tag("app", "api", api.id)],
        [host_tag("app", "web", web.id)],
    ]
    assert not {"repositories", "index.json"} & set(slim.names)
    assert slim.names[-1] == "manifest.json"
    assert slim.names.count("manifest.json") == 1


@LAYOUTS
def test_one_image_of_three_roles_gets_three_tags(*, oci: bool) -> None:
    archive = Archive(oci=oci)
    image = archive.add("shop", ["base"])
    tags = [host_tag("app", role, image.id) for role in ("api", "worker", "migrate")]
    slim = archive.slim(set(), dict.fromkeys(tags, image))
    assert slim.manifest[0]["RepoTags"] == tags


@LAYOUTS
def test_a_layer_that_another_image_lacks_is_kept(*, oci: bool) -> None:
    archive = Archive(oci=oci)
    api = archive.add("api", ["base", "same"])
    archive.add("web", ["other", "same"])
    slim = archive.slim(set(chain_ids(api.layers)))
    assert [slim.content.get(path) for path in slim.manifest[1]["Layers"]] == [b"other", b"same"]


@LAYOUTS
def test_the_same_content_twice_in_a_stack_is_kept_for_the_place_that_is_lacking(
    *, oci: bool
) -> None:
    archive = Archive(oci=oci)
    image = archive.add("api", ["empty", "python", "empty"])
    slim = archive.slim(set(chain_ids(image.layers)[:2]))
    [entry] = slim.manifest
    assert slim.content[entry["Layers"][2]] == b"empty"
    assert oci or entry["Layers"][1] not in slim.names


@LAYOUTS
def test_an_image_that_the_archive_names_otherwise_is_refused_and_not_sent_untagged(
    *, oci: bool
) -> None:
    archive = Archive(oci=oci)
    image = archive.add("api", ["base"])
    by_manifest = LocalImage("shop:1", digest("its manifest"), "amd64", 1, image.layers)
    with pytest.raises(ToolError, match="containerd image store") as refused:
        archive.slim(set(), {"hostwright/app-api:x": by_manifest})
    assert refused.value.where == "shop:1"
    assert "registry" in refused.value.remedy


def test_an_archive_without_a_manifest_is_refused() -> None:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w"):
        pass
    whole.seek(0)
    with (
        tarfile.open(fileobj=whole) as source,
        pytest.raises(ToolError, match=r"the engine's archive has no manifest\.json"),
    ):
        images._filter(source, io.BytesIO(), {}, set())  # noqa: SLF001 - as above


# --- the operator's engine, played by a program of its name ---------------------------------------


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for a program called docker that is found first."""
    place = tmp_path / "bin"
    place.mkdir()
    monkeypatch.setenv("PATH", f"{place}:/usr/bin:/bin")
    return place / "docker"


def plays(docker: Path, script: str) -> None:
    docker.write_text(f"#!/bin/sh\n{script}\n")
    docker.chmod(0o755)


INSPECTED = [
    {
        "Id": SHOP.id,
        "RepoTags": ["shop:1", "shop:latest"],
        "RepoDigests": [PINNED],
        "Architecture": "amd64",
        "Size": 1000,
        "RootFS": {"Layers": [digest("a")]},
    }
]


@pytest.mark.parametrize("name", ["shop:1", "shop", "shop:latest", PINNED, SHOP.id])
def test_an_image_is_found_under_each_of_its_names(name: str, docker: Path) -> None:
    plays(docker, f"cat <<'END'\n{json.dumps(INSPECTED)}\nEND\nexit 1")
    found = inspect([name, "gone:1"])
    assert found == {name: LocalImage("shop:1", SHOP.id, "amd64", 1000, (digest("a"),))}


def test_without_an_engine_there_are_no_local_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert inspect(["shop:1"]) == {}


def test_an_engine_that_does_not_answer_has_no_images(docker: Path) -> None:
    plays(docker, "echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    assert inspect(["shop:1"]) == {}


def test_nothing_is_asked_about_nothing(docker: Path, tmp_path: Path) -> None:
    plays(docker, f"touch {tmp_path}/asked")
    assert inspect([]) == {}
    assert not (tmp_path / "asked").exists()


def test_what_is_saved_is_slim_and_the_whole_does_not_stay(docker: Path, tmp_path: Path) -> None:
    archive = Archive(oci=True)
    archive.add("api", ["base", "app"])
    archive._file("manifest.json", json.dumps(archive.manifest))  # noqa: SLF001 - ours
    whole = tmp_path / "whole.tar"
    with tarfile.open(whole, "w") as out:
        for info, body in archive.members:
            out.addfile(info, io.BytesIO(body))
    plays(docker, f'[ "$1 $2" = "save --output" ] && cp {whole} "$3"')
    work = tmp_path / "work"
    work.mkdir()
    slim = save(archive.images, [digest("base")], work, list[int]().append)
    assert [path.name for path in work.iterdir()] == [slim.name]
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(slim.read_bytes()))) as left:
        assert f"blobs/sha256/{digest('base').removeprefix('sha256:')}" not in left.getnames()
        assert f"blobs/sha256/{digest('app').removeprefix('sha256:')}" in left.getnames()


def test_an_engine_that_cannot_save_is_a_tools_fault(docker: Path, tmp_path: Path) -> None:
    plays(docker, "echo 'no space left on device' >&2; exit 1")
    with pytest.raises(ToolError, match="no space left"):
        save({TAG: SHOP}, [], tmp_path, list[int]().append)


@pytest.mark.parametrize(
    ("free", "refused"), [(RESERVE_BYTES + 999, True), (RESERVE_BYTES + 1000, False)]
)
def test_what_the_hosts_disk_cannot_take_is_refused_before_it_is_sent(
    free: int,
    refused: bool,  # noqa: FBT001 - a column of the table
) -> None:
    refusal = pytest.raises(PreflightError, match="the host has") if refused else nullcontext()
    with refusal:
        check_room(1000, free)


def test_the_refusal_has_both_numbers_and_a_remedy() -> None:
    with pytest.raises(PreflightError) as refused:
        check_room(1500 * 1024**2, 700 * 1024**2)
    assert refused.value.what == (
        "a deploy needs 1,500 MiB to load the images and 256 MiB that stay free, "
        "the host has 700 MiB of disk left"
    )
    assert "docker system df" in refused.value.remedy


@LAYOUTS
def test_room_is_needed_for_what_is_sent_and_for_what_becomes_of_it(
    docker: Path, tmp_path: Path, *, oci: bool
) -> None:
    archive = Archive(oci=oci)
    archive.add("api", ["base" * 1000, "app" * 100])
    archive._file("manifest.json", json.dumps(archive.manifest))  # noqa: SLF001 - ours
    whole = tmp_path / "whole.tar"
    with tarfile.open(whole, "w") as out:
        for info, body in archive.members:
            out.addfile(info, io.BytesIO(body))
    plays(docker, f'[ "$1 $2" = "save --output" ] && cp {whole} "$3"')
    sent = sum(len(body) for _, body in archive.members) - len("base" * 1000)
    present, weighed = [digest("base" * 1000)], list[int]()

    save(archive.images, present, tmp_path, weighed.append)
    assert not (tmp_path / "images.tar").exists()
    assert weighed == [2 * sent]
    with pytest.raises(PreflightError, match="Nothing was sent"):
        check_room(2 * sent, RESERVE_BYTES + 2 * sent - 1)
    check_room(2 * sent, RESERVE_BYTES + 2 * sent)


PIN_A, PIN_B = (f"caddy@sha256:{digit * 64}" for digit in "ab")


@pytest.mark.parametrize(
    ("asked", "movable", "ref", "then", "stays"),
    [
        pytest.param("caddy:2", True, PIN_A, "caddy:2", True, id="a tag nobody chose"),
        pytest.param("caddy:2", False, PIN_A, "caddy:2", False, id="a tag of the settings"),
        pytest.param("caddy:3", True, PIN_A, "caddy:2", False, id="another tag"),
        pytest.param(PIN_A, False, TAG, PIN_A, True, id="a digest that was sent"),
        pytest.param(PIN_B, False, PIN_A, PIN_A, False, id="another digest"),
        pytest.param("shop:1", False, PIN_A, "", True, id="the very image, by its id"),
        pytest.param("caddy:2", True, "gone:1", "caddy:2", False, id="the host lost it"),
    ],
)
def test_a_base_service_keeps_its_image_under_its_name(
    asked: str, ref: str, then: str, *, movable: bool, stays: bool
) -> None:
    found = kept(
        {"caddy": asked},
        {"caddy"} if movable else set(),
        {"shop:1": SHOP},
        {"caddy": {"ref": ref, "asked": then}},
        {PIN_A: SHOP.id, TAG: SHOP.id},
    )
    assert found == ({"caddy": Placed(ref, SHOP.id, pull=False, asked=asked)} if stays else {})
