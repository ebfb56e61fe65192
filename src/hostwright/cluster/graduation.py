"""From a server to Kubernetes: the values and the list of secrets that the move needs. Pure.

What only a server has (keys and storage on its disk, its own Postgres and Redis, images that never
were in a registry) cannot be carried over by guessing: it becomes a TODO with an empty value, and
the chart refuses the file until somebody has chosen.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from hostwright.contract.chart import READERS, value_path
from hostwright.contract.values import complete

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hostwright.contract.envfile import Given
    from hostwright.contract.models import Contract, RoleName, Variable
    from hostwright.settings import Host

#: Inputs that are written by a rule of their own, or mean nothing here.
_OWN = frozenset({"environment", "project_name", "secrets_provider", "auth_key_storage_provider"})
_STORAGE = "storage_provider"
#: Inputs that decide where something lies, and the variable that says what is allowed.
_CHOSEN = {"secrets_provider": "SECRETS_PROVIDER", _STORAGE: "STORAGE_PROVIDER"}
_KEPT_BY = {
    "secrets_provider": "a server keeps its keys in its env file and on its disk",
    _STORAGE: "a server keeps uploads on its disk; pods share none",
}
_TODO = "TODO: "


class Leaf(NamedTuple):
    """A value, and what is written behind it."""

    value: Any
    comment: str = ""


Tree = dict[str, "Leaf | Tree"]


class Secret(NamedTuple):
    """A secret to be put into a store: never its value."""

    variable: str
    reference: str
    roles: tuple[str, ...]
    origin: str


class Todo(NamedTuple):
    """Something that the operator has to choose; the chart refuses the values before."""

    path: str
    what: str


@dataclass(frozen=True)
class Server:
    """What a server runs, and what an operator has given for it.

    Args:
        host: Its settings.
        given: The operator's values, by variable; of secrets only the names are used.
        images: Role to what the serving release runs, as the runner says it (``ref``, ``asked``).
        release: That release.
    """

    host: Host
    given: Mapping[str, Given]
    images: Mapping[str, Mapping[str, Any]]
    release: str


@dataclass
class Graduation:
    """What is written: values, secrets, what is to be chosen, what is left behind."""

    values: Tree = field(default_factory=dict)
    secrets: list[Secret] = field(default_factory=list)
    todos: list[Todo] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def put(self, path: str, value: object, comment: str = "") -> None:
        """Write a value."""
        *above, last = path.split(".")
        tree = self.values
        for key in above:
            found = tree.setdefault(key, {})
            if isinstance(found, Leaf):
                raise TypeError(path)
            tree = found
        tree[last] = Leaf(value, comment)

    def ask(self, path: str, what: str) -> None:
        """Leave a value empty: the operator has to choose it."""
        self.put(path, "", f"{_TODO}{what}")
        self.todos.append(Todo(path, what))


def graduate(contract: Contract, server: Server, known: Mapping[str, Any]) -> Graduation:
    """The values and secrets of *server*'s installation on Kubernetes.

    Args:
        contract: What each role needs there.
        server: What runs, and what is known of it.
        known: The schema of the chart's values: what it has no place for is left behind.
    """
    made = Graduation()
    host = server.host
    made.put("environment", host.profile)
    made.put("projectName", host.project_name or contract.application)
    _inputs(made, contract, server, known)
    _providers(made, contract, server)
    _images(made, contract, server)
    _env(made, contract, server)
    _secrets(made, contract, server)
    _routing(made, contract, host)
    return made


# --- inputs --------------------------------------------------------------------------------------


def _inputs(made: Graduation, contract: Contract, server: Server, known: Mapping[str, Any]) -> None:
    """Canonical inputs that the operator stated: the same words, in the chart's places."""
    for name, text in server.host.canonical().items():
        spec = contract.inputs.get(name)
        if spec is None or name in _OWN or name in _CHOSEN or spec.type == "image":
            continue
        path = value_path(name)
        if "kubernetes" in spec.targets and has(known, path):
            made.put(path, scalar(spec.type, text))
        else:
            made.left.append(f"{name}: the chart has no such value")


def has(schema: Mapping[str, Any], path: str) -> bool:
    """Whether the chart has a value at *path*."""
    node: Any = schema
    for key in path.split("."):
        node = (node.get("properties") or {}).get(key)
        if node is None:
            return False
    return True


def scalar(kind: str, text: str) -> object:
    """An input's text as YAML has its type."""
    if kind in {"int", "number"}:
        number = float(text)
        return int(number) if number.is_integer() else number
    return text == "true" if kind == "bool" else text


def _providers(made: Graduation, contract: Contract, server: Server) -> None:
    """Where keys and uploads lie: taken over where Kubernetes can, else to be chosen."""
    stated = complete(contract, "vps", server.host.canonical())
    for name, variable in _CHOSEN.items():
        given = server.given.get(variable)
        value = given.value if given else stated.get(name, "")
        allowed = contract.variables[variable].allowed_on("kubernetes")
        if value in allowed:
            made.put(value_path(name), value)
        else:
            words = ", ".join(allowed)
            made.ask(value_path(name), f"one of {words} ({_KEPT_BY[name]})")
    bucket = value_path("storage_bucket_name")
    if isinstance(made.values.get(bucket), Leaf):
        return
    if any(todo.path == value_path(_STORAGE) for todo in made.todos):
        made.ask(bucket, "the bucket that the server's uploads are copied to")


# --- images --------------------------------------------------------------------------------------


def _images(made: Graduation, contract: Contract, server: Server) -> None:
    for role in READERS:
        if role not in contract.roles:
            continue
        ref = str((server.images.get(role) or {}).get("ref") or "")
        same = role == "worker" and server.images.get("api", {}).get("ref") == ref
        if same:
            continue
        if "@sha256:" in ref:
            made.put(value_path(f"{role}_image"), ref)
        else:
            told = f" ({ref} was sent over SSH: no registry has it)" if ref else ""
            made.ask(value_path(f"{role}_image"), f"an image in a registry, by digest{told}")


# --- variables -----------------------------------------------------------------------------------


def _env(made: Graduation, contract: Contract, server: Server) -> None:
    """Values that are no secrets: given for all roles, then for one alone, then the missing."""
    plain = {name: item for name, item in _operators(contract) if not item.secret}
    for name, variable in plain.items():
        given = server.given.get(name)
        if given and given.value.strip():
            made.put(f"env.{name}", given.value)
        elif _is_needed(contract, variable, server) and not _is_known(server, name, variable):
            allowed = ", ".join(variable.allowed_on("kubernetes"))
            what = f"{variable.meaning}{f': one of {allowed}' if allowed else ''}"
            made.ask(f"env.{name}", what)
    maps = {
        "api": server.host.api_env,
        "web": server.host.web_env,
        "worker": server.host.worker_env,
    }
    for role, values in maps.items():
        for name, value in values.items():
            if name in plain:
                made.put(f"{role}.env.{name}", value)
            else:
                made.left.append(f"{role}_env.{name}: no variable that an operator sets here")


def _is_known(server: Server, name: str, variable: Variable) -> bool:
    """Whether it has a default, or a value for one role."""
    host = server.host
    return variable.default is not None or any(
        name in values for values in (host.api_env, host.web_env, host.worker_env)
    )


def _operators(contract: Contract) -> Iterator[tuple[str, Variable]]:
    """The variables that an operator gives on Kubernetes."""
    for name, item in contract.variables.items():
        if item.source("kubernetes").kind == "operator" and _roles(contract, item):
            yield name, item


def _roles(contract: Contract, variable: Variable) -> tuple[RoleName, ...]:
    return tuple(role for role in variable.roles if role in contract.roles)


def _is_needed(contract: Contract, variable: Variable, server: Server) -> bool:
    here = variable.needs_role is None or variable.needs_role in contract.roles
    return here and not variable.when and server.host.profile in variable.required


def _secrets(made: Graduation, contract: Contract, server: Server) -> None:
    prefix = server.host.project_name or contract.application
    for name, variable in _operators(contract):
        if not variable.secret:
            continue
        if name not in server.given and not _is_needed(contract, variable, server):
            continue
        reference = reference_of(contract, prefix, name)
        made.put(f"secrets.references.{name}", reference)
        origin = _origin(name, variable, server)
        made.secrets.append(Secret(name, reference, _roles(contract, variable), origin))
    made.put("secrets.type", "external", "or csi, or existing: docs/ops/hosting-kubernetes.md")
    made.ask("secrets.external.storeName", "the ClusterSecretStore that holds these secrets")


def reference_of(contract: Contract, prefix: str, name: str) -> str:
    """What a secret of this variable is called in a store.

    Raises:
        ValueError: It is no name that Kubernetes takes.
    """
    reference = f"{prefix}-{name.lower().replace('_', '-')}"
    form = contract.targets["kubernetes"].secret_name
    if not re.fullmatch(form, reference):
        raise ValueError(f"{reference} does not fit {form}")
    return reference


def _origin(name: str, variable: Variable, server: Server) -> str:
    if variable.source("vps").kind == "composed":
        what = "Postgres" if name.startswith("DATABASE") else "Redis"
        return f"new: the whole URL of the {what} that the cluster uses, user and password in it"
    if name in server.given:
        return f"the same value as on the server ({server.given[name].where})"
    return "new"


def _routing(made: Graduation, contract: Contract, host: Host) -> None:
    if ("web" in contract.roles and host.app_domain) or (
        "api" in contract.roles and host.api_domain
    ):
        made.put("routing.type", "gateway", "or ingress")
        made.ask("routing.gateway.name", "the Gateway that takes the routes, with its certificate")


# --- what is written -----------------------------------------------------------------------------


def values_text(made: Graduation, server: Server) -> str:
    """The values file."""
    head = [
        "# Values of the chart ops/charts/app, made from what a server runs:",
        f"# {server.host.address}, release {server.release}.",
        "# What says TODO has to be chosen: the chart refuses this file until then. No secret",
        "# belongs here: references name what a secret store holds.",
        "",
    ]
    return "\n".join([*head, *lines(made.values), ""])


def lines(tree: Tree, indent: str = "") -> Iterator[str]:
    """A tree of values as YAML, with its comments."""
    for key, item in tree.items():
        if isinstance(item, Leaf):
            comment = f"  # {item.comment}" if item.comment else ""
            # JSON is YAML; what YAML would read otherwise is escaped in it.
            yield f"{indent}{key}: {json.dumps(item.value)}{comment}"
        else:
            yield f"{indent}{key}:"
            yield from lines(item, f"{indent}  ")


def secrets_text(made: Graduation, server: Server) -> str:
    """The list of secrets, as YAML: names and where the value comes from, never a value."""
    head = [
        f"# Secrets to make before the first deploy; from {server.host.address}. No value is here.",
        "",
    ]
    return "\n".join([*head, *listed(made.secrets), ""])


def listed(secrets: Iterable[Secret]) -> Iterator[str]:
    """The secrets as a list in YAML: four lines each."""
    for item in secrets:
        yield f"- variable: {item.variable}"
        yield f"  reference: {item.reference}"
        yield f"  roles: [{', '.join(item.roles)}]"
        yield f"  value: {json.dumps(item.origin)}"
