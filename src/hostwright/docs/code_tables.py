"""Tables of what can be run and of how it ends: tasks, sessions, exit codes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.docs.markdown import code, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hostwright.docs.model import ExitCode, Flag, Session, Task


def tasks(found: Iterable[Task]) -> Iterator[str]:
    """Tasks in one table, with the names of their flags."""
    return table(
        ("task", "what it does", "flags"),
        (
            (code(typed(task)), task.summary, " ".join(code(flag.names[0]) for flag in task.flags))
            for task in found
        ),
    )


def typed(task: Task) -> str:
    """A task as it is typed: by the name of its namespace where it is that one's own."""
    short = [alias for alias in task.aliases if task.name.startswith(f"{alias}.")]
    return f"invoke {short[0] if short else task.name}"


def described(task: Task) -> Iterator[str]:
    """A task in full: what it does, an example, its flags."""
    yield from (task.summary, "")
    for paragraph in task.more:
        yield from (paragraph, "")
    if task.aliases:
        yield from (f"Also called {', '.join(map(code, task.aliases))}.", "")
    if task.examples:
        yield from ("```sh", *task.examples, "```", "")
    if task.flags:
        yield from flags(task.flags)
        yield ""


def flags(found: Iterable[Flag]) -> Iterator[str]:
    """The flags of a task."""
    return table(
        ("flag", "default", "meaning"),
        (
            (code(f"{shown(flag)} {flag.takes}".strip()), code(flag.default), flag.help)
            for flag in found
        ),
    )


def shown(flag: Flag) -> str:
    """A flag's long name, with its ``no`` where it has one, as Invoke's own help has it."""
    bare = flag.names[0].removeprefix("--")
    return f"--[no-]{bare}" if f"--no-{bare}" in flag.names else flag.names[0]


def sessions(found: Iterable[Session]) -> Iterator[str]:
    """The nox sessions."""
    return table(
        ("session", "what it does", "by default", "tags", "words after `--` go to"),
        (
            (
                code(f"nox -s {session.name}"),
                session.summary,
                "yes" if session.default else "",
                ", ".join(session.tags),
                code(session.words),
            )
            for session in found
        ),
    )


def exit_codes(found: Iterable[ExitCode]) -> Iterator[str]:
    """The exit codes."""
    return table(
        ("code", "name", "meaning", "what to do"),
        ((str(each.code), code(each.name), each.meaning, each.remedy) for each in found),
    )
