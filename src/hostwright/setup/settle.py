"""Which questions are open, and what holds when none is. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hostwright.contract import example
from hostwright.contract.values import applies, complete, deciding
from hostwright.setup.known import given, readers_of
from hostwright.setup.presets import CHART, NEEDS, NEEDS_BY_HAND, TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.contract.models import Contract, Variable
    from hostwright.setup.known import Choice, Question, Value

#: What every target serves, and what the clouds demand outside of development.
_SCHEME = "https://"


@dataclass(frozen=True)
class Settled:
    """What holds for one installation.

    Args:
        choice: Which one.
        inputs: Canonical inputs that are written, in the contract's order: texts, lists, maps.
        plain: Variables that are no secrets.
        secrets: Secrets that were given.
        made: Secrets to be made where no file has them yet, with their fewest characters.
        host: Fields of a host.
        chart: Values of the chart by path.
    """

    contract: Contract
    choice: Choice
    inputs: dict[str, Value]
    plain: dict[str, str]
    secrets: dict[str, str]
    made: dict[str, int]
    host: dict[str, str]
    chart: dict[str, Value]

    @property
    def name(self) -> str:
        """What the installation is called."""
        return str(self.inputs.get("project_name") or self.contract.application)


def still_open(
    contract: Contract, choice: Choice, known: Mapping[str, Question], answers: Mapping[str, Value]
) -> list[Question]:
    """The questions to ask, in order; one that has a default may go without an answer.

    Args:
        contract: The contract.
        choice: Of the installation.
        known: The catalogue of *choice*.
        answers: What was answered so far; blanks are answers, too: "as it is by itself".
    """
    table = TABLE[choice.preset]
    needed = [*_needs(contract, choice, known), *_unset(contract, choice, known, answers)]
    conditional = [
        ask.name for ask in CHART if not ask.key or holds(ask.key, known, answers) == ask.of
    ]
    order = [
        *needed,
        *table.asks,
        *_variables(contract, choice, known, answers),
        *_secrets(contract, choice, known, answers),
        *conditional,
    ]
    optional = {*table.asks} - {*needed}
    return [
        known[key]._replace(needed=key not in optional)
        for key in dict.fromkeys(order)
        if key in known and key not in answers
    ]


def missing(questions: list[Question]) -> list[Question]:
    """Those that must be answered, since nothing holds by itself."""
    return [item for item in questions if item.needed and not item.default]


def holds(key: str, known: Mapping[str, Question], answers: Mapping[str, Value]) -> Value:
    """The answer, or what holds without one."""
    return answers.get(key) or (known[key].default if key in known else "")


def settle(
    contract: Contract, choice: Choice, known: Mapping[str, Question], answers: Mapping[str, Value]
) -> Settled:
    """What holds; nothing that must be answered is open."""
    gives = given(contract, choice, str(answers.get("project_name") or ""))
    full = {
        **{key: value for key, value in gives.items() if key in known},
        **{key: value for key, value in answers.items() if value not in ("", (), {}, None)},
    }
    of_kind = {
        kind: {key: value for key, value in full.items() if known[key].kind == kind}
        for kind in ("input", "variable", "secret", "host", "chart")
    }
    return Settled(
        contract,
        choice,
        _stated(contract, choice, of_kind["input"]),
        of_kind["variable"],
        of_kind["secret"],
        _made(contract, choice, known, answers),
        of_kind["host"],
        of_kind["chart"],
    )


# --- helpers -------------------------------------------------------------------------------------


def _stated(contract: Contract, choice: Choice, inputs: Mapping[str, Value]) -> dict[str, Value]:
    """The inputs in the contract's order, with those that follow from others."""
    found = {"environment": choice.profile, **inputs}
    if "app_domain" in found and choice.target != "vps":
        found.setdefault("app_public_url", f"{_SCHEME}{found['app_domain']}")
    if choice.target == "kubernetes":
        found.setdefault("project_name", contract.application)
    return {name: found[name] for name in contract.inputs if name in found}


def _texts(inputs: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in inputs.items() if isinstance(value, str)}


def _effective(
    contract: Contract, choice: Choice, known: Mapping[str, Question], answers: Mapping[str, Value]
) -> dict[str, str]:
    """Every input that has a value, defaults and fallbacks too."""
    named = {key: holds(key, known, answers) for key in known if known[key].kind == "input"}
    stated = _stated(contract, choice, {key: value for key, value in named.items() if value})
    if choice.target == "vps" and "app_domain" in stated:
        stated.setdefault("app_public_url", f"{_SCHEME}{stated['app_domain']}")
    return complete(contract, choice.target, _texts(stated))


def _needs(contract: Contract, choice: Choice, known: Mapping[str, Question]) -> Iterator[str]:
    """What the target cannot do without, as far as the application has the roles for it."""
    for key in NEEDS_BY_HAND if choice.by_hand else NEEDS[choice.target]:
        if key == "worker_image" and "api_image" in known:
            continue
        if key == "app_domain" and not choice.is_cloud and "web" not in contract.roles:
            continue
        yield key


def _unset(
    contract: Contract, choice: Choice, known: Mapping[str, Question], answers: Mapping[str, Value]
) -> Iterator[str]:
    """Inputs that a required variable comes from, and that nothing gives."""
    inputs = _effective(contract, choice, known, answers)
    if "app_domain" in _needs(contract, choice, known):
        inputs.setdefault("app_public_url", "")  # follows once the name is answered
    for _, variable in _applying(contract, choice, known, answers):
        source = variable.source(choice.target)
        if source.kind == "input" and source.text not in inputs and _is_needed(choice, variable):
            yield source.text


def _applying(
    contract: Contract, choice: Choice, known: Mapping[str, Question], answers: Mapping[str, Value]
) -> Iterator[tuple[str, Variable]]:
    """The variables that the application has under these answers."""
    inputs = _effective(contract, choice, known, answers)
    decided = deciding(contract, choice.target, inputs)
    for name, variable in contract.variables.items():
        here = variable.needs_role is None or variable.needs_role in contract.roles
        if here and readers_of(contract, variable) and applies(variable, decided):
            yield name, variable


def _is_needed(choice: Choice, variable: Variable) -> bool:
    return choice.profile in variable.required


def _variables(
    contract: Contract, choice: Choice, known: Mapping[str, Question], answers: Mapping[str, Value]
) -> Iterator[str]:
    for name, variable in _applying(contract, choice, known, answers):
        mine = name in known and known[name].kind == "variable"
        if mine and _is_needed(choice, variable) and not known[name].default:
            yield name


def _secrets(
    contract: Contract, choice: Choice, known: Mapping[str, Question], answers: Mapping[str, Value]
) -> Iterator[str]:
    """Secrets that somebody else gives: they cannot be made here."""
    for name, variable in _applying(contract, choice, known, answers):
        mine = name in known and known[name].kind == "secret" and name not in _referred(answers)
        if mine and _is_needed(choice, variable) and not example.is_made(variable):
            yield name


def _made(
    contract: Contract, choice: Choice, known: Mapping[str, Question], answers: Mapping[str, Value]
) -> dict[str, int]:
    if choice.target == "kubernetes":
        return {}
    own = {name: item.min_length for name, item in contract.targets[choice.target].secrets.items()}
    others = {
        name: variable.min_length or 1
        for name, variable in _applying(contract, choice, known, answers)
        if name in known
        and name not in _referred(answers)
        and _is_needed(choice, variable)
        and example.is_made(variable)
    }
    return {name: least for name, least in (own | others).items() if not answers.get(name)}


def _referred(answers: Mapping[str, Value]) -> set[str]:
    """Secrets that lie in a store of the operator's own: the stack makes none of them."""
    maps = [answers.get(f"{role}_secrets") or {} for role in ("api", "web", "worker")]
    return {str(name) for each in maps for name in each}


def needed_references(
    contract: Contract, choice: Choice, known: Mapping[str, Question], answers: Mapping[str, Value]
) -> list[str]:
    """Secrets that the chart must be told where to find."""
    return [
        name
        for name, variable in _applying(contract, choice, known, answers)
        if variable.secret
        and variable.source(choice.target).kind == "operator"
        and (_is_needed(choice, variable) or f"secrets.references.{name}" in answers)
    ]
