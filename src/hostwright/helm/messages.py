"""What Helm says when it fails: told apart by whose fault it is. Pure.

A chart refuses values in two ways. Its schema is asked first, and Helm words the answer (each major
in its own way); after that, templates fail with messages of ours, one line for each problem::

    PATH: WHAT. REMEDY [docs: docs/reference/chart-messages.md#ID]

Anything else is a fault of the chart: a nil pointer, a function of Helm's own, invalid YAML.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Where each of our messages is explained.
DOCS = "docs/reference/chart-messages.md"

_OURS = re.compile(
    r"^(?:Error: execution error at \([^)]*\): )?(?:values\.yaml )?(?P<path>\S.*?): (?P<text>.+) "
    rf"\[docs: {re.escape(DOCS)}#(?P<id>[\w-]+)\]$",
    re.MULTILINE,
)
_SCHEMA = "values don't meet the specifications of the schema(s)"
#: ``- api.cpu: Must be greater than 0`` of Helm 3.
_OF_THREE = re.compile(r"^- (?P<path>\(root\)|[^\s:]+): (?P<what>.+)$", re.MULTILINE)
#: ``- at '/api/cpu': exclusiveMinimum: got 0, want 0`` of Helm 4, indented in groups.
_OF_FOUR = re.compile(r"^ *- at '(?P<path>[^']*)': (?P<what>.+)$", re.MULTILINE)
_GROUP = re.compile(r"(validation|\w+) failed(, .*)?")
_UNKNOWN_THREE = re.compile(r"Additional property (\S+) is not allowed")
_UNKNOWN_FOUR = re.compile(r"additional propert(?:y|ies) (.+) not allowed")
_MISSING_THREE = re.compile(r"(\S+) is required")
_MISSING_FOUR = re.compile(r"missing propert(?:y|ies) (.+)")
_PLACE = re.compile(r"(?P<file>[\w./-]+/(?:templates/[\w./-]+|[\w-]+\.\w+))(?::(?P<line>\d+))?")
_TAIL = "Use --debug flag to render out invalid YAML"


@dataclass(frozen=True)
class Problem:
    """Something wrong with the values.

    Args:
        path: Which value: ``api.cpu``, ``pods.tolerations[0].key``.
        what: What is wrong; of ours the remedy follows in the same text.
        id: Of a message of ours, its anchor in the docs; empty where the schema refuses.
        unknown: Whether there is no such value at all.
    """

    path: str
    what: str
    id: str = ""
    unknown: bool = False

    def __str__(self) -> str:
        return f"values.yaml {self.path or '(top)'}: {self.what}"


def problems(stderr: str) -> tuple[Problem, ...]:
    """What Helm's error says of the values; nothing where it speaks of something else."""
    if _SCHEMA in stderr:
        found = set(_schema(stderr)) or {Problem("", _rest(stderr))}
        return tuple(sorted(found, key=lambda each: (each.path, each.what)))
    return tuple(
        Problem(found["path"], found["text"], found["id"]) for found in _OURS.finditer(stderr)
    )


def _schema(stderr: str) -> Iterator[Problem]:
    for found in _OF_FOUR.finditer(stderr):
        if not _GROUP.fullmatch(found["what"]):
            yield from _refused(_pointed(found["path"]), found["what"])
    for found in _OF_THREE.finditer(stderr):
        if found["path"] != "at":
            yield from _refused(_dotted(found["path"]), found["what"])


def _rest(stderr: str) -> str:
    """What is left of a refusal that names no path: Helm 3 takes no control characters."""
    return stderr.partition(_SCHEMA)[2].strip().splitlines()[-1]


def _refused(path: str, what: str) -> Iterator[Problem]:
    """One problem for each key that a line of the schema's speaks of, or for what it stands at."""
    below = f"{path}." if path else ""
    names = _named(what, _UNKNOWN_THREE, _UNKNOWN_FOUR)
    for name in names:
        yield Problem(f"{below}{name}", "is not a value of the chart", unknown=True)
    # A default is there unless it was overridden with null.
    missing = _named(what, _MISSING_THREE, _MISSING_FOUR)
    for name in missing:
        yield Problem(f"{below}{name}", "is null or missing. Remove its line to get the default.")
    if not names and not missing:
        yield Problem(path, what)


def _named(what: str, three: re.Pattern[str], four: re.Pattern[str]) -> list[str]:
    """The keys that a sentence of Helm 3 names, one, or of Helm 4, one or several."""
    one, several = three.fullmatch(what), four.fullmatch(what)
    return [one[1]] if one else re.findall(r"'([^']*)'", several[1]) if several else []


def _pointed(pointer: str) -> str:
    """A JSON pointer as people write paths: ``/pods/tolerations/0/key``."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    return _joined(steps)


def _dotted(path: str) -> str:
    return "" if path == "(root)" else _joined(path.split("."))


def _joined(steps: list[str]) -> str:
    text = ""
    for step in steps:
        text += f"[{step}]" if step.isdecimal() else f".{step}" if text else step
    return text


@dataclass(frozen=True)
class Place:
    """Where in a chart Helm stumbled: a file below it, and a line (0 where it names none)."""

    file: str
    line: int


def place(stderr: str) -> Place | None:
    """The place that an error names, if it does."""
    found = _PLACE.search(stderr)
    if not found:
        return None
    return Place(found["file"].partition("/")[2], int(found["line"] or 0))


def shortened(stderr: str) -> str:
    """An error without its first word and the advice at its end."""
    return stderr.replace(_TAIL, "").strip().removeprefix("Error: ").strip()


@dataclass(frozen=True)
class Complaint:
    """A line of ``helm lint``; *file* is below the chart."""

    severity: str
    file: str
    what: str


def complaints(stdout: str) -> tuple[Complaint, ...]:
    """What ``helm lint`` says, its lines that go on included."""
    found = re.finditer(
        r"^\[(INFO|WARNING|ERROR)\] ([^\s:]+): (.*(?:\n(?!\[|==>|\n*\d+ chart|Error: ).*)*)",
        stdout,
        re.MULTILINE,
    )
    return tuple(Complaint(each[1].lower(), each[2], " ".join(each[3].split())) for each in found)
