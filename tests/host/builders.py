"""Desired hosts and facts to start a table from."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hostwright import paths
from hostwright.host.desired import Desired
from hostwright.host.facts import Account, Entry, Facts, Sysctl, Unit, parse
from hostwright.host.plan import plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.host.change import Change

TEXTS = Path(__file__).with_name("facts")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDbX3hDhShVcN2Qpcg/20BAJ4cS+IQKrdVQhNZjPcqLT"

RUNS = Unit("loaded", "active", "enabled")
STOPPED = Unit("loaded", "inactive", "enabled")

#: What apt installs on each distribution, as far as plans ask.
PACKAGES = {
    ("debian", "12"): {"docker.io": "20.10.24", "fail2ban": "1.0.2", "python3-systemd": "235"},
    ("debian", "13"): {"docker.io": "26.1.5", "docker-cli": "26.1.5", "docker-compose": "2.26.1"},
    ("ubuntu", "22.04"): {
        "docker.io": "24.0.5",
        "docker-compose-v2": "2.20",
        "fail2ban": "0.11",
        "python3-systemd": "234",
    },
    ("ubuntu", "24.04"): {
        "docker.io": "24.0.7",
        "docker-compose-v2": "2.24",
        "fail2ban": "1.0.2",
        "python3-systemd": "235",
    },
}
COMMON = {
    "sudo": "1.9",
    "restic": "0.14",
    "python3": "3.11",
    "nftables": "1.0",
    "unattended-upgrades": "2.9",
    "systemd-timesyncd": "252",
    "openssh-server": "1:9.2p1",
}
PENALTIES = {("debian", "13")}


def text(name: str) -> str:
    """What ``facts.sh`` printed on a real server."""
    return (TEXTS / f"{name}.txt").read_text()


def desired(**settings: Any) -> Desired:  # noqa: ANN401 - any field of Desired
    """A host as an operator would want it."""
    given = {"runner": b"PK runner", "deploy_keys": (KEY,), "admin_keys": (KEY,)}
    return Desired(**{**given, **settings})


def bare(distribution: tuple[str, str] = ("debian", "13"), **settings: Any) -> Facts:  # noqa: ANN401
    """A virtual machine just created, with root's key in it."""
    facts = replace(
        parse(text("trixie-bare")),
        distribution=distribution,
        virtualization="kvm",
        packages={"openssh-server": "1:9.2p1", "python3": "3.11"},
        units={"ssh.service": RUNS},
        sysctls={"net.ipv4.ip_forward": Sysctl("0", writable=True)},
    )
    if distribution not in PENALTIES:
        sshd = {key: value for key, value in facts.sshd.items() if key != "persourcepenalties"}
        facts = replace(facts, sshd=sshd)
    return replace(facts, **settings)


def provisioned(
    distribution: tuple[str, str] = ("debian", "13"), wanted: Desired | None = None
) -> Facts:
    """The same machine after the plan was carried out."""
    wanted = wanted or desired()
    facts = bare(distribution, swap_kib=wanted.swap_mib * 1024)
    facts = replace(
        facts,
        packages={**COMMON, **PACKAGES[distribution]},
        units=_units(wanted),
        sysctls=_sysctls(),
        accounts=_accounts(wanted),
        firewall="loaded",
        sshd={
            **facts.sshd,
            "permitrootlogin": "prohibit-password" if wanted.permits_root else "no",
            "passwordauthentication": "no",
            "kbdinteractiveauthentication": "no",
            "authorizedkeysfile": ".ssh/authorized_keys",
        },
    )
    return after(facts, plan(facts, wanted))


def after(facts: Facts, changes: tuple[Change, ...]) -> Facts:
    """The facts once the files and directories of *changes* are written."""
    entries = dict(facts.paths)
    for change in changes:
        for item in change.directories:
            entries[item.path] = Entry("directory", item.mode, item.owner, item.group, "")
        for file in change.files:
            entries[file.path] = Entry("file", file.mode, file.owner, file.group, file.digest)
    return replace(facts, paths=entries)


def without(mapping: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The mapping but for some names."""
    return {name: value for name, value in mapping.items() if name not in names}


def entry(facts: Facts, path: str, **values: Any) -> Facts:  # noqa: ANN401
    """The facts with one file or directory otherwise."""
    return replace(facts, paths={**facts.paths, path: facts.paths[path]._replace(**values)})


def _units(wanted: Desired) -> dict[str, Unit]:
    names = (
        "docker.service",
        "fail2ban.service",
        "hostwright-firewall.service",
        "systemd-timesyncd.service",
        "apt-daily.timer",
        "apt-daily-upgrade.timer",
    )
    return {**dict.fromkeys(names, RUNS), f"hostwright-resume@{wanted.app}.service": STOPPED}


def _sysctls() -> dict[str, Sysctl]:
    lines = (paths.HOST_FILES / "sysctl.conf").read_text()
    found = re.findall(r"^-([a-z0-9_.]+) = (.+)$", lines, re.MULTILINE)
    return {name: Sysctl(value, writable=True) for name, value in found}


def _accounts(wanted: Desired) -> dict[str, Account]:
    names = [wanted.deploy_user, *([wanted.administrator] if wanted.makes_administrator else [])]
    return {
        name: Account(f"/home/{name}", "/bin/sh", frozenset((name,)), password=False)
        for name in names
    }
