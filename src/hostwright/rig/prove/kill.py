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
from hostwright.rig.prove.rows import RESTORED, Killed, one_line
from hostwright.rig.prove.typed import Typed
from hostwright.rig.virtual import POINT_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.rig.load import Report
    from hostwright.rig.prove.cases import Case
    from hostwright.rig.prove.stage import Stage
    from hostwright.rig.prove.typed import Ended
    from hostwright.rig.server import Server
    from hostwright.run import Completed

PLACE = "/var/lib/hostwright-proof"
BULLET = Path(__file__).with_name("bullet.py")
#: What lies beside the bullet while a row is taken.
NOTES = ("order.json", "reached.json", "happened.json", "go")
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
        boot: What it said where it did not start as it should.
        spared: Why what was to happen did not happen as it should; empty where it did.
    """

    ended: Ended
    reached: bool
    refused: bool = True
    back: bool = True
    boot: str = ""
    spared: str = ""


def attempt(stage: Stage, case: Case) -> Killed:
    """Try a case; the server serves and is whole afterwards, unless the row says that it is not.

    Raises:
        ToolError: The server cannot even be asked any more.
    """
    began = time.monotonic()
    arm(stage)
    act = middle(stage, case)
    deed = plan(stage, case.op)
    _order(stage, case, act)
    rate = SLOW_RATE if case.fault == "power" else RATE
    with LoadGenerator(stage.stream(rate, writes=case.op != "restore")) as load:
        time.sleep(0.5 * stage.patience)
        seen = _disturbed(stage, case, deed)
        _disarm(stage)
        between = _between(stage, case, deed)
        moment = load.elapsed
        again = stage.type(*deed.again, check=False)
        time.sleep(0.5 * stage.patience)
        report = load.stop()
    after = _after(stage, case)
    row = Killed(
        case=case,
        reached=seen.reached,
        code=seen.ended.code,
        during=tuple(version for version, at in report.first.items() if at < moment),
        between=between,
        found=found(again.stderr),
        after=after,
        wanted=deed.goal,
        sent=report.sent,
        failed=report.failed,
        reads_failed=reads_failed(report),
        pause=report.pause,
        lost=0,
        manual=_cleaned(stage, again),
        refused=seen.refused,
        failures=report.failures,
        back=seen.back,
        boot=seen.boot,
        writes=report.writes,
        spared=seen.spared,
    )
    row = _with_data(stage, row, deed, report)
    return replace(row, seconds=time.monotonic() - began)


def reads_failed(report: Report) -> int:
    """Failed requests that would have changed nothing."""
    return sum(count for why, count in report.failures.items() if not why.startswith("POST "))


def found(stderr: str) -> str:
    """What a command said of what it found: the first that says most."""
    lines = [line.strip() for line in stderr.splitlines()]
    told = (words.search(line) for words in _FOUND for line in lines)
    return next((match.group(1) for match in told if match), "")


def _between(stage: Stage, case: Case, deed: Deed) -> str:
    """Who serves and answers before the next command; empty where nobody does."""
    link, version = stage.link(), stage.serving()
    if not (link and version):
        return ""
    moved = link != deed.old
    # Of a rollback or a restore, both releases may be of the same version.
    if case.op == "deploy" and moved != (version == deed.goal):
        return f"version {version}, but {'the new' if moved else 'the old'} release by the link,"
    return "new" if moved else "old"


def _after(stage: Stage, case: Case) -> str:
    """Who serves; for a deploy that is a version, since the next command makes a new release."""
    try:
        whole = stage.whole()
    except ToolError as error:
        stage.root("true")  # a server that cannot be asked at all is no row
        return f"what cannot be told ({one_line(str(error))})"
    if whole != stage.link():
        return whole
    version = stage.serving()
    if not version:
        return "nothing answers"
    return version if case.op == "deploy" else whole


def _cleaned(stage: Stage, again: Completed) -> tuple[str, ...]:
    """What the next command failed with, and what the one failed with that was to mend that."""
    if again.exit_code == 0:
        return ()
    cleaning = stage.type("vps.deploy", *stage.image("1"), check=False)
    failed = (f"then vps.deploy failed: {last_line(cleaning)}",) if cleaning.exit_code else ()
    return (last_line(again), *failed)


def last_line(done: Completed) -> str:
    """The last thing that a command said."""
    return (done.tail.splitlines() or [f"exit code {done.exit_code}, without a word"])[-1]


def _with_data(stage: Stage, row: Killed, deed: Deed, report: Report) -> Killed:
    try:
        return _judged(stage, row, deed, report)
    except ToolError as error:
        stage.root("true")  # as above
        data = f"the database does not answer: {one_line(str(error))}"
        return replace(row, lost=max(1, report.writes), data=data)


def _judged(stage: Stage, row: Killed, deed: Deed, report: Report) -> Killed:
    if row.case.op == "restore":
        now = stage.checksum()
        names = {deed.before: "as before", deed.backup: RESTORED}
        return replace(row, lost=int(now not in names), data=names.get(now, "neither"))
    jobs = stage.undone(report.posted)
    # A write that was answered without naming what it made cannot be shown to be there.
    lost = report.writes - stage.items(report.posted)
    state = f"{jobs} jobs not done" if jobs else "all done"
    return replace(row, lost=lost, jobs=jobs, data=f"{report.writes} writes, {state}")


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
            return _switched_off(stage, case, typed)
        if case.fault == "busy":
            refused = _second(stage, typed, deed)
        ended = typed.end()
    finally:
        typed.kill()
    if case.fault == "full":
        disk.make_room(stage.scene.server)
    borrowed = case.fault != "owner" or _borrow(stage)
    stage.idle()
    reached = _document(stage, "reached.json")
    why = spared(case, reached, _document(stage, "happened.json"))
    if not (why or borrowed):
        why = "the lock names no other process"
    return Disturbed(ended, reached is not None, refused, spared=why)


def spared(case: Case, reached: dict[str, Any] | None, come: dict[str, Any] | None) -> str:
    """Why what was to happen did not happen as it should, by what the bullet wrote down."""
    if reached is None:
        return ""  # which is a break of its own
    if reached.get("phase") != case.phase:
        return f"reached in another phase: {reached.get('phase')}"
    proofs = {
        "cut": ("line", "no connection was cut"),
        "full": ("refuses", "the disk was not full"),
        "ahead": ("days", "the clock did not jump"),
        "back": ("days", "the clock did not jump"),
        "busy": ("go", "it went on before the second command had ended"),
    }
    if case.fault not in proofs:
        return ""
    name, words = proofs[case.fault]
    if come is None:
        return "what happened did not come to its end"
    free = f": {come.get('free')} bytes are free" if case.fault == "full" else ""
    return "" if come.get(name) else f"{words}{free}"


def _switched_off(stage: Stage, case: Case, typed: Typed) -> Disturbed:
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
    boot = _booted(server)
    # Of a loss of power this may be gone; then the port has told of the point alone.
    why = spared(case, _document(stage, "reached.json"), None)
    # A power loss may have brought the order back: the next command is to meet the runner itself.
    _disarm(stage)
    back = stage.back() and not boot
    stage.idle()
    return Disturbed(ended, reached, back=back, boot=boot, spared=why)


def _booted(server: Server) -> str:
    """Switch it on; what it says where it runs and is not well.

    Raises:
        ToolError: It does not run at all.
    """
    try:
        server.boot()
    except ToolError as error:
        if not server.running:
            raise
        return one_line(str(error))
    return ""


def _second(stage: Stage, typed: Typed, deed: Deed) -> bool:
    """Type another command while the first one waits; whether it is refused as it should be."""
    stages.until(
        lambda: _document(stage, "reached.json") is not None or not typed.running, REACH_SECONDS
    )
    second = stage.type(*deed.second, check=False)
    stage.root("touch", f"{PLACE}/go")
    return second.exit_code == Busy.exit_code


def _borrow(stage: Stage) -> bool:
    """Let the dead owner's lock name a process that lives, the init of the server; whether so."""
    lock = f"{stages.STATE}/lock"
    stage.root("sed", "-i", r's/"pid": *[0-9]*/"pid": 1/', lock)
    try:
        told = json.loads(stage.root("cat", lock).stdout)
    except ValueError:
        return False
    return isinstance(told, dict) and told.get("pid") == 1


# -- the order -------------------------------------------------------------------------------------


def arm(stage: Stage) -> None:
    """Let the server start the bullet instead of the runner wherever there is an order."""
    stage.root("mkdir", "-p", PLACE)
    _write(stage, f"{PLACE}/bullet.py", BULLET.read_text())
    _write(stage, stages.RUNNER, WRAPPER)
    _disarm(stage)
    stage.root("sync")  # these are the proof's own: a power loss is not to take them


def _disarm(stage: Stage) -> None:
    names = (f"{PLACE}/{name}" for name in NOTES)
    stage.root("rm", "-f", *names)


def _order(stage: Stage, case: Case, act: int) -> None:
    order = {"fault": case.fault, "when": case.when, "phase": case.phase, "act": act}
    means = {"script": disk.FILL, "disk": disk.PLACE, "point": POINT_PORT}
    _write(stage, f"{PLACE}/order.json", json.dumps({**order, **means}))


def middle(stage: Stage, case: Case) -> int:
    """The act of a phase in whose middle something is to happen: half of all that it has.

    They are counted once for an operation, in a run that nothing happens to.

    Raises:
        ToolError: That run told of no act at all, or never came to this phase.
    """
    if case.when != "middle":
        return 0
    if case.op not in stage.acts:
        words = plan(stage, case.op).words  # first: that takes commands of its own
        with _counting(stage):
            stage.type(*words)
            told = _document(stage, "reached.json") or {}
        acts = dict(told.get("acts", {}))
        half(acts, case)  # what cannot be used is not kept
        stage.acts[case.op] = acts
    return half(stage.acts[case.op], case)


def half(acts: dict[str, int], case: Case) -> int:
    """Half of the acts of a phase; one of the phases may have none, and is hit at its end.

    Raises:
        ToolError: The operation never came to this phase when they were counted.
    """
    if case.phase not in acts or not any(acts.values()):
        raise ToolError(f"{case.phase} has no acts that could be counted", where=case.op)
    return max(1, (acts[case.phase] + 1) // 2)


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
