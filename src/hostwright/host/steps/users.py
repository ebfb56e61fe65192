"""The deploy user, and the administrator where that account is ours to make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.host import drift
from hostwright.host.change import Change, Directory, File, Watch

if TYPE_CHECKING:
    from hostwright.host.desired import Desired
    from hostwright.host.facts import Facts

RUNNER = "/usr/local/sbin/hostwright-runner"

#: Membership in any of these is root by another name, or nearly.
POWERFUL = frozenset(("root", "sudo", "wheel", "admin", "docker", "lxd", "disk", "shadow"))


def watch(desired: Desired) -> Watch:
    """Both accounts' files."""
    names = ours(desired)
    files = tuple(file.path for name in names for file in _files(desired, name))
    directories = tuple(item.path for name in names for item in _directories(name))
    return Watch(users=names, paths=(*directories, *files), packages=("sudo",))


def packages(_facts: Facts, _desired: Desired) -> tuple[str, ...]:
    """A minimal Debian has no sudo."""
    return ("sudo",)


def plan(facts: Facts, desired: Desired) -> list[Change]:
    """Accounts first, then their keys and rules."""
    changes = [
        _account(facts, name, powerful=name != desired.deploy_user) for name in ours(desired)
    ]
    changes += [_access(facts, desired, name) for name in ours(desired)]
    return [change for change in changes if change]


def ours(desired: Desired) -> tuple[str, ...]:
    """The accounts that provisioning makes."""
    administrator = (desired.administrator,) if desired.makes_administrator else ()
    return (desired.deploy_user, *administrator)


def _account(facts: Facts, name: str, *, powerful: bool) -> Change | None:
    there = facts.accounts.get(name)
    if there is None:
        shell = "/bin/bash" if powerful else "/bin/sh"
        return Change(
            f"Create the user {name}",
            "there is none",
            commands=(f"add_user {name} {shell}",),
        )
    extra = sorted(there.groups & POWERFUL - {name}) if not powerful else []
    commands = [f"gpasswd --delete {name} {group}" for group in extra]
    why = [f"it is in the group {group}" for group in extra]
    if there.password:
        commands.append(f"usermod --password '*' {name}")
        why.append("it has a password")
    if not commands:
        return None
    return Change(f"Restrict the user {name}", "; ".join(why), commands=tuple(commands))


def _access(facts: Facts, desired: Desired, name: str) -> Change | None:
    directories = drift.differing(facts, _directories(name))
    files = drift.differing(facts, _files(desired, name))
    if not directories and not files:
        return None
    return Change(
        f"Authorize {name}",
        drift.reasons(facts, (*directories, *files)),
        directories=directories,
        files=files,
    )


def home(name: str) -> str:
    """Where an account of ours lives."""
    return f"/home/{name}"


def authorized_keys(name: str) -> str:
    """The file of the keys that may log in as an account of ours."""
    return f"{home(name)}/.ssh/authorized_keys"


def _directories(name: str) -> tuple[Directory, ...]:
    return (
        Directory(home(name), 0o750, name, name),
        Directory(f"{home(name)}/.ssh", 0o700, name, name),
    )


def _files(desired: Desired, name: str) -> tuple[File, ...]:
    keys = desired.deploy_keys if name == desired.deploy_user else desired.admin_keys
    return (
        File(
            authorized_keys(name),
            _authorized(desired, name, keys),
            0o600,
            name,
            name,
        ),
        File(
            f"/etc/sudoers.d/hostwright-{name}", _sudoers(desired, name), 0o440, check="visudo -cqf"
        ),
    )


def _authorized(desired: Desired, name: str, keys: tuple[str, ...]) -> bytes:
    """The deploy user's keys may run commands, but forward nothing."""
    options = "restrict,pty " if name == desired.deploy_user else ""
    return "".join(f"{options}{key}\n" for key in keys).encode()


def _sudoers(desired: Desired, name: str) -> bytes:
    what = RUNNER if name == desired.deploy_user else "ALL"
    who = "root" if name == desired.deploy_user else "ALL"
    return f"{name} ALL=({who}) NOPASSWD: {what}\n".encode()
