from __future__ import annotations

import ast
import re

from hostwright import paths
from hostwright.checks.ids import CHECKS, TOOLS, is_known

PLACES = ("checks", "validate")
ID = re.compile(r"[a-z]+(-[a-z0-9]+)+|contract|privileged|unconfined|exemption")


def words() -> set[str]:
    """Every string of the checks' sources, but for the lists of ids themselves."""
    files = [
        file
        for place in PLACES
        for file in (paths.ROOT / "src" / "hostwright" / place).rglob("*.py")
        if file.name != "ids.py"
    ]
    statements = [node for file in files for node in ast.parse(file.read_text()).body]
    return {
        node.value
        for statement in statements
        if not (isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "CHECKS")
        for node in ast.walk(statement)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_check_in_the_list_is_made_somewhere() -> None:
    made = words() | {f"redis-{name}" for name in words()}
    assert sorted(set(CHECKS) - made) == []


def test_every_id_is_kebab_case_and_explained() -> None:
    assert all(ID.fullmatch(check) and len(told) > 10 for check, told in CHECKS.items())


def test_codes_of_linters_are_known_and_others_are_not() -> None:
    assert all(is_known(f"{tool}x1") for tool in TOOLS)
    assert not is_known("no-such-check")
