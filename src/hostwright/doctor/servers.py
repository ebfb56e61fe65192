"""Look at what is here for servers: hosts.yaml, keys, pinned hosts, values, logins, domains."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hostwright import paths, settings
from hostwright.doctor import logins, names
from hostwright.doctor.model import ABSENT, Answer, HostFact, Login, Secret, ServersFact
from hostwright.errors import SettingsError, ToolError
from hostwright.run import run
from hostwright.runner.registries import HUB, canonical, server
from hostwright.transport import IDENTITIES, Address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.settings import Host

#: Seconds that the agent may take.
_PATIENCE = 5.0


class Chosen(NamedTuple):
    """The hosts that are looked at, by name; *fault* says why there are none."""

    hosts: Mapping[str, Host]
    fault: str = ""


def chosen(words: str) -> Chosen:
    """The hosts that *words* name, separated by commas; all of hosts.yaml without any.

    Raises:
        SettingsError: A host was named, and there is none of that name.
    """
    if words and words != "all":
        asked = [word.strip() for word in words.split(",") if word.strip()]
        return Chosen({name: settings.host(name, overrides={}) for name in asked})
    try:
        found = settings.known()
    except SettingsError as error:
        return Chosen({}, str(error))
    return Chosen(found, "" if found else "there is none")


def look(meant: Chosen) -> ServersFact:
    """What is here for them."""
    hosts = meant.hosts.values()
    wanted = [name for host in hosts for name in (host.address, *_domains(host).values())]
    resolved = names.resolve(wanted)
    known = _pinned()
    logged_in = docker_logins()
    return ServersFact(
        file=paths.shown(paths.HOSTS),
        fault=meant.fault,
        keys=tuple(f"~/.ssh/{name}" for name in IDENTITIES if _ssh(name).is_file()),
        agent=agent(),
        hosts=tuple(
            _host(name, host, resolved, known, logged_in) for name, host in meant.hosts.items()
        ),
    )


def _host(
    name: str,
    host: Host,
    resolved: names.Resolved,
    pinned: frozenset[str],
    logged_in: frozenset[str],
) -> HostFact:
    return HostFact(
        name=name,
        address=host.address,
        resolved=resolved[host.address] or (),
        pinned=Address(host.address, host.port).pinned_name in pinned,
        identity=_private(host.identity_file),
        values=_private(host.values.env_file),
        backup_key=_private(host.backup.key_file) if host.backup else None,
        registries=_logins(host, logged_in),
        names=logins.told(_domains(host), resolved),
    )


def _domains(host: Host) -> dict[str, str]:
    named = {"app_domain": host.app_domain, "api_domain": host.api_domain}
    return {key: name for key, name in named.items() if name}


def _private(name: str | None) -> Secret | None:
    """A file that only its owner may read; it is not read here."""
    if not name:
        return None
    path = Path(name).expanduser()
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return Secret(name, ABSENT)
    return Secret(name, f"can be read by others (mode {mode:04o})" if mode & 0o077 else "")


def _ssh(name: str) -> Path:
    return Path.home() / ".ssh" / name


def _pinned() -> frozenset[str]:
    if not paths.KNOWN_HOSTS.is_file():
        return frozenset()
    lines = paths.KNOWN_HOSTS.read_text(encoding="utf-8", errors="replace").splitlines()
    return frozenset(name for line in lines if line.split() for name in line.split()[0].split(","))


def agent() -> Answer:
    """Whether an SSH agent has keys."""
    program = shutil.which("ssh-add")
    if not os.environ.get("SSH_AUTH_SOCK") or not program:
        return "nobody"
    try:
        done = run([program, "-l"], timeout=_PATIENCE, check=False)
    except ToolError:
        return "silent"
    if done.exit_code == 0:
        return "yes"
    # An agent that ends while it is asked gives the same exit code as one without keys.
    return "no" if "no identities" in done.stdout else "nobody"


def _logins(host: Host, docker: frozenset[str]) -> dict[str, Login]:
    """Who has a login for each registry that an image of *host* names."""
    wanted = {server(reference) for reference in host.images.values()}
    known = {canonical(name) for name in host.registries}
    # Without a registry a name may be the local engine's own image.
    named = sorted((wanted - {HUB}) | (wanted & known))
    return {name: "host" if name in known else "docker" if name in docker else "" for name in named}


def docker_logins() -> frozenset[str]:
    """The registries that Docker has a login for here; its passwords are not looked at."""
    home = os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker"
    try:
        document = json.loads((Path(home) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return frozenset()
    told = document if isinstance(document, dict) else {}
    found = {*(told.get("auths") or ()), *(told.get("credHelpers") or ())}
    names = {name.removeprefix("https://").removesuffix("/v1/").rstrip("/") for name in found}
    return frozenset(map(canonical, names))
