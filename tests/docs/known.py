"""What there is to be named: read from the tasks, the noxfile and the verbs' modules."""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.program import Program
from tests.docs.command_lines import Known

from hostwright.__main__ import VERBS
from hostwright.contract import load
from hostwright.docs import generated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.docs.model import Reference, Task


@cache
def reference() -> Reference:
    return generated.reference(load())


@cache
def known() -> Known:
    sessions = reference().sessions
    return Known(
        tasks={name: _flags(task) for task in reference().tasks for name in _names(task)},
        core=_core(),
        sessions={session.name: session.words for session in sessions},
        tags={tag for session in sessions for tag in session.tags},
        verbs={verb: verb_flags(_source(place)) for verb, place in VERBS.items()},
    )


def _names(task: Task) -> tuple[str, ...]:
    return (task.name, *task.aliases)


def _flags(task: Task) -> dict[str, bool]:
    return {name: bool(flag.takes) for flag in task.flags for name in flag.names}


def _core() -> dict[str, bool]:
    """Invoke's own flags, and whether a value must follow each."""
    program = Program()
    arguments = [*program.core_args(), *program.task_args()]
    return {
        f"--{name}" if len(name) > 1 else f"-{name}": item.takes_value and not item.optional
        for item in arguments
        for name in item.names
    }


def _source(place: str) -> str:
    spec = find_spec(place.partition(":")[0])
    assert spec
    assert spec.origin
    return Path(spec.origin).read_text(encoding="utf-8")


def verb_flags(source: str) -> frozenset[str]:
    """The flags that a verb's module knows: by argparse, or by hand in its ``main``."""
    return frozenset(_of_verb(ast.parse(source)))


def _of_verb(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".add_argument"):
            yield from _dashed(node.args)
        if isinstance(node, ast.FunctionDef) and node.name == "main":
            yield from _dashed(list(ast.walk(node)))


def _dashed(nodes: list[ast.AST] | list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"^--?[a-z][a-z-]*$", node.value)
