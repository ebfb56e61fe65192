"""Get images to a host: by digest from a registry, or over SSH with only the layers it lacks."""

from __future__ import annotations

import gzip
import hashlib
import json
import posixpath
import tarfile
from dataclasses import dataclass
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any, Literal, NamedTuple

from hostwright.errors import PreflightError, ToolError, UserError
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

#: How much of an image's id its tag on the host carries.
TAG_DIGITS = 12
#: What stays free on a host whatever arrives: logs and the database go on growing.
RESERVE_BYTES = 256 * 1024**2
#: `docker load` unpacks the whole archive first and then makes layers of it: both lie there.
LOADED = 2
#: A registry knows the compressed size of layers. Unpacked they are about three times as large, and
#: a layer's download is removed only when it is unpacked.
PULLED = 4
#: The fastest setting: a laptop's wire is slower still, and the host unpacks while it reads.
GZIP_LEVEL = 1

Transport = Literal["auto", "registry", "ssh"]


@dataclass(frozen=True)
class LocalImage:
    """An image in the operator's engine; ``size`` in bytes, ``architecture`` in Docker's word."""

    reference: str
    id: str
    architecture: str
    size: int
    layers: tuple[str, ...]


class Placed(NamedTuple):
    """An image as a release names it: what Compose uses, its id if known, whether to pull it.

    ``asked`` is what the settings call it, so that the next release can tell whether it wants the
    same; it may be empty.
    """

    ref: str
    id: str | None
    pull: bool
    asked: str = ""


class Decision(NamedTuple):
    """How every role's image gets to the host."""

    placed: dict[str, Placed]
    to_send: dict[str, LocalImage]  # tag on the host -> image


def inspect(references: Collection[str]) -> dict[str, LocalImage]:
    """Those of *references* that the operator's own engine has; none where there is no engine."""
    wanted = sorted(set(references))
    if not wanted:
        return {}
    try:
        done = run(["docker", "image", "inspect", *wanted], check=False, timeout=30)
    except ToolError:
        return {}
    try:
        found = json.loads(done.stdout or "[]")
    except json.JSONDecodeError:
        return {}
    images = [_local(item) for item in found]
    by_name = {name: image for image, names in images for name in names}
    return {name: by_name[_full(name)] for name in wanted if _full(name) in by_name}


def _local(item: Mapping[str, Any]) -> tuple[LocalImage, list[str]]:
    names = [*(item.get("RepoTags") or []), *(item.get("RepoDigests") or []), item["Id"]]
    image = LocalImage(
        reference=names[0],
        id=item["Id"],
        architecture=item["Architecture"],
        size=int(item["Size"]),
        layers=tuple(item["RootFS"].get("Layers") or ()),
    )
    return image, names


def _full(reference: str) -> str:
    """A reference with its tag, as the engine lists it."""
    last = reference.rpartition("/")[2]
    return reference if ":" in last or "@" in reference else f"{reference}:latest"


def chain_ids(layers: Sequence[str]) -> list[str]:
    """Docker's name for each stack of layers from the bottom: what an engine shares by."""
    chains: list[str] = []
    for layer in layers:
        text = f"{chains[-1]} {layer}" if chains else ""
        digest = hashlib.sha256(text.encode()).hexdigest()
        chains.append(f"sha256:{digest}" if text else layer)
    return chains


def host_tag(app: str, role: str, image_id: str) -> str:
    """The name that a shipped image has on the host; it never moves to another image."""
    return f"hostwright/{app}-{role}:{image_id.removeprefix('sha256:')[:TAG_DIGITS]}"


def decide(
    wanted: Mapping[str, str],
    local: Mapping[str, LocalImage],
    on_host: Mapping[str, str],
    *,
    app: str,
    transport: Transport,
) -> Decision:
    """How each role's image gets to the host: pure.

    Args:
        wanted: Role to reference. What the host has by digest already is used as it is.
        local: What the operator's engine has.
        on_host: Name to image id of what the host has.
        app: Part of the tag on the host.
        transport: ``auto`` ships what the operator's engine has and lets the host pull the rest;
            ``registry`` ships nothing, ``ssh`` pulls nothing.

    Raises:
        UserError: An image that is nowhere, with the role's name.
    """
    placed: dict[str, Placed] = {}
    to_send: dict[str, LocalImage] = {}
    for role, reference in wanted.items():
        image, held = local.get(reference), on_host.get(reference)
        by_digest = "@sha256:" in reference
        if by_digest and held and transport != "ssh":
            placed[role] = Placed(reference, held, pull=False)
        elif image and transport != "registry":
            tag = host_tag(app, role, image.id)
            placed[role] = Placed(tag, image.id, pull=False)
            if on_host.get(tag) != image.id:
                to_send[tag] = image
        elif by_digest and transport != "ssh":
            placed[role] = Placed(reference, None, pull=True)
        else:
            unpinned = "" if by_digest else " and has no digest"
            raise UserError(
                f"{reference} is not in the local Docker engine{unpinned}",
                where=f"image of {role}",
                remedy="Give repository@sha256:…, or build it here so that it is shipped over SSH.",
            )
    return Decision(placed, to_send)


def kept(
    asked: Mapping[str, str],
    movable: Collection[str],
    local: Mapping[str, LocalImage],
    applied: Mapping[str, Mapping[str, Any]],
    on_host: Mapping[str, str],
) -> dict[str, Placed]:
    """The base services that stay with the image that they run on, under its very name: pure.

    The same image has another name where it was pulled than where it was sent, and a tag may mean
    a newer one today; either would make the base another one, and recreate a database in passing.

    Args:
        asked: Base service to what the settings call its image.
        movable: Services that nobody chose a version for: a tag of theirs stays what it was.
        local: What the operator's engine has, by what the settings call it.
        applied: Base service to ``ref`` and ``asked`` of the base that runs.
        on_host: Name to image id of what the host has.
    """
    found: dict[str, Placed] = {}
    for name, reference in asked.items():
        held = applied.get(name) or {}
        here = on_host.get(str(held.get("ref")))
        fixed = name in movable or "@sha256:" in reference
        same_name = fixed and held.get("asked") == reference
        image = local.get(reference)
        if here and (same_name or (image is not None and image.id == here)):
            found[name] = Placed(str(held["ref"]), here, pull=False, asked=reference)
    return found


def check_architecture(images: Mapping[str, LocalImage], host: str) -> None:
    """Refuse images of another processor than the host's.

    Raises:
        UserError: The first that does not fit.
    """
    for tag, image in images.items():
        if image.architecture != host:
            raise UserError(
                f"is built for {image.architecture}, the host is {host}",
                where=tag,
                remedy=f"Build it with `docker build --platform linux/{host} …`.",
            )


def check_room(needed: int, free: int) -> None:
    """Refuse before anything is sent when the host's disk could not take it.

    Args:
        needed: Bytes that the images take for as long as they are loaded or pulled.
        free: Bytes free on the host.

    Raises:
        PreflightError: There is less than that and :data:`RESERVE_BYTES`.
    """
    if needed + RESERVE_BYTES > free:
        loading = f"{_mib(needed)} MiB to load the images and " if needed else ""
        raise PreflightError(
            f"a deploy needs {loading}{_mib(RESERVE_BYTES)} MiB that stay free, the host has "
            f"{_mib(free)} MiB of disk left",
            remedy="Make room on it (`docker system df` says what its Docker holds; a smaller "
            "keep_releases keeps fewer images). Nothing was sent.",
        )


def _mib(size: int) -> str:
    return f"{size / 1024**2:,.0f}"


def save(
    images: Mapping[str, LocalImage],
    present: Collection[str],
    work: Path,
    weighed: Callable[[int], object],
) -> Path:
    """An archive for ``docker load`` that holds only the layers a host lacks.

    Args:
        images: Tag on the host to local image.
        present: Chain ids that the host has. An engine with classic layer storage never opens the
            file of such a layer, so it may be missing from the archive.
        work: A directory for the archive; it is as large as the images.
        weighed: Told how many bytes a host needs to load it, before it is written.

    Raises:
        ToolError: The engine failed.
    """
    whole, slim = work / "images.tar", work / "images.slim.tar.gz"
    ids = sorted({image.id for image in images.values()})
    run(["docker", "save", "--output", whole, *ids], timeout=600)
    try:
        with tarfile.open(whole) as source, gzip.open(slim, "wb", GZIP_LEVEL) as out:
            weighed(LOADED * _unpacked(source, set(present)))
            _filter(source, out, images, set(present))
    finally:
        whole.unlink(missing_ok=True)
    return slim


def _filter(
    source: tarfile.TarFile,
    out: IO[bytes] | gzip.GzipFile,
    images: Mapping[str, LocalImage],
    present: set[str],
) -> None:
    """Copy *source* without present layers, with the host's tags instead of the local ones."""
    manifest = _json(source, "manifest.json")
    tags = _tags(source, manifest, images)
    dropped = _dropped(source, manifest, present)
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as target:
        for member in source:
            if member.name in {*dropped, "manifest.json", "repositories", "index.json"}:
                continue
            target.addfile(member, source.extractfile(member) if member.isreg() else None)
        listed = [{**entry, "RepoTags": tags[entry["Config"]]} for entry in manifest]
        content = json.dumps(listed).encode()
        info = tarfile.TarInfo("manifest.json")
        info.size, info.mode = len(content), 0o644
        target.addfile(info, BytesIO(content))


def _unpacked(source: tarfile.TarFile, present: set[str]) -> int:
    """Bytes of all files of *source* that are sent."""
    dropped = _dropped(source, _json(source, "manifest.json"), present)
    return sum(member.size for member in source.getmembers() if member.name not in dropped)


def _dropped(
    source: tarfile.TarFile, manifest: list[dict[str, Any]], present: set[str]
) -> set[str]:
    """The files of present layers, but for those that an absent layer needs, too.

    The same content may lie in two places of a stack, of which the host has one; an archive holds
    it once, by the same name (OCI) or behind a link (the older layout).
    """
    needed: set[str] = set()
    spare: set[str] = set()
    for entry in manifest:
        chains = chain_ids(_json(source, entry["Config"])["rootfs"]["diff_ids"])
        for path, chain in zip(entry["Layers"], chains, strict=True):
            (spare if chain in present else needed).add(path)
    return spare - needed - {_target(source, path) for path in needed}


def _target(source: tarfile.TarFile, path: str) -> str:
    """What the archive's *path* leads to: itself, or the file behind its link."""
    member = source.getmember(path)
    if member.issym():
        return posixpath.normpath(posixpath.join(posixpath.dirname(path), member.linkname))
    return member.linkname if member.islnk() else path


def _tags(
    source: tarfile.TarFile, manifest: list[dict[str, Any]], images: Mapping[str, LocalImage]
) -> dict[str, list[str]]:
    """Config path in the archive to the tags that its image gets on the host.

    Raises:
        ToolError: An image is not in the archive under its id.
    """
    tags: dict[str, list[str]] = {}
    for entry in manifest:
        digest = hashlib.sha256(_read(source, entry["Config"])).hexdigest()
        tags[entry["Config"]] = [
            tag for tag, image in images.items() if image.id == f"sha256:{digest}"
        ]
    lost = set(images) - {tag for named in tags.values() for tag in named}
    if lost:
        raise ToolError(
            "the engine's archive does not name images by their configuration, as an engine with "
            "the containerd image store does not; such an image cannot be sent",
            where=images[min(lost)].reference,
            remedy="Push it to a registry and give repository@sha256:…, or switch Docker's "
            "containerd image store off and build again.",
        )
    return tags


def _json(source: tarfile.TarFile, name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(_read(source, name))


def _read(source: tarfile.TarFile, name: str) -> bytes:
    try:
        member = source.extractfile(name)
    except KeyError:
        member = None
    if member is None:
        raise ToolError(f"the engine's archive has no {name}", where="docker save")
    return member.read()
