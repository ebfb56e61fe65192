"""What the rig needs of a machine, what of it is missing, and how to get it."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright.errors import ToolError, UserError
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

#: Debian's and Ubuntu's package for each program, by a file or a program that shows it is there.
PACKAGES = {
    "containerd": "containerd",
    "debian-archive-keyring": "/usr/share/keyrings/debian-archive-keyring.gpg",
    "docker-cli": "docker",  # part of docker.io before Debian 13
    "docker.io": "dockerd",
    "docker-registry": "docker-registry",
    "e2fsprogs": "mkfs.ext4",
    "iproute2": "ip",
    "iptables": "iptables",
    "mmdebstrap": "mmdebstrap",
    "mount": "losetup",
    "openssh-client": "ssh-keygen",
    "pebble": "pebble",
    "postgresql": "/usr/lib/postgresql/*/bin/postgres",
    "redis-server": "redis-server",
    "restic": "restic",
    "runc": "runc",
    "systemd-container": "systemd-nspawn",
    "util-linux": "nsenter",
    "zstd": "zstd",
}
#: The packages among them that tests on real engines need, without any server.
ENGINES = frozenset({"docker-registry", "postgresql", "redis-server"})
#: What only tests run: AWS's command line, and what an application's image may have to ask with.
TESTED = {"awscli": "aws", "curl": "curl", "nodejs": "node", "wget": "wget"}
#: What opens the documentation site: Debian's Chromium, or the Chrome that a machine has already
#: (Ubuntu packages Chromium only as a snap).
BROWSERS = ("chromium", "google-chrome")
#: What only virtual machines need, whose power can be cut.
POWER = {"nbdkit": "nbdkit", "qemu-system-x86": "qemu-system-x86_64"}
#: Python packages of the dependency group ``rig``, by the module or program they bring.
MODULES = ("cryptography", "httpx", "moto", "pip", "websockets")
#: What can be checked on a machine that cannot have the rig.
INSTEAD = "Without servers, `nox -s validate_vps` checks all that a file can show."
#: Programs of the system may lie outside a person's PATH.
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
POLICY = Path("/usr/sbin/policy-rc.d")


@dataclass(frozen=True)
class Facts:
    """What is known about this machine.

    Attributes:
        system: ``Linux``, ``Darwin`` …
        root: Whether this process is root.
        apt: Whether ``apt-get`` is there.
        filesystems: What the kernel can mount.
        namespaces: Namespace kinds of the kernel.
        packages: Keys of :data:`PACKAGES`, :data:`TESTED` and :data:`POWER` that are there.
        modules: Names of :data:`MODULES` that are there.
    """

    system: str
    root: bool
    apt: bool
    filesystems: frozenset[str] = field(default_factory=frozenset)
    namespaces: frozenset[str] = field(default_factory=frozenset)
    packages: frozenset[str] = field(default_factory=frozenset)
    modules: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, order=True)
class Requirement:
    """Something that is missing.

    Attributes:
        kind: ``machine`` (cannot be installed), ``package`` (apt) or ``module`` (pip).
        name: What it is called.
        remedy: How to get it.
    """

    kind: str
    name: str
    remedy: str


def gather() -> Facts:
    """Look at this machine."""
    kernel = Path("/proc/filesystems")
    namespaces = Path("/proc/self/ns")
    return Facts(
        system=platform.system(),
        root=os.geteuid() == 0,
        apt=shutil.which("apt-get") is not None,
        filesystems=frozenset(kernel.read_text().split()) if kernel.exists() else frozenset(),
        namespaces=frozenset(p.name for p in namespaces.iterdir())
        if namespaces.exists()
        else frozenset(),
        packages=frozenset(
            name for name, sign in (PACKAGES | TESTED | POWER).items() if _present(sign)
        ),
        modules=frozenset(name for name in MODULES if importlib.util.find_spec(name)),
    )


def missing(facts: Facts) -> list[Requirement]:
    """What the rig needs and this machine has not; empty where the rig can run."""
    if facts.system != "Linux":
        return [Requirement("machine", "Linux", f"This is {facts.system}. {INSTEAD}")]
    machine = [
        (facts.root, "root", f"Run it as root: it makes namespaces and mounts. {INSTEAD}"),
        ("overlay" in facts.filesystems, "overlay", f"The kernel needs overlayfs. {INSTEAD}"),
        ("net" in facts.namespaces, "netns", f"The kernel needs network namespaces. {INSTEAD}"),
    ]
    apt = (
        "apt-get install" if facts.apt else f"Only Debian and Ubuntu package all of them. {INSTEAD}"
    )
    return [
        *(Requirement("machine", name, remedy) for there, name, remedy in machine if not there),
        *(
            Requirement("package", name, f"{apt} {name}" if facts.apt else apt)
            for name in sorted(PACKAGES.keys() - facts.packages)
        ),
        *(
            Requirement("module", name, "pip install --group rig")
            for name in sorted(set(MODULES) - facts.modules)
        ),
    ]


def check(facts: Facts | None = None) -> None:
    """Refuse where the rig cannot run.

    Raises:
        ToolError: Something is missing; it says what, and what can be run instead.
    """
    lacking = missing(facts or gather())
    if lacking:
        names = ", ".join(need.name for need in lacking)
        remedies = dict.fromkeys(need.remedy for need in lacking if need.kind == "machine")
        install = "`python -m hostwright.rig install` installs what can be installed."
        raise ToolError(
            f"the rig of throwaway servers cannot run here: no {names}",
            remedy="\n  ".join(remedies) or install,
        )


def install(say: Callable[[str], None]) -> list[str]:
    """Install the missing Debian packages, saying first which; no service of theirs is started.

    Returns:
        The packages that were installed.

    Raises:
        ToolError: What is missing cannot be installed, or apt-get failed.
    """
    lacking = missing(gather())
    stuck = [need for need in lacking if need.kind != "package"]
    if stuck or (lacking and not shutil.which("apt-get")):
        first = (stuck or lacking)[0]
        raise ToolError(f"the rig needs {first.name}, which apt cannot bring", remedy=first.remedy)
    names = [need.name for need in lacking]
    if names:
        _install(names, say)
    return names


def _install(names: Sequence[str], say: Callable[[str], None]) -> None:
    say(f"installing with apt-get: {' '.join(names)}")
    with _no_services():
        _apt("update", "-qq")
        known = [name for name in names if name != "docker-cli" or _is_known(name)]
        _apt("install", "-y", "-qq", "--no-install-recommends", *known)


def _is_known(package: str) -> bool:
    return run(["apt-cache", "show", package], check=False).exit_code == 0


def main(words: list[str]) -> int:
    """``packages engines|browser|rig|power``: bring what a kind of tests needs of the system.

    Raises:
        ToolError: Something is missing that only root could install, or that apt does not have.
        UserError: There is no such kind.
    """

    def say(text: str) -> None:
        sys.stderr.write(f"{text}\n")

    kinds = {
        "engines": ENGINES | TESTED.keys(),
        "browser": frozenset() if browser() else {"chromium"},
        "rig": frozenset(),
        "power": POWER.keys(),
    }
    if len(words) != 1 or words[0] not in kinds:
        raise UserError(f"packages of which kind? Known: {', '.join(kinds)}")
    if words[0] in {"rig", "power"}:
        install(say)
    _bring(kinds[words[0]], say)
    return 0


def _bring(names: Iterable[str], say: Callable[[str], None]) -> None:
    """Install those of these packages that are missing.

    Raises:
        ToolError: Only root could install them, or apt does not have them.
    """
    facts = gather()
    lacking = sorted(set(names) - facts.packages)
    if lacking and not (facts.root and facts.apt):
        given = " ".join(lacking)
        raise ToolError(
            f"the tests need {given}", remedy=f"As root: `apt-get install {given}`; then again."
        )
    if lacking:
        _install(lacking, say)


def browser() -> str:
    """The path of a Chromium of the system; empty where there is none."""
    found = (which(name) for name in BROWSERS)
    return next((path for path in found if path.startswith("/")), "")


def check_power() -> None:
    """Refuse where no virtual machine can run.

    Raises:
        ToolError: A package is missing; it says which.
    """
    lacking = [name for name, sign in POWER.items() if not _present(sign)]
    if lacking:
        raise ToolError(
            f"a machine whose power can be cut needs {', '.join(lacking)}",
            remedy="`python -m hostwright packages power` installs it.",
        )


def which(program: str) -> str:
    """The path of a system program, or its bare name where it is missing."""
    path = f"{os.environ.get('PATH', '')}:{SBIN}"
    return shutil.which(program, path=path) or program


def _present(sign: str) -> bool:
    if sign.startswith("/"):
        return any(Path("/").glob(sign.removeprefix("/")))
    return which(sign) != sign


def _apt(*words: str) -> None:
    run(["apt-get", *words], env={"DEBIAN_FRONTEND": "noninteractive"}, timeout=900)


@contextmanager
def _no_services() -> Iterator[None]:
    """Debian starts a service when it installs it; the rig starts its own, elsewhere."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
