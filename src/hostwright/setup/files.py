"""The files of a target, as texts, from what holds. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from hostwright.cluster.graduation import Graduation, Secret, lines, listed, reference_of, scalar
from hostwright.contract.chart import value_path
from hostwright.contract.envfile import quote
from hostwright.render.clouds.choices import ENV_OF
from hostwright.setup import hosts
from hostwright.setup.existing import with_values
from hostwright.setup.known import COMPOSE, readers_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.setup.known import Choice, Value
    from hostwright.setup.settle import Settled

_MADE_BY = "`invoke setup`"


class File(NamedTuple):
    """A file to be written.

    Attributes:
        name: Below the directory of the installation.
        text: What is in it.
        what: What it is for, for people.
    """

    name: str
    text: str
    what: str


class Names(NamedTuple):
    """What the files of an installation are called; empty where there is none."""

    env: str = ""
    inputs: str = ""
    more: str = ""


def names(choice: Choice) -> Names:
    """The files of its target."""
    profile, target = choice.profile, choice.target
    if choice.is_cloud:
        return Names(f".env.{target}", f"{profile}.tfvars")
    if target == "kubernetes":
        return Names("", f"{profile}-values.yaml", f"{profile}-values.secrets.yaml")
    if choice.by_hand:
        return Names(f".env.{profile}", f"compose.{profile}.env")
    return Names(f".env.{profile}", "hosts.yaml")


class Had(NamedTuple):
    """What a build begins with.

    Attributes:
        there: Files that exist already, by name: an env file and a hosts file keep what they have.
        secrets: Variable to value, those that were given, kept or made.
        references: Secrets that the chart is told where to find.
        place: The directory as it was named, with a slash at its end; empty for the working one.
    """

    there: Mapping[str, str]
    secrets: Mapping[str, str]
    references: tuple[str, ...] = ()
    place: str = ""


def build(settled: Settled, had: Had) -> list[File]:
    """Every file of the installation.

    Raises:
        SettingsError: hosts.yaml, as it is, cannot take the host.
    """
    called, there, secrets = names(settled.choice), had.there, had.secrets
    if settled.choice.is_cloud:
        env = _env(settled, secrets, there.get(called.env, ""))
        return [File(called.inputs, tfvars(settled), "the inputs"), File(called.env, env, _ENV)]
    if settled.choice.target == "kubernetes":
        made = _chart(settled, had.references)
        return [
            File(called.inputs, _values(settled, made), "the values of the chart"),
            File(called.more, _secrets_list(settled, made), "the secrets to make, no value in it"),
        ]
    env = _env(settled, {**plain_of(settled), **secrets}, there.get(called.env, ""))
    if settled.choice.by_hand:
        return [
            File(called.env, env, _ENV),
            File(called.inputs, _compose(settled), "Compose's settings"),
        ]
    shown, at = f"{had.place}{called.inputs}", f"{had.place}{called.env}"
    entry = hosts.placed(settled, there.get(called.inputs, ""), shown, at)
    return [File(called.env, env, _ENV), File(called.inputs, entry, "the server")]


_ENV = "the secrets; nothing else knows them"


def _meanings(settled: Settled) -> dict[str, str]:
    own = settled.contract.targets[settled.choice.target].secrets
    variables = settled.contract.variables
    return {name: item.meaning for name, item in (own | variables).items()}


def _env(settled: Settled, values: Mapping[str, str], there: str) -> str:
    head = (
        f"# Values of {settled.name} on {settled.choice.target}, profile "
        f"{settled.choice.profile}, by {_MADE_BY}. Keep this file to yourself.\n"
    )
    meanings = _meanings(settled)
    ordered = {name: values[name] for name in meanings if name in values}
    return with_values(there or head, ordered, meanings, quote)


# --- a cloud -------------------------------------------------------------------------------------


def tfvars(settled: Settled) -> str:
    """The inputs as Terraform reads them, laid out as ``terraform fmt`` does."""
    choice = settled.choice
    inputs = dict(settled.inputs)
    optional = [name for name in settled.secrets if _is_optional(settled, name)]
    if optional:
        inputs["secret_names"] = tuple(sorted({*inputs.get("secret_names", ()), *optional}))
    for role in ("api", "web", "worker"):
        own = _of_role(settled, f"{role}_env")
        if own:
            inputs[f"{role}_env"] = {**own, **inputs.get(f"{role}_env", {})}
    ordered = {name: inputs[name] for name in settled.contract.inputs if name in inputs}
    types = {name: item.type for name, item in settled.contract.inputs.items()}
    single = {name: item for name, item in ordered.items() if types[name] != "map"}
    width = max(map(len, single), default=0)
    head = [f"# Inputs of {settled.name} on {choice.target}, profile {choice.profile}, by"]
    head = [f"{head[0]} {_MADE_BY}.", "# Secrets are not here: they come from the env file.", ""]
    body = [f"{name:<{width}} = {_hcl(item, types[name])}" for name, item in single.items()]
    maps = [_map(name, item) for name, item in ordered.items() if types[name] == "map"]
    return "\n".join([*head, *body, *maps, ""])


def _is_optional(settled: Settled, name: str) -> bool:
    variable = settled.contract.variables.get(name)
    return variable is not None and settled.choice.profile not in variable.required


def _of_role(settled: Settled, of: str) -> dict[str, str]:
    """The variables that belong into a role's map; migrate reads the worker's."""
    variables = settled.contract.variables
    return {
        name: value
        for name, value in settled.plain.items()
        if any(ENV_OF[role] == of for role in readers_of(settled.contract, variables[name]))
    }


def _map(name: str, value: Mapping[str, str]) -> str:
    width = max(map(len, value), default=0)
    body = [f"  {key:<{width}} = {_text(item)}" for key, item in value.items()]
    return "\n".join(["", f"{name} = {{", *body, "}"])


def _hcl(value: Value, kind: str) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_text, value))}]"
    return str(value) if kind in {"int", "number", "bool"} else _text(value)


def _text(value: str) -> str:
    """A text that Terraform reads back exactly: ``${`` and ``%{`` would be templates."""
    return re.sub(r"([$%])\{", r"\1\1{", json.dumps(value, ensure_ascii=False))


# --- Kubernetes ----------------------------------------------------------------------------------


def _chart(settled: Settled, references: tuple[str, ...]) -> Graduation:
    made = Graduation()
    for name, value in settled.inputs.items():
        if isinstance(value, str):
            made.put(value_path(name), scalar(settled.contract.inputs[name].type, value))
        else:
            for key, item in value.items():
                made.put(f"{value_path(name)}.{key}", item)
    for name, value in settled.plain.items():
        made.put(f"env.{name}", value)
    for path, value in settled.chart.items():
        if not path.startswith("secrets.references."):
            made.put(path, value)
    for name in references:
        _refer(made, settled, name)
    return made


def _refer(made: Graduation, settled: Settled, name: str) -> None:
    contract = settled.contract
    stated = settled.chart.get(f"secrets.references.{name}")
    reference = str(stated or reference_of(contract, settled.name, name))
    made.put(f"secrets.references.{name}", reference)
    variable = contract.variables[name]
    new = "new: a random text" if not variable.when and variable.type == "string" else "yours"
    origin = f"{new}; {variable.meaning}"
    made.secrets.append(Secret(name, reference, tuple(readers_of(contract, variable)), origin))


def _values(settled: Settled, made: Graduation) -> str:
    head = [
        f"# Values of the chart ops/charts/app for {settled.name}, by {_MADE_BY}. No secret is",
        "# here: references name what a secret store holds.",
        "",
    ]
    return "\n".join([*head, *lines(made.values), ""])


def _secrets_list(settled: Settled, made: Graduation) -> str:
    head = [f"# Secrets of {settled.name} to make before the first deploy. No value is here.", ""]
    return "\n".join([*head, *listed(made.secrets), ""])


# --- one server, and this machine ----------------------------------------------------------------


def plain_of(settled: Settled) -> dict[str, str]:
    """Variables of an env file: an operator's, and those by which conditions are decided.

    The providers stand in hosts.yaml, too; in the env file ``invoke setup.check`` finds them.
    """
    from_inputs = {
        name: str(settled.inputs[source.text])
        for name, item in settled.contract.variables.items()
        if (source := item.source("vps")).kind == "input"
        and source.text in settled.inputs
        and source.text in hosts.DECIDING
    }
    return {**settled.plain, **from_inputs}


def _compose(settled: Settled) -> str:
    head = [f"# Settings of docker-compose.prod.yml for {settled.name}, by {_MADE_BY}.", ""]
    found = {COMPOSE[name]: value for name, value in settled.inputs.items() if name in COMPOSE}
    if "acme_email" in settled.host:
        found["ACME_EMAIL"] = settled.host["acme_email"]
    body = [f"{name}={quote(value)}" for name, value in found.items()]
    return "\n".join([*head, *body, ""])


# --- what is to be typed next --------------------------------------------------------------------


def next_commands(settled: Settled, place: str) -> Iterator[str]:
    """The commands after this one.

    Args:
        settled: What holds.
        place: The directory as it was named, with a slash at its end; empty for this one.
    """
    called = names(settled.choice)
    choice, target = settled.choice, settled.choice.target
    env, inputs = f"{place}{called.env}", f"{place}{called.inputs}"
    checked = f"invoke setup.check --env-file {env} --target {target} --profile {choice.profile}"
    if choice.is_cloud:
        yield checked
        if "registry_server" in settled.inputs:
            yield "export TF_VAR_registry_password=…"
        yield f"invoke {target}.plan --var-file {inputs} --env-file {env}"
        yield f"invoke {target}.apply --var-file {inputs} --env-file {env}"
        yield f"invoke {target}.migrate --var-file {inputs}"
        yield f"invoke {target}.smoke"
    elif target == "kubernetes":
        yield f"invoke kubernetes.diff --values {inputs}"
        yield f"invoke kubernetes.deploy --values {inputs}"
        yield "invoke kubernetes.smoke"
    elif choice.by_hand:
        domain = settled.inputs["app_domain"]
        yield checked
        yield (
            f"invoke vps.render --env-file {env} --app-domain {domain} --profile {choice.profile}"
        )
        file = "-f ops/compose/docker-compose.prod.yml"
        yield f"docker compose --env-file {inputs} {file} up -d"
    else:
        host = f"--host {hosts.name_of(settled)}{f' --hosts-file {inputs}' if place else ''}"
        user = settled.host.get("bootstrap_user", "root")
        yield checked
        yield f"invoke vps.trust --host {user}@{settled.host['address']}"
        yield f"invoke vps.provision {host} --dry-run"
        yield f"invoke vps.provision {host}"
        yield f"invoke vps.deploy {host}"
