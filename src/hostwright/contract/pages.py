"""The contract as reference pages, in Markdown; written by ``invoke contract.export``. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.contract.matrix import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hostwright.contract.models import Contract, Input, TargetName

_GENERATED = "<!-- Generated from ops/contract/contract.yaml by `invoke contract.export`. -->"
#: What stands in a cell where there is nothing to say.
NOTHING = "-"


def pages(contract: Contract) -> dict[str, str]:
    """Every page by its file's name."""
    return {
        "variables.md": _page("Variables", _variables(contract)),
        "inputs.md": _page("Inputs", _inputs(contract)),
        "outputs.md": _page("Outputs", _outputs(contract)),
    }


def _page(title: str, lines: Iterable[str]) -> str:
    return "\n".join([_GENERATED, "", f"# {title}", "", *lines, ""])


def _variables(contract: Contract) -> Iterator[str]:
    yield (
        "What each role gets, and where each target takes it from. A dot marks a secret; a source"
    )
    yield "of `platform` or `none` means that the variable must not be set there."
    for role in contract.roles:
        yield from ("", f"## {role}", "")
        targets = list(contract.targets)
        yield from _table(
            ("variable", "required", "when", *targets),
            (
                (
                    f"`{row.name}`{' •' if row.secret else ''}",
                    row.required,
                    row.when or NOTHING,
                    *(
                        str(contract.variables[row.name].source(target)) or NOTHING
                        for target in targets
                    ),
                )
                for row in rows(contract, role=role)
            ),
        )


def _inputs(contract: Contract) -> Iterator[str]:
    targets = list(contract.targets)
    yield "What an operator gives: the same words on every target that knows them. A cell holds the"
    yield "default, and the target's own name for it in parentheses; a dash means that the target"
    yield "has no use for it. Ephemeral inputs are kept nowhere, sensitive ones in the state alone."
    yield ""
    yield from _table(
        ("input", "type", "meaning", *targets),
        (
            (
                f"`{name}`",
                item.type + _kept(item),
                item.meaning,
                *(_input(item, target) for target in targets),
            )
            for name, item in contract.inputs.items()
        ),
    )


def _kept(item: Input) -> str:
    return ", ephemeral" if item.ephemeral else ", sensitive" if item.sensitive else ""


def _input(item: Input, target: TargetName) -> str:
    if target not in item.targets:
        return NOTHING
    default = item.default_on(target)
    fallback = f"as `{item.fallback}`" if item.fallback else "unset"
    told = f"`{default}`" if default is not None else fallback
    alias = item.alias.get(target)
    return f"{told} ({alias})" if alias else told


def _outputs(contract: Contract) -> Iterator[str]:
    yield "What a cloud's stack tells after an apply: the same names on each."
    yield ""
    yield from _table(
        ("output", "meaning"),
        ((f"`{name}`", item.meaning) for name, item in contract.outputs.items()),
    )


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _row(head)
    yield _row(["---"] * len(head))
    for cells in body:
        yield _row([cell.replace("|", "\\|") for cell in cells])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
