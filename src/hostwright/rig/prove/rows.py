"""What is written down of a case, and what of it breaks the promise: pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from hostwright.errors import Unreachable
from hostwright.rig.prove.cases import (
    DEADLY,
    FAILS_IN,
    HARMLESS,
    LOAD_FLOOR,
    LOAD_RATE,
    MOVES,
    Case,
    Load,
    Size,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How long a reason may be on a page.
_LINE = 300
#: Whose data it is after a restore that came to its end.
RESTORED = "the backup's"


@dataclass(frozen=True)
class Killed:
    """What became of a case of the kill table.

    Attributes:
        case: What was tried.
        reached: The point was reached, and it happened there.
        code: Exit code of the command that it happened to.
        during: Versions that answered before the next command was typed, in their order.
        between: Who answered before the next command: ``old`` or ``new``; empty where nobody did.
        found: What the next command said of what it found; empty where it found nothing to do.
        after: Who served after the next command, and whether that was whole and answered.
        wanted: What *after* is to be.
        sent: Requests sent.
        failed: Those that failed.
        reads_failed: Those of them that would have changed nothing.
        pause: Longest time without a good answer, in seconds.
        lost: Writes that were acknowledged and are gone; for a restore, 1 where the data is neither
            that of before nor that of the backup.
        data: A word on the data, where there is one to say.
        manual: What somebody had to do by hand, beyond typing the next command.
        refused: A second command was refused, where one was typed.
        failures: How often each reason came, of failed requests.
        seconds: How long the row took.
        back: A server that was killed, or lost its power, served again by itself.
        boot: What it said where it did not start as it should.
        writes: Writes that were answered.
        jobs: Jobs of answered writes that were not done in the time that they were given.
        spared: Why what was to happen did not happen as it should; empty where it did.
    """

    case: Case
    reached: bool
    code: int
    during: tuple[str, ...]
    between: str
    found: str
    after: str
    wanted: str
    sent: int
    failed: int
    reads_failed: int
    pause: float
    lost: int
    data: str = ""
    manual: tuple[str, ...] = ()
    refused: bool = True
    failures: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    back: bool = True
    boot: str = ""
    writes: int = 0
    jobs: int = 0
    spared: str = ""

    @property
    def spoiled(self) -> bool:
        """Whether its server is none to take another row on."""
        return bool(self.manual) or not self.back or self.after != self.wanted

    def broken(self) -> list[str]:
        """What of it breaks the promise, in words; empty where it keeps it."""
        case, may = self.case, self.case.may_fail
        harmless, restores = case.fault in HARMLESS, case.op == "restore"
        failed = {"any": 0, "writes": self.reads_failed, "": self.failed}[may]
        checks = (
            (self.reached, "the point was never reached"),
            (not self.spared, self.spared),
            (self._ended_right, f"the command ended with exit code {self.code}"),
            (self.back, f"it did not serve again by itself{self.boot and f': {self.boot}'}"),
            (self.between in case.serves, f"{self.between or 'nothing'} served before the next"),
            (self.after == self.wanted, f"{self.after} after the next command"),
            (not failed, f"{failed} of {self.sent} requests failed"),
            (not (harmless and self.found), f"the next command found: {self.found}"),
            (restores or self.writes, "no write was answered"),
            (not self.lost, f"data lost: {self.lost}"),
            (
                not (harmless and restores) or self.data == RESTORED,
                f"the data is {self.data or 'not known'}, not {RESTORED}",
            ),
            # Redis flushes its log once a second: a power loss may take the jobs of that second.
            (not self.jobs or case.fault == "power", f"{self.jobs} jobs not done"),
            (not self.manual, f"by hand: {', '.join(self.manual)}"),
            (self.refused, "the second command was not refused"),
        )
        return [words for kept, words in checks if not kept]

    @property
    def _ended_right(self) -> bool:
        """Whether the command ended as what happened to it leaves it no choice but to."""
        fault = self.case.fault
        if fault == "cut":
            return self.code == Unreachable.exit_code
        if fault in HARMLESS:
            return self.code == 0
        # What a full disk stops depends on how much of the work was left.
        return self.code != 0 if fault in DEADLY | {"killed", "owner"} else True


@dataclass(frozen=True)
class Loaded:
    """What became of a part of the load table.

    Attributes:
        case: What was done.
        sent: Requests sent.
        failed: Those that failed.
        failures: How often each reason came.
        p99: 99th percentile of good, quick requests, of the worst run, in seconds.
        pause: Longest time without a good answer, of the worst run, in seconds.
        sockets: WebSockets dropped.
        codes: Exit codes of the commands.
        jobs: Jobs that the worker has not done in the end.
        switch: Milliseconds of the rename that is the switch, run by run.
        serving: Seconds from being connected to serving, run by run.
        rate: Requests per second that were really sent, of the worst run.
        writes: Answered writes, of the worst run.
        echoed: Echoes of the WebSocket, of the worst run.
        phases: The phases in which commands failed, run by run.
    """

    case: Load
    sent: int
    failed: int
    failures: Mapping[str, int]
    p99: float
    pause: float
    sockets: int
    codes: tuple[int, ...] = ()
    jobs: int = 0
    switch: tuple[float, ...] = ()
    serving: tuple[float, ...] = ()
    seconds: float = 0.0
    rate: float = 0.0
    writes: int = 0
    echoed: int = 0
    phases: tuple[str, ...] = ()

    def broken(self) -> list[str]:
        """What of it breaks the promise."""
        case, timed = self.case, len(self.switch)
        expected = (FAILS_IN[case.what],) * case.runs if case.what in FAILS_IN else self.phases
        wrong = [code for code in self.codes if code != case.code]
        checks = (
            (not (case.quiet and self.failed), f"{self.failed} of {self.sent} requests failed"),
            (not (case.quiet and self.sockets), f"{self.sockets} WebSockets were dropped"),
            (not wrong, f"exit codes {wrong}, not {case.code}"),
            (not self.jobs, f"{self.jobs} jobs were not done"),
            (self.rate >= LOAD_FLOOR * LOAD_RATE, f"only {self.rate:.0f} requests per second sent"),
            (self.writes > 0, "a run without an answered write"),
            (self.echoed > 0, "a run without an echo of the WebSocket"),
            (case.what not in MOVES or timed == case.runs, f"{timed} of {case.runs} runs switched"),
            (self.phases == expected, f"failed in {self.phases}, not {expected}"),
        )
        return [words for kept, words in checks if not kept]


@dataclass(frozen=True)
class Restored:
    """What became of a row of the restore table. Times are seconds, sizes bytes.

    Attributes:
        case: How large.
        database: What Postgres says of its size.
        rows: Rows in all tables.
        backup: Time of the backup.
        stored: What it added to the repository.
        drill: Time of the drill.
        restore: Time of the restore into place.
        recover: Time of making an empty server the one that was lost; None where it was not tried.
        age: Age of the data when it served again on the new server, or in place.
        equal: Whether every row was as before, after each restore.
        seconds: How long the row took.
    """

    case: Size
    database: int
    rows: int
    backup: float
    stored: int
    drill: float
    restore: float
    recover: float | None
    age: float
    equal: Mapping[str, bool] = field(default_factory=dict)
    seconds: float = 0.0

    def broken(self) -> list[str]:
        """What of it breaks the promise."""
        small = self.database < self.case.mb * 1_000_000
        found = [f"not row for row after {name}" for name, same in self.equal.items() if not same]
        return [*found, *(["the database is smaller than it should be"] if small else [])]


def one_line(text: str) -> str:
    """A text as one line that a page has room for."""
    line = " ".join(text.split())
    return line if len(line) <= _LINE else f"{line[:_LINE]} …"


Row = Killed | Loaded | Restored
_KINDS: dict[str, tuple[type[Row], type[Case | Load | Size]]] = {
    "kill": (Killed, Case),
    "power": (Killed, Case),
    "load": (Loaded, Load),
    "restore": (Restored, Size),
}


def plain(row: Row) -> dict[str, Any]:
    """A row as JSON."""
    return {**asdict(row), "case": row.case._asdict(), "broken": row.broken()}


def read(group: str, value: Mapping[str, Any]) -> Row:
    """A row from its JSON.

    Raises:
        TypeError, KeyError: It is none of this version.
    """
    kind, case = _KINDS[group]
    given = {key: _exact(item) for key, item in value.items() if key != "broken"}
    row: Row = kind(**{**given, "case": case(**value["case"])})
    return row


def _exact(item: Any) -> Any:  # noqa: ANN401 - JSON
    return tuple(item) if isinstance(item, list) else item
