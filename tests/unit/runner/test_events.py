from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.runner.events import Events, Reader
from hostwright.runner.fault import broken

if TYPE_CHECKING:
    from pathlib import Path


def test_events_are_numbered_and_read_once(tmp_path: Path) -> None:
    events = Events(tmp_path / "events")
    reader = Reader(tmp_path / "events")
    events.note("one\nline, ünïcode")
    assert [event["text"] for event in reader.fresh()] == ["one\nline, ünïcode"]

    events.failed(broken("no", where="api", log=("last",)), phase="HEALTHY", serving=None)

    (last,) = reader.fresh()
    assert (last["n"], last["code"], last["log"], last["serving"]) == (2, 18, ["last"], None)
    assert list(reader.fresh()) == []


def test_a_half_written_line_waits_for_its_other_half(tmp_path: Path) -> None:
    path = tmp_path / "events"
    reader = Reader(path)
    path.write_text('{"n": 1}\n{"n":')
    assert [event["n"] for event in reader.fresh()] == [1]

    with path.open("a") as file:
        file.write(" 2}\n")

    assert [event["n"] for event in reader.fresh()] == [2]


def test_a_new_operation_begins_its_file_anew_and_only_root_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_text('{"event": "done"}\n')

    Events(path)

    assert path.read_text() == ""
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_written_does_not_stop_the_operation(tmp_path: Path) -> None:
    events = Events(tmp_path / "events")
    (tmp_path / "events").unlink()

    events.note("lost")
