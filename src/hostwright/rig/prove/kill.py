"""Try one case of the kill table on a server, under load, and see what became of everything."""

from __future__ import annotations

import json
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hostwright.errors import Busy, ToolError
from hostwright.rig import disk, processes
from hostwright.rig.load import LoadGenerator
from hostwright.rig.prove import stage as stages
from hostwright.rig.prove.cases import DEADLY
from hostwright.rig.prove.rows import Killed
from hostwright.rig.prove.typed import Typed
from hostwright.rig.virtual import POINT_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.rig.load import Report
    from hostwright.rig.prove.cases import Case
    from hostwright.rig.prove.stage import Stage
    from hostwright.rig.prove.typed import Ended

PLACE = "/var/lib/hostwright-proof"
BULLET = Path(__file__).with_name("bullet.py")
WRAPPER = f"""\
#!/bin/sh
runner=/usr/local/lib/hostwright/runner.pyz
if [ "$1" = session ] && [ -e {PLACE}/order.json ]; then runner={PLACE}/bullet.py; fi
exec /usr/bin/python3 -I -S "$runner" "$@"
"""
#: Requests per second while a case is tried; an emulated machine has no time for more than a few.
RATE, SLOW_RATE = 20.0, 1.0
#: Until a point is reached, in seconds.
REACH_SECONDS = 240.0
#: What a command says of what it found.
_FOUND = (
    re.compile(r"\b(?:deploy|rollback) of \S+ by \S+ was (at .*)"),
    re.compile(r"(.*(?:was cut off|put back|cannot be read|brought to its end).*)"),
)


@dataclass(frozen=True)
class Deed:
    """An operation that is about to be disturbed.

    Attributes:
        words: What the operator types.
        again: What they type next.
        old: The release that serves before.
        goal: The release, or the version, that is to serve in the end.
        second: What somebody else types meanwhile.
        before: Checksum of the data before; only of a restore.
        backup: Checksum of what is restored.
    """

    words: tuple[str, ...]
    again: tuple[str, ...]
    old: str
    goal: str
    second: tuple[str, ...]
    before: str = ""
    backup: str = ""


class Disturbed(NamedTuple):
    """How a command ended that something happened to.

    Attributes:
        ended: The command.
        reached: The point was reached, and it happened there.
        refused: Another command that was typed meanwhile was refused.
        back: A server that was switched off served again by itself.
    """

    ended: Ended
    reached: bool
    refused: bool = True
    back: bool = True


def attempt(stage: Stage, case: Case) -> Killed:
    """Try a case; the server serves and is whole afterwards.

    Raises:
        ToolError: The server cannot even be asked any more.
    """
    began = time.monotonic()
    arm(stage)
    act = middle(stage, case)
    deed = plan(stage, case.op)
    stored = stage.items()
    _order(stage, case, act)
    rate = SLOW_RATE if case.fault == "power" else RATE
    with LoadGenerator(stage.stream(rate, writes=case.op != "restore")) as load:
        time.sleep(0.5 * stage.patience)
        seen = _disturbed(stage, case, deed)
        _disarm(stage)
        link = stage.link()
        between = "old" if link == deed.old else "new" if link else ""
        again = stage.type(*deed.again, check=False)
        time.sleep(0.5 * stage.patience)
        report = load.stop()
    row = Killed(
        case=case,
        reached=seen.reached,
        code=seen.ended.code,
        during=tuple(report.versions),
        between=between,
        found=found(again.stderr),
        after=_after(stage, case),
        wanted=deed.goal,
        sent=report.sent,
        failed=report.failed,
        reads_failed=reads_failed(report),
        pause=report.pause,
        lost=0,
        manual=() if again.exit_code == 0 else (again.tail.splitlines()[-1],),
        refused=seen.refused,
        failures=report.failures,
        back=seen.back,
    )
    row = _with_data(stage, row, deed, report, stored)
    if again.exit_code != 0:
        stage.type("vps.deploy", *stage.image("1"))
    return replace(row, seconds=time.monotonic() - began)


def reads_failed(report: Report) -> int:
    """Failed requests that would have changed nothing."""
    return sum(count for why, count in report.failures.items() if not why.startswith("POST "))


def found(stderr: str) -> str:
    """What a command said of what it found: the first that says most."""
    lines = [line.strip() for line in stderr.splitlines()]
    told = (words.search(line) for words in _FOUND for line in lines)
    return next((match.group(1) for match in told if match), "")


def _after(stage: Stage, case: Case) -> str:
    """Who serves; for a deploy that is a version, since the next command makes a new release."""
    whole = stage.whole()
    if case.op == "deploy" and whole == stage.link():
        return stage.scene.serving()
    return whole


def _with_data(stage: Stage, row: Killed, deed: Deed, report: Report, stored: int) -> Killed:
    if row.case.op == "restore":
        now = stage.checksum()
        names = {deed.before: "as before", deed.backup: "the backup's"}
        return replace(row, lost=int(now not in names), data=names.get(now, "neither"))
    acknowledged = sum(count for kind, count in report.answered.items() if kind.startswith("POST "))
    there = stage.items() - stored
    return replace(row, lost=max(0, acknowledged - there), data=f"{acknowledged} writes")


# -- what is disturbed -----------------------------------------------------------------------------


def plan(stage: Stage, op: str) -> Deed:
    """What to type, and what it is to lead to."""
    old = stage.link()
    if op == "deploy":
        version = stage.other()
        image = stage.fresh(version) if stage.kind == "power" else stage.image(version)
        words = ("vps.deploy", *image)
        return Deed(words, words, old, version, ("vps.rollback",))
    if op == "rollback":
        if not _has(stage, "warm"):
            stage.type("vps.deploy", *stage.image(stage.other()))
            old = stage.link()
        goal = stage.earlier("warm")
        words = ("vps.rollback", "--to", goal)
        return Deed(words, words, old, goal, ("vps.backup",))
    if op == "backup":
        return Deed(("vps.backup",), ("vps.backup",), old, old, ("vps.rollback",))
    return _restore(stage, old)


def _has(stage: Stage, state: str) -> bool:
    return any(release["state"] == state for release in stage.status()["releases"])


def _restore(stage: Stage, old: str) -> Deed:
    """A backup, and data that has gone on since: both are known by their checksums."""
    stage.scene.do_job()
    made = stage.asked("vps.backup")
    backup = stage.checksum()
    stage.sql("insert into items (name, made_by, state) values ('since', 'proof', 'done')")
    words = ("vps.restore", "--backup", str(made["id"]), "--yes")
    before = stage.checksum()
    return Deed(words, ("vps.backup",), old, old, ("vps.backup",), before=before, backup=backup)


# -- what happens to it ----------------------------------------------------------------------------


def _disturbed(stage: Stage, case: Case, deed: Deed) -> Disturbed:
    """The command, and what happens to it; when this returns, nobody works on the server."""
    typed = Typed(stage.scene, *deed.words)
    refused = True
    try:
        if case.fault in DEADLY:
            return _switched_off(stage, typed)
        if case.fault == "busy":
            refused = _second(stage, typed, deed)
        ended = typed.end()
    finally:
        typed.kill()
    if case.fault == "full":
        disk.make_room(stage.scene.server)
    if case.fault == "owner":
        _borrow(stage)
    stage.idle()
    return Disturbed(ended, _document(stage, "reached.json") is not None, refused)


def _switched_off(stage: Stage, typed: Typed) -> Disturbed:
    """Kill the server, or cut its power, when the point is reached, and switch it on again."""
    server = stage.scene.server
    note = f"{PLACE}/reached.json"
    # Looked at often: what is written in the meantime gets old enough to be flushed by the kernel.
    processes.wait(
        lambda: server.reached(note) or not typed.running, REACH_SECONDS * stage.patience
    )
    reached = server.reached(note)
    server.kill()
    typed.kill()
    ended = typed.end()
    server.boot()
    # A power loss may have brought the order back: the next command is to meet the runner itself.
    _disarm(stage)
    back = stage.back()
    stage.idle()
    return Disturbed(ended, reached, back=back)


def _second(stage: Stage, typed: Typed, deed: Deed) -> bool:
    """Type another command while the first one waits; whether it is refused as it should be."""
    stages.until(
        lambda: _document(stage, "reached.json") is not None or not typed.running, REACH_SECONDS
    )
    second = stage.type(*deed.second, check=False)
    stage.root("touch", f"{PLACE}/go")
    return second.exit_code == Busy.exit_code


def _borrow(stage: Stage) -> None:
    """Let the dead owner's lock name a process that lives: the init of the server."""
    lock = f"{stages.STATE}/lock"
    stage.root("sed", "-i", r's/"pid": *[0-9]*/"pid": 1/', lock)


# -- the order -------------------------------------------------------------------------------------


def arm(stage: Stage) -> None:
    """Let the server start the bullet instead of the runner wherever there is an order."""
    stage.root("mkdir", "-p", PLACE)
    _write(stage, f"{PLACE}/bullet.py", BULLET.read_text())
    _write(stage, stages.RUNNER, WRAPPER)
    _disarm(stage)
    stage.root("sync")  # these are the proof's own: a power loss is not to take them


def _disarm(stage: Stage) -> None:
    names = (f"{PLACE}/{name}" for name in ("order.json", "reached.json", "go"))
    stage.root("rm", "-f", *names)


def _order(stage: Stage, case: Case, act: int) -> None:
    order = {"fault": case.fault, "when": case.when, "phase": case.phase, "act": act}
    means = {"script": disk.FILL, "point": POINT_PORT}
    _write(stage, f"{PLACE}/order.json", json.dumps({**order, **means}))


def middle(stage: Stage, case: Case) -> int:
    """The act of a phase in whose middle something is to happen: half of all that it has.

    They are counted once for an operation, in a run that nothing happens to.
    """
    if case.when != "middle":
        return 0
    if case.op not in stage.acts:
        with _counting(stage):
            stage.type(*plan(stage, case.op).words)
            told = _document(stage, "reached.json") or {}
        stage.acts[case.op] = dict(told.get("acts", {}))
    return max(1, (stage.acts[case.op].get(case.phase, 0) + 1) // 2)


@contextmanager
def _counting(stage: Stage) -> Iterator[None]:
    _write(stage, f"{PLACE}/order.json", json.dumps({"fault": "none"}))
    try:
        yield
    finally:
        _disarm(stage)


def _document(stage: Stage, name: str) -> dict[str, Any] | None:
    done = stage.root("cat", f"{PLACE}/{name}", check=False)
    if done.exit_code != 0:
        return None
    value: dict[str, Any] = json.loads(done.stdout)
    return value


def _write(stage: Stage, path: str, text: str) -> None:
    """Put a file on the server, as a whole: a command may be reading the one before."""
    line = 'cat > "$1.new" && chmod 755 "$1.new" && mv "$1.new" "$1"'
    done = stage.scene.server.exec(["sh", "-c", line, "sh", path], stdin=text.encode())
    if done.exit_code != 0:
        raise ToolError("cannot be written", where=path)
