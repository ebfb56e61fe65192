"""Root file systems made by mmdebstrap, kept as tar.zst under the cache by what went into them."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths
from hostwright.rig import carried
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hostwright.rig.carried import Carried

#: What a cloud image of Debian has and a release could lean on; all else, provisioning installs.
SERVER = (
    "apt-utils",
    "ca-certificates",
    "cron",
    "curl",
    "dbus",
    "iproute2",
    "iputils-ping",
    "kmod",
    "less",
    "libpam-systemd",
    "netbase",
    "openssh-server",
    "procps",
    "python3",
    "sudo",
    "systemd-sysv",
    "systemd-timesyncd",
)
#: What a virtual machine has beyond that: its own kernel, what finds its disk, and a way in that
#: needs neither network nor sshd.
MACHINE = ("e2fsprogs", "initramfs-tools", "linux-image-cloud-amd64", "qemu-guest-agent")
#: Base of every image the rig builds; ``python3`` is the interpreter of the probe.
BASE = ("ca-certificates", "netbase", "python3", "tzdata")
EXCLUDED = (
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
)
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
#: What of a file tar keeps beyond its content and mode.
KEPT = ("--numeric-owner", "--xattrs", "--xattrs-include=*")
#: nspawn mounts the controllers of cgroup version 1 read-only; Docker needs to make groups there.
CGROUP_UNIT = """\
[Unit]
Description=Make the version 1 cgroup controllers writable
DefaultDependencies=no
Before=sysinit.target
ConditionPathIsDirectory=/sys/fs/cgroup/memory

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'cd /sys/fs/cgroup; \
for c in cpuset cpu cpuacct blkio memory devices freezer pids; do \
[ ! -d $c ] || mount -o remount,bind,rw /sys/fs/cgroup/$c; done'

[Install]
WantedBy=sysinit.target
"""
CGROUP_UNIT_PATH = "/etc/systemd/system/hostwright-rig-cgroup.service"


@dataclass(frozen=True)
class Recipe:
    """What a root file system is made of.

    Attributes:
        name: What it is for, part of the cached file's name.
        suite: Debian suite.
        packages: Packages on top of the essential ones.
        carried: What is taken over from this machine.
        units: systemd units to add and enable for sysinit.target, by path.
        on: What it is made from, instead of from nothing; *packages* come on top.
    """

    name: str
    suite: str
    packages: tuple[str, ...]
    carried: Carried
    units: tuple[tuple[str, str], ...] = ()
    on: Recipe | None = None

    @property
    def key(self) -> str:
        """Twelve hex digits that change when anything that goes in changes."""
        # The resolvers are written when a server is unpacked: they do not make another one.
        plain = {**asdict(self), "carried": {**asdict(self.carried), "resolvers": ""}}
        del plain["on"]
        below = [self.on.key] if self.on else []
        text = json.dumps([plain, EXCLUDED, *below], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def server(suite: str, taken: Carried) -> Recipe:
    """A bare server."""
    return Recipe("server", suite, SERVER, taken, ((CGROUP_UNIT_PATH, CGROUP_UNIT),))


def machine(suite: str, taken: Carried) -> Recipe:
    """A bare server with a kernel of its own."""
    return Recipe("machine", suite, MACHINE, taken, on=server(suite, taken))


def base(suite: str, taken: Carried) -> Recipe:
    """The base of the rig's images."""
    return Recipe("base", suite, BASE, taken)


def files(recipe: Recipe) -> dict[str, str]:
    """Files to put into it, by absolute path."""
    taken = recipe.carried
    return {
        "/etc/apt/sources.list": carried.sources(recipe.suite, taken),
        **({"/etc/apt/apt.conf.d/90carried": taken.apt} if taken.apt else {}),
        **{f"/usr/local/share/ca-certificates/{n}": pem for n, pem in taken.authorities.items()},
        **dict(recipe.units),
    }


def command(recipe: Recipe, overlay: Path, target: Path) -> list[str]:
    """The mmdebstrap line; *overlay* is a directory with :func:`files` laid out."""
    # Installed on top of the packages' own files, as a person would after the first boot.
    settle = 'chroot "$1" update-ca-certificates >/dev/null'
    enable = [f'chroot "$1" systemctl --quiet enable {Path(p).name}' for p, _ in recipe.units]
    return [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        f"--include={','.join(recipe.packages)}",
        *(f"--dpkgopt={option}" for option in EXCLUDED),
        *(f"--aptopt={line}" for line in recipe.carried.apt.splitlines()),
        f"--customize-hook=sync-in {overlay} /",
        *(f"--customize-hook={hook}" for hook in [settle, *enable]),
        "--skip=output/mknod",
        recipe.suite,
        str(target),
        f"deb {recipe.carried.debian} {recipe.suite} main",
    ]


def grow_command(recipe: Recipe, root: Path) -> list[str]:
    """Install a recipe's packages in an unpacked root file system.

    What is mounted for that is mounted in a namespace that ends with the command.
    """
    names = " ".join(recipe.packages)
    inside = (
        "export DEBIAN_FRONTEND=noninteractive; apt-get update -qq; "
        f"apt-get install -y -qq --no-install-recommends {names}; "
        "apt-get clean; rm -rf /var/lib/apt/lists/*"
    )
    around = (
        'mount -t proc proc "$1/proc"; mount --bind /dev "$1/dev"; '
        f'exec env -i PATH={PATH} chroot "$1" /bin/sh -ec "$2"'
    )
    return [
        *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
        *("/bin/sh", "-ec", around, "sh", str(root), inside),
    ]


def tarball(recipe: Recipe, say: Callable[[str], None]) -> Path:
    """The packed root file system, from the cache or made now (half a minute).

    Raises:
        ToolError: mmdebstrap failed.
    """
    target = kept(recipe)
    with locked(target):
        if not target.exists():
            if recipe.on:
                tarball(recipe.on, say)
            say(f"making the {recipe.suite} {recipe.name} file system (once, about half a minute)")
            _make(recipe, target)
    return target


def kept(recipe: Recipe) -> Path:
    """Where a packed root file system is, once it is made."""
    return paths.cache() / "rig" / f"{recipe.name}-{recipe.suite}-{recipe.key}.tar.zst"


def unpack(packed: Path, into: Path) -> None:
    """Unpack a root file system, with owners and file capabilities."""
    into.mkdir(parents=True)
    run(["tar", "--zstd", "-xpf", packed, *KEPT, "-C", into], timeout=900)


def write(root: Path, wanted: dict[str, str]) -> None:
    """Write texts below a directory, by their absolute paths."""
    for path, text in wanted.items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Let one process at a time make a cached file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f".{target.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(recipe: Recipe, target: Path) -> None:
    scratch = Path(tempfile.mkdtemp(prefix="making-", dir=target.parent))
    try:
        plain = scratch / "root.tar"
        if recipe.on:
            _grow(recipe, kept(recipe.on), scratch / "root", plain)
        else:
            write(scratch / "overlay", files(recipe))
            run(command(recipe, scratch / "overlay", plain), timeout=900)
        run(["zstd", "-q", "-3", "-T0", plain, "-o", scratch / "root.tar.zst"])
        (scratch / "root.tar.zst").replace(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _grow(recipe: Recipe, packed: Path, root: Path, plain: Path) -> None:
    unpack(packed, root)
    write(root, {**files(recipe), "/etc/resolv.conf": recipe.carried.resolvers})
    run(grow_command(recipe, root), timeout=3600)
    run(["tar", "-cf", plain, *KEPT, "-C", root, "."], timeout=900)
