"""What a contract must hold beyond its types: pure functions from a contract to its faults."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from hostwright.contract.models import (
    NOT_EMITTED,
    ROLES,
    TARGETS,
    Contract,
    Role,
    RoleName,
    Source,
    Variable,
)
from hostwright.contract.types import fault_of

if TYPE_CHECKING:
    from hostwright.contract.located import KeyPath
    from hostwright.contract.models import TargetName


class Fault(NamedTuple):
    """One broken rule: where in the file, what, and what to do."""

    path: KeyPath
    what: str
    remedy: str


Rule = Callable[[Contract], Iterator[Fault]]


def faults(contract: Contract) -> list[Fault]:
    """Every broken rule, in the order of the rules."""
    return [fault for rule in RULES for fault in rule(contract)]


def near(name: str, known: object) -> str:
    """A sentence that suggests the nearest known name, or lists what there is."""
    names = [str(item) for item in known] if isinstance(known, (list, tuple, dict, set)) else []
    spelled = {item.lower(): item for item in names}
    close = [
        *(spelled[item] for item in get_close_matches(name.lower(), spelled, n=1, cutoff=0.6)),
        *(spelled[item] for item in spelled if name and item.startswith(name.lower())),
    ]
    return f"Did you mean {close[0]}?" if close else f"Known: {', '.join(sorted(names)[:12])}."


def _roles_are_whole(contract: Contract) -> Iterator[Fault]:
    for name, role in contract.roles.items():
        for key, what, remedy in _lacks(role):
            yield Fault(("roles", name, *key), what, remedy)


def _lacks(role: Role) -> Iterator[tuple[KeyPath, str, str]]:
    health = role.health
    if role.kind == "service" and not (role.port and health.live and health.ready):
        yield (), "a service needs port, health.live and health.ready", "Add them."
    elif role.kind == "service" and health.live == health.ready:
        yield (
            ("health", "live"),
            "live and ready are the same path, so a failing dependency would kill the role",
            "Give live a path without dependencies.",
        )
    if role.kind != "job" and not role.command:
        yield (), f"a {role.kind} needs a command", "Add it."
    if role.kind == "worker" and not health.command:
        yield (), "a worker needs health.command", "Name a command that exits 0."
    if role.kind == "job" and not (role.commands and role.commands.up and role.commands.status):
        yield (), "a job needs commands.up and commands.status", "Add them."
    if role.kind != "service" and role.exposure != "none":
        yield ("exposure",), f"a {role.kind} is not exposed", "Write none."


def _role_names_fit_kinds(contract: Contract) -> Iterator[Fault]:
    kinds = {"api": "service", "web": "service", "worker": "worker", "migrate": "job"}
    for name, role in contract.roles.items():
        if role.kind != kinds[name]:
            yield Fault(("roles", name, "kind"), f"{name} is a {kinds[name]}", "Correct the kind.")


def _sources_cover_targets(contract: Contract) -> Iterator[Fault]:
    for name, variable in contract.variables.items():
        if "default" in variable.sources:
            continue
        missing = [target for target in contract.targets if target not in variable.sources]
        if missing:
            yield Fault(
                ("variables", name, "sources"),
                f"no source on {', '.join(missing)}",
                "Name one there, or a default.",
            )


def _sources_are_whole(contract: Contract) -> Iterator[Fault]:
    for name, variable in contract.variables.items():
        for target, source in variable.sources.items():
            path = ("variables", name, "sources", target)
            yield from _source_faults(contract, path, variable, source)


def _source_faults(
    contract: Contract, path: KeyPath, variable: Variable, source: Source
) -> Iterator[Fault]:
    if source.kind == "input" and source.text not in contract.inputs:
        yield Fault(path, f"there is no input {source.text}", near(source.text, contract.inputs))
    if source.kind == "composed" and not source.text:
        yield Fault(path, "composed needs the name of what is composed", "Write composed: NAME.")
    if source.kind in {"operator", "platform", "none"} and source.text:
        yield Fault(path, f"{source.kind} takes no text", "Write the word alone.")
    if variable.secret and source.kind in {"literal", "input"}:
        yield Fault(
            path,
            f"a secret cannot come from {source.kind}: it would stand in plain text",
            "Use operator or composed.",
        )
    for role in variable.roles if source.kind == "literal" else ():
        text = source.literal(role) or ""
        fault = fault_of(variable, text) if text.strip() else "is blank"
        if fault:
            yield Fault(path, f"the literal for {role} {fault}", "Correct it.")


def _fallbacks_exist(contract: Contract) -> Iterator[Fault]:
    for name, item in contract.inputs.items():
        if item.fallback and item.fallback not in contract.inputs:
            path = ("inputs", name, "fallback")
            yield Fault(
                path, f"there is no input {item.fallback}", near(item.fallback, contract.inputs)
            )


def _conditions_hold(contract: Contract) -> Iterator[Fault]:
    for name, variable in contract.variables.items():
        for index, condition in enumerate(variable.when):
            for other, values in condition.items():
                path = ("variables", name, "when", index, other)
                found = contract.variables.get(other)
                if found is None:
                    yield Fault(path, f"no variable {other}", near(other, contract.variables))
                    continue
                for value in sorted(set(values) - set(found.allowed or values)):
                    yield Fault(path, f"{other} is never {value}", near(value, found.allowed))
                if set(variable.roles) - set(found.roles):
                    yield Fault(
                        path, f"{other} does not reach every role of {name}", "Align the roles."
                    )
            if not condition:
                yield Fault(("variables", name, "when", index), "empty condition", "Remove it.")


def _values_fit_types(contract: Contract) -> Iterator[Fault]:
    for name, variable in contract.variables.items():
        path = ("variables", name)
        if (variable.type == "enum") != bool(variable.allowed):
            yield Fault(path, "allowed and type enum belong together", "Give both or neither.")
        fault = variable.default is not None and fault_of(variable, variable.default)
        if fault:
            yield Fault((*path, "default"), f"the default {fault}", "Correct it.")
        for value in sorted(set(variable.only_on) - set(variable.allowed)):
            yield Fault((*path, "only_on", value), f"{value} is not allowed at all", "Remove it.")


def _secrets_are_guarded(contract: Contract) -> Iterator[Fault]:
    for name, variable in contract.variables.items():
        path = ("variables", name)
        if variable.secret and variable.default is not None:
            yield Fault((*path, "default"), "a secret has no default", "Remove it.")
        operator = any(source.kind == "operator" for source in variable.sources.values())
        if variable.secret and operator and variable.type == "string" and not variable.min_length:
            yield Fault(path, "a secret of the operator needs min_length", "Add it.")
        if not variable.secret and re.search(
            r"(PASSWORD|SECRET_KEY|SECRET_ACCESS_KEY|ENCRYPTION_KEY|_TOKEN|PEPPER)$", name
        ):
            yield Fault(path, "named like a secret but not secret", "Write secret: true.")


def _web_sees_no_data_store(contract: Contract) -> Iterator[Fault]:
    for name, variable in contract.of_role("web").items():
        if name.startswith(("DATABASE_", "REDIS_")):
            yield Fault(("variables", name, "roles"), "web reaches no data store", "Remove web.")
        if variable.secret:
            yield Fault(("variables", name, "roles"), "web gets no secret", "Remove web.")


def _build_time_stays_out(contract: Contract) -> Iterator[Fault]:
    for name in contract.variables:
        if name.startswith("NEXT_PUBLIC_"):
            yield Fault(
                ("variables", name),
                "NEXT_PUBLIC_ variables are baked in when the image is built",
                "Remove it: nothing that is set at run time reaches the browser.",
            )


def _reserved_is_not_emitted(contract: Contract) -> Iterator[Fault]:
    for target, spec in contract.targets.items():
        for name in sorted(set(spec.reserved) & set(contract.variables)):
            if _source_kind(contract.variables[name], target) not in {"", *NOT_EMITTED}:
                yield Fault(
                    ("variables", name, "sources"),
                    f"{target} reserves {name}: a deployment that sets it is refused",
                    f"Write {target}: platform.",
                )


def _versions_are_past(contract: Contract) -> Iterator[Fault]:
    for name, variable in contract.variables.items():
        if variable.since > contract.version:
            yield Fault(("variables", name, "since"), "later than the contract", "Raise version.")


def _targets_are_known(contract: Contract) -> Iterator[Fault]:
    for target in TARGETS:
        if target not in contract.targets:
            yield Fault(("targets",), f"{target} is not described", "Describe every target.")
    if not any(contract.roles.get(role) for role in ROLES if role != "migrate"):
        yield Fault(("roles",), "no role that runs", "Keep at least one of api, web and worker.")


def _required_can_be_met(contract: Contract) -> Iterator[Fault]:
    for name, variable in contract.variables.items():
        if not variable.required or variable.when:
            continue
        unmet = [target for target in contract.targets if _source_kind(variable, target) == "none"]
        if unmet:
            key = unmet[0] if unmet[0] in variable.sources else "default"
            yield Fault(
                ("variables", name, "sources", key),
                f"required without a condition, but {', '.join(unmet)} has no use for it",
                "Name a source there, or make it optional.",
            )


def _source_kind(variable: Variable, target: TargetName) -> str:
    """The kind of its source on *target*; empty where it has none (another rule's fault)."""
    source = variable.sources.get(target) or variable.sources.get("default")
    return source.kind if source else ""


def roles_of(contract: Contract, variable: Variable) -> tuple[RoleName, ...]:
    """The roles that get *variable* and that the application has."""
    return tuple(role for role in variable.roles if role in contract.roles)


RULES: tuple[Rule, ...] = (
    _targets_are_known,
    _role_names_fit_kinds,
    _roles_are_whole,
    _sources_cover_targets,
    _sources_are_whole,
    _fallbacks_exist,
    _conditions_hold,
    _values_fit_types,
    _secrets_are_guarded,
    _web_sees_no_data_store,
    _build_time_stays_out,
    _reserved_is_not_emitted,
    _versions_are_past,
    _required_can_be_met,
)
