"""The pages of docs/reference that are generated as a whole. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.contract.matrix import rows
from hostwright.docs import code_tables
from hostwright.docs import contract_tables as tables
from hostwright.docs.markdown import NOTHING, table
from hostwright.docs.model import TOP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hostwright.contract.models import Contract, Input, TargetName
    from hostwright.docs.model import Reference

#: What writes every generated file; a stale one names it.
COMMAND = "invoke contract.export"


def pages(reference: Reference) -> dict[str, str]:
    """Every page by its file's name."""
    contract = reference.contract
    return {
        "variables.md": _page("Variables", _CONTRACT, _variables(contract)),
        "inputs.md": _page("Inputs", _CONTRACT, _inputs(contract)),
        "outputs.md": _page("Outputs", _CONTRACT, _outputs(contract)),
        "secrets-by-provider.md": _page("Secrets by provider", _CONTRACT, _secrets(contract)),
        "exit-codes.md": _page("Exit codes", "src/hostwright/errors.py", _exit_codes(reference)),
        "tasks.md": _page("Tasks", "src/hostwright/tasks", _tasks(reference)),
        "sessions.md": _page("Sessions", "noxfile.py", _sessions(reference)),
    }


_CONTRACT = "ops/contract/contract.yaml"


def _page(title: str, origin: str, lines: Iterable[str]) -> str:
    head = f"<!-- Generated from {origin} by `{COMMAND}`. -->"
    return "\n".join([head, "", f"# {title}", "", *lines]).rstrip("\n") + "\n"


# --- of the contract -----------------------------------------------------------------------------


def _variables(contract: Contract) -> Iterator[str]:
    yield (
        "What each role gets, and where each target takes it from. A dot marks a secret; a source"
    )
    yield "of `platform` or `none` means that the variable must not be set there."
    for role in contract.roles:
        yield from ("", f"## {role}", "")
        targets = list(contract.targets)
        yield from table(
            ("variable", "required", "when", *targets),
            (
                (
                    f"`{row.name}`{' •' if row.secret else ''}",
                    row.required,
                    row.when,
                    *(str(contract.variables[row.name].source(target)) for target in targets),
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
    yield from table(
        ("input", "type", "meaning", *targets),
        (
            (
                f"`{name}`",
                tables.kind(item),
                item.meaning,
                *(_input(name, item, target) for target in targets),
            )
            for name, item in contract.inputs.items()
        ),
    )


def _input(name: str, item: Input, target: TargetName) -> str:
    if target not in item.targets:
        return NOTHING
    told = tables.default(item, target)
    own = tables.own_name(name, item, target)
    return f"{told} ({own})" if own else told


def _outputs(contract: Contract) -> Iterator[str]:
    yield "What a cloud's stack tells after an apply: the same names on each."
    yield ""
    yield from tables.outputs(contract)


def _secrets(contract: Contract) -> Iterator[str]:
    yield "Which variables `SECRETS_PROVIDER` asks for, by its value. A dot marks a secret. What a"
    yield "target makes itself of them, and what you give, stands in [variables](variables.md)."
    yield ""
    yield from tables.secrets_by_provider(contract)


# --- of the code ---------------------------------------------------------------------------------


def _exit_codes(reference: Reference) -> Iterator[str]:
    yield "How a task or `python -m hostwright` ends. The numbers are part of the interface:"
    yield "scripts may rely on them. Invoke's own code for a task or flag that it does not know is"
    yield "1. `vps.exec` exits as its command did, and work on several hosts as the worst of them."
    yield ""
    yield from code_tables.exit_codes(reference.exit_codes)


def _tasks(reference: Reference) -> Iterator[str]:
    yield "What people type: `invoke TASK`. `invoke --list` names them, and each has `--help`,"
    yield "which shows the short forms of flags as well. Invoke's own flags stand before the task:"
    yield "`invoke --echo TASK` shows the command lines of tools."
    for namespace in namespaces(reference):
        yield from ("", f"## {'At the top' if namespace == TOP else namespace}")
        for task in reference.tasks:
            if task.namespace == namespace:
                yield from ("", f"### {task.name}", "")
                yield from list(code_tables.described(task))[:-1]


def namespaces(reference: Reference) -> list[str]:
    """The first words of the tasks' names, in their order."""
    return list(dict.fromkeys(task.namespace for task in reference.tasks))


def _sessions(reference: Reference) -> Iterator[str]:
    yield "What is checked, shown and measured: `nox -s NAME`. `nox` alone runs those that are run"
    yield "by default, `nox -l` lists all, and CI runs the same names."
    yield ""
    yield from code_tables.sessions(reference.sessions)
