from __future__ import annotations

from typing import Any

import pytest

from hostwright.runner.migration import Status, parse, reckoned, remembered


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ['{"current": "1", "head": "2", "pending": ["2"], "irreversible": [], "ahead": false}'],
            Status("1", "2", ("2",), (), ahead=False),
        ),
        (
            ["INFO starting", '{"current": 3, "head": 3, "pending": [], "ahead": false}', "bye"],
            Status(3, 3, (), (), ahead=False),
        ),
        (
            ['{"current": null, "head": "9", "pending": true, "irreversible": true}'],
            Status(None, "9", ("9",), ("9",), ahead=False),
        ),
        (
            ["{", ' "current": 5, "head": 4,', ' "pending": [], "ahead": true', "}"],
            Status(5, 4, (), (), ahead=True),
        ),
    ],
)
def test_the_status_is_found_among_what_the_job_wrote(lines: list[str], expected: Status) -> None:
    assert parse(lines) == expected


@pytest.mark.parametrize("lines", [[], ["no"], ["[]"], ['{"head": 1}'], ["null"]])
def test_what_is_no_status_is_not_taken_for_one(lines: list[str]) -> None:
    with pytest.raises(ValueError, match="no status"):
        parse(lines)


@pytest.mark.parametrize(
    ("left", "applied", "irreversible"),
    [
        (("2", "3"), [], []),
        (("3",), ["2"], ["2"]),
        ((), ["2", "3"], ["2"]),
    ],
)
def test_a_migration_is_reckoned_by_what_is_no_longer_pending(
    left: tuple[str, ...], applied: list[str], irreversible: list[str]
) -> None:
    before = Status("1", "3", ("2", "3"), ("2",), ahead=False)

    done = reckoned(before, Status("x", "3", left, (), ahead=False))

    assert done == {
        "before": "1",
        "after": "x",
        "applied": applied,
        "irreversible": irreversible,
    }


@pytest.mark.parametrize(
    ("recorded", "kept"),
    [
        (None, {}),
        ({"applied": ["2"]}, {"migration": {"applied": ["2"]}}),
        (
            {"before": 1, "after": 1, "applied": [], "pending": ["2"], "never": ["2"]},
            {
                "migration": {
                    "before": 1,
                    "after": None,
                    "applied": ["2"],
                    "irreversible": ["2"],
                }
            },
        ),
    ],
)
def test_a_migration_that_nobody_reckoned_came_all_the_way(
    recorded: dict[str, Any] | None, kept: dict[str, Any]
) -> None:
    assert remembered(recorded) == kept
