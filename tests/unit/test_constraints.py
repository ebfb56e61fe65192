"""constraints.txt holds what pyproject.toml asks for, hashed, and says nothing of where it lies.

It is compiled by `nox -s constraints`; this shows, without an index, that somebody did.
"""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hostwright import paths

PYPROJECT = (paths.ROOT / "pyproject.toml").read_text()
CONSTRAINTS = (paths.ROOT / "constraints.txt").read_text()
ENTRY = re.compile(
    r"^(?P<name>[a-z0-9][\w.-]*)==(?P<version>\S+)(?P<rest>[^\n]*(?:\n[ #][^\n]*)*)", re.MULTILINE
)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")


class Pin(NamedTuple):
    """One entry: its version and how many hashes it has."""

    version: str
    hashes: int


def pins(constraints: str) -> dict[str, list[Pin]]:
    """The entries by name; several where platforms differ."""
    found: dict[str, list[Pin]] = {}
    for entry in ENTRY.finditer(constraints):
        pin = Pin(entry["version"], len(HASH.findall(entry["rest"])))
        found.setdefault(canonicalize_name(entry["name"]), []).append(pin)
    return found


def asked_for(pyproject: str) -> set[str]:
    """Every requirement of the project, its groups and its build."""
    document = tomllib.loads(pyproject)
    groups = document.get("dependency-groups", {}).values()
    listed = [*document["project"]["dependencies"], *document["build-system"]["requires"]]
    return {*listed, *(entry for group in groups for entry in group if isinstance(entry, str))}


def also_needed(requirement: Requirement) -> set[str]:
    """What the installed distribution asks for in turn, here; nothing if it is not installed."""
    try:
        texts = requires(requirement.name) or []
    except PackageNotFoundError:
        return set()
    extras = requirement.extras or {""}
    needed = (Requirement(text) for text in texts)
    return {
        str(each)
        for each in needed
        if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in extras)
    }


def faults(pyproject: str, constraints: str) -> list[str]:
    """What the constraints lack, one sentence each."""
    held = pins(constraints)
    found = [
        f"{name} has no hash"
        for name, entries in held.items()
        if not all(e.hashes for e in entries)
    ]
    waiting, seen = asked_for(pyproject), set[str]()
    while waiting - seen:
        text = min(waiting - seen)
        seen.add(text)
        requirement = Requirement(text)
        waiting |= also_needed(requirement)
        entries = held.get(canonicalize_name(requirement.name), [])
        if not any(requirement.specifier.contains(e.version, prereleases=True) for e in entries):
            found.append(f"{text} has no entry that satisfies it")
    return found + [f"has an address: {line}" for line in constraints.splitlines() if "://" in line]


def test_every_dependency_has_a_hashed_entry_that_satisfies_it_and_none_has_an_address() -> None:
    assert faults(PYPROJECT, CONSTRAINTS) == [], "run `nox -s constraints`"


GROUPS = """
[build-system]
requires = []
[project]
dependencies = ["a>=2"]
[dependency-groups]
one = ["b[x]>=1,<2", {include-group = "two"}]
two = ["c"]
"""
DIGEST = "0" * 64
HELD = f"""\
a==2.1 \\
    --hash=sha256:{DIGEST} \\
    --hash=sha256:{DIGEST}
    # via it
b==1.5 ; sys_platform == 'linux' \\
    --hash=sha256:{DIGEST}
c==1 \\
    --hash=sha256:{DIGEST}
"""


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("a==2.1", "a==1.9", "a>=2 has no entry that satisfies it"),
        ("b==1.5", "b==2", "b[x]>=1,<2 has no entry that satisfies it"),
        ("c==1", "d==1", "c has no entry that satisfies it"),
        (f"c==1 \\\n    --hash=sha256:{DIGEST}", "c==1", "c has no hash"),
        (
            "# via it",
            "# from https://index.test/a",
            "has an address:     # from https://index.test/a",
        ),
    ],
)
def test_a_stale_bare_or_located_entry_is_found(before: str, after: str, fault: str) -> None:
    assert faults(GROUPS, HELD) == []
    assert before in HELD
    assert faults(GROUPS, HELD.replace(before, after)) == [fault]


def test_what_an_installed_dependency_asks_for_in_turn_must_be_held_too() -> None:
    pytest_alone = 'build-system.requires = []\nproject.dependencies = ["pytest"]'
    held = f"pytest=={pytest.__version__} --hash=sha256:{DIGEST}\n"
    assert any(fault.startswith("pluggy") for fault in faults(pytest_alone, held))
