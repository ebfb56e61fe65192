"""Facts: what a host is like, read by one script (``ops/host/facts.sh``) in one command.

The script prints sections of raw tool output; everything is taken apart here, so that the shell
part stays short and the parsing is a pure function.
"""

from __future__ import annotations

import re
import shlex
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from hostwright.errors import HostError
from hostwright.host import static

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hostwright.host.change import Watch

_PORT = re.compile(r":(\d+)$")
_PROCESS = re.compile(r'users:\(\("([^"]+)"')


class Entry(NamedTuple):
    """Something in the file system; *sha256* is empty unless it is a regular file.

    *kind* is ``file``, ``directory``, ``link`` or ``other``; a link is not followed.
    """

    kind: str
    mode: int
    owner: str
    group: str
    sha256: str


class Account(NamedTuple):
    """A user; *password* says whether one could be used to log in."""

    home: str
    shell: str
    groups: frozenset[str]
    password: bool


class Unit(NamedTuple):
    """A systemd unit: LoadState, ActiveState and UnitFileState."""

    load: str
    active: str
    enabled: str

    @property
    def runs(self) -> bool:
        """Whether it is up now and after the next boot."""
        return self.active == "active" and self.enabled in ("enabled", "static", "enabled-runtime")


class Sysctl(NamedTuple):
    """A kernel setting; not *writable* in most containers."""

    value: str
    writable: bool


class Listener(NamedTuple):
    """Who listens on 80 or 443."""

    protocol: str
    port: int
    process: str


@dataclass(frozen=True)
class Facts:
    """A host at one moment. What does not exist is not in the mappings.

    Attributes:
        distribution: ``ID`` and ``VERSION_ID`` of os-release, e.g. ``("debian", "13")``.
        name: Its name for people.
        virtualization: systemd-detect-virt's word; ``none`` on metal.
        clock: Seconds since the epoch, by the host's own clock.
        firewall: ``absent``, ``loaded`` (as our file says) or ``edited``.
        rivals: Other firewalls that are active.
        sshd: Effective settings of sshd, lower-case; ports apart.
        ssh_ports: Where sshd listens, and where the caller came in.
        disk_free_kib: Of the file system with /var/lib.
    """

    distribution: tuple[str, str]
    name: str
    architecture: str
    kernel: str
    virtualization: str
    python: tuple[int, ...]
    clock: float
    accounts: Mapping[str, Account]
    paths: Mapping[str, Entry]
    packages: Mapping[str, str]
    units: Mapping[str, Unit]
    reboot_required: bool
    sysctls: Mapping[str, Sysctl]
    memory_kib: int
    memory_available_kib: int
    swap_kib: int
    swaps: frozenset[str]
    disk_free_kib: int
    filesystem: str
    apparmor: bool
    sshd: Mapping[str, str]
    ssh_ports: frozenset[int]
    firewall: str
    rivals: frozenset[str]
    listeners: tuple[Listener, ...]
    addresses: frozenset[str]

    @property
    def container(self) -> bool:
        """Whether the kernel is shared: no swap, no clock, few kernel settings of its own."""
        return self.virtualization in CONTAINERS

    @property
    def openssh(self) -> tuple[int, int]:
        """Version of the installed sshd, (0, 0) when it is no package of the distribution."""
        match = re.search(r"(?:^|:)(\d+)\.(\d+)", self.packages.get("openssh-server", ""))
        return (int(match[1]), int(match[2])) if match else (0, 0)


#: What systemd-detect-virt calls containers.
CONTAINERS = frozenset(
    ("systemd-nspawn", "lxc", "lxc-libvirt", "docker", "podman", "openvz", "container-other")
)


def script(watch: Watch) -> bytes:
    """The script that reads everything in *watch*; also what is installed for the runner."""
    lists = {
        "hw_users": watch.users,
        "hw_paths": watch.paths,
        "hw_packages": watch.packages,
        "hw_units": watch.units,
        "hw_sysctls": [name.replace(".", "/") for name in watch.sysctls],
    }
    head, _, body = static.text("facts.sh").decode().partition("\n")
    named = [f"{name}={shlex.quote(_words(words))}" for name, words in lists.items()]
    return "\n".join([head, *named, body]).encode()


def parse(text: str) -> Facts:
    """Take the script's output apart.

    Raises:
        HostError: The output is not complete.
    """
    sections = _sections(text)
    if "end" not in sections:
        raise HostError("reading the host's facts ended half way", remedy="Try again.")
    release = dict(_assignments(sections["os"]))
    return Facts(
        distribution=(release.get("ID", ""), release.get("VERSION_ID", "")),
        name=release.get("PRETTY_NAME", "an unknown system"),
        architecture=_first(sections["arch"]),
        kernel=_first(sections["kernel"]),
        virtualization=_first(sections["virtualization"]) or "none",
        python=_version(_first(sections["python"])),
        clock=float(_first(sections["clock"]) or 0),
        accounts=_accounts(sections),
        paths=_paths(sections),
        packages=_packages(sections["packages"]),
        units=_units(sections["units"]),
        reboot_required=bool(sections["reboot"]),
        sysctls=dict(_sysctls(sections)),
        memory_kib=_memory(sections["memory"], "MemTotal"),
        memory_available_kib=_memory(sections["memory"], "MemAvailable"),
        swap_kib=_memory(sections["memory"], "SwapTotal"),
        swaps=frozenset(line.split()[0] for line in sections["swaps"]),
        disk_free_kib=int(_column(sections["disk"], 4) or 0),
        filesystem=_column(sections["disk"], 1),
        apparmor=_first(sections["apparmor"]) == "Y",
        sshd=_settings(sections["sshd"]),
        ssh_ports=_ssh_ports(sections),
        firewall=_firewall(sections["firewall"]),
        rivals=frozenset(sections["rivals"]),
        listeners=tuple(_listeners(sections["listeners"])),
        addresses=frozenset(line.split()[3].partition("/")[0] for line in sections["addresses"]),
    )


def _words(words: Sequence[str]) -> str:
    unique = list(dict.fromkeys(words))
    if any(re.search(r"[^A-Za-z0-9_@./+-]", word) for word in unique):
        raise ValueError(f"a word that the shell could read otherwise: {unique}")
    return " ".join(unique)


def _sections(text: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        if match := re.fullmatch(r"\[([a-z]+)\]", line):
            current = sections[match[1]] = []
        else:
            current.append(line)
    return sections


def _assignments(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, sign, value = line.partition("=")
        if sign:
            yield name, value.strip("\"'")


def _first(lines: Sequence[str]) -> str:
    return lines[0].strip() if lines else ""


def _column(lines: Sequence[str], index: int) -> str:
    words = _first(lines).split()
    return words[index] if index < len(words) else ""


def _version(text: str) -> tuple[int, ...]:
    match = re.search(r"\d+(?:\.\d+)*", text)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def _accounts(sections: Mapping[str, Sequence[str]]) -> dict[str, Account]:
    usable = {line.split()[0] for line in sections["passwords"] if line.endswith(" usable")}
    groups = {
        words[0]: frozenset(words[1:])
        for line in sections["memberships"]
        if (words := line.split())
    }
    accounts = {}
    for line in sections["users"]:
        name, _, _, _, _, home, shell = line.split(":", 6)
        accounts[name] = Account(home, shell, groups.get(name, frozenset()), name in usable)
    return accounts


def _paths(sections: Mapping[str, Sequence[str]]) -> dict[str, Entry]:
    sums = {path: digest for line in sections["sums"] for digest, path in [line.split("  ", 1)]}
    entries = {}
    for line in sections["paths"]:
        raw, owner, group, path = line.split(" ", 3)
        mode = int(raw, 16)
        entries[path] = Entry(_kind(mode), stat.S_IMODE(mode), owner, group, sums.get(path, ""))
    return entries


def _kind(mode: int) -> str:
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link"}
    return kinds.get(stat.S_IFMT(mode), "other")


def _packages(lines: Sequence[str]) -> dict[str, str]:
    words = [line.split(" ", 2) for line in lines]
    return {name: version for status, name, version in words if status == "installed"}


def _units(lines: Sequence[str]) -> dict[str, Unit]:
    units = {}
    for block in "\n".join(lines).split("\n\n"):
        values = dict(_assignments(block.splitlines()))
        if values.get("LoadState") in (None, "not-found"):
            continue
        units[values["Id"]] = Unit(
            values["LoadState"], values.get("ActiveState", ""), values.get("UnitFileState", "")
        )
    return units


def _sysctls(sections: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Sysctl]]:
    for line in sections["sysctls"]:
        name, _, value = line.partition(":")
        writable = name in sections["writable"]
        yield name.replace("/", "."), Sysctl(" ".join(value.split()), writable)


def _memory(lines: Sequence[str], name: str) -> int:
    """KiB of a line of /proc/meminfo."""
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)


def _settings(lines: Sequence[str]) -> dict[str, str]:
    pairs = (line.partition(" ") for line in lines)
    return {name: value for name, _, value in pairs if name != "port"}


def _ssh_ports(sections: Mapping[str, Sequence[str]]) -> frozenset[int]:
    """Ports of sshd; SSH_CONNECTION is "client port server port"."""
    ports = {int(line.split()[1]) for line in sections["sshd"] if line.startswith("port ")}
    came_in = _column(sections["connection"], 3)
    return frozenset(ports | ({int(came_in)} if came_in else set()))


def _firewall(lines: Sequence[str]) -> str:
    if not lines:
        return "absent"
    return "loaded" if lines[0] == lines[-1] and len(lines) > 1 else "edited"


def _listeners(lines: Sequence[str]) -> Iterator[Listener]:
    for line in lines:
        words = line.split()
        port, process = _PORT.search(words[4]), _PROCESS.search(line)
        if port:
            yield Listener(words[0], int(port[1]), process[1] if process else "")
