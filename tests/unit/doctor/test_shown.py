from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.unit.doctor.found import FACTS, MACHINE, NO_CLIENT

from hostwright.doctor.judge import report
from hostwright.doctor.model import Line
from hostwright.doctor.shown import as_json, drawn


def test_plain_text_has_sections_and_puts_the_remedy_below_its_line() -> None:
    lines = [
        Line("tools", "caddy", "ok", "on PATH", "", "2.11.7", "path", "/usr/bin/caddy"),
        Line("tools", "docker-compose", "missing", "not on PATH", "Get it.\nOr that."),
        Line("vps", "ssh key", "missing", "no agent", "Make one."),
        Line("vps", "values", "missing", "not there"),
    ]
    assert drawn(lines, ["vps"], table=False).splitlines() == [
        "tools",
        "ok       caddy           2.11.7 /usr/bin/caddy: on PATH",
        "missing  docker-compose  not on PATH",
        "                         Get it.",
        "                         Or that.",
        "vps",
        "missing  ssh key         no agent",
        "                         Make one.",
        "missing  values          not there",
        "missing: docker-compose, 2 for vps; 0 notes",
    ]


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_table_says_the_same_in_colours_and_fits(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.delenv("NO_COLOR", raising=False)
    lines = report(replace(FACTS, machine=replace(MACHINE, tools=(NO_CLIENT,))))
    found = drawn(lines, [], table=True)
    assert "\x1b[" in found
    assert "docker" in found
    assert found.endswith("every Invoke task can start; 1 note")


def test_where_targets_were_asked_for_the_verdict_is_about_them() -> None:
    lines = report(FACTS, ["aws", "vps"])
    assert drawn(lines, ["aws", "vps"], table=False).endswith(
        "\naws and vps: nothing is missing; 0 notes"
    )


def test_json_holds_every_line_and_the_exit_code() -> None:
    lines = report(FACTS)
    document = json.loads(as_json(lines, 0))
    assert document["exit_code"] == 0
    assert [Line(**entry) for entry in document["lines"]] == lines
