"""sshd: keys only, and no root unless that was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.host import drift, static
from hostwright.host.change import Change, File, Phase, Watch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.host.desired import Desired
    from hostwright.host.facts import Facts

PATH = "/etc/ssh/sshd_config.d/10-hostwright.conf"

#: Older releases of sshd print the first word for what the second one says.
_SAME = {"without-password": "prohibit-password"}


def watch(_desired: Desired) -> Watch:
    """The drop-in; what is in force comes from ``sshd -T``, which is always read."""
    return Watch(paths=(PATH,))


def plan(facts: Facts, desired: Desired) -> list[Change]:
    """Write the drop-in, and insist that sshd really reads it."""
    file = _file(desired)
    why = drift.difference(facts, file) or _unheeded(facts, _wanted(desired))
    if not why:
        return []
    return [
        Change(
            "Harden sshd",
            why,
            Phase.LOGIN,
            files=(file,),
            commands=(
                "sshd -t",
                *_assertions(desired),
                "systemctl try-reload-or-restart ssh.service",
            ),
        )
    ]


def _root(desired: Desired) -> str:
    return "prohibit-password" if desired.permits_root else "no"


def _file(desired: Desired) -> File:
    return File(PATH, static.text("sshd.conf", ROOT_LOGIN=_root(desired)))


def _wanted(desired: Desired) -> dict[str, str]:
    return {
        "permitrootlogin": _root(desired),
        "passwordauthentication": "no",
        "kbdinteractiveauthentication": "no",
        "permitemptypasswords": "no",
        "pubkeyauthentication": "yes",
        "authorizedkeysfile": ".ssh/authorized_keys",
    }


def _unheeded(facts: Facts, wanted: Mapping[str, str]) -> str:
    """Settings that are not in force although the file is there."""
    found = {name: facts.sshd.get(name, "") for name in wanted}
    return "; ".join(
        f"sshd's {name} is {found[name] or 'unknown'}"
        for name, value in wanted.items()
        if _SAME.get(found[name], found[name]) != value
    )


def _assertions(desired: Desired) -> tuple[str, ...]:
    """Lines that fail, with the reason, where another file outdoes ours."""
    spelled = {new: old for old, new in _SAME.items()}
    lines = []
    for name, value in _wanted(desired).items():
        words = f"({value}|{spelled[value]})" if value in spelled else value
        complaint = f"sshd keeps its own {name}: sshd_config must include sshd_config.d first"
        lines.append(f"sshd -T | grep -Eqx '{name} {words}' || {{ echo '{complaint}'; exit 1; }}")
    return tuple(lines)
