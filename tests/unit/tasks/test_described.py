"""The tasks as plain data."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from invoke.collection import Collection

from hostwright import paths
from hostwright.docs.model import TOP, Flag, Task
from hostwright.run import run
from hostwright.tasks import described
from hostwright.tasks.command import command

if TYPE_CHECKING:
    from invoke.context import Context


@command(
    iterable=["name"],
    help={
        "name": "Which one.",
        "out-file": "Where to.",
        "seconds": "How long.",
        "json": "As JSON.",
        "keep-it": "Keep it.",
    },
)
def show(
    _: Context,
    name: list[str],
    out_file: str = "",
    seconds: int = 300,
    json: bool = False,  # noqa: FBT001, FBT002 - a switch
    keep_it: bool = True,  # noqa: FBT001, FBT002 - a switch
) -> None:
    """Show
    it.

    More of it. Example: `invoke show --name b`.

    Example: `invoke show --name c
    --json`.
    """


EXPECTED = Task(
    name="show",
    aliases=(),
    summary="Show it.",
    more=("More of it.",),
    examples=("invoke show --name b", "invoke show --name c --json"),
    flags=(
        Flag(("--name", "-n"), "TEXT", "", "Which one."),
        Flag(("--out-file", "-o"), "TEXT", "", "Where to."),
        Flag(("--seconds", "-s"), "NUMBER", "300", "How long."),
        Flag(("--json", "-j"), "", "", "As JSON."),
        Flag(("--keep-it", "-k", "--no-keep-it"), "", "on", "Keep it."),
    ),
)


def test_a_task_is_described_by_its_docstring_and_signature() -> None:
    assert described.tasks(Collection(show)) == (EXPECTED,)


def test_a_task_is_described_as_well_after_invoke_has_read_its_flags() -> None:
    show.get_arguments()
    assert described.tasks(Collection(show)) == (EXPECTED,)


def test_tasks_at_the_top_come_first_and_the_others_by_name() -> None:
    inner = Collection("zone", show)
    inner.add_task(show, name="default", default=True)
    found = described.tasks(Collection(Collection("a", show), inner, show))
    assert [task.name for task in found] == ["show", "a.show", "zone.default", "zone.show"]
    assert [task.namespace for task in found] == [TOP, "a", "zone", "zone"]
    assert found[2].aliases == ("zone",)


def test_the_export_describes_the_tasks_from_inside_of_one() -> None:
    done = run([sys.executable, "-m", "invoke", "contract.export", "--check"], cwd=paths.ROOT)
    assert done.stdout == "Every generated file is current.\n"
