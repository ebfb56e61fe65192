from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from hostwright.rig.prove import rows, tables
from hostwright.rig.prove.cases import Case, Load, Size
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
)
LOADED = Loaded(
    case=Load("deploy", 1, 10),
    sent=12_000,
    failed=0,
    failures={},
    p99=0.02,
    pause=0.1,
    sockets=0,
    codes=(0, 0),
    switch=(0.2, 0.4),
    serving=(2.5, 3.0),
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
        (LOADED, {"failed": 1}, "1 of 12000 requests failed"),
        (LOADED, {"sockets": 1}, "1 WebSockets were dropped"),
        (LOADED, {"codes": (0, 18)}, "exit codes [18], not 0"),
        (LOADED, {"jobs": 4}, "4 jobs were not done"),
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
    case = Load("Caddy restart", 1, 3, code=None, quiet=False)

    assert replace(LOADED, case=case, failed=9, sockets=3, codes=()).broken() == []


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("kill", "| after STARTED | version 1, version 2 | old |"),
        ("kill", "deploy of a\\|b was at STARTED"),
        ("load", "| deploy | 10 | 12,000 | 0 | 0 | 20 ms | 100 ms |"),
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


def test_the_parts_of_a_load_are_one_row_and_worst_is_worst() -> None:
    parts: list[Row] = [LOADED, replace(LOADED, case=Load("deploy", 2, 10), p99=0.5)]

    assert "| deploy | 20 | 24,000 | 0 | 0 | 500 ms | 100 ms |" in tables.table("load", parts)
