from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import pytest

from hostwright import resting
from hostwright.errors import Busy
from hostwright.plan import still as looking

if TYPE_CHECKING:
    from collections.abc import Sequence

COOLS = {"op": "cool", "actor": "cool", "pid": 7}
DEPLOYS = {"op": "deploy", "actor": "anna", "pid": 8}


class Notes:
    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


def look(
    monkeypatch: pytest.MonkeyPatch, busy: Sequence[dict[str, Any] | None], notes: Notes
) -> int:
    """Look at a host that says *busy* in turn, a minute between; how often it was greeted."""
    answers, clock, opened = list(busy), [0.0], []

    class Greeted:
        def __init__(self, *_: object) -> None:
            self.hello, self.where = {"busy": answers.pop(0)}, "shop"
            opened.append(self)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            clock[0] += 60

    monkeypatch.setattr(resting, "Runner", Greeted)
    monkeypatch.setattr("hostwright.resting.time.sleep", lambda _: None)
    monkeypatch.setattr("hostwright.resting.time.monotonic", lambda: clock[0])
    with looking.still(None, "app", notes) as runner:  # type: ignore[arg-type] # stand-ins
        assert runner.hello["busy"] is None
    return len(opened)


def test_a_host_that_stands_still_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    assert look(monkeypatch, [None], Notes()) == 1


def test_the_end_of_a_warm_release_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = Notes()
    assert look(monkeypatch, [COOLS, COOLS, None], notes) == 3
    assert len(notes.said) == 1


@pytest.mark.parametrize("busy", [[DEPLOYS], [COOLS, DEPLOYS], [COOLS] * 4])
def test_anybody_elses_work_and_an_endless_one_are_not(
    busy: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Busy) as refused:
        look(monkeypatch, busy, Notes())
    assert "is running" in str(refused.value)


def test_what_fails_while_it_is_looked_at_is_not_looked_at_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resting, "Runner", lambda *_: _Idle())
    with pytest.raises(ValueError, match="mine"), looking.still(None, "app", Notes()):  # type: ignore[arg-type] # stand-ins
        raise ValueError("mine")


class _Idle:
    hello: dict[str, Any] = {"busy": None}  # noqa: RUF012 - nobody changes it
    where = "shop"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None
