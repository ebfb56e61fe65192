"""From what an operator gave to what each role gets: pure, with every problem named.

Nothing here touches a host. A problem's text never holds a value.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import urlsplit

from hostwright.contract.envfile import showable
from hostwright.contract.rules import near
from hostwright.contract.types import fault_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hostwright.contract.envfile import Given
    from hostwright.contract.models import (
        Contract,
        Profile,
        RoleName,
        Source,
        TargetName,
        Variable,
    )

#: Texts that people leave in a secret when they mean to come back to it.
PLACEHOLDERS = (
    "changeme",
    "change-me",
    "change_me",
    "placeholder",
    "example",
    "secret",
    "password",
)
#: A secret of fewer different characters than this is a pattern, not a secret.
FEWEST_CHARACTERS = 6


class Problem(NamedTuple):
    """Something to correct before a deploy; warnings do not stop one."""

    name: str
    what: str
    where: str
    remedy: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.name} {self.what}. {self.remedy}"


@dataclass(frozen=True)
class Resolved:
    """What each role gets, what the target itself gets, and what is wrong.

    ``roles`` holds only variables that have a value; values are final texts.
    """

    roles: dict[RoleName, dict[str, str]]
    secrets: dict[str, str]
    problems: list[Problem]

    @property
    def errors(self) -> list[Problem]:
        """The problems that stop a deploy."""
        return [problem for problem in self.problems if problem.severity == "error"]


@dataclass(frozen=True)
class Request:
    """What to resolve.

    Args:
        target: Where the application is hosted.
        profile: Which requirements hold.
        given: The operator's values by variable name.
        inputs: Canonical inputs by name; fallbacks and defaults are filled in.
        composed: What the target composes itself. None means that it will, later, when the host
            is known: variables that are composed or come from its inputs count as delivered (an
            env file is checked without its host).
        where: How a missing value's message names the place where it belongs.
        by_role: Values for one role alone (the inputs api_env, web_env and worker_env); they win
            over *given*. The migrate role runs the worker's image and has the worker's.
    """

    target: TargetName
    profile: Profile
    given: Mapping[str, Given]
    inputs: Mapping[str, str] = field(default_factory=dict)
    composed: Mapping[str, str | Mapping[RoleName, str]] | None = None
    where: str = ""
    by_role: Mapping[RoleName, Mapping[str, Given]] = field(default_factory=dict)

    def value(self, role: RoleName, name: str) -> Given | None:
        """What is given to *role* for a variable; None if nothing is."""
        own = self.by_role.get("worker" if role == "migrate" else role, {})
        return own.get(name) or self.given.get(name)


def resolve(contract: Contract, request: Request) -> Resolved:
    """Every role's variables, and every problem with them, in the order of the env file."""
    inputs = complete(contract, request.target, request.inputs)
    lookup = _Lookup(contract, request, inputs)
    problems = [
        *_undeclared(contract, request),
        *_misplaced(contract, request, inputs),
        *_misplaced_by_role(contract, request),
        *_secret_problems(contract, request),
    ]
    roles: dict[RoleName, dict[str, str]] = {}
    for role in contract.roles:
        roles[role] = lookup.role(role)
        problems += _role_problems(contract, request, lookup, role)
    own = contract.targets[request.target].secrets
    secrets = {name: request.given[name].value for name in own if name in request.given}
    return Resolved(roles, secrets, _once(problems))


def complete(contract: Contract, target: TargetName, inputs: Mapping[str, str]) -> dict[str, str]:
    """The inputs with defaults of *target*, then fallbacks, filled in."""
    known = {name: item for name, item in contract.inputs.items() if target in item.targets}
    full = {name: inputs.get(name) or item.default_on(target) for name, item in known.items()}
    for name, item in known.items():
        if full[name] is None and item.fallback:
            full[name] = full.get(item.fallback)
    return {name: value for name, value in full.items() if value is not None}


def deciding(contract: Contract, target: TargetName, inputs: Mapping[str, str]) -> dict[str, str]:
    """What the variables that come from inputs are: conditions ask for these.

    Args:
        contract: Knows the sources.
        target: Which of its targets.
        inputs: Canonical inputs, completed (:func:`complete`).
    """
    return {
        name: inputs.get(item.source(target).text, "")
        for name, item in contract.variables.items()
        if item.source(target).kind == "input"
    }


def applies(variable: Variable, values: Mapping[str, str]) -> bool:
    """Whether one of the variable's conditions holds (or it has none)."""
    return not variable.when or any(
        all(values.get(name) in allowed for name, allowed in condition.items())
        for condition in variable.when
    )


def expected(
    contract: Contract, request: Request, role: RoleName
) -> tuple[frozenset[str], frozenset[str]]:
    """The names that *role* must get, and those it may get besides."""
    lookup = _Lookup(contract, request, complete(contract, request.target, request.inputs))
    raw = lookup.raw(role)
    emitted = {
        name: variable
        for name, variable in contract.of_role(role).items()
        if variable.source(request.target).emitted and applies(variable, raw)
    }
    required = frozenset(
        name for name, item in emitted.items() if _is_required(contract, request, item)
    )
    return required, frozenset(emitted) - required


def _is_required(contract: Contract, request: Request, variable: Variable) -> bool:
    needed = variable.needs_role is None or variable.needs_role in contract.roles
    return request.profile in variable.required and needed


class _Lookup:
    """Values by role, before and after conditions."""

    def __init__(self, contract: Contract, request: Request, inputs: Mapping[str, str]) -> None:
        self._contract, self._request, self._inputs = contract, request, inputs

    def raw(self, role: RoleName) -> dict[str, str]:
        """Every variable of *role* that has a value, conditions not yet asked."""
        found = {
            name: self._value(name, variable, role)
            for name, variable in self._contract.of_role(role).items()
        }
        return {name: value for name, value in found.items() if value is not None}

    def role(self, role: RoleName) -> dict[str, str]:
        """What *role* gets."""
        raw = self.raw(role)
        variables = self._contract.variables
        return {name: value for name, value in raw.items() if applies(variables[name], raw)}

    def _value(self, name: str, variable: Variable, role: RoleName) -> str | None:
        source = variable.source(self._request.target)
        if not source.emitted:
            return None
        value = self._from_source(name, source, role)
        return variable.default if value is None and source.kind == "operator" else value

    def _from_source(self, name: str, source: Source, role: RoleName) -> str | None:
        given = self._request.value(role, name)
        if source.kind == "literal":
            return source.literal(role)
        if source.kind == "composed":
            made = (self._request.composed or {}).get(source.text)
            return made if isinstance(made, str) or made is None else made.get(role)
        if source.kind == "input":
            return given.value if given else self._inputs.get(source.text)
        return given.value if given else None


def _undeclared(contract: Contract, request: Request) -> Iterator[Problem]:
    known = [*contract.variables, *contract.targets[request.target].secrets]
    for name, given in request.given.items():
        if name in known:
            continue
        hint = near(name, known)
        if showable(name) or hint.startswith("Did you mean"):
            yield Problem(name, "is not in the contract", given.where, hint)
        else:
            yield Problem(
                "this line",
                "gives something that is not in the contract",
                given.where,
                "Its name is not shown: it may be a piece of a value that lacks its quotes.",
            )


def _misplaced(
    contract: Contract, request: Request, inputs: Mapping[str, str]
) -> Iterator[Problem]:
    """Given, though the target takes it from elsewhere."""
    for name, given in request.given.items():
        variable = contract.variables.get(name)
        if variable is None:
            continue
        source = variable.source(request.target)
        if source.kind not in {"operator", "input"}:
            yield Problem(name, _elsewhere(source, request.target), given.where, "Remove the line.")
        stated = request.inputs.get(source.text) if source.kind == "input" else None
        if stated is not None and stated != given.value:
            yield Problem(
                name,
                f"differs from the input {source.text}",
                given.where,
                "Keep one of the two.",
            )
        if variable.deprecated:
            yield Problem(name, "is deprecated", given.where, variable.deprecated, "warning")
        reached = [role for role in variable.roles if role in contract.roles]
        lookup = _Lookup(contract, request, inputs)
        if reached and not any(applies(variable, lookup.raw(role)) for role in reached):
            yield Problem(
                name,
                f"is not used: it needs {_shown_condition(variable)}",
                given.where,
                "Remove the line, or set what it needs.",
                "warning",
            )


def _misplaced_by_role(contract: Contract, request: Request) -> Iterator[Problem]:
    """Given to a role, though it is no plain variable that the role has from the operator."""
    for role, values in request.by_role.items():
        readers = {role, "migrate"} if role == "worker" else {role}
        settable = [
            name
            for name, item in contract.variables.items()
            if not item.secret
            and item.source(request.target).kind == "operator"
            and readers & set(item.roles)
        ]
        for name, given in values.items():
            if name not in settable:
                what, remedy = _why_not(contract, request.target, role, name, settable)
                yield Problem(name, what, given.where, remedy)


def _why_not(
    contract: Contract, target: TargetName, role: RoleName, name: str, settable: Sequence[str]
) -> tuple[str, str]:
    variable = contract.variables.get(name)
    if variable is None:
        return "is not in the contract", near(name, settable)
    source = variable.source(target)
    if role not in variable.roles:
        had = ", ".join(variable.roles)
        return f"does not belong to {role}: the contract gives it to {had}", "Remove the line."
    if variable.secret:
        return "is a secret: it would stand in plain text", "Give it in the env file."
    if source.kind == "input":
        return f"comes from the input {source.text}", f"Set {source.text} instead."
    return _elsewhere(source, target), "Remove the line."


def _elsewhere(source: Source, target: TargetName) -> str:
    return {
        "literal": f"is fixed by the contract on {target}",
        "composed": f"is composed by hostwright on {target}",
        "platform": f"is reserved: {target} sets it itself",
        "none": f"has no use on {target}",
    }[source.kind]


def _shown_condition(variable: Variable) -> str:
    return " or ".join(
        " and ".join(f"{name}={'|'.join(values)}" for name, values in condition.items())
        for condition in variable.when
    )


def _role_problems(
    contract: Contract, request: Request, lookup: _Lookup, role: RoleName
) -> Iterator[Problem]:
    raw = lookup.raw(role)
    for name, variable in contract.of_role(role).items():
        source = variable.source(request.target)
        if not source.emitted or not applies(variable, raw):
            continue
        if name in raw:
            yield from _value_problems(name, variable, raw[name], request, role)
        elif _is_required(contract, request, variable) and not _comes(contract, request, variable):
            yield _missing(name, variable, source, request)


def _comes(contract: Contract, request: Request, variable: Variable) -> bool:
    """Whether what is not there yet comes later, or once another problem is solved."""
    source = variable.source(request.target)
    if source.kind in {"composed", "input"} and request.composed is None:
        return True
    own = contract.targets[request.target].secrets
    whole = all(name in request.given and request.given[name].value.strip() for name in own)
    return source.kind == "composed" and variable.secret and not whole


def _missing(name: str, variable: Variable, source: Source, request: Request) -> Problem:
    because = f" (with {_shown_condition(variable)})" if variable.when else ""
    remedy = f"Set it in {request.where or 'the env file'}: {variable.meaning}."
    if source.kind == "input":
        remedy = f"Set the input {source.text} for this host, or {name} in the env file."
    if source.kind == "composed":
        remedy = f"Nothing here composes {source.text}: set what it is made of."
    return Problem(
        name, f"is missing; {request.profile} requires it{because}", request.where, remedy
    )


def _value_problems(
    name: str, variable: Variable, value: str, request: Request, role: RoleName
) -> Iterator[Problem]:
    given = request.value(role, name)
    where = given.where if given else request.where
    if not value.strip():
        if not variable.secret:  # of secrets, _secret_problems says it
            yield Problem(name, "is blank", where, "Give it a value, or remove the line.")
        return
    fault = fault_of(variable, value)
    if fault:
        yield Problem(name, fault, where, f"It is: {variable.meaning}.")
    elif variable.allowed and value not in variable.allowed_on(request.target):
        allowed = ", ".join(variable.allowed_on(request.target))
        yield Problem(
            name, f"has a value that {request.target} refuses", where, f"Use one of {allowed}."
        )


def _secret_problems(contract: Contract, request: Request) -> Iterator[Problem]:
    """Secrets that are short, guessable, used twice, or missing from the target's own."""
    own = contract.targets[request.target].secrets
    lengths = {name: item.min_length for name, item in own.items()}
    for name, variable in contract.variables.items():
        if variable.secret and variable.source(request.target).kind == "operator":
            lengths[name] = variable.min_length or 1
    counts = Counter(request.given[name].value for name in lengths if name in request.given)
    for name, least in lengths.items():
        given = request.given.get(name)
        if given:
            fault = _weak(given.value, _guarded(contract, name, given.value), least)
            if name in own and not given.value.isprintable():  # no service takes it as a password
                fault = fault or "holds a control character"
            if fault or counts[given.value] > 1:
                what = fault or "has the same value as another secret"
                yield Problem(name, what, given.where, _MAKE)
        elif name in own:
            yield Problem(
                name,
                f"is missing; {request.target} needs it",
                request.where,
                f"Set it in {request.where or 'the env file'}: {own[name].meaning}.",
            )


_MAKE = "Make one: `python3 -c 'import secrets; print(secrets.token_urlsafe(32))'`."


def _guarded(contract: Contract, name: str, value: str) -> str | None:
    """What of a secret has to be hard to guess: of a URL its password, if it has one."""
    variable = contract.variables.get(name)
    if variable is None or variable.type != "url":
        return value
    try:
        return urlsplit(value).password
    except ValueError:
        return None


def _weak(value: str, guarded: str | None, least: int) -> str | None:
    text = guarded or ""
    few = min(FEWEST_CHARACTERS, least)
    faults = (
        (not value.strip(), "is blank"),
        (value != value.strip(), "begins or ends with white space"),
        (len(value) < least, f"is a secret of fewer than {least} characters"),
        (guarded is not None and len(set(text)) < few, "is a secret of few different characters"),
        (any(word in text.lower() for word in PLACEHOLDERS), "looks like a placeholder"),
    )
    return next((what for wrong, what in faults if wrong), None)


def _once(problems: list[Problem]) -> list[Problem]:
    """Without repetitions (a variable of three roles is one problem), in the order of the file."""
    return sorted(dict.fromkeys(problems), key=lambda item: (_line(item.where), item.name))


def _line(where: str) -> int:
    last = where.rpartition(":")[2]
    return int(last) if last.isdecimal() else 0
