"""The wizard's tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.collection import Collection

from hostwright.tasks import flags
from hostwright.tasks.command import command

if TYPE_CHECKING:
    from invoke.context import Context


@command(
    iterable=["var"],
    help={
        "answers": "A YAML file of answers (ops/contract/answers/ has examples); asks nothing.",
        "var": "KEY=VALUE, one answer; may be repeated, wins over the file; no secrets.",
        "out": "The directory of the installation, where its files go; this one without it.",
        "yes": "Overwrite files that differ, after showing how.",
        "dry-run": "Show what would be written, and write nothing.",
        "json": "Print one JSON document.",
    },
)
def run(
    _: Context,
    var: list[str],
    answers: str = "",
    out: str = "",
    yes: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Ask what cannot be derived, and write a target's tfvars, values or env file.

    Example: `invoke setup`, or `invoke setup --answers answers.yaml --out prod --yes`.
    """
    from hostwright.setup.wizard import Request
    from hostwright.setup.wizard import run as running

    return running(Request(answers, tuple(var), out, yes, dry_run, json))


@command(
    help={
        "env-file": "The env file to look at.",
        "target": flags.TARGET,
        "profile": flags.PROFILE,
        "json": flags.JSON,
    }
)
def check(
    _: Context,
    env_file: str = "",
    target: str = "vps",
    profile: str = "production",
    json: bool = False,
) -> int:
    """Check an env file against the contract: `contract.check` with a file, under another name.

    Each problem has its file and line; the exit code is 5 where there is one.

    Example: `invoke setup.check --env-file .env.aws --target aws --profile staging`.
    """
    from hostwright.contract import load
    from hostwright.errors import UserError
    from hostwright.tasks.contract import check_env_file

    if not env_file:
        raise UserError("no env file was named", remedy="Give --env-file FILE.")
    return check_env_file(load(), env_file, target, profile, json=json)


namespace = Collection("setup", check)
namespace.add_task(run, name="run", default=True)
