"""The rendered roles against the contract: nothing missing, extra, exposed, or from elsewhere."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hostwright.checks.finding import Checked, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.contract.models import Contract, RoleName, TargetName
    from hostwright.render.model import Rendered, Source, Sources

#: A variable whose name begins so leads to a data store, which web must not reach.
DATA_STORES = ("DATABASE_", "REDIS_")


#: Target to how a role gets its variables, and how its secrets, for remedies.
_FROM_FILE = ("the env file of its own role", "the role's env file of mode 0600")
_FROM_EXPORT = ("local.env and local.secrets of its own role", "a reference to the secret manager")
CARRIERS: dict[TargetName, tuple[str, str]] = {
    "vps": _FROM_FILE,
    "aws": _FROM_EXPORT,
    "azure": _FROM_EXPORT,
    "gcp": _FROM_EXPORT,
    "kubernetes": ("env[] of its own role", "a reference to a Secret"),
}


def check(
    contract: Contract,
    target: TargetName,
    rendered: Rendered,
    expected: Mapping[RoleName, frozenset[str]] | None = None,
) -> Checked:
    """Every role and variable of *rendered* against *contract*.

    Args:
        contract: The contract.
        target: Which of its targets.
        rendered: What the engine made of the blueprint.
        expected: Role to the variables that it must get under the inputs that were rendered;
            without it all that the target ever emits.
    """
    count, findings = 0, list(_roles(contract, rendered))
    for role, sources in rendered.roles.items():
        if role not in contract.roles:
            continue
        names = _emitted(contract, target, role) if expected is None else expected[role]
        judge = _Judge(contract, target, rendered, role, names)
        count += 1 + len(judge.expected | sources.keys())
        findings += judge.findings(sources)
    return Checked(count, tuple(sorted(findings)))


def _roles(contract: Contract, rendered: Rendered) -> Iterator[Finding]:
    for role in contract.roles:
        if role not in rendered.roles:
            yield Finding(
                "role-missing",
                rendered.target,
                rendered.file,
                1,
                role,
                "",
                "the contract has this role, but nothing runs it",
                "Add its service, or take the role out of the contract.",
            )
    for role in rendered.roles:
        if role not in contract.roles:
            yield Finding(
                "role-extra",
                rendered.target,
                rendered.file_of(role),
                rendered.lines.get(role, 0),
                role,
                "",
                "the contract has no such role, but it is run",
                "Remove its service, or declare the role in the contract.",
            )


def _emitted(contract: Contract, target: TargetName, role: RoleName) -> frozenset[str]:
    """The variables of *role* that *target* ever emits, conditions set aside."""
    variables = contract.of_role(role).items()
    return frozenset(name for name, item in variables if item.source(target).emitted)


class _Judge:
    """One role's variables."""

    def __init__(
        self,
        contract: Contract,
        target: TargetName,
        rendered: Rendered,
        role: RoleName,
        expected: frozenset[str],
    ) -> None:
        self._contract, self._target, self._rendered = contract, target, rendered
        self._role = role
        self._variables = contract.of_role(role)
        self.expected = expected
        self._carrier, self._safe = CARRIERS[target]

    def findings(self, sources: Sources) -> Iterator[Finding]:
        whole = self._whole(sources)
        if whole:
            yield whole
            # The role has another's variables or none: each of them would say the same again.
            sources = {name: item for name, item in sources.items() if item.kind == "literal"}
        else:
            yield from self._missing(sources)
        for name, source in sources.items():
            yield from self._variable(name, source)

    def _whole(self, sources: Sources) -> Finding | None:
        """The finding that speaks of all of the role's variables at once."""
        owners = Counter(
            source.text.partition("/")[0] for source in sources.values() if source.kind == "mark"
        )
        if self.expected and not owners:
            return self._finding(
                "env-missing",
                "",
                f"gets none of its {len(self.expected)} variables",
                f"Give the service {self._carrier}.",
            )
        if owners and self._role not in owners:
            (other, _), *_ = owners.most_common()
            return self._finding(
                "env-of-other-role",
                "",
                f"gets the variables of {other}, its own {len(self.expected)} are missing",
                f"Give the service {self._carrier}.",
            )
        return None

    def _missing(self, sources: Sources) -> Iterator[Finding]:
        for name in sorted(self.expected - sources.keys()):
            yield self._finding(
                "variable-missing",
                name,
                "is in the contract but does not reach the role",
                f"Let {self._role} take it from {self._declared(name)}, as the contract says.",
            )

    def _variable(self, name: str, source: Source) -> Iterator[Finding]:
        if name not in self.expected:
            yield self._extra(name, source)
        elif source.kind == "literal":
            yield self._literal(name, source)
        elif source.text != f"{self._role}/{name}":
            yield self._finding(
                "wrong-source",
                name,
                f"gets the value of {source.text}",
                f"Take it from {self._declared(name)}.",
                source,
            )
        if self._is_secret(name) and not source.secret_slot:
            yield self._finding(
                "secret-in-plain-slot",
                name,
                "is a secret and stands in readable configuration",
                f"Let it arrive through {self._safe} alone.",
                source,
            )

    def _literal(self, name: str, source: Source) -> Finding:
        shown = "blank" if not source.text else "a value of its own"
        return self._finding(
            "wrong-source",
            name,
            f"is given {shown} by the blueprint",
            f"Remove it there: the contract takes it from {self._declared(name)}.",
            source,
        )

    def _extra(self, name: str, source: Source) -> Finding:
        known = self._contract.variables.get(name)
        if self._role == "web" and name.startswith(DATA_STORES):
            check, what = "data-store-in-web", "leads to a data store, which web must not reach"
        elif name in self._variables:
            kind = self._variables[name].source(self._target).kind
            check, what = "variable-not-emitted", f"must not be set here (source: {kind})"
        elif known:
            check, what = "variable-extra", f"belongs to {', '.join(known.roles)} only"
        else:
            check, what = "variable-extra", "is not in the contract"
        return self._finding(
            check, name, what, "Remove it, or declare it for this role in contract.yaml.", source
        )

    def _is_secret(self, name: str) -> bool:
        known = self._contract.variables.get(name)
        return known is not None and known.secret

    def _declared(self, name: str) -> str:
        return f"`{self._variables[name].source(self._target)}`"

    def _finding(
        self, check: str, name: str, message: str, remedy: str, source: Source | None = None
    ) -> Finding:
        line = source.line if source and source.line else self._rendered.lines.get(self._role, 0)
        return Finding(
            check,
            self._rendered.target,
            self._rendered.file_of(self._role),
            line,
            self._role,
            name,
            message,
            remedy,
        )
