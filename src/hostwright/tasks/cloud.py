"""Tasks on the three clouds: the same words, one collection for each."""

from __future__ import annotations

import json as json_
from typing import TYPE_CHECKING, Any, TypeVar

from invoke.collection import Collection

from hostwright.tasks import flags, question
from hostwright.tasks.command import command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from invoke.context import Context

    from hostwright.cloud.operate import Stack
    from hostwright.render.clouds.model import CloudName

Body = TypeVar("Body")

_VAR_FILE = "A file of inputs (.tfvars); may be repeated, later ones win."
_ENV_FILE = "The env file of the secrets (`invoke contract.new-env`); else TF_VAR_… is read."
_IMAGE = "ROLE=REF with a digest; wins over the files; may be repeated."
_GIVEN = {"var-file": _VAR_FILE, "env-file": _ENV_FILE, "image": _IMAGE}
_MANY = ["var_file", "image"]


def collection(target: CloudName) -> Collection:
    """The tasks of one cloud."""
    tasks = (plan, apply, outputs, migrate, rollback, smoke, drift, validate)
    made = Collection(target)
    for task in tasks:
        made.add_task(task(target))
    if target == "azure":
        made.add_task(bind)
    return made


def plan(target: CloudName) -> Any:  # noqa: ANN401 - Invoke's Task
    """Make the task ``plan``."""

    @command(
        name="plan",
        iterable=_MANY,
        help={**_GIVEN, "out": "Where the plan is kept (mode 0600), for a later apply."},
    )
    @_described(
        f"""Refuse bad inputs, then show what an apply on {target} would change.

    Example: `invoke {target}.plan --var-file prod.tfvars --env-file .env.prod`.
    """
    )
    def task(
        context: Context, var_file: list[str], image: list[str], env_file: str = "", out: str = ""
    ) -> None:
        stack = _stack(context, target, var_file, env_file, image)
        inputs = stack.refuse()
        stack.say(f"logged in: {stack.log_in(inputs)}")
        stack.plan(_out(target, out))

    return task


def apply(target: CloudName) -> Any:  # noqa: ANN401 - Invoke's Task
    """Make the task ``apply``."""

    @command(name="apply", iterable=_MANY, help=_GIVEN)
    @_described(
        f"""Plan, ask, and apply on {target}; never in CI.

    Example: `invoke {target}.apply --var-file prod.tfvars --image api=ghcr.io/acme/api@sha256:…`.
    """
    )
    def task(context: Context, var_file: list[str], image: list[str], env_file: str = "") -> None:
        _apply(_stack(context, target, var_file, env_file, image))

    return task


def outputs(target: CloudName) -> Any:  # noqa: ANN401 - Invoke's Task
    """Make the task ``outputs``."""

    @command(name="outputs", help={"json": flags.JSON})
    @_described(
        f"""Show what was applied on {target}: addresses, names, ids; no secrets.

    Example: `invoke {target}.outputs --json`.
    """
    )
    def task(context: Context, json: bool = False) -> None:
        found = _stack(context, target).outputs()
        if json:
            print(json_.dumps(found, indent=2))
        else:
            _print_outputs(found)

    return task


def migrate(target: CloudName) -> Any:  # noqa: ANN401 - Invoke's Task
    """Make the task ``migrate``."""

    @command(name="migrate", iterable=["var_file"], help={"var-file": _VAR_FILE})
    @_described(
        f"""Run the migrate job on {target}, wait for its end, and fail as it fails.

    Example: `invoke {target}.migrate --var-file prod.tfvars`.
    """
    )
    def task(context: Context, var_file: list[str]) -> None:
        stack = _stack(context, target, var_file)
        inputs = stack.applied()
        stack.say(f"logged in: {stack.log_in(inputs)}")
        stack.migrate(inputs)
        stack.say("migrated")

    return task


def rollback(target: CloudName) -> Any:  # noqa: ANN401 - Invoke's Task
    """Make the task ``rollback``."""

    @command(name="rollback", iterable=_MANY, help=_GIVEN)
    @_described(
        f"""Apply the images that ran before on {target}, or those that are named.

    Example: `invoke {target}.rollback --var-file prod.tfvars --env-file .env.prod`.
    """
    )
    def task(context: Context, var_file: list[str], image: list[str], env_file: str = "") -> None:
        from dataclasses import replace

        from hostwright.cloud.operate import previous_images

        stack = _stack(context, target, var_file, env_file, image)
        if not stack.inputs.images:
            inputs = stack.applied()
            stack.say(f"logged in: {stack.log_in(inputs)}")
            found = previous_images(stack.live(inputs))
            for role, ref in found.items():
                stack.say(f"{role}: back to {ref}")
            stack = replace(stack, inputs=replace(stack.inputs, images=found))
        _apply(stack)

    return task


def smoke(target: CloudName) -> Any:  # noqa: ANN401 - Invoke's Task
    """Make the task ``smoke``."""

    @command(
        name="smoke",
        help={"seconds": "How long to wait until all is ready.", "json": flags.JSON},
    )
    @_described(
        f"""Ask what is deployed on {target} whether it is ready, until it is.

    Example: `invoke {target}.smoke --seconds 120`.
    """
    )
    def task(context: Context, seconds: int = 300, json: bool = False) -> None:
        from hostwright.cloud import smoke as smoking
        from hostwright.progress import Progress

        stack = _stack(context, target)
        wanted = smoking.addresses(stack.contract, stack.outputs())
        with Progress() as progress:
            answers = smoking.wait(wanted, float(seconds), progress)
        if json:
            print(json_.dumps([item._asdict() for item in answers], indent=2))

    return task


def drift(target: CloudName) -> Any:  # noqa: ANN401 - Invoke's Task
    """Make the task ``drift``."""

    @command(name="drift", iterable=["var_file"], help={"var-file": _VAR_FILE})
    @_described(
        f"""Compare the names of live variables on {target} with the contract's.

    Example: `invoke {target}.drift --var-file prod.tfvars`.
    """
    )
    def task(context: Context, var_file: list[str]) -> None:
        from hostwright.cloud.operate import drift as differences
        from hostwright.cloud.operate import refuse_drift

        stack = _stack(context, target, var_file)
        inputs = stack.applied()
        stack.say(f"logged in: {stack.log_in(inputs)}")
        live = stack.live(inputs)
        refuse_drift(differences(stack.outputs()["env_names"], live, target))
        names = sum(len(item.env_names) for item in live.values())
        stack.say(f"no drift: {len(live)} roles, {names} variables, as the contract says")

    return task


def validate(target: CloudName) -> Any:  # noqa: ANN401 - Invoke's Task
    """Make the task ``validate``."""

    @command(name="validate", help={"json": "Also write the report as JSON to this file."})
    @_described(
        f"""Prove the {target} blueprint against the contract; needs no account.

    The same as `nox -s validate_{target}`.
    """
    )
    def task(_: Context, json: str = "") -> int:
        from hostwright.validate import run

        return run([target], json)

    return task


@command(name="bind", iterable=["var_file"], help={"var-file": _VAR_FILE})
def bind(context: Context, var_file: list[str]) -> None:
    """Bind certificates to the apps' names on azure, once they are issued; Terraform cannot.

    Example: `invoke azure.bind --var-file prod.tfvars`.
    """
    import time

    from hostwright.cloud import azure_names

    stack = _stack(context, "azure", var_file)
    inputs = stack.applied()
    stack.say(f"logged in: {stack.log_in(inputs)}")
    azure_names.bind(stack.ask, stack.where(inputs), stack.say, time.sleep)


# --- helpers -----------------------------------------------------------------------------------


def _described(text: str) -> Callable[[Body], Body]:
    """Give a task its docstring, which names its cloud."""

    def decorate(body: Body) -> Body:
        body.__doc__ = text
        return body

    return decorate


def _stack(
    context: Context,
    target: CloudName,
    var_file: list[str] | None = None,
    env_file: str = "",
    image: list[str] | None = None,
) -> Stack:
    from pathlib import Path

    from hostwright.cloud.operate import Inputs, Stack
    from hostwright.contract import load

    files = tuple(Path(name) for name in var_file or ())
    inputs = Inputs(files, env_file, _images(image or []))
    return Stack(load(), target, inputs, echo=bool(context.config.run.echo), say=_say)


def _say(line: str) -> None:
    import sys

    sys.stderr.write(f"{line}\n")


def _images(words: list[str]) -> dict[str, str]:
    from hostwright.errors import UserError

    found = {}
    for word in words:
        role, _, ref = word.partition("=")
        if not role or not ref:
            raise UserError("is not ROLE=REF", where=f"--image {word}", remedy="As in api=REF.")
        found[role] = ref
    return found


def _out(target: CloudName, out: str) -> Path:
    from pathlib import Path

    from hostwright import paths

    return Path(out).resolve() if out else paths.OPERATOR / f"{target}.tfplan"


def _apply(stack: Stack) -> None:
    from hostwright.cloud.operate import refuse_in_ci
    from hostwright.errors import UserError

    refuse_in_ci()
    inputs = stack.refuse()
    stack.say(f"logged in: {stack.log_in(inputs)}")
    kept = _out(stack.target, "")
    try:
        stack.plan(kept)
        if question.answer("Apply this plan? Only `yes` does it: ") != "yes":
            raise UserError("not confirmed; nothing was changed")
        stack.apply(kept)
    finally:
        kept.unlink(missing_ok=True)


def _print_outputs(found: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("output", no_wrap=True)
    table.add_column("value", overflow="fold")
    for name, value in found.items():
        table.add_row(name, value if isinstance(value, str) else json_.dumps(value))
    Console().print(table)


aws = collection("aws")
azure = collection("azure")
gcp = collection("gcp")
