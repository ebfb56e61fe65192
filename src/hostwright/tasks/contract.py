"""Tasks on the env contract."""

from __future__ import annotations

import json as json_
import sys
from typing import TYPE_CHECKING, cast

from invoke.collection import Collection

from hostwright.tasks.command import command

if TYPE_CHECKING:
    from invoke.context import Context

    from hostwright.contract.models import Profile, TargetName

_TARGET = "One of aws, azure, gcp, kubernetes, vps."
_PROFILE = "One of development, staging, production."


@command(
    help={"name": "A variable, role, input or target; the whole contract without it."},
)
def show(_: Context, name: str = "") -> None:
    """Show what the contract says of one thing, or of all.

    Example: `invoke contract.show --name DATABASE_URL`.
    """
    from hostwright.contract import load
    from hostwright.contract.show import show as shown

    print(shown(load(), name))


@command(
    help={
        "env-file": "The operator's env file; without it only the contract itself is checked.",
        "target": _TARGET,
        "profile": _PROFILE,
        "json": "Print one JSON document.",
    }
)
def check(
    _: Context,
    env_file: str = "",
    target: str = "vps",
    profile: str = "production",
    json: bool = False,
) -> int:
    """Check the contract, and whether an env file gives what a target and profile require.

    Example: `invoke contract.check --env-file .env.prod --target vps --profile production`.
    """
    from hostwright.contract import load
    from hostwright.contract.show import problems_of

    contract = load()
    if not env_file:
        print(f"The contract holds: {len(contract.variables)} variables.")
        return 0
    problems = problems_of(contract, env_file, _target(target), _profile(profile))
    if json:
        print(json_.dumps({"problems": [item._asdict() for item in problems]}, indent=2))
    else:
        for item in problems:
            mark = "" if item.severity == "error" else "warning: "
            print(f"{mark}{item}", file=sys.stderr)
        errors = sum(item.severity == "error" for item in problems)
        verdict = f"{errors} problem{'s' if errors != 1 else ''}" if errors else "complete"
        print(f"{env_file} for {target}, {profile}: {verdict}")
    from hostwright.errors import ValuesError

    return ValuesError.exit_code if any(item.severity == "error" for item in problems) else 0


@command(
    help={
        "target": f"Only this target. {_TARGET}",
        "role": "Only the variables of this role.",
        "json": "Print one JSON document.",
    }
)
def matrix(_: Context, target: str = "", role: str = "", json: bool = False) -> None:
    """Show every variable with its roles and its source on every target."""
    from hostwright.contract import load
    from hostwright.contract.matrix import rows
    from hostwright.contract.show import print_matrix

    found = rows(load(), target=_target(target) if target else None, role=role or None)
    if json:
        print(json_.dumps([row._asdict() for row in found], indent=2))
    else:
        print_matrix(found)


@command(help={"check": "Change nothing; fail when a file is stale."})
def export(_: Context, check: bool = False) -> int:
    """Write the contract into every blueprint, and the schemas that editors read."""
    from hostwright import paths
    from hostwright.contract import export as exporting
    from hostwright.contract import load

    contract = load()
    changed = exporting.stale(contract) if check else exporting.write(contract)
    for path in changed:
        print(f"{paths.shown(path)} {'is stale' if check else 'written'}")
    if not changed:
        print("Every generated file is current.")
    return 1 if check and changed else 0


@command(
    name="new-env",
    help={
        "out": "The file to write (mode 0600); it must not exist.",
        "target": _TARGET,
        "profile": _PROFILE,
    },
)
def new_env(
    _: Context, out: str = ".env.prod", target: str = "vps", profile: str = "production"
) -> None:
    """Write an env file with fresh secrets and every required variable.

    Example: `invoke contract.new-env --out .env.prod`.
    """
    from pathlib import Path

    from hostwright.contract import load
    from hostwright.contract.example import write

    write(load(), _target(target), _profile(profile), Path(out))
    print(f"{out} written (mode 0600). Look through it before you use it.")


def _target(name: str) -> TargetName:
    from hostwright.contract.models import TARGETS

    return cast("TargetName", _one_of(name, TARGETS, "target"))


def _profile(name: str) -> Profile:
    from hostwright.contract.models import PROFILES

    return cast("Profile", _one_of(name, PROFILES, "profile"))


def _one_of(name: str, known: tuple[str, ...], what: str) -> str:
    from hostwright.contract.rules import near
    from hostwright.errors import UserError

    if name not in known:
        raise UserError(f"there is no {what} {name!r}", remedy=near(name, known))
    return name


namespace = Collection("contract", show, check, matrix, export, new_env)
