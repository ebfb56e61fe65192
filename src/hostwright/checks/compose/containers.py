"""What a container may do to the host: privileges, mounts, namespaces, its own root."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from hostwright.checks import images
from hostwright.checks.compose.told import ServiceRule, of_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.checks.finding import Finding
    from hostwright.contract.models import Contract
    from hostwright.render.project import Mount, Project, Service

#: Capabilities that a service may have back, and needs.
CAPABILITIES = {"caddy": frozenset({"NET_BIND_SERVICE"})}
#: The one directory of the host that a container writes to: Caddy's admin socket lies in it.
WRITABLE_BINDS = {"caddy": frozenset({"/run/hostwright"})}
#: Keys that share one of the host's namespaces, and the value that does.
NAMESPACES = ("network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup")


def privileged(_: Contract, project: Project, service: Service) -> Iterator[Finding]:
    """No container is privileged or is given devices."""
    for key in ("privileged", "devices", "device_cgroup_rules"):
        if service.data.get(key):
            yield of_service(
                project,
                service,
                "privileged",
                f"has {key}: it can take over the host",
                f"Remove {key}.",
                key,
            )


def host_namespace(_: Contract, project: Project, service: Service) -> Iterator[Finding]:
    """No container shares a namespace of the host."""
    for key in NAMESPACES:
        if service.data.get(key) == "host":
            yield of_service(
                project,
                service,
                "host-namespace",
                f"{key} is the host's own",
                f"Remove {key}.",
                key,
            )


def mounts(_: Contract, project: Project, service: Service) -> Iterator[Finding]:
    """Mounts are named volumes, or the blueprint's own directories, read-only."""
    for index, mount in enumerate(service.mounts):
        fault = _mount_fault(project, service, mount)
        if fault:
            yield of_service(project, service, *fault, "volumes", index)


def _mount_fault(project: Project, service: Service, mount: Mount) -> tuple[str, str, str] | None:
    if mount.type == "volume" and not mount.source:
        what = f"{mount.target} is a volume without a name: it is lost with the container"
        return "volume-unnamed", what, "Name the volume, and declare it under volumes."
    return _bind_fault(project, service, mount) if mount.type == "bind" else None


def _bind_fault(project: Project, service: Service, mount: Mount) -> tuple[str, str, str] | None:
    if mount.source.endswith(("docker.sock", "containerd.sock", "podman.sock")):
        what = f"mounts {mount.source}: whoever holds it is root on the host"
        return "engine-socket", what, "Remove the mount."
    if not PurePosixPath(mount.source).is_relative_to(str(project.root)):
        what = f"mounts {mount.source} of the host"
        return "host-mount", what, "Mount a named volume, or a directory of the blueprint."
    if not mount.read_only and mount.target not in WRITABLE_BINDS.get(service.role, ()):
        what = f"may write to the host's directory behind {mount.target}"
        return "writable-bind", what, "Add read_only: true, or use a named volume."
    return None


def read_only_root(_: Contract, project: Project, service: Service) -> Iterator[Finding]:
    """The root file system is read-only."""
    if service.data.get("read_only") is not True:
        yield of_service(
            project,
            service,
            "writable-root",
            "its root file system is writable",
            "Set read_only: true, with a tmpfs for what it must write.",
            "read_only",
        )


def capabilities(_: Contract, project: Project, service: Service) -> Iterator[Finding]:
    """Every capability is dropped, and only the listed ones come back."""
    if [str(item).upper() for item in service.data.get("cap_drop") or []] != ["ALL"]:
        yield of_service(
            project,
            service,
            "capabilities-kept",
            "keeps capabilities that it does not need",
            "Set cap_drop: [ALL].",
            "cap_drop",
        )
    added = {str(item).upper().removeprefix("CAP_") for item in service.data.get("cap_add") or []}
    for capability in sorted(added - CAPABILITIES.get(service.role, frozenset())):
        yield of_service(
            project,
            service,
            "capability-added",
            f"is given the capability {capability}",
            f"Remove {capability} from cap_add.",
            "cap_add",
        )


def new_privileges(_: Contract, project: Project, service: Service) -> Iterator[Finding]:
    """No process gains privileges, and no confinement is lifted."""
    options = [str(item).replace("=", ":") for item in service.data.get("security_opt") or []]
    if not {"no-new-privileges:true", "no-new-privileges"} & set(options):
        yield of_service(
            project,
            service,
            "new-privileges",
            "its processes may gain privileges (set-user-id programs)",
            "Set security_opt: [no-new-privileges:true].",
            "security_opt",
        )
    for option in options:
        if option.endswith(":unconfined") or option == "label:disable":
            yield of_service(
                project,
                service,
                "unconfined",
                f"{option} lifts a confinement",
                "Remove it from security_opt.",
                "security_opt",
            )


def image(_: Contract, project: Project, service: Service) -> Iterator[Finding]:
    """Images are pinned by tag at least."""
    reference = str(service.data.get("image") or "")
    if "build" in service.data or not reference:
        what, remedy = "is built on the server", "Name an image with a tag or a digest."
    elif images.moves(reference):
        what = f"its image {reference} is whatever was pushed last"
        remedy = "Name a tag that does not move, or a digest."
    else:
        return
    yield of_service(project, service, "image-unpinned", what, remedy, "image")


RULES: tuple[ServiceRule, ...] = (
    privileged,
    host_namespace,
    mounts,
    read_only_root,
    capabilities,
    new_privileges,
    image,
)
