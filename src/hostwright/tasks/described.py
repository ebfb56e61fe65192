"""The tasks as plain data, for docs: nobody else needs to know Invoke."""

from __future__ import annotations

import copy
import inspect
import re
from typing import TYPE_CHECKING, Any

from hostwright.docs.model import Flag, Task

if TYPE_CHECKING:
    from collections.abc import Iterable

    from invoke.collection import Collection
    from invoke.parser.argument import Argument

_EXAMPLE = re.compile(r"Example: `([^`]+)`\. ?")
_TAKES = {bool: "", int: "NUMBER", float: "NUMBER"}


def tasks(namespace: Collection | None = None) -> tuple[Task, ...]:
    """Every task of ours, or of *namespace*: those at the top first, then by name."""
    from hostwright.tasks import namespace as ours

    found = namespace or ours
    named: dict[str, list[str]] = found.task_names
    return tuple(_task(name, named[name], found[name]) for name in sorted(named, key=_order))


def _order(name: str) -> tuple[str, str]:
    first, dot, _ = name.partition(".")
    return (first if dot else "", name)


def _task(name: str, aliases: Iterable[str], task: Any) -> Task:  # noqa: ANN401 - Invoke's Task
    text = inspect.getdoc(task.body) or ""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    summary, *more = [_EXAMPLE.sub("", each).strip() for each in paragraphs]
    return Task(
        name=name,
        aliases=tuple(aliases),
        summary=summary,
        more=tuple(filter(None, more)),
        examples=tuple(line for each in paragraphs for line in _EXAMPLE.findall(each)),
        flags=tuple(map(_flag, _arguments(task))),
    )


def _arguments(task: Any) -> list[Argument]:  # noqa: ANN401 - as above
    """The task's flags; Invoke takes a task's help apart when it is asked, so a copy is asked."""
    asked = copy.copy(task)
    asked.help = dict(task.explained)
    found: list[Argument] = asked.get_arguments()
    return found


def _flag(argument: Argument) -> Flag:
    names = [f"--{name}" if len(name) > 1 else f"-{name}" for name in argument.names]
    on = argument.kind is bool and argument.default is True
    if on:
        names.append(f"--no-{argument.names[0]}")
    return Flag(
        names=tuple(names),
        takes=_TAKES.get(argument.kind, "TEXT"),
        default="on" if on else "" if argument.default in _NO_DEFAULT else str(argument.default),
        help=argument.help or "",
    )


#: Invoke gives a flag that may be repeated the default of its parameter: none at all.
_NO_DEFAULT: tuple[object, ...] = (None, "", True, False, [], inspect.Parameter.empty)
