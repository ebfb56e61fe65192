"""What `vps.lock`, `maintenance`, `exec` and `destroy` refuse before a host is asked."""

from __future__ import annotations

from typing import Any

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from hostwright.errors import SettingsError, UserError
from hostwright.tasks import hosts, vps_look

TASKS = {task.name: task for task in vps_look.TASKS}


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens a connection here fails."""

    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(hosts, "session", refuse)


def code(name: str, **given: Any) -> int:  # noqa: ANN401 - flags
    with pytest.raises(Exit) as ended:
        TASKS[name](Context(), **given)
    return int(ended.value.code)


@pytest.mark.parametrize(
    ("name", "flags", "words"),
    [
        ("lock", {"take": True, "release": True, "reason": "x"}, "not both"),
        ("lock", {"take": True}, "needs a reason"),
        ("lock", {"take": True, "reason": "  "}, "needs a reason"),
        ("maintenance", {"on": True, "off": True}, "not both"),
        ("maintenance", {"allow": ["10.0.0.0/8"]}, "together with --on"),
        ("maintenance", {"off": True, "allow": ["10.0.0.0/8"]}, "together with --on"),
        ("logs", {"since": "soon"}, "is no time"),
    ],
)
def test_flags_that_do_not_go_together_are_refused_before_a_host_is_asked(
    name: str, flags: dict[str, Any], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code(name, host="deploy@203.0.113.7", **flags) == UserError.exit_code
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("confirm", ["", "203.0.113.7", "yes"])
def test_a_destroy_that_is_not_meant_makes_no_connection(
    confirm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    given = {"host": "deploy@203.0.113.7", "confirm": confirm}
    assert code("destroy", **given) == SettingsError.exit_code


@pytest.mark.parametrize("name", sorted(TASKS))
def test_every_one_of_them_needs_a_host(name: str) -> None:
    assert code(name) == SettingsError.exit_code


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["invoke", "vps.exec", "--host", "shop"], []),
        (["invoke", "vps.exec", "--"], []),
        (["invoke", "vps.exec", "--", "sh", "-c", "exit 7"], ["sh", "-c", "exit 7"]),
        (["invoke", "vps.exec", "--", "cmd", "--", "-x"], ["cmd", "--", "-x"]),
    ],
)
def test_the_command_is_what_stands_behind_the_dashes(
    words: list[str], expected: list[str]
) -> None:
    assert vps_look._after_dashes(words) == expected  # noqa: SLF001 - pure
