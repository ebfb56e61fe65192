r"""Env files: read the operator's, write the containers'.

Two parsers meet here. Compose reads the files that hostwright writes: it takes every value exactly
from double quotes in which ``\``, ``"``, ``$`` and line ends are escaped, so that is the only form
written (python-dotenv reads it too, but for ``\$``, which it leaves as it is). The operator's file
is read with python-dotenv; a line that Compose would read differently (it expands ``$HOME``) is
refused instead of guessed.
"""

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING, NamedTuple

from dotenv.parser import Binding, parse_stream

if TYPE_CHECKING:
    from collections.abc import Mapping

_ESCAPES = {"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHOWABLE = re.compile(r"[A-Z][A-Z0-9_]{0,62}")

_LINE = re.compile(
    rf"\s*(?:export[ \t]+)?{_NAME.pattern}[ \t]*=[ \t]*(?P<raw>.*?)(?:\r?\n)?", re.DOTALL
)
#: A ``$`` that Compose takes as it stands: what follows is no name, brace or second ``$``.
_DOLLAR = r"\$(?![^\W\d]|[_{$])"
_SINGLE = r"'(?:[^'\\]|\\[^\\])*'"
_DOUBLE = rf"""\"(?:[^"\\$]|\\[^$'0]|{_DOLLAR})*\""""
_BARE = rf"(?:(?!['\"#\s])(?:[^\s$#]|(?<!\s)#|[ \t]|{_DOLLAR})+(?: #[^\r\n]*)?)?"
#: What python-dotenv and Compose read as the same value (a test compares them on random lines).
_READ_ALIKE = re.compile(rf"(?:{_SINGLE}|{_DOUBLE})[ \t]*(?:#[^\r\n]*)?|{_BARE}")
_EXPANDED = re.compile(r"\$(?:[^\W\d]|[_{$])")


class Given(NamedTuple):
    """A value, and where it was given (``file:line`` or a description)."""

    value: str
    where: str


class Unread(NamedTuple):
    """A line that cannot be taken as it stands; ``name`` is empty where it may not be shown."""

    name: str
    where: str
    what: str
    remedy: str


class EnvFile(NamedTuple):
    """What a file gives, and what in it must be corrected first."""

    values: dict[str, Given]
    unread: list[Unread]


def encode(values: Mapping[str, str]) -> str:
    """The text of an env file that Compose reads back exactly.

    Raises:
        ValueError: A name that is no variable name, or a value that no environment can carry.
    """
    for name, value in values.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a variable")
        if "\0" in value:
            raise ValueError(f"the value of {name} holds a NUL byte")
    return "".join(f"{name}={quote(value)}\n" for name, value in sorted(values.items()))


def quote(value: str) -> str:
    """One value, double-quoted and escaped."""
    return '"' + "".join(_ESCAPES.get(char, char) for char in value) + '"'


def showable(name: str) -> str:
    """*name* if it looks like a variable's; else it may be a piece of a secret without quotes."""
    return name if _SHOWABLE.fullmatch(name) else ""


def parse(text: str, shown: str) -> EnvFile:
    """Read an operator's env file.

    Args:
        text: Its content, line ends as they are in the file.
        shown: How messages name the file.
    """
    values: dict[str, Given] = {}
    unread: list[Unread] = []
    for binding in parse_stream(StringIO(text, newline="")):
        where = f"{shown}:{_line(binding)}"
        fault = _fault(binding, values)
        if fault:
            unread.append(Unread(showable(binding.key or ""), where, *fault))
        elif binding.key is not None:
            values[binding.key] = Given(binding.value or "", where)
    return EnvFile(values, unread)


def _line(binding: Binding) -> int:
    """The line of the name: the original text may start with blank lines."""
    text = binding.original.string
    before = text[: len(text) - len(text.lstrip())]
    return int(binding.original.line) + len(re.findall(r"\r\n|\r|\n", before))


def _fault(binding: Binding, seen: Mapping[str, Given]) -> tuple[str, str] | None:
    if binding.error:
        return "is not NAME=value", "Quote the value, or remove the line."
    if binding.key is None:
        return None
    if binding.value is None:
        return "has no value", "Write NAME=value; a value of several lines stands in quotes."
    if binding.key in seen:
        return f"is given twice, first at {seen[binding.key].where}", "Keep one of the two."
    return _misread(binding.original.string)


def _misread(text: str) -> tuple[str, str] | None:
    """What keeps the two parsers from reading the same in *text*, or None."""
    line = _LINE.fullmatch(text)
    if line is None:
        return "does not begin with a plain name", "Write NAME=value."
    raw = line["raw"]
    if _READ_ALIKE.fullmatch(raw):
        return None
    if _EXPANDED.search(raw) and not raw.startswith("'"):
        return (
            "holds a $ that Compose would expand and other readers would not",
            "Put the value in single quotes.",
        )
    return (
        "is written in a way that Compose and other readers read differently",
        r"Quote the value: without \\ in single quotes, without \$, \' and \0 in double quotes.",
    )
