from __future__ import annotations

from typing import Any

import pytest

from hostwright.errors import SettingsError, UserError
from hostwright.look import ask, shown, terminal

NOW = 1_795_000_000.0


def release(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {
        "id": "20260101t000000z-abcdef0",
        "state": "good",
        "withdrawn": False,
        "warm_until": None,
        "committed": 1_767_225_600,
        "migration": None,
        "images": {
            "api": {"ref": "hostwright/app-api:1", "asked": "shop:7"},
            "worker": {"ref": "hostwright/app-worker:1", "asked": "shop:7"},
            "caddy": {"ref": "caddy:2", "asked": "caddy:2"},
        },
        **changes,
    }


# --- moments --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("90s", NOW - 90),
        ("10m", NOW - 600),
        ("2h", NOW - 7200),
        ("3d", NOW - 3 * 86_400),
        ("99999999999d", 1),
        ("2026-01-01", 1_767_225_600),
        ("2026-01-01T00:00", 1_767_225_600),
        ("2026-01-01T00:00:00Z", 1_767_225_600),
        ("2026-01-01T01:00:00+01:00", 1_767_225_600),
    ],
)
def test_a_moment_is_an_age_or_a_time(text: str, expected: float) -> None:
    assert shown.since(text, NOW) == expected


@pytest.mark.parametrize("text", ["soon", "m", "-5m", "5 m", "5w", "1.5h", "2026-13-01", "٣m"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is no time"):
        shown.since(text, NOW)


# --- tables ---------------------------------------------------------------------------------------


def test_releases_are_lines_the_serving_one_marked() -> None:
    done = {"before": "1", "after": "2", "applied": ["2"], "irreversible": ["2"]}
    found = {
        "serving": "20260101t000000z-abcdef0",
        "releases": [
            release(state="serving", migration=done),
            release(id="b", state="warm", warm_until=1_767_225_600, committed=None),
            release(id="c", withdrawn=True, images={}),
        ],
    }
    lines = [line.split("  ") for line in shown.releases(found)]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]

    assert cells[1] == [
        *("*", "20260101t000000z-abcdef0", "serving", "2026-01-01 00:00:00Z", "shop:7"),
        "1 -> 2, irreversible",
    ]
    assert cells[2] == ["b", "warm until 00:00:00Z", "-", "shop:7", "-"]
    assert cells[3] == ["c", "good, withdrawn", "2026-01-01 00:00:00Z", "-", "-"]


def test_a_digest_is_shortened() -> None:
    images = {"api": {"ref": f"ghcr.io/shop@sha256:{'ab' * 32}", "asked": ""}}
    assert shown.image(release(images=images)) == "ghcr.io/shop@abababababab"


def test_the_audit_log_is_a_table_whatever_its_lines_have() -> None:
    lines = shown.audit(
        [
            {"time": "2026-01-01T00:00:00Z", "actor": "anna", "op": "deploy", "outcome": "done",
             "seconds": 4.21, "release": "r", "previous": "q", "user": "deploy", "boot_id": "b"},
            {"time": "2026-01-01T00:00:01Z", "actor": "ben", "op": "exec", "role": "api",
             "program": "sh", "exit_code": 7, "seconds": 0.5},
            {"op": "maintenance-on", "allow": ["10.0.0.0/8", "::1/128"], "reason": "disk"},
            {},
        ]
    )  # fmt: skip

    assert lines[1].split() == [
        "2026-01-01",
        "00:00:00Z",
        "anna",
        "deploy",
        "done",
        "4.2",
        "s",
        "r",
    ]
    assert lines[2].endswith("role api, program sh, exit_code 7")
    assert lines[3].endswith("allow 10.0.0.0/8 ::1/128, reason disk")
    assert lines[4].split() == ["-"] * 5


def test_a_line_of_a_log_says_when_and_who() -> None:
    event = {"time": "2026-01-01T00:00:00.123456789Z", "role": "api", "text": "ready"}
    assert shown.log(event, 6) == "2026-01-01T00:00:00Z  api     ready"


def test_what_a_visitor_sent_does_not_command_the_terminal() -> None:
    sent = "GET /\x1b]52;c;cm0gLXJm\x07\tördinary\x9b2J"
    event = {"time": "2026-01-01T00:00:00Z", "role": "api", "text": sent}
    assert shown.log(event, 3).endswith("GET /?]52;c;cm0gLXJm?\tördinary?2J")


@pytest.mark.parametrize(
    ("hold", "busy", "expected"),
    [
        (None, None, "nobody holds it"),
        (
            {"owner": "anna", "reason": "disk", "since": 1_767_225_600},
            None,
            "anna has held it since 2026-01-01 00:00:00Z: disk",
        ),
        (
            {"owner": "", "reason": "", "since": 0},
            None,
            "somebody holds it, and the file that says who cannot be read",
        ),
        (
            None,
            {"actor": "ben", "op": "deploy", "since": 1_767_225_600},
            "nobody holds it; ben is running deploy since 2026-01-01 00:00:00Z",
        ),
        (None, {}, "nobody holds it; somebody is running a command since -"),
    ],
)
def test_who_holds_and_who_works(hold: Any, busy: Any, expected: str) -> None:  # noqa: ANN401 - JSON
    assert shown.hold({"hold": hold, "busy": busy}) == expected


def test_maintenance_says_who_passes() -> None:
    notice = {
        "on": True,
        "actor": "anna",
        "reason": "disk",
        "since": 1_767_225_600,
        "allowed": ["10.0.0.0/8"],
    }
    found = {"maintenance": notice, "known": True}
    assert shown.maintenance(found) == (
        "maintenance is on since 2026-01-01 00:00:00Z by anna (disk): 503 for the public hosts, "
        "10.0.0.0/8 and the health paths pass"
    )
    bare = {"on": True, "actor": "", "reason": "", "since": 0, "allowed": []}
    assert "nobody and the health paths pass" in shown.maintenance({**found, "maintenance": bare})
    assert shown.maintenance({"maintenance": None, "known": True}) == "maintenance is off"
    assert "does not know it" in shown.maintenance({"maintenance": None, "known": False})


def test_what_goes_is_counted() -> None:
    plan = {"releases": ["a"], "images": ["b", "c"], "leftovers": []}
    assert shown.prune(plan) == ["release   a", "image     b", "image     c"]
    assert shown.counted(plan) == "1 release, 2 images"
    assert shown.counted({"releases": [], "images": [], "leftovers": []}) == ""


@pytest.mark.parametrize(
    ("backup", "words"),
    [
        (None, "there is NO good backup"),
        ({"backup": None}, "there is NO good backup"),
        ({"backup": {"id": "b1", "time": 940}}, "the newest backup (b1) is 0:01:00 old"),
    ],
)
def test_before_a_destroy_it_is_said_what_is_lost(backup: Any, words: str) -> None:  # noqa: ANN401 - JSON
    hello = {"backup": backup, "time": 1000.5, "releases": [1, 2]}
    text = shown.at_stake(hello, "shop")
    assert text.startswith("shop: 2 releases")
    assert text.endswith(words)


# --- the name of the host, the input of a command -------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "given"), [("shop", ""), (" shop \n", ""), ("", "shop"), ("other", "shop")]
)
def test_the_name_is_typed_or_given(typed: str, given: str) -> None:
    ask.confirmed(lambda _: typed, "shop", given, "?")


@pytest.mark.parametrize(
    ("typed", "given"), [("yes", ""), ("", ""), ("shop", "Shop"), ("SHOP", "")]
)
def test_another_name_is_a_no(typed: str, given: str) -> None:
    with pytest.raises(SettingsError, match="nothing was touched"):
        ask.confirmed(lambda _: typed, "shop", given, "?")


def test_where_nobody_can_be_asked_the_flag_is_named() -> None:
    with pytest.raises(SettingsError, match="--confirm shop"):
        ask.confirmed(None, "shop", "", "?")


def test_input_travels_with_its_length() -> None:
    assert terminal.input_of(b"\x00\n") == b'{"do": "input", "bytes": 2}\n\x00\n'
    assert terminal.input_of(b"") == b'{"do": "input", "bytes": 0}\n'
    assert terminal.size_of(24, 80) == b'{"do": "size", "rows": 24, "columns": 80}\n'
