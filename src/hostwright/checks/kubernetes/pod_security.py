"""The Pod Security Standard *restricted*, control by control, and what this project asks besides.

A namespace that enforces the standard refuses a pod for a single container that forgets a field, so
every rule here looks at init containers, jobs and tests too. A field of a container overrides that
of its pod.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostwright.checks.kubernetes.view import told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.checks.finding import Finding
    from hostwright.checks.kubernetes.view import Rule, View
    from hostwright.helm.manifest import Container

CHECKS = {
    "host-port": "no container takes a port of its node",
    "volume-type": "pods mount only kinds of volumes that cannot reach the node",
    "runs-as-root": "no process is root",
    "user-low": "processes run as a user and group that no node has",
    "group-missing": "volumes can be written by the pod's group",
    "seccomp-missing": "system calls are filtered",
}
#: Volumes that the standard allows.
VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
#: Kernel settings of a pod's own that the standard allows.
SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
#: Types of SELinux that the standard allows.
SELINUX = frozenset(
    {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
)
#: Users and groups below are those of distributions and their packages.
LOWEST_ID = 10_000


def _setting(container: Container, key: str) -> Any:  # noqa: ANN401 - JSON
    """A security setting as it holds for a container: its own, else its pod's."""
    own = container.at("securityContext", key)
    return (container.pod.spec.get("securityContext") or {}).get(key) if own is None else own


def namespaces(view: View) -> Iterator[Finding]:
    """No pod shares a namespace of its node."""
    for pod in view.manifest.pods:
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.spec.get(key):
                what = f"{key} gives its processes the node's own"
                yield told("host-namespace", pod, what, f"Remove {key}.", key)


def volumes(view: View) -> Iterator[Finding]:
    """Volumes are of kinds that do not reach into the node."""
    for pod in view.manifest.pods:
        for volume in pod.spec.get("volumes") or ():
            name = str(volume.get("name"))
            if "hostPath" in volume:
                what = f"mounts {volume['hostPath'].get('path')} of the node"
                yield told("host-mount", pod, what, "Use an emptyDir or a claim.", name)
                continue
            for kind in sorted(volume.keys() - VOLUMES - {"name"}):
                what = f"its volume {name} is a {kind}, which the restricted standard refuses"
                yield told("volume-type", pod, what, "Use an emptyDir or a claim.", name)


def privileged(view: View) -> Iterator[Finding]:
    """No container is privileged."""
    for container in view.manifest.containers:
        if container.at("securityContext", "privileged"):
            yield told(
                "privileged",
                container,
                "is privileged: it can take over the node",
                "Remove privileged.",
                "privileged",
            )


def host_ports(view: View) -> Iterator[Finding]:
    """No container takes a port of its node."""
    for container in view.manifest.containers:
        for port in container.body.get("ports") or ():
            if port.get("hostPort"):
                what = f"takes port {port['hostPort']} of its node, past every Service"
                yield told("host-port", container, what, "Remove hostPort.", "hostPort")


def confinement(view: View) -> Iterator[Finding]:
    """No confinement of the kernel's is lifted."""
    for container in view.manifest.containers:
        for key, fault in _lifted(container):
            yield told("unconfined", container, fault, f"Remove {key}.", key)
    for pod in view.manifest.pods:
        for item in (pod.spec.get("securityContext") or {}).get("sysctls") or ():
            if item.get("name") not in SYSCTLS:
                what = f"sets {item.get('name')}, which is more than a pod's own"
                yield told("unconfined", pod, what, "Remove it from sysctls.", "sysctls")


def _lifted(container: Container) -> Iterator[tuple[str, str]]:
    seccomp = _setting(container, "seccompProfile") or {}
    if seccomp.get("type") == "Unconfined":
        yield "seccompProfile", "its system calls are not filtered"
    armor = _setting(container, "appArmorProfile") or {}
    if armor.get("type") == "Unconfined":
        yield "appArmorProfile", "AppArmor does not confine it"
    if (container.at("securityContext", "procMount") or "Default") != "Default":
        yield "procMount", "it sees what /proc hides from containers"
    selinux = _setting(container, "seLinuxOptions") or {}
    odd = str(selinux.get("type") or "") not in SELINUX
    if odd or selinux.get("user") or selinux.get("role"):
        yield "seLinuxOptions", "SELinux confines it in another way than containers"


def seccomp(view: View) -> Iterator[Finding]:
    """System calls are filtered; nothing said means that the node decides."""
    for container in view.manifest.containers:
        profile = _setting(container, "seccompProfile") or {}
        if not profile.get("type"):
            yield told(
                "seccomp-missing",
                container,
                "has no seccompProfile: its system calls are not filtered",
                "Set seccompProfile.type RuntimeDefault in the pod's securityContext.",
                "seccompProfile",
            )


def escalation(view: View) -> Iterator[Finding]:
    """No process gains privileges that its parent has not."""
    for container in view.manifest.containers:
        if container.at("securityContext", "allowPrivilegeEscalation") is not False:
            yield told(
                "new-privileges",
                container,
                "its processes may gain privileges (set-user-id programs)",
                "Set allowPrivilegeEscalation: false.",
                "allowPrivilegeEscalation",
            )


def capabilities(view: View) -> Iterator[Finding]:
    """Every capability is dropped, and none comes back."""
    for container in view.manifest.containers:
        given = container.at("securityContext", "capabilities") or {}
        if "ALL" not in (given.get("drop") or ()):
            yield told(
                "capabilities-kept",
                container,
                "keeps capabilities that it does not need",
                "Set capabilities.drop to [ALL].",
                "capabilities",
            )
        for name in given.get("add") or ():
            what = f"is given the capability {name}"
            remedy = f"Remove {name} from capabilities.add."
            yield told("capability-added", container, what, remedy, "capabilities")


def root(view: View) -> Iterator[Finding]:
    """No process is root, whatever the image says."""
    for container in view.manifest.containers:
        if _setting(container, "runAsNonRoot") is not True:
            what, key = "may run as root, if its image says so", "runAsNonRoot"
        elif _setting(container, "runAsUser") == 0:
            what, key = "runs as root", "runAsUser"
        else:
            continue
        remedy = "Set runAsNonRoot: true and a runAsUser in the pod's securityContext."
        yield told("runs-as-root", container, what, remedy, key)


def user(view: View) -> Iterator[Finding]:
    """User and group are said, and are nobody's on a node; files on volumes are the group's."""
    for container in view.manifest.containers:
        for key in ("runAsUser", "runAsGroup"):
            given = _setting(container, key)
            if _is_low(key, given):
                what = f"its {key} is {'not said' if given is None else given}"
                remedy = f"Set {key} to more than {LOWEST_ID}: no account of a node is that high."
                yield told("user-low", container, what, remedy, key)
    for pod in view.manifest.pods:
        if not (pod.spec.get("securityContext") or {}).get("fsGroup"):
            what = "has no fsGroup: its processes cannot write to its volumes"
            yield told("group-missing", pod, what, "Set fsGroup to the group.", "fsGroup")


def _is_low(key: str, given: object) -> bool:
    """Whether an id is none, or an account's; that of root itself is told elsewhere."""
    if key == "runAsUser" and given == 0:
        return False
    return not isinstance(given, int) or given <= LOWEST_ID


def read_only_root(view: View) -> Iterator[Finding]:
    """The root file system is read-only."""
    for container in view.manifest.containers:
        if container.at("securityContext", "readOnlyRootFilesystem") is not True:
            yield told(
                "writable-root",
                container,
                "its root file system is writable",
                "Set readOnlyRootFilesystem: true; /tmp is an emptyDir.",
                "readOnlyRootFilesystem",
            )


#: The standard itself: what a namespace that enforces it would refuse.
RESTRICTED: tuple[Rule, ...] = (
    namespaces,
    volumes,
    privileged,
    host_ports,
    confinement,
    seccomp,
    escalation,
    capabilities,
    root,
)
RULES: tuple[Rule, ...] = (*RESTRICTED, user, read_only_root)
