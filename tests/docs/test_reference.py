"""Everything that can be run, and every way that it ends, is documented; and answers for itself."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from invoke.program import Program
from tests.docs.known import reference
from tests.docs.tree import pages

from hostwright.docs.code_tables import shown
from hostwright.docs.model import ExitCode, Flag, Session, Task
from hostwright.tasks import namespace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from invoke.collection import Collection

TASKS = {task.name: task for task in reference().tasks}


def task_faults(task: Task) -> Iterator[str]:
    """What a task lacks for people to use it by its help."""
    yield from _sentence(task.summary)
    for flag in task.flags:
        if not flag.help.strip():
            yield f"{flag.names[0]} is not explained"
    for line in task.examples:
        if task.name not in line and not any(f"invoke {alias}" in line for alias in task.aliases):
            yield f"an example of something else: {line}"


def session_faults(session: Session) -> Iterator[str]:
    """What a session lacks for people to use it by ``nox -l``."""
    return _sentence(session.summary)


def _sentence(text: str) -> Iterator[str]:
    if not (text and text[0].isupper() and text.endswith(".")):
        yield "no sentence says what it does"


def exit_code_faults(codes: Iterable[ExitCode]) -> Iterator[str]:
    """Codes that two errors share, and those that nothing is said of."""
    found = list(codes)
    for code, times in Counter(each.code for each in found).items():
        if times > 1:
            yield f"{code}: {times} errors share it"
    for each in found:
        if not each.meaning or not (each.remedy or each.code == 0):
            yield f"{each.code}: {each.name} says too little"


# --- the faults are found ------------------------------------------------------------------------

GOOD = Task("a.b", (), "Do it.", (), ("invoke a.b --c d",), (Flag(("--c",), "TEXT", "", "Which."),))


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (GOOD, []),
        (replace(GOOD, examples=("invoke x",), aliases=("x",)), []),
        (replace(GOOD, summary=""), ["no sentence says what it does"]),
        (replace(GOOD, summary="does it."), ["no sentence says what it does"]),
        (replace(GOOD, summary="Do it"), ["no sentence says what it does"]),
        (replace(GOOD, flags=(Flag(("--c",), "", "", " "),)), ["--c is not explained"]),
        (replace(GOOD, examples=("invoke a.c",)), ["an example of something else: invoke a.c"]),
    ],
)
def test_what_a_task_lacks_is_found(task: Task, expected: list[str]) -> None:
    assert list(task_faults(task)) == expected


@pytest.mark.parametrize("summary", ["", "does it.", "Do it"])
def test_what_a_session_lacks_is_found(summary: str) -> None:
    session = Session("a", default=True, tags=(), summary=summary, words="")
    assert list(session_faults(session)) == ["no sentence says what it does"]


def test_what_is_wrong_with_exit_codes_is_found() -> None:
    codes = [ExitCode(3, "A", "It is.", "Do."), ExitCode(3, "B", "It is.", "Do.")]
    assert list(exit_code_faults(codes)) == ["3: 2 errors share it"]
    assert list(exit_code_faults([ExitCode(4, "C", "It is.", "")])) == ["4: C says too little"]
    assert list(exit_code_faults([ExitCode(4, "C", "", "Do.")])) == ["4: C says too little"]
    assert list(exit_code_faults([ExitCode(0, "", "Done.", "")])) == []


# --- and there are none --------------------------------------------------------------------------


@pytest.mark.parametrize("name", TASKS)
def test_a_task_says_what_it_does_and_what_its_flags_mean(name: str) -> None:
    assert list(task_faults(TASKS[name])) == []


@pytest.mark.parametrize("session", reference().sessions, ids=lambda each: each.name)
def test_a_session_says_what_it_does(session: Session) -> None:
    assert list(session_faults(session)) == []


def test_every_exit_code_is_its_errors_own_and_explained() -> None:
    assert list(exit_code_faults(reference().exit_codes)) == []


def test_every_task_session_and_exit_code_has_its_place_in_the_reference() -> None:
    tasks, sessions, codes = (
        pages()[f"docs/reference/{name}.md"] for name in ("tasks", "sessions", "exit-codes")
    )
    headings = {heading.text for heading in tasks.headings if heading.level == 3}
    assert headings == set(TASKS) == set(namespace.task_names)
    assert all(f"\n| `nox -s {each.name}` |" in sessions.text for each in reference().sessions)
    assert all(f"\n| {each.code} |" in codes.text for each in reference().exit_codes)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_answers_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    # Invoke takes a task's help apart when it reads its flags: each time a copy.
    program = Program(name="invoke", namespace=_copied())
    program.run(["invoke", name, "--help"], exit=False)
    told = " ".join(capsys.readouterr().out.split())
    assert told.startswith(f"Usage: invoke [--core-opts] {name} ")
    assert TASKS[name].summary in told
    for flag in TASKS[name].flags:
        assert shown(flag) in told


def _copied() -> Collection:
    found = copy.deepcopy(namespace)
    for name in found.task_names:
        found[name].help = dict(found[name].explained)
    return found
