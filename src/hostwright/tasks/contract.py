"""Tasks on the env contract."""

from __future__ import annotations

import json as json_
import sys
from typing import TYPE_CHECKING

from invoke.collection import Collection

from hostwright.tasks import flags, named
from hostwright.tasks.command import command

if TYPE_CHECKING:
    from invoke.context import Context

    from hostwright.contract.models import Contract


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
        "target": flags.TARGET,
        "profile": flags.PROFILE,
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

    contract = load()
    if not env_file:
        print(f"The contract holds: {len(contract.variables)} variables.")
        return 0
    return check_env_file(contract, env_file, target, profile, json=json)


def check_env_file(
    contract: Contract, env_file: str, target: str, profile: str, *, json: bool
) -> int:
    """Print every problem of an env file with its line; the exit code of values if there is one.

    Raises:
        UserError: There is no such target or profile.
        ValuesError: The file cannot be read as it stands.
    """
    from hostwright.contract.show import problems_of
    from hostwright.errors import ValuesError

    problems = problems_of(contract, env_file, named.target(target), named.profile(profile))
    if json:
        print(json_.dumps({"problems": [item._asdict() for item in problems]}, indent=2))
    else:
        for item in problems:
            mark = "" if item.severity == "error" else "warning: "
            print(f"{mark}{item}", file=sys.stderr)
        errors = sum(item.severity == "error" for item in problems)
        verdict = f"{errors} problem{'s' if errors != 1 else ''}" if errors else "complete"
        print(f"{env_file} for {target}, {profile}: {verdict}")
    return ValuesError.exit_code if any(item.severity == "error" for item in problems) else 0


@command(
    help={
        "target": f"Only this target. {flags.TARGET}",
        "role": "Only the variables of this role.",
        "json": "Print one JSON document.",
        "html": "Write the whole matrix into this file, as a page with a filter.",
    }
)
def matrix(
    _: Context, target: str = "", role: str = "", json: bool = False, html: str = ""
) -> None:
    """Show every variable with its roles and its source on every target.

    Example: `invoke contract.matrix --html matrix.html`.
    """
    from hostwright.contract import load
    from hostwright.contract.matrix import rows
    from hostwright.contract.show import print_matrix

    if html:
        _write_page(html, alone=not (target or role or json))
        return
    found = rows(load(), target=named.target(target) if target else None, role=role or None)
    if json:
        print(json_.dumps([row._asdict() for row in found], indent=2))
    else:
        print_matrix(found)


def _write_page(html: str, *, alone: bool) -> None:
    from pathlib import Path

    from hostwright.contract import load
    from hostwright.errors import UserError
    from hostwright.site.matrix import page

    if not alone:
        raise UserError(
            "--html writes the whole matrix", remedy="Leave out the other flags; the page filters."
        )
    text = page(load())
    try:
        Path(html).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", where=html) from error
    print(f"{html} written.")


@command(help={"check": "Change nothing; fail when a file is stale."})
def export(_: Context, check: bool = False) -> int:
    """Write the contract into every blueprint, the schemas that editors read, and the docs.

    In the docs it writes what derives from the contract or the code: pages of docs/reference, and
    the text between `<!-- generated: NAME -->` and `<!-- /generated -->` in other pages.

    Example: `invoke contract.export --check`.
    """
    from hostwright.docs import generated

    return generated.run(check=check)


@command(
    name="new-env",
    help={
        "out": "The file to write (mode 0600); it must not exist.",
        "target": flags.TARGET,
        "profile": flags.PROFILE,
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

    write(load(), named.target(target), named.profile(profile), Path(out))
    print(f"{out} written (mode 0600). Look through it before you use it.")


namespace = Collection("contract", show, check, matrix, export, new_env)
