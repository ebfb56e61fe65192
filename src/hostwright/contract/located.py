"""YAML that knows its lines, so that every error can name one."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.errors import HostwrightError

Key = str | int
KeyPath = tuple[Key, ...]


@dataclass(frozen=True)
class Located:
    """A YAML document: plain data, and the line of every key path in it (from 1)."""

    file: str
    data: Any
    lines: dict[KeyPath, int]

    def line(self, path: KeyPath) -> int:
        """The line of *path*, or of its nearest ancestor that the document has."""
        path = self._without_index(path)
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def place(self, path: KeyPath) -> KeyPath:
        """*path* as the document has it: without the steps that only a model or a rule takes."""
        found: KeyPath = ()
        for key in path:
            for step in (key, str(key)):
                if (*found, step) in self.lines:
                    found = (*found, step)
                    break
        return found

    def where(self, path: KeyPath) -> str:
        """``file:line: key.path``, as errors show it."""
        return f"{self.file}:{self.line(path)}: {dotted(self._without_index(path))}".removesuffix(
            ": "
        )

    def _without_index(self, path: KeyPath) -> KeyPath:
        """*path* without the positions of a list that was written as its only item."""
        kept: KeyPath = ()
        for key in path:
            if isinstance(key, str) or (*kept, key) in self.lines:
                kept = (*kept, key)
        return kept


def dotted(path: KeyPath) -> str:
    """A key path as people write it: ``roles.api.port`` or ``profiles[1]``."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def read(path: Path, shown: str, error: type[HostwrightError]) -> Located:
    """Read a YAML file.

    Args:
        path: The file.
        shown: How errors name it.
        error: The class to raise.

    Raises:
        HostwrightError: Of class *error*: unreadable, not YAML, or with a key given twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise error(f"cannot be read: {fault}", where=shown) from fault
    return parse(text, shown, error)


def parse(text: str, shown: str, error: type[HostwrightError]) -> Located:
    """The same for text that was read already."""
    lines: dict[KeyPath, int] = {}
    try:
        with closing(_Loader(text)) as loader:
            root = loader.get_single_node()
            if root is not None:
                _walk(root, (), _Reading(shown, error, lines), frozenset())
            data = None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark
        place = f"{shown}:{mark.line + 1}" if mark else shown
        raise error(f"not valid YAML: {fault.problem}", where=place) from fault
    except yaml.reader.ReaderError as fault:
        what = f"not valid YAML: the character U+{fault.character:04X} is not allowed"
        line = text.count("\n", 0, text.find(chr(fault.character))) + 1
        raise error(what, where=f"{shown}:{line}") from fault
    except (ValueError, RecursionError) as fault:  # a date that is none, or endless nesting
        raise error(f"not valid YAML: {fault}", where=shown) from fault
    return Located(shown, data, lines)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # libyaml: 6x
    """PyYAML's safe loader, by libyaml where PyYAML was built with it: six times as fast."""

    def close(self) -> None:
        """Let go of what the parser holds."""
        self.dispose()


class _Reading(NamedTuple):
    """A file on its way to be read: its name, the class of its errors, the lines found so far."""

    shown: str
    error: type[HostwrightError]
    lines: dict[KeyPath, int]


def _walk(node: yaml.Node, path: KeyPath, reading: _Reading, above: frozenset[int]) -> None:
    """Note the lines of *node* and of all below it; *above* are the nodes it lies in."""
    lines, line = reading.lines, node.start_mark.line + 1
    if id(node) in above:
        raise reading.error(
            f"{dotted(path)} contains itself",
            where=f"{reading.shown}:{line}",
            remedy="Write it out.",
        )
    lines.setdefault(path, line)
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*path, index), reading, above | {id(node)})
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            child = (*path, str(key.value))
            line = key.start_mark.line + 1
            if child in lines:
                raise reading.error(
                    f"{dotted(child)} is given twice, first on line {lines[child]}",
                    where=f"{reading.shown}:{line}",
                    remedy="Keep one of the two.",
                )
            lines[child] = line
            _walk(value, child, reading, above | {id(node)})
