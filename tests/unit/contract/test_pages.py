from __future__ import annotations

from hostwright import paths
from hostwright.contract import load
from hostwright.contract.pages import pages
from hostwright.render.release import without

CONTRACT = load()


def test_the_committed_pages_are_current() -> None:
    for name, text in pages(CONTRACT).items():
        assert (paths.REFERENCE / name).read_text() == text, f"run `invoke contract.export`: {name}"


def test_every_variable_of_a_role_stands_under_it_with_its_source_on_every_target() -> None:
    text = pages(CONTRACT)["variables.md"]
    for role in CONTRACT.roles:
        part = text.split(f"## {role}\n")[1].split("\n## ")[0]
        lines = [line for line in part.splitlines() if line.startswith("| `")]
        assert len(lines) == len(CONTRACT.of_role(role))
        assert all(line.count(" | ") == 2 + len(CONTRACT.targets) for line in lines)


def test_an_input_shows_its_default_and_the_targets_own_word() -> None:
    [line] = [
        line for line in pages(CONTRACT)["inputs.md"].splitlines() if line.startswith("| `region`")
    ]
    shown = (
        "| `region` | string | Region of every resource | unset | unset (location) | unset | - |"
    )
    assert line == f"{shown} - |"
    [secret] = [
        line for line in pages(CONTRACT)["inputs.md"].splitlines() if "`db_admin_password`" in line
    ]
    assert "string, ephemeral" in secret


def test_a_role_that_the_application_lacks_has_no_table() -> None:
    text = pages(without(CONTRACT, frozenset({"api"})))["variables.md"]
    assert "## api" in text
    assert "## worker" not in text
