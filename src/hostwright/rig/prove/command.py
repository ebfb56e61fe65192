"""``prove [GROUP …] [--rows PATTERN] [--short] [--anew] [--list]``: take the missing rows."""

from __future__ import annotations

import argparse
import fnmatch
import os
import re
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from hostwright import paths
from hostwright.errors import FindingsError, HostwrightError, ToolError, UserError
from hostwright.progress import Progress
from hostwright.rig import Rig, looks
from hostwright.rig.prove import cases, kill, load, restore, store, tables
from hostwright.rig.prove.cases import Case
from hostwright.rig.prove.rows import Killed
from hostwright.rig.prove.stage import Kind, Stage, copy
from hostwright.run import blank

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hostwright.rig.prove.cases import Load, Size
    from hostwright.rig.prove.rows import Row
    from hostwright.rig.prove.store import State

    Any_ = Case | Load | Size

GROUPS = ("load", "kill", "restore", "power")
#: What rows are taken on, in this order: one server for all the rows of a kind.
KINDS: tuple[Kind, ...] = ("plain", "small", "power")
#: How often a row is taken whose machine's kernel gives up, and how that looks on its console.
TRIES = 3
PANIC = "Kernel panic - not syncing"
#: Panics that are no fault of the emulation: of what the row's loss of power left of the disk.
OWN_PANICS = ("VFS: Unable to mount root fs", "Attempted to kill init!", "No working init found")
_PANIC = re.compile(rf"{PANIC}(?!: (?:{'|'.join(map(re.escape, OWN_PANICS))}))")
#: Whatever keeps a row from being taken: a tool, a request, or an answer that is none.
NOT_TAKEN = (HostwrightError, httpx.HTTPError, ValueError, KeyError)
TABLES = paths.ROOT / "docs" / "proof"


@dataclass(frozen=True)
class Task:
    """A row to take: its group, its name, its words for people, what it needs, how it is taken."""

    group: str
    id: str
    text: str
    kind: Kind
    attempt: Callable[[Stage], Row]


def main(words: list[str]) -> int:
    """Take the rows that are missing, and write the tables.

    Raises:
        FindingsError: A row breaks what the tables promise, or could not be taken.
        HostwrightError: This machine cannot have a rig, or a server could not be set up.
        UserError: No row has such a name.
    """
    parser = argparse.ArgumentParser(prog="nox -s prove_vps --", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument(
        "--rows", action="append", help="a pattern of names: 'kill/deploy/*'; may be repeated"
    )
    parser.add_argument("--short", action="store_true", help="what CI runs: a few of each")
    parser.add_argument("--anew", action="store_true", help="take rows that are done once more")
    parser.add_argument("--list", action="store_true", help="name the rows, and do nothing")
    given = parser.parse_args(words)
    if unknown := set(given.groups) - set(GROUPS):
        raise UserError(f"there is no group {', '.join(unknown)}", remedy=f"Known: {GROUPS}.")
    todo = chosen(tasks(short=given.short), given.groups or GROUPS, given.rows or ["*"])
    if given.list:
        print("\n".join(task.id for task in todo))  # noqa: T201 - the result
        return 0
    # As on a person's machine; with it, every command that is typed compiles all its modules anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    place = paths.cache() / "prove" / "short" if given.short else TABLES
    with tempfile.TemporaryDirectory(prefix="hostwright-prove-") as scratch, Progress() as progress:
        clone = copy(Path(scratch))
        state = store.State.of(store.key(clone, "short" if given.short else "whole"))
        state.adopt(place)
        proof = Proof(state, place, clone, tasks(short=given.short))
        proof.take([task for task in todo if given.anew or task.id not in state.done], progress)
        return proof.close(todo, progress)


def told(error: Exception) -> str:
    """What kept a row from being taken, in words."""
    known = isinstance(error, HostwrightError | httpx.HTTPError)
    return str(error) if known else f"{type(error).__name__}: {error}"


def panics(console: Path) -> int:
    """How often a kernel has given up for no reason of the row's, by what its console says."""
    return len(_PANIC.findall(console.read_text(errors="replace"))) if console.exists() else 0


def tasks(*, short: bool) -> list[Task]:
    """Every row, in the order in which it is taken: server by server."""
    loads, kills, sizes, powers = (
        (cases.short_loads(), cases.short_kills(), cases.short_sizes(), [])
        if short
        else (cases.loads(), cases.kills(), cases.sizes(), cases.powers())
    )
    found = [
        *(
            _task(group, case, kill.attempt, f"{case.op}, {cases.FAULTS[case.fault]} {case.at}")
            for group, some in (("kill", kills), ("power", powers))
            for case in some
        ),
        *(
            _task("load", case, load.attempt, f"{case.what} under load, {case.runs} runs")
            for case in loads
        ),
        *(_task("restore", case, restore.attempt, f"a database of {case.mb} MB") for case in sizes),
    ]
    return sorted(found, key=by_kind)


def by_kind(task: Task) -> int:
    """Where a row is in the order of servers."""
    return KINDS.index(task.kind)


def _task(group: str, case: Any_, attempt: Callable[..., Row], text: str) -> Task:
    needs: dict[str, Kind] = {"full": "small", "power": "power"}
    kind = needs.get(case.fault, "plain") if isinstance(case, Case) else "plain"
    return Task(group, case.id, text, kind, partial(_attempt, attempt, case))


def _attempt(attempt: Callable[[Stage, Any], Row], case: Any_, stage: Stage) -> Row:
    return attempt(stage, case)


def chosen(known: Sequence[Task], groups: Sequence[str], patterns: Sequence[str]) -> list[Task]:
    """The rows that were asked for.

    Raises:
        UserError: A pattern names none.
    """
    mine = [task for task in known if task.group in groups]
    for pattern in patterns:
        if not any(fnmatch.fnmatch(task.id, pattern) for task in mine):
            raise UserError(
                f"no row is called {pattern!r}", where="--rows", remedy="--list names them all."
            )
    return [task for task in mine if any(fnmatch.fnmatch(task.id, one) for one in patterns)]


class Proof:
    """One session: takes rows, keeps each, and writes the tables as they grow.

    Args:
        state: What is done.
        place: Where the tables go.
        clone: What is proven: a copy that nobody edits.
        known: All rows there are.
    """

    def __init__(self, state: State, place: Path, clone: Path, known: Sequence[Task]) -> None:
        self.state = state
        self.place = place
        self.clone = clone
        self.known = known
        self.number = self.count = self.servers = 0
        #: Rows that could not be taken, and why.
        self.failed: dict[str, str] = {}

    def take(self, todo: Sequence[Task], progress: Progress) -> None:
        """Take rows: those that need the same kind of server on the same one.

        A row that cannot be taken is named in the end; the others go on, on a fresh server.

        Raises:
            HostwrightError: A server could not be set up.
        """
        left = sorted(todo, key=by_kind)
        self.count = len(left)
        while left:
            mine = [task for task in left if task.kind == left[0].kind]
            left = [*self._on_a_server(mine, progress), *left[len(mine) :]]

    def _on_a_server(self, todo: Sequence[Task], progress: Progress) -> Sequence[Task]:
        """Take rows until one cannot be taken, or spoils the server; those that are left."""
        kind = todo[0].kind
        began = time.monotonic()
        progress.begin("a server that serves")
        name = f"prove-{os.getpid()}-{self.servers}{'' if kind == 'plain' else f'-{kind}'}"
        self.servers += 1
        with Rig(name, say=progress.note) as rig:
            stage = Stage.set_up(rig, self.clone, kind=kind)
            progress.end("a server that serves", time.monotonic() - began)
            self.state.know(kind, self.facts(stage))
            for number, task in enumerate(todo):
                try:
                    row = self._taken(task, stage, progress)
                except NOT_TAKEN as error:
                    self._missed(task, stage, error, progress)
                    return todo[number + 1 :]
                if isinstance(row, Killed) and row.spoiled:
                    progress.note(f"{task.id} left its server spoiled\n{looks.look(stage.scene)}")
                    return todo[number + 1 :]
        return ()

    def _missed(self, task: Task, stage: Stage, error: Exception, progress: Progress) -> None:
        """Keep that a row could not be taken."""
        why = told(error)
        self.failed[task.id] = why
        self._miss(task, stage, f"could not be taken: {why}")
        self.write(task.group)
        progress.note(f"{task.id} could not be taken: {why}\n{looks.look(stage.scene)}")

    def _miss(self, task: Task, stage: Stage, reason: str) -> None:
        self.state.miss(task.id, blank(reason, stage.scene.secrets()))

    def _taken(self, task: Task, stage: Stage, progress: Progress) -> Row:
        """Take a row; once more where the machine's own kernel gave up meanwhile.

        What qemu's emulation of two processors does to a kernel now and then is no power loss at
        the point that the row is about, and nothing that the row could blame on anybody.
        """
        self.number += 1
        for left in reversed(range(TRIES)):
            before = panics(stage.scene.server.log)
            try:
                row, seconds = self._one(task, stage, progress)
            except NOT_TAKEN as error:
                if not left or panics(stage.scene.server.log) == before:
                    raise
                seen = [told(error)]
            else:
                if panics(stage.scene.server.log) == before:
                    self._keep(task, row, seconds, progress)
                    return row
                seen = row.broken()
            self._miss(task, stage, "; ".join(["the emulated machine's kernel panicked", *seen]))
            progress.note(f"{task.id} is taken anew: the kernel of the emulated machine panicked")
            stage.scene.server.kill()
            stage.scene.server.boot()
            if not stage.back():
                raise ToolError("it does not serve again after a panic", where=task.id)
        raise ToolError(f"the machine's kernel panicked {TRIES} times", where=task.id)

    def _one(self, task: Task, stage: Stage, progress: Progress) -> tuple[Row, float]:
        progress.begin(self._words(task))
        began = time.monotonic()
        return task.attempt(stage), time.monotonic() - began

    def _words(self, task: Task) -> str:
        return f"[{self.number}/{self.count}] {task.text}"

    def _keep(self, task: Task, row: Row, seconds: float, progress: Progress) -> None:
        self.state.put(task.id, row)
        self.write(task.group)
        broken = "; ".join(row.broken())
        mark = f"BROKEN: {broken}" if broken else "kept"
        progress.end(f"{self._words(task)}: {mark}", seconds)

    def facts(self, stage: Stage) -> dict[str, str]:
        """What was proven, where and when."""
        return {
            "Date": f"{datetime.now(UTC):%Y-%m-%d}",
            "Sources": self.state.path.stem,
            **stage.facts,
        }

    def rows(self, group: str) -> list[Row]:
        """The rows of a group that are done, in their order."""
        return self.state.kept(group, [task.id for task in self.known if task.group == group])

    def write(self, group: str) -> None:
        """Write the table of a group."""
        whole = sum(task.group == group for task in self.known)
        missed = self.missed(group)
        tables.write(self.place, group, self.rows(group), whole, self.about(group), missed=missed)

    def missed(self, group: str) -> dict[str, list[str]]:
        """Why rows of a group could not be taken, or were taken anew."""
        names = [task.id for task in self.known if task.group == group]
        return {name: self.state.missed[name] for name in names if name in self.state.missed}

    def about(self, group: str) -> dict[str, str]:
        """What the server was that the rows of a group were taken on."""
        mine = KINDS if group != "power" else ("power",)
        return next((self.state.facts[k] for k in mine if k in self.state.facts), {})

    def close(self, todo: Sequence[Task], progress: Progress) -> int:
        """Write the tables that were asked for, and say how it stands.

        Raises:
            FindingsError: A row breaks its promise, or could not be taken.
        """
        self.state.look()
        groups = sorted({task.group for task in todo})
        asked = {task.id for task in todo}
        found = [row for group in groups for row in self.rows(group) if row.case.id in asked]
        for group in groups:
            self.write(group)
        broken = {row.case.id: "; ".join(row.broken()) for row in found if row.broken()}
        broken |= {name: f"could not be taken: {why}" for name, why in self.failed.items()}
        if broken:
            lines = "\n  ".join(f"{name}: {why}" for name, why in broken.items())
            raise FindingsError(
                f"{len(broken)} of {len(asked)} rows break what is promised\n  {lines}",
                where=paths.shown(self.place),
                remedy="`--rows NAME --anew` takes one once more.",
            )
        progress.last(f"{len(found)} rows are as promised: {paths.shown(self.place)}")
        return 0
