"""``python -m hostwright``: how a verb ends."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from hostwright import __main__ as command
from hostwright.errors import Drifted, HostwrightError


def verb(monkeypatch: pytest.MonkeyPatch, error: BaseException | None) -> None:
    """Make a verb ``try`` that raises *error*, or returns how many words it got."""

    def main(words: list[str]) -> int:
        if error:
            raise error
        return len(words)

    module = ModuleType("tried")
    vars(module)["main"] = main
    monkeypatch.setitem(sys.modules, "tried", module)
    monkeypatch.setitem(command.VERBS, "try", "tried:main")


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (None, 2, ""),
        (Drifted("it differs", where="api"), 35, "api: it differs\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_a_verb_ends_with_its_code(
    error: BaseException | None,
    code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    verb(monkeypatch, error)
    assert command.main(["try", "--a", "b"]) == code
    assert capsys.readouterr().err == told


def test_a_fault_of_ours_keeps_its_traceback_and_has_a_code_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verb(monkeypatch, ZeroDivisionError("by nothing"))
    assert command.main(["try"]) == HostwrightError.exit_code
    told = capsys.readouterr().err
    assert told.startswith("Traceback (most recent call last):\n")
    assert told.endswith("ZeroDivisionError: by nothing\n")


@pytest.mark.parametrize("words", [[], ["demmo"]])
def test_a_verb_that_is_not_there_is_answered_with_those_that_are(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(words) == 2
    assert "Known: apply-aws-local, bench, " in capsys.readouterr().err
