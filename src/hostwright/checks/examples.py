"""Committed examples of env files: whatever is required is in them, and nothing that is unknown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hostwright.checks.finding import Checked, Finding
from hostwright.contract.rules import near
from hostwright.contract.values import applies, complete, deciding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from hostwright.contract.models import Contract, TargetName, Variable

#: Sources that an operator's env file may give.
GIVEN = frozenset({"operator", "input"})
#: An example shows what production needs.
PROFILE = "production"

#: A line that sets a variable, or shows how to.
_LINE = re.compile(r"^#?\s?([A-Z][A-Z0-9_]*)=")


def check(
    contract: Contract, target: TargetName, file: str, text: str, settings: Collection[str]
) -> Checked:
    """One example.

    Args:
        contract: What is required, and what is known.
        target: Whose example it is.
        file: How findings name it.
        text: Its content.
        settings: Names that the blueprint itself takes, besides the contract's.
    """
    shown = {
        match[1]: number
        for number, line in enumerate(text.splitlines(), 1)
        if (match := _LINE.match(line))
    }
    findings = [
        *_missing(contract, target, file, shown),
        *_unknown(contract, target, file, shown, settings),
    ]
    return Checked(len(shown), tuple(findings))


def _missing(
    contract: Contract, target: TargetName, file: str, shown: Collection[str]
) -> Iterator[Finding]:
    for name in (*contract.targets[target].secrets, *_required(contract, target)):
        if name not in shown:
            yield Finding(
                "example-missing",
                target,
                file,
                1,
                "",
                name,
                "is required, and the example does not show it",
                f"Add {name}= to the example.",
            )


def _required(contract: Contract, target: TargetName) -> Iterator[str]:
    """What an operator must give under the target's defaults."""
    chosen = deciding(contract, target, complete(contract, target, {}))
    for name, variable in contract.variables.items():
        asked = variable.source(target).kind == "operator" and PROFILE in variable.required
        if asked and applies(variable, chosen):
            yield name


def _unknown(
    contract: Contract,
    target: TargetName,
    file: str,
    shown: dict[str, int],
    settings: Collection[str],
) -> Iterator[Finding]:
    own = (*contract.targets[target].secrets, *settings)
    known = [name for name, item in contract.variables.items() if _is_given(item, target)]
    for name, line in shown.items():
        if name not in known and name not in own:
            yield Finding(
                "example-unknown",
                target,
                file,
                line,
                "",
                name,
                "is in the example, and no operator gives it",
                near(name, [*known, *own]),
            )


def _is_given(variable: Variable, target: TargetName) -> bool:
    return variable.source(target).kind in GIVEN
