"""What a row of the kill table is made of, against a server that is made up."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Self

import pytest

from hostwright.errors import ToolError
from hostwright.rig.load import Report
from hostwright.rig.prove import kill, stage
from hostwright.rig.prove.cases import Case
from hostwright.rig.prove.typed import Ended
from hostwright.run import Completed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hostwright.rig.prove.rows import Killed

DEPLOY = Case("deploy", "killed", "middle", "STARTED")
SWAPPED = Case("restore", "killed", "middle", "SWAPPED")
REPORT = Report(
    sent=40,
    failed=0,
    failures={},
    p50=0.1,
    p99=0.1,
    slowest=0.1,
    pause=0.1,
    versions={"1": 30, "2": 10},
    seconds=9.0,
    rate=20.0,
    answered={"POST https://api.test/items": 3, "GET https://api.test/version": 30},
    first={"1": 0.1, "2": 7.0},
    posted=[4, 5, 6],
)


def completed(code: int = 0, text: str = "") -> Completed:
    return Completed(("invoke",), code, "", text)


class Server:
    """Boots, or says why not."""

    def __init__(self, *, error: str = "", running: bool = True) -> None:
        self.error = error
        self.running = running

    def boot(self) -> None:
        if self.error:
            raise ToolError(self.error)


class Stage:
    """Whatever a test says of it."""

    kind, patience = "plain", 0.0

    def __init__(self, **said: Any) -> None:  # noqa: ANN401 - attributes
        self.acts: dict[str, dict[str, int]] = {}
        self.typed: list[tuple[str, ...]] = []
        self.said = {
            "link": "new",
            "whole": "new",
            "serving": "2",
            "codes": [0],
            "there": 3,
            "jobs": 0,
            "checksum": "then",
            "files": {},
            "error": "",
            **said,
        }
        self.scene = self
        self.server = Server()

    def link(self) -> str:
        return str(self.said["link"])

    def serving(self) -> str:
        return str(self.said["serving"])

    def whole(self) -> str:
        self.fail()
        return str(self.said["whole"])

    def checksum(self) -> str:
        self.fail()
        return str(self.said["checksum"])

    def items(self, ids: Sequence[int]) -> int:
        self.fail()
        return min(len(ids), int(self.said["there"]))

    def undone(self, _: Sequence[int]) -> int:
        return int(self.said["jobs"])

    def fail(self) -> None:
        if self.said["error"]:
            raise ToolError(str(self.said["error"]))

    def image(self, version: str) -> list[str]:
        return [version]

    def stream(self, *_: object, **__: object) -> None: ...

    def idle(self) -> None: ...

    def type(self, *words: str, check: bool = True) -> Completed:
        self.typed.append(words)
        code = self.said["codes"].pop(0)
        if check and code:
            raise ToolError("it failed")
        return completed(code, f"{words[0]}: ended\n" if code else "")

    def root(self, *words: str, check: bool = True) -> Completed:
        if self.said.get("away"):
            raise ToolError("the server is switched off")
        text = self.said["files"].get(words[-1].rpartition("/")[2])
        if words[0] == "cat" and text is None:
            assert not check
            return Completed(words, 1, "", "")
        return Completed(words, 0, text or "", "")


def as_stage(made: Stage) -> Any:  # noqa: ANN401 - stands in for a stage
    return made


def deed(op: str = "deploy") -> kill.Deed:
    goal = "2" if op == "deploy" else "old"
    return kill.Deed(("vps.x",), ("vps.again",), "old", goal, (), before="then", backup="kept")


class Load:
    """A generator that has run for five seconds."""

    elapsed = 5.0

    def __init__(self, *_: object) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def stop(self) -> Report:
        return REPORT


def attempt(
    monkeypatch: pytest.MonkeyPatch,
    made: Stage,
    case: Case = DEPLOY,
    **seen: Any,  # noqa: ANN401
) -> Killed:
    monkeypatch.setattr(kill, "LoadGenerator", Load)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(kill, "arm", lambda _: None)
    monkeypatch.setattr(kill, "middle", lambda *_: 1)
    monkeypatch.setattr(kill, "plan", lambda _, op: deed(op))
    monkeypatch.setattr(kill, "_order", lambda *_: None)
    disturbed = kill.Disturbed(Ended(18, "", ""), reached=True, **seen)
    monkeypatch.setattr(kill, "_disturbed", lambda *_: disturbed)
    return kill.attempt(as_stage(made), case)


def test_what_answered_after_the_next_command_did_not_answer_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = attempt(monkeypatch, Stage())

    assert row.during == ("1",)
    assert (row.after, row.writes, row.data) == ("2", 3, "3 writes, all done")


@pytest.mark.parametrize(
    ("said", "between"),
    [
        ({"link": "old", "serving": "1"}, "old"),
        ({"link": "new", "serving": "2"}, "new"),
        ({"link": "old", "serving": ""}, ""),
        ({"link": "", "serving": "1"}, ""),
        ({"link": "new", "serving": "1"}, "version 1, but the new release by the link,"),
        ({"link": "old", "serving": "2"}, "version 2, but the old release by the link,"),
    ],
)
def test_who_serves_between_is_who_answers(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, str], between: str
) -> None:
    assert attempt(monkeypatch, Stage(**said)).between == between


@pytest.mark.parametrize("op", ["deploy", "rollback", "backup", "restore"])
def test_what_does_not_answer_does_not_serve_after(
    monkeypatch: pytest.MonkeyPatch, op: str
) -> None:
    case = Case(op, "killed", "after", "X") if op != "restore" else SWAPPED
    made = Stage(link="old", whole="old", serving="")

    assert attempt(monkeypatch, made, case).after == "nothing answers"


def test_a_server_that_cannot_tell_who_serves_is_a_broken_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = attempt(monkeypatch, Stage(error="docker does not answer"))

    assert row.after == "what cannot be told (docker does not answer)"
    assert (row.lost, row.data) == (3, "the database does not answer: docker does not answer")
    with pytest.raises(ToolError, match="switched off"):
        attempt(monkeypatch, Stage(error="docker does not answer", away=True))


@pytest.mark.parametrize(
    ("codes", "manual", "typed"),
    [
        ([0], (), 1),
        ([18, 0], ("vps.again: ended",), 2),
        ([18, 10], ("vps.again: ended", "then vps.deploy failed: vps.deploy: ended"), 2),
    ],
)
def test_a_server_that_nothing_mends_is_a_broken_row(
    monkeypatch: pytest.MonkeyPatch, codes: list[int], manual: tuple[str, ...], typed: int
) -> None:
    made = Stage(codes=codes)
    row = attempt(monkeypatch, made)

    assert row.manual == manual
    assert len(made.typed) == typed


def test_a_command_that_says_nothing_has_a_last_line() -> None:
    assert kill.last_line(completed(3)) == "exit code 3, without a word"
    assert kill.last_line(completed(3, "a\nb\n")) == "b"


@pytest.mark.parametrize(
    ("said", "lost", "jobs", "data"),
    [
        ({}, 0, 0, "3 writes, all done"),
        ({"there": 1}, 2, 0, "3 writes, all done"),
        ({"jobs": 2}, 0, 2, "3 writes, 2 jobs not done"),
    ],
)
def test_a_write_is_lost_when_what_it_made_is_missing(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, int], lost: int, jobs: int, data: str
) -> None:
    row = attempt(monkeypatch, Stage(**said))

    assert (row.lost, row.jobs, row.data) == (lost, jobs, data)


@pytest.mark.parametrize(
    ("checksum", "lost", "data"),
    [("then", 0, "as before"), ("kept", 0, "the backup's"), ("x", 1, "neither")],
)
def test_the_data_of_a_restore_is_the_one_or_the_other(
    monkeypatch: pytest.MonkeyPatch, checksum: str, lost: int, data: str
) -> None:
    made = Stage(link="old", whole="old", checksum=checksum)
    row = attempt(monkeypatch, made, SWAPPED)

    assert (row.lost, row.data) == (lost, data)


def test_a_server_that_did_not_come_back_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    row = attempt(monkeypatch, Stage(), back=False, boot="degraded", spared="no")

    assert row.broken()[:2] == ["no", "it did not serve again by itself: degraded"]


@pytest.mark.parametrize(
    ("server", "said"),
    [(Server(), ""), (Server(error="the server is\ndegraded"), "the server is degraded")],
)
def test_a_boot_that_is_not_well_is_no_error_of_the_proof(server: Any, said: str) -> None:  # noqa: ANN401
    assert kill._booted(server) == said  # noqa: SLF001


def test_a_server_that_does_not_run_can_be_no_row() -> None:
    server: Any = Server(error="it did not start", running=False)
    with pytest.raises(ToolError, match="did not start"):
        kill._booted(server)  # noqa: SLF001


REACHED = {"phase": "STARTED"}


@pytest.mark.parametrize(
    ("fault", "reached", "come", "words"),
    [
        ("killed", None, None, ""),
        ("killed", REACHED, None, ""),
        ("killed", {"phase": "HEALTHY"}, None, "reached in another phase: HEALTHY"),
        ("cut", REACHED, {"line": 17}, ""),
        ("cut", REACHED, {"line": 0}, "no connection was cut"),
        ("cut", REACHED, None, "what happened did not come to its end"),
        ("full", REACHED, {"refuses": True, "free": 9}, ""),
        ("full", REACHED, {"refuses": False, "free": 9}, "the disk was not full: 9 bytes are free"),
        ("full", {"phase": "PRUNED"}, {"refuses": True}, "reached in another phase: PRUNED"),
        ("ahead", REACHED, {"days": 1}, ""),
        ("ahead", REACHED, {"days": 0}, "the clock did not jump"),
        ("back", REACHED, {"days": -1}, ""),
        ("back", REACHED, {"days": 0}, "the clock did not jump"),
        ("busy", REACHED, {"go": True}, ""),
        ("busy", REACHED, {"go": False}, "it went on before the second command had ended"),
    ],
)
def test_what_was_to_happen_is_seen_to_have_happened(
    fault: str, reached: dict[str, Any] | None, come: dict[str, Any] | None, words: str
) -> None:
    assert kill.spared(Case("deploy", fault, "middle", "STARTED"), reached, come) == words


@pytest.mark.parametrize(
    ("lock", "words"),
    [('{"pid": 1}', ""), ('{"pid": 12}', "no other process"), ("", "no other process")],
)
def test_a_lock_is_seen_to_name_another_process(
    monkeypatch: pytest.MonkeyPatch, lock: str, words: str
) -> None:
    class Typed:
        def __init__(self, *_: object) -> None: ...

        def kill(self) -> None: ...

        def end(self) -> Ended:
            return Ended(18, "", "")

    monkeypatch.setattr(kill, "Typed", Typed)
    made = Stage(files={"lock": lock, "reached.json": json.dumps(REACHED)})
    seen = kill._disturbed(as_stage(made), DEPLOY._replace(fault="owner"), deed())  # noqa: SLF001

    assert words in seen.spared
    assert bool(seen.spared) is bool(words)


@pytest.mark.parametrize(("acts", "act"), [(0, 1), (1, 1), (4, 2), (5, 3)])
def test_the_middle_of_a_phase_is_half_of_its_acts(acts: int, act: int) -> None:
    assert kill.half({"PREPARED": 1, "STARTED": acts}, DEPLOY) == act


@pytest.mark.parametrize("told", [None, {}, {"acts": {}}, {"acts": {"STARTED": 0}}])
def test_what_was_not_counted_has_no_middle(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, Any] | None
) -> None:
    monkeypatch.setattr(kill, "plan", lambda *_: deed())
    monkeypatch.setattr(kill, "_write", lambda *_: None)
    made = Stage(files={} if told is None else {"reached.json": json.dumps(told)})
    with pytest.raises(ToolError, match="no acts that could be counted"):
        kill.middle(as_stage(made), DEPLOY)

    assert made.acts == {}


def test_only_the_operation_itself_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A restore is preceded by a backup, which would carry the order out."""
    happened: list[str] = []

    def plan(*_: object) -> kill.Deed:
        happened.append("the commands before")
        return deed()

    monkeypatch.setattr(kill, "plan", plan)
    monkeypatch.setattr(kill, "_write", lambda *_: happened.append("the order"))
    acts = json.dumps({"acts": {"STARTED": 4}})

    kill.middle(as_stage(Stage(files={"reached.json": acts})), DEPLOY)

    assert happened == ["the commands before", "the order"]


def test_items_are_asked_for_by_their_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    made, asked = stage.Stage(scene=as_stage(Stage())), list[str]()

    def sql(_: object, text: str) -> str:
        asked.append(text)
        return "2"

    monkeypatch.setattr(stage.Stage, "sql", sql)
    monkeypatch.setattr(stage, "_IDS", 2)

    assert made.items([4, 5, 6]) == 4
    assert "id = any('{4,5}'::bigint[]) and true" in asked[0]
    assert "id = any('{6}'::bigint[])" in asked[1]


def test_jobs_are_given_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made, answers = stage.Stage(scene=as_stage(Stage())), ["2", "1", "0", "0"]
    monkeypatch.setattr(stage.Stage, "sql", lambda *_: answers.pop(0))
    monkeypatch.setattr(time, "sleep", lambda _: None)

    assert made.undone([4, 5]) == 0
    monkeypatch.setattr(stage, "JOBS_SECONDS", 0.0)
    monkeypatch.setattr(stage.Stage, "sql", lambda *_: "1")
    assert made.undone([4, 5]) == 1
