from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from hostwright.rig.prove import rows, tables
from hostwright.rig.prove.cases import FAILS_IN, FAULTS, HARMLESS, Case, Load, Size
from hostwright.rig.prove.rows import Killed, Loaded, Restored, Row

KILLED = Killed(
    case=Case("deploy", "killed", "after", "STARTED"),
    reached=True,
    code=18,
    during=("1", "2"),
    between="old",
    found="deploy of a|b was at STARTED",
    after="2",
    wanted="2",
    sent=100,
    failed=0,
    reads_failed=0,
    pause=0.05,
    lost=0,
    data="30 writes, all done",
    writes=30,
)
LOADED = Loaded(
    case=Load("deploy", 1, 2),
    sent=12_000,
    failed=0,
    failures={},
    p99=0.02,
    pause=0.1,
    sockets=0,
    codes=(0, 0),
    switch=(0.2, 0.4),
    serving=(2.5, 3.0),
    rate=79.9,
    writes=200,
    echoed=60,
)
RESTORED = Restored(
    case=Size(10),
    database=11_000_000,
    rows=1_000,
    backup=2.0,
    stored=6_000_000,
    drill=4.0,
    restore=5.0,
    recover=60.0,
    age=70.0,
    equal={"restore": True, "recover": True},
)
ROWS: dict[str, Row] = {"kill": KILLED, "power": KILLED, "load": LOADED, "restore": RESTORED}


def killed(fault: str, op: str = "deploy") -> Killed:
    """A row of that fault that keeps its promise."""
    harmless, restores = fault in HARMLESS, op == "restore"
    return replace(
        KILLED,
        case=Case(op, fault, "middle", "LOADED" if restores else "STARTED"),
        code={"cut": 11}.get(fault, 0 if harmless else 18),
        between="old" if restores or not harmless else "new",
        found="" if harmless else KILLED.found,
        data=rows.RESTORED if restores else KILLED.data,
        writes=0 if restores else KILLED.writes,
    )


def loaded(what: str) -> Loaded:
    """A row of that kind that keeps its promise."""
    case = Load(what, 1, 2, code=18 if what in FAILS_IN else 0)
    if what not in FAILS_IN:
        return replace(LOADED, case=case)
    return replace(LOADED, case=case, codes=(18, 18), switch=(), phases=(FAILS_IN[what],) * 2)


@pytest.mark.parametrize("op", ["deploy", "restore"])
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "full"])
def test_a_row_of_every_fault_can_keep_the_promise(fault: str, op: str) -> None:
    assert killed(fault, op).broken() == []


@pytest.mark.parametrize("what", ["warm rollback", "cold rollback", *FAILS_IN])
def test_a_row_of_every_load_can_keep_the_promise(what: str) -> None:
    assert loaded(what).broken() == []


@pytest.mark.parametrize("code", [0, 18, 25])
def test_how_far_a_full_disk_lets_a_command_come_is_not_judged(code: int) -> None:
    assert replace(killed("full"), code=code).broken() == []


def test_a_power_loss_may_take_jobs_and_no_writes() -> None:
    assert replace(killed("power"), jobs=1).broken() == []
    assert replace(killed("power"), lost=1).broken() == ["data lost: 1"]


@pytest.mark.parametrize(
    ("changed", "spoiled"),
    [
        ({}, False),
        ({"failed": 1}, False),
        ({"manual": ("it failed",)}, True),
        ({"back": False}, True),
        ({"after": "nothing answers"}, True),
    ],
)
def test_a_server_that_is_not_whole_takes_no_other_row(
    changed: dict[str, Any], *, spoiled: bool
) -> None:
    assert replace(KILLED, **changed).spoiled is spoiled


def test_a_reason_is_a_line_that_a_page_has_room_for() -> None:
    assert rows.one_line("a\n  b\n") == "a b"
    assert len(rows.one_line("x" * 5000)) < 400


@pytest.mark.parametrize("group", ROWS)
def test_a_row_comes_back_from_its_json(group: str) -> None:
    assert rows.read(group, json.loads(json.dumps(rows.plain(ROWS[group])))) == ROWS[group]


@pytest.mark.parametrize("group", ROWS)
def test_a_row_that_keeps_the_promise_breaks_none(group: str) -> None:
    assert ROWS[group].broken() == []


@pytest.mark.parametrize(
    ("row", "changed", "words"),
    [
        (KILLED, {"reached": False}, "never reached"),
        (KILLED, {"between": "new"}, "new served before the next"),
        (KILLED, {"between": ""}, "nothing served"),
        (KILLED, {"after": "x without worker"}, "x without worker after the next command"),
        (KILLED, {"failed": 3}, "3 of 100 requests failed"),
        (KILLED, {"lost": 2}, "data lost: 2"),
        (KILLED, {"manual": ("it was refused",)}, "by hand: it was refused"),
        (KILLED, {"refused": False}, "was not refused"),
        (KILLED, {"back": False}, "did not serve again by itself"),
        (KILLED, {"back": False, "boot": "it is degraded"}, "by itself: it is degraded"),
        (KILLED, {"spared": "the disk was not full"}, "the disk was not full"),
        (KILLED, {"writes": 0}, "no write was answered"),
        (KILLED, {"jobs": 2}, "2 jobs not done"),
        (KILLED, {"after": "nothing answers"}, "nothing answers after the next command"),
        (KILLED, {"code": 0}, "ended with exit code 0"),
        (killed("owner"), {"code": 0}, "ended with exit code 0"),
        (killed("server"), {"code": 0}, "ended with exit code 0"),
        (killed("power"), {"code": 0}, "ended with exit code 0"),
        (killed("cut"), {"code": 0}, "ended with exit code 0"),
        (killed("cut"), {"code": 18}, "ended with exit code 18"),
        (killed("ahead"), {"code": 18}, "ended with exit code 18"),
        (killed("back"), {"code": 11}, "ended with exit code 11"),
        (killed("busy"), {"code": 16}, "ended with exit code 16"),
        (killed("cut"), {"found": "at STARTED"}, "the next command found: at STARTED"),
        (killed("back"), {"found": "at STARTED"}, "the next command found: at STARTED"),
        (killed("cut", "restore"), {"data": "as before"}, "the data is as before, not the backup"),
        (killed("busy", "restore"), {"data": ""}, "the data is not known, not the backup"),
        (LOADED, {"failed": 1}, "1 of 12000 requests failed"),
        (LOADED, {"sockets": 1}, "1 WebSockets were dropped"),
        (LOADED, {"codes": (0, 18)}, "exit codes [18], not 0"),
        (LOADED, {"jobs": 4}, "4 jobs were not done"),
        (LOADED, {"rate": 63.0}, "only 63 requests per second sent"),
        (LOADED, {"writes": 0}, "a run without an answered write"),
        (LOADED, {"echoed": 0}, "a run without an echo"),
        (LOADED, {"switch": (0.2,)}, "1 of 2 runs switched"),
        (loaded("warm rollback"), {"switch": ()}, "0 of 2 runs switched"),
        (loaded("cold rollback"), {"switch": ()}, "0 of 2 runs switched"),
        (loaded("failing health"), {"phases": ("HEALTHY", "STARTED")}, "'STARTED'), not"),
        (loaded("failing health"), {"phases": ("HEALTHY",)}, "failed in ('HEALTHY',), not"),
        (loaded("failing migration"), {"phases": ("MIGRATED", "")}, "failed in ('MIGRATED', '')"),
        (RESTORED, {"equal": {"restore": False}}, "not row for row after restore"),
        (RESTORED, {"database": 9_000_000}, "smaller than it should be"),
    ],
)
def test_what_breaks_the_promise_is_named(row: Row, changed: dict[str, Any], words: str) -> None:
    [told] = replace(row, **changed).broken()

    assert words in told


def test_a_full_disk_may_fail_writes_and_no_reads() -> None:
    full = replace(KILLED, case=Case("deploy", "full", "middle", "STARTED"), failed=7)

    assert full.broken() == []
    assert replace(full, reads_failed=1).broken() == ["1 of 100 requests failed"]


def test_a_server_that_is_away_may_fail_any() -> None:
    away = replace(KILLED, case=Case("deploy", "server", "middle", "STARTED"), failed=50)

    assert replace(away, reads_failed=50).broken() == []


def test_a_restarted_caddy_may_fail_requests() -> None:
    case = Load("Caddy restart", 1, 3, code=None, quiet=False)  # nothing is typed, nothing moves

    assert replace(LOADED, case=case, failed=9, sockets=3, codes=()).broken() == []


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("kill", "| after STARTED | version 1, version 2 | old |"),
        ("kill", "deploy of a\\|b was at STARTED"),
        ("kill", "| 50 ms | none (30 writes, all done) | nothing |"),
        ("load", "| deploy | 2 | 12,000 | 80 | 0 | 0 | 20 ms | 100 ms |"),
        ("load", "| the switch: one rename | 0.3 (0.2 to 0.4) ms | under 50 ms | 2 |"),
        ("restore", "| 11 MB | 1,000 | 2.0 s | 6.0 MB | 4.0 s | 5.0 s | 60 s | 70 s |"),
    ],
)
def test_a_page_has_its_rows(group: str, words: str) -> None:
    text = tables.page(group, [ROWS[group]], 3, {"Docker": "26.1"})

    assert words in text
    assert "1 of 3 rows are taken; 0 of them break" in text
    assert "Docker 26.1" in text


def test_a_page_names_what_breaks_the_promise() -> None:
    reasons = {"GET /: status 502": 1, "POST /: status 503": 4}
    text = tables.page("kill", [replace(KILLED, failed=5, failures=reasons)], 1, {})

    assert (
        "- `kill/deploy/killed/after/STARTED`: 5 of 100 requests failed; 4 x POST /: status 503; "
        "1 x GET /: status 502\n" in text
    )


def test_a_page_names_what_was_not_taken_at_once() -> None:
    name = KILLED.case.id
    why = {name: ["it broke what is promised: a", "the kernel | panicked"], "kill/x": ["no answer"]}
    text = tables.page("kill", [KILLED], 2, {}, why)

    assert f"Taken more than once:\n\n- `{name}`: it broke what is promised: a; the kernel" in text
    assert "Could not be taken yet:\n\n- `kill/x`: no answer\n" in text
    assert "Taken more than once" not in tables.page("kill", [KILLED], 2, {})


def test_room_on_a_full_disk_is_made_by_hand_and_said() -> None:
    row = replace(KILLED, case=Case("deploy", "full", "middle", "STARTED"), manual=("it failed",))

    assert "| it failed, room was made |" in tables.table("kill", [row])
    assert "but room on a full disk" in " ".join(tables.page("kill", [row], 1, {}).split())


def test_who_serves_where_nobody_answers_is_nothing() -> None:
    row = replace(KILLED, case=Case("restore", "killed", "middle", "SWAPPED"), between="")

    assert row.broken() == []
    assert "| in SWAPPED | version 1, version 2 | nothing |" in tables.table("kill", [row])


def test_the_parts_of_a_load_are_one_row_and_worst_is_worst() -> None:
    parts: list[Row] = [LOADED, replace(LOADED, case=Load("deploy", 2, 2), p99=0.5, rate=70)]

    assert "| deploy | 4 | 24,000 | 70 | 0 | 0 | 500 ms | 100 ms |" in tables.table("load", parts)
