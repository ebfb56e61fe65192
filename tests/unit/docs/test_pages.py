"""The pages that are generated as a whole."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from hostwright.contract import load
from hostwright.docs import code_tables, generated
from hostwright.docs.pages import pages
from hostwright.render.release import without

if TYPE_CHECKING:
    from hostwright.docs.model import Reference

CONTRACT = load()


@cache
def reference() -> Reference:
    return generated.reference(CONTRACT)


def page(name: str) -> str:
    return pages(reference())[name]


def test_a_page_names_where_it_comes_from_and_what_writes_it() -> None:
    for name, text in pages(reference()).items():
        first, blank, title, *_ = text.splitlines()
        assert first.startswith("<!-- Generated from "), name
        assert "by `invoke contract.export`." in first
        assert blank == ""
        assert title.startswith("# ")
        assert text.endswith("|\n")


def test_every_variable_of_a_role_stands_under_it_with_its_source_on_every_target() -> None:
    text = page("variables.md")
    for role in CONTRACT.roles:
        part = text.split(f"## {role}\n")[1].split("\n## ")[0]
        lines = [line for line in part.splitlines() if line.startswith("| `")]
        assert len(lines) == len(CONTRACT.of_role(role))
        assert all(line.count(" | ") == 2 + len(CONTRACT.targets) for line in lines)


def test_an_input_shows_its_default_and_the_targets_own_word() -> None:
    lines = page("inputs.md").splitlines()
    [line] = [line for line in lines if line.startswith("| `region`")]
    shown = (
        "| `region` | string | Region of every resource | unset | unset (location) | unset | - |"
    )
    assert line == f"{shown} - |"
    [secret] = [line for line in lines if "`db_admin_password`" in line]
    assert "string, ephemeral" in secret


def test_a_role_that_the_application_lacks_has_no_table() -> None:
    fewer = replace(reference(), contract=without(CONTRACT, frozenset({"api"})))
    text = pages(fewer)["variables.md"]
    assert "## api" in text
    assert "## worker" not in text


def test_every_task_has_a_section_below_its_namespace_with_a_row_for_each_flag() -> None:
    text = page("tasks.md")
    for task in reference().tasks:
        below = text.split(f"\n### {task.name}\n")[1].split("\n### ")[0].split("\n## ")[0]
        assert task.summary in below
        flags = [line.split("`")[1] for line in below.splitlines() if line.startswith("| `--")]
        assert [flag.split()[0] for flag in flags] == [
            code_tables.shown(flag) for flag in task.flags
        ]
    assert text.index("\n## At the top\n") < text.index("\n### doctor\n") < text.index("\n## aws\n")


def test_every_session_and_every_exit_code_is_a_row() -> None:
    sessions, codes = page("sessions.md"), page("exit-codes.md")
    assert all(
        f"\n| `nox -s {each.name}` | {each.summary} |" in sessions for each in reference().sessions
    )
    assert all(f"\n| {each.code} | " in codes for each in reference().exit_codes)
