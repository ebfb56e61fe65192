from __future__ import annotations

import pytest

from hostwright.cloud.model import Live
from hostwright.cloud.operate import drift, previous_images, refuse_drift, refuse_in_ci
from hostwright.errors import CloudError, Drifted, UserError


def live(image: str = "new", names: str = "A B", previous: str = "") -> Live:
    return Live(image, frozenset(names.split()), previous)


def test_names_that_differ_are_told_by_role() -> None:
    found = drift({"api": ["A", "C"], "worker": ["A"]}, {"api": live(names="A B")}, "gcp")
    assert found == [
        "gcp: api: C is missing",
        "gcp: api: B is not in the contract",
        "gcp: worker: nothing runs",
    ]
    with pytest.raises(Drifted, match="3 differences"):
        refuse_drift(found)


def test_equal_names_are_no_drift() -> None:
    refuse_drift(drift({"api": ["A", "B"]}, {"api": live()}, "gcp"))


def test_a_rollback_names_only_roles_that_ran_something_else() -> None:
    found = previous_images(
        {
            "api": live("new", previous="old"),
            "web": live("same", previous="same"),
            "worker": live(previous=""),
            "migrate": live(previous="old"),
        }
    )
    assert found == {"api": "old"}


def test_nothing_to_go_back_to_is_refused() -> None:
    with pytest.raises(CloudError, match="no role has run another image"):
        previous_images({"api": live()})


def test_an_apply_in_ci_is_refused_before_anything_else() -> None:
    with pytest.raises(UserError, match="this is CI"):
        refuse_in_ci({"CI": "true"})


def test_an_apply_without_a_terminal_is_refused() -> None:
    with pytest.raises(UserError, match="no terminal"):
        refuse_in_ci({})
