"""Write what `docker compose up` by hand reads: an env file per role, and the file secrets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright.contract import load
from hostwright.contract.envfile import encode
from hostwright.contract.values import Request, complete, resolve
from hostwright.errors import ValuesError
from hostwright.release.build import FILE_SECRETS
from hostwright.release.composed import composed
from hostwright.secrets import from_file, of_roles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.contract.envfile import Given
    from hostwright.contract.models import Contract, Profile, RoleName


def render(
    env_file: str, app_domain: str, root: Path, profile: Profile = "production"
) -> list[Path]:
    """Write ``env/<role>.env`` and ``secrets/<name>`` below *root*, each for its owner alone.

    A secret's owner is the user of its container; anybody but root has to see to that afterwards.

    Raises:
        ValuesError: The values have problems; nothing is written then.
    """
    contract = load()
    given = of_roles(from_file(Path(env_file)), "vps")
    inputs = {
        "environment": profile,
        "app_domain": app_domain,
        "app_public_url": f"https://{app_domain}",
    }
    roles = _roles(contract, given, inputs, env_file, profile)
    files = {root / "env" / f"{role}.env": encode(values) for role, values in roles.items()}
    for path, content in files.items():
        _write(path, content)
    secrets = {root / "secrets" / name: owned for name, owned in FILE_SECRETS.items()}
    for path, (variable, uid) in secrets.items():
        _write(path, given[variable].value + "\n", uid)
    return [*files, *secrets]


def _roles(
    contract: Contract,
    given: Mapping[str, Given],
    inputs: Mapping[str, str],
    env_file: str,
    profile: Profile,
) -> dict[RoleName, dict[str, str]]:
    # By hand an env file says inputs, too: what is composed has to follow them.
    said = {
        item.source("vps").text: given[name].value
        for name, item in contract.variables.items()
        if item.source("vps").kind == "input" and name in given
    }
    stated = {**said, **inputs}
    full = complete(contract, "vps", stated)
    secrets = {name: item.value for name, item in given.items()}
    made = composed(contract, full, secrets, hosts={"api": "api", "web": "web"})
    found = resolve(contract, Request("vps", profile, given, stated, made, env_file))
    if found.errors:
        lines = [f"  {problem}" for problem in found.errors]
        raise ValuesError("\n".join(["the values have problems; nothing was written", *lines]))
    return found.roles


def _write(path: Path, content: str, uid: int | None = None) -> None:
    """Replace *path* in one step; others can never read it.

    Its owner is *uid*, a user in the container that mounts it, where this process may say so.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        file.write(content)
    if uid is not None:
        fresh.chmod(0o400)
        if os.geteuid() == 0:
            os.chown(fresh, uid, uid)
    fresh.replace(path)
