from __future__ import annotations

import pytest

from hostwright.rig.prove import cases
from hostwright.rig.prove.cases import FAULTS, STEPS, Case
from hostwright.runner.backup import restore
from hostwright.runner.phases import PHASES


def test_every_row_has_a_name_of_its_own() -> None:
    known = [
        *(case.id for case in cases.kills()),
        *(case.id for case in cases.powers()),
        *(case.id for case in cases.loads()),
        *(case.id for case in cases.sizes()),
    ]

    assert len(set(known)) == len(known)


@pytest.mark.parametrize("op", STEPS)
def test_every_phase_of_every_operation_is_killed_in_its_middle_and_after_it(op: str) -> None:
    killed = {(case.when, case.phase) for case in cases.kills() if case[:2] == (op, "killed")}

    assert killed == {(when, phase) for when in ("middle", "after") for phase in STEPS[op]}


@pytest.mark.parametrize("op", STEPS)
@pytest.mark.parametrize("fault", ["cut", "server", "full", "ahead", "back"])
def test_every_phase_of_every_operation_meets_every_fault(op: str, fault: str) -> None:
    assert {case.phase for case in cases.kills() if case[:2] == (op, fault)} == set(STEPS[op])


def test_every_fault_has_rows_for_every_operation() -> None:
    assert {(case.op, case.fault) for case in cases.kills()} == {
        (op, fault) for op in STEPS for fault in FAULTS if fault != "power"
    }


@pytest.mark.parametrize("op", ["deploy", "rollback"])
def test_the_power_is_cut_in_the_middle_of_every_phase_of_a_release(op: str) -> None:
    assert [case.id for case in cases.powers() if case.op == op] == [
        f"kill/{op}/power/middle/{phase}" for phase in PHASES
    ]


def test_the_phases_of_a_restore_are_those_that_the_runner_knows() -> None:
    assert set(STEPS["restore"]) <= set(restore.PHASES)


def test_ci_kills_a_deploy_once_a_phase() -> None:
    assert [case.phase for case in cases.short_kills()] == list(PHASES)
    assert {case.when for case in cases.short_kills()} == {"middle", "after"}


def test_the_load_table_has_fifty_deploys() -> None:
    assert sum(case.runs for case in cases.loads() if case.what == "deploy") >= 50


@pytest.mark.parametrize(
    ("case", "serves", "may_fail"),
    [
        (Case("deploy", "killed", "after", "HEALTHY"), {"old"}, ""),
        (Case("deploy", "killed", "middle", "SWITCHED"), {"old", "new"}, ""),
        (Case("deploy", "killed", "after", "SWITCHED"), {"new"}, ""),
        (Case("rollback", "server", "middle", "DRAINED"), {"new"}, "any"),
        (Case("deploy", "power", "middle", "HEALTHY"), {"old"}, "any"),
        (Case("rollback", "power", "middle", "DRAINED"), {"new"}, "any"),
        (Case("deploy", "cut", "middle", "PREPARED"), {"new"}, ""),
        (Case("deploy", "full", "middle", "PREPARED"), {"old", "new"}, "writes"),
        (Case("backup", "killed", "middle", "DUMPED"), {"old"}, ""),
        (Case("restore", "killed", "after", "LOADED"), {"old"}, "any"),
        (Case("restore", "killed", "after", "SWAPPED"), {"old", ""}, "any"),
        (Case("restore", "owner", "middle", "SWAPPED"), {"old", ""}, "any"),
        (Case("restore", "full", "middle", "HEALTHY"), {"old", ""}, "any"),
        (Case("restore", "cut", "middle", "SWAPPED"), {"old"}, "any"),
        (Case("restore", "server", "middle", "SWAPPED"), {"old"}, "any"),
        (Case("restore", "busy", "middle", "HEALTHY"), {"old"}, "any"),
    ],
)
def test_what_is_promised_of_a_case(case: Case, serves: set[str], may_fail: str) -> None:
    assert case.serves == serves
    assert case.may_fail == may_fail
