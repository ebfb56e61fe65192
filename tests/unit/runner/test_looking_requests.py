from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.runner import fake_host as fake

from hostwright.runner.fault import Code, RunnerError
from hostwright.runner.looking_requests import HANDLERS
from hostwright.runner.session import Body, Session

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def session(tmp_path: Path) -> Session:
    layout = fake.layout(tmp_path)
    (layout.caddy / "Caddyfile").write_text("file./live/maintenance\n")
    return Session(layout, io.BytesIO(), io.BytesIO())


def ask(session: Session, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """The last event that answers."""
    HANDLERS[request["do"]](session, {"actor": "anna", **request}, Body(io.BytesIO(), 0))
    assert isinstance(session.sink, io.BytesIO)
    told: dict[str, Any] = json.loads(session.sink.getvalue().splitlines()[-1])
    return told


@pytest.mark.parametrize(
    "request_",
    [
        {"do": "lock", "verb": "steal"},
        {"do": "lock", "verb": "take"},
        {"do": "lock", "verb": "take", "reason": " "},
        {"do": "maintenance", "on": "yes"},
        {"do": "maintenance", "on": True, "allow": "10.0.0.0/8"},
        {"do": "prune", "keep": 0},
        {"do": "prune", "keep": True},
        {"do": "prune", "keep": 101},
        {"do": "prune", "keep": "3"},
        {"do": "destroy"},
        {"do": "destroy", "app": "other", "keep_backups": True},
        {"do": "destroy", "app": "app"},
        {"do": "destroy", "app": "app", "keep_backups": "yes"},
        {"do": "audit", "lines": -1},
        {"do": "logs", "roles": "api", "lines": 1, "since": 0},
        {"do": "logs", "roles": [], "lines": 1, "since": "10m"},
        {"do": "exec", "role": "api", "argv": "rm -rf /"},
    ],
)
def test_what_is_no_such_request_is_refused_and_nothing_is_held(
    session: Session, request_: dict[str, Any]
) -> None:
    with pytest.raises(RunnerError) as caught:
        ask(session, **request_)
    assert caught.value.code == Code.REQUEST
    assert session.held is None
    assert not session.layout.destroying.exists()
    assert not session.layout.audit.exists()


def test_a_lock_is_taken_shown_and_given_back_and_all_of_it_is_written_down(
    session: Session,
) -> None:
    assert ask(session, do="lock", verb="take", reason="disk")["hold"]["reason"] == "disk"
    assert ask(session, do="lock", verb=None)["hold"]["owner"] == "anna"
    assert ask(session, do="lock", verb="release", actor="ben", force=True)["hold"] is None
    assert ask(session, do="lock", verb="release")["hold"] is None

    assert [(e["op"], e["actor"]) for e in ask(session, do="audit")["entries"]] == [
        ("lock", "anna"),
        ("unlock", "ben"),
    ]


def test_maintenance_is_switched_and_shown(session: Session) -> None:
    assert ask(session, do="maintenance", on=None) == {
        "event": "maintenance",
        "maintenance": None,
        "known": True,
    }
    told = ask(session, do="maintenance", on=True, allow=["203.0.113.7"])["maintenance"]
    assert told["allowed"] == ["203.0.113.7/32"]
    assert ask(session, do="maintenance", on=False)["maintenance"] is None
    assert ask(session, do="maintenance", on=False)["maintenance"] is None

    ops = [entry["op"] for entry in ask(session, do="audit")["entries"]]
    assert ops == ["maintenance-on", "maintenance-off"]


def test_maintenance_may_be_switched_while_somebody_holds_the_host(session: Session) -> None:
    ask(session, do="lock", verb="take", reason="disk", actor="ben")

    assert ask(session, do="maintenance", on=True)["maintenance"]["on"] is True


def test_a_held_host_is_neither_pruned_nor_destroyed(session: Session) -> None:
    ask(session, do="lock", verb="take", reason="disk")

    for request in ({"do": "prune"}, {"do": "destroy", "app": "app", "keep_backups": True}):
        with pytest.raises(RunnerError, match="disk") as caught:
            ask(session, **request)
        assert caught.value.code == Code.BUSY
    assert session.held is not None
    session.held.close()
