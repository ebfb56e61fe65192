"""What Terraform says of a person's inputs, as problems with a remedy. Pure."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from hostwright.cloud import values
from hostwright.contract.rules import near
from hostwright.contract.values import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from hostwright.contract.models import Contract, TargetName
    from hostwright.terraform.diagnostics import Diagnostic

_RULE = re.compile(r"\s*This was checked by the validation rule at [^\s]+$")
_NAMED = re.compile(r'(?:variable named|root module input variable) "(\w+)"')
_ODD = re.compile(r"^(?P<map>\w+) may hold only .*It also holds: (?P<names>[^.]*)\.", re.DOTALL)
_COMPOSED = re.compile(r"\w+_env must not hold DATABASE_URL")
#: Both rules on ``secret_values`` name all that it is to hold.
_MADE = re.compile(
    r"secret_values (?:must hold a value for each of"
    r"|may hold only the secrets that this stack makes): (?P<names>[^.]*)\."
)
#: Our own sentences begin with the name of the input.
_FIRST = re.compile(r"(\w+) (?:must|may|needs)\b")
_VALUE = "variable."
#: What Terraform calls a rule of ours that was broken: the sentence behind it says all there is.
_OURS = ("Invalid value", "Module output value precondition", "Resource precondition")


def of(
    said: Iterable[Diagnostic],
    contract: Contract,
    target: TargetName,
    place: Callable[[str, str], str],
    secrets: Mapping[str, str] = MappingProxyType({}),
) -> list[Problem]:
    """The problems that these diagnostics are.

    Args:
        said: Of a plan from a person's inputs.
        contract: Knows the names.
        target: Which of its targets.
        place: Gives ``file:line`` of a name in the person's own files, from the file that
            Terraform names; empty where it is not there.
        secrets: The names in ``secret_values``, as far as they are known here, and where each
            stands: Terraform may not name what is ephemeral.
    """
    return [problem for item in said for problem in _of(item, contract, target, place, secrets)]


def made(said: Iterable[Diagnostic]) -> list[str] | None:
    """The secrets that the stack makes from ``secret_values``, where others were given."""
    for item in said:
        if found := _MADE.match(_detail(item)):
            return _listed(found["names"])
    return None


def _of(
    item: Diagnostic,
    contract: Contract,
    target: TargetName,
    place: Callable[[str, str], str],
    secrets: Mapping[str, str],
) -> Iterator[Problem]:
    detail = _detail(item)
    name = _name(item, detail)
    where = place(name, item.file) or _terraforms(item)
    if item.summary == "Value for undeclared variable":
        known = [key for key, spec in contract.inputs.items() if target in spec.targets]
        yield Problem(name, f"is no input on {target}", where, near(name, known))
    elif item.severity == "warning":
        return
    elif item.summary == "No value for required variable":
        yield Problem(name, "is not set", "", _how_to_set(name, contract, target))
    elif _COMPOSED.match(detail):
        return  # the rule on the map's names says it of each of them
    elif odd := _ODD.match(detail):
        yield from _keys(odd, contract, target, place, item.file)
    elif unmade := _unmade(detail, contract, target, secrets) or _lacking(detail, where, secrets):
        yield from unmade
    else:
        what, _, remedy = detail.partition(". ")
        told = what if item.summary.startswith(_OURS) else f"{item.summary}: {what}"
        told = told.removeprefix(f"{name} ").rstrip(".")
        if name:
            yield Problem(name, told, where, remedy or "Correct it.")
        else:
            yield Problem("Terraform", f"refuses this: {told}", where, remedy or "Correct it.")


def _how_to_set(name: str, contract: Contract, target: TargetName) -> str:
    spec = contract.inputs.get(name)
    if spec is None:
        return "variables.tf says what it is."
    if spec.ephemeral or spec.sensitive:
        made = f"`invoke contract.new-env --target {target}`"
        return f"Give --env-file, which {made} writes, or TF_VAR_{name}."
    return f"Set it: {spec.meaning}."


def _keys(
    odd: re.Match[str],
    contract: Contract,
    target: TargetName,
    place: Callable[[str, str], str],
    file: str,
) -> Iterator[Problem]:
    """A problem for each key of a map that has no business there."""
    role, secret = odd["map"].split("_")[0], odd["map"].endswith("_secrets")
    known = [
        name
        for name, item in contract.variables.items()
        if item.source(target).kind == "operator" and item.secret is secret and role in item.roles
    ]
    for key in _listed(odd["names"]):
        yield Problem(
            f"{odd['map']}.{key}",
            _why(key, contract, target, role),
            place(key, file) or place(odd["map"], file),
            near(key, known) if key not in contract.variables else "Remove it.",
        )


def _why(key: str, contract: Contract, target: TargetName, role: str) -> str:
    variable = contract.variables.get(key)
    if variable is None:
        return "is not in the contract"
    if role not in variable.roles:
        return f"does not belong to {role}: the contract gives it to {', '.join(variable.roles)}"
    source = variable.source(target)
    if source.kind == "operator":
        return "is a secret: it would stand in plain text" if variable.secret else "is no secret"
    return values.taken(source, target)


def _unmade(
    detail: str, contract: Contract, target: TargetName, secrets: Mapping[str, str]
) -> list[Problem]:
    """A problem for each secret that would be passed over; none if it is not known here."""
    found = _MADE.match(detail)
    return values.unmade(contract, target, secrets, _listed(found["names"])) if found else []


def _lacking(detail: str, where: str, secrets: Mapping[str, str]) -> list[Problem]:
    """A problem for each secret without a value; none where it is not known which have one."""
    found = _MADE.match(detail)
    if not found or not secrets:
        return []
    remedy = "Give it a value there, or a reference in api_secrets and worker_secrets."
    lacking = [name for name in _listed(found["names"]) if name not in secrets]
    return [Problem(f"secret_values.{name}", "is missing", where, remedy) for name in lacking]


def _listed(names: str) -> list[str]:
    return [name for name in re.split(r",\s*", names) if name]


def _detail(item: Diagnostic) -> str:
    return _RULE.sub("", " ".join(item.detail.split()))


def _name(item: Diagnostic, detail: str) -> str:
    found = _NAMED.search(detail) or _FIRST.match(detail)
    if found:
        return found[1]
    address = item.address
    return address.removeprefix(_VALUE) if address.startswith(_VALUE) else ""


def _terraforms(item: Diagnostic) -> str:
    return f"{item.file}:{item.line}" if item.file and item.line else item.file
