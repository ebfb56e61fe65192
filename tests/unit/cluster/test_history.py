from __future__ import annotations

import pytest

from hostwright.cluster.history import Revision, between, earlier, origin, parse, serving


def history(*told: str) -> tuple[Revision, ...]:
    """``superseded``, ``deployed<2`` (a rollback to 2), …, numbered from 1."""
    made = []
    for number, text in enumerate(told, 1):
        status, _, back = text.partition("<")
        said = f"Rollback to {back}" if back else "Upgrade complete"
        made.append(Revision(number, status, said, "2026-01-01"))
    return tuple(made)


def test_what_helm_prints_is_read_oldest_first() -> None:
    item = {"updated": "2026", "chart": "app-0.1.0", "app_version": "1"}
    told = [
        {**item, "revision": 2, "status": "deployed", "description": "Rollback to 1"},
        {**item, "revision": 1, "status": "superseded", "description": "Install complete"},
    ]
    assert [found.number for found in parse(told)] == [1, 2]
    assert origin(parse(told), 2) == 1


@pytest.mark.parametrize(
    ("known", "now", "back"),
    [
        (history("deployed"), 1, []),
        (history("superseded", "deployed"), 2, [1]),
        (history("superseded", "superseded", "deployed"), 3, [2, 1]),
        # What failed never served; what it was rolled back to is what serves.
        (history("superseded", "superseded", "failed", "deployed<2"), 4, [1]),
        # What was rolled back from is passed over.
        (history("superseded", "superseded", "superseded", "deployed<2"), 4, [1]),
        (history("superseded", "superseded", "superseded<1", "deployed<3"), 4, []),
        # A newest one that failed, or was cut off: what serves is the way back.
        (history("superseded", "deployed", "failed"), 2, [2]),
        (history("superseded", "deployed", "pending-upgrade"), 2, [2]),
        (history("pending-install"), None, []),
        (history("failed"), None, []),
        ((), None, []),
    ],
)
def test_the_way_back_is_the_nearest_good_revision(
    known: tuple[Revision, ...], now: int | None, back: list[int]
) -> None:
    found = serving(known)
    assert (found.number if found else None) == now
    assert [item.number for item in earlier(known)] == back


def test_a_circle_of_rollbacks_ends() -> None:
    assert origin(history("superseded<2", "deployed<1"), 2) in {1, 2}


def test_only_a_revision_at_work_is_unfinished() -> None:
    states = ("pending-install", "pending-rollback", "uninstalling", "failed", "deployed")
    assert [item.unfinished for item in history(*states)] == [True, True, True, False, False]


def test_what_a_revision_has_not_seen_is_all_since_its_objects_were_made() -> None:
    known = history("superseded", "superseded", "failed", "superseded<1", "deployed")
    assert between(known, 2) == [3, 4, 5]
    assert between(known, 4) == [2, 3, 4, 5]
