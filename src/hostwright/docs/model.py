"""What the generated docs are made of: plain data, read from the contract and from the code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hostwright.contract.models import Contract

#: The namespace of tasks that stand in none: ``doctor``, ``validate``.
TOP = "top"


@dataclass(frozen=True)
class Flag:
    """A flag of a task.

    Args:
        names: As they are typed, the long one first: ``--host``, ``-h``. A switch that is on
            has one more, that turns it off: ``--no-keep``.
        takes: What stands after it: ``TEXT``, ``NUMBER``, or nothing for a switch.
        default: As it would be typed, or ``on``; empty where there is none.
        help: What it means.
    """

    names: tuple[str, ...]
    takes: str
    default: str
    help: str


@dataclass(frozen=True)
class Task:
    """An Invoke task.

    Args:
        name: As it is typed: ``vps.secrets.diff``.
        aliases: Other names of it.
        summary: What it does, the first paragraph of its docstring.
        more: Its other paragraphs.
        examples: Whole command lines.
        flags: In the order of its signature.
    """

    name: str
    aliases: tuple[str, ...]
    summary: str
    more: tuple[str, ...]
    examples: tuple[str, ...]
    flags: tuple[Flag, ...]

    @property
    def namespace(self) -> str:
        """The first word of its name, or :data:`TOP`."""
        first, dot, _ = self.name.partition(".")
        return first if dot else TOP


@dataclass(frozen=True)
class Session:
    """A nox session.

    Args:
        name: As it is typed.
        default: Whether `nox` alone runs it.
        tags: Its tags.
        summary: The first line of its docstring.
        words: What gets the words after ``--``: ``python -m hostwright demo``, ``pytest``, "its own
            tool" where that has no fixed name, or nothing where nobody does.
    """

    name: str
    default: bool
    tags: tuple[str, ...]
    summary: str
    words: str


@dataclass(frozen=True)
class ExitCode:
    """An exit code, the error that has it, what that means, and what to do about it."""

    code: int
    name: str
    meaning: str
    remedy: str


@dataclass(frozen=True)
class Reference:
    """Everything that docs are generated from."""

    contract: Contract
    tasks: tuple[Task, ...]
    sessions: tuple[Session, ...]
    exit_codes: tuple[ExitCode, ...]
