from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, NoReturn

import httpx
import pytest
from tests.unit.rig.prove.test_rows import RESTORED

from hostwright.errors import FindingsError, ToolError, UserError
from hostwright.progress import Progress
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

    def back(self) -> None:
        self.done.append("back")

    def exec(self, argv: list[str], **_: object) -> NoReturn:
        self.done.append(argv[-1])
        raise ToolError("the server does not answer")


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


@pytest.mark.parametrize(
    "error", [ToolError("the server is away"), httpx.ConnectError("the server is away")]
)
def test_a_row_that_cannot_be_taken_does_not_keep_the_others_out(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
) -> None:
    servers: list[str] = []

    class NoRig:
        def __init__(self, name: str, **_: object) -> None:
            servers.append(name)

        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None: ...

    def fail(_: object) -> NoReturn:
        raise error

    monkeypatch.setattr(command, "Rig", NoRig)
    monkeypatch.setattr(command, "Stage", NoStage)
    monkeypatch.setattr(NoStage, "log", tmp_path / "console.log")
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
