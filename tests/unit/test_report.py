from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hostwright.checks.finding import Finding
from hostwright.contract import load
from hostwright.render.model import Rendered, Source
from hostwright.report import Part, Report, document, github, matrix, sarif, terminal, verdict

if TYPE_CHECKING:
    from hostwright.contract import Contract

FAULT = Finding(
    "secret-in-plain-slot",
    "vps",
    "ops/compose/docker-compose.prod.yml",
    7,
    "api",
    "SECRET_KEY",
    "is a secret and stands in readable configuration",
    "Let it arrive through the role's env file of mode 0600 alone.",
)
ACCEPTED = replace(FAULT, check="backup-missing", role="redis", variable="", message="is lost")


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load()


@pytest.fixture(scope="module")
def report(contract: Contract) -> Report:
    sources = {
        "SECRET_KEY": Source("literal", "x", secret_slot=False),
        "DATABASE_URL": Source("mark", "api/DATABASE_URL", secret_slot=True),
        "DEBUG": Source("literal", "1", secret_slot=False),
        "PORT": Source("mark", "api/PORT", secret_slot=True),
    }
    web = {"PORT": Source("mark", "web/PORT", secret_slot=True)}
    rendered = Rendered("vps", FAULT.file, {"api": sources, "web": web}, {})
    parts = (Part("contract", 90), Part("vps", 214, (FAULT,), (ACCEPTED,), 2.0, rendered))
    return Report(parts, 3.21, contract)


def test_the_verdict_counts_checks_findings_exemptions_and_seconds(report: Report) -> None:
    assert verdict(report) == "contract, vps: 304 checks, 1 finding (vps 1), 1 exempted, 3.2 s"


def test_a_verdict_without_findings_says_none_and_where_it_looked() -> None:
    assert verdict(Report((Part("vps", 1),), 0.04)) == "vps: 1 check, 0 findings, 0.0 s"


def test_plain_text_has_a_line_a_finding_and_the_verdict_last(report: Report) -> None:
    lines = terminal.plain(report).splitlines()
    assert str(FAULT) in lines
    assert lines[-1] == verdict(report)
    assert "1 exempted until a stated day: backup-missing (1)" in lines


@pytest.mark.parametrize("width", [80, 120])
def test_tables_fit_the_terminal_and_lose_no_word(report: Report, width: int) -> None:
    text = terminal.drawn(report, width, colour=False)
    assert max(map(len, text.splitlines())) <= width
    shown = "".join(text.split())
    for part in (FAULT.file, FAULT.message, FAULT.remedy, FAULT.check, "api.SECRET_KEY"):
        assert "".join(part.split()) in shown
    assert "".join(verdict(report).split()) in shown


def test_text_from_blueprints_is_never_read_as_markup() -> None:
    odd = replace(FAULT, message="holds [red]text[/] and [x]")
    shown = terminal.drawn(Report((Part("vps", 1, (odd,)),), 1.0), colour=False)
    assert "[red]text[/] and [x]" in shown


def test_the_matrix_follows_the_contract_and_marks_secrets(
    report: Report, contract: Contract
) -> None:
    rendered = report.parts[1].rendered
    assert rendered is not None
    assert matrix.rows(contract, "vps", rendered) == [
        matrix.Row("PORT", False, {"api": "composed", "web": "composed"}),  # noqa: FBT003
        matrix.Row("DATABASE_URL", True, {"api": "composed*"}),  # noqa: FBT003
        matrix.Row("SECRET_KEY", True, {"api": "blueprint!"}),  # noqa: FBT003
        matrix.Row("DEBUG", False, {"api": "blueprint"}),  # noqa: FBT003
    ]


def test_an_annotation_names_file_line_and_check() -> None:
    [line] = github.commands([FAULT])
    assert line == (
        "::error file=ops/compose/docker-compose.prod.yml,line=7,title=secret-in-plain-slot::"
        f"{FAULT.text}"
    )


def test_an_annotation_keeps_to_one_line_and_its_properties_apart() -> None:
    odd = replace(FAULT, file="a,b:c%", message="50 %\nnext")
    [line] = github.commands([odd])
    assert line.startswith("::error file=a%2Cb%3Ac%25,line=7,")
    assert "50 %25%0Anext" in line


def test_a_finding_without_a_line_is_annotated_at_the_first() -> None:
    assert ",line=1," in github.commands([replace(FAULT, line=0)])[0]


def test_json_says_its_schema_and_everything_that_was_found(report: Report) -> None:
    told = json.loads(document.text(report, 1))
    assert told["schema"] == document.SCHEMA == 1
    assert (told["exit_code"], told["seconds"], told["verdict"]) == (1, 3.21, verdict(report))
    contract, vps = told["parts"]
    assert (contract["name"], contract["checks"]) == ("contract", 90)
    assert vps["findings"][0]["variable"] == "SECRET_KEY"
    assert vps["exempted"][0]["check"] == "backup-missing"
    assert {"variable": "DEBUG", "secret": False, "roles": {"api": "blueprint"}} in vps["matrix"]


def test_sarif_has_a_result_with_its_place_for_every_finding(report: Report) -> None:
    told = json.loads(sarif.text(report))
    [run] = told["runs"]
    found, accepted = run["results"]
    place = found["locations"][0]["physicalLocation"]
    assert told["version"] == "2.1.0"
    assert place["artifactLocation"]["uri"] == FAULT.file
    assert place["region"] == {"startLine": 7}
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [
        "backup-missing",
        "secret-in-plain-slot",
    ]
    assert accepted["suppressions"][0]["kind"] == "external"


def test_a_fingerprint_survives_a_moved_line_and_tells_faults_apart() -> None:
    def fingerprint(fault: Finding) -> str:
        shown = sarif.document(Report((Part("vps", 1, (fault,)),), 1.0))
        return str(shown["runs"][0]["results"][0]["partialFingerprints"])

    assert fingerprint(replace(FAULT, line=99)) == fingerprint(FAULT)
    assert fingerprint(replace(FAULT, role="worker")) != fingerprint(FAULT)


def test_a_report_without_a_contract_is_told_all_the_same() -> None:
    broken = Report((Part("contract", 1, (FAULT,)),), 0.1)
    assert terminal.plain(broken).splitlines() == [str(FAULT), verdict(broken)]
    assert document.document(broken, 3)["contract_version"] is None
