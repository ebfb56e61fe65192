from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, NoReturn

import httpx
import pytest
from tests.unit.rig.prove.test_rows import KILLED, RESTORED

from hostwright import remote
from hostwright.errors import FindingsError, ToolError, UserError
from hostwright.progress import Progress
from hostwright.rig.load import Report
from hostwright.rig.prove import command, kill, load, restore, store, tables
from hostwright.rig.prove.cases import loads
from hostwright.rig.prove.command import GROUPS, KINDS, Proof, Task, chosen, main, tasks
from hostwright.rig.prove.store import State
from hostwright.rig.prove.typed import Ended

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.rig.prove.rows import Row


def test_rows_are_taken_server_by_server() -> None:
    kinds = [task.kind for task in tasks(short=False)]

    assert list(dict.fromkeys(kinds)) == ["plain", "small", "power"]
    assert [KINDS.index(kind) for kind in kinds] == sorted(KINDS.index(kind) for kind in kinds)


def test_ci_needs_no_virtual_machine() -> None:
    assert {task.kind for task in tasks(short=True)} == {"plain"}


def test_the_power_rows_are_a_group_of_their_own() -> None:
    found = chosen(tasks(short=False), ["power"], ["*"])

    assert len(found) == 18
    assert {task.kind for task in found} == {"power"}


@pytest.mark.parametrize(
    ("group", "kernel"), [("kill", "plain"), ("load", "plain"), ("power", "power")]
)
def test_a_page_names_the_server_of_its_own_rows(tmp_path: Path, group: str, kernel: str) -> None:
    state = State(tmp_path / "state.json")
    for kind in ("power", "small", "plain"):
        state.know(kind, {"Kernel": kind})

    assert Proof(state, tmp_path, tmp_path, []).about(group) == {"Kernel": kernel}


def test_rows_are_chosen_by_group_and_by_name() -> None:
    found = chosen(tasks(short=False), ["kill"], ["kill/deploy/killed/*", "kill/*/busy/*"])

    assert len(found) == 18 + 4
    with pytest.raises(UserError, match="no row is called"):
        chosen(tasks(short=False), GROUPS, ["kill/nothing"])


def test_an_unknown_group_is_refused() -> None:
    with pytest.raises(UserError, match="no group tables"):
        main(["tables"])


def test_rows_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["restore", "--short", "--list"]) == 0

    assert capsys.readouterr().out == "restore/10\n"


def test_everything_of_the_load_table_can_be_done() -> None:
    assert {case.what for case in loads()} == set(load.WHAT)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (
            (
                "   an earlier operation was cut off; it is reconciled first\n"
                "   deploy of 20260101t000000z-abcdef0 by me@here was at STARTED: its owner died\n"
            ),
            "at STARTED: its owner died",
        ),
        (
            "  the backup 2026 was cut off: it is removed\n",
            "the backup 2026 was cut off: it is removed",
        ),
        ("  0.10 s  PREPARED\n", ""),
    ],
)
def test_what_a_command_found_is_its_own_words(shown: str, expected: str) -> None:
    assert kill.found(shown) == expected


def test_figures_are_read_from_what_a_command_says() -> None:
    shown = "  0.01 s  SWITCHED   one rename, 0.3 ms\n"
    ended = Ended(0, '{"connect_seconds": 0.5, "serving_seconds": 0.25}', shown)

    assert load.told(ended) == (0.3, 0.25)
    assert load.told(ended._replace(code=18)) is None
    assert load.told(ended._replace(stderr="nothing")) is None


@pytest.mark.parametrize("phase", ["HEALTHY", "MIGRATED"])
def test_the_phase_of_a_failure_is_read_from_what_a_command_says(phase: str) -> None:
    event = {"what": "it (a role) failed", "code": 18, "phase": phase, "log": ["a (STARTED) line"]}
    ended = Ended(18, "", f"{remote.failure(event, 'demo')}\n")

    assert load.failed_in(ended) == phase
    assert load.failed_in(ended._replace(stderr="it failed (at home)\n")) == ""


def test_the_worst_run_of_a_load_is_the_row_s() -> None:
    def run(rate: float, writes: int, echoed: int) -> load.Run:
        sockets = {"opened": 1, "echoed": echoed, "dropped": 0}
        answered = {"POST https://api.test/items": writes, "GET https://api.test/": 50}
        report = Report(100, 0, {}, 0.1, 0.2, 0.3, 0.4, {}, 10.0, rate, sockets, answered)
        return load.Run(report, Ended(18, "", "it failed (HEALTHY)\n"))

    row = load.summed(loads()[0], [run(80.0, 30, 0), run(9.0, 0, 40), run(70.0, 5, 6)], 0, 1.0)

    assert (row.rate, row.writes, row.echoed) == (9.0, 0, 0)
    assert row.phases == ("HEALTHY",) * 3


def test_rows_are_counted_from_a_checksum() -> None:
    assert restore.rows("a|3|1|2\nb|40|5|6") == 43


def test_a_row_that_breaks_its_promise_fails_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = replace(RESTORED, equal={"restore": False})
    state = State(tmp_path / "state.json")
    state.put(bad.case.id, bad)
    monkeypatch.setattr(State, "of", classmethod(lambda cls, key: state))  # noqa: ARG005
    monkeypatch.setattr(command, "TABLES", tmp_path / "proof")

    with pytest.raises(FindingsError, match="not row for row after restore"):
        main(["restore", "--rows", bad.case.id])

    assert "restore/10" in (tmp_path / "proof" / "restore.md").read_text()


def test_a_row_of_a_committed_table_is_not_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOSTWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(command, "TABLES", tmp_path / "proof")
    monkeypatch.setattr(store, "key", lambda *_: "key")
    monkeypatch.setattr(command, "Rig", None)
    tables.write(tmp_path / "proof", "restore", [RESTORED], 3, {"Sources": "key"})

    assert main(["restore", "--rows", RESTORED.case.id]) == 0


class NoStage:
    """A stage whose server is a console's log, and what was done to it."""

    facts: ClassVar[dict[str, str]] = {}
    log: ClassVar[Path | None] = None
    serves = True

    def __init__(self) -> None:
        self.done: list[str] = []
        self.scene = self.server = self

    @classmethod
    def set_up(cls, *_: object, **__: object) -> NoStage:
        return cls()

    def kill(self) -> None:
        self.done.append("kill")

    def boot(self) -> None:
        self.done.append("boot")

    def back(self) -> bool:
        self.done.append("back")
        return self.serves

    def secrets(self) -> list[str]:
        return ["hunter2"]

    def exec(self, argv: list[str], **_: object) -> NoReturn:
        self.done.append(argv[-1])
        raise ToolError("the server does not answer")


def no_rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stages of no server; the names of the rigs that were made."""
    servers: list[str] = []

    class NoRig:
        def __init__(self, name: str, **_: object) -> None:
            servers.append(name)

        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(command, "Rig", NoRig)
    monkeypatch.setattr(command, "Stage", NoStage)
    monkeypatch.setattr(NoStage, "log", tmp_path / "console.log")
    return servers


@pytest.mark.parametrize("noticed", [True, False])
@pytest.mark.parametrize("panics", [0, 1, command.TRIES])
def test_a_row_whose_machine_panicked_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, panics: int, *, noticed: bool
) -> None:
    monkeypatch.setattr(NoStage, "log", tmp_path / "console.log")
    stage, taken = NoStage(), []

    def attempt(_: object) -> Row:
        taken.append(1)
        if len(taken) <= panics:
            with (tmp_path / "console.log").open("a") as console:
                console.write(f"{command.PANIC}: Fatal exception in interrupt\n")
            if noticed:
                raise ToolError("the guest agent does not answer")
        return RESTORED

    task = Task("restore", "restore/10", "a row", kind="power", attempt=attempt)
    proof = Proof(State(tmp_path / "state.json"), tmp_path / "proof", tmp_path, [task])
    with Progress() as progress:
        if panics == command.TRIES:
            with pytest.raises(ToolError):
                proof._taken(task, stage, progress)  # type: ignore[arg-type] # noqa: SLF001
        else:
            proof._taken(task, stage, progress)  # type: ignore[arg-type] # noqa: SLF001

    assert len(taken) == min(panics + 1, command.TRIES)
    assert stage.done[:3] == (["kill", "boot", "back"] if panics else [])
    assert proof.rows("restore") == ([] if panics == command.TRIES else [RESTORED])
    reasons = proof.missed("restore").get("restore/10", [])
    # What the last try met is the session's to keep, unless its row came.
    assert len(reasons) == (panics if not noticed else min(panics, command.TRIES - 1))
    assert all("kernel panicked" in reason for reason in reasons)
    assert not noticed or all("agent does not answer" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("[    3.1] Kernel panic - not syncing: Fatal exception in interrupt\n", 1),
        ("[    3.1] Kernel panic - not syncing: stack-protector: corrupted\n", 1),
        ("Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n", 0),
        ("Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100\n", 0),
        ("all is well\n", 0),
    ],
)
def test_a_disk_that_a_power_loss_has_spoiled_is_no_fault_of_the_emulation(
    tmp_path: Path, line: str, count: int
) -> None:
    (tmp_path / "console").write_text(line)

    assert command.panics(tmp_path / "console") == count


def test_a_broken_row_of_a_panic_is_named_and_a_server_that_stays_away_takes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NoStage, "log", tmp_path / "console.log")
    monkeypatch.setattr(NoStage, "serves", False)

    def attempt(_: object) -> Row:
        (tmp_path / "console.log").write_text(f"{command.PANIC}: Fatal exception\n")
        return replace(RESTORED, equal={"restore": False})

    task = Task("restore", "restore/10", "a row", kind="power", attempt=attempt)
    proof = Proof(State(tmp_path / "state.json"), tmp_path / "proof", tmp_path, [task])
    with Progress() as progress, pytest.raises(ToolError, match="does not serve again"):
        proof._taken(task, NoStage(), progress)  # type: ignore[arg-type] # noqa: SLF001

    [reason] = proof.missed("restore")["restore/10"]
    assert reason == "the emulated machine's kernel panicked; not row for row after restore"


@pytest.mark.parametrize(
    "error",
    [
        ToolError("the server is away: hunter2"),
        httpx.ConnectError("the server is away"),
        ValueError("the server is away"),
        KeyError("the server is away"),
    ],
)
def test_a_row_that_cannot_be_taken_does_not_keep_the_others_out(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
) -> None:
    def fail(_: object) -> NoReturn:
        raise error

    servers = no_rig(tmp_path, monkeypatch)
    bad = Task("restore", "restore/bad", "bad", kind="plain", attempt=fail)
    good = Task("restore", "restore/10", "good", kind="plain", attempt=lambda _: RESTORED)
    proof = Proof(State(tmp_path / "state.json"), tmp_path / "proof", tmp_path, [bad, good])
    with Progress() as progress:
        proof.take([bad, good], progress)
        with pytest.raises(FindingsError, match="restore/bad: could not be taken"):
            proof.close([bad, good], progress)

    assert len(servers) == 2
    assert "journalctl" in capsys.readouterr().err  # how it was is told, as far as it answers
    assert proof.rows("restore") == [RESTORED]
    page = (tmp_path / "proof" / "restore.md").read_text()
    assert "Could not be taken yet:\n\n- `restore/bad`: could not be taken: " in page
    assert "the server is away" in page
    assert "hunter2" not in page
    [[reason]] = json.loads((tmp_path / "proof" / "restore.json").read_text())["missed"].values()
    assert "the server is away" in reason


def test_a_row_that_spoils_its_server_is_kept_and_the_next_has_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = no_rig(tmp_path, monkeypatch)
    spoiled = replace(KILLED, manual=("it failed",))
    todo = [
        Task("kill", spoiled.case.id, "bad", kind="plain", attempt=lambda _: spoiled),
        Task("restore", "restore/10", "good", kind="plain", attempt=lambda _: RESTORED),
    ]
    proof = Proof(State(tmp_path / "state.json"), tmp_path / "proof", tmp_path, todo)
    with Progress() as progress:
        proof.take(todo, progress)

    assert len(set(servers)) == 2
    assert proof.rows("kill") == [spoiled]
    assert proof.rows("restore") == [RESTORED]
