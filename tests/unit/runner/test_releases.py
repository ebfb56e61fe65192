from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hostwright.runner import releases
from hostwright.runner.layout import Layout
from hostwright.runner.releases import Release, State

if TYPE_CHECKING:
    from pathlib import Path


def release(name: str, sequence: int, outcome: str = "good", **facts: Any) -> Release:  # noqa: ANN401 - a State's fields
    return Release(name, State(outcome, sequence, **facts), None)


A, B, C, D = (release(name, number) for number, name in enumerate("abcd", 1))
FAILED = release("f", 3, "failed")


@pytest.mark.parametrize(
    ("known", "serving", "expected"),
    [
        ([A, B, C], "c", "b"),
        ([A, B, C], "b", "a"),
        ([A], "a", None),
        ([], None, None),
        ([A, B, FAILED, D], "d", "b"),
        ([A, release("b", 2, withdrawn=True), C], "c", "a"),
        ([A, B], None, "b"),
        ([A, release("n", 2, "new"), C], "c", "a"),
    ],
)
def test_a_rollback_without_a_name_means_the_good_one_before(
    known: list[Release], serving: str | None, expected: str | None
) -> None:
    chosen = releases.previous_good(known, serving)

    assert (chosen.id if chosen else None) == expected


def test_the_hosts_own_count_decides_not_the_clock_in_the_name() -> None:
    set_back = [release("20260105t000000z-aaaaaaa", 1), release("20260101t000000z-bbbbbbb", 2)]

    chosen = releases.previous_good(set_back, "20260101t000000z-bbbbbbb")

    assert chosen == set_back[0]


def test_irreversible_migrations_since_a_release_are_named() -> None:
    never = release("b", 2, migration={"irreversible": ["0002"]})
    failed = release("f", 4, "failed", migration={"irreversible": ["0004"]})
    known = [A, never, C, failed]

    assert releases.irreversible_between(known, A, "c") == ["0002", "0004"]
    assert releases.irreversible_between(known, never, "c") == ["0004"]
    assert releases.irreversible_between([A, never, C], C, "c") == []


def test_the_serving_release_good_ones_and_the_newest_failed_one_are_kept() -> None:
    known = [A, B, C, D, release("e", 5, "failed"), release("g", 6, "failed")]

    assert releases.kept(known, "a", 3) == {"a", "d", "c", "g"}
    assert releases.kept(known, "d", 1) == {"d", "g"}


@pytest.mark.parametrize(
    ("entry", "serving", "word"),
    [
        (A, "a", "serving"),
        (A, None, "good"),
        (release("a", 1, warm_until=200), None, "warm"),
        (release("a", 1, warm_until=50), None, "good"),
        (release("a", 1, "failed"), None, "failed"),
        (release("a", 1, "new"), None, "new"),
    ],
)
def test_one_word_says_what_a_release_is(entry: Release, serving: str | None, word: str) -> None:
    assert releases.word(entry, serving, now=100) == word


def test_what_became_of_a_release_is_kept_and_a_damaged_file_counts_as_new(tmp_path: Path) -> None:
    layout = Layout("app", tmp_path)
    name = "20260101t000000z-abcdef0"
    layout.release(name).directory.mkdir(parents=True)

    releases.change(layout, name, outcome="good", sequence=4)
    releases.change(layout, name, warm_until=9)
    assert releases.state(layout, name) == State("good", 4, warm_until=9)
    assert releases.next_sequence(layout) == 5

    layout.release(name).state.write_text("{")
    assert releases.state(layout, name) == State()


def test_a_failed_release_stays_while_it_forbids_going_back_to_a_kept_one() -> None:
    def failed(name: str, number: int, *never: str) -> Release:
        return release(name, number, "failed", migration={"irreversible": list(never)})

    known = [A, B, failed("m", 3, "m3"), failed("n", 4), release("g", 5)]

    stay = releases.kept(known, "g", 3)
    assert stay == {"a", "b", "m", "n", "g"}
    left = [entry for entry in known if entry.id in stay]
    assert releases.irreversible_between(left, B, "g") == ["m3"]

    # Nothing older is kept: there is nobody to forbid going back to.
    assert releases.kept(known, "g", 1) == {"n", "g"}
    assert releases.kept([failed("m", 1, "m1"), B, failed("n", 3), release("g", 4)], "g", 2) == {
        *("b", "n", "g")
    }
