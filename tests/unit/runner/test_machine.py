from __future__ import annotations

from itertools import product

import pytest

from hostwright.runner.identity import Owner
from hostwright.runner.journal import Journal
from hostwright.runner.machine import Decision, Link, Step, decide, seen
from hostwright.runner.phases import (
    BACKED_UP,
    COMMITTED,
    DRAINED,
    HEALTHY,
    MIGRATED,
    PHASES,
    PREPARED,
    PRUNED,
    STARTED,
    SWITCHED,
    after,
    reached,
)

NEW = "20260102t000000z-bbbbbbb"
OLD = "20260101t000000z-aaaaaaa"
THIRD = "20260103t000000z-ccccccc"


def journal(
    phase: str | None = None, *, previous: str | None = OLD, reverting: bool = False
) -> Journal:
    return Journal(
        "deploy", NEW, previous, "me", Owner(1, 1, "boot"), 0, 0, phase=phase, reverting=reverting
    )


def dead(entry: Journal, link: str | None) -> Decision:
    return decide(entry, owner_alive=False, link=link)


#: phase, link -> step and the first phase that is left; for a dead owner with a previous release.
TABLE = [
    # Before the rename whatever was begun is taken back.
    (None, OLD, Step.REVERT, None),
    (PREPARED, OLD, Step.REVERT, None),
    (BACKED_UP, OLD, Step.REVERT, None),
    (MIGRATED, OLD, Step.REVERT, None),
    (STARTED, OLD, Step.REVERT, None),
    (HEALTHY, OLD, Step.REVERT, None),
    # The rename was done, and the journal does not say so yet.
    (HEALTHY, NEW, Step.CONTINUE, DRAINED),
    # From the rename on it is carried to its end.
    (SWITCHED, NEW, Step.CONTINUE, DRAINED),
    (DRAINED, NEW, Step.CONTINUE, COMMITTED),
    (COMMITTED, NEW, Step.CONTINUE, PRUNED),
    (PRUNED, NEW, Step.CONTINUE, None),
    # The link was renamed back already.
    (SWITCHED, OLD, Step.REVERT, None),
    (DRAINED, OLD, Step.REVERT, None),
    (COMMITTED, OLD, Step.REVERT, None),
    (PRUNED, OLD, Step.REVERT, None),
    # The link is gone: the rename is done again, if it had been due.
    (None, None, Step.REVERT, None),
    (PREPARED, None, Step.REVERT, None),
    (BACKED_UP, None, Step.REVERT, None),
    (MIGRATED, None, Step.REVERT, None),
    (STARTED, None, Step.REVERT, None),
    (HEALTHY, None, Step.REVERT, None),
    (SWITCHED, None, Step.CONTINUE, SWITCHED),
    (DRAINED, None, Step.CONTINUE, SWITCHED),
    (COMMITTED, None, Step.CONTINUE, SWITCHED),
    (PRUNED, None, Step.CONTINUE, SWITCHED),
    # The link names the goal though it was not ready: it was somebody else's hand.
    (None, NEW, Step.LEAVE, None),
    (PREPARED, NEW, Step.LEAVE, None),
    (BACKED_UP, NEW, Step.LEAVE, None),
    (MIGRATED, NEW, Step.LEAVE, None),
    (STARTED, NEW, Step.LEAVE, None),
]


@pytest.mark.parametrize(("phase", "link", "step", "first"), TABLE)
def test_what_a_dead_owner_left_is_settled_by_the_live_link(
    phase: str | None, link: str | None, step: Step, first: str | None
) -> None:
    decision = dead(journal(phase), link)

    assert decision.step is step
    assert decision.phases[:1] == ((first,) if first else ())


def test_the_table_has_every_phase_with_every_link() -> None:
    rows = {(phase, link) for phase, link, _, _ in TABLE}

    assert rows == set(product([None, *PHASES], [OLD, NEW, None]))


@pytest.mark.parametrize("phase", [None, *PHASES])
@pytest.mark.parametrize("reverting", [False, True])
@pytest.mark.parametrize("link", [OLD, NEW, THIRD, None])
def test_a_living_owner_is_never_disturbed(
    phase: str | None, link: str | None, *, reverting: bool
) -> None:
    entry = journal(phase, reverting=reverting)

    assert decide(entry, owner_alive=True, link=link).step is Step.BUSY


@pytest.mark.parametrize("phase", [None, *PHASES])
@pytest.mark.parametrize("reverting", [False, True])
def test_a_third_release_that_the_link_names_is_left_alone(
    phase: str | None, *, reverting: bool
) -> None:
    assert dead(journal(phase, reverting=reverting), THIRD).step is Step.LEAVE


@pytest.mark.parametrize("phase", [None, *PHASES])
@pytest.mark.parametrize("link", [OLD, NEW, None])
def test_what_was_being_taken_back_is_taken_back(phase: str | None, link: str | None) -> None:
    assert dead(journal(phase, reverting=True), link).step is Step.REVERT


@pytest.mark.parametrize("phase", [None, *PHASES])
def test_a_first_release_that_serves_is_never_taken_from_under_the_link(phase: str | None) -> None:
    entry = journal(phase, previous=None, reverting=True)

    assert dead(entry, NEW).step is Step.LEAVE
    assert dead(entry, None).step is Step.REVERT


@pytest.mark.parametrize("phase", [None, PREPARED, BACKED_UP, MIGRATED, STARTED, HEALTHY])
def test_a_first_deploy_that_died_before_its_switch_is_taken_back(phase: str | None) -> None:
    assert dead(journal(phase, previous=None), None).step is Step.REVERT


@pytest.mark.parametrize("alive", [True, False])
@pytest.mark.parametrize("link", [OLD, None])
def test_without_a_journal_there_is_nothing_to_do(link: str | None, *, alive: bool) -> None:
    assert decide(None, owner_alive=alive, link=link).step is Step.NOTHING


@pytest.mark.parametrize(
    ("link", "previous", "expected"),
    [
        (None, OLD, Link.NOBODY),
        (None, None, Link.NOBODY),
        (NEW, OLD, Link.RELEASE),
        (OLD, OLD, Link.PREVIOUS),
        (OLD, None, Link.OTHER),
        (THIRD, OLD, Link.OTHER),
    ],
)
def test_the_link_is_seen_from_the_operation(
    link: str | None, previous: str | None, expected: Link
) -> None:
    assert seen(link, NEW, previous) is expected


@pytest.mark.parametrize(("done", "goal"), list(product([None, *PHASES], PHASES)))
def test_a_phase_is_either_reached_or_still_to_do(done: str | None, goal: str) -> None:
    assert reached(done, goal) != (goal in after(done))
